"""What is measured on: the link, the emulator behind it, a mount of brickfs.

Each is a context manager that leaves nothing behind: no process, no mount, no
namespace."""

import contextlib
import ctypes
import http.client
import json
import os
import signal
import ssl
import subprocess
import time
from urllib.parse import quote

TOKEN = "dapi-emulator"
SERVER = "127.77.0.1"
CLIENT = "127.77.0.2"
PATIENCE = 60  # seconds for what ought to happen at once

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Ends the run with these words."""


def enter(namespace):
    """Moves this thread into a network namespace: new sockets are made there."""
    fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), namespace)
    finally:
        os.close(fd)


@contextlib.contextmanager
def inside(namespace):
    if namespace is None:
        yield
        return
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(namespace)
        yield
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)


def wait_until(what, true, patience=PATIENCE):
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise Failure(f"waited {patience} s for {what}")
        time.sleep(0.01)


def become_child(namespace):
    """In a new process: it ends when we do, and is in that network namespace."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if namespace is not None:
        enter(namespace)


class Child:
    """A process of ours.  It has a session of its own, so that Ctrl-C reaches us
    alone, and ends when we do, however that is."""

    def __init__(self, argv, log, namespace=None, env=None, **more):
        self.name = os.path.basename(argv[0])
        self.log = log
        with open(log, "ab") as f:
            self.popen = subprocess.Popen(
                argv,
                env=env,
                stdin=subprocess.DEVNULL,
                stderr=f,
                preexec_fn=lambda: become_child(namespace),
                start_new_session=True,
                **{"stdout": f, **more},
            )
        self.pid = self.popen.pid

    def ended(self):
        return self.popen.poll() is not None

    def words(self):
        """The end of what it said."""
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-10:]).strip()

    def cpu(self):
        """Seconds of all its threads so far."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Bytes: the most that was resident, and what is now, without files."""
        with open(f"/proc/{self.pid}/status") as f:
            kib = dict(line.split(":", 1) for line in f)
        return tuple(int(kib[name].split()[0]) << 10 for name in ("VmHWM", "RssAnon"))

    def stop(self, patience=PATIENCE):
        """Its status."""
        if not self.ended():
            self.popen.terminate()
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()
        finally:
            if self.popen.stdout is not None:
                self.popen.stdout.close()


