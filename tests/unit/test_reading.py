"""Long reads come back now and then; files that are read, not mapped, and files that shrink."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import CorruptError, TruncatedError

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page

PAGE = 1 << 16
PAGES = 800
BYTES = 2 * PAGES * PAGE
CALL_BYTES = 16 << 20  # a call reads about so much
CALLS = BYTES // CALL_BYTES


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MB with a record a page; those of PID 4711 are the last."""
    machine = Machine(False, 8)
    pages = []
    for n in range(PAGES):
        values = TICK.values(pid=4711 if n == PAGES - 1 else 7, n=n)
        pages.append(Page(1000 * n, [Event(0, values.encode(machine))]))
    buffer = Buffer(cpus={0: pages, 1: pages}, page_size=PAGE)
    path = tmp_path_factory.mktemp("large") / "trace.dat"
    path.write_bytes(Trace(buffers=[buffer], page_size=PAGE).write().data)
    return path


Read = Callable[[tracecmd.Trace, Any], int]

READS: dict[str, Read] = {
    "iter": lambda trace, told: len(list(trace.iter(pids=4711, progress=told))),
    "reverse": lambda trace, told: len(list(trace.iter(pids=4711, reverse=True, progress=told))),
    "table": lambda trace, told: sum(
        map(len, trace.table("tick", pids=4711, progress=told).batches())
    ),
    "where": lambda trace, told: sum(
        map(len, trace.table("tick", where="COMM == 'nobody'", progress=told).batches())
    ),
    "stat": lambda trace, told: trace.stat(progress=told).records,
}
FOUND = {"iter": 2, "reverse": 2, "table": 2, "where": 0, "stat": 2 * PAGES}


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("name", READS)
def test_progress_is_told_while_nothing_is_found(large: Path, name: str, mmap: bool) -> None:
    told: list[tuple[int, int]] = []
    with tracecmd.open(large, mmap=mmap) as trace:
        found = READS[name](trace, lambda done, total: told.append((done, total)))
    assert found == FOUND[name]
    assert len(told) >= CALLS - 1
    done = [pages for pages, _ in told]
    steps = [b - a for a, b in zip([0, *done], done, strict=False)]
    assert sum(steps) == 2 * PAGES
    assert max(steps) <= CALL_BYTES // PAGE + 2


class Interrupted(Exception):
    """What the handler of the signal raises."""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Also where these tests run with the signal ignored, as jobs in the background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("name", READS)
def test_a_signal_is_heeded_in_the_middle(large: Path, name: str) -> None:
    """As Ctrl-C: between two calls Python runs the handler, and what it raises ends the read."""
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with tracecmd.open(large) as trace, pytest.raises(KeyboardInterrupt):
        READS[name](trace, progress)
    assert len(told) == 2
    done, total = told[-1]
    assert done < total // 2


def test_given_up_counting_stops(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that were not begun are not counted after all, before the exception comes through."""
    counted = []
    count = tracecmd._lowlevel.Data.count

    def note(self: Any, *arguments: Any) -> Any:
        counted.append(arguments)
        time.sleep(0.01)  # so that there is something left to be given up
        return count(self, *arguments)

    monkeypatch.setattr(tracecmd._lowlevel.Data, "count", note)
    monkeypatch.setattr("tracecmd.analysis.stat.SLICE_BYTES", PAGE)

    def stop(done: int, total: int) -> None:
        raise Interrupted

    with tracecmd.open(large) as trace, pytest.raises(Interrupted):
        trace.stat(progress=stop)
    assert len(counted) < 2 * PAGES


def test_stat_counts_slices_of_bytes(large: Path) -> None:
    told: list[int] = []
    with tracecmd.open(large) as trace:
        trace.stat(progress=lambda done, total: told.append(done))
    assert told[0] == CALL_BYTES // PAGE


# Files that shrink ----------------------------------------------------------------------------


@pytest.fixture
def shrinking(large: Path, tmp_path: Path) -> Path:
    path = tmp_path / "trace.dat"
    path.write_bytes(large.read_bytes())
    return path


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("name", [name for name in READS if name != "stat"])
def test_cut_while_nothing_is_found(shrinking: Path, name: str, mmap: bool) -> None:
    """Mapped, what is being read must be there still: only the file's end goes.

    Not stat(): its threads may be far ahead of the progress that they tell.
    """
    told = []

    def progress(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 2:
            os.truncate(shrinking, shrinking.stat().st_size - 100 if mmap else 5000)

    with tracecmd.open(shrinking, mmap=mmap) as trace, pytest.raises(TruncatedError) as caught:
        READS[name](trace, progress)
    assert caught.value.path == str(shrinking)
    assert "shrank" in str(caught.value)
    assert caught.value.offset is not None
    assert len(told) < CALLS


@pytest.mark.parametrize("threads", [1, 2])
def test_cut_by_somebody_else(shrinking: Path, threads: int) -> None:
    """Read, not mapped: at whatever instant the file is cut, all there is is an exception."""
    begun = threading.Event()

    def cut() -> None:
        begun.wait()
        for size in range(BYTES, 0, -BYTES // 50):
            os.truncate(shrinking, size)

    def read(trace: tracecmd.Trace) -> None:
        for _ in range(1000):
            for _ in trace.iter(threads=threads):
                begun.set()

    with tracecmd.open(shrinking, mmap=False) as trace:
        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(TruncatedError):
            read(trace)
        thread.join()


def test_what_was_read_at_open_stays(write: Write) -> None:
    """Options are in memory, whatever happens to the file; what is read later is not."""
    path = write(Trace(buffers=[Buffer(cpus={0: [Page(0, [])]})]))
    with tracecmd.open(path, mmap=False) as trace:
        options = [option.data for option in trace.options]
        path.write_bytes(b"\0" * path.stat().st_size)
        assert [option.data for option in trace.options] == options
        assert trace.version == 7
        with pytest.raises(CorruptError, match="HEADER_INFO"):
            list(trace)


def test_nothing_is_mapped(large: Path) -> None:
    with tracecmd.open(large, mmap=False) as trace:
        assert sum(1 for _ in trace.iter(pids=4711)) == 2
        assert str(large) not in Path("/proc/self/maps").read_text()
    with tracecmd.open(large) as trace:
        assert str(large) in Path("/proc/self/maps").read_text()
