"""tests/crash/soak.py: random operations, deaths at random instants.

  soak.py WORK BRICKFS EMULATOR [--seed N] [--rounds N] [--threads N] [--faults]
      [--blocks BRICKFS]

In each round several threads work on the mount, each in a directory of its own and by
its own random numbers; then brickfs is killed in the middle, or the service, or both, is
started again, and every name is compared with what was acknowledged: the operation that
was under way may have happened or not, name by name.  Now and then the recovery is
killed, too, or not all is sent before the next life begins.  Names live on from round to
round, and mounts change their options: -o writeback, and --blocks, a brickfs that takes
small files for files above 2 GiB.  --faults: one call of twenty fails for a moment, or is
carried out and its answer lost.  The seed is printed; the same seed does the same
operations, but dies at other instants.
"""

import argparse
import os
import random
import sys
import threading
import time

from rig import (HEADER, SCRATCH, Died, Failure, Mount, Prefix, Run, Server, notebook_name,
                 say)

NAMES = ["a", "b", "c.txt", "d e", "a~", ".a.swp", "t~", "sedabcdef"]
NOTEBOOKS = ["n.py", "m.py"]  # or files of that name
DIRS = ["p", "q", "p/s", "q/s"]
SIZES = [0, 1, 40, 4000, 5000, 70000, 1100000]
PAGE = 4096  # a write that is cut off is cut off between pages
OPTIONS = ["scratch_keep=1", "scratch_keep=0", "scratch_keep=3600",
           "scratch_keep=1,writeback=0", "scratch_keep=1,writeback=1",
           "scratch_keep=3600,writeback=3600"]


