"""What is destroyed when, and once: whatever threads, signals, the collector and fork() do."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tracecmd
from tracecmd import ClosedError, _lowlevel
from tracecmd._lowlevel._handle import Handle
from tracecmd._reading import Request, Selection, choose, cut_windows, read_windows

from .. import races
from ..conftest import Write
from .busy import busy, write_busy

SMALL = "tests/data/i386-v6.dat"
ROOT = Path(__file__).resolve().parents[2]


def run(program: str, *arguments: str, timeout: int = 300) -> str:
    """Run a program that may hang or die; gives its output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c",
         textwrap.dedent(program), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def is_mapped(path: Path) -> bool:
    """Whether this process maps the file."""
    return str(path) in Path("/proc/self/maps").read_text()


needs_maps = pytest.mark.skipif(
    not os.path.exists("/proc/self/maps"), reason="mappings cannot be listed here"
)

# Handles, with objects of our own -----------------------------------------------------------------


class Owned(Handle):
    """Notes when its object is destroyed."""

    def __init__(self, name: str, log: list[str], *parents: Handle, fail: bool = False) -> None:
        super().__init__(name)
        for parent in parents:
            self._hold(parent)

        def destroy(address: int) -> None:
            log.append(name)

        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(destroy)
        self._keep(function)
        place = self._own(ctypes.cast(function, ctypes.c_void_p).value or 0)
        ctypes.c_void_p.from_address(place).value = 1
        if fail:
            raise ZeroDivisionError
        self._publish(name)


def test_closed_once() -> None:
    log: list[str] = []
    owned = Owned("a", log)
    with owned as pointer:
        assert pointer == "a"
    for _ in range(3):
        owned.close()
        assert owned.closed
        assert log == ["a"]
    with pytest.raises(ClosedError, match="a: the trace is closed"), owned:
        pass
    del owned
    assert log == ["a"]


def test_dropped() -> None:
    log: list[str] = []
    Owned("a", log)
    assert log == ["a"]


def test_closed_in_use() -> None:
    """The last one to leave destroys; nobody comes in any more."""
    log: list[str] = []
    owned = Owned("a", log)
    with owned:
        with owned:
            owned.close()
            with pytest.raises(ClosedError):
                owned.__enter__()
        assert log == []
    assert log == ["a"]


def test_left_with_an_exception() -> None:
    log: list[str] = []
    owned = Owned("a", log)
    with pytest.raises(ZeroDivisionError), owned:
        owned.close() or 1 / 0
    assert log == ["a"]


def test_children_keep_parents() -> None:
    log: list[str] = []
    parent = Owned("parent", log)
    child = Owned("child", log, parent)
    grandchild = Owned("grandchild", log, child, parent, child)
    assert grandchild.parents == (child, parent)
    assert child.parents == (parent,)
    parent.close()
    child.close()
    assert child.closed
    assert grandchild.closed
    with pytest.raises(ClosedError, match="grandchild"), grandchild:
        pass
    assert log == []
    grandchild.close()
    assert log == ["grandchild", "child", "parent"]


def test_parents_that_nobody_else_refers_to() -> None:
    log: list[str] = []
    child = Owned("child", log, Owned("a", log), Owned("b", log))
    assert log == []
    del child
    assert log == ["child", "b", "a"]


def test_parent_closed_before() -> None:
    """What it held until then it lets go."""
    log: list[str] = []
    first, closed = Owned("first", log), Owned("closed", log)
    closed.close()
    with pytest.raises(ClosedError, match="closed: the trace is closed"):
        Owned("child", log, first, closed)
    gc.collect()
    assert log == ["closed"]
    first.close()
    assert log == ["closed", "first"]


def test_half_made() -> None:
    """An object is owned as soon as there is one, and so are its parents."""
    log: list[str] = []
    parent = Owned("parent", log)
    with pytest.raises(ZeroDivisionError):
        Owned("child", log, parent, fail=True)
    gc.collect()
    assert log == ["child"]
    parent.close()
    assert log == ["child", "parent"]


def test_never_made() -> None:
    empty = Handle("nothing")
    with pytest.raises(ValueError, match="nothing is in this handle yet"), empty:
        pass
    with pytest.raises(ValueError, match="nothing is in this handle yet"):
        Owned("child", [], empty)
    with pytest.raises(ValueError, match="published once"):
        empty._publish("pointer")
    with pytest.raises(ValueError, match="nothing destroys"):
        empty._own(0)
    empty.close()
    with pytest.raises(ClosedError), empty:
        pass


def test_made_wrongly() -> None:
    log: list[str] = []
    owned, other = Owned("a", log), Owned("b", log)
    with owned, pytest.raises(ValueError, match="in use or closed"):
        owned._hold(other)
    with pytest.raises(ValueError, match="published once"):
        owned._publish("again")
    with owned, pytest.raises(ValueError, match="in use or closed"):
        owned._own(1)
    with pytest.raises(TypeError):
        owned._hold("no handle")  # type: ignore[arg-type]
    assert log == []


def test_made_again() -> None:
    """What was made first is destroyed (a filter finds out that it wants symbols)."""
    log: list[str] = []
    owned = Owned("a", log)
    owned.__init__("b", log, Owned("parent", log))  # type: ignore[misc]
    assert log == ["a"]
    with owned as pointer:
        assert pointer == "b"
    del owned
    assert log == ["a", "b", "parent"]


def test_never_left() -> None:
    """An interrupt can come before a block begins: then its object goes with the last reference."""
    log: list[str] = []
    parent = Owned("parent", log)
    child = Owned("child", log, parent)
    child.__enter__()
    parent.__enter__()
    child.close()
    parent.close()
    assert log == []
    del parent
    assert log == []
    del child
    assert log == ["child", "parent"]


def test_garbage() -> None:
    """Of a cycle the collector clears parts in any order; children still go before parents."""
    for backwards in (False, True):
        log: list[str] = []
        parent = Owned("parent", log)
        child = Owned("child", log, parent)
        cycle: list[Any] = [child, parent] if backwards else [parent, child]
        child.cycle = parent.cycle = cycle  # type: ignore[attr-defined]
        cycle.append(cycle)
        known = weakref.ref(child)
        del parent, child, cycle
        assert known() is not None
        if log:
            raise AssertionError(log)
        gc.collect()
        assert log in ([], ["child", "parent"])  # [] where a handle refers to its own child
        found = known()
        if found is not None:
            found.cycle.clear()  # type: ignore[attr-defined]
            del found
            gc.collect()
        assert log == ["child", "parent"]


def test_used_by_garbage() -> None:
    """A generator that the collector closes may use what is garbage with it."""
    log: list[str] = []
    told: list[object] = []

    def use(owned: Owned) -> Iterator[None]:
        try:
            with owned:
                yield
        finally:
            with owned as pointer:
                told.append(pointer)

    owned = Owned("a", log)
    cycle: list[Any] = [use(owned), owned]
    next(cycle[0])
    cycle.append(cycle)
    del owned, cycle
    gc.collect()
    assert (told, log) == (["a"], ["a"])


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

INTERRUPTS = int(os.environ.get("TRACECMD_INTERRUPTS", "40"))
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
