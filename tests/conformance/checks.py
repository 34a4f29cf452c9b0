"""What the conformance tests share: each check says what it is about to show."""

import hashlib
import os

HOST = os.environ["DATABRICKS_HOST"]
TOKEN = os.environ["DATABRICKS_TOKEN"]
MIB = 1 << 20


def check(what, got, want=True):
    """Ends the test unless got is want."""
    if got != want:
        raise SystemExit(f"FAIL: {what}: expected {want!r}, got {got!r}")
    print(f"ok: {what}", flush=True)


def check_in(what, part, whole):
    if part not in whole:
        raise SystemExit(f"FAIL: {what}: expected {part!r} in {whole!r}")
    print(f"ok: {what}", flush=True)


def check_raises(what, kind, call, **attributes):
    """Ends the test unless call raises kind, with these attributes; returns it."""
    try:
        got = call()
    except kind as error:
        for name, want in attributes.items():
            check(f"{what}: {name}", getattr(error, name), want)
        if not attributes:
            print(f"ok: {what}", flush=True)
        return error
    raise SystemExit(f"FAIL: {what}: expected {kind.__name__}, got {got!r}")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def material(size):
    """size bytes that no cut, swap or shift leaves as they are."""
    return hashlib.shake_256(str(size).encode()).digest(size)