class Worker(threading.Thread):
    """Does random operations in a directory until the mount dies or time is up."""

    def __init__(self, test, run, number, seed):
        super().__init__()
        self.test, self.number = test, number
        self.whole = run
        self.run_ = Run(run.mount, run.server, run.top)
        top = f"w{number}"
        self.run_.now = {n: c for n, c in run.now.items()
                         if n == top or n.startswith(top + "/")}
        self.random = random.Random(f"{seed}/{number}")
        self.failure = None
        self.until = 0.0
        self.operations = self.errors = 0
        self.doing = "nothing"

    def join_whole(self):
        """What this one has done becomes part of what all have done."""
        self.whole.now.update(self.run_.now)
        top = f"w{self.number}/"
        for name in [n for n in self.whole.now if n.startswith(top)]:
            if name not in self.run_.now:
                del self.whole.now[name]
        self.whole.maybe.update(self.run_.maybe)
        self.whole.moves += self.run_.moves
        self.whole.in_place |= self.run_.in_place
        for name, digests in self.run_.written.items():
            self.whole.written.setdefault(name, set()).update(digests)

    def run(self):
        try:
            while time.monotonic() < self.until and not self.test.over:
                self.operate()
                self.operations += 1
        except Died:
            pass
        except OSError as e:
            if not self.test.options.faults:
                self.failure = f"worker {self.number}: {self.doing}: {e!r}"
            self.errors = 1
        except Failure as e:
            self.failure = f"worker {self.number}: {self.doing}: {e!r}"

    # --- names -----------------------------------------------------------

    @property
    def now(self):
        return self.run_.now

    def full(self, name):
        return f"w{self.number}/{name}"

    def at(self, name):
        return self.run_.mount.path(self.full(name))

    def is_dir(self, name):
        return self.full(name) in self.now and self.now[self.full(name)] is None

    def files(self):
        top = self.full("")
        return sorted(n[len(top):] for n, content in self.now.items()
                      if n.startswith(top) and content is not None)

    def any_name(self):
        dirs = [""] + [d + "/" for d in DIRS if self.is_dir(d)]
        names = NAMES + (NOTEBOOKS if self.test.options.tree == "workspace" else [])
        return self.random.choice(dirs) + self.random.choice(names)

    def is_local(self, name):
        """A swap or lock file, which is never sent, is written to in place."""
        return self.full(name) in self.now and name.endswith(".swp")

    def any_file(self):
        files = self.files()
        return self.random.choice(files) if files else None

    # --- operations ----------------------------------------------------------

    def operate(self):
        weighted = [(self.save, 30), (self.change, 16), (self.rename, 18),
                    (self.remove, 12), (self.read, 10), (self.make_dir, 5),
                    (self.remove_dir, 2), (self.move_dir, 5), (self.unlink_open, 4),
                    (self.edit, 8), (self.replace, 8)]
        total = self.random.randrange(sum(w for _, w in weighted))
        for operation, weight in weighted:
            total -= weight
            if total < 0:
                operation()
                return

    def do(self, what, call, changes):
        """changes as Run.step has them."""
        self.doing = what
        size = next((len(c) for c in changes.values() if isinstance(c, bytes)), 0)
        self.test.log.append(f"{self.test.round}: w{self.number}: {what}, {size}")
        changes = {self.full(n): c for n, c in changes.items()}
        return self.run_.change(call, changes)

    def content(self, name=""):
        size = self.random.choice(SIZES)
        mark = f"{self.number}.{self.operations}.{self.random.random()} ".encode()
        begin = b""
        if notebook_name(name) and self.random.random() < 0.7:
            begin = HEADER + b"\n"
            mark = mark[:-1] + self.random.choice([b" ", b"\n"])
        return begin + (mark * (size // len(mark) + 1))[:size]

    def save(self):
        name = self.any_name()
        self.write(name, self.content(name))

    def write(self, name, content):
        def call():
            fd = os.open(self.at(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                self.write_halves(fd, content)
            finally:
                os.close(fd)
        if self.is_local(name):
            self.run_.writes_in_place(self.full(name), Prefix(content))
        self.do(f"save {name}", call, {name: content})

    @staticmethod
    def write_halves(fd, content):
        half = len(content) // 2
        for part in (content[:half], content[half:]):
            while part:
                part = part[os.write(fd, part):]

    def change(self):
        name = self.any_file()
        if name is None:
            return
        old = self.now[self.full(name)]
        what = self.random.choice(["truncate", "append", "patch"])
        if what == "truncate":
            size = self.random.randrange(len(old) + 1)
            self.do(f"truncate {name}", lambda: os.truncate(self.at(name), size),
                    {name: old[:size]})
        else:
            self.patch(what, name, old, self.content()[:500])

    def patch(self, what, name, old, piece):
        append = what == "append"
        at = len(old) if append else self.random.randrange(len(old) + 1)
        new = old[:at] + piece + old[at + len(piece):]
        sync = self.random.random() < 0.3
        if self.is_local(name):
            for cut in range(at // PAGE * PAGE + PAGE, at + len(piece), PAGE):
                self.run_.writes_in_place(self.full(name), new[:cut] + old[cut:])

        def call():
            fd = os.open(self.at(name), os.O_WRONLY | os.O_APPEND if append else os.O_RDWR)
            try:
                if append:
                    os.write(fd, piece)
                else:
                    os.pwrite(fd, piece, at)
                if sync:
                    os.fsync(fd)
            finally:
                os.close(fd)
        self.do(f"{what} {name} at {at}", call, {name: new})

    def read(self):
        name = self.any_file()
        if name is None:
            return

        def call():
            with open(self.at(name), "rb") as f:
                return f.read()
        got = self.do(f"read {name}", call, {})
        if got != self.now[self.full(name)]:
            raise Failure(f"read {Run.show(got)}, expected "
                          f"{Run.show(self.now[self.full(name)])}")

    def rename(self):
        name, to = self.any_file(), self.any_name()
        if name is not None and name != to:
            self.move(name, to)

    def move(self, name, to):
        content = self.now[self.full(name)]
        self.do(f"rename {name} to {to}",
                lambda: os.rename(self.at(name), self.at(to)),
                {name: False, to: content})

    def edit(self):
        """As vim, or as emacs, which keeps its backup."""
        name = self.any_file()
        if name is None or SCRATCH.match(os.path.basename(name)):
            return
        swap = os.path.join(os.path.dirname(name), ".a.swp")
        vim = self.random.random() < 0.5
        if vim:
            self.write(swap, self.content())
        self.move(name, name + "~")
        self.write(name, self.content(name))
        if vim:
            self.unlink(name + "~")
            self.unlink(swap)

    def replace(self):
        """A file is written under another name and renamed, closed or not yet."""
        name = self.any_name()
        content = self.content(name)
        new = os.path.join(os.path.dirname(name),
                           self.random.choice(["t~", "sedabcdef", ".x.AbCdEf", "new"]))
        if new == name or self.full(new) in self.now:
            return
        self.run_.unknown({self.full(new): Prefix(content)})
        fd = self.do(f"create {new}", lambda: os.open(
            self.at(new), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), {})
        closed = self.random.random() < 0.6
        try:
            self.do(f"write {new}", lambda: self.write_halves(fd, content), {})
            if closed:
                to_close, fd = fd, -1
                self.do(f"close {new}", lambda: os.close(to_close), {new: content})
            self.do(f"rename {new} to {name}, {'closed' if closed else 'open'}",
                    lambda: os.rename(self.at(new), self.at(name)),
                    {new: False, name: content})
            if not closed:
                to_close, fd = fd, -1
                self.do(f"close what is {name} by now", lambda: os.close(to_close), {})
        finally:
            if fd >= 0:
                self.close_quietly(fd)

    @staticmethod
    def close_quietly(fd):
        try:
            os.close(fd)
        except OSError:
            pass

    def remove(self):
        name = self.any_file()
        if name is not None:
            self.unlink(name)

    def unlink(self, name):
        self.do(f"unlink {name}", lambda: os.unlink(self.at(name)), {name: False})

    def unlink_open(self):
        name = self.any_file()
        if name is None:
            return
        content = self.now[self.full(name)]

        def call():
            fd = os.open(self.at(name), os.O_RDONLY)
            try:
                os.unlink(self.at(name))
                got = os.read(fd, len(content) + 1)
            finally:
                os.close(fd)
            return got
        self.do(f"unlink {name}, open", call, {name: False})

    def may_hold(self, name):
        parent = os.path.dirname(name)
        return parent == "" or self.is_dir(parent)

    def make_dir(self):
        name = self.random.choice(DIRS)
        if not self.is_dir(name) and self.may_hold(name):
            self.do(f"mkdir {name}", lambda: os.mkdir(self.at(name)), {name: None})

    def inside(self, name):
        prefix = self.full(name) + "/"
        return [n for n in self.now if n.startswith(prefix)]

    def remove_dir(self):
        name = self.random.choice(DIRS)
        if self.is_dir(name) and not self.inside(name):
            self.do(f"rmdir {name}", lambda: os.rmdir(self.at(name)), {name: False})

    def move_dir(self):
        """Also over an empty one."""
        name, to = self.random.sample(DIRS, 2)
        if (not self.is_dir(name) or self.inside(to) or not self.may_hold(to) or
                to.startswith(name + "/")):
            return
        changes = {name: False, to: None}
        top = self.full("")
        for inner in self.inside(name):
            rest = inner[len(top) + len(name):]
            changes[name + rest] = False
            changes[to + rest] = self.now[inner]
        if self.is_dir(to):  # it goes first, in a call of its own
            self.run_.unknown({self.full(to): False})
        self.do(f"rename directory {name} to {to}",
                lambda: os.rename(self.at(name), self.at(to)), changes)


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.server = Server(options.work, options.emulator, tree=options.tree)
        self.over = False
        self.round = 0
        self.log = []
        self.writeback = False

    def faults(self):
        for verb in ({"verb": "status", "code": 503},
                     {"verb": "apply_then_fail", "how": "close"}):
            self.server.rule(match={"path": f"/api/2.0/{self.options.tree}/*", "p": 0.05,
                                    "seed": self.options.seed + self.round}, **verb)

    def fresh(self):
        """A new directory: histories do not grow for ever."""
        top = f"/soak{self.round}"
        self.server.mkdir(top)
        mount = Mount(self.options.brickfs, self.server, self.server.source + top,
                      os.path.join(self.options.work, "mnt"),
                      os.path.join(self.options.work, "brickfs.log"))
        run = Run(mount, self.server, top)
        for i in range(self.options.threads):
            self.server.mkdir(f"{top}/w{i}")
            run.now[f"w{i}"] = None
        return run

    def choose(self, mount):
        """How it is mounted next."""
        mount.options = self.random.choice(OPTIONS)
        if self.options.debug:
            mount.options += ",debug"
        mount.binary = self.random.choice(
            [self.options.brickfs, self.options.blocks or self.options.brickfs])
        self.writeback = "writeback" in mount.options
        self.log.append(f"{self.round}: {mount.options}"
                        f"{', blocks' if mount.binary == self.options.blocks else ''}")

    def pause(self, most):
        time.sleep(self.random.uniform(0.005, most))

    def one_life(self, run):
        self.over = False
        self.log.append(f"{self.round}: begins")
        workers = [Worker(self, run, i, f"{self.options.seed}/{self.round}")
                   for i in range(self.options.threads)]
        for w in workers:
            w.until = time.monotonic() + 60
            w.start()
        self.pause(0.3)
        end = self.random.choices(["brickfs", "service", "both", "unmount"],
                                  [70, 12, 8, 10])[0]
        self.log.append(f"{self.round}: ends: {end}")
        if end in ("service", "both"):
            self.server.kill(while_down=run.mount.kill if end == "both" else None)
            self.rule_again()
        if end == "service":
            self.pause(0.2)
        if end == "unmount":
            self.over = True
        else:
            run.mount.kill()
        for w in workers:
            w.join()
            w.join_whole()
        if end != "unmount":
            run.mount.detach()
        elif run.mount.unmount() not in (0, 3):  # 3: what no close had promised is kept
            raise Failure("brickfs did not end well")
        failures = [w.failure for w in workers if w.failure]
        if failures:
            raise Failure("; ".join(failures))
        return sum(w.operations for w in workers)

    def rule_again(self):
        if self.options.faults:
            self.faults()

    def after(self, run):
        """Compares on a new mount, which goes on living."""
        if self.options.faults:
            self.server.clear_rules()
        self.choose(run.mount)
        while self.random.random() < 0.2:
            run.mount.begin()
            self.pause(0.15)
            run.mount.kill()
            run.mount.detach()
            self.log.append(f"{self.round}: the recovery was killed")
            self.choose(run.mount)
        if not run.mount.start():
            raise Failure("it does not start any more")
        if not self.options.unsettled or self.random.random() < 0.5:
            run.settle()
        found = run.look()
        run.compare(found)
        run.now, run.maybe, run.moves = found, {}, []
        for name, content in found.items():
            run.note(name, content)
        self.rule_again()

    def words(self, run):
        """What the mount says about its errors, if it lives."""
        try:
            with open(run.mount.path(".control/errors"), encoding="utf-8") as f:
                return [f.read(), str(run.pending())]
        except OSError as e:
            return [repr(e)]

    def all_rounds(self):
        operations = 0
        run = None
        for self.round in range(self.options.rounds):
            if self.round % 20 == 0:
                if run is not None:
                    self.finish(run)
                run = self.fresh()
                self.choose(run.mount)
                run.mount.start()
            try:
                operations += self.one_life(run)
                self.after(run)
            except (Failure, OSError) as e:
                say("the last operations:", *self.log[-300:], sep="\n")
                say("errors of the mount:", *self.words(run), sep="\n")
                raise Failure(f"round {self.round}: {e!r}") from e
            if self.round % 100 == 99:
                say(f"{self.round + 1} rounds, {operations} operations")
        self.finish(run)
        say(f"{self.options.rounds} rounds, {operations} operations: nothing lost")

    def finish(self, run):
        if self.options.faults:
            self.server.clear_rules()
        run.check()
        self.server.remove(run.top)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work")
    parser.add_argument("brickfs")
    parser.add_argument("emulator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--blocks", metavar="BRICKFS")
    parser.add_argument("--tree", choices=["dbfs", "workspace"], default="dbfs")
    parser.add_argument("--unsettled", action="store_true",
                        help="do not always wait until all is sent")
    parser.add_argument("--debug", action="store_true", help="logs of all requests")
    soak = Soak(parser.parse_args())
    say(f"seed {soak.options.seed}, {soak.options.rounds} rounds")
    log = os.path.join(soak.options.work, "emu.requests")
    soak.server.start(*(["--log", log] if soak.options.debug else []))
    mount = None
    try:
        soak.all_rounds()
    except Failure as e:
        say(f"FAIL: seed {soak.options.seed}: {e}")
        return 1
    finally:
        point = os.path.join(soak.options.work, "mnt")
        mount = Mount(soak.options.brickfs, soak.server, "", point, os.devnull)
        if mount.is_mounted():
            os.system(f"umount -l '{point}' || fusermount3 -uz '{point}'")
        soak.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
