# SPDX-License-Identifier: MIT
"""measure.h for contenders in Python: the lines that _harness.py reads."""

from __future__ import annotations

from pathlib import Path


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
