/* fs/gate: lets so many requests wait for the network at once, and no more.
 *
 * The three functions of libfuse that the gate calls are here, as far as it relies
 * on them: a request has a lock, under which an interrupt calls the function that
 * was set, and setting one calls it at once when the interrupt has come already. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/lock.h"
#include "fs/gate.h"
#include "tests/support/unit.h"

struct fuse_req {
	struct lock lock;
	bool interrupted; /* with lock */
	fuse_interrupt_func_t func;
	void *data;
	int replies; /* atomic */
	int err;
};

int
fuse_reply_err(fuse_req_t req, int err)
{
	req->err = err;
	__atomic_add_fetch(&req->replies, 1, __ATOMIC_SEQ_CST);
	return 0;
}

void
fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	lock_take(&req->lock);
	req->func = func;
	req->data = data;
	if (req->interrupted && func != NULL)
		func(req, data);
	lock_drop(&req->lock);
}

int
fuse_req_interrupted(fuse_req_t req)
{
	int interrupted;

	lock_take(&req->lock);
	interrupted = req->interrupted;
	lock_drop(&req->lock);
	return interrupted;
}

static void
interrupt(struct fuse_req *req)
{
	lock_take(&req->lock);
	req->interrupted = true;
	if (req->func != NULL)
		req->func(req, req->data);
	lock_drop(&req->lock);
}

/* --- jobs --------------------------------------------------------------------- */

/* What jobs do: they wait until told to go on, and say that they ran. */
static struct {
	struct lock lock;
	struct cond changed;
	bool blocked;
	unsigned inside, most, ran;
	char names[256];
} state;

static void
state_init(bool blocked)
{
	memset(&state, 0, sizeof(state));
	lock_init(&state.lock, "state");
	cond_init(&state.changed);
	state.blocked = blocked;
}

static void
run(struct ops *o, struct job *j)
{
	int err = 0;

	(void)o;
	lock_take(&state.lock);
	state.inside++;
	if (state.inside > state.most)
		state.most = state.inside;
	cond_broadcast(&state.changed);
	while (state.blocked && !call_interrupted(&j->call))
		(void)cond_wait_ms(&state.changed, &state.lock, 10);
	if (state.blocked)
		err = EINTR;
	state.inside--;
	state.ran++;
	if (j->name[0] != '\0' && strlen(state.names) < 200) {
		strncat(state.names, j->name, 20);
		strncat(state.names, j->data, j->size);
	}
	cond_broadcast(&state.changed);
	lock_drop(&state.lock);
	(void)fuse_reply_err(j->req, err);
}

struct sender {
	struct gate *gate;
	struct fuse_req req;
	const char *name;
	pthread_t thread;
	bool returned; /* atomic */
};

static void *
send_one(void *arg)
{
	struct sender *s = arg;
	char name[16] = "", data[4] = "<>";
	struct job j = { .run = run, .req = &s->req, .op = "test", .name = name,
		.data = data, .has_data = true, .size = 2 };

	strncat(name, s->name, sizeof(name) - 1);
	gate_pass(s->gate, &j);
	/* What the job pointed to goes when gate_pass returns. */
	memset(name, '!', sizeof(name));
	memset(data, '!', sizeof(data));
	__atomic_store_n(&s->returned, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
sender_start(struct sender *s, struct gate *g, const char *name)
{
	*s = (struct sender){ .gate = g, .name = name };
	lock_init(&s->req.lock, "request");
	ck_assert_int_eq(pthread_create(&s->thread, NULL, send_one, s), 0);
}

static void
await_inside(unsigned n)
{
	lock_take(&state.lock);
	while (state.inside < n)
		cond_wait(&state.changed, &state.lock);
	lock_drop(&state.lock);
}

static void
let_go(void)
{
	lock_take(&state.lock);
	state.blocked = false;
	cond_broadcast(&state.changed);
	lock_drop(&state.lock);
}

static void
join(struct sender *s)
{
	ck_assert_int_eq(pthread_join(s->thread, NULL), 0);
}

START_TEST(a_request_runs_and_is_answered_once)
{
	struct gate *g;
	struct sender s;

	state_init(false);
	ck_assert_int_eq(gate_new(NULL, 1, &g), 0);
	sender_start(&s, g, "a");
	join(&s);
	ck_assert_int_eq(s.req.replies, 1);
	ck_assert_int_eq(s.req.err, 0);
	gate_free(g);
}
END_TEST

START_TEST(a_request_beyond_the_limit_gives_its_thread_back_and_runs_later)
{
	struct sender first[2], rest[3];
	struct gate *g;

	state_init(true);
	ck_assert_int_eq(gate_new(NULL, 2, &g), 0);
	sender_start(&first[0], g, "");
	sender_start(&first[1], g, "");
	await_inside(2);
	for (int i = 0; i < 3; i++) {
		sender_start(&rest[i], g, i == 0 ? "a" : i == 1 ? "b" : "c");
		join(&rest[i]); /* its thread is free though nothing is done */
		ck_assert_int_eq(rest[i].req.replies, 0);
	}
	ck_assert_int_eq(counter_get(CTR_fuse_queued), 3);
	let_go();
	join(&first[0]);
	join(&first[1]);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rest[i].req.replies, 1);
		ck_assert_int_eq(rest[i].req.err, 0);
	}
	ck_assert_uint_eq(state.ran, 5);
	ck_assert_uint_eq(state.most, 2);
	/* With its arguments, though the caller's are gone. */
	ck_assert_ptr_nonnull(strstr(state.names, "a<>"));
	ck_assert_ptr_nonnull(strstr(state.names, "b<>"));
	ck_assert_ptr_nonnull(strstr(state.names, "c<>"));
	ck_assert_int_eq(counter_get(CTR_fuse_queued), 0);
	ck_assert_int_eq(counter_get(CTR_fuse_blocked), 0);
	gate_free(g);
}
END_TEST