def make_certificate(work):
    """Signed by itself, for every address that a server of ours has."""
    cert, key = f"{work}/cert.pem", f"{work}/key.pem"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=brickfs-bench", "-keyout", key, "-out", cert, "-addext"]
        + [f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{SERVER}"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Failure(f"openssl: {done.stderr.strip()}")
    return cert, key


class Rig:
    """The emulator behind the link of a profile.

    build: the build directory; work: a directory for logs; store: the emulator's
    root, which outlives the rig."""

    def __init__(self, build, work, store, profile, real_link):
        self.build, self.work, self.store, self.profile = build, work, store, profile
        self.real_link = real_link and profile.link
        self.link = self.emulator = None
        self.server_ns = self.client_ns = None
        self.token, self.through = TOKEN, f"{work}/through"
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            if self.real_link:
                self.start_link(stack)
            self.start_emulator(stack)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    @property
    def link_words(self):
        if self.real_link:
            return "delayed link, TCP of the kernel"
        return "the emulator's delay" if self.profile.link else "none"

    def start_link(self, stack):
        p = self.profile
        self.link = Child(
            [f"{self.build}/bench/link", SERVER, CLIENT, str(p.rtt_ms), str(p.mbit)],
            f"{self.work}/link.log",
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(self.link.stop)
        names = self.link.popen.stdout.readline().split()
        if len(names) != 2:
            raise Failure(f"the link did not come up: {self.link.words()}")
        self.server_ns, self.client_ns = names

    def start_emulator(self, stack):
        p = self.profile
        self.cert, key = make_certificate(self.work)
        # The legacy CLI drops the port of its host, so 443 where it is ours.
        address, port = (SERVER, 443) if self.real_link else ("127.0.0.1", 0)
        settings = [f"--rate-limit={p.rate}"]
        if p.link and not self.real_link:
            settings += [f"--latency={p.rtt_ms:g}", f"--bandwidth={p.mbit:g}"]
        port_file = f"{self.work}/port"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(port_file)
        self.emulator = Child(
            [f"{self.build}/brickfs-emulator", "--root", self.store, "--quiet"]
            + ["--listen", f"{address}:{port}", "--port-file", port_file]
            + ["--tls-cert", self.cert, "--tls-key", key, "--token", TOKEN]
            + settings,
            f"{self.work}/emulator.log",
            namespace=self.server_ns,
        )
        stack.callback(self.emulator.stop)
        wait_until(
            "the emulator",
            lambda: os.path.exists(port_file) or self.emulator.ended(),
        )
        if self.emulator.ended():
            raise Failure(f"the emulator did not start: {self.emulator.words()}")
        with open(port_file) as f:
            self.address, self.port = address, int(f.read())
        self.url = f"https://{address}" + ("" if self.port == 443 else f":{self.port}")
        self.tls = ssl.create_default_context(cafile=self.cert)

    def call(self, method, path, body=None):
        """A call to the emulator from its own side of the link; the JSON answer.
        body: bytes, or what becomes JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        conn = http.client.HTTPSConnection(
            self.address, self.port, timeout=PATIENCE, context=self.tls
        )
        with inside(self.server_ns):
            conn.connect()
        try:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            headers["Content-Type"] = "application/json"
            conn.request(method, path, body, headers)
            answer = conn.getresponse()
            text = answer.read()
        finally:
            conn.close()
        if answer.status != 200:
            raise Failure(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text or b"{}")

    def make(self, path, files, size, dirs=0):
        query = f"path={quote(path)}&dirs={dirs}&files={files}&size={size}"
        self.call("POST", f"/emulator/make?{query}")

    def remove(self, path):
        """With all that is below; nothing there is no error."""
        self.call("POST", "/api/2.0/dbfs/delete", {"path": path, "recursive": True})

    def mkdir(self, path):
        self.call("POST", "/api/2.0/dbfs/mkdirs", {"path": path})

    def lift_limit(self, lifted):
        rate = 0 if lifted else self.profile.rate
        self.call("POST", "/emulator/settings", {"rate-limit": str(rate)})

    def reset_counters(self):
        self.call("POST", "/emulator/counters/reset", {})

    def counters(self):
        return self.call("GET", "/emulator/counters")

    def environment(self, home):
        """Of brickfs and its peers: nothing of the user's settings."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": home,
            "XDG_STATE_HOME": f"{home}/state",
            "XDG_CACHE_HOME": f"{home}/cache",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "DATABRICKS_HOST": self.url,
            "DATABRICKS_TOKEN": TOKEN,
            "REQUESTS_CA_BUNDLE": self.cert,
            "SSL_CERT_FILE": self.cert,
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def is_mounted(path):
    with open("/proc/self/mountinfo") as f:
        return any(line.split()[4] == path for line in f)


class Mount:
    """A mount of argv + [path], in its own process; home is kept."""

    def __init__(self, argv, path, home, log, namespace=None, env=None):
        self.path, self.home = path, home
        os.makedirs(path, exist_ok=True)
        self.process = Child(argv + [path], log, namespace=namespace, env=env)

    def __enter__(self):
        try:
            wait_until(
                f"the mount {self.path}",
                lambda: is_mounted(self.path) or self.process.ended(),
            )
            if not is_mounted(self.path):
                raise Failure(f"no mount: {self.process.words()}")
        except BaseException:
            self.process.stop()
            raise
        return self

    def unmount(self, *how):
        command = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
        if how:
            command = command[:1] + ["-l" if os.geteuid() == 0 else "-uz"]
        subprocess.run(command + [self.path], stderr=subprocess.DEVNULL)
        return not is_mounted(self.path)

    def __exit__(self, kind, *why):
        try:
            wait_until("the unmount", self.unmount, 5 if kind else PATIENCE)
            self.process.popen.wait(PATIENCE)
        except BaseException:
            self.unmount("lazily")
            raise
        finally:
            status = self.process.stop()
        if kind is None and status != 0:
            raise Failure(f"{self.process.name}: status {status}: {self.process.words()}")


def brickfs(rig, home, options=()):
    """A mount of all of DBFS.  A run that is broken off is not to wait for uploads to
    a server that has gone."""
    always = (f"host={rig.url}", f"cacert={rig.cert}", "drain_timeout=5")
    words = ",".join((*always, *options))
    return Mount(
        [f"{rig.build}/brickfs", "-f", "-o", words, "dbfs:/"],
        f"{rig.work}/mnt",
        home,
        f"{rig.work}/brickfs.log",
        namespace=rig.client_ns,
        env=rig.environment(home),
    )


def passthrough(rig, directory):
    return Mount(
        [f"{rig.build}/bench/passthrough", directory],
        rig.through,
        None,
        f"{rig.work}/passthrough.log",
    )


def anew(path):
    """An empty directory; what was there gives its space back, but goes at the end of all:
    an ext4 looks at all inodes that were freed in the last minute when it makes a new one."""
    if os.path.exists(path):
        old = f"{path}.{time.monotonic_ns()}"
        os.rename(path, old)
        for where, _, names in os.walk(old):
            for name in names:
                file = os.path.join(where, name)
                if os.path.isfile(file) and not os.path.islink(file):
                    os.truncate(file, 0)
    os.makedirs(path)
    return path
