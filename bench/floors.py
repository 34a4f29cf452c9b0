"""What a link allows at best.  README.md explains the formulas.

Times are in seconds, sizes in bytes, bandwidth in bytes a second."""

import math
from dataclasses import dataclass

MIB = 1 << 20
BLOCK = MIB  # DBFS's largest read
BURST = 30  # requests that a rate limit lets through at once: a second's worth
READS = 16  # data requests at once
LISTS = 8  # listings at once
SENT = 2.4 * MIB  # bytes that one TCP connection sends in a round trip, measured
SMALL = 16 << 10  # what a warm connection carries in one round trip
RAMP = 1.5  # round trips for more than that, on a warm connection
BASE64 = 4 / 3


@dataclass(frozen=True)
class Profile:
    name: str
    rtt_ms: float
    rate: int  # requests a second; 0: no limit
    mbit: float  # 0: no limit
    link: bool = True  # False: nothing between client and server

    @property
    def rtt(self):
        return self.rtt_ms / 1000

    @property
    def bandwidth(self):
        return self.mbit * 1e6 / 8 if self.mbit else math.inf

    def limited(self, requests):
        """So many requests at the rate, after the burst."""
        return max(0, requests - BURST) / self.rate if self.rate else 0

    def call(self, size=0):
        """One request on a warm connection; size: of the larger body."""
        ramp = RAMP * self.rtt if size > SMALL else 0
        return max(ramp, self.rtt + size / self.bandwidth)


PROFILES = {
    p.name: p
    for p in (
        Profile("default", 40, 30, 1000),
        Profile("open", 40, 0, 1000),
        Profile("far", 80, 30, 200),
        Profile("lan", 1, 0, 0),
        Profile("loopback", 0, 0, 0, link=False),
    )
}


def blocks(size):
    return math.ceil(size / BLOCK)


def read(p, size, at_once=READS):
    """1a: a sequential read in blocks."""
    n, block = blocks(size), p.call(BASE64 * min(size, BLOCK))
    return (
        max(
            p.limited(n),
            math.ceil(n / at_once) * RAMP * p.rtt,
            BASE64 * size / p.bandwidth,
        )
        + block
    )


def upload(p, size):
    """2b: one form."""
    one_connection = SENT / p.rtt if p.rtt else math.inf
    return size / min(p.bandwidth, one_connection) + p.call()


def calls(p, n, size, at_once):
    """2e, 6: n requests that do not wait for each other, at_once at a time."""
    return max(
        p.limited(n),
        math.ceil(n / at_once) * p.call(size),
        n * size / p.bandwidth,
    )


def walk(p, lists, depth):
    """3, 5: a tree, all of whose directories are listed."""
    return max(p.limited(lists), math.ceil(lists / LISTS) * p.call(), depth * p.call())
