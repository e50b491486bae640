"""Metadata of every recording against what ``trace-cmd dump`` prints of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import OptionId

from . import corpus

NAMES = {"HEADERS": "HEADER_INFO", "TimeShift": "TIME_SHIFT", "FTRACE EVENTS": "FTRACE_EVENTS",
         "EVENT FORMATS": "EVENT_FORMATS"}  # fmt: skip


def dumped(path: Path) -> str:
    text = corpus.oracle(path, "dump")
    if text is None:
        pytest.skip("no dump text beside this recording")
    return text


def find(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match and match[1]


@pytest.fixture(params=corpus.ALL, ids=corpus.name_of)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_initial_format(path: Path) -> None:
    text = dumped(path)
    with tracecmd.open(path) as trace:
        assert trace.version == int(find(r"^\t\t(\d+)\t\[Version\]", text))
        assert trace.byteorder == ("big" if "[Big endian]" in text else "little")
        assert trace.long_size == int(find(r"^\t\t(\d+)\t\[Bytes in a long\]", text))
        assert trace.page_size == int(find(r"^\t\t(\d+)\t\[Page size", text))
        assert trace.compression == (find(r"^\t\t(\w+)\t\[Compression algorithm\]", text) or "none")
        version = find(r"^\t\t(.*)\t\[Compression version\]", text) or ""
        assert trace.compression_version == version
        expected = corpus.PROBLEMS.get(path.name, [])
        for pattern, problem in zip(expected, trace.problems, strict=True):
            assert re.search(pattern, str(problem))


def options_of(text: str) -> list[tuple[str, int, str]]:
    """Name, size and what stands behind it of every option in a dump.

    trace-cmd 3.4 writes BTF_FILE, but its dump does not know it.
    """
    unknown = re.compile(r"^ 23 (\d+)\t\[Unknown option.*", re.M)
    text = unknown.sub(r"\t\t[Option BTF_FILE, \1 bytes]", text)
    found = re.findall(
        r"^\t\t\[Option (.+?), (\d+) bytes\](.*?)(?=^\t\t?\[|^\t\d+ \[|\Z)", text, re.M | re.S
    )
    return [(NAMES.get(name, name), int(size), value.strip()) for name, size, value in found]


def check_option(trace: tracecmd.Trace, option: tracecmd.Option, value: str) -> None:
    data, order = option.data, trace.byteorder
    text = data.split(b"\0", 1)[0].decode(errors="surrogateescape")
    match option.id:
        case OptionId.UNAME | OptionId.VERSION | OptionId.DATE | OptionId.OFFSET:
            assert text == value
        case OptionId.CPUSTAT | OptionId.TRACECLOCK | OptionId.PROCMAPS:
            assert text.strip() == value
        case OptionId.TRACEID:
            assert int.from_bytes(data, order) == int(value, 16)
        case OptionId.CPUCOUNT:
            assert int.from_bytes(data, order) == int(value)
        case OptionId.TSC2NSEC:
            assert list(trace.tsc2nsec or ()) == [int(n) for n in value.split()[:3]]
        case OptionId.GUEST:
            check_guest(trace, value)
        case OptionId.TIME_SHIFT:
            check_time_shift(trace, value)
        case OptionId.BUFFER:
            check_buffer(trace, value)
        case OptionId.BTF_FILE:
            assert trace.btf is not None
        case OptionId.LAST_BOOT_INFO:
            assert text.strip() == value
        case number if 16 <= number <= 21 or number == OptionId.MODULES_FILE:
            assert int.from_bytes(data, order) == int(value.removeprefix("@ "))
        case OptionId.BUFFER_TEXT:
            pass  # dump calls it BUFFER: compared there
        case other:
            pytest.fail(f"option {other!r} is not compared")


def check_guest(trace: tracecmd.Trace, value: str) -> None:
    name = find(r"^(.*) \[Guest name\]", value)
    trace_id = int(find(r"^(\S+) \[trace id\]", value), 16)
    count = int(find(r"^(\d+) \[Guest CPUs\]", value))
    pids = [int(pid) for pid in re.findall(r"^ +\d+ (-?\d+)", value, re.M)]
    assert trace.guest_cpumap(trace_id) == (name, count, tuple(pids))
    assert (name, trace_id, count, tuple(pids)) in trace.guests


def check_time_shift(trace: tracecmd.Trace, value: str) -> None:
    shift = trace.time_shift
    assert shift is not None
    assert shift.peer_trace_id == int(find(r"^(0x\w+) \[peer", value), 16)
    assert shift.interpolate == bool(int(find(r"^0x(\w+) \[peer's protocol flags", value), 16) & 1)
    counts = [int(n) for n in re.findall(r"^(\d+) \[samples count for CPU", value, re.M)]
    assert [len(cpu) for cpu in shift.cpus] == counts
    rows = re.findall(r"^\t(-?\d+) (-?\d+) (-?\d+) (-?\d+)\[offset", value, re.M)
    theirs = [(int(t), int(o), int(s), int(f)) for o, s, f, t in rows]
    assert [tuple(sample) for cpu in shift.cpus for sample in cpu] == theirs


def check_buffer(trace: tracecmd.Trace, value: str) -> None:
    offset = int(find(r"^(\d+) \[offset\]", value))
    name = find(r'^"(.*)" \[name\]', value)
    buffer = next(b for b in trace.buffers if b.name == name)
    if trace.version == 6:
        assert offset < min((area.offset for area in buffer.cpus), default=offset + 1)
        return
    assert buffer.clock == find(r'^"(.*)" \[clock\]', value)
    assert buffer.is_text == ("[CPUs]" not in value)
    if not buffer.is_text:
        assert buffer.page_size == int(find(r"^(\d+) \[Page size", value))
        rows = re.findall(r"^ +(\d+) (\d+)\t(\d+)", value, re.M)
        assert [tuple(a) for a in buffer.cpus] == [
            row for row in sorted(tuple(map(int, r)) for r in rows) if row[2]
        ]


def test_options(path: Path) -> None:
    """Every option: same order, same size, same value."""
    theirs = [o for o in options_of(dumped(path)) if o[0] != "DONE"]
    with tracecmd.open(path) as trace:
        ours = list(trace.options)
        assert len(ours) == len(theirs)
        for option, (name, size, value) in zip(ours, theirs, strict=True):
            assert option.name.removesuffix("_TEXT") == name
            assert len(option.data) == size
            check_option(trace, option, value)


def test_option_lookup(path: Path) -> None:
    """By number and occurrence, the index finds what the list holds."""
    with tracecmd.open(path) as trace:
        by_number: dict[int, list[Any]] = {}
        for option in trace.options:
            by_number.setdefault(option.id, []).append(option)
        for number in range(40):
            expected = by_number.get(number, [])
            assert list(trace.options.find_all(number)) == expected
            if expected:
                assert trace.options.find(number, -1) == expected[-1]
            with pytest.raises(KeyError):
                trace.options.find(number, len(expected))


def test_sections(path: Path) -> None:
    """Sizes of the kernel's texts; a file whose sections dump cannot unpack is the exception."""
    text = dumped(path)
    if "[Header page," not in text:
        assert path.name == "s390x-tc331-broken-marker.dat"
        repaired = path.with_name("s390x-tc331-repaired-marker.dat")
        with tracecmd.open(path) as trace, tracecmd.open(repaired) as whole:
            for name in ("header_page", "event_formats", "kallsyms", "saved_cmdlines"):
                assert getattr(trace, name) == getattr(whole, name) != ""
        return
    with tracecmd.open(path) as trace:

        def size(of: str) -> int:
            return len(of.encode(errors="surrogateescape"))

        assert size(trace.header_page) == int(find(r"\[Header page, (\d+) bytes", text))
        assert size(trace.header_event) == int(find(r"\[Header event, (\d+) bytes", text))
        assert size(trace.kallsyms) == int(find(r"\[Kallsyms, (\d+) bytes", text))
        assert size(trace.printk_formats) == int(find(r"\[Trace printk, (\d+) bytes", text))
        assert size(trace.saved_cmdlines) == int(find(r"\[Saved command lines, (\d+) bytes", text))
        own = [f for f in trace.event_formats if f.system == "ftrace"]
        systems = {f.system for f in trace.event_formats}
        assert len(own) >= int(find(r"\[Ftrace format, (\d+) events", text))
        assert len(systems) in {n := int(find(r"\[Events format, (\d+) systems", text)), n + 1}


