"""The programs that are timed: python3 work.py NAME ARGUMENT...

A process of its own, so that nothing of bench/run has files open on a mount.  What
is printed is JSON: seconds, or samples of which each is the seconds of one
operation, and whatever else a program counts.  Bytes that come back are checked."""

import json
import os
import random
import struct
import subprocess
import sys
import threading
import time

MIB = 1 << 20
STAMP_EVERY = 64 << 10
STAMP = struct.Struct("<8sQQ")  # magic, number of the file, offset
MAGIC = b"brickfs\n"


def make_file(path, size, number):
    """Random bytes with stamps, so that a reader knows what it was given."""
    block = bytearray(os.urandom(MIB))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        for offset in range(0, size, MIB):
            for at in range(0, MIB, STAMP_EVERY):
                STAMP.pack_into(block, at, MAGIC, number, offset + at)
            f.write(memoryview(block)[: min(MIB, size - offset)])


def check_stamps(piece, offset, number=None):
    """Of a piece that begins at offset; returns the file's number."""
    first = -offset % STAMP_EVERY
    for at in range(first, len(piece) - STAMP.size + 1, STAMP_EVERY):
        magic, of, where = STAMP.unpack_from(piece, at)
        if magic != MAGIC or where != offset + at or number not in (None, of):
            raise ValueError(f"wrong bytes at {offset + at}")
        number = of
    return number


def read_file(path, piece=128 << 10, until=None):
    """Sequentially, checked; returns bytes."""
    buf = bytearray(piece)
    view = memoryview(buf)
    done, number = 0, None
    fd = os.open(path, os.O_RDONLY)
    try:
        while until is None or not until.is_set():
            n = os.readv(fd, [buf])
            if n == 0:
                break
            number = check_stamps(view[:n], done, number)
            done += n
    finally:
        os.close(fd)
    return done


class Crowd:
    """Threads whose first error is raised in the end."""

    def __init__(self):
        self.threads, self.errors = [], []

    def start(self, work, *args):
        def run():
            try:
                work(*args)
            except Exception as e:
                self.errors.append(e)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def timed(work, *args):
    began = time.perf_counter()
    work(*args)
    return time.perf_counter() - began


def share(work, items, at_once):
    """work(item) for all, at_once at a time."""
    crowd, left, lock = Crowd(), list(reversed(items)), threading.Lock()

    def run():
        while True:
            with lock:
                if not left:
                    return
                item = left.pop()
            work(item)

    for _ in range(at_once):
        crowd.start(run)
    crowd.join()


# The programs.  Arguments are words.


def read(*paths):
    """Each path by a reader of its own."""
    return {"seconds": timed(share, read_file, paths, len(paths))}


def reread(path):
    """A second time, in pieces that cost this program little."""
    read_file(path, MIB)
    return {"seconds": timed(read_file, path, MIB)}


def read_once(path):
    return {"seconds": timed(read_file, path, MIB)}


def random_reads(path, count, at_once):
    """4 KiB each, every one of another block: the worst for a cache."""
    blocks = os.path.getsize(path) // MIB
    picked = random.Random(1).sample(range(blocks), int(count))
    fd = os.open(path, os.O_RDONLY)

    def one(block):
        offset = block * MIB + random.Random(block).randrange(0, MIB, STAMP_EVERY)
        check_stamps(os.pread(fd, 4096, offset), offset)

    try:
        return {"seconds": timed(share, one, picked, int(at_once))}
    finally:
        os.close(fd)


def first_byte(directory, count):
    """Of files in a directory that was just listed."""

    def one(path):
        with open(path, "rb", buffering=0) as f:
            if len(f.read(1)) != 1:
                raise ValueError(f"{path} is empty")

    names = sorted(os.listdir(directory))[: int(count)]
    return {"samples": [timed(one, f"{directory}/{name}") for name in names]}


def ls_busy(parent, count, *paths):
    """ls of directories not seen before, while each path is being read."""
    crowd, over = Crowd(), threading.Event()

    def keep_reading(path):
        while not over.is_set():
            read_file(path, until=over)

    samples = []
    names = sorted(os.listdir(parent))[: int(count)]
    try:
        for path in paths:
            crowd.start(keep_reading, path)
        time.sleep(1)
        for name in names:
            samples.append(timed(os.listdir, f"{parent}/{name}"))
            time.sleep(0.1)
    finally:
        over.set()
        crowd.join()
    return {"samples": samples}


