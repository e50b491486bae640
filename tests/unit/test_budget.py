"""What a small file makes of itself: bytes that several CPUs claim, blocks that unpack to much."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

import tracecmd
from tracecmd import Budget, CorruptError, LimitError

from .. import writer
from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page, TextBuffer
from ..writer.options import OPTION_BUFFER, OPTION_BUFFER_TEXT, BufferOption

MACHINE = Machine(False, 8)
PAGE = 4096


def page(n: int, size: int = PAGE) -> bytes:
    """A page with one tick, number n."""
    written = Trace(page_size=size, buffers=[Buffer(cpus={0: [_page(n)]})]).write()
    at = written.read("option BUFFER/row/offset")
    return written.data[at : at + size]


def _page(n: int) -> Page:
    return Page(1000 * (n + 1), [Event(0, TICK.values(n=n).encode(MACHINE))])


def with_areas(
    trace: writer.Trace,
    data: bytes,
    rows: Iterable[tuple[int, int, int]],
    compressed: bool = True,
) -> bytes:
    """The file with one more section of data for the top buffer.

    rows: CPU, place in data, and size.
    """

    def written(section: int, start: int) -> bytes:
        placed = tuple((cpu, start + at, size) for cpu, at, size in rows)
        option = BufferOption(
            OPTION_BUFFER, "BUFFER", section, "", "local", trace.page_size, placed
        )
        return dataclasses.replace(trace, more_options=[[option]]).write().data

    rows = list(rows)
    section = len(written(0, 0))
    start = -(-(section + 16) // trace.page_size) * trace.page_size
    body = bytes(start - section - 16) + data
    return written(section, start) + struct.pack("<HHIQ", 3, compressed, 0, len(body)) + body


def with_area(trace: writer.Trace, area: bytes, cpus: int, compressed: bool = True) -> bytes:
    """The same for an area that so many CPUs claim."""
    return with_areas(trace, area, ((cpu, 0, len(area)) for cpu in range(cpus)), compressed)


def chunks(*blocks: tuple[int, int, bytes]) -> bytes:
    """Chunks with their sizes stored and unpacked, which may be 0."""
    return struct.pack("<I", len(blocks)) + b"".join(
        struct.pack("<II", stored, plain) + block for stored, plain, block in blocks
    )


def ticks(path: Path, **options: object) -> list[object]:
    with tracecmd.open(path) as trace:
        return [event["n"] for event in trace.iter("tick", **options)]  # type: ignore[arg-type]


# The budget itself --------------------------------------------------------------------------


def test_budget_is_a_value() -> None:
    assert Budget() == Budget(memory=1 << 30, work=1 << 30)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Budget().memory = 1  # type: ignore[misc]


@pytest.mark.parametrize("wrong", [{"memory": 0}, {"work": -1}, {"memory": 1 << 64}])
def test_budget_takes_only_sizes(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="budget: "):
        Budget(**wrong)


# Areas that overlap -------------------------------------------------------------------------


def test_pages_that_all_cpus_claim_are_one_cpus(write: Write) -> None:
    path = write(with_area(Trace(), page(7), 1000, compressed=False))
    with tracecmd.open(path) as trace:
        assert [event["n"] for event in trace.iter()] == [7]
        assert trace.stat().events == {"test:tick": 1}
        first, *_ = trace.problems
        assert type(first) is CorruptError
        assert first.reason == "data of CPU 1: is that of CPU 0, and left out"
        assert first.offset == trace.buffers[0].cpus[1].offset
        assert "more faults" in str(trace.problems[-1])


def test_chunks_that_all_cpus_claim_are_one_cpus(write: Write) -> None:
    packed = zlib.compress(page(7))
    area = chunks((len(packed), PAGE, packed))
    path = write(with_area(Trace(compression="zlib"), area, 1000))
    assert ticks(path) == [7]


@pytest.mark.parametrize("version", [6, 7])
def test_area_ends_where_the_next_begins(write: Write, version: int) -> None:
    """A size that was damaged takes nothing from the CPUs behind."""
    pages = {cpu: [_page(2 * cpu), _page(2 * cpu + 1)] for cpu in range(3)}
    written = Trace(version=version, buffers=[Buffer(cpus=pages)]).write()
    place = "buffer /row 0/size" if version == 6 else "option BUFFER/row/size"
    path = write(written.change(place, 5 * PAGE))
    assert ticks(path) == [0, 1, 2, 3, 4, 5]
    with tracecmd.open(path) as trace:
        (problem,) = trace.problems
        assert (
            "data of CPU 0: 12288 of its 20480 bytes are past the beginning of that of CPU 1"
            in (str(problem))
        )
        assert problem.offset == trace.buffers[0].cpus[1].offset  # type: ignore[attr-defined]
        assert [event.cpu for event in trace.iter()] == [0, 0, 1, 1, 2, 2]
    with (
        pytest.raises(CorruptError, match="data of CPU 0"),
        tracecmd.open(path, strict=True) as trace,
    ):
        list(trace.iter())


def test_overlap_with_an_instance_names_it(write: Write) -> None:
    base = Trace(buffers=[Buffer(cpus={0: [_page(0)]})])
    written = base.write()
    at, section = written.read("option BUFFER/row/offset"), written.read("option BUFFER/offset")
    option = BufferOption(
        OPTION_BUFFER, "BUFFER", section, "other", "local", PAGE, ((3, at, PAGE),)
    )
    # The file is larger by the option, which comes behind the data.
    path = write(dataclasses.replace(base, more_options=[[option]]))
    with tracecmd.open(path) as trace:
        assert [b.name for b in trace.buffers] == ["", "other"]
        assert [(event.buffer, event.cpu) for event in trace.iter()] == [("", 0)]
        assert [p.reason for p in trace.problems if isinstance(p, CorruptError)] == [
            'data of CPU 3 of buffer "other": is that of CPU 0, and left out'
        ]


def test_chunks_do_not_run_into_the_next_area(write: Write) -> None:
    """The number of chunks was damaged: what follows belongs to another CPU."""
    pages = {cpu: [_page(cpu)] for cpu in range(2)}
    written = Trace(compression="zlib", buffers=[Buffer(cpus=pages)]).write()
    path = write(written.change("CPU 0/chunks", 1000))
    assert ticks(path) == [0, 1]


def test_sections_of_texts_that_overlap_are_a_problem(write: Write) -> None:
    written = Trace().write()
    inner = written.mark("section CMDLINES").offset - written.mark("section KALLSYMS").offset
    path = write(written.change("section KALLSYMS/size", inner))
    with tracecmd.open(path) as trace:
        assert any("section 21: begins within section 19" in str(p) for p in trace.problems)


def test_memory_of_shared_pages_is_bounded(write: Write) -> None:
    """150 KB of pages that 1,000 CPUs claim took 300 MB."""
    size = 1 << 16
    full = Trace(page_size=size, buffers=[Buffer(cpus={0: [_full_page(size)]})]).write()
    at = full.read("option BUFFER/row/offset")
    area = full.data[at : at + size]
    path = write(with_area(Trace(page_size=size), area, 1000, compressed=False))
    script = """if True:
        import sys, tracecmd
        def peak():
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        with tracecmd.open(sys.argv[1]) as trace:
            trace.problems, trace.events
            before = peak()
            next(trace.iter())
            print(peak() - before)
    """
    command = [sys.executable, "-c", script, path]
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50_000


def _full_page(size: int) -> Page:
    return Page(1000, [Event(1, b"\x84\x03\0\0")] * ((size - 16) // 8))


# Memory -------------------------------------------------------------------------------------


def test_walk_says_what_it_needs(write: Write) -> None:
    path = write(Trace(buffers=[Buffer(cpus={cpu: [_page(cpu)] for cpu in range(100)})]))
    budget = Budget(memory=1 << 20)
    with tracecmd.open(path, budget=budget) as trace:
        assert trace.stat().events == {"test:tick": 100}
        assert len(list(trace.iter(cpus=range(10)))) == 10
        with pytest.raises(
            LimitError, match=r"needs \d+ bytes of memory, the budget is 1048576"
        ) as found:
            list(trace.iter())
    needed = int(found.value.reason.split("needs ")[1].split()[0])
    with tracecmd.open(path, budget=Budget(memory=needed)) as trace:
        assert len(list(trace.iter())) == 100
    with (
        tracecmd.open(path, budget=Budget(memory=needed - 1)) as trace,
        pytest.raises(LimitError),
    ):
        list(trace.iter())


def test_chunk_that_is_too_large_is_a_problem(write: Write) -> None:
    plain = page(1) + bytes((1 << 20) - PAGE)
    packed = zlib.compress(plain)
    small = zlib.compress(page(0))
    area = chunks((len(small), PAGE, small), (len(packed), len(plain), packed))
    path = write(with_area(Trace(compression="zlib"), area, 1))
    with tracecmd.open(path, budget=Budget(memory=(4 << 20) - 4)) as trace:
        assert [event["n"] for event in trace.iter()] == [0]
        (problem,) = trace.problems
        assert type(problem) is LimitError
        assert "unpacks to 1048576 bytes, a quarter of the budget of 4194300" in str(problem)
    assert ticks(path) == [0, 1]


def test_section_that_is_too_large_is_a_problem(write: Write) -> None:
    names = "".join(f"{pid} task{pid}\n" for pid in range(100_000))
    path = write(Trace(compression="zlib", saved_cmdlines=names))
    with tracecmd.open(path, budget=Budget(memory=1 << 20)) as trace:
        (problem,) = trace.problems
        assert type(problem) is LimitError
        assert "a quarter of the budget of 1048576 bytes of memory is the limit" in str(problem)
    with tracecmd.open(path) as trace:
        assert not trace.problems


def test_options_that_are_too_large(write: Write) -> None:
    path = write(
        Trace(
            compression="zlib",
            compress_options=True,
            options=[writer.RawOption(1000, bytes(1 << 16))],
        )
    )
    with pytest.raises(LimitError, match="a quarter of the budget of 4096"):
        tracecmd.open(path, budget=Budget(memory=4096))
    tracecmd.open(path).close()


def test_chunk_tables_are_memory(write: Write) -> None:
    small = zlib.compress(page(0))
    area = chunks(*[(len(small), PAGE, small)] * 5000)
    path = write(with_area(Trace(compression="zlib"), area, 1))
    with (
        tracecmd.open(path, budget=Budget(memory=1 << 17)) as trace,
        pytest.raises(LimitError, match=r"trace data: needs \d+ bytes of memory"),
    ):
        list(trace.iter())
    assert len(ticks(path)) == 5000


def test_text_that_many_buffers_name(write: Write) -> None:
    base = Trace(buffers=[Buffer(), TextBuffer("x" * 10_000, "first")])
    section = base.write().read("option BUFFER_TEXT/offset")
    again = [
        BufferOption(OPTION_BUFFER_TEXT, "BUFFER_TEXT", section, f"b{i}", "local")
        for i in range(200)
    ]
    path = write(dataclasses.replace(base, more_options=[again]))
    with tracecmd.open(path, budget=Budget(memory=1 << 20)) as trace:
        assert trace.buffer("b199").text() == "x" * 10_000
        with pytest.raises(LimitError, match="texts of latency tracers: needs"):
            list(trace.report())


# Work ---------------------------------------------------------------------------------------


def pack(compression: str, plain: bytes) -> bytes:
    if compression == "zlib":
        return zlib.compress(plain)
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor(write_content_size=False).compress(plain))


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_chunks_of_unknown_size_are_work(write: Write, compression: writer.Compression) -> None:
    plain = page(3) + bytes((1 << 20) - PAGE)
    block = pack(compression, plain)
    path = write(with_area(Trace(compression=compression), chunks(*[(0, 0, block)] * 8), 1))
    work = 8 * (len(plain) - 16 * len(block))
    with tracecmd.open(path, budget=Budget(work=work)) as trace:
        assert [event["n"] for event in trace.iter()] == [3] * 8
        assert not trace.problems
    with tracecmd.open(path, budget=Budget(work=work - 1)) as trace:
        text = f"needs {work} bytes of work, the budget is {work - 1}"
        with pytest.raises(LimitError, match=text):
            list(trace.iter())
        (problem,) = trace.problems
        assert type(problem) is LimitError


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_damaged_chunks_are_work_too(write: Write, compression: writer.Compression) -> None:
    """What unpacks to a lot before it turns out to be damaged was unpacked all the same."""
    block = pack(compression, page(3) + bytes(4 << 20))[:-20] + bytes(20)
    area = chunks((0, 0, block)).ljust(2 * PAGE, b"\0")
    rows = [(cpu, cpu * len(area), len(area)) for cpu in range(8)]
    path = write(with_areas(Trace(compression=compression), area * 8, rows))
    with (
        tracecmd.open(path, budget=Budget(work=16 << 20)) as trace,
        pytest.raises(LimitError, match="chunks of unknown size"),
    ):
        list(trace.iter())


def test_search_by_time_gives_up(write: Write) -> None:
    """Finding a time unpacks chunks; without a budget for that all pages are read instead."""
    blocks = []
    for n in range(16):
        plain = page(n) + bytes((1 << 20) - PAGE)
        packed = zlib.compress(plain)
        blocks.append((len(packed), len(plain), packed))
    path = write(with_area(Trace(compression="zlib"), chunks(*blocks), 1))
    for budget in (Budget(), Budget(work=1)):
        with tracecmd.open(path, budget=budget) as trace:
            assert [event["n"] for event in trace.iter(start=8000, end=11_000)] == [7, 8, 9]


def test_real_files_of_unknown_sizes_cost_nothing() -> None:
    """Those of trace-cmd 3.3.1 from s390x: what they hold is in proportion to them."""
    found = sorted(Path(__file__).parents[1].glob("data/s390x*/*.dat")) + sorted(
        Path(__file__).parents[1].glob("data/s390x*.dat")
    )
    assert found
    for path in found:
        with tracecmd.open(path, budget=Budget(work=1)) as trace:
            assert sum(trace.stat().events.values()) > 0
