"""How much of a large file is mapped at a time."""

from __future__ import annotations

import random
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
def test_resident_pages_are_bounded(write: Write) -> None:
    """Whoever reads a large file, and in however many windows, most of it is given back."""
    machine = Machine(False, 8)
    size = 1 << 16
    pages = [Page(1000 * i, [Event(0, TICK.values(n=i).encode(machine))]) for i in range(1500)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages, 1: pages}, page_size=size)], page_size=size))
    assert path.stat().st_size > 190_000_000
    for threads in (1, 2):
        with tracecmd.open(path) as trace:
            read = (
                (len(batch), resident_kib(path))
                for batch in trace.batches("tick", threads=threads, batch_rows=20)
            )
            rows, resident = zip(*read, strict=True)
        assert sum(rows) == 3000
        assert 0 < max(resident) < 100_000


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells")
def test_salvage_gives_pages_back(write: Write) -> None:
    """Every page of a file whose recorder was stopped is looked at before the first is read."""
    machine = Machine(False, 8)
    size = 1 << 16
    pages = [Page(1000 * i, [Event(0, TICK.values(n=i).encode(machine))]) for i in range(3000)]
    written = Trace(version=6, page_size=size, buffers=[Buffer(cpus={0: pages}, page_size=size)])
    file = written.write()
    path = write(file.replace(file.mark("buffer /row 0").offset, bytes(16)))
    assert path.stat().st_size > 190_000_000
    with tracecmd.open(path) as trace:
        assert "the recorder did not finish" in str(trace.problems[0])
        assert resident_kib(path) < 100_000
        assert next(trace.iter())["n"] == 0


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells")
def test_chunks_are_given_back(write: Write) -> None:
    """Where chunks are is known only by going from one to the next; reading unpacks all of them."""
    machine = Machine(False, 8)
    size = 1 << 16
    noise = random.Random(1).randbytes(size - 4096)  # zlib does not see the page before
    pages = [
        Page(1000 * i, [Event(0, TICK.values(n=i).encode(machine)), Event(0, noise)])
        for i in range(2000)
    ]
    buffer = Buffer(cpus={0: pages}, page_size=size)
    path = write(Trace(compression="zlib", buffers=[buffer], page_size=size))
    assert path.stat().st_size > 120_000_000
    with tracecmd.open(path) as trace:
        assert not trace.problems
        assert resident_kib(path) < 60_000
        count = 0
        for _ in trace.batches("tick", batch_rows=100):
            count += 1
            assert resident_kib(path) < 60_000
        assert count == 20
