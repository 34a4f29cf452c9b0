/* cache/promise, cache/undo: what was promised is found again, whatever came after. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/counters.h"
#include "cache/staging.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

#define MODEL_BYTES 400000

struct content {
	char bytes[MODEL_BYTES];
	size_t size;
};

/* A staging file, what it holds, and what the record on disk says of it. */
struct life {
	struct temp_dir temp;
	struct staging *staging;
	struct staged *file;
	struct source source; /* of what is not here */
	unsigned seed;
	struct content now, promised, recorded;
	struct staged_seal promise; /* that is not recorded yet; number 0: none */
	struct staged_seal record;  /* number 0: it has no seal */
	struct staged_map map;	    /* what such a record says */
	uint64_t number;
};

static char
base_byte(uint64_t off)
{
	return (char)('a' + (off + off / 1000) % 26);
}

static ssize_t
base_read(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	(void)ctx;
	(void)call;
	for (size_t i = 0; i < len; i++)
		((char *)dst)[i] = base_byte(off + i);
	return (ssize_t)len;
}

static unsigned
roll(struct life *l, unsigned sides)
{
	return (unsigned)rand_r(&l->seed) % sides;
}

static void
begin(struct life *l, unsigned seed, size_t base_bytes)
{
	l->seed = seed;
	l->source = (struct source){ .read = base_read };
	temp_dir_make(&l->temp);
	ck_assert_int_eq(staging_new(l->temp.path, &l->staging), 0);
	ck_assert_int_eq(staged_new(l->staging, base_bytes, &l->file), 0);
	l->now.size = base_bytes;
	for (size_t i = 0; i < base_bytes; i++)
		l->now.bytes[i] = base_byte(i);
}

static void
end(struct life *l)
{
	staged_keep(l->file, false);
	staged_unref(l->file);
	staging_free(l->staging);
	ck_assert_int_eq(counter_get(CTR_staging_files), 0);
	/* What was kept went with it. */
	ck_assert_int_eq(rmdir(l->temp.path), 0);
	free(l);
}

static void
expect(struct life *l, struct staged *f, const struct content *want)
{
	char *got = malloc(MODEL_BYTES);

	ck_assert_uint_eq(staged_size(f), want->size);
	ck_assert_int_eq(staged_read(f, NULL, &l->source, 0, got, MODEL_BYTES),
	    (ssize_t)want->size);
	ck_assert_mem_eq(got, want->bytes, want->size);
	free(got);
}

/* --- what happens ------------------------------------------------------------------ */

static void
write_some(struct life *l, size_t off, size_t len)
{
	char *bytes = malloc(len + 1);

	memset(bytes, 'A' + (int)roll(l, 26), len);
	ck_assert_int_eq(staged_write(l->file, off, bytes, len), 0);
	memcpy(l->now.bytes + off, bytes, len);
	if (len > 0 && off + len > l->now.size)
		l->now.size = off + len;
	free(bytes);
}

static void
cut(struct life *l, size_t size)
{
	ck_assert_int_eq(staged_truncate(l->file, size), 0);
	if (size < l->now.size)
		memset(l->now.bytes + size, 0, l->now.size - size);
	l->now.size = size;
}

static void
punch(struct life *l, size_t off, size_t len)
{
	ck_assert_int_eq(staged_punch(l->file, off, len), 0);
	if (off < l->now.size)
		memset(l->now.bytes + off, 0,
		    len < l->now.size - off ? len : l->now.size - off);
}

static void
promise(struct life *l)
{
	struct staged_map map;

	if (staged_map_get(l->file, &map) < 0)
		ck_assert_int_eq(staged_fetch_all(l->file, NULL, &l->source), 0);
	ck_assert_int_eq(staged_promise(l->file, &l->promise), 0);
	l->promised = l->now;
}

static void
record(struct life *l)
{
	if (l->promise.seal.number == 0)
		return;
	l->record = l->promise;
	l->recorded = l->promised;
	staged_recorded(l->file, l->record.seal.number);
}

/* As a swap file's, which is written in place. */
static void
record_as_it_is(struct life *l)
{
	if (staged_map_get(l->file, &l->map) < 0)
		ck_assert_int_eq(staged_fetch_all(l->file, NULL, &l->source), 0);
	staged_unpromise(l->file, l->promise.seal.number != 0 ?
	    l->promise.seal.number : l->record.seal.number);
	ck_assert_int_eq(staged_map_get(l->file, &l->map), 0);
	l->promise = l->record = (struct staged_seal){ 0 };
}

