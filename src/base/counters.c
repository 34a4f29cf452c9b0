/* base/counters.c - numbers about the running program. */
#include "config.h"

#include "base/counters.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/banned.h"

static const struct {
	const char *name;
	const char *kind;
	const char *help;
} table[] = {
#define COUNTER(name, kind, help) { #name, #kind, help },
#include "base/counters.def"
#undef COUNTER
};

static _Atomic int64_t values[CTR_COUNT];

void
counter_add(enum counter c, int64_t n)
{
	atomic_fetch_add_explicit(&values[c], n, memory_order_relaxed);
}

int64_t
counter_get(enum counter c)
{
	return atomic_load_explicit(&values[c], memory_order_relaxed);
}

int
counters_print(struct buf *out)
{
	int ret = 0;

	for (int i = 0; i < CTR_COUNT && ret == 0; i++)
		ret = buf_printf(out,
		    "# HELP brickfs_%s %s\n# TYPE brickfs_%s %s\n"
		    "brickfs_%s %" PRId64 "\n",
		    table[i].name, table[i].help, table[i].name, table[i].kind,
		    table[i].name, counter_get((enum counter)i));
	return ret;
}
