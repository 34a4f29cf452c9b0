"""tests/crash/points.py: every point at which a mount, or the service, can die.

  points.py WORK BRICKFS EMULATOR KILLER WHAT [SCENARIO...]

WHAT is journal or staging: brickfs is killed at its first write there (or sync, or
rename of a file), then in another run at its second, and so on until a run ends by
itself; before the write, after it, and with half of it done.  Or server: the emulator
is killed at its first change, before and after, then at its second, and started again.
Each run is a short life of a directory; then it is mounted again, and nothing that was
acknowledged may be missing, nothing hidden may be left, and the server may never have
held what nobody wrote.
"""

import mmap
import os
import sys
import threading

from rig import (Died, Failure, Mount, Prefix, Run, Server, remove_state, save, say,
                 wait_until)

SMALL = b"small " * 10
BLOCKS = bytes(range(256)) * 6000  # above 1 MiB: a form, not JSON
LARGE = b"large...." * 1000000     # above 8 MiB: not fetched when it is deleted

scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


@scenario
def create_and_overwrite(r, at):
    yield
    r.step(lambda: save(at("a"), SMALL), a=SMALL)
    r.step(lambda: save(at("a"), BLOCKS), a=BLOCKS)
    r.step(lambda: save(at("empty"), b""), empty=b"")
    r.step(lambda: save(at("a"), b"short"), a=b"short")


@scenario
def update_in_place(r, at):
    r.given(a=BLOCKS)
    yield
    fd = r.step(lambda: os.open(at("a"), os.O_RDWR))
    r.step(lambda: os.pwrite(fd, b"HERE", 70000))
    r.step(lambda: os.fsync(fd), a=BLOCKS[:70000] + b"HERE" + BLOCKS[70004:])
    once = BLOCKS[:70000] + b"HERE" + BLOCKS[70004:]
    r.step(lambda: os.pwrite(fd, b"AND THERE", 5))
    r.step(lambda: os.close(fd), a=once[:5] + b"AND THERE" + once[14:])


@scenario
def truncate_and_append(r, at):
    r.given(a=SMALL)
    yield
    r.step(lambda: os.truncate(at("a"), 5), a=SMALL[:5])
    r.step(lambda: save(at("a"), b"+more", os.O_WRONLY | os.O_APPEND),
           a=SMALL[:5] + b"+more")
    r.step(lambda: os.truncate(at("a"), 0), a=b"")


@scenario
def shell_redirect(r, at):
    """A shell closes the file that it has emptied before the program writes."""
    r.given(a=SMALL)
    yield
    fd = r.step(lambda: os.open(at("a"), os.O_WRONLY | os.O_TRUNC))
    r.step(lambda: os.close(os.dup(fd)), a=b"")
    r.step(lambda: os.write(fd, b"new"))
    r.step(lambda: os.close(fd), a=b"new")


@scenario
def replace_in_steps(r, at):
    """Both files are on the server alone: nothing can be put over the target."""
    r.given(a=SMALL, b=BLOCKS)
    yield
    r.step(lambda: os.rename(at("b"), at("a")), a=BLOCKS, b=False)
    r.step(lambda: os.rename(at("a"), at("c")), a=False, c=BLOCKS)


@scenario
def replace_by_content(r, at):
    r.given(a=SMALL)
    yield
    r.step(lambda: save(at("new"), BLOCKS), new=BLOCKS)
    r.step(lambda: os.rename(at("new"), at("a")), a=BLOCKS, new=False)
    fd = r.step(lambda: os.open(at("t"), os.O_WRONLY | os.O_CREAT))
    r.step(lambda: os.write(fd, SMALL))
    r.change(lambda: os.rename(at("t"), at("a")), {"a": SMALL, "t": False})
    r.step(lambda: os.close(fd), a=SMALL)