START_TEST(one_that_waits_in_line_is_interrupted_at_once)
{
	struct sender first, second;
	struct gate *g;

	state_init(true);
	ck_assert_int_eq(gate_new(NULL, 1, &g), 0);
	sender_start(&first, g, "");
	await_inside(1);
	sender_start(&second, g, "x");
	join(&second);
	interrupt(&second.req);
	ck_assert_int_eq(second.req.replies, 1);
	ck_assert_int_eq(second.req.err, EINTR);
	let_go();
	join(&first);
	ck_assert_uint_eq(state.ran, 1);
	ck_assert_int_eq(second.req.replies, 1);
	gate_free(g);
}
END_TEST

START_TEST(one_that_came_interrupted_is_not_put_in_line)
{
	struct sender first, second = { .name = "x" };
	struct gate *g;

	state_init(true);
	ck_assert_int_eq(gate_new(NULL, 1, &g), 0);
	sender_start(&first, g, "");
	await_inside(1);
	second.gate = g;
	lock_init(&second.req.lock, "request");
	second.req.interrupted = true;
	(void)send_one(&second);
	ck_assert_int_eq(second.req.replies, 1);
	ck_assert_int_eq(second.req.err, EINTR);
	let_go();
	join(&first);
	ck_assert_uint_eq(state.ran, 1);
	gate_free(g);
}
END_TEST

START_TEST(one_that_runs_learns_of_its_interruption)
{
	struct sender s;
	struct gate *g;

	state_init(true);
	ck_assert_int_eq(gate_new(NULL, 1, &g), 0);
	sender_start(&s, g, "");
	await_inside(1);
	interrupt(&s.req);
	join(&s);
	ck_assert_int_eq(s.req.replies, 1);
	ck_assert_int_eq(s.req.err, EINTR);
	gate_free(g);
}
END_TEST

#define STORM 60

START_TEST(of_many_at_once_each_is_answered_once)
{
	static struct sender all[STORM];
	struct gate *g;

	state_init(false);
	ck_assert_int_eq(gate_new(NULL, 3, &g), 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < STORM; i++)
			sender_start(&all[i], g, "");
		for (int i = 0; i < STORM; i += 3)
			interrupt(&all[i].req);
		for (int i = 0; i < STORM; i++)
			join(&all[i]);
		for (int i = 0; i < STORM; i++)
			ck_assert_int_eq(all[i].req.replies, 1);
	}
	ck_assert_uint_le(state.most, 3);
	ck_assert_int_eq(counter_get(CTR_fuse_queued), 0);
	ck_assert_int_eq(counter_get(CTR_fuse_blocked), 0);
	gate_free(g);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_request_runs_and_is_answered_once),
	UNIT(a_request_beyond_the_limit_gives_its_thread_back_and_runs_later),
	UNIT(one_that_waits_in_line_is_interrupted_at_once),
	UNIT(one_that_came_interrupted_is_not_put_in_line),
	UNIT(one_that_runs_learns_of_its_interruption),
	UNIT(of_many_at_once_each_is_answered_once),
};

UNIT_MAIN("gate", tests)
