"""The writer of test files, checked with the reference: trace-cmd reads back what was put in."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .. import writer
from ..writer import (
    EVENTS,
    IRQ_HANDLER_ENTRY,
    PRINT,
    SCHED_SWITCH,
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Compression,
    CpuStat,
    Date,
    Discarded,
    Event,
    EventFormat,
    Field,
    Guest,
    Machine,
    Offset,
    Padding,
    Page,
    RawOption,
    RawRecord,
    Sample,
    TextBuffer,
    TimeExtend,
    TimeShift,
    TimeShiftLayout,
    TimeStamp,
    Trace,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
    fill_pages,
    record_word,
    zstd_frame,
)

TRACE_CMD = shutil.which("trace-cmd")
reference = pytest.mark.skipif(TRACE_CMD is None, reason="trace-cmd is not installed")


def need(compression: str) -> None:
    """Distributions leave one or the other out."""
    if compression != "none" and compression not in run("list", "-c"):
        pytest.skip(f"this trace-cmd was built without {compression}")


REL = EventFormat(
    "test",
    "relative",
    901,
    (Field("__rel_loc char[] a", 4), Field("__rel_loc char[] b", 4)),
    '"a=%s b=%s", __get_rel_str(a), __get_rel_str(b)',
)


class Line(NamedTuple):
    """What `trace-cmd report -R -t` prints of an event, or of a loss before one."""

    buffer: str
    cpu: int
    ts: str
    pid: int
    event: str
    fields: str


LINE = re.compile(r"(?:(\w+): )?\s*.*-(\d+) +\[(\d+)\]\S*\s+([\d.]+): (\w+): *(.*)")
LOST = re.compile(r"(?:(\w+): )?\s*CPU:(\d+) \[(?:(\d+) )?EVENTS DROPPED\]")


def run(*args: str | Path) -> str:
    assert TRACE_CMD is not None
    result = subprocess.run(
        [TRACE_CMD, *map(str, args)], capture_output=True, text=True, check=True, timeout=60
    )
    return result.stdout


def report(path: Path, *options: str) -> list[Line]:
    lines = []
    for text in run("report", "-R", "-t", *options, path).splitlines():
        if "cpus=" in text:
            continue
        if found := LOST.fullmatch(text):
            buffer, cpu, count = found.groups()
            lines.append(Line(buffer or "", int(cpu), "", 0, "lost", count or "?"))
            continue
        found = LINE.fullmatch(text)
        assert found, text
        buffer, pid, cpu, ts, event, fields = found.groups()
        # What differs by version and by size of long: an address without symbol, a long that is 0.
        fields = fields.strip().replace("ip= (0x1)", "ip=0x1").replace("state=0x0", "state=0")
        lines.append(Line(buffer or "", int(cpu), ts, int(pid), event, fields))
    return lines


def dump(path: Path, *options: str) -> str:
    return run("dump", *options, "-i", path)


def switch(prev: int, following: int) -> Any:
    return SCHED_SWITCH.values(
        pid=prev,
        prev_comm="some task",
        prev_pid=prev,
        prev_prio=120,
        next_comm="other",
        next_pid=following,
        next_prio=98,
    )


def switch_fields(prev: int, following: int) -> str:
    return (
        f"prev_comm=some task prev_pid={prev} prev_prio=120 prev_state=0 "
        f"next_comm=other next_pid={following} next_prio=98"
    )


# Every kind of record, and 23 pages on CPU 1: more than two chunks.
CPU0 = [
    Page(
        1000,
        [
            Event(5, TICK.values(pid=17, n=1, small=7, bytes=b"abcdef", wide=1 << 40)),
            TimeExtend(1 << 30),
            Event(2, IRQ_HANDLER_ENTRY.values(pid=1, irq=9, name="eth0")),
            TimeStamp(1 << 33 | 7),
            Event(0, REL.values(a="first", b="second")),
            Discarded(3, 12),
            Event(1, TICK.values(n=3)),
            Padding(),
        ],
    ),
    Page(1 << 34, [Event(0, TICK.values(n=4), long_form=True)], lost=7),
    Page(1 << 35, [Event(0, PRINT.values(ip=1, buf="a long text" * 12))], lost=-1),
    Page(1 << 36),
    Page(1 << 37, [Event(9, TICK.values(n=5))], sign_extended=True),
]
CPU1 = [Page((1 << 30) + i * 1000, [Event(0, switch(4711 + i, i))]) for i in range(23)]
INSTANCE = [Page(5000, [Event(1, SCHED_WAKEUP.values(pid=1, comm="x", prio=3))])]

LINES = [
    Line("", 0, "0.000001005", 17, "tick", "n=1 small=7 bytes=abcdef wide=1099511627776"),
    Line("inst", 1, "0.000005001", 1, "sched_wakeup", "comm=x pid=0 prio=3 target_cpu=000"),
    *(
        Line(
            "", 1, f"1.07374{1824 + i * 1000}", 4711 + i, "sched_switch", switch_fields(4711 + i, i)
        )
        for i in range(2)
    ),
    Line("", 0, "1.073742831", 1, "irq_handler_entry", "irq=9 name=eth0"),
    *(
        Line(
            "", 1, f"1.0737{41824 + i * 1000}", 4711 + i, "sched_switch", switch_fields(4711 + i, i)
        )
        for i in range(2, 23)
    ),
    Line("", 0, "8.589934599", 0, "relative", "a=first b=second"),
    Line("", 0, "8.589934603", 0, "tick", "n=3 small=0 bytes= wide=0"),
    Line("", 0, "", 0, "lost", "7"),
    Line("", 0, "17.179869184", 0, "tick", "n=4 small=0 bytes= wide=0"),
    Line("", 0, "", 0, "lost", "?"),
    Line("", 0, "34.359738368", 0, "print", "ip=0x1 buf=" + "a long text" * 12),
    Line("", 0, "137.438953481", 0, "tick", "n=5 small=0 bytes= wide=0"),
]


def everything(**shape: Any) -> Trace:
    return Trace(
        events=[*EVENTS, REL],
        options=[
            TraceClock("[local] global\n"),
            Uname("Linux machine 6.12.0 x86_64"),
            Version("3.3.1 some-id"),
            TraceId(0xB9EB29A85E136C2E),
            CpuStat("CPU: 0\nentries: 3\n"),
            Guest("Guest1", 0x99, {0: 5, 2: -1, 1: 7}),
            RawOption(999, b"whatever"),
        ],
        buffers=[Buffer(cpus={0: CPU0, 1: CPU1}), Buffer("inst", cpus={1: INSTANCE})],
        **shape,
    )


SHAPES = [
    {"version": version, "big_endian": big, "long_size": size, "compression": compression}
    for version, big, size, compression in itertools.product(
        (6, 7), (False, True), (4, 8), ("none", "zlib", "zstd")
    )
    if version == 7 or compression == "none"
]


def shape_id(shape: dict[str, Any]) -> str:
    order = "be" if shape["big_endian"] else "le"
    return f"v{shape['version']}-{order}-long{shape['long_size']}-{shape['compression']}"


@reference
@pytest.mark.parametrize("page_size", [4096, 16384])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_reference_reads_what_was_written(
    tmp_path: Path, shape: dict[str, Any], page_size: int
) -> None:
    need(shape["compression"])
    path = tmp_path / "trace.dat"
    path.write_bytes(everything(**shape, page_size=page_size).write().data)
    assert report(path) == LINES


@reference
@pytest.mark.parametrize(
    "shape",
    [
        {"version": 6, "options_part": False},
        {"version": 6, "clock_trailer": False},
        {"version": 7, "compression": "zstd", "short_stored_size": True},
        {"version": 7, "long_size": 4, "commit_size": 8},
        {"version": 7, "omit": frozenset({15, 19, 20, 21})},
        {"version": 7, "cpu_count": 9},
        {"version": 7, "compression": "zstd", "compress_options": True},
    ],
    ids=str,
)
def test_reference_reads_other_shapes(tmp_path: Path, shape: dict[str, Any]) -> None:
    need(shape.get("compression", "none"))
    path = tmp_path / "trace.dat"
    trace = everything(**shape)
    if not trace.options_part:  # where else should instances be announced?
        trace = replace(trace, buffers=trace.buffers[:1])
    path.write_bytes(trace.write().data)
    expected = [line for line in LINES if trace.options_part or not line.buffer]
    assert report(path) == expected


@reference
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_reference_dumps_what_was_written(tmp_path: Path, shape: dict[str, Any]) -> None:
    need(shape["compression"])
    path = tmp_path / "trace.dat"
    path.write_bytes(everything(**shape).write().data)
    summary = dump(path, "--summary", "--options")
    assert f"{shape['version']}\t[Version]" in summary
    assert ("[Big endian]" in summary) == shape["big_endian"]
    assert f"{shape['long_size']}\t[Bytes in a long]" in summary
    assert "0xB9EB29A85E136C2E" in summary
    assert "Linux machine 6.12.0 x86_64" in summary
    assert "3.3.1 some-id" in summary
    guest = summary[summary.index("[Option GUEST") :]
    assert "Guest1 [Guest name]" in guest
    assert "0x99 [trace id]" in guest
    assert "3 [Guest CPUs]" in guest
    assert re.findall(r"(-?\d+) (-?\d+) \[guest cpu", guest) == [
        ("0", "5"),
        ("2", "-1"),
        ("1", "7"),
    ]


@reference
@pytest.mark.parametrize("version", [6, 7])
def test_reference_corrects_time(tmp_path: Path, version: int) -> None:
    shift = TimeShift(1, [[Sample(0, 1000), Sample(1 << 40, 1000)]], flags=0)
    path = tmp_path / "trace.dat"
    path.write_bytes(
        Trace(
            version=version,
            options=[shift, Tsc2Nsec(1 << 9, 8), Date(3), Offset(-10)],
            buffers=[Buffer(cpus={0: [Page(5000, [Event(0, TICK.values())])]})],
        )
        .write()
        .data
    )
    # (5000 + 1000) cycles are 12000 ns; 3 us and -10 ns are added.
    assert [line.ts for line in report(path)] == ["0.000014990"]


@reference
@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
@pytest.mark.parametrize("big_endian", [False, True])
def test_reference_reads_latency_text(
    tmp_path: Path, compression: Compression, big_endian: bool
) -> None:
    need(compression)
    text = "# tracer: wakeup\n#\n" + "  a line of it\n" * 500
    for version in (6, 7) if compression == "none" else (7,):
        path = tmp_path / f"{version}.dat"
        trace = Trace(
            version=version,
            big_endian=big_endian,
            compression=compression,
            buffers=[TextBuffer(text)],
        )
        path.write_bytes(trace.write().data)
        assert text in run("report", path)


@reference
@pytest.mark.parametrize("big_endian", [False, True])
def test_reference_reads_filled_pages(tmp_path: Path, big_endian: bool) -> None:
    machine = Machine(big_endian)
    times = [1 << 20, (1 << 20) + 5, (1 << 20) + (1 << 28), *range(1 << 30, (1 << 30) + 500)]
    pages = fill_pages(((ts, TICK.values(n=i)) for i, ts in enumerate(times)), machine)
    assert len(pages) == 5
    path = tmp_path / "trace.dat"
    trace = Trace(big_endian=big_endian, buffers=[Buffer(cpus={0: pages})])
    path.write_bytes(trace.write().data)
    lines = report(path)
    assert [int(line.ts.replace(".", "")) for line in lines] == times
    assert [line.fields.split()[0] for line in lines] == [f"n={i}" for i in range(len(times))]


@reference
def test_reference_reads_a_chain_of_options(tmp_path: Path) -> None:
    path = tmp_path / "trace.dat"
    trace = Trace(
        events=[*EVENTS, REL],
        options=[TraceId(1)],
        more_options=[[Guest("a", 2)], [], [TraceId(0x77)]],
        buffers=[Buffer("only"), Buffer(cpus={3: INSTANCE, 0: CPU0})],
    )
    path.write_bytes(trace.write().data)
    assert "0x77" in dump(path, "--options")
    assert len(report(path)) == 10


# --- without the reference ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_marks_cover_the_file(shape: dict[str, Any]) -> None:
    file = everything(**shape).write()
    names = [mark.name for mark in file.marks]
    assert len(names) == len(set(names))
    end = 0
    for mark in file.marks:
        if mark.kind == "structure":
            continue
        gap = file.data[end : mark.offset]
        assert mark.offset >= end, mark
        assert not any(gap), mark  # between structures there is only padding
        end = mark.end
    assert not any(file.data[end:])


def test_marks_name_numbers() -> None:
    file = everything(big_endian=True).write()
    assert file.read("option TRACEID/trace ID") == 0xB9EB29A85E136C2E
    assert file.read("option GUEST/vCPUs") == 3
    assert file.read("option GUEST/vCPU[1]") == 2
    assert file.read("section options/option HEADER_INFO/offset") == (
        file.mark("section HEADER_INFO").offset
    )
    assert file.read("options offset") == file.mark("section options").offset
    changed = file.change("option GUEST/vCPUs", 7)
    assert len(changed) == len(file.data)
    assert changed == file.replace(file.mark("option GUEST/vCPUs").offset, b"\0\0\0\x07")


@pytest.mark.parametrize(
    ("layout", "size"),
    [("2.9", 12 + 32), ("2021-01", 12 + 48), ("2.9.2", 16 + 48), ("2021", 68), ("3.0", 84)],
)
def test_time_shift_sizes(layout: TimeShiftLayout, size: int) -> None:
    shift = TimeShift(1, [[Sample(1, 2), Sample(3, 4)]], layout=layout)
    file = Trace(options=[shift]).write()
    assert file.read("option TIME_SHIFT/size") == size


def test_record_words() -> None:
    assert record_word(Machine(False), 29, 1) == b"\x3d\0\0\0"
    assert record_word(Machine(True), 29, 1) == b"\xe8\0\0\x01"


def test_pages_that_do_not_fit_are_refused() -> None:
    page = Page(0, [RawRecord(bytes(5000))])
    with pytest.raises(ValueError, match="records of 5016 bytes in a page of 4096"):
        Trace(buffers=[Buffer(cpus={0: [page]})]).write()


def test_zstd_frames_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    zstandard = pytest.importorskip("zstandard")
    monkeypatch.setattr(writer.compression, "zstandard", None)
    for size in (0, 1, 1 << 17, (1 << 17) + 1, 400_000):
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
        unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(zstd_frame(data))
        assert unpacked == data
