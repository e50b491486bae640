"""What is destroyed when, and once: whatever threads, signals, the collector and fork() do."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tracecmd
from tracecmd import ClosedError, _lowlevel
from tracecmd._reading import Request, Selection, choose, cut_windows, read_windows

from .. import races
from ..conftest import Write
from .busy import busy, write_busy
from .programs import run

SMALL = "tests/data/i386-v6.dat"


def is_mapped(path: Path) -> bool:
    """Whether this process maps the file."""
    return str(path) in Path("/proc/self/maps").read_text()


needs_maps = pytest.mark.skipif(
    not os.path.exists("/proc/self/maps"), reason="mappings cannot be listed here"
)

# The real ones ------------------------------------------------------------------------------------


def readings(trace: tracecmd.Trace) -> list[Iterator[object]]:
    """All that reads records, begun."""
    begun: list[Iterator[object]] = [
        trace.iter(),
        trace.iter(threads=2),
        trace.report(),
        trace.report(threads=2, filters=["sched_switch"]),
        trace.batches("sched_switch", where="next_pid > 3"),
        trace.batches(  # wants symbols
            ["sched_switch", "function"], where="next_pid > 3 || ip != 'schedule'"
        ),
        trace.batches(["sched_switch", "test:tick"], threads=2),
        trace.tables(["sched_switch", "test:tick"]).batches(),
    ]
    for each in begun:
        next(each)
    return begun


@needs_maps
def test_file_is_unmapped_by_close(tmp_path: Path) -> None:
    """And after what is still reading has ended; errors that are kept do not matter."""
    path = write_busy(tmp_path)
    trace = tracecmd.open(path)
    str(next(trace.iter()))
    assert is_mapped(path)
    begun = readings(trace)
    trace.close()
    kept: list[ClosedError] = []
    for each in begun:
        with pytest.raises(ClosedError) as caught:
            list(each)
        kept.append(caught.value)
    assert not is_mapped(path)
    del kept


@needs_maps
def test_closed_while_it_is_first_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """close() cannot know yet what another thread is about to make; that is closed nevertheless."""
    path = write_busy(tmp_path)
    for cls in (_lowlevel.Metadata, _lowlevel.Data, _lowlevel.Symbols, _lowlevel.Report):
        for use in (lambda t: str(next(t.iter())), lambda t: t.stat(), lambda t: list(t.report())):
            trace = tracecmd.open(path)
            create = cls._create

            def close_then(self: Any, *arguments: Any, **names: Any) -> None:
                create(self, *arguments, **names)  # noqa: B023
                trace.close()  # noqa: B023

            with monkeypatch.context() as patch:
                patch.setattr(cls, "_create", close_then)
                with contextlib.suppress(ClosedError):
                    use(trace)
                    assert cls in (_lowlevel.Symbols, _lowlevel.Report)
            trace.close()
            gc.collect()
            assert not is_mapped(path), (cls, use)


def test_texts_from_inside_texts(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a destructor might, that the collector runs while a text is made."""
    with tracecmd.open(write(busy(30))) as trace:
        events = list(trace)
        expected = [str(event) for event in events]
        record = _lowlevel.Report.record
        depth = 0

        def again(self: Any, *arguments: Any) -> bytes:
            nonlocal depth
            depth += 1
            other = depth
            if other < 3:
                assert str(events[other]) == expected[other]
            return record(self, *arguments)

        monkeypatch.setattr(_lowlevel.Report, "record", again)
        assert str(events[0]) == expected[0]
    assert depth == 3


def test_batches_keep_what_is_read_of_them(tmp_path: Path) -> None:
    """A column's memory outlives the batch that it was asked of."""
    with tracecmd.open(write_busy(tmp_path)) as trace:
        scan = trace.table("test:tick", columns=["n"])._scan
        column = next(scan.arrays()).column(0)
    size = 4 * column.length
    assert column.copy(1, size)[:12] == b"".join(n.to_bytes(4, "little") for n in (0, 3, 6))


# The collector ------------------------------------------------------------------------------------


def test_collector_inside_of_calls() -> None:
    """It destroys a report while the same thread is in a call on the report's file."""
    assert (
        run(f"""
        import gc, tracecmd

        def make():
            trace = tracecmd.open({SMALL!r})
            str(next(trace.iter()))  # Reader <-> EventTexts -> Report
            return trace.options     # keeps only the File

        for k in range(200):
            gc.set_threshold(1 << 30)
            options = make()
            gc.set_threshold(gc.get_count()[0] + k % 8)  # the collector runs k allocations from now
            for _ in range(4):
                len(options)
        print("done")
    """)
        == "done\n"
    )


