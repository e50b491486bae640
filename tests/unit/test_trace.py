"""Trace and Buffer: opening, the life of what was got from a file, and what they tell."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.trace_file import TraceFile

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import (
    TICK,
    Buffer,
    CpuCount,
    Event,
    Guest,
    Page,
    RawOption,
    TextBuffer,
    TraceId,
    Version,
)

PAGES = [Page(1000, [Event(5, TICK.values(pid=1, n=42))])]
KVM_SMALL = corpus.DATA / "sessions" / "kvm-small"
HOST = KVM_SMALL / "trace.dat"
RECORDINGS = [HOST, KVM_SMALL / "trace-Guest1.dat", corpus.DATA / "i386-v6.dat"]


def rich(**shape: Any) -> Trace:
    """A file that has a bit of everything."""
    return Trace(
        options=[
            TraceId(0x1234),
            Version("3.3.1"),
            Guest("Guest1", 0x99, {0: 5, 1: 7}),
            RawOption(999, b"whatever"),
        ],
        buffers=[Buffer(cpus={0: PAGES, 1: PAGES}), Buffer("inst", cpus={1: PAGES})],
        **shape,
    )


def public(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


# --- what a path may be ------------------------------------------------------------------------


class AsPath:
    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> str | bytes:
        return self.path


PATHS: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "bytes": os.fsencode,
    "Path": lambda path: path,
    "PathLike[str]": lambda path: AsPath(str(path)),
    "PathLike[bytes]": lambda path: AsPath(os.fsencode(path)),
}


@pytest.mark.parametrize("kind", PATHS.values(), ids=PATHS.keys())
def test_path_kinds(write: Write, kind: Callable[[Path], Any]) -> None:
    path = write(rich())
    with tracecmd.open(kind(path)) as trace:
        assert trace.path == str(path)
        assert trace.trace_id == 0x1234


@pytest.mark.parametrize("name", ["with a blank.dat", "grüße.dat", "new\nline.dat", "-", "%s%n"])
def test_odd_names(write: Write, name: str) -> None:
    path = write(rich(), name)
    with tracecmd.open(path) as trace:
        assert trace.path == str(path)
        assert repr(str(path)) in repr(trace)


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.dat"
    Path(os.fsdecode(path)).write_bytes(rich().write().data)
    for given in (path, os.fsdecode(path), Path(os.fsdecode(path))):
        with tracecmd.open(given) as trace:
            assert os.fsencode(trace.path) == path
            repr(trace).encode()  # printable
    Path(os.fsdecode(path)).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        tracecmd.open(path)
    assert caught.value.filename == os.fsdecode(path)


def test_relative_name(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(rich())
    monkeypatch.chdir(path.parent)
    with tracecmd.open(path.name) as trace:
        assert trace.path == path.name


def test_descriptor_stays_the_callers(write: Write) -> None:
    path = write(rich())
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.lseek(descriptor, 7, os.SEEK_SET)
        with tracecmd.open(descriptor) as trace:
            assert trace.path == f"<fd {descriptor}>"
            assert trace.trace_id == 0x1234
        os.fstat(descriptor)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 7
        trace = tracecmd.open(descriptor)
    finally:
        os.close(descriptor)
    with trace:
        assert trace.kallsyms  # it has its own way to the file


def open_descriptors() -> set[int]:
    found = set()
    for descriptor in range(256):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            found.add(descriptor)
    return found


def test_no_descriptor_is_left_behind(write: Write) -> None:
    path, bad = write(rich()), write(b"nothing", "bad.dat")
    before = open_descriptors()
    for _ in range(3):
        tracecmd.open(path).close()
        with pytest.raises(tracecmd.NotATraceError):
            tracecmd.open(bad)
    tracecmd.open(path)  # not closed: the end of its life does it
    assert open_descriptors() == before


@pytest.mark.parametrize("wrong", [None, 1.5, ["a"]])
def test_what_is_no_path(wrong: Any) -> None:
    with pytest.raises(TypeError):
        tracecmd.open(wrong)


def test_name_with_nul() -> None:
    with pytest.raises(ValueError, match="null byte"):
        tracecmd.open("a\0b")


# --- closing -----------------------------------------------------------------------------------

OF_CLOSED_TRACE = {"path", "peer", "closed", "close", "guest_cpumap"}


def use(thing: object, name: str) -> None:
    """Read it; call it, if it is a method; and begin to walk, if it is a generator."""
    value = getattr(thing, name)
    if callable(value):
        wanted = inspect.signature(value).parameters.values()
        needed = [p for p in wanted if p.default is p.empty]
        named = {p.name: "" for p in needed if p.kind is p.KEYWORD_ONLY}
        placed = [p for p in needed if p.kind < p.VAR_POSITIONAL]
        value = value(*(0 if p.annotation in ("int", "Time") else "" for p in placed), **named)
    if isinstance(value, Iterator):
        next(value, None)


@pytest.mark.parametrize("path", RECORDINGS, ids=corpus.name_of)
@pytest.mark.parametrize("read_before", [False, True], ids=["unread", "read"])
def test_every_attribute_raises_after_close(path: Path, read_before: bool) -> None:
    trace = tracecmd.open(path)
    names = public(trace)
    assert {"trace_id", "guests", "options", "buffers", "cpus", "clock", "uname"} < set(names)
    buffers = trace.buffers
    if read_before:
        for name in names:
            getattr(trace, name)
        for buffer in buffers:
            for name in public(buffer):
                getattr(buffer, name)
    options = trace.options
    assert trace.close() is None
    assert trace.closed
    assert trace.path == str(path)
    for name in set(names) - OF_CLOSED_TRACE:
        with pytest.raises(tracecmd.ClosedError, match="closed") as caught:
            use(trace, name)
        assert caught.value.path == str(path)
    for buffer in buffers:
        for name in public(buffer):
            with pytest.raises(tracecmd.ClosedError):
                use(buffer, name)
    uses: list[Callable[[], object]] = [
        lambda: len(options),
        lambda: options[0],
        lambda: options[:],
        lambda: list(options),
        lambda: options.find(11),
        lambda: list(options.find_all(11)),
        lambda: options.count(11),
        lambda: options.count(1 << 20),
        lambda: 11 in options,
        lambda: trace.guest_cpumap(1),
        lambda: trace.guest_cpumap(-1),
        trace.__enter__,
    ]
    for other in uses:
        with pytest.raises(tracecmd.ClosedError):
            other()
    assert repr(trace) == f"<Trace {str(path)!r} closed>"
    assert repr(buffers[0]) == "<Buffer '' closed>"
    assert repr(options) == f"<Options of {str(path)!r} closed>"


def test_second_close(write: Write) -> None:
    trace = tracecmd.open(write(rich()))
    assert not trace.closed
    for _ in range(3):
        trace.close()
        assert trace.closed


def test_context_manager(write: Write) -> None:
    path = write(rich())
    with tracecmd.open(path) as trace:
        with trace as same:
            assert same is trace
        assert trace.closed
    with pytest.raises(ZeroDivisionError), tracecmd.open(path) as trace:
        raise ZeroDivisionError
    assert trace.closed


def test_derived_objects_keep_the_file_open(write: Write) -> None:
    options = tracecmd.open(write(rich())).options
    buffer = tracecmd.open(write(rich())).buffers[1]
    assert options.find(999).data == b"whatever"
    assert [area.cpu for area in buffer.cpus] == [1]


def test_values_outlive_the_file(write: Write) -> None:
    """What was given out is a copy: nothing points into the mapping."""
    with tracecmd.open(write(rich())) as trace:
        guests, option = trace.guests, trace.options.find(999)
        texts, areas = trace.event_formats, trace.buffers[0].cpus
    assert guests[0] == ("Guest1", 0x99, 2, (5, 7))
    assert option.data == b"whatever"
    assert texts[0].text.startswith("name: ")
    assert areas[0].size > 0


@pytest.mark.parametrize("name", ["trace_id", "guests", "kallsyms", "version", "options"])
def test_attributes_are_read_only(write: Write, name: str) -> None:
    with tracecmd.open(write(rich())) as trace, pytest.raises(AttributeError):
        setattr(trace, name, None)


# --- threads -----------------------------------------------------------------------------------


def answers_of(file: Any) -> object:
    """Some questions, to the file itself: a new TraceFile remembers nothing."""
    fresh = TraceFile(file)
    return len(fresh.kallsyms), fresh.guests, len(fresh.event_formats)


class Asker(threading.Thread):
    """Asks until the file is closed."""

    def __init__(self, trace: tracecmd.Trace, asked: threading.Barrier) -> None:
        super().__init__()
        self.file = trace._file
        self.asked = asked
        self.answers: list[object] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answers.append(answers_of(self.file))
            self.asked.wait(30)
            while True:
                self.answers.append(answers_of(self.file))
        except BaseException as error:
            self.error = error


def test_close_while_others_call() -> None:
    """Each call gives the right answer or raises ClosedError; nothing else happens."""
    with tracecmd.open(HOST) as trace:
        expected = answers_of(trace._file)
    for _ in range(20):
        trace = tracecmd.open(HOST)
        asked = threading.Barrier(4)
        askers = [Asker(trace, asked) for _ in range(3)]
        for asker in askers:
            asker.start()
        asked.wait(30)
        trace.close()
        for asker in askers:
            asker.join(30)
            assert not asker.is_alive()
            assert isinstance(asker.error, tracecmd.ClosedError)
            assert all(answer == expected for answer in asker.answers)


def test_many_threads_ask_the_same(write: Write) -> None:
    with tracecmd.open(HOST) as trace:
        answers: list[object] = []
        start = threading.Barrier(8)

        def ask() -> None:
            start.wait(30)
            answers.append((trace.trace_id, trace.guests, trace.event_formats, trace.kallsyms))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(answers) == 8
        assert all(answer == answers[0] for answer in answers)


# --- files that change -------------------------------------------------------------------------


def test_shrunk_file(write: Write) -> None:
    path = write(rich())
    size = path.stat().st_size
    with tracecmd.open(path) as trace:
        buffers, options = trace.buffers, trace.options
        os.truncate(path, 100)
        for name in ("kallsyms", "event_formats", "header_page", "saved_cmdlines", "uname"):
            with pytest.raises(tracecmd.TruncatedError, match=str(path)) as caught:
                getattr(trace, name)
            assert isinstance(caught.value, EOFError)
            assert caught.value.offset == 100
        with pytest.raises(tracecmd.TruncatedError):
            options[0]
        with pytest.raises(tracecmd.TruncatedError):
            list(options)
        assert f"{size}" in repr(trace) or "shrunk" in repr(trace)
        assert "Buffer" in repr(buffers)
    assert trace.closed


def test_grown_file(write: Write) -> None:
    """Bytes added later are not looked at."""
    path = write(rich())
    with tracecmd.open(path) as trace:
        size = path.stat().st_size
        with path.open("ab") as file:
            file.write(b"more")
        assert trace.file_size == size
        assert trace.kallsyms


def test_removed_and_replaced_file(write: Write) -> None:
    path = write(rich())
    with tracecmd.open(path) as trace:
        path.unlink()
        write(b"something else")
        assert trace.trace_id == 0x1234
        assert trace.kallsyms


# --- what they tell ----------------------------------------------------------------------------


def test_repr(write: Write) -> None:
    path = write(rich())
    with tracecmd.open(path) as trace:
        assert repr(trace) == f"<Trace {str(path)!r} v7 cpus=2 buffers=2 guests=1>"
        assert repr(trace.buffers[1]) == "<Buffer 'inst' cpus=1 clock='local'>"
        assert repr(trace.options) == f"<Options of {str(path)!r}: {len(trace.options)}>"
    with tracecmd.open(write(Trace(version=6, cpu_count=3, buffers=[Buffer()]))) as trace:
        assert repr(trace) == f"<Trace {str(path)!r} v6 cpus=3 buffers=1>"
    with tracecmd.open(write(Trace(buffers=[TextBuffer("# tracer: x\n")]))) as trace:
        assert repr(trace.buffers[0]) == "<Buffer '' text clock='local'>"


SHAPES = [
    (version, big, long_size, compression)
    for version in (6, 7)
    for big in (False, True)
    for long_size in (4, 8)
    for compression in ("none", "zlib", "zstd")
    if version == 7 or compression == "none"
]


@pytest.mark.parametrize(("version", "big", "long_size", "compression"), SHAPES)
def test_shapes(write: Write, version: int, big: bool, long_size: int, compression: str) -> None:
    shape: dict[str, Any] = {
        "version": version, "big_endian": big, "long_size": long_size, "compression": compression,
    }  # fmt: skip
    with tracecmd.open(write(rich(**shape)), strict=True) as trace:
        assert trace.version == version
        assert trace.byteorder == ("big" if big else "little")
        assert trace.long_size == long_size
        assert trace.compression == compression
        assert trace.page_size == 4096
        assert trace.trace_id == 0x1234
        assert trace.recorder == "3.3.1"
        assert trace.clock == "local"
        assert trace.guest_cpumap(0x99) == ("Guest1", 2, (5, 7))
        assert [buffer.name for buffer in trace.buffers] == ["", "inst"]
        assert trace.buffers[1].compressed == (compression != "none")
        assert [area.cpu for area in trace.buffers[1].cpus] == [1]
        assert trace.saved_cmdlines == "1 init\n17 worker/0:1\n4711 some task\n"
        assert {entry.system for entry in trace.event_formats} == {
            "ftrace", "sched", "irq", "test",
        }  # fmt: skip
        assert trace.problems == ()


def test_absent_things(write: Write) -> None:
    omit = frozenset({16, 17, 18, 19, 20, 21})
    with tracecmd.open(write(Trace(omit=omit))) as trace:
        assert trace.trace_id == 0
        assert (trace.uname, trace.recorder) == ("", "")
        assert (trace.kallsyms, trace.printk_formats, trace.saved_cmdlines) == ("", "", "")
        assert (trace.header_page, trace.header_event) == ("", "")
        assert trace.event_formats == trace.guests == trace.hooks == trace.proc_maps == ()
        assert trace.cpu_stats == ()
        assert trace.time_shift is None
        assert trace.tsc2nsec is None
        assert (trace.date_offset, trace.ts_offset) == (0, 0)


def test_texts_that_are_not_utf8(write: Write) -> None:
    """They come through and back, as file names do."""
    content = b"1 \xff\xfe\n"
    with tracecmd.open(write(Trace(saved_cmdlines=content))) as trace:
        assert trace.saved_cmdlines.encode(errors="surrogateescape") == content


# --- strict ------------------------------------------------------------------------------------


def test_strict(write: Write) -> None:
    """A fault that leaves the rest readable is noted, or raised if asked for."""
    good = Trace(options=[TraceId(5), Guest("Guest1", 9, {0: 7, 1: 8})]).write()
    path = write(good.change("option GUEST/vCPU[1]", 77))
    with tracecmd.open(path) as trace:
        assert trace.trace_id == 5
        (problem,) = trace.problems
        assert isinstance(problem, tracecmd.CorruptError)
        assert problem.path == str(path)
        assert problem.reason.startswith("option GUEST")
    with pytest.raises(tracecmd.CorruptError) as caught:
        tracecmd.open(path, strict=True)
    assert str(caught.value) == str(problem)
    assert (caught.value.offset, caught.value.path) == (problem.offset, str(path))


def test_strict_opens_good_files() -> None:
    for path in RECORDINGS:
        tracecmd.open(path, strict=True).close()


# --- guests ------------------------------------------------------------------------------------


def test_guest_cpumap_is_what_the_manual_page_says(write: Write) -> None:
    options = [
        TraceId(9),
        CpuCount(4),
        Guest("first", 0x99, {0: 5, 2: -1, 1: 7}),
        Guest("none", 0xFFFF_FFFF_FFFF_FFFF),
    ]
    with tracecmd.open(write(Trace(options=options))) as trace:
        assert trace.guest_cpumap(0x99) == tracecmd.GuestCpuMap("first", 3, (5, 7, -1))
        name, vcpu_count, cpu_pid = trace.guest_cpumap(0xFFFF_FFFF_FFFF_FFFF)
        assert (name, vcpu_count, cpu_pid) == ("none", 0, ())
        for unknown in (0, 9, 0x98, -1, 1 << 64, 1 << 100):
            with pytest.raises(tracecmd.UnknownGuestError) as caught:
                trace.guest_cpumap(unknown)
            assert f"{unknown:#x}" in str(caught.value)
            assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("wrong", ["Guest1", None, 1.0])
def test_guest_cpumap_wants_a_number(write: Write, wrong: Any) -> None:
    with tracecmd.open(write(rich())) as trace, pytest.raises(TypeError):
        trace.guest_cpumap(wrong)
