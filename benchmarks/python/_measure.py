# SPDX-License-Identifier: MIT
"""measure.h for contenders in Python: the lines that _harness.py reads."""

from __future__ import annotations

import resource
from pathlib import Path
from time import process_time_ns


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise SystemExit(f"/proc/self/status has no {field}")


def print_memory_before() -> None:
    print("base_kib", _status("VmHWM"))


def print_memory_after() -> None:
    print("peak_kib", _status("VmHWM"))
    print("anon_kib", _status("RssAnon"))


def all_cpu_ns() -> int:
    """Processor time of this process and of those it started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time_ns() + int((usage.ru_utime + usage.ru_stime) * 1e9)


def print_children_peak() -> None:
    """The larger one of this process' peak and theirs is told."""
    print("peak_kib", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
