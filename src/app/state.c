/* app/state.c - where a mount keeps what must outlive it.
 *
 * The holder of a lock says in the file who it is and whether it still has a
 * mount, so that the next one knows if waiting helps.  That text is for people and
 * for this decision only: the lock itself is the kernel's. */
#include "config.h"

#include "app/state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/place.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

#define FORMAT_DIR "v1"
#define NAME_BYTES 100 /* of the readable part of a name */

/* How long a holder that says "mounted" may take to say that it is not, ms. */
#define GRACE_MS 3000

struct state {
	char *dir; /* set once */
	int lock;  /* descriptor; the lock goes with it */
};

int
state_base(const char *chosen, char **out)
{
	return place_base(&place_state, chosen, out);
}

/* --- names ---------------------------------------------------------------------- */

/* Appends text with everything but letters, digits and "._-" as '-', and at most
 * NAME_BYTES of it. */
static int
append_safe(struct buf *out, const char *text)
{
	int ret = 0;

	for (size_t n = 0; *text != '\0' && n < NAME_BYTES && ret == 0; n++) {
		char c = *text++;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '-' ||
			     (c == '.' && out->len > 0);

		if (!plain)
			c = '-';
		ret = buf_append(out, &c, 1);
	}
	return ret;
}

/* Appends a mark that tells keys apart which look the same when made safe. */
static int
append_mark(struct buf *out, const char *const *parts, size_t n)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < n; i++)
		hash = digest_xxh64(parts[i], strlen(parts[i]) + 1, hash);
	return buf_printf(out, "-%08" PRIx32, (uint32_t)(hash ^ hash >> 32));
}

char *
state_identity_name(const struct state_key *key)
{
	const char *const parts[] = { key->host, key->workspace, key->user };
	const char *workspace = *key->workspace != '\0' ? key->workspace : "0";
	struct buf name;
	char *out;
	int ret;

	buf_init(&name, PATH_MAX);
	ret = append_safe(&name, key->host);
	if (ret == 0)
		ret = buf_puts(&name, "-");
	if (ret == 0)
		ret = append_safe(&name, workspace);
	if (ret == 0)
		ret = buf_puts(&name, "-");
	if (ret == 0)
		ret = append_safe(&name, key->user);
	/* NAME_MAX, and the mark. */
	if (name.len > 200)
		name.len = 200;
	if (ret == 0)
		ret = append_mark(&name, parts, ARRAY_LEN(parts));
	out = ret == 0 ? buf_take(&name) : NULL;
	buf_release(&name);
	return out;
}

char *
state_mount_name(const struct state_key *key)
{
	const char *const parts[] = { key->mountpoint, key->source };
	const char *path = key->mountpoint;
	struct buf name;
	char *out;
	int ret;

	/* The end of a path says more than its beginning. */
	path += strspn(path, "/");
	if (strlen(path) > NAME_BYTES)
		path += strlen(path) - NAME_BYTES;
	buf_init(&name, PATH_MAX);
	ret = append_safe(&name, path);
	if (ret == 0)
		ret = append_mark(&name, parts, ARRAY_LEN(parts));
	out = ret == 0 ? buf_take(&name) : NULL;
	buf_release(&name);
	return out;
}

/* --- directories ---------------------------------------------------------------- */

static int
make_dirs(const char *base, const struct state_key *key, struct buf *words,
    char **out)
{
	char *identity = state_identity_name(key);
	char *mount = state_mount_name(key);
	char *path = NULL, *inside;
	int ret = -ENOMEM;

	if (identity == NULL || mount == NULL)
		goto out;
	ret = place_make(&place_state, base, key->mountpoint, words, &path);
	if (ret == 0)
		ret = place_step(&path, FORMAT_DIR, words);
	if (ret == 0)
		ret = place_step(&path, identity, words);
	if (ret == 0)
		ret = place_step(&path, mount, words);
	if (ret < 0)
		goto out;
	inside = text_dup(path);
	ret = inside != NULL ? place_step(&inside, "staging", words) : -ENOMEM;
	free(inside);
	if (ret == 0) {
		*out = path;
		path = NULL;
	}
out:
	free(path);
	free(identity);
	free(mount);
	return ret;
}

/* --- the lock --------------------------------------------------------------------- */

static void
sign(const struct state *s, const char *what)
{
	char text[64];
	int len;

	len = snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), what);
	if (ftruncate(s->lock, 0) < 0 ||
	    io_pwrite(s->lock, text, (size_t)len, 0) < 0)
		log_warn("state", "%s/lock: %s", s->dir, strerror(errno));
}

