/* base/banned.h: functions that have a safer replacement here.
 *
 * Included last by every .c file of the project (through base/log.h would be a
 * side effect; so by hand), it turns their use into a compile error. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With _FORTIFY_SOURCE and clang they are macros, too. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll localtime gmtime system popen

#endif
