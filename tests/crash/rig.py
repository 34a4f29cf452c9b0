"""tests/crash/rig.py: mounts that die, and what must be true afterwards.

What a test does it does through a Run: step() says what a system call changes when it
is acknowledged.  When the program under the mount dies, the step that was under way
may have happened or not, name by name; everything before it must have happened.
"""

import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

PATIENCE = float(os.environ.get("TEST_PATIENCE", "60"))
HIDDEN = re.compile(r"^\.brickfs-[0-9a-f]{16}$")
SCRATCH = re.compile(r"^(\..*\.sw.|4913|\.#.*|.*~|#.*#|\.~.*|sed\w{6}|\.[^.].*\.\w{6})$")


class Failure(Exception):
    """A promise was broken."""


class Died(Exception):
    """The program under the mount is gone, as the test wanted."""


def wait_until(what, condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {patience:.0f} s")
        time.sleep(0.002)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def free_port():
    """One that no client gets by chance: who connects to where nobody listens may be
    given that very port, and then talks to himself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        first = int(f.read().split()[0])
    for _ in range(100):
        port = random.SystemRandom().randrange(1024, max(first, 1025))
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failure("no port is free")


class Server:
    """The emulator, as its owner sees it; it is started again when it dies."""

    def __init__(self, work, binary, token="dapi-emulator", tree="dbfs"):
        self.work, self.binary, self.token = work, binary, token
        self.port, self.process = free_port(), None
        self.api = tree  # "dbfs" or "workspace"
        self.source = "dbfs:" if tree == "dbfs" else "/Workspace"

    def start(self, *options):
        """A shell starts it, and starts it again when it is killed: a fork of ours would
        close the files that the test has open on the mount, and wait for the server."""
        loop = 'while :; do "$@" & echo $! >"$0"; wait $! && exit; done'
        self.port_file = os.path.join(self.work, "emu.port")
        self.pid_file = os.path.join(self.work, "emu.pid")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        os.makedirs(os.path.join(self.work, "root", "dbfs"), exist_ok=True)
        self.url = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(self.work, "emu.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", loop, self.pid_file, self.binary,
                 "--root", os.path.join(self.work, "root"),
                 "--listen", f"127.0.0.1:{self.port}", "--port-file", self.port_file,
                 "--token", self.token, "--quiet", *options],
                stdout=log, stderr=log)
        self.await_start()

    def await_start(self):
        wait_until("the emulator starts", lambda: os.path.exists(self.port_file))

    def pid(self):
        with open(self.pid_file, encoding="ascii") as f:
            return int(f.read())

    def kill(self, while_down=None):
        """It is there again when this returns."""
        os.unlink(self.port_file)
        os.kill(self.pid(), signal.SIGKILL)
        if while_down is not None:
            while_down()
        self.await_start()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            os.kill(self.pid(), signal.SIGTERM)

    def ask(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        if body is not None:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def quote(self, path):
        return urllib.parse.quote(path) + f"&tree={self.api}"

    def put(self, path, content):
        self.ask("PUT", "/emulator/file?path=" + self.quote(path), content,
                 "application/octet-stream")

    def mkdir(self, path):
        self.ask("POST", f"/api/2.0/{self.api}/mkdirs",
                 json.dumps({"path": path}).encode())

    def remove(self, path):
        self.ask("POST", f"/api/2.0/{self.api}/delete",
                 json.dumps({"path": path, "recursive": True}).encode())

    def tree(self, path):
        """{name below path: digest, None for a directory}"""
        answer = json.loads(self.ask(
            "GET", "/emulator/tree?path=" + self.quote(path)))
        return {e["path"][len(path):].lstrip("/"):
                None if e["is_dir"] else e["sha256"] for e in answer["entries"]}

    def history(self, path):
        answer = json.loads(self.ask(
            "GET", "/emulator/history?path=" + self.quote(path)))
        return [v["sha256"] for v in answer["versions"] if v["sha256"]]

    def rule(self, **rule):
        return json.loads(self.ask("POST", "/emulator/rules",
                                   json.dumps(rule).encode()))["id"]

    def fired(self, number):
        rules = json.loads(self.ask("GET", "/emulator/rules"))["rules"]
        return any(r["id"] == number and r["fired"] > 0 for r in rules)

    def clear_rules(self):
        self.ask("DELETE", "/emulator/rules")


class Mount:
    """One brickfs and its mount point."""

    def __init__(self, binary, server, source, point, log, options=""):
        self.binary, self.server, self.source = binary, server, source
        self.point, self.log, self.options = point, log, options
        self.process = None
        os.makedirs(point, exist_ok=True)

    def is_mounted(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            return any(line.split()[4] == self.point for line in f)

    def begin(self, **environment):
        """Does not wait until it is there."""
        options = f"host={self.server.url}"
        if self.options:
            options += "," + self.options
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "-f", "-o", options, self.source, self.point],
                stdout=log, stderr=log,
                env={**os.environ, "DATABRICKS_TOKEN": self.server.token,
                     **environment})

    def start(self, **environment):
        """False when it died on the way."""
        self.begin(**environment)
        wait_until("brickfs mounts", lambda: self.is_mounted() or self.is_dead())
        # The kernel has asked it something, and it has answered.
        try:
            os.stat(self.point)
        except OSError:
            wait_until("brickfs ends", self.is_dead)
        if self.is_dead():
            status = self.detach()
            if status != -signal.SIGKILL:
                raise Failure(f"brickfs did not start: status {status}")
            return False
        return True

    def is_dead(self):
        return self.process is None or self.process.poll() is not None

    def kill(self):
        self.process.kill()

    def detach(self):
        """After its death: the mount point is free again.  Its exit status."""
        status = self.process.wait(PATIENCE)
        self.process = None
        while self.is_mounted():
            command = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-uz"]
            subprocess.run([*command, self.point], check=False)
        return status

    def unmount(self):
        """Its exit status."""
        command = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
        while self.is_mounted():
            done = subprocess.run([*command, self.point], check=False,
                                  stderr=subprocess.DEVNULL)
            if done.returncode != 0:
                time.sleep(0.01)
        status = self.process.wait(PATIENCE + 60)
        self.process = None
        return status

    def give_up(self):
        """At the end of a test that failed."""
        if self.process is not None:
            self.process.kill()
            self.detach()

    def path(self, name):
        return os.path.join(self.point, name)


class Prefix:
    """Of a content: what a save in place has got to."""

    def __init__(self, content):
        self.content = content


class Run:
    """One life of a directory, with a death in it."""

    def __init__(self, mount, server, top):
        self.mount, self.server, self.top = mount, server, top
        self.now = {}      # name: content, None for a directory, as acknowledged
        self.maybe = {}    # name: what else it may be; False: absent
        self.written = {}  # name: digests of all that it may ever have held
        self.in_place = set()  # names that may have held half of a content
        self.moves = []    # renames under way at the death: (from, to, content)

    # --- what is done ------------------------------------------------------

    def given(self, **contents):
        for name, content in contents.items():
            self.server.put(f"{self.top}/{name}", content)
            self.now[name] = content
            self.note(name, content)

    def note(self, name, content):
        if isinstance(content, bytes):
            self.written.setdefault(name, set()).add(digest(content))
            if notebook_name(name):
                self.written[name].add(digest(as_notebook(content)))

    def step(self, call, **changes):
        """changes: what call() makes of names; False: absent."""
        changes = {name.replace("__", "/"): content
                   for name, content in changes.items()}
        return self.change(call, changes)

    def change(self, call, changes):
        for name, content in changes.items():
            self.note(name, content)
        try:
            result = call()
        except OSError as e:
            self.note_move(changes)
            self.unknown(changes)
            if self.dying():
                raise Died from e
            raise
        self.apply(changes)
        return result

    def note_move(self, changes):
        """Was it a rename of what was acknowledged?  Then that is under one name or the
        other."""
        gone = [n for n, content in changes.items() if content is False and
                isinstance(self.now.get(n), bytes) and n not in self.maybe]
        for name in gone:
            self.moves += [(name, to, content) for to, content in changes.items()
                           if content is not False and content == self.now[name]]

    def dying(self):
        end = time.monotonic() + 1
        while not self.mount.is_dead():
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True

    def apply(self, changes):
        for name, content in changes.items():
            self.maybe.pop(name, None)
            if content is False:
                self.now.pop(name, None)
            else:
                self.now[name] = content

    def unknown(self, changes):
        for name, content in changes.items():
            self.maybe.setdefault(name, []).append(content)

    def writes_in_place(self, name, passing):
        """A swap or lock file, which is never sent, is written to in place, as on a
        local disk: it may be what it is on the way, which is passing."""
        self.unknown({name: passing})
        self.in_place.add(name)

    def await_sent(self, name):
        """The server has it, and nothing waits to be sent."""
        while os.listdir(self.mount.path(".control/pending")):
            time.sleep(0.01)
        if self.server.tree(self.top).get(name) != digest(self.now[name]):
            raise Failure(f"{name} is not on the server, and is not pending")

    # --- what must be so -----------------------------------------------------

    def allowed(self, name):
        first = self.now.get(name, False)
        return [first, *self.maybe.get(name, [])]

    def pending(self):
        """{number: (state, path, reason)} of .control/pending"""
        top = self.mount.path(".control/pending")
        found = {}
        for number in os.listdir(top):
            try:
                words = []
                for what in ("state", "path", "reason"):
                    with open(os.path.join(top, number, what), encoding="utf-8") as f:
                        words.append(f.read().strip())
                found[number] = tuple(words)
            except FileNotFoundError:
                pass  # sent meanwhile
        return found

    def settle(self):
        """Everything is on the server; what no close had promised is given up."""
        for number, (state, _, _) in self.pending().items():
            if state == "kept":
                path = self.mount.path(f".control/pending/{number}/discard")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(number + "\n")
        try:
            with open(self.mount.path(".control/sync"), "w", encoding="utf-8") as f:
                f.write("1\n")
        except OSError as e:
            raise Failure(f"not all is sent: {e}: {self.pending()}") from e
        conflicts = [p for p in self.pending().values() if p[0] == "conflict"]
        if conflicts:
            raise Failure(f"conflicts without anybody else: {conflicts}")

    def look(self):
        """What the mount shows: {name: content}"""
        found = {}
        for dir_path, dirs, files in os.walk(self.mount.point,
                                             onerror=self.fail_walk):
            for name in dirs:
                found[os.path.relpath(os.path.join(dir_path, name),
                                      self.mount.point)] = None
            for name in files:
                path = os.path.join(dir_path, name)
                self.look_at(os.path.relpath(path, self.mount.point), path, found)
        return found

    def look_at(self, name, path, found):
        """What was under way at the death, and has left brickfs, the service may carry out
        now: then name shows something else from here on."""
        try:
            found[name] = self.read(path)
        except Failure as e:
            late = isinstance(e.__cause__, OSError) and e.__cause__.errno in (
                errno.ESTALE, errno.ENOENT)
            if not late or name not in self.maybe:
                raise
            if os.path.exists(path):
                found[name] = self.read(path)

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as f:
                return f.read()
        except OSError as e:
            raise Failure(f"{path} cannot be read: {e!r}") from e

    @staticmethod
    def fail_walk(error):
        raise error

    @staticmethod
    def is_same(want, got):
        if isinstance(want, Prefix):
            return isinstance(got, bytes) and want.content.startswith(got)
        return got is want or (got == want and type(got) is type(want))

    @staticmethod
    def show(content):
        if content is None:
            return "a directory"
        if content is False:
            return "nothing"
        if isinstance(content, Prefix):
            return f"the beginning of {Run.show(content.content)}"
        return f"{len(content)} bytes {content[:24]!r}"

    def compare(self, found):
        for name in sorted({*found, *self.now, *self.maybe}):
            got = found.get(name, False)
            allowed = self.allowed(name)
            # The death came before it was written down how the text was saved.
            if notebook_name(name) and name in self.maybe:
                allowed += [as_notebook(c) + b"\n" for c in allowed if isinstance(c, bytes)]
            if not any(self.is_same(want, got) for want in allowed):
                wanted = " or ".join(self.show(w) for w in self.allowed(name))
                raise Failure(f"{name}: expected {wanted}, got {self.show(got)}")
        for name, to, content in self.moves:
            if found.get(name) != content and found.get(to) != content:
                raise Failure(f"neither {name} nor {to} is {self.show(content)}")

    def check_server(self, found):
        """After an unmount: the server has what was shown, and never had anything
        that no program wrote."""
        tree = self.as_shown(found, self.server.tree(self.top))
        for name in sorted({*found, *tree}):
            base = os.path.basename(name)
            if HIDDEN.match(base):
                raise Failure(f"{name} is left on the server")
            want, got = found.get(name, False), tree.get(name, False)
            if isinstance(want, bytes):
                want = digest(want)
            if got is not False if want is False else got != want:
                # Sent later, or never; until then an older one may be there.
                if SCRATCH.match(base) and isinstance(want, str):
                    continue
                raise Failure(f"{name} on the server: {got}, in the mount: {want}")
        # An object moved aside moves with its directory under a name that is not shown:
        # so it is asked whether anybody wrote that, under whatever name.
        anywhere = set().union(*self.written.values())
        for name in self.written:
            if name in self.in_place:
                continue
            versions = self.server.history(f"{self.top}/{name}")
            if notebook_name(name):
                versions += self.server.history(f"{self.top}/{notebook_name(name)}")
            for version in versions:
                if version not in anywhere:
                    raise Failure(f"{name} had a version that nobody wrote: {version}")

    def as_shown(self, found, tree):
        """A notebook is stored without its extension, and as the service keeps it."""
        if self.server.api == "dbfs":
            return tree
        shown = dict(tree)
        for name, content in found.items():
            stored = notebook_name(name)
            if name not in tree and stored in tree and stored not in found:
                same = shown.pop(stored) == digest(as_notebook(content))
                shown[name] = digest(content) if same else "another text"
        return shown

    def check(self):
        """On a mount after the death; unmounts it."""
        self.settle()
        found = self.look()
        self.compare(found)
        status = self.mount.unmount()
        if status != 0:
            raise Failure(f"brickfs ended with status {status}")
        self.check_server(found)
        return found


# --- notebooks ---------------------------------------------------------------------

HEADER = b"# Databricks notebook source"


def notebook_name(name):
    """What a notebook that is shown so is stored as; None: no notebook is."""
    return name[:-3] if name.endswith(".py") else None


def as_notebook(content):
    """What the service keeps of the source."""
    if content.split(b"\n", 1)[0] != HEADER:
        content = HEADER + b"\n" + content
    return content.rstrip(b"\n")


# --- system calls of programs ------------------------------------------------------


def save(path, content, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o644):
    fd = os.open(path, flags, mode)
    try:
        at = 0
        while at < len(content):
            at += os.write(fd, content[at:])
    finally:
        os.close(fd)


def is_death(error):
    return error.errno in (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO,
                           errno.ENODEV, errno.EINTR)


def remove_state(path):
    shutil.rmtree(path, ignore_errors=True)


def say(*words, sep=" "):
    print(*words, sep=sep, flush=True)