/* What the holder has signed: "PID mounted" or "PID leaving"; "" when nothing. */
static void
read_sign(const struct state *s, char *text, size_t bytes)
{
	ssize_t n = io_pread(s->lock, text, bytes - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int
take_lock(
    struct state *s, struct call *call, int64_t wait_ms, struct buf *words)
{
	int64_t start = clock_mono_ms(), waited;
	bool told = false;
	char holder[64];

	while (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
		int pid_len;
		bool leaving;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return words_say(words, -errno, "%s/lock: %s", s->dir,
			    strerror(errno));
		read_sign(s, holder, sizeof(holder));
		pid_len = (int)strcspn(holder, " ");
		leaving = text_ends(holder, " leaving");
		waited = clock_mono_ms() - start;
		if (waited > (leaving ? wait_ms : GRACE_MS))
			return words_say(words, -EBUSY,
			    "%s is in use by process"
			    " %.*s, %s",
			    s->dir, pid_len, holder,
			    leaving
				? "which is still sending what was written to an"
				  " earlier mount; wait for it, or end it"
				: "which has the same mount; unmount that one,"
				  " or end it");
		if (leaving && !told) {
			log_warn("state",
			    "waiting for process %.*s, which is"
			    " still sending what was written to an earlier"
			    " mount",
			    pid_len, holder);
			told = true;
		}
		if (call_interrupted(call))
			return words_say(words, -EINTR, "interrupted");
		(void)usleep(CALL_TICK_MS * 1000);
	}
	sign(s, "mounted");
	return 0;
}

/* Is the locked file still what its path names?  Its directory goes when another mount
 * has taken over what was in it. */
static bool
is_current(int lock, const char *path)
{
	struct stat ours, there;

	return fstat(lock, &ours) == 0 && lstat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* One try; -EAGAIN: the directory went away meanwhile. */
static int
open_once(const char *base, const struct state_key *key, struct call *call,
    int64_t wait_ms, struct buf *words, struct state *s)
{
	char *path;
	int ret;

	ret = make_dirs(base, key, words, &s->dir);
	if (ret < 0)
		return ret;
	path = text_printf("%s/lock", s->dir);
	if (path == NULL)
		return -ENOMEM;
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0 && errno == ENOENT)
		ret = -EAGAIN;
	else if (s->lock < 0)
		ret = words_say(words, -errno, "%s: %s", path, strerror(errno));
	if (ret == 0)
		ret = take_lock(s, call, wait_ms, words);
	if (ret == 0 && !is_current(s->lock, path))
		ret = -EAGAIN;
	free(path);
	return ret;
}

int
state_open(const char *base, const struct state_key *key, struct call *call,
    int64_t wait_ms, struct buf *words, struct state **out)
{
	struct state *s;
	int ret;

	do {
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return -ENOMEM;
		s->lock = -1;
		ret = open_once(base, key, call, wait_ms, words, s);
		if (ret < 0)
			state_close(s);
	} while (ret == -EAGAIN);
	if (ret == 0)
		*out = s;
	return ret;
}

/* --- other mounts ------------------------------------------------------------------ */

/* Nothing but what a mount makes: what is strange stays. */
static void
remove_dir(const char *dir)
{
	static const char *const files[] = { "journal", "attrs", "lock" };
	char *staging = text_printf("%s/staging", dir);
	char *path;

	if (staging == NULL || (rmdir(staging) < 0 && errno != ENOENT)) {
		free(staging);
		return;
	}
	free(staging);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		path = text_printf("%s/%s", dir, files[i]);
		if (path != NULL && unlink(path) < 0 && errno != ENOENT)
			log_warn("state", "%s: %s", path, strerror(errno));
		free(path);
	}
	if (rmdir(dir) < 0)
		log_warn("state", "%s: %s", dir, strerror(errno));
}

/* One that is locked by its mount is not ended. */
static void
tell_ended(char *dir, state_ended_fn *each, void *ctx)
{
	struct state other = { .dir = dir };
	char *path = text_printf("%s/lock", dir);
	struct buf words;

	buf_init(&words, BUF_LIMIT_TEXT);
	other.lock = path != NULL && place_check(dir, &words) == 0 ?
	    open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (other.lock >= 0 && flock(other.lock, LOCK_EX | LOCK_NB) == 0 &&
	    is_current(other.lock, path)) {
		/* Its next mount waits for us. */
		sign(&other, "leaving");
		if (each(ctx, dir))
			remove_dir(dir);
	}
	if (other.lock >= 0)
		(void)close(other.lock);
	buf_release(&words);
	free(path);
}

void
state_each_ended(struct state *s, state_ended_fn *each, void *ctx)
{
	const char *own = strrchr(s->dir, '/');
	char *identity = strndup(s->dir, (size_t)(own - s->dir));
	DIR *dir = identity != NULL ? opendir(identity) : NULL;
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char *path;

		if (d->d_name[0] == '.' || strcmp(d->d_name, own + 1) == 0)
			continue;
		path = text_printf("%s/%s", identity, d->d_name);
		if (path != NULL)
			tell_ended(path, each, ctx);
		free(path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(identity);
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	if (s->lock >= 0)
		(void)close(s->lock);
	free(s->dir);
	free(s);
}

const char *
state_dir(const struct state *s)
{
	return s->dir;
}

void
state_leaving(struct state *s)
{
	sign(s, "leaving");
}
