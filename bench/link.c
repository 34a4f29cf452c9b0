/* bench/link.c - a link with a round trip and a bandwidth, between two network
 * namespaces.
 *
 * A stand-in for netem where the kernel has none.  Each end is a TUN device in a
 * namespace of its own; what one end sends, this program hands to the other after
 * half a round trip, and no faster than the bandwidth allows.  Both ends run the
 * kernel's TCP, so handshakes, slow start and windows cost what they cost.
 * Segments travel in the large packets that the kernel makes before it cuts them
 * (the header of virtio), so that a packet costs one read and one write here.
 *
 * The addresses may be in 127.0.0.0/8, for servers that listen on loopback alone:
 * lo keeps 127.0.0.1 and nothing else of that network.
 *
 * Namespaces and devices have no names outside and end with this program, however
 * it ends; it ends when its parent does. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"

#include "base/banned.h"

#define DEVICE       "wan0"
#define DEVICE_QUEUE 20000 /* packets that the kernel keeps for us */
#define PACKET_MAX   66000
#define BATCH        64 /* packets of one direction before the other's turn */
#define NS           INT64_C(1000000000)
#define QUEUE_MS     "100"
#define MEMORY_MAX   (INT64_C(256) << 20) /* bytes under way in a direction */

static const char usage[] =
    "usage: link ADDRESS-A ADDRESS-B RTT-MS [MBIT [QUEUE-MS]]   (as root)\n"
    "Joins two new network namespaces.  When they are joined it prints the files\n"
    "that name them, for nsenter --net=FILE, A's first.  MBIT is the bandwidth of\n"
    "each direction in megabits a second (0: no limit), of which at most QUEUE-MS\n"
    "(" QUEUE_MS ") wait in line; what comes then is dropped.\n";

struct packet {
	struct packet *next;
	int64_t due_ns;
	size_t len;
	char bytes[];
};

/* What travels from one device to the other, in order. */
struct direction {
	int from, to;
	struct packet *head, **tail;
	int64_t free_ns; /* when the wire has sent what was put on it */
	int64_t queued;  /* bytes */
};

/* Set once, from the command line. */
static int64_t one_way_ns, queue_ns;
static double ns_a_byte;

static void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

static void
die(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	(void)fputs("link: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

/* --- the ends --- */

static void
set_address(int sock, unsigned long request, struct ifreq *r, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &in.sin_addr) != 1) {
		errno = EINVAL;
		die("%s", text);
	}
	memcpy(&r->ifr_addr, &in, sizeof(in));
	if (ioctl(sock, request, r) < 0)
		die("%s of %s", text, r->ifr_name);
}

static void
bring_up(int sock, struct ifreq *r)
{
	if (ioctl(sock, SIOCGIFFLAGS, r) < 0)
		die("flags of %s", r->ifr_name);
	r->ifr_flags = (short)(r->ifr_flags | IFF_UP);
	if (ioctl(sock, SIOCSIFFLAGS, r) < 0)
		die("up, %s", r->ifr_name);
}

/* Packets from and to 127.0.0.0/8 may pass a device that is not lo. */
static void
route_loopback(void)
{
	static const char file[] = "/proc/sys/net/ipv4/conf/all/route_localnet";
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		die("%s", file);
	(void)close(fd);
}

