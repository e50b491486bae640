# SPDX-License-Identifier: MIT
"""What contenders read of each sched_switch, and how to tell that they read the same."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence

NUMBERS = ("ts", "cpu", "prev_pid", "prev_prio", "prev_state", "next_pid", "next_prio")
TEXTS = ("prev_comm", "next_comm")
COLUMNS = [*NUMBERS, *TEXTS]


def print_check(columns: Sequence[Sequence[int] | Sequence[str]]) -> None:
    """A digest of all values, in the order of COLUMNS."""
    digest = 0
    for column in columns[: len(NUMBERS)]:
        digest = zlib.crc32(array("q", column), digest)
    for column in columns[len(NUMBERS) :]:
        digest = zlib.crc32("\0".join(column).encode(), digest)  # type: ignore[arg-type]
    print("check", len(columns[0]), f"events, {digest:08x}")
