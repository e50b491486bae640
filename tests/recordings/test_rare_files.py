"""What few files have: the right text and values, and what the installed trace-cmd prints of it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, RawRecord
from . import made, reference

MACHINE = Machine(False, 8)
FLAGS = re.compile(
    rb"^( *\S+-+\d+ +\[\d{3}\])(?: \S{5,}|-0x[0-9a-f]+)(?= +\d+\.\d+: )", re.MULTILINE
)


def report(path: Path, *options: str) -> bytes:
    """Of this command; the installed trace-cmd prints the same, before 3.2 without the flags."""
    command = [sys.executable, "-m", "tracecmd", "report", *options, "-i", path.name]
    done = subprocess.run(command, capture_output=True, check=False, cwd=path.parent)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout
    theirs = reference.trace_cmd("report", *options, "-i", path.name, cwd=path.parent)
    if theirs is not None and "--ts-offset" not in options:  # which it ignores in a single file
        expected = text if reference.prints_flags() or "-l" in options else FLAGS.sub(rb"\1", text)
        assert theirs.stdout == expected
    return text


def one_page(*events: tuple[int, writer.Values]) -> Buffer:
    return Buffer(cpus={0: writer.fill_pages(events, MACHINE)})


def tick(n: int) -> writer.Values:
    return writer.TICK.values(pid=1, n=n)


# --- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("big_endian", [False, True])
def test_page_that_is_one_word_too_long(write: Write, big_endian: bool) -> None:
    """U-Boot's writer forgets the last record's word; the next page lies over that record's end."""
    machine = Machine(big_endian, 8)
    size = 4 + len(tick(0).encode(machine))
    whole = (4096 - 16) // size
    left = 4096 - 16 - whole * size
    cut = writer.record_word(machine, left // 4, 1) + bytes(left - 4)
    assert left >= 8
    pages = [
        Page(1000, [*(Event(1, tick(n)) for n in range(whole)), RawRecord(cut)], commit=4096 - 12),
        Page(9000, [Event(1, tick(n)) for n in range(whole, whole + 4)]),
    ]
    path = write(Trace(big_endian=big_endian, buffers=[Buffer(cpus={0: pages})]))
    expected = list(range(whole + 4))
    with tracecmd.open(path) as trace:
        assert [event["n"] for event in trace] == expected
        assert [event["n"] for event in trace.iter(reverse=True)] == expected[::-1]
        assert trace.stat().records == len(expected)
        (problem,) = trace.problems
        assert "sub-buffer 0 of CPU 0: a record is damaged" in str(problem)
    with tracecmd.open(path, strict=True) as trace, pytest.raises(tracecmd.CorruptError):
        list(trace)


def test_page_that_is_much_too_long(write: Write) -> None:
    """Such a commit is damaged, and with it what lies in the page."""
    pages = [Page(1000, [Event(1, tick(0))], commit=4096 - 8), Page(2000, [Event(1, tick(1))])]
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})]))) as trace:
        assert [event["n"] for event in trace] == [1]
        assert "its header is damaged" in str(trace.problems[0])


# --- time ---------------------------------------------------------------------------------------

ABOVE = (1 << 64) - 3000  # ns; the second record of four is the last below 2^64


def test_time_that_crosses_zero(write: Write) -> None:
    """Time stamps have 64 bits: behind the last of them comes 0, whatever the second before was."""
    gaps = (0, 2000, 2000, 20_000_000)
    page = Page(ABOVE, [Event(gap, tick(n)) for n, gap in enumerate(gaps)])
    path = write(Trace(buffers=[Buffer(cpus={0: [page]})]))
    times = re.findall(rb"(\d+\.\d+): tick", report(path, "-t"))
    assert times == [
        b"18446744073.709548616", b"18446744073.709550616", b"0.000001000", b"0.020001000",
    ]  # fmt: skip
    times = re.findall(rb"(\d+\.\d+): tick", report(path))
    assert times == [b"18446744073.709549", b"18446744073.709551", b"0.000001", b"0.020001"]
    ends = report(path, "--first-event", "--last-event")
    assert b"\tFirst event:18446744073.709549\tLast event:    0.020001\n" in ends