def test_clock_and_tables_of_version_6(path: Path) -> None:
    text = dumped(path)
    with tracecmd.open(path) as trace:
        if trace.version != 6:
            return
        assert trace.cpus == int(find(r"(\d+) \[CPUs with tracing data\]", text))
        if trace.buffers[0].is_text:
            assert "[Latency tracing data]" in text
            return
        assert trace.clock == find(r"\[Tracing clock\]\n\t\t.*\[(\w+)\]", text)
        rows = re.findall(r"^\t +(\d+) +(\d+)\t\[offset, size of cpu (\d+)\]", text, re.M)
        areas = [(int(cpu), int(offset), int(size)) for offset, size, cpu in rows if int(size)]
        assert [tuple(area) for area in trace.buffers[0].cpus] == areas


def test_peer_texts(path: Path) -> None:
    """Trace ID, tsc2nsec and instances, as libtracecmd's API gave them."""
    if path in corpus.IN_SESSIONS:
        text = corpus.read_text(path.parent / "session.txt") or ""
    else:
        text = corpus.oracle(path, "session") or ""
    line = find(rf"^{re.escape(path.name)}: (traceid .*)", text)
    if line is None:
        pytest.skip("no such text beside this recording")
    with tracecmd.open(path) as trace:
        assert trace.trace_id == int(find(r"traceid (\S+)", line), 16)
        mult = find(r"tsc2nsec mult (\d+)", line)
        if mult is not None:
            assert (trace.tsc2nsec.mult if trace.tsc2nsec else 0) == int(mult)
        names = re.findall(r"^  instance \d+ '(.*)'", text, re.M)
        if path not in corpus.IN_SESSIONS:
            assert [b.name for b in trace.buffers[1:]] == names
