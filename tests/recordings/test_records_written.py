"""Written files, read by us and by libtracecmd: records of all kinds in all shapes of files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import (
    IRQ_HANDLER_ENTRY,
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Date,
    Discarded,
    Event,
    Machine,
    Offset,
    Padding,
    Page,
    Record,
    Sample,
    TimeExtend,
    TimeShift,
    TimeStamp,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    fill_pages,
)
from . import reference
from .test_records import assert_same_lines, rows

LONG = bytes(range(200)) + b"tail"
TOP = 0x7 << 59
"""Bits that an absolute time stamp leaves out."""


def tick(n: int, pid: int = 5) -> Any:
    return TICK.values(pid=pid, n=n)


def all_kinds(start: int) -> list[Page]:
    """Every kind of record, and every way a page can begin, end, or be empty."""
    return [
        Page(start, [Event(0, tick(1)), Event(0, tick(2)), Event(7, LONG), Padding()]),
        Page(start + 100, []),
        Page(
            start + 200,
            [
                Event(1, tick(3), long_form=True),
                TimeExtend((1 << 27) + 5),
                Event(3, tick(4)),
                Discarded(4, 20),
                Event(5, SCHED_WAKEUP.values(pid=9, comm="x", prio=3)),
                Padding(),
            ],
        ),
        Page(start + (1 << 28), [Discarded(0, 8), TimeExtend(1 << 40), Event(2, tick(5))]),
        Page(
            start + (1 << 41),
            [
                TimeStamp(start + (1 << 41) + 50),
                Event(1, tick(6)),
                Event((1 << 27) - 1, IRQ_HANDLER_ENTRY.values(pid=8, irq=3, name="eth0")),
                TimeStamp(start + (1 << 42)),
                TimeStamp(start + (1 << 42) + 9),
                Event(0, tick(7)),
            ],
        ),
        Page(start + (1 << 43), [Event(0, tick(8))], lost=3),
        Page(start + (1 << 43) + 10, [Event(0, tick(9))], lost=-1),
        Page(start + (1 << 43) + 20, [Event(4, tick(10)), Discarded(0, 8)], lost=70000),
        Page(start + (1 << 43) + 30, [Event(0, tick(11))], sign_extended=True, lost=2),
        Page(start + (1 << 43) + 30, [Event(0, tick(12))], sign_extended=True, lost=-1),
        Page(start + (1 << 43) + 40, [Padding()]),
        Page(start + (1 << 43) + 50, [Event(0, b"\1\2\3\4\5\6\7\0"), Event(0, tick(13))]),
    ]


def many(count: int, machine: Machine, page_size: int, step: int = 1000) -> list[Page]:
    return fill_pages(((i * step, tick(i)) for i in range(count)), machine, page_size)


def check(path: Path, walk: reference.Walk, **how: Any) -> list[str]:
    """Ours, after it was found to be the reference's."""
    with tracecmd.open(path) as trace:
        assert trace.problems == ()
        found = list(rows(trace))
        assert trace.problems == ()
        assert list(rows(trace.iter(reverse=True))) == found[::-1]
        assert trace.stat().records == len(found)
    assert_same_lines(found, walk(path, **how))
    return found


SHAPES: list[dict[str, Any]] = [
    {"version": version, "big_endian": big_endian, "long_size": long_size}
    for version, big_endian, long_size in itertools.product((6, 7), (False, True), (4, 8))
]


def shape_id(shape: dict[str, Any]) -> str:
    order = "be" if shape.get("big_endian") else "le"
    return f"v{shape.get('version', 7)}-{order}{shape.get('long_size', 8)}"


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_all_kinds(shape: dict[str, Any], write: Write, reference_walk: reference.Walk) -> None:
    path = write(Trace(buffers=[Buffer(cpus={0: all_kinds(1000), 2: all_kinds(1001)})], **shape))
    found = check(path, reference_walk)
    assert len(found) == 2 * 17
    losses = [line.split(" ")[7] for line in found if line.split(" ")[1] == "0"]
    assert [n for n in losses if n != "0"] == ["3", "-1", "70000", "2", "-1"]