@scenario
def open_unlinked(r, at):
    r.given(a=LARGE)
    yield
    fd = r.step(lambda: os.open(at("a"), os.O_RDONLY))
    r.step(lambda: os.unlink(at("a")), a=False)
    r.step(lambda: os.pread(fd, 10, 5000000))
    r.step(lambda: save(at("a"), SMALL), a=SMALL)
    r.step(lambda: os.close(fd))


@scenario
def open_unlinked_in_a_moved_directory(r, at):
    r.server.mkdir(r.top + "/d")
    r.now["d"] = None
    r.server.put(r.top + "/d/a", LARGE)
    r.now["d/a"] = LARGE
    r.note("d/a", LARGE)
    yield
    fd = r.step(lambda: os.open(at("d/a"), os.O_RDONLY))
    r.step(lambda: os.unlink(at("d/a")), d__a=False)
    r.step(lambda: os.rename(at("d"), at("e")), d=False, e=None)
    r.step(lambda: os.close(fd))


@scenario
def vim(r, at):
    """Renames to a backup, writes, deletes the backup."""
    r.given(a=SMALL)
    yield
    r.step(lambda: save(at(".a.swp"), b"swap"), **{".a.swp": b"swap"})
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: save(at("a"), BLOCKS), a=BLOCKS)
    r.step(lambda: os.unlink(at("a~")), **{"a~": False})
    r.step(lambda: os.unlink(at(".a.swp")), **{".a.swp": False})


@scenario
def emacs(r, at):
    """Keeps the backup, twice."""
    r.given(a=SMALL)
    yield
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: save(at("a"), b"second"), a=b"second")
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": b"second"})
    r.step(lambda: save(at("a"), b"third"), a=b"third")


@scenario
def scratch(r, at):
    """Temporary files: kept, renamed, renamed onto a real name, sent late."""
    r.given(a=SMALL)
    yield
    r.step(lambda: save(at("t~"), b"one"), **{"t~": b"one"})
    r.step(lambda: os.rename(at("t~"), at("u~")), **{"t~": False, "u~": b"one"})
    r.step(lambda: os.rename(at("u~"), at("a")), **{"u~": False, "a": b"one"})
    r.step(lambda: save(at("w~"), b"stays"), **{"w~": b"stays"})
    r.step(lambda: save(at("w~"), b"stays longer"), **{"w~": b"stays longer"})


@scenario
def changed_backup_of_a_replaced_file(r, at):
    """What a changed backup lacks is fetched before its object is replaced, and is
    promised."""
    r.given(a=SMALL)
    yield
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: os.truncate(at("a~"), 7), **{"a~": SMALL[:7]})
    r.step(lambda: save(at("a"), b"new"), a=b"new")
    r.step(lambda: save(at("b"), b"other"), b=b"other")


@scenario
def backup_gets_a_name(r, at):
    """What the record of an object moved aside said is said by that of its content."""
    yield
    r.step(lambda: save(at("a"), SMALL), a=SMALL)
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: os.rename(at("a~"), at("b")), **{"a~": False, "b": SMALL})
    r.step(lambda: save(at("c"), b"other"), c=b"other")


@scenario
def swap_file_gets_a_name(r, at):
    """What a swap file was changed to in place is promised when it becomes another."""
    r.given(a=SMALL)
    yield
    r.step(lambda: save(at("t~"), b"one"), **{"t~": b"one"})
    r.step(lambda: os.rename(at("t~"), at(".a.swp")), **{"t~": False, ".a.swp": b"one"})
    # With the power it may go, as on a local disk.
    r.unknown({".a.swp": False})
    r.writes_in_place(".a.swp", Prefix(b"two, and longer"))
    r.step(lambda: save(at(".a.swp"), b"two, and longer"),
           **{".a.swp": b"two, and longer"})
    r.unknown({".a.swp": False, "t~": False})
    r.step(lambda: os.rename(at(".a.swp"), at("t~")),
           **{".a.swp": False, "t~": b"two, and longer"})
    r.step(lambda: os.rename(at("t~"), at("a")),
           **{"t~": False, "a": b"two, and longer"})


