"""Examines damaged files in a process of its own.

    python -m tests.corrupt.worker BASE KIND FIRST LAST

Prints the number of each case before it starts, so that who reads it knows where it ended.
Exit code 0: all of them are fine; else what was wrong is on stderr.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
from typing import Any

import tracecmd

from . import damage
from .bases import base
from .touch import examine

SANITIZED = bool(os.environ.get("TRACECMD_SANITIZED"))
SECONDS = 60.0 if SANITIZED else 20.0
"""Of one case: what takes longer hangs. How fast the others are is not asked here."""
ADDRESS_SPACE = 2 << 30
GROWTH_KIB = 200 << 10
"""How much more memory than for the whole file may be in use at the most."""


def examine_bytes(
    data: bytes, *, thorough: bool = True, mmap: bool = True
) -> dict[str, Any] | tracecmd.TraceError:
    fd = os.memfd_create("damaged")
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(data)
        return examine(fd, thorough=thorough, mmap=mmap)
    finally:
        os.close(fd)


def differences(good: dict[str, Any], got: dict[str, Any]) -> set[str]:
    """Names of the answers that are not those of the whole file."""
    return {name for name in good.keys() | got.keys() if good.get(name) != got.get(name)}


def verdict(good: dict[str, Any], case: damage.Case, *, thorough: bool = True) -> str:
    """What is wrong with the outcome; empty if nothing is."""
    got = examine_bytes(case.data, thorough=thorough)
    if isinstance(got, tracecmd.TraceError):
        if damage.EVERYTHING & case.may_change:
            return ""
        return f"cannot be opened any more: {got}"
    changed = {re_named(name) for name in differences(good, got)} - {"problems"}
    if case.what.startswith("cut"):
        # What is missing must be owned up to; an answer that could not be had is an exception.
        silent = {name for name in changed if not isinstance(got.get(name), Exception)}
        return "" if got["problems"] or not silent else f"silently different: {sorted(silent)}"
    if damage.EVERYTHING & case.may_change or changed <= case.may_change:
        return ""
    return f"different: {sorted(changed - case.may_change)}"


def plain(value: object) -> Any:
    """To compare by: exceptions as their texts."""
    if isinstance(value, Exception):
        return type(value), str(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def verdict_read(data: bytes) -> str:
    """What is different about it where it is read, not mapped; empty if nothing is."""
    mapped = plain(examine_bytes(data, thorough=False))
    read = plain(examine_bytes(data, thorough=False, mmap=False))
    if mapped == read:
        return ""
    if isinstance(mapped, dict) and isinstance(read, dict):
        return f"different where it is read: {sorted(differences(mapped, read))}"
    return f"read {read}, mapped {mapped}"


def re_named(name: str) -> str:
    return "guests" if name.startswith("map of ") else name


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(name: str, kind: str, first: int, last: int) -> int:
    good = examine_bytes(base(name).data)
    if isinstance(good, tracecmd.TraceError):
        raise good
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    start_kib = peak_kib()
    failures = 0
    for number in range(first, last):
        print(number, flush=True)
        case = damage.cut(name, number) if kind == "cut" else damage.flip(name, number)
        start = time.process_time()
        try:
            wrong = verdict(good, case, thorough=number % 4 == 0)
            if number % 4 == 2:
                wrong += verdict_read(case.data)
        except Exception:
            wrong = traceback.format_exc()
        seconds = time.process_time() - start
        if seconds > SECONDS:
            wrong += f" took {seconds:.2f} s"
        if not SANITIZED and peak_kib() - start_kib > GROWTH_KIB:
            wrong += f" grew to {peak_kib()} KiB"
            start_kib = peak_kib()
        if wrong:
            failures += 1
            print(f"{name} {kind} {number}: {case.what}: {wrong}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