def copy(source, target):
    """As cp does: the close counts."""
    buf = bytearray(MIB)
    view = memoryview(buf)
    src = os.open(source, os.O_RDONLY)
    dst = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        while n := os.readv(src, [buf]):
            done = 0
            while done < n:
                done += os.write(dst, view[done:n])
    finally:
        os.close(src)
        os.close(dst)


def write(source, target):
    return {"seconds": timed(copy, source, target)}


def put_files(source, directory, count, at_once):
    """count copies of source."""
    targets = [f"{directory}/{i:05d}" for i in range(int(count))]
    return {"seconds": timed(share, lambda t: copy(source, t), targets, int(at_once))}


def get_files(directory, count, at_once):
    def one(path):
        with open(path, "rb", buffering=0) as f:
            size = os.fstat(f.fileno()).st_size
            got = 0
            while piece := f.read(128 << 10):
                got += len(piece)
            if got != size:
                raise ValueError(f"{path}: {got} bytes of {size}")

    def all_of_them():
        names = sorted(os.listdir(directory))
        if len(names) != int(count):
            raise ValueError(f"{directory} has {len(names)} files")
        share(one, [f"{directory}/{name}" for name in names], int(at_once))

    return {"seconds": timed(all_of_them)}


def command(expected, *words):
    """A program of others, which prints so many lines: - for whatever."""
    began = time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise ValueError(f"{words[0]} ended with status {done.returncode}")
    lines = done.stdout.count(b"\n")
    if expected != "-" and lines != int(expected):
        raise ValueError(f"{words[0]} printed {lines} lines, not {expected}")
    return {"seconds": seconds}


def curl(*configs):
    """A curl for each configuration file, all at once: what the link, the server and
    this machine give to programs that only throw away what they get."""
    began = time.perf_counter()
    words = ["curl", "-sS", "--fail", "--http1.1", "-K"]
    running = [subprocess.Popen([*words, c]) for c in configs]
    status = [p.wait() for p in running]
    if any(status):
        raise ValueError(f"curl: {status}")
    return {"seconds": time.perf_counter() - began}


def storm(seconds, directory, new, *paths):
    """Readers, writers and a walker, whatever the server answers.  Errors that they
    see are counted, not raised."""
    over, errors, count = threading.Event(), [], {"read": 0, "written": 0, "listed": 0}
    lock = threading.Lock()

    def again(what, work):
        n = 0
        while not over.is_set():
            try:
                done = work(n)
                with lock:
                    count[what] += done
            except Exception as e:
                with lock:
                    errors.append(f"{what}: {e}")
            n += 1

    def write_one(name):
        data = os.urandom(100 << 10)

        def one(n):
            with open(f"{new}/{name}-{n}", "wb") as f:
                f.write(data)
            return 1

        return one

    def list_one(n):
        names = sorted(os.listdir(directory))
        return len(os.listdir(f"{directory}/{names[n % len(names)]}"))

    crowd = Crowd()
    for path in paths:
        crowd.start(again, "read", lambda n, path=path: read_file(path, until=over))
    for name in ("a", "b"):
        crowd.start(again, "written", write_one(name))
    crowd.start(again, "listed", list_one)
    time.sleep(float(seconds))
    over.set()
    crowd.join()
    return {"seconds": float(seconds), "errors": len(errors), "words": errors[:5], **count}


def many(directory, new, count, source):
    """count files being read and count being written at the same time: all are
    open before the first is closed."""
    everyone = threading.Barrier(2 * int(count), timeout=300)
    crowd = Crowd()
    with open(source, "rb") as f:
        data = f.read()

    def reader(path):
        with open(path, "rb", buffering=0) as f:
            f.read(1)
            everyone.wait()
            read_file(path)

    def writer(path):
        with open(path, "wb", buffering=0) as f:
            for at in range(0, len(data), MIB):
                f.write(data[at : at + MIB])
            everyone.wait()

    def all_of_them():
        for name in sorted(os.listdir(directory))[: int(count)]:
            crowd.start(reader, f"{directory}/{name}")
        for i in range(int(count)):
            crowd.start(writer, f"{new}/{i}")
        crowd.join()

    return {"seconds": timed(all_of_them)}


PROGRAMS = {
    f.__name__: f
    for f in (
        read,
        reread,
        read_once,
        random_reads,
        first_byte,
        ls_busy,
        write,
        put_files,
        get_files,
        command,
        curl,
        storm,
        many,
    )
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](*sys.argv[2:])))