@scenario
def scratch_still_open(r, at):
    """A rename promises what was written, as a close does."""
    yield
    r.step(lambda: save(at("t~"), b"one"), **{"t~": b"one"})
    r.unknown({"n": Prefix(SMALL)})
    fd = r.step(lambda: os.open(at("n"), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    r.step(lambda: os.write(fd, SMALL))
    r.change(lambda: os.rename(at("n"), at("t~")), {"n": False, "t~": SMALL})
    r.step(lambda: save(at("b"), b"other"), b=b"other")
    r.step(lambda: os.close(fd))


@scenario
def backup_over_unsent(r, at):
    """An object that is shown under another name is moved onto a name with a file that
    the server does not know."""
    r.server.mkdir(r.top + "/d")
    r.now["d"] = None
    r.given(a=BLOCKS)
    yield
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": BLOCKS})
    r.step(lambda: save(at("d/t~"), b"one"), **{"d__t~": b"one"})
    r.step(lambda: os.rename(at("a~"), at("d/t~")), **{"a~": False, "d__t~": BLOCKS})


@scenario
def write_back_still_open(r, at):
    """The same, onto a name whose content was promised and not sent."""
    yield
    r.step(lambda: save(at("b"), b"one"), b=b"one")
    r.unknown({"n": Prefix(SMALL)})
    fd = r.step(lambda: os.open(at("n"), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    r.step(lambda: os.write(fd, SMALL))
    r.step(lambda: os.rename(at("n"), at("b")), n=False, b=SMALL)
    r.step(lambda: save(at("c"), b"other"), c=b"other")
    r.step(lambda: os.close(fd))


@scenario
def write_back_over_unsent(r, at):
    """What is on the server alone is moved, in steps, onto what is there in another
    version than here."""
    r.given(a=BLOCKS, b=SMALL)
    yield
    r.step(lambda: save(at("b"), b"new"), b=b"new")
    r.step(lambda: os.rename(at("a"), at("b")), a=False, b=BLOCKS)


@scenario
def write_back_sent_and_renamed(r, at):
    """What was sent is not sent again: it has another name by then, or none."""
    yield "writeback=0"
    r.step(lambda: save(at("a"), SMALL), a=SMALL)
    r.step(lambda: r.await_sent("a"))
    r.step(lambda: os.rename(at("a"), at("b")), a=False, b=SMALL)
    r.step(lambda: save(at("c"), SMALL), c=SMALL)
    r.step(lambda: r.await_sent("c"))
    r.step(lambda: os.unlink(at("c")), c=False)
    r.step(lambda: save(at("d"), b"other"), d=b"other")


@scenario
def write_back_sent_and_changed(r, at):
    """What was sent is changed in place: what it is meanwhile was never promised."""
    yield "writeback=0"
    r.step(lambda: save(at("a"), BLOCKS), a=BLOCKS)
    r.step(lambda: r.await_sent("a"))
    fd = r.step(lambda: os.open(at("a"), os.O_RDWR))
    r.step(lambda: os.pwrite(fd, b"HERE", 70000))
    changed = BLOCKS[:70000] + b"HERE" + BLOCKS[70004:]
    r.step(lambda: os.close(fd), a=changed)
    r.step(lambda: r.await_sent("a"))
    r.step(lambda: save(at("a"), SMALL), a=SMALL)


@scenario
def write_back_by_content(r, at):
    """What was changed here takes the name of what the server does not know."""
    r.given(a=BLOCKS)
    yield "writeback=3600"
    r.step(lambda: save(at("a"), b"changed"), a=b"changed")
    r.step(lambda: save(at("b"), SMALL), b=SMALL)
    r.step(lambda: os.rename(at("a"), at("b")), a=False, b=b"changed")
    r.step(lambda: save(at("c"), b"other"), c=b"other")


@scenario
def write_back_changed_while_sent(r, at):
    """The same, by a program that does not wait until it is sent."""
    yield "writeback=0"
    for letter in (b"A", b"B", b"C", b"D"):
        r.step(lambda: save(at("a"), letter + BLOCKS), a=letter + BLOCKS)


@scenario
def write_back_cut_twice(r, at):
    """All of what is promised is on the server alone when it is cut again."""
    r.given(a=BLOCKS)
    yield "writeback=3600"
    r.step(lambda: os.truncate(at("a"), 70000), a=BLOCKS[:70000])
    r.step(lambda: os.truncate(at("a"), 3), a=BLOCKS[:3])
    r.step(lambda: save(at("b"), b"other"), b=b"other")


@scenario
def write_back_emptied(r, at):
    """Of what was changed most is on the server alone; then it is emptied, and written
    anew, by a program that takes its time."""
    r.given(a=BLOCKS)
    yield "writeback=3600"
    changed = BLOCKS[:70000] + b"HERE" + BLOCKS[70004:]
    fd = r.step(lambda: os.open(at("a"), os.O_WRONLY))
    r.step(lambda: os.pwrite(fd, b"HERE", 70000))
    r.step(lambda: os.close(fd), a=changed)
    fd = r.step(lambda: os.open(at("a"), os.O_WRONLY | os.O_TRUNC))
    r.step(lambda: os.write(fd, SMALL))
    r.step(lambda: os.close(fd), a=SMALL)


@scenario
def write_back_in_place(r, at):
    """Of what was appended to most is on the server alone; then it is written anew."""
    r.given(a=SMALL)
    yield
    r.step(lambda: save(at("a"), b"+", os.O_WRONLY | os.O_APPEND), a=SMALL + b"+")
    r.writes_in_place("a", Prefix(BLOCKS))
    r.step(lambda: save(at("a"), BLOCKS), a=BLOCKS)
    r.step(lambda: save(at("a"), b"+", os.O_WRONLY | os.O_APPEND), a=BLOCKS + b"+")


@scenario
def changed_in_part_and_deleted(r, at):
    """What was changed is only in part here when its object is deleted."""
    r.given(a=BLOCKS, b=BLOCKS)
    yield "writeback=3600"
    changed = BLOCKS + b"+"
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": BLOCKS})
    r.step(lambda: save(at("a~"), b"+", os.O_WRONLY | os.O_APPEND), **{"a~": changed})
    r.step(lambda: os.unlink(at("a~")), **{"a~": False})
    r.step(lambda: save(at("b"), b"+", os.O_WRONLY | os.O_APPEND), b=changed)
    r.step(lambda: os.unlink(at("b")), b=False)


@scenario
def changed_backup_gets_a_name(r, at):
    r.given(a=SMALL)
    yield "writeback=3600"
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: save(at("a"), b"new"), a=b"new")
    r.step(lambda: save(at("a~"), b"+", os.O_WRONLY | os.O_APPEND),
           **{"a~": SMALL + b"+"})
    r.step(lambda: os.rename(at("a~"), at("b")), **{"a~": False, "b": SMALL + b"+"})


@scenario
def backup_comes_back(r, at):
    """... over the unsent file that was to replace it."""
    r.given(a=SMALL)
    yield "writeback=3600"
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: save(at("a"), b"new"), a=b"new")
    r.step(lambda: os.rename(at("a~"), at("a")), **{"a~": False, "a": SMALL})
    r.step(lambda: os.rename(at("a"), at("a~")), **{"a": False, "a~": SMALL})
    r.step(lambda: save(at("t~"), b"newer"), **{"t~": b"newer"})
    r.step(lambda: os.rename(at("t~"), at("a")), **{"t~": False, "a": b"newer"})


@scenario
def directories(r, at):
    yield
    r.step(lambda: os.mkdir(at("d")), d=None)
    r.step(lambda: save(at("d/a"), SMALL), d__a=SMALL)
    r.step(lambda: save(at("d/t~"), b"unsent"), **{"d__t~": b"unsent"})
    r.step(lambda: os.rename(at("d"), at("e")),
           **{"d": False, "d__a": False, "d__t~": False,
              "e": None, "e__a": SMALL, "e__t~": b"unsent"})
    r.step(lambda: save(at("e/a"), b"again"), e__a=b"again")
    r.step(lambda: os.unlink(at("e/t~")), **{"e__t~": False})
    r.step(lambda: os.unlink(at("e/a")), e__a=False)
    r.step(lambda: os.rmdir(at("e")), e=False)


@scenario
def acknowledged_and_changed(r, at):
    """With -o writeback: what was closed and is not sent is changed in place."""
    first = BLOCKS
    yield "writeback=3600"
    r.step(lambda: save(at("a"), first), a=first)
    fd = r.step(lambda: os.open(at("a"), os.O_RDWR))
    r.step(lambda: os.pwrite(fd, b"HERE", 70000))
    r.step(lambda: os.pwrite(fd, b"AND THERE", 5))
    second = first[:5] + b"AND THERE" + first[14:70000] + b"HERE" + first[70004:]
    r.step(lambda: os.fsync(fd), a=second)
    r.step(lambda: os.ftruncate(fd, 100000))
    r.step(lambda: os.pwrite(fd, b"end", 200000))
    third = second[:100000] + bytes(100000) + b"end"
    r.step(lambda: os.close(fd), a=third)
    r.step(lambda: save(at("a"), SMALL), a=SMALL)
    r.step(lambda: save(at("a"), b"more", os.O_WRONLY | os.O_APPEND),
           a=SMALL + b"more")


@scenario
def mapped(r, at):
    r.given(a=SMALL)
    yield
    fd = r.step(lambda: os.open(at("a"), os.O_RDWR))
    mapping = mmap.mmap(fd, len(SMALL))
    mapping[0:4] = b"MAPS"
    r.unknown({"a": b"MAPS" + SMALL[4:]})
    r.note("a", b"MAPS" + SMALL[4:])
    r.step(mapping.flush)
    mapping.close()
    r.step(lambda: os.close(fd), a=b"MAPS" + SMALL[4:])


# --- runs ------------------------------------------------------------------------------


class Test:
    def __init__(self, work, brickfs, emulator, killer):
        self.work, self.brickfs, self.killer = work, brickfs, killer
        self.server = Server(work, emulator)
        self.runs = self.died_again = 0
        self.mount = None

    def new_run(self, name, options):
        """The run, and its life, which has put there what is there before."""
        self.runs += 1
        top = f"/r{self.runs}"
        self.server.mkdir(top)
        self.mount = mount = Mount(self.brickfs, self.server, "dbfs:" + top,
                      os.path.join(self.work, "mnt"),
                      os.path.join(self.work, "brickfs.log"), options)
        run = Run(mount, self.server, top)
        life = scenarios[name](run, mount.path)
        more = next(life)
        if more is not None:
            mount.options += "," + more
        return run, life

    def end(self, run):
        remove_state(os.environ["XDG_STATE_HOME"])
        self.server.remove(run.top)

    # Where brickfs dies.

    def environment(self, where, when, number, lose):
        found = {"LD_PRELOAD": self.killer, "CRASH_PATH": where, "CRASH_WHEN": when,
                 "CRASH_AT": str(number)}
        if lose:
            found["CRASH_LOSE"] = lose
        return found

    def next_boot(self):
        """For a mount after the machine has stopped."""
        path = os.path.join(self.work, "boot_id")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"{self.runs}\n")
        return {"LD_PRELOAD": self.killer, "CRASH_BOOT": path}

    def run_to_death(self, run, life, environment):
        """False: it outlived the call of that number."""
        if not run.mount.start(**environment):
            return True
        try:
            next(life, None)
            status = run.mount.unmount()
        except Died:
            run.mount.detach()
            return True
        return status == -9

    def once(self, name, where, when, number, lose=""):
        run, life = self.new_run(name, "scratch_keep=3600")
        died = self.run_to_death(run, life,
                                 self.environment(where, when, number, lose))
        boot = self.next_boot() if lose else {}
        # The recovery dies, too, somewhere at its beginning.
        if died and not run.mount.start(**{
                **boot, **self.environment(where, when, 1 + number % 5, lose)}):
            self.died_again += 1
            boot = self.next_boot() if lose else {}
        elif died:
            run.mount.kill()
            run.mount.detach()
        if not run.mount.start(**boot):
            raise Failure("it does not start any more")
        run.check()
        self.end(run)
        return died

    def every_call(self, where, names):
        for name in names:
            for when in ("before", "after", "torn"):
                number = 1
                while self.guard(f"{name}, {when} call {number} on {where}",
                                 lambda: self.once(name, where, when, number)):
                    number += 1
                say(f"{name}: died {when} each of {number - 1} calls on {where}")
        say(f"{self.died_again} recoveries died, too")

    def every_power_cut(self, names):
        for name in names:
            for lose in ("/staging/", "/journal"):
                number = 1
                while self.guard(
                        f"{name}, power cut after call {number}, {lose} not synced",
                        lambda: self.once(name, "/journal", "after", number, lose)):
                    number += 1
                say(f"{name}: the power went {number - 1} times, and what of {lose}"
                    " was not synced")

    @staticmethod
    def guard(what, function):
        try:
            return function()
        except (Failure, OSError) as e:
            raise Failure(f"{what}: {e!r}") from e

    # Where the service dies.

    def watch(self, rule):
        """Kills the emulator when it has met the rule, and starts it again."""
        try:
            wait_until("the rule is met",
                       lambda: self.over or self.server.fired(rule))
            if not self.over:
                self.server.kill()
                self.met = True
        except (OSError, Failure) as e:
            self.watch_error = e

    def once_served(self, name, when, number):
        run, life = self.new_run(name, "scratch_keep=3600,attr_timeout=0")
        if not run.mount.start():
            raise Failure("brickfs died")
        verb = ({"verb": "cut_request", "how": "stall"} if when == "before" else
                {"verb": "apply_then_fail", "how": "stall"})
        rule = self.server.rule(
            match={"method": "POST", "path": "/api/2.0/dbfs/*", "nth": number}, **verb)
        self.over = self.met = False
        self.watch_error = None
        watcher = threading.Thread(target=self.watch, args=(rule,))
        watcher.start()
        next(life, None)
        status = run.mount.unmount()
        self.over = True
        watcher.join()
        if self.watch_error is not None:
            raise Failure(f"the watcher: {self.watch_error}")
        if status != 0:
            raise Failure(f"brickfs ended with status {status}")
        if not self.met:
            self.server.clear_rules()
        if not run.mount.start():
            raise Failure("it does not start any more")
        run.check()
        self.end(run)
        return self.met

    def every_request(self, names):
        for name in names:
            if name == "mapped":  # Python lets no other thread run during an msync
                continue
            for when in ("before", "after"):
                number = 1
                while self.guard(f"{name}, {when} request {number}",
                                 lambda: self.once_served(name, when, number)):
                    number += 1
                say(f"{name}: the service died {when} each of {number - 1} requests")


def main():
    work, brickfs, emulator, killer, what, *names = sys.argv[1:]
    test = Test(work, brickfs, emulator, killer)
    test.server.start()
    try:
        if what == "server":
            test.every_request(names or scenarios)
        elif what == "power":
            test.every_power_cut(names or scenarios)
        else:
            test.every_call({"journal": "/journal", "staging": "/staging/"}[what],
                            names or scenarios)
    except Failure as e:
        say(f"FAIL: {e}")
        return 1
    finally:
        if test.mount is not None:
            test.mount.give_up()
        test.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
