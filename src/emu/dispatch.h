/* emu/dispatch.h: carries a complete request out. */
#ifndef EMU_DISPATCH_H
#define EMU_DISPATCH_H

#include "emu/request.h"

/* Lets the handler answer.  What a verb does that acts in its own time, too. */
void dispatch_handle(struct request *req);

/* Afterwards req->reply or req->plan.silent says what to send, and the time for
 * sending it has come. */
void dispatch(struct request *req);

/* Counts the request and logs it. */
void dispatch_record(struct request *req);

#endif
