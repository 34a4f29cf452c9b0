"""Runs a row, several times and in turn with its peers, and notes what it took."""

import contextlib
import json
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import rig as rigs
from floors import MIB
from rows import GIB

# A row whose floor is above so many seconds runs so often: what takes long, and what
# a rate limit decides, spreads little.
RUNS = ((30, 2), (5, 3), (0, 5))
CONNECTIONS = 20  # threads of brickfs that transfer
DISTURBED = 0.1  # cores that others had
HERE = os.path.dirname(os.path.abspath(__file__))


def cores_busy():
    """Seconds that all cores worked, or were kept from it by the machine's host."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:]]
    user, nice, system, _, _, _, _, steal = fields[:8]
    return (user + nice + system + steal) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Time and CPU from now on: of each process, and of all others together."""

    def __init__(self, processes):
        self.processes = [p for p in processes if p is not None]
        self.load = os.getloadavg()[0]
        self.start = self.now()

    def now(self):
        ours = 0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            used = resource.getrusage(who)
            ours += used.ru_utime + used.ru_stime
        each = [p.cpu() for p in self.processes]
        return time.perf_counter(), cores_busy(), ours + sum(each), each

    def end(self):
        took, busy, ours = (b - a for a, b in zip(self.start[:3], self.now()[:3]))
        cpu = [b - a for a, b in zip(self.start[3], self.now()[3])]
        return {
            "cpu": {p.name: round(c, 2) for p, c in zip(self.processes, cpu)},
            "others": round(max(0, busy - ours) / took, 2),
            "load": [self.load, os.getloadavg()[0]],
        }


def run_words(words, rig, environment=None, namespace=None):
    """Runs a program; its JSON, or the seconds that it took."""

    ours = words[0] == "work.py"
    if ours:
        words = [sys.executable, "-IBS", f"{HERE}/work.py", *words[1:]]
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        env=environment,
        cwd=rig.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: rigs.become_child(namespace),
        start_new_session=True,
        text=True,
    )
    try:
        out, err = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    took = time.perf_counter() - began
    if process.returncode != 0:
        raise rigs.Failure(f"{' '.join(words)}: {err.strip()[-2000:]}")
    try:
        return json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        return {"seconds": took}


def drop_pages(path):
    """What is below path leaves the page cache."""
    os.sync()
    files = [path]
    if os.path.isdir(path):
        files = [f"{d}/{name}" for d, _, names in os.walk(path) for name in names]
    for name in files:
        fd = os.open(name, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def calls_of_api(counters):
    """Those that a rate limit is about."""
    return sum(n for name, n in counters.items() if " /api/" in name)


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values), math.ceil(len(values) * percent / 100)) - 1]


@dataclass
class Times:
    """Of brickfs or a peer in one row."""

    name: str
    amount: float
    seconds: list = field(default_factory=list)
    requests: int = 0  # of the last run

    @property
    def median(self):
        return statistics.median(self.seconds)


@dataclass
class Result:
    """Of a row in a profile.  What is not a list is of the run that took most."""

    row: object
    profile: object
    amount: float
    floor: float
    least: int
    own: Times
    bound: Times = None
    peers: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    cpu: list = field(default_factory=list)  # of brickfs, seconds
    emulator_cpu: list = field(default_factory=list)
    peak: int = 0  # bytes
    anon: int = 0
    peak_bound: int = 0
    requests: int = 0
    failed: int = 0  # answers with a status of 400 or more; 404, too
    endpoints: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)  # what the program counted
    others: float = 0  # cores
    load: list = field(default_factory=list)

    @property
    def median(self):
        return self.own.median

    @property
    def p99(self):
        return percentile(self.samples, 99)

    @property
    def of_floor(self):
        return self.floor / self.median if self.floor else None

    @property
    def of_bound(self):
        return self.bound.median / self.median if self.bound else None

    @property
    def cpu_per_gib(self):
        return statistics.median(self.cpu) / (self.amount * MIB / GIB)

    @property
    def emulator_cpu_per_gib(self):
        return statistics.median(self.emulator_cpu) / (self.amount * MIB / GIB)

    def times_faster(self, name):
        """Than the peer, for the same amount; None when it was not measured."""
        for peer in self.peers:
            if peer.name == name:
                return (peer.median / peer.amount) / (self.median / self.amount)
        return None

    def goals(self):
        """(words, reached) of those that say something here."""
        for goal in self.row.goals:
            if goal.profiles is None or self.profile.name in goal.profiles:
                reached = goal.reached(self)
                if reached is not None:
                    yield goal.words, reached