/* brickfs died while it wrote the last bytes of what is kept. */
static void
tear(struct life *l)
{
	char name[32], junk[100];
	int fd;

	snprintf(name, sizeof(name), "%06llu.undo",
	    (unsigned long long)staged_number(l->file));
	fd = open(temp_path(&l->temp, name), O_WRONLY | O_APPEND);
	if (fd < 0)
		return; /* nothing is kept */
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)roll(l, 256);
	ck_assert_int_eq(write(fd, junk, 1 + roll(l, sizeof(junk) - 1)) > 0, 1);
	(void)close(fd);
}

/* What it was changed to is gone, and the record names the other file. */
static void
go_on_with(struct life *l, struct staged *later)
{
	promise(l);
	record(l);
	if (later == NULL)
		return;
	staged_keep(later, false);
	staged_unref(later);
}

/* The record of a life is read by the next one. */
static void
die(struct life *l)
{
	struct staged *later = NULL;

	tear(l);
	l->number = staged_number(l->file);
	staged_keep(l->file, true);
	staged_unref(l->file);
	staging_free(l->staging);
	ck_assert_int_eq(staging_new(l->temp.path, &l->staging), 0);
	l->promise = (struct staged_seal){ 0 };
	if (l->record.seal.number == 0) {
		ck_assert_int_eq(staged_reopen(l->staging, l->number, &l->map,
		    &l->file), 0);
		expect(l, l->file, &l->now);
		return;
	}
	ck_assert_int_eq(staged_reopen_promised(l->staging, l->number, &l->record,
	    &l->file, &later), 0);
	expect(l, l->file, &l->recorded);
	if (later == NULL) {
		l->promised = l->recorded;
		l->promise = l->record;
	}
	l->now = l->recorded;
	if (later != NULL || roll(l, 2) == 0)
		go_on_with(l, later);
}

static void
step(struct life *l)
{
	size_t off = roll(l, MODEL_BYTES), len = roll(l, 70000);

	if (len > MODEL_BYTES - off)
		len = MODEL_BYTES - off;
	switch (roll(l, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		write_some(l, off, len);
		break;
	case 4:
		write_some(l, off, len < 10 ? len : 10);
		break;
	case 5:
		cut(l, off);
		break;
	case 6:
		cut(l, 0);
		break;
	case 7:
		punch(l, off, len);
		break;
	case 8:
		ck_assert_int_eq(staged_fetch_all(l->file, NULL, &l->source), 0);
		break;
	case 9:
	case 10:
		promise(l);
		break;
	case 11:
	case 12:
		promise(l);
		record(l);
		break;
	case 13:
		record(l);
		break;
	case 14:
		if (roll(l, 3) == 0)
			record_as_it_is(l);
		break;
	default:
		if (l->record.seal.number != 0 || roll(l, 2) == 0)
			die(l);
	}
}

/* --- tests ------------------------------------------------------------------------- */

/* A record without a seal says what is there when it is read; its map must still be true
 * then. */
static void
random_life(unsigned seed, size_t base_bytes)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, seed, base_bytes);
	promise(l);
	record(l);
	for (unsigned i = 0; i < 300; i++) {
		step(l);
		if (l->record.seal.number == 0)
			ck_assert_int_eq(staged_fetch_all(l->file, NULL,
			    &l->source), 0);
		if (l->record.seal.number == 0)
			ck_assert_int_eq(staged_map_get(l->file, &l->map), 0);
	}
	expect(l, l->file, &l->now);
	die(l);
	end(l);
}

START_TEST(a_death_finds_what_was_promised_last)
{
	random_life((unsigned)_i, 0);
}
END_TEST

START_TEST(also_of_what_is_only_partly_here)
{
	random_life((unsigned)_i, (size_t)_i * 30011 % MODEL_BYTES);
}
END_TEST

/* A file lost its promise in one life (it became a swap file), and is promised again in
 * the next: nothing of the first is put back. */
