"""What is measured: one row for each line of the table of goals that concerns DBFS.

To add one: a Row in table(), its program in work.py.  Rows of other trees (volumes,
notebooks) differ in their floors and programs alone."""

import math
import os
from dataclasses import dataclass, field
from typing import Callable

import floors
import peers
import work
from floors import MIB

GIB = 1 << 30


@dataclass(frozen=True)
class Sizes:
    """How much; mib: of files."""

    big: int = 1024  # MiB
    big_peer: int = 32  # MiB
    reader: int = 64  # MiB, for each of four
    files: int = 1000  # of 100 KiB
    files_peer: int = 25
    serial: int = 50  # files one after the other
    dirs: int = 500  # of 20 files
    dirs_peer: int = 25
    random: int = 100  # reads
    firsts: int = 20  # files whose first byte is read
    busy: int = 120  # directories listed meanwhile
    storm: int = 60  # seconds
    many: int = 100  # files read, and as many written
    many_size: int = 8  # MiB


QUICK = Sizes(64, 8, 32, 100, 10, 10, 50, 10, 60, 5, 20, 10, 20, 4)
TINY = Sizes(4, 2, 2, 10, 2, 5, 5, 2, 4, 2, 2, 2, 4, 2)

SMALL = 100 << 10  # bytes
PER_DIR = 20  # files
AT_ONCE = 8  # programs that put or get small files


@dataclass
class Stage:
    """What a row has to work with.  made, the names of material that is there
    already, outlives the rigs."""

    rig: object
    sizes: Sizes
    local: str  # a directory on the disk that caches are on, too
    peers: object
    made: set

    def once(self, name, make, *args):
        if name not in self.made:
            make(*args)
            self.made.add(name)

    def served(self, name, mib, number=1):
        """A file of the server, put there by hand."""
        path = f"{self.rig.store}/dbfs/{name}"
        self.once(path, work.make_file, path, mib * MIB, number)
        # The emulator hashes what it finds.
        self.rig.call("GET", f"/api/2.0/dbfs/get-status?path=/{name}")

    def file(self, name, mib):
        path = f"{self.local}/{name}"
        self.once(path, work.make_file, path, mib * MIB, 1)
        return path

    def small(self):
        path = f"{self.local}/small"
        self.once(path, self.make_small, path)
        return path

    def make_small(self, path):
        with open(path, "wb") as f:
            f.write(os.urandom(SMALL))

    def tree(self, path, dirs, files, size):
        """Of the server; dirs 0: files in path itself."""
        self.once(path, self.rig.make, path, files, size, dirs)

    def new(self, path):
        """An empty directory of the server."""
        self.rig.remove(path)
        self.rig.mkdir(path)


@dataclass(frozen=True)
class Goal:
    words: str
    reached: Callable  # of a Result; None when it says nothing here
    profiles: tuple = None  # None: all


def nothing(*_):
    pass


@dataclass
class Row:
    name: str
    title: str
    profiles: tuple  # where the default table has it
    unit: str
    amount: Callable  # (sizes): of which the time is
    words: Callable  # (stage, mount point): the program and its arguments
    floor: Callable = None  # (profile, sizes): seconds
    least: Callable = None  # (sizes): requests that cannot be saved
    prepare: Callable = nothing  # (stage): once
    before: Callable = nothing  # (stage): each time
    after: Callable = nothing
    peers: Callable = lambda stage: ()
    bound: Callable = None  # (stage): the peer that nothing can beat here
    remark: Callable = lambda result: ""
    goals: tuple = ()
    readers: int = 1  # threads of the program
    names: Callable = lambda sizes: 10  # that the kernel holds
    most_runs: int = 5
    mounted: bool = True
    from_disk: bool = False  # read once and remount, with the caches of before
    rules: tuple = ()  # of the emulator, meanwhile
    options: tuple = field(default_factory=tuple)  # of the mount


def rate_of(result):
    return f"{result.amount / result.median:.0f} MiB/s"


def speed_and_cpu(result):
    return f"{rate_of(result)}, CPU {result.cpu_per_gib:.1f} s/GiB"


def of_floor(percent, *profiles):
    return Goal(
        f"{percent} % of the floor",
        lambda r: r.of_floor >= percent / 100,
        profiles or None,
    )


