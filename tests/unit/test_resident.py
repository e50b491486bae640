"""How much of a large file is mapped at a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page


def resident_kib(path: Path) -> int:
    """Of a file's mapping: proc_pid_smaps(5), Rss."""
    smaps = Path("/proc/self/smaps").read_text()
    found = re.search(rf"{re.escape(str(path))}\nSize:.*?\nRss: +(\d+) kB", smaps, re.DOTALL)
    return int(found[1]) if found else 0


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells")
@pytest.mark.parametrize("threads", [1, 2])
def test_resident_pages_are_bounded(write: Write, threads: int) -> None:
    """Whoever reads a large file, and in however many windows, most of it is given back."""
    machine = Machine(False, 8)
    size = 1 << 16
    pages = [Page(1000 * i, [Event(0, TICK.values(n=i).encode(machine))]) for i in range(1500)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages, 1: pages}, page_size=size)], page_size=size))
    assert path.stat().st_size > 190_000_000
    with tracecmd.open(path) as trace:
        read = (
            (len(batch), resident_kib(path))
            for batch in trace.batches("tick", threads=threads, batch_rows=10)
        )
        rows, resident = zip(*read, strict=True)
    assert sum(rows) == 3000
    assert 0 < max(resident) < 100_000