@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_kernel_of_another_long_size(
    shape: dict[str, Any], write: Write, reference_walk: reference.Walk
) -> None:
    """A 32-bit trace-cmd on a 64-bit kernel: the page's commit is of the kernel's size."""
    if shape["long_size"] == 8:
        pytest.skip("the other way round does not exist")
    trace = Trace(buffers=[Buffer(cpus={0: all_kinds(1000)})], commit_size=8, **shape)
    assert len(check(write(trace), reference_walk)) == 17


@pytest.mark.parametrize("page_size", [4096, 8192, 16384, 32768, 65536])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_page_sizes(
    shape: dict[str, Any], page_size: int, write: Write, reference_walk: reference.Walk
) -> None:
    shape = {**shape, "page_size": page_size}
    machine = Trace(**shape).machine
    cpus = {
        0: many(page_size // 10, machine, page_size),
        1: many(200, machine, page_size, 1 << 28),
        3: all_kinds(5),
    }
    found = check(write(Trace(buffers=[Buffer(cpus=cpus)], **shape)), reference_walk)
    assert len(found) == page_size // 10 + 217


@pytest.mark.parametrize("big_endian", [False, True])
def test_a_page_of_a_mebibyte(
    big_endian: bool, write: Write, reference_walk: reference.Walk
) -> None:
    shape: dict[str, Any] = {"page_size": 1 << 20, "big_endian": big_endian}
    pages = many(30000, Trace(**shape).machine, 1 << 20)
    assert len(pages) == 2
    huge = Page(1 << 40, [Event(0, bytes(range(256)) * 4000)])
    trace = Trace(buffers=[Buffer(cpus={0: [*pages, huge], 1: all_kinds(3)})], **shape)
    assert len(check(write(trace), reference_walk)) == 30018


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("page_size", [4096, 16384, 65536])
def test_compressed(
    page_size: int, big_endian: bool, write: Write, reference_walk: reference.Walk
) -> None:
    shape: dict[str, Any] = {"page_size": page_size, "big_endian": big_endian}
    machine = Trace(**shape).machine
    buffers = [
        Buffer(cpus={0: many(16000, machine, page_size), 1: all_kinds(7)}),
        Buffer("other", cpus={1: many(100, machine, page_size, 7)}),
    ]
    plain = check(write(Trace(buffers=buffers, **shape)), reference_walk)
    assert len(plain) == 16117
    zstd = write(Trace(buffers=buffers, compression="zstd", **shape), "zstd.dat")
    assert check(zstd, reference_walk) == plain
    # Debian's library has no zlib.
    for more in ({"compression": "zlib"}, {"compression": "zstd", "zero_length_words": True}):
        with tracecmd.open(write(Trace(buffers=buffers, **shape, **more), "more.dat")) as trace:
            assert list(rows(trace)) == plain
            assert list(rows(trace.iter(reverse=True))) == plain[::-1]
            assert trace.problems == ()
    short = write(Trace(buffers=buffers, compression="zstd", short_stored_size=True, **shape))
    assert check(short, reference_walk) == plain


def test_instances_of_other_page_sizes(write: Write, reference_walk: reference.Walk) -> None:
    machine = Machine(False, 8)
    buffers = [
        Buffer(cpus={0: many(500, machine, 4096), 1: all_kinds(2)}),
        Buffer("b", cpus={0: many(5000, machine, 16384)}, page_size=16384),
        Buffer("a", cpus={1: all_kinds(500), 4: many(300, machine, 65536)}, page_size=65536),
        Buffer("empty", cpus={0: []}),
    ]
    found = check(write(Trace(buffers=buffers)), reference_walk)
    assert len(found) == 5834
    assert {line.split(" ")[0] for line in found} == {"-", "a", "b"}


def test_instances_of_version_6(write: Write, reference_walk: reference.Walk) -> None:
    machine = Machine(False, 8)
    buffers = [
        Buffer(cpus={0: many(500, machine, 4096), 1: all_kinds(2)}),
        Buffer("one", cpus={0: many(600, machine, 4096, 999), 1: all_kinds(500)}),
        Buffer("two", cpus={0: [], 1: all_kinds(3)}),
    ]
    found = check(write(Trace(version=6, buffers=buffers)), reference_walk)
    assert len(found) == 500 + 600 + 3 * 17


def test_absolute_stamps_with_top_bits(write: Write, reference_walk: reference.Walk) -> None:
    """A stamp stores 59 bits; the 5 above are those of the time before it."""
    start = TOP + 1000
    pages = [
        Page(start, [Event(0, tick(1)), TimeStamp(start + 500), Event(1, tick(2))]),
        Page(start + 1000, [TimeStamp(start + 2000), Event(1, tick(3))]),
    ]
    found = check(write(Trace(buffers=[Buffer(cpus={0: pages})])), reference_walk)
    times = [int(line.split(" ")[2]) for line in found]
    assert times == [start, start + 501, start + 2001]


@pytest.mark.parametrize("lost", [5, -1])
@pytest.mark.parametrize(
    "first",
    [TimeExtend(1 << 28), TimeStamp(1 << 28), Discarded(3, 8)],
    ids=lambda r: type(r).__name__,
)
def test_a_loss_before_what_is_no_event(
    first: Record, lost: int, write: Write, reference_walk: reference.Walk
) -> None:
    """The library forgets a loss if its page does not begin with an event. We do not."""
    pages = [
        Page(1000, [Event(0, tick(1))]),
        Page(2000, [first, Event(0, tick(2)), Event(1, tick(3))], lost=lost),
        Page(1 << 30, [Event(0, tick(4))], lost=lost),
    ]
    path = write(Trace(buffers=[Buffer(cpus={0: pages})]))
    with tracecmd.open(path) as trace:
        ours = list(rows(trace))
        assert trace.stat().missed_unknown == (2 if lost < 0 else 0)
        assert trace.stat().missed_events == (2 * lost if lost > 0 else 0)
    assert missed(ours) == [0, lost, 0, lost]
    theirs = reference_walk(path)
    assert missed(theirs) == [0, 0, 0, lost]
    assert [without_missed(line) for line in ours] == [without_missed(line) for line in theirs]


def missed(lines: Sequence[str]) -> list[int]:
    return [int(line.split(" ")[7]) for line in lines]


def without_missed(line: str) -> list[str]:
    fields = line.split(" ")
    return fields[:7] + fields[8:]


def test_time_steps_back(write: Write, reference_walk: reference.Walk) -> None:
    """Inside a page, from page to page, and against another CPU: the merge is of heads."""
    times = {0: [10, 50, 20, 30, 60, 60, 5], 1: [15, 15, 40, 3, 70], 2: [60, 1, 60]}
    in_page = {
        cpu: [Page(100, [r for t in ts for r in (TimeStamp(1000 + t), Event(0, tick(t)))])]
        for cpu, ts in times.items()
    }
    by_page = {cpu: [Page(1000 + t, [Event(0, tick(t))]) for t in ts] for cpu, ts in times.items()}
    for cpus in (in_page, by_page):
        path = write(Trace(buffers=[Buffer(cpus=cpus)]))
        with tracecmd.open(path) as trace:
            found = list(rows(trace))
            assert len(found) == 15
            assert sorted(rows(trace.iter(reverse=True))) == sorted(found)
            by_cpu = list(rows(trace.iter(order="cpu")))
        assert_same_lines(found, reference_walk(path))
        expected = [t for ts in times.values() for t in ts]
        assert [int(line.split(" ")[2]) - 1000 for line in by_cpu] == expected


# Clocks -----------------------------------------------------------------------------------------

SAMPLES = {
    "one": [Sample(500_000, -12345)],
    "two": [Sample(100_000, 7_000), Sample(4_000_000, 999_000)],
    "two, down": [Sample(100_000, 7_000_000), Sample(4_000_000, -999_000)],
    "many": [Sample(300_000 * i, (i * 7919) % 1000 - 500) for i in range(1, 17)],
    "scaled": [Sample(1 << 10, 77, 3, 1), Sample(1 << 22, 99, 3, 1)],
    "scaled, many": [Sample(1 << (10 + i), i * i, 1 + i, i) for i in range(12)],
}
CYCLES = [Tsc2Nsec(878162697, 31, 12345)]
CLOCK_PAGES = {
    cpu: fill_pages(((cpu + i * 1234, tick(i)) for i in range(4000)), Machine(False, 8))
    for cpu in (0, 1)
}


@pytest.mark.parametrize("flags", [0, 1], ids=["steps", "interpolated"])
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES.keys())
def test_time_shift(
    samples: list[Sample], flags: int, write: Write, reference_walk: reference.Walk
) -> None:
    shift = TimeShift(0x77, [samples, SAMPLES["two"]], flags=flags)
    instance = Buffer("inst", cpus={0: CLOCK_PAGES[0]})
    trace = Trace(options=[TraceId(5), shift], buffers=[Buffer(cpus=CLOCK_PAGES), instance])
    path = write(trace)
    with tracecmd.open(path) as shifted:
        found = list(rows(shifted))
    assert_same_lines(found, reference_walk(path))
    with tracecmd.open(path, sync=False) as raw:
        unshifted = list(rows(raw))
    assert [line for line in unshifted if line.startswith("inst ")] == [
        line for line in found if line.startswith("inst ")
    ]
    assert {int(line.split(" ")[2]) for line in unshifted if line.startswith("- 1 ")} == {
        1 + i * 1234 for i in range(4000)
    }


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize(
    "tsc",
    [Tsc2Nsec(878162697, 31, 12345), Tsc2Nsec(1, 0), Tsc2Nsec((1 << 32) - 1, 32, 1)],
    ids=str,
)
def test_cycles(tsc: Tsc2Nsec, version: int, write: Write, reference_walk: reference.Walk) -> None:
    options = [tsc, Date(1234567), Offset(-42), TraceClock("local [tsc2nsec]\n")]
    shift = TimeShift(0x77, [SAMPLES["many"], SAMPLES["two"]])
    start = 1 << 50
    late = [Page(start + i * 1000, [Event(i, tick(i))]) for i in range(200)]
    buffers = [
        Buffer(cpus={**CLOCK_PAGES, 2: late, 3: all_kinds(start)}),
        Buffer("inst", cpus={1: late}, cpu_count=4),
    ]
    for more in ([], [shift]):
        path = write(Trace(version=version, options=[*options, *more], buffers=buffers))
        with tracecmd.open(path) as trace:
            assert_same_lines(rows(trace), reference_walk(path))
        with tracecmd.open(path, ts_offset=-777) as trace:
            # It is for the top buffer there; trace-cmd report's --ts-offset is the same.
            theirs = reference_walk(path, ts_offset=-777)
            top = [line for line in theirs if line.startswith("- ")]
            assert list(rows(trace.iter(buffers=[""]))) == top


@pytest.mark.parametrize("hz", [1_000_000, 10**9, 3_000_000_000, 2_112_003_000, 7])
def test_ts2secs(hz: int, write: Write, reference_walk: reference.Walk) -> None:
    path = write(Trace(buffers=[Buffer(cpus={**CLOCK_PAGES, 2: all_kinds(1 << 45)})]))
    with tracecmd.open(path, ts2secs=hz) as trace:
        assert_same_lines(rows(trace), reference_walk(path, ts2secs=hz))