class Measurement:
    """Of one row on a stage."""

    def __init__(self, row, stage, settings):
        self.row, self.stage, self.settings = row, stage, settings
        self.rig = stage.rig
        self.environment = self.rig.environment(f"{self.rig.work}/peer-home")
        sizes, profile = stage.sizes, self.rig.profile
        self.result = Result(
            row,
            profile,
            row.amount(sizes),
            row.floor(profile, sizes) if row.floor else 0,
            row.least(sizes) if row.least else 0,
            Times("brickfs", row.amount(sizes)),
            peak_bound=self.memory_bound(sizes),
        )

    def memory_bound(self, sizes):
        """The formula for resident memory, in bytes."""
        threads = min(self.row.readers, 56) + CONNECTIONS
        return (
            (32 + self.settings.cache_mem + threads) * MIB
            + 300 * self.row.names(sizes)
        )

    def run(self):
        row, stage, result = self.row, self.stage, self.result
        row.prepare(stage)
        os.makedirs(self.environment["HOME"], exist_ok=True)
        peers, bound = [], None
        if row.bound and not self.rig.profile.rate:
            bound = row.bound(stage)
            result.bound = Times(bound.name, bound.amount)
        if self.settings.peers:
            peers = list(row.peers(stage))
            result.peers = [Times(p.name, p.amount) for p in peers]
        for _ in range(self.runs()):
            self.run_own()
            if bound:
                self.run_peer(bound, result.bound)
            for peer, times in zip(peers, result.peers):
                self.run_peer(peer, times)
        return result

    def runs(self):
        if self.settings.runs:
            return self.settings.runs
        usual = next(n for floor, n in RUNS if self.result.floor >= floor)
        return min(self.row.most_runs, usual)

    def settle(self):
        """Brickfs has opened its connections, and after what was asked so far the
        whole burst is there again."""
        time.sleep(1.2 if self.rig.profile.rate else 0.5)

    def run_own(self):
        row, stage, rig = self.row, self.stage, self.rig
        row.before(stage)
        if not row.mounted:
            self.timed_work(None, rig.client_ns)
            return
        home = rigs.anew(f"{rig.work}/home")
        options = self.settings.options
        if row.from_disk:
            with rigs.brickfs(rig, home, options) as mount:
                run_words(["work.py", *row.words(stage, mount.path)], rig)
            drop_pages(home)
        with rigs.brickfs(rig, home, options) as mount:
            try:
                for rule in row.rules:
                    rig.call("POST", "/emulator/rules", rule)
                self.timed_work(mount)
            finally:
                if row.rules:
                    rig.call("DELETE", "/emulator/rules")
        row.after(stage)

    def timed_work(self, mount, namespace=None):
        rig, result = self.rig, self.result
        process = mount.process if mount else None
        words = ["work.py", *self.row.words(self.stage, mount and mount.path)]
        self.settle()
        rig.reset_counters()
        with self.profiled(process):
            watch = Watch([process, rig.emulator, rig.link])
            out = run_words(words, rig, namespace=namespace)
            used = watch.end()
        counters = rig.counters()
        samples = out.pop("samples", None)
        if samples is not None:
            out["seconds"] = statistics.median(samples)
            result.samples += samples
        result.own.seconds.append(out.pop("seconds"))
        result.extra = out
        result.cpu.append(used["cpu"].get("brickfs", 0))
        result.emulator_cpu.append(used["cpu"].get("brickfs-emulator", 0))
        result.others = max(result.others, used["others"])
        result.load.append(used["load"])
        if process is not None:
            peak, anon = process.memory()
            result.peak, result.anon = max(result.peak, peak), max(result.anon, anon)
        if calls_of_api(counters) >= result.requests:
            result.requests = calls_of_api(counters)
            result.failed = counters["errors"]
            result.endpoints = {k: v for k, v in counters.items() if "/" in k}

    def run_peer(self, peer, times):
        rig = self.rig
        self.settle()
        rig.reset_counters()
        with contextlib.ExitStack() as stack:
            if peer.drop:
                drop_pages(peer.drop)
            if peer.shown:
                stack.enter_context(rigs.passthrough(rig, peer.shown))
            out = run_words(peer.words, rig, self.environment, rig.client_ns)
        took = out["seconds"] - self.stage.peers.start_of(peer, self.environment)
        times.seconds.append(took)
        times.requests = calls_of_api(rig.counters())

    @contextlib.contextmanager
    def profiled(self, process):
        """By perf, where that is asked for.  It samples the whole machine: threads
        that begin later would be missed otherwise.  The file pids says who is who."""
        directory = self.settings.perf
        if not directory:
            yield
            return
        processes = [p for p in (process, self.rig.emulator, self.rig.link) if p]
        with open(f"{directory}/pids", "w") as f:
            f.writelines(f"{p.name} {p.pid}\n" for p in processes)
        out = f"{directory}/perf.data"
        recorder = rigs.Child(
            ["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", "997", "-o", out],
            f"{directory}/perf.log",
        )
        try:
            rigs.wait_until("perf", lambda: recorder.ended() or os.path.exists(out))
            yield
        finally:
            recorder.popen.send_signal(signal.SIGINT)
            recorder.popen.wait(rigs.PATIENCE)