static int
open_device(void)
{
	struct ifreq r = { .ifr_name = DEVICE,
		.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		die("/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		die("a TUN device");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		die("offloads of a TUN device");
	return fd;
}

/* Makes a namespace, enters it, and makes its end of the link; returns the device.
 * *out becomes a descriptor of the namespace. */
static int
make_end(const char *address, const char *peer, int *out)
{
	struct ifreq lo = { .ifr_name = "lo" }, wan = { .ifr_name = DEVICE };
	int device, sock;

	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace");
	*out = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*out < 0 || sock < 0)
		die("the new namespace");
	bring_up(sock, &lo);
	set_address(sock, SIOCSIFADDR, &lo, "127.0.0.1");
	set_address(sock, SIOCSIFNETMASK, &lo, "255.255.255.255");
	route_loopback();

	device = open_device();
	set_address(sock, SIOCSIFADDR, &wan, address);
	set_address(sock, SIOCSIFDSTADDR, &wan, peer);
	wan.ifr_qlen = DEVICE_QUEUE;
	if (ioctl(sock, SIOCSIFTXQLEN, &wan) < 0)
		die("queue of " DEVICE);
	bring_up(sock, &wan);
	(void)close(sock);
	return device;
}

/* --- the way --- */

/* When a packet of len bytes has left the wire; -1 when the line is too long. */
static int64_t
pass_wire(struct direction *d, size_t len)
{
	int64_t now = now_ns();

	if (d->free_ns < now)
		d->free_ns = now;
	if (d->free_ns - now > queue_ns)
		return -1;
	d->free_ns += (int64_t)((double)len * ns_a_byte);
	return d->free_ns;
}

static void
take_packets(struct direction *d)
{
	static char bytes[PACKET_MAX];

	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(d->from, bytes, sizeof(bytes));
		struct packet *p;
		int64_t sent_ns;

		if (n <= 0)
			return;
		sent_ns = pass_wire(d, (size_t)n);
		if (sent_ns < 0 || d->queued > MEMORY_MAX)
			continue;
		p = malloc(sizeof(*p) + (size_t)n);
		if (p == NULL)
			die("a packet");
		memcpy(p->bytes, bytes, (size_t)n);
		p->len = (size_t)n;
		p->due_ns = sent_ns + one_way_ns;
		p->next = NULL;
		*d->tail = p;
		d->tail = &p->next;
		d->queued += n;
	}
}

static void
give_packets(struct direction *d)
{
	int64_t now = now_ns();

	while (d->head != NULL && d->head->due_ns <= now) {
		struct packet *p = d->head;

		/* One that the device refuses is lost, as on any link. */
		if (write(d->to, p->bytes, p->len) < 0 && errno == EAGAIN)
			return;
		d->queued -= (int64_t)p->len;
		d->head = p->next;
		if (d->head == NULL)
			d->tail = &d->head;
		free(p);
	}
}

/* Until a packet comes, or one is due. */
static void
await(const struct direction *d, size_t n)
{
	struct pollfd fds[2];
	int64_t wait_ns = NS, now = now_ns();
	struct timespec t;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = d[i].from, .events = POLLIN };
		if (d[i].head != NULL && d[i].head->due_ns - now < wait_ns)
			wait_ns = d[i].head->due_ns - now;
	}
	if (wait_ns < 0)
		wait_ns = 0;
	t = (struct timespec){ .tv_sec = wait_ns / NS, .tv_nsec = wait_ns % NS };
	(void)ppoll(fds, (nfds_t)n, &t, NULL);
}

/* --- the command line --- */

static double
number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= 1e6)) {
		(void)fprintf(stderr, "link: '%s' is no number\n%s", text, usage);
		exit(2);
	}
	return value;
}

static void
end_with_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		die("prctl");
	if (getppid() != parent)
		exit(1); /* it ended before we asked */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL);
}

int
main(int argc, char **argv)
{
	struct direction d[2] = { 0 };
	int ns_a, ns_b;
	double mbit;

	if (argc < 4 || argc > 6) {
		(void)fputs(usage, stderr);
		return 2;
	}
	one_way_ns = (int64_t)(number(argv[3]) * 1e6 / 2);
	mbit = argc > 4 ? number(argv[4]) : 0;
	ns_a_byte = mbit > 0 ? 8000 / mbit : 0;
	queue_ns = (int64_t)(number(argc > 5 ? argv[5] : QUEUE_MS) * 1e6);

	end_with_parent();
	/* Packets come and go: their memory stays. */
	(void)mallopt(M_TRIM_THRESHOLD, (int)MEMORY_MAX);
	d[0].from = d[1].to = make_end(argv[1], argv[2], &ns_a);
	d[1].from = d[0].to = make_end(argv[2], argv[1], &ns_b);
	d[0].tail = &d[0].head;
	d[1].tail = &d[1].head;
	if (printf("/proc/%d/fd/%d /proc/%d/fd/%d\n", getpid(), ns_a, getpid(),
		ns_b) < 0 ||
	    fflush(stdout) != 0)
		die("standard output");
	for (;;) {
		take_packets(&d[0]);
		take_packets(&d[1]);
		give_packets(&d[0]);
		give_packets(&d[1]);
		await(d, ARRAY_LEN(d));
	}
}
