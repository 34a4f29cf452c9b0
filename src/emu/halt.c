/* emu/halt.c - the stop flag: an eventfd that stays readable once raised. */
#include "config.h"

#include "emu/halt.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

struct halt {
	int fd; /* set once */
};

int
halt_new(struct halt **out)
{
	struct halt *h;
	int ret;

	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->fd < 0) {
		ret = -errno;
		free(h);
		return ret;
	}
	*out = h;
	return 0;
}

void
halt_free(struct halt *h)
{
	if (h == NULL)
		return;
	(void)close(h->fd);
	free(h);
}

void
halt_raise(struct halt *h)
{
	uint64_t one = 1;

	/* Fails only when the flag is up 2^64 times already. */
	if (write(h->fd, &one, sizeof(one)) < 0)
		return;
}

bool
halt_raised(struct halt *h)
{
	return halt_wait(h, -1, 0) == HALT_STOP;
}

enum halt_wait
halt_wait(struct halt *h, int client, int64_t ns)
{
	int64_t until = clock_mono_ns() + ns;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = h->fd, .events = POLLIN },
			{ .fd = client, .events = POLLRDHUP },
		};
		int64_t left = ns == HALT_FOREVER ? 0 : until - clock_mono_ns();
		struct timespec ts = { 0 };
		int n;

		if (left > 0) {
			ts.tv_sec = (time_t)(left / 1000000000);
			ts.tv_nsec = (long)(left % 1000000000);
		}
		n = ppoll(fds, 2, ns == HALT_FOREVER ? NULL : &ts, NULL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return HALT_TIME;
		return fds[0].revents != 0 ? HALT_STOP : HALT_GONE;
	}
}