def faster_than(factor, names, *profiles):
    """names: the first one that was measured counts."""

    def reached(result):
        ratios = [result.times_faster(n) for n in names]
        ratio = next((x for x in ratios if x is not None), None)
        return None if ratio is None else ratio >= factor

    return Goal(f"{factor} x {names[0]}", reached, profiles or None)


def requests_at_most(n):
    return Goal(f"at most {n} requests", lambda r: r.requests <= n)


def calls(endpoint, n):
    return Goal(
        f"{n} x {endpoint.rpartition('/')[2]}, and what was refused",
        lambda r: n <= r.endpoints.get(endpoint, 0) <= n + r.failed,
    )


CP = (peers.CLI, peers.LEGACY, peers.SDK)
MEMORY = Goal("memory within the formula", lambda r: r.peak <= r.peak_bound)
READ = "/api/2.0/dbfs/read"
LIST = "/api/2.0/dbfs/list"


def block_urls(name, mib):
    return [f"{READ}?path=/{name}&offset={i * MIB}&length={MIB}" for i in range(mib)]


def curls(stage, requests, amount, at_once):
    configs = peers.curl_configs(stage.rig, stage.local, requests, at_once)
    return peers.Peer(peers.CURL, amount, ["work.py", "curl", *configs])


def curl_form(stage, mib):
    config = f"{stage.local}/curl.form"
    with open(config, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(f'header = "Authorization: Bearer {stage.rig.token}"\n')
        f.write(f'cacert = "{stage.rig.cert}"\noutput = "/dev/null"\n')
        f.write(f'url = "{stage.rig.url}/api/2.0/dbfs/put"\n')
        f.write('form = "path=/peers/form"\nform = "overwrite=true"\n')
        f.write(f'form = "contents=@{stage.file("source", mib)}"\n')
    return peers.Peer(peers.CURL, mib, ["work.py", "curl", config])


def table(s):
    """s: Sizes."""
    lists = s.dirs + 1
    tree = dict(
        unit="directories",
        amount=lambda s: lists,
        floor=lambda p, s: floors.walk(p, lists, 2),
        least=lambda s: lists + 1,
        prepare=lambda st: st.tree("/tree", s.dirs, PER_DIR, 100),
        names=lambda s: s.dirs * (PER_DIR + 1),
    )
    tree_goals = (
        requests_at_most(math.ceil(lists * 1.05)),
        of_floor(80),
        faster_than(8, (peers.SDK,), "open"),
        MEMORY,
    )

    def tree_peers(st):
        st.tree("/peers/tree", s.dirs_peer, PER_DIR, 100)
        return st.peers.walk(s.dirs_peer + 1, "/peers/tree")

    def tree_bound(st):
        urls = [f"{LIST}?path=/tree/d{i:05d}" for i in range(s.dirs)]
        return curls(st, urls, lists, floors.LISTS)

    def small_peers(st):
        st.tree("/peers/small", 0, s.files_peer, SMALL)
        return st.peers.get_files(s.files_peer, "/peers/small", f"{st.local}/got")

    def small_bound(st):
        urls = [f"{READ}?path=/small/f{i:05d}&length={SMALL}" for i in range(s.files)]
        return curls(st, urls, s.files, AT_ONCE)

    def four(st, mnt=None):
        names = [f"reader{i}" for i in range(4)]
        for i, name in enumerate(names):
            st.served(name, s.reader, i)
        return [f"{mnt}/{name}" for name in names]

    def upload_peers(st):
        """In blocks by the clients; by the programs in one form, which takes a
        while to get going."""
        local = st.file("source-peer", s.big_peer)
        yield from st.peers.clients(s.big_peer, "upload", local, "/peers/up")
        local = st.file("source-form", s.big // 4)
        yield from st.peers.programs(s.big // 4, local, "dbfs:/peers/up")

    def download_peers(st):
        st.served("peers/big", s.big_peer, 2)
        return st.peers.download(s.big_peer, "/peers/big", f"{st.local}/got")

    def local_read(st):
        path = st.file("local/big", s.big)
        return peers.Peer(peers.LOCAL, s.big, ["work.py", "reread", path])

    def through_read(st):
        words = ["work.py", "reread", f"{st.rig.through}/big"]
        shown = os.path.dirname(st.file("local/big", s.big))
        return [peers.Peer(peers.THROUGH, s.big, words, shown=shown)]

    def local_once(st):
        path = st.file("local/big", s.big)
        words = ["work.py", "read_once", path]
        return peers.Peer(peers.LOCAL, s.big, words, drop=path)

    def through_once(st):
        path = st.file("local/big", s.big)
        words = ["work.py", "read_once", f"{st.rig.through}/big"]
        shown = os.path.dirname(path)
        return [peers.Peer(peers.THROUGH, s.big, words, shown=shown, drop=path)]

    return [
        Row(
            name="read",
            title=f"cold sequential read, {s.big} MiB",
            profiles=("default", "open", "far", "lan"),
            unit="MiB",
            amount=lambda s: s.big,
            words=lambda st, mnt: ["read", f"{mnt}/big"],
            floor=lambda p, s: floors.read(p, s.big * MIB),
            least=lambda s: s.big + 1,
            prepare=lambda st: st.served("big", s.big),
            bound=lambda st: curls(st, block_urls("big", s.big), s.big, floors.READS),
            peers=download_peers,
            remark=speed_and_cpu,
            goals=(
                of_floor(97, "default"),
                of_floor(90, "open"),
                faster_than(1.9, CP, "default"),
                faster_than(8, CP, "open"),
                Goal("CPU at most 3 s/GiB", lambda r: r.cpu_per_gib <= 3),
                MEMORY,
            ),
        ),
        Row(
            name="readers",
            title=f"four readers of four files, {s.reader} MiB each",
            profiles=("default", "open"),
            unit="MiB",
            amount=lambda s: 4 * s.reader,
            words=lambda st, mnt: ["read", *four(st, mnt)],
            floor=lambda p, s: floors.read(p, 4 * s.reader * MIB),
            least=lambda s: 4 * (s.reader + 1),
            prepare=four,
            remark=speed_and_cpu,
            # A quarter of the other row: the tokens that are kept for an ls, a
            # sixth of a second, weigh 2 % here.
            goals=(of_floor(95, "default"), MEMORY),
            readers=4,
        ),
        Row(
            name="random",
            title=f"{s.random} random reads of 4 KiB, one after the other",
            profiles=("default", "open"),
            unit="reads",
            amount=lambda s: s.random,
            words=lambda st, mnt: ["random_reads", f"{mnt}/big", str(s.random), "1"],
            floor=lambda p, s: floors.calls(p, s.random, floors.BASE64 * MIB, 1),
            least=lambda s: s.random + 1,
            prepare=lambda st: st.served("big", s.big),
            goals=(MEMORY,),
        ),
        Row(
            name="random-4",
            title=f"{s.random} random reads of 4 KiB, four at once",
            profiles=("default", "open"),
            unit="reads",
            amount=lambda s: s.random,
            words=lambda st, mnt: ["random_reads", f"{mnt}/big", str(s.random), "4"],
            floor=lambda p, s: floors.calls(p, s.random, floors.BASE64 * MIB, 4),
            least=lambda s: s.random + 1,
            prepare=lambda st: st.served("big", s.big),
            goals=(MEMORY,),
            readers=4,
        ),
        Row(
            name="first-byte",
            title="first byte of a file in a listed directory (median)",
            profiles=("default", "far"),
            unit="files",
            amount=lambda s: 1,
            words=lambda st, mnt: ["first_byte", f"{mnt}/first", str(s.firsts)],
            floor=lambda p, s: p.call(floors.BASE64 * MIB),
            least=lambda s: s.firsts + 2,
            # Files of one block each: what is read ahead of a program that reads
            # one byte is not this row's matter.
            prepare=lambda st: st.tree("/first", 0, s.firsts, MIB),
            remark=lambda r: f"p99 {r.p99 * 1000:.0f} ms",
            goals=(
                Goal(
                    "1.2 round trips and the block",
                    lambda r: r.median <= r.floor + 0.2 * r.profile.rtt,
                ),
            ),
        ),
        Row(
            name="write",
            title=f"upload of a new file, {s.big} MiB",
            profiles=("open", "far", "lan"),
            unit="MiB",
            amount=lambda s: s.big,
            words=lambda st, mnt: ["write", st.file("source", s.big), f"{mnt}/new/up"],
            floor=lambda p, s: floors.upload(p, s.big * MIB),
            least=lambda s: 4,
            before=lambda st: st.new("/new"),
            after=lambda st: st.rig.remove("/new"),
            bound=lambda st: curl_form(st, s.big),
            peers=upload_peers,
            remark=speed_and_cpu,
            goals=(
                of_floor(90, "open", "far"),
                calls("POST /api/2.0/dbfs/put", 1),
                faster_than(3.5, (peers.SDK,), "open"),
                MEMORY,
            ),
        ),
        Row(
            name="put-files",
            title=f"{s.files} new files of 100 KiB, {AT_ONCE} at once",
            profiles=("default", "open"),
            unit="files",
            amount=lambda s: s.files,
            words=lambda st, mnt: ["put_files", st.small(), f"{mnt}/new"]
            + [str(s.files), str(AT_ONCE)],
            floor=lambda p, s: floors.calls(p, s.files, SMALL, AT_ONCE),
            least=lambda s: s.files + 2,
            before=lambda st: st.new("/new"),
            after=lambda st: st.rig.remove("/new"),
            peers=lambda st: st.peers.put_files(s.files_peer, st.small(), "/peers/new"),
            goals=(
                of_floor(95, "default"),
                calls("POST /api/2.0/dbfs/put", s.files),
                MEMORY,
            ),
            readers=AT_ONCE,
            names=lambda s: s.files,
        ),
        Row(
            name="get-files",
            title=f"reading {s.files} files of 100 KiB, {AT_ONCE} at once",
            profiles=("default", "open"),
            unit="files",
            amount=lambda s: s.files,
            words=lambda st, mnt: ["get_files", f"{mnt}/small", str(s.files)]
            + [str(AT_ONCE)],
            floor=lambda p, s: floors.calls(p, s.files, floors.BASE64 * SMALL, AT_ONCE),
            least=lambda s: s.files + 2,
            prepare=lambda st: st.tree("/small", 0, s.files, SMALL),
            bound=small_bound,
            peers=small_peers,
            goals=(
                of_floor(95, "default"),
                calls(f"GET {READ}", s.files),
                MEMORY,
            ),
            readers=AT_ONCE,
            names=lambda s: s.files,
        ),
        Row(
            name="put-serial",
            title=f"{s.serial} new files of 100 KiB, one after the other",
            profiles=("open",),
            unit="files",
            amount=lambda s: s.serial,
            words=lambda st, mnt: ["put_files", st.small(), f"{mnt}/new"]
            + [str(s.serial), "1"],
            floor=lambda p, s: floors.calls(p, s.serial, SMALL, 1),
            least=lambda s: s.serial + 2,
            before=lambda st: st.new("/new"),
            after=lambda st: st.rig.remove("/new"),
            goals=(calls("POST /api/2.0/dbfs/put", s.serial),),
        ),
        Row(
            name="get-serial",
            title=f"reading {s.serial} files of 100 KiB, one after the other",
            profiles=("open",),
            unit="files",
            amount=lambda s: s.serial,
            words=lambda st, mnt: ["get_files", f"{mnt}/serial", str(s.serial), "1"],
            floor=lambda p, s: floors.calls(p, s.serial, floors.BASE64 * SMALL, 1),
            least=lambda s: s.serial + 2,
            prepare=lambda st: st.tree("/serial", 0, s.serial, SMALL),
            goals=(calls(f"GET {READ}", s.serial),),
        ),
        Row(
            name="find",
            title=f"find, {s.dirs} directories, {s.dirs * PER_DIR} files, cold",
            profiles=("default", "open", "far"),
            words=lambda st, mnt: ["command", str(s.dirs * (PER_DIR + 1) + 1)]
            + ["find", f"{mnt}/tree"],
            bound=tree_bound,
            peers=tree_peers,
            goals=tree_goals,
            **tree,
        ),
        Row(
            name="ls",
            title="ls -lR of the same, cold",
            profiles=("open",),
            words=lambda st, mnt: ["command", "-", "ls", "-lR", f"{mnt}/tree"],
            goals=tree_goals,
            **tree,
        ),
        Row(
            name="rsync",
            title="rsync -a of the same, unchanged",
            profiles=("default", "open"),
            # The emulator's own directory is a copy, with other modes.
            words=lambda st, mnt: ["command", "0", "rsync", "-ai"]
            + ["--chmod=D755,F644", f"{st.rig.store}/dbfs/tree/", f"{mnt}/tree"],
            goals=tree_goals,
            **tree,
        ),
        Row(
            name="ls-busy",
            most_runs=3,
            title="ls while four large reads run (median)",
            profiles=("default", "open"),
            unit="ls",
            amount=lambda s: 1,
            words=lambda st, mnt: ["ls_busy", f"{mnt}/busy", str(s.busy)]
            + four(st, mnt),
            floor=lambda p, s: p.call(),
            prepare=lambda st: st.tree("/busy", s.busy, 10, 100),
            remark=lambda r: f"p99 {r.p99 * 1000:.0f} ms",
            goals=(
                Goal("p99 within 3 round trips", lambda r: r.p99 <= 3 * r.profile.rtt),
                MEMORY,
            ),
            readers=5,
        ),
        Row(
            name="reread-kernel",
            title=f"second read of {s.big} MiB, kernel cache",
            profiles=("lan",),
            unit="MiB",
            amount=lambda s: s.big,
            words=lambda st, mnt: ["reread", f"{mnt}/big"],
            least=lambda s: s.big + 1,  # of the first read
            prepare=lambda st: st.served("big", s.big),
            bound=local_read,
            peers=through_read,
            remark=rate_of,
            goals=(
                Goal("95 % of a local file", lambda r: r.of_bound >= 0.95),
                faster_than(0.95, (peers.THROUGH,)),
            ),
        ),
        Row(
            name="reread-disk",
            title=f"read of {s.big} MiB after a remount, disk cache",
            profiles=("lan",),
            unit="MiB",
            amount=lambda s: s.big,
            words=lambda st, mnt: ["read_once", f"{mnt}/big"],
            least=lambda s: 1,
            prepare=lambda st: st.served("big", s.big),
            bound=local_once,
            peers=through_once,
            remark=rate_of,
            goals=(Goal("70 % of a local file", lambda r: r.of_bound >= 0.70),),
            from_disk=True,
        ),
        Row(
            name="many",
            most_runs=3,
            title=f"{s.many} files of {s.many_size} MiB read, as many written, at once",
            profiles=("open",),
            unit="MiB",
            amount=lambda s: 2 * s.many * s.many_size,
            words=lambda st, mnt: ["many", f"{mnt}/many", f"{mnt}/new", str(s.many)]
            + [st.file("source-many", s.many_size)],
            # Blocks; puts and their checks; two directories, looked up and listed.
            least=lambda s: s.many * (s.many_size + 2) + 4,
            prepare=many_files,
            before=lambda st: st.new("/new"),
            after=lambda st: st.rig.remove("/new"),
            remark=rate_of,
            goals=(MEMORY,),
            readers=2 * s.many,
        ),
        Row(
            name="storm",
            most_runs=1,
            title=f"{s.storm} s of 429s and 503s under load",
            profiles=("default",),
            unit="s",
            amount=lambda s: s.storm,
            words=lambda st, mnt: ["storm", str(s.storm), f"{mnt}/busy", f"{mnt}/new"]
            + four(st, mnt),
            prepare=lambda st: st.tree("/busy", s.busy, 10, 100),
            before=lambda st: st.new("/new"),
            after=lambda st: st.rig.remove("/new"),
            rules=(
                {"verb": "rate_limit", "rps": 10, "retry_after": 1},
                {"verb": "status", "code": 429, "match": {"p": 0.1, "seed": 1}},
                {"verb": "status", "code": 503, "match": {"p": 0.15, "seed": 2}},
            ),
            remark=lambda r: f"{r.extra['errors']} errors, {r.failed} refusals, "
            f"{r.extra['read'] / MIB / r.median:.1f} MiB/s",
            goals=(
                Goal("no error in applications", lambda r: r.extra["errors"] == 0),
                MEMORY,
            ),
            readers=8,
        ),
        Row(
            name="server",
            title="the emulator alone: curl on loopback",
            profiles=("loopback",),
            unit="MiB",
            amount=lambda s: s.big,
            words=lambda st, mnt: curls(
                st, block_urls("big", s.big), s.big, floors.READS
            ).words[1:],
            least=lambda s: s.big,
            prepare=lambda st: st.served("big", s.big),
            remark=lambda r: f"{rate_of(r)}, its CPU {r.emulator_cpu_per_gib:.1f} s/GiB",
            mounted=False,
        ),
    ]


def many_files(stage):
    s = stage.sizes
    for i in range(s.many):
        stage.served(f"many/f{i:05d}", s.many_size, i)