def test_offset_that_takes_time_across_zero(write: Write) -> None:
    events = [(ts, tick(n)) for n, ts in enumerate((1000, 3000, 5000, 20_005_000))]
    path = write(Trace(buffers=[one_page(*events)]))
    times = re.findall(rb"(\d+\.\d+): tick", report(path, "-t", "--ts-offset", "-4000"))
    assert times == [
        b"18446744073.709548616", b"18446744073.709550616", b"0.000001000", b"0.020001000",
    ]  # fmt: skip


# --- events -------------------------------------------------------------------------------------


def stack_of(*addresses: int) -> writer.Values:
    """More entries than the format declares, as kernels up to 6.x leave them."""
    fields = (Field("int size", 4, signed=True), Field("unsigned long caller[]", 0, align=8))
    longer = EventFormat("ftrace", "kernel_stack", 4, fields, "")
    entries = b"".join(at.to_bytes(8, "little") for at in addresses)
    return longer.values(pid=17, size=len(addresses), caller=entries)


@pytest.mark.parametrize("options", [["-O", "offset"], ["-O", "parent", "-O", "ftrace:offset=1"]])
def test_offsets_in_kernel_stacks(write: Write, options: list[str]) -> None:
    one, two = 0xFFFFFFFF81000105, 0xFFFFFFFF81000185
    event = stack_of(*range(one, one + 11), two, 0x1234)
    path = write(Trace(ftrace_events=(made.KERNEL_STACK,), buffers=[one_page((1000, event))]))
    lines = report(path, *options).decode().splitlines()
    shown = [f"=> do_one+0x{5 + n:x}  ({one + n:x})" for n in range(11)]
    assert lines[2:] == [*shown, f"=> do_two+0x5  ({two:x})", "=> 1234"]
    assert "=> do_one (ffffffff81000105)" in report(path).decode()


HCALL = (Field("u64 id", 8), Field("u64 invalid", 8))
TYPE, FLAG, PREEMPT, PID = writer.COMMON_FIELDS
WIDE = Field("unsigned short common_preempt_count", 2)
COMMON = {  # the common fields there are; what a line then begins with, and with -R and -l
    "type": ((TYPE,), "<...>--1    [000] dNHffffffff", "[000]-0xffffffff", "0dNHffffffff"),
    "flags": ((TYPE, FLAG), "<...>--1    [000] dN.ffffffff", "[000]-0x85", "0dN.ffffffff"),
    "preempt": ((TYPE, PREEMPT), "<...>--1    [000] dNH21", "[000]-0xffffffff", "0dNH21"),
    "pid": ((TYPE, PID), "worker/0:1-17    [000] dNHffffffff", "-0xffffffff", "0dNHffffffff"),
    "wide": ((TYPE, FLAG, WIDE, PID), "worker/0:1-17    [000] dN.4123", "[000]-0x85", "0dN.4123"),
}


@pytest.mark.parametrize("name", COMMON)
def test_events_without_common_fields(write: Write, name: str) -> None:
    """A hypervisor's have common_type alone: what is not recorded is -1."""
    common, usual, raw, latency = COMMON[name]
    event = EventFormat("hypervisor", "host_hcall", 901, HCALL,
                        '"id=%llu invalid=%llu", REC->id, REC->invalid', common)  # fmt: skip
    preempt = 0x1234 if WIDE in common else 0x12
    values = event.values(pid=17, flags=0x85, preempt_count=preempt, id=3, invalid=1)
    path = write(Trace(ftrace_events=(), events=(event,), buffers=[one_page((10**9, values))]))
    text = report(path).decode()
    assert f" {usual}     1.000000: host_hcall:           id=3 invalid=1\n" in text
    assert f"{raw}     1.000000: host_hcall: " in report(path, "-R").decode()
    assert f"{latency}     1.000000: host_hcall: " in report(path, "-l").decode()
    with tracecmd.open(path) as trace:
        (found,) = trace
        assert found.pid == (17 if PID in common else -1)
        assert (found["id"], found["invalid"]) == (3, 1)


