"""Arrow streams: what consumers see when reading fails, and that they may release from anywhere."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import _lifetime, _lowlevel

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page, fill_pages

ROOT = Path(__file__).resolve().parents[2]

# What fails: at once, or after the first batch ----------------------------------------------------


class Core:
    """The core, with memory for so many batches."""

    def __init__(self, lib: Any, batches: int) -> None:
        self._lib = lib
        self._left = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lib, name)

    def trc_columns_next(self, columns: Any, rows: int, out: Any, err: Any) -> int:
        self._left -= 1
        if self._left >= 0:
            return int(self._lib.trc_columns_next(columns, rows, out, err))
        err.code = self._lib.TRC_NO_MEMORY
        err.message = b"no memory left"
        return int(err.code)


class Failing:
    """A table, and what reading it ends with."""

    def __init__(self, how: str, write: Write, patch: pytest.MonkeyPatch, *, begun: bool) -> None:
        self.how = how
        good = fill_pages([(100 * n, TICK.values(n=n)) for n in range(2000)], Machine(), 4096)
        bad = Page(300_000, [Event(0, TICK.values(n=2))], commit=5000)
        pages = good
        if how == "damaged":
            pages = [*good, bad] if begun else [bad, *good]
        self.path = write(Trace(buffers=[Buffer(cpus={0: pages})]))
        self.trace = tracecmd.open(self.path, strict=True)
        self.table = self.trace.table(
            "tick", columns=["ts", "n"], batch_rows=100, progress=lambda done, total: self.spoil()
        )
        if how == "no memory":
            module: Any = sys.modules["tracecmd._lowlevel._columns"]
            patch.setattr(module, "lib", Core(module.lib, 1 if begun else 0))
        if not begun:
            self.spoil()

    def spoil(self) -> None:
        if self.how == "closed":
            self.trace.close()
        elif self.how == "shrunk":
            os.truncate(self.path, 5000)

    @property
    def error(self) -> type[Exception]:
        return {
            "closed": tracecmd.ClosedError,
            "shrunk": tracecmd.TruncatedError,
            "damaged": tracecmd.CorruptError,
            "no memory": MemoryError,
        }[self.how]

    @property
    def text(self) -> str:
        """What every error says."""
        return {
            "closed": f"{self.path}: the trace is closed",
            "shrunk": "to 5000 bytes while open (at 0x1388)",
            "damaged": "of CPU 0",
            "no memory": f"{self.path}: no memory left",
        }[self.how]


HOWS = ["closed", "shrunk", "damaged", "no memory"]


@pytest.fixture(params=HOWS)
def how(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def failing(
    request: pytest.FixtureRequest, how: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> Failing:
    return Failing(how, write, monkeypatch, begun=request.param)


# Consumers ----------------------------------------------------------------------------------------


def from_pyarrow(table: tracecmd.Table) -> object:
    return pytest.importorskip("pyarrow").table(table)


def from_pyarrow_reader(table: tracecmd.Table) -> object:
    return pytest.importorskip("pyarrow").RecordBatchReader.from_stream(table).read_all()


def from_polars(table: tracecmd.Table) -> object:
    return pytest.importorskip("polars").DataFrame(table)


def from_duckdb(table: tracecmd.Table) -> object:
    return pytest.importorskip("duckdb").from_arrow(table).fetchall()


def to_arrow(table: tracecmd.Table) -> object:
    pytest.importorskip("pyarrow")
    return table.to_arrow()


def to_polars(table: tracecmd.Table) -> object:
    pytest.importorskip("polars")
    return table.to_polars()


def to_pandas(table: tracecmd.Table) -> object:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    return table.to_pandas()


def to_numpy(table: tracecmd.Table) -> object:
    pytest.importorskip("numpy")
    return table.to_numpy()


Consume = Callable[[tracecmd.Table], object]


@pytest.mark.parametrize("consume", [from_pyarrow, from_pyarrow_reader, from_polars, from_duckdb])
def test_consumers_say_why(failing: Failing, consume: Consume) -> None:
    """In an error of their own, with our text; again and again."""
    for _ in range(3):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            consume(failing.table)
        assert failing.text in str(caught.value)
        assert not isinstance(caught.value, SystemError)
        if consume is from_pyarrow and failing.how == "no memory":
            assert isinstance(caught.value, MemoryError)


@pytest.mark.parametrize("consume", [to_arrow, to_polars, to_pandas, to_numpy])
def test_our_own_ways_raise_our_errors(failing: Failing, consume: Consume) -> None:
    for _ in range(3):
        with pytest.raises(failing.error) as caught:
            consume(failing.table)
        assert failing.text in str(caught.value)


@pytest.mark.parametrize("consume", [from_pyarrow, from_pyarrow_reader, from_polars])
def test_consumers_let_closed_error_through(write: Write, consume: Consume) -> None:
    with tracecmd.open(write(Trace())) as trace:
        table = trace.table("tick")
    with pytest.raises(tracecmd.ClosedError):
        consume(table)


def test_interrupts_reach_the_caller(write: Write) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with tracecmd.open(write(Trace())) as trace:
        for consume in (to_arrow, to_polars):
            with pytest.raises(KeyboardInterrupt):
                consume(trace.table("tick", progress=interrupt))


# The callbacks themselves -------------------------------------------------------------------------


class Struct(ctypes.Structure):
    """A struct ArrowArrayStream."""

    _fields_ = [
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    ]


def struct_of(capsule: object) -> Struct:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return Struct.from_address(get(capsule, b"arrow_array_stream"))


class Source:
    """As _lowlevel.Stream is to C."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.calls: list[str] = []
        self.answer: Any = (22, b"because")

    def get_schema(self, address: int) -> None:
        self.calls.append("schema")
        if self.error:
            raise self.error

    def get_next(self, address: int) -> None:
        self.calls.append("next")
        if self.error:
            raise self.error

    def fail(self, error: BaseException) -> Any:
        self.calls.append(f"fail {error!r}")
        assert error.__traceback__ is not None
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def release(self) -> None:
        self.calls.append("release")
        if self.error:
            raise self.error


