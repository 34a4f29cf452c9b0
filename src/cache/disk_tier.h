/* cache/disk_tier.h: keeps blocks of remote files on the local disk, between mounts.
 *
 *   DIR/format                      "1"; a directory of a newer format is refused
 *   DIR/HH/SCOPE-KEY-INDEX          a block: a head of 48 bytes, then its bytes
 *   DIR/HH/.RANDOM                  one that is being written, or a spare
 *
 * HH is a byte of the key, so that the blocks of a file are in one of 256
 * subdirectories.  The head has key, index, length, and a checksum (XXH64) of these
 * and of the bytes: a block is right and the one that was asked for, or it is not
 * there.  Damage is deleted and counted.
 *
 * One file a block, and not one sparse file for each version of a file: a block
 * appears whole, by rename, and goes alone; no other process sees half of it, and what
 * the directory says is all that there is to keep count of.  It costs nothing: a block
 * of 1 MiB comes in 140 us, checksum (60 us) and open included, from the page cache of
 * an ext4, which is what plain reads of one large file take there; with a sparse file
 * and the same checksum it was 190 us.
 *
 * Any number of mounts of a user share a directory, without a lock and without a
 * process that would have to be there:
 *
 * - What is used last is known by the files' times of change, which a read sets when
 *   they are older than TOUCH_S; so they are known to the next mount, too.
 * - Opening reads nothing.  Before the first write, and whenever this mount has added
 *   a 16th of the budget, a survey looks at all entries (10,240 blocks of 1 MiB, the
 *   default budget: 25 ms, once per 640 blocks written).  If there is too much, the
 *   least recently used blocks of all go, exactly so up to 16,384 blocks, by a
 *   random sample of so many beyond; memory for it does not grow.  So there is no
 *   index that could be wrong, and no number that several would have to agree on.
 * - So the budget holds for one mount; n mounts that write at the same time may
 *   exceed it by (n - 1) 16ths, until one of them looks again.  Where mounts have
 *   different budgets, the one that writes keeps its own.
 *
 * The file of a block that goes becomes a spare: empty, and the next block is written
 * into it.  Who is reading it then finds other bytes, by the checksum, and another name,
 * and takes the block for gone.
 *
 * Nothing is synced.  What a crash or a power cut leaves is a whole block, a file
 * with a random name that a survey removes after TEMP_S, or a torn block, which its
 * checksum tells.
 *
 * Only names of the forms above are ever deleted, by descriptors of the subdirectories
 * and never through a symbolic link.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_DISK_TIER_H
#define CACHE_DISK_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "cache/block_cache.h"

#define DISK_TIER_TOUCH_S 10  /* a time of last use may be so old */
#define DISK_TIER_TEMP_S  600 /* no write takes longer */

struct disk_tier;

struct disk_config {
	const char *dir;   /* there, ours, closed to others; nothing else is in it */
	uint64_t budget;   /* bytes on disk, of all that is in dir */
	uint64_t floor;    /* bytes of its filesystem that stay free for others */
	const char *scope; /* host, workspace and user: what drop_all means */
};

struct disk_usage {
	uint64_t bytes; /* on disk, of all scopes */
	uint64_t blocks;
};

/**
 * disk_tier_new - uses a directory
 *
 * Returns 0, or
 *   -EPERM            it is not ours, open to others, or no directory
 *   -EPROTONOSUPPORT  a newer brickfs made it; it stays as it is
 *   else              it cannot be used
 */
int disk_tier_new(
    const struct disk_config *config, struct disk_tier **out) WARN_UNUSED;
void disk_tier_free(struct disk_tier *t); /* NULL does nothing */

/* The whole block, of exactly len bytes (at most BLOCK_BYTES), to dst; returns len.
 * -ENOENT: it is not there, whatever the reason; dst may have been written to. */
ssize_t disk_tier_read(struct disk_tier *t, const struct file_key *key,
    uint64_t index, void *dst, size_t len) WARN_UNUSED;

/* Keeps a block.  It takes as long as the disk does, and a survey now and then; so
 * nobody who reads should wait for it.  0, or -errno when the block is not kept: no
 * more than that comes of a full or broken disk.  Who drops a key sees to it that no
 * write of what he drops comes later. */
int disk_tier_write(struct disk_tier *t, const struct file_key *key,
    uint64_t index, const void *data, size_t len);

/* Deletes the blocks of one version of a file; all blocks of the scope. */
void disk_tier_drop(struct disk_tier *t, const struct file_key *key);
void disk_tier_drop_all(struct disk_tier *t);

/* Another part of the program finds no room on that filesystem: about so many bytes of
 * what was used least recently go, if they are there.  False: that gave no room. */
bool disk_tier_give(struct disk_tier *t, dev_t device, uint64_t bytes);

/* What is there now: a survey. */
void disk_tier_usage(struct disk_tier *t, struct disk_usage *out);

const char *disk_tier_dir(const struct disk_tier *t);
uint64_t disk_tier_budget(const struct disk_tier *t);

#endif
