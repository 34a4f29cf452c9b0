/* base/line.c - calls that wait, by class. */
#include "config.h"

#include "base/line.h"

#include <stddef.h>

#include "base/table.h"

#include "base/banned.h"

void
line_join(struct line *l, struct line_place *p, const struct call *call)
{
	*p = (struct line_place){ .call = call };
	cond_init(&p->turn);
	DL_APPEND(l->places, p);
}

/* The first of each class. */
static void
look(const struct line *l, struct line_place *first[CALL_CLASSES])
{
	struct line_place *p;

	for (int c = 0; c < CALL_CLASSES; c++)
		first[c] = NULL;
	DL_FOREACH(l->places, p) {
		enum call_class class = call_class(p->call);

		if (first[class] == NULL)
			first[class] = p;
	}
}

struct line_place *
line_first(const struct line *l)
{
	struct line_place *first[CALL_CLASSES];

	look(l, first);
	if (first[CALL_BACKGROUND] != NULL &&
	    (first[CALL_DEMAND] == NULL || l->passed >= LINE_SHARE - 1))
		return first[CALL_BACKGROUND];
	return first[CALL_DEMAND] != NULL ? first[CALL_DEMAND] :
					    first[CALL_AHEAD];
}

void
line_wake(const struct line *l)
{
	struct line_place *first = line_first(l);

	if (first != NULL)
		cond_signal(&first->turn);
}

void
line_leave(struct line *l, struct line_place *p, bool served)
{
	struct line_place *first[CALL_CLASSES];

	look(l, first);
	if (served && call_class(p->call) == CALL_BACKGROUND)
		l->passed = 0;
	else if (served && first[CALL_BACKGROUND] != NULL)
		l->passed++;
	DL_DELETE(l->places, p);
	cond_release(&p->turn);
	line_wake(l);
}

void
line_wait(struct line_place *p, struct lock *lock, int64_t wait_ms)
{
	(void)cond_wait_ms(&p->turn, lock,
	    wait_ms < CALL_TICK_MS ? wait_ms : CALL_TICK_MS);
}

void
line_count(const struct line *l, unsigned out[CALL_CLASSES])
{
	struct line_place *p;

	for (int c = 0; c < CALL_CLASSES; c++)
		out[c] = 0;
	DL_FOREACH(l->places, p)
		out[call_class(p->call)]++;
}