def test_what_an_exception_becomes() -> None:
    source = Source(ValueError("wrong"))
    capsule = _lifetime.stream(source)
    struct = struct_of(capsule)
    at, out = ctypes.addressof(struct), ctypes.create_string_buffer(200)
    assert struct.get_last_error(at) is None
    assert struct.get_schema(at, out) == 22
    assert struct.get_last_error(at) == b"because"
    said: list[tuple[Any, int, bytes]] = [
        ((0, b"nothing?"), 5, b"nothing?"),
        ((-1, b"less"), 5, b"less"),
        ((12, b"more"), 12, b"more"),
        ("no tuple", 5, b"reading failed, and so did saying why"),
        ((12, "no bytes"), 12, b"reading failed, and so did saying why"),
        (MemoryError(), 5, b"reading failed, and so did saying why"),
    ]
    for answer, number, text in said:
        source.answer = answer
        assert struct.get_next(at, out) == number
        assert struct.get_last_error(at) == text
    assert source.calls[:2] == ["schema", "fail ValueError('wrong')"]
    source.error = None
    assert struct.get_next(at, out) == 0
    del capsule
    assert source.calls[-1] == "release"


def test_released_whatever_release_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    for kind in (ValueError, KeyboardInterrupt):
        source = Source(kind())
        known = weakref.ref(source)
        capsule = _lifetime.stream(source)
        struct = struct_of(capsule)
        struct.release(ctypes.addressof(struct))
        assert source.calls == ["release"]
        assert not struct.release
        assert not struct.private_data
        del capsule, source
        assert raised.pop().exc_type is kind
        gc.collect()
        assert known() is None


def test_moved_out() -> None:
    """As consumers do: they copy the struct, and forget the release in the capsule."""
    source = Source()
    capsule = _lifetime.stream(source)
    moved = Struct()
    ctypes.pointer(moved)[0] = struct_of(capsule)
    ctypes.memset(ctypes.addressof(struct_of(capsule)) + Struct.release.offset, 0, 8)
    del capsule
    assert source.calls == []
    moved.release(ctypes.addressof(moved))
    assert source.calls == ["release"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "pthread_create"), reason="no pthreads")
def test_from_a_thread_that_python_does_not_know(write: Write) -> None:
    """All callbacks, from a thread that never had an interpreter's lock."""
    libc = ctypes.CDLL(None)
    source = Source()
    before = threading.get_ident()
    seen: list[int] = []
    source.release = lambda: seen.append(threading.get_ident())  # type: ignore[method-assign]
    capsule = _lifetime.stream(source)
    struct = struct_of(capsule)
    thread = ctypes.c_ulong()
    start = ctypes.cast(struct.release, ctypes.c_void_p)
    assert not libc.pthread_create(ctypes.byref(thread), None, start, ctypes.byref(struct))
    assert not libc.pthread_join(thread, None)
    assert len(seen) == 1
    assert seen != [before]
    assert not struct.release


def test_moving_arrays() -> None:
    with pytest.raises(ValueError, match="neither the capsule"):
        _lifetime.move(_lifetime.stream(Source()), 1)
    for make in (_lifetime.schema, _lifetime.array):
        capsule, address = make()
        target = ctypes.create_string_buffer(b"x" * 100)
        _lifetime.move(capsule, ctypes.addressof(target))
        assert target.raw[:70] == bytes(70)
        assert address
    assert _lowlevel.Array().length == 0
    assert not _lowlevel.Array().is_filled


# The end of the interpreter -----------------------------------------------------------------------

BEGIN = """
    import ctypes, sys, tracecmd
    from tests.unit.test_streams import struct_of
    trace = tracecmd.open("tests/data/i386-v6.dat")
    table = trace.table(batch_rows=100)
"""
ENDS = {
    "a capsule that nobody took": "kept = table.__arrow_c_stream__()",
    "in a module that is cleared late": "sys.kept = table.__arrow_c_stream__()",
    "in a cycle": "kept = [table.__arrow_c_stream__()]; kept.append(kept)",
    "a reader that has begun": """
    import pyarrow
    kept = pyarrow.RecordBatchReader.from_stream(table)
    kept.read_next_batch()
    """,
    "after all, in C": """
    import atexit
    kept = table.__arrow_c_stream__()
    struct = struct_of(kept)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))  # nobody frees the struct
    function = ctypes.cast(struct.release, ctypes.c_void_p)
    ctypes.CDLL(None).__cxa_atexit(function, ctypes.byref(struct), None)
    """,
}


@pytest.mark.parametrize("name", ENDS)
def test_released_at_exit(name: str) -> None:
    if "reader" in name:
        pytest.importorskip("pyarrow")
    program = textwrap.dedent(BEGIN) + textwrap.dedent(ENDS[name]) + "\nprint('done')\n"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