DURATIONS = {  # of funcgraph_exit, in ns
    -2: "$ 18446744073709551 us |  }",
    -1: "  18446744073709551 us |  }",
    0: "  0.000 us   |  }",
    10_001: "+ 10.001 us  |  }",
    10**9 + 1: "$ 1000000 us |  }",
}


@pytest.mark.parametrize("duration", DURATIONS)
def test_durations(write: Write, duration: int) -> None:
    """-1 is no duration to libtraceevent: it gets no mark."""
    fields = tuple(f for f in made.FUNCGRAPH_EXIT.fields if f.name != "retval")
    leave = dataclasses.replace(made.FUNCGRAPH_EXIT, fields=fields)
    event = leave.values(pid=17, func=made.ONE, calltime=5000, rettime=5000 + duration)
    path = write(Trace(ftrace_events=(leave,), buffers=[one_page((10**9, event))]))
    text = report(path).decode()
    assert text.endswith(f": funcgraph_exit:       {DURATIONS[duration]}\n")


def two_byte_names() -> bytes:
    """Kernels of 2009 had no sizes in __data_loc."""
    event = EventFormat(
        "irq", "irq_handler_entry", 150,
        (Field("int irq", 4, signed=True), Field("__data_loc char[] name", 2)),
        '"irq=%d handler=%s", REC->irq, __get_str(name)',
    )  # fmt: skip
    records = [(1000 * n, event.values(pid=17, irq=n, name=f"eth{n}")) for n in range(1, 4)]
    return Trace(events=(event,), buffers=[one_page(*records)]).write().data


def test_filter_of_a_two_byte_data_loc(write: Write) -> None:
    path = write(two_byte_names())
    assert b"irq=2 handler=eth2" in report(path)
    with tracecmd.open(path) as trace:
        text = b"".join(trace.report(filters=['irq_handler_entry: name == "eth2"'])).decode()
    assert re.findall(r"irq=(\d)", text) == ["2"]


# --- lists --------------------------------------------------------------------------------------


@pytest.fixture
def sparse(write: Write) -> Path:
    """Network recordings, and those of tools before 2.6, know little of the machine."""
    pages = writer.fill_pages([(10**9, tick(0))], MACHINE)
    return write(Trace(version=6, cpu_count=3, buffers=[Buffer(cpus={1: pages})]))


def test_lists_of_what_was_not_recorded(sparse: Path) -> None:
    version = b" version was not recorded in this file\n"
    assert report(sparse, "--version") == b"cpus=3\n" + version
    uname = b" uname was not recorded in this file\n"
    assert report(sparse, "--uname") == b"cpus=3\n" + uname + version


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize("cpus", [{1}, {0, 2}, {1, 2}])
def test_statistics_of_cpus_without_data(write: Write, version: int, cpus: set[int]) -> None:
    """Of version 6 all rows of the table; version 7 names no CPU behind the last with data."""
    pages = writer.fill_pages([(10**9, tick(0))], MACHINE)
    buffer = Buffer(cpus=dict.fromkeys(sorted(cpus), pages))
    path = write(Trace(version=version, cpu_count=4, buffers=[buffer]))
    text = report(path, "--stat").decode()
    assert "\n No stats in this file\nCPU0 data recorded at offset=" in text
    sizes = [int(size) for size in re.findall(r"^ +(\d+) bytes in size$", text, re.MULTILINE)]
    listed = 4 if version == 6 else max(cpus) + 1
    assert sizes == [4096 * (cpu in cpus) for cpu in range(listed)]


def test_first_and_last_events(sparse: Path) -> None:
    first, last = b"\tFirst event:    1.000000", b"\tLast event:    1.000000"
    head = b"List of CPUs in trace.dat with data:\n  1"
    assert report(sparse, "--first-event") == head + first + b"\n"
    assert report(sparse, "--last-event") == head + last + b"\n"
    both = report(sparse, "--last-event", "--first-event")
    assert both == report(sparse, "--first-event", "--last-event") == head + first + last + b"\n"


@pytest.mark.parametrize(
    "options",
    [["--first-event", "--uname"], ["--event", "tick", "-e"], ["--cpus", "--last-event"]],
    ids=" ".join,
)
def test_one_list_only(sparse: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "tracecmd", "report", *options, "-i", sparse]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not allowed with argument --" in done.stderr
