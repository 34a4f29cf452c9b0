"""What a user would pick instead, for the same work.

A peer of a row is a name, the amount of its work (a long row gives a slow peer a
smaller one, and speeds are compared), and the words that do it.  Words that begin
with work.py or peer_client.py print their own seconds; of other programs the whole
run counts, less what they need to print their version."""

import os
import subprocess
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
SDK = "databricks-sdk"
FSSPEC = "fsspec"
LEGACY = "legacy databricks fs cp"
CLI = "databricks fs cp"
CURL = "curl"  # the practical bound
LOCAL = "local file"
THROUGH = "pass-through mount"


@dataclass
class Peer:
    name: str
    amount: float
    words: list
    program: str = None  # whose start is taken off
    shown: str = None  # a directory that is mounted through meanwhile
    drop: str = None  # a file or directory that no page cache holds at the start


class Peers:
    """Those that are there, and why the others are not.

    venv: where the clients of tests/conformance/requirements.txt are, or None."""

    def __init__(self, venv, real_link):
        self.missing = {}
        self.start = {}  # seconds of program --version
        self.venv = venv
        self.legacy = venv and f"{venv}/bin/databricks"
        self.cli = os.environ.get("DATABRICKS_CLI")
        if not venv:
            self.missing["Python clients"] = "not installed"
        elif not real_link:
            self.missing[LEGACY] = "drops the port of its host: needs the real link"
            self.legacy = None
        if not self.cli:
            self.missing[CLI] = "DATABRICKS_CLI does not name a binary"
        elif not os.access(self.cli, os.X_OK):
            self.missing[CLI] = f"{self.cli} cannot be run"
            self.cli = None

    def clients(self, amount, job, *args):
        if not self.venv:
            return
        for name, client in ((SDK, "sdk"), (FSSPEC, "fsspec")):
            yield Peer(
                name,
                amount,
                [f"{self.venv}/bin/python", f"{HERE}/peer_client.py", client, job]
                + [str(a) for a in args],
            )

    def programs(self, amount, *args):
        for name, program in ((LEGACY, self.legacy), (CLI, self.cli)):
            if program:
                words = [program, "fs", "cp", "--overwrite", *args]
                yield Peer(name, amount, words, program)

    def download(self, amount, path, local):
        yield from self.clients(amount, "download", path, local)
        yield from self.programs(amount, f"dbfs:{path}", local)

    def put_files(self, count, local, directory):
        yield from self.clients(count, "put_files", local, directory, count)

    def get_files(self, count, directory, local):
        yield from self.clients(count, "get_files", directory, local, count)

    def walk(self, count, directory):
        yield from self.clients(count, "walk", directory)

    def start_of(self, peer, environment):
        """Seconds that the peer's program needs to begin."""
        if peer.program is None:
            return 0
        if peer.program not in self.start:
            times = []
            for _ in range(3):
                began = time.perf_counter()
                subprocess.run(
                    [peer.program, "--version"], env=environment, capture_output=True
                )
                times.append(time.perf_counter() - began)
            self.start[peer.program] = sorted(times)[1]
        return self.start[peer.program]


def curl_configs(rig, directory, requests, at_once):
    """Files for at_once curls, which share the requests: paths with their queries."""
    files = []
    for i in range(at_once):
        mine = requests[i::at_once]
        if not mine:
            continue
        files.append(f"{directory}/curl.{i}")
        with open(files[-1], "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(f'header = "Authorization: Bearer {rig.token}"\n')
            f.write(f'cacert = "{rig.cert}"\n')
            for path in mine:
                f.write(f'url = "{rig.url}{path}"\noutput = "/dev/null"\n')
    return files