START_TEST(seals_of_two_lives_are_not_mixed)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 1, 0);
	write_some(l, 0, 500);
	promise(l);
	record(l);
	write_some(l, 0, 400);
	record_as_it_is(l);
	write_some(l, 0, 300);
	die(l);
	promise(l);
	record(l);
	die(l);
	end(l);
}
END_TEST

/* What was being kept when brickfs died is not in the way of what is kept later. */
START_TEST(half_a_piece_hides_none_that_follow)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 2, 0);
	write_some(l, 0, 10000);
	promise(l);
	record(l);
	write_some(l, 0, 5);
	promise(l);
	record(l);
	die(l);
	write_some(l, 5000, 500);
	die(l);
	end(l);
}
END_TEST

/* Nothing of it is here when it is cut. */
START_TEST(what_is_only_elsewhere_is_cut)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 3, 3000);
	promise(l);
	record(l);
	cut(l, (size_t)_i * 1000);
	die(l);
	write_some(l, 1000, 10);
	promise(l);
	record(l);
	cut(l, (size_t)_i * 1000);
	write_some(l, 500, 10);
	die(l);
	end(l);
}
END_TEST

/* --- what happens to the disk ------------------------------------------------------- */

static unsigned dir_syncs; /* so far */
static struct staged *emptied; /* while a directory is synced; NULL: nothing is */
static bool breaks; /* the next sync fails, and what it was to sync is gone */

int
fsync(int fd)
{
	int ret = (int)syscall(SYS_fsync, fd);
	struct staged *f = emptied;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return ret;
	dir_syncs++;
	emptied = NULL;
	if (f != NULL) {
		ck_assert_int_eq(staged_begin(f, NULL), 0);
		ck_assert_int_eq(staged_truncate(f, 0), 0);
		staged_end(f);
	}
	return ret;
}

int
fdatasync(int fd)
{
	struct stat st;

	if (!breaks)
		return (int)syscall(SYS_fdatasync, fd);
	breaks = false;
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(ftruncate(fd, st.st_size), 0);
	errno = EIO;
	return -1;
}

/* A file that is emptied gets another one's name, which is not durable until it is synced
 * after that. */
START_TEST(a_file_that_is_emptied_during_a_sync_is_synced_with_its_name)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 3, 0);
	write_some(l, 0, 100000);
	promise(l);
	emptied = l->file;
	ck_assert_int_eq(staged_sync(l->file), 0);
	l->now.size = 0;
	record(l);
	write_some(l, 0, 10);
	promise(l);
	dir_syncs = 0;
	ck_assert_int_eq(staged_sync(l->file), 0);
	ck_assert_uint_eq(dir_syncs, 1);
	record(l);
	die(l);
	end(l);
}
END_TEST

/* What could not be synced is written again, and not behind what may be lost. */
START_TEST(what_was_not_kept_hides_nothing_that_is)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 4, 0);
	write_some(l, 0, 10000);
	promise(l);
	record(l);
	breaks = true;
	ck_assert_int_eq(staged_write(l->file, 0, "new", 3), -EIO);
	write_some(l, 0, 100);
	die(l);
	end(l);
}
END_TEST

/* The kernel says it once; what it could not write then is not on the disk later. */
START_TEST(what_could_not_be_synced_is_not_said_to_be_later)
{
	struct life *l = calloc(1, sizeof(*l));

	begin(l, 5, 0);
	write_some(l, 0, 100);
	breaks = true;
	ck_assert_int_eq(staged_sync(l->file), -EIO);
	ck_assert_int_eq(staged_sync(l->file), -EIO);
	write_some(l, 50, 10);
	ck_assert_int_eq(staged_sync(l->file), -EIO);
	cut(l, 0);
	ck_assert_int_eq(staged_sync(l->file), 0);
	end(l);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_could_not_be_synced_is_not_said_to_be_later),
	UNIT(a_file_that_is_emptied_during_a_sync_is_synced_with_its_name),
	UNIT(what_was_not_kept_hides_nothing_that_is),
	UNIT_TIMES(what_is_only_elsewhere_is_cut, 3),
	UNIT(seals_of_two_lives_are_not_mixed),
	UNIT(half_a_piece_hides_none_that_follow),
	UNIT_TIMES(a_death_finds_what_was_promised_last, 20),
	UNIT_TIMES(also_of_what_is_only_partly_here, 20),
};

UNIT_MAIN("promise", tests)
