"""The table that people read, and the JSON that programs do."""

import os
import platform
import subprocess

from floors import MIB
from measure import DISTURBED

COLUMNS = (
    ("profile", 8),
    ("work", 50),
    ("runs", 4),
    ("median", 9),
    ("min - max", 17),
    ("floor", 9),
    ("of it", 5),
    ("bound", 9),
    ("of it", 5),
    ("requests/least", 14),
    ("MiB/at most", 11),
    ("CPU", 6),
)
LEFT = 2  # columns that begin at the left


def seconds(value):
    if value is None:
        return "-"
    if value < 0.01:
        return f"{value * 1e3:.2f} ms"
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"


def percent(value):
    return "-" if value is None else f"{value * 100:.0f} %"


def line(cells):
    out = []
    for i, (cell, (_, width)) in enumerate(zip(cells, COLUMNS)):
        out.append(f"{cell:<{width}}" if i < LEFT else f"{cell:>{width}}")
    return "  ".join(out).rstrip()


def head():
    return line(name for name, _ in COLUMNS)


def span(times):
    low, high = min(times.seconds), max(times.seconds)
    return f"{seconds(low)} - {seconds(high)}"


def own_line(r):
    memory = f"{r.peak / MIB:.0f}/{r.peak_bound / MIB:.0f}" if r.peak else "-"
    cpu = sorted(r.cpu)[len(r.cpu) // 2]
    return line(
        (
            r.profile.name,
            r.row.title,
            len(r.own.seconds),
            seconds(r.median),
            span(r.own),
            seconds(r.floor or None),
            percent(r.of_floor),
            seconds(r.bound.median if r.bound else None),
            percent(r.of_bound),
            f"{r.requests}/{r.least or '-'}",
            memory,
            f"{cpu:.2f} s",
        )
    )


def peer_line(r, peer):
    """How many times brickfs is faster stands where the ratio to the floor does."""
    title = peer.name
    if peer.amount != r.amount:
        title += f", {peer.amount:g} {r.row.unit}"
    faster = r.times_faster(peer.name)
    return line(
        ("", f"  {title}", len(peer.seconds), seconds(peer.median), span(peer))
        + ("", f"x {faster:.1f}", "", "", peer.requests, "", "")
    )


def text(r):
    """The lines of a result."""
    lines = [own_line(r)]
    lines += [peer_line(r, p) for p in r.peers]
    remark = r.row.remark(r)
    if remark:
        lines.append(f"          : {remark}")
    goals = list(r.goals())
    for mark, wanted in (("+ reached", True), ("- MISSED", False)):
        words = [w for w, reached in goals if bool(reached) == wanted]
        if words:
            lines.append(f"          {mark}: {'; '.join(words)}")
    if r.others > DISTURBED:
        lines.append(f"          ! others had {r.others:.2f} cores meanwhile")
    return "\n".join(lines)


def revision(top):
    done = subprocess.run(
        ["git", "-C", top, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or None


def processor():
    with open("/proc/cpuinfo") as f:
        for name, _, value in (row.partition(":") for row in f):
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()


def machine():
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "load": os.getloadavg()[0],
    }


def times(t):
    return None if t is None else {
        "name": t.name,
        "amount": t.amount,
        "seconds": t.seconds,
        "median": t.median,
        "requests": t.requests,
    }


def record(r, link):
    """A result as JSON; README.md describes it."""
    return {
        "row": r.row.name,
        "title": r.row.title,
        "profile": r.profile.name,
        "link": link,
        "unit": r.row.unit,
        "amount": r.amount,
        "seconds": r.own.seconds,
        "median": r.median,
        "floor": r.floor or None,
        "of_floor": r.of_floor,
        "bound": times(r.bound),
        "of_bound": r.of_bound,
        "peers": [{**times(p), "faster": r.times_faster(p.name)} for p in r.peers],
        "samples": r.samples,
        "requests": r.requests,
        "least_requests": r.least or None,
        "failed": r.failed,
        "endpoints": r.endpoints,
        "cpu": r.cpu,
        "emulator_cpu": r.emulator_cpu,
        "peak": r.peak or None,
        "anon": r.anon or None,
        "peak_bound": r.peak_bound,
        "counted": r.extra,
        "others": r.others,
        "load": r.load,
        "goals": [{"goal": w, "reached": bool(x)} for w, x in r.goals()],
    }