def test_collector_at_every_allocation() -> None:
    """Traces, walks, texts, tables, reports and sessions, all of them in garbage cycles."""
    assert (
        run(f"""
        import contextlib, gc, itertools, tracecmd
        gc.set_threshold(1)

        class Cycle:
            def __init__(self, *kept):
                self.me, self.kept = self, kept

            def __del__(self):  # what users may do, too
                for kept in self.kept:
                    if hasattr(kept, "close"):
                        kept.close()

        def use(trace):
            events = trace.iter()
            texts = [str(event) for event in itertools.islice(events, 20)]
            table = trace.table("sched_switch", batch_rows=500)
            batches, report = table.batches(), trace.report(threads=2)
            threads = trace.iter(threads=2)
            found = [next(batches, None), next(report), next(threads)]
            Cycle(iter(trace), trace.table("sched_switch", where="next_pid == 1"))
            Cycle(trace, events, table, batches, report, threads)
            return texts, trace.options

        for _ in range(4):
            texts, options = use(tracecmd.open({SMALL!r}))
            with contextlib.suppress(tracecmd.ClosedError):
                len(options), options.count(1)
        session = tracecmd.open_session("tests/data/sessions/kvm-small")
        rows, events = iter(session.timeline()), session.iter()
        for _ in range(50):
            next(rows), str(next(events))
        Cycle(session, rows, events)
        print("done")
    """)
        == "done\n"
    )


def test_pool_closed_by_its_own_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator's threads read on when it is garbage; one of them runs the collector."""
    errors: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    with tracecmd.open(write_busy(tmp_path)) as trace:
        sources = choose([trace._reader], Selection(trace._recording)).sources()
        request = Request(sources, threads=2)
        windows = cut_windows(request, 1 << 14)
        assert len(windows) > 10
        for _ in range(20):
            held: list[Iterator[object]] = []
            dropped = threading.Event()

            def read(
                start: int,
                end: int | None,
                held: list[Iterator[object]] = held,
                dropped: threading.Event = dropped,
            ) -> None:
                if held:
                    held.pop()  # the last reference to the generator that this thread works for
                    dropped.set()

            reading = read_windows(request, windows, read)
            next(reading)
            held.append(reading)
            next(reading)
            del reading
            assert dropped.wait(60)
    assert errors == []


# Signals ------------------------------------------------------------------------------------------

INTERRUPTS = int(os.environ.get("TRACECMD_INTERRUPTS", "12"))
USES: dict[str, Callable[[tracecmd.Trace], object]] = {
    "iter": lambda trace: [str(event) for event in trace.iter()],
    "threads": lambda trace: [event.ts for event in trace.iter(threads=2)],
    "report": lambda trace: list(trace.report(filters=["sched_switch:prev_pid > 1"])),
    "table": lambda trace: list(trace.batches("sched_switch", where="next_pid > 3")),
    "to_numpy": lambda trace: trace.table("test:tick").to_numpy(),
    "tables": lambda trace: list(trace.tables(["sched_switch", "test:tick"]).batches()),
    "stat": lambda trace: trace.stat(threads=2),
}


class Interrupter:
    """Raises KeyboardInterrupt before an instruction of the package."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, kind: str, argument: object) -> Any:
        if "/tracecmd/" not in frame.f_code.co_filename or "_core" in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if kind == "opcode":
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
        return self


@needs_maps
@pytest.mark.parametrize("name", USES)
def test_interrupted_anywhere(tmp_path: Path, name: str) -> None:
    """No object is left over, and none is destroyed too early or twice."""
    if name == "to_numpy":
        pytest.importorskip("numpy")
    path = tmp_path / "trace.dat"
    path.write_bytes(busy(40).write().data)

    def work() -> None:
        with tracecmd.open(path) as trace:
            USES[name](trace)

    def interrupted(number: int) -> int:
        tracer = Interrupter(number)
        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            work()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        return tracer.left

    work()  # imports are done then
    total = (1 << 60) - interrupted(1 << 60)
    places = range(1, total, total // INTERRUPTS)
    assert len(places) >= INTERRUPTS
    missed = 0
    for number in places:
        missed += interrupted(number) > 0
        gc.collect()
        assert not is_mapped(path), number
    assert missed < 3  # threads may be faster than before
    work()


# Fork ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork() here")
@pytest.mark.skipif(
    "TRACECMD_SANITIZED" in os.environ,
    reason="AddressSanitizer's allocator may be locked for ever after a fork beside other threads",
)
def test_fork_while_others_read() -> None:
    """The child has none of the threads that were in the middle of something."""
    assert (
        run(f"""
        import os, signal, threading, tracecmd
        trace = tracecmd.open({SMALL!r})
        stop = threading.Event()

        def read():
            while not stop.is_set():
                for event in trace.iter("sched_switch"):
                    str(event)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for _ in range(100):
            child = os.fork()
            if not child:
                signal.alarm(60)
                if str(next(trace.iter())) and len(trace.options) and trace.stat().records:
                    trace.close()
                    os._exit(0 if trace.closed else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for reader in readers:
            reader.join()
        trace.close()
        print("done")
    """)
        == "done\n"
    )


# Threads ------------------------------------------------------------------------------------------


def test_closed_while_others_read() -> None:
    """A few rounds; ``python -m tests.races 10000`` runs more."""
    assert races.play(int(os.environ.get("TRACECMD_RACES", "60"))).rounds > 0
