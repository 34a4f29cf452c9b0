/* base/table.h: uthash and utlist, with a hash that outsiders cannot aim at.
 *
 * Include this, not <uthash.h>.  Without memory for a table the program ends, as
 * uthash does by itself. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/digest.h"

#define HASH_FUNCTION(key, len, value) \
	((value) = (unsigned)digest_xxh64((key), (len), digest_seed()))

#include <uthash.h>
#include <utlist.h>

#endif
