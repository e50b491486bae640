"""Records of every recording against the reference's: its walk, its report, its library in C."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pytest

import tracecmd
from tracecmd import CorruptError, TruncatedError

from .. import writer
from . import corpus, reference

GIVES_UP = {
    "s390x-tc331-broken-marker.dat",
    "v6-cut.dat",
    "v7n-cut.dat",
    "v7-head-only.dat",
}
"""Where the reference stops early or prints nothing; they have tests of their own below."""
LATENCY = {"v6-latency.dat", "v7-latency.dat"}
READABLE = [path for path in corpus.ALL if path.name not in GIVES_UP | LATENCY]

BY_NAME = {corpus.name_of(path): path for path in corpus.ALL}


def recording(name: str) -> Path:
    if name not in BY_NAME:
        pytest.skip(f"{name} is not in the recordings at hand")
    return BY_NAME[name]


def rows(events: Iterable[tracecmd.Event]) -> Iterator[str]:
    """A line for each record, as reference.c prints it."""
    names: dict[tuple[int, str], str] = {}
    for e in events:
        key = (e.id, e.buffer)
        if key not in names:
            names[key] = str(e.format) if e.format else "?:?"
        yield (
            f"{e.buffer or '-'} {e.cpu} {e.ts} {e.pid} {e.id} {names[key]} {e.size} "
            f"{e.missed_events} {reference.fnv1a(e.raw):016x}"
        )


def assert_same_lines(got: Iterable[str], expected: Iterable[str]) -> None:
    """Told by the first that differs; a diff of all would take minutes."""
    for number, (ours, theirs) in enumerate(itertools.zip_longest(got, expected), 1):
        assert ours == theirs, f"record {number}"


@pytest.mark.parametrize("path", [p for p in READABLE if corpus.has_oracle(p, "records")],
                         ids=corpus.name_of)  # fmt: skip
def test_records(path: Path) -> None:
    text = corpus.oracle(path, "records")
    assert text is not None
    assert "# exit" not in text
    with tracecmd.open(path) as trace:
        assert_same_lines(rows(trace), text.splitlines())
        assert len(trace.problems) == len(corpus.PROBLEMS.get(path.name, []))


WITHOUT_TEXT = [path for path in corpus.ALL if not corpus.has_oracle(path, "records")]


@pytest.mark.parametrize("path", WITHOUT_TEXT, ids=corpus.name_of)
def test_records_in_c(path: Path, reference_walk: reference.Walk) -> None:
    with tracecmd.open(path) as trace:
        found = list(rows(trace))
    assert found
    assert_same_lines(found, reference_walk(path))


LINE = re.compile(
    r"(?: *(?P<buffer>[^ :]+): )? *.*?-(?P<pid>\d+) +\[(?P<cpu>\d+)\]-0x"
    r"(?:[0-9a-f]+ +(?P<ts>\d+\.\d{9})|[0-9a-f]+ *(?P<ticks>\d*)): (?P<name>[^ :]+): "
)


@pytest.mark.parametrize("path", [p for p in READABLE if corpus.has_oracle(p, "reportR")],
                         ids=corpus.name_of)  # fmt: skip
def test_report(path: Path) -> None:
    """`trace-cmd report -R -t` has the same times, CPUs, tasks, events, in this order."""
    text = corpus.oracle(path, "reportR")
    assert text is not None
    with tracecmd.open(path) as trace:
        events = iter(trace)
        for text_line in text.split("\n"):
            if "[UNKNOWN EVENT]" in text_line:
                assert next(events).format is None
                continue
            line = LINE.match(text_line)
            if not line:
                continue  # cpus=, events dropped, further lines of a text
            event = next(events)
            ours = (event.cpu, event.pid, event.name)
            assert ours == (int(line["cpu"]), int(line["pid"]), line["name"])
            if line["ts"]:
                assert event.ts == int(line["ts"].replace(".", ""))
            else:  # counters: with 12 digits they touch the flags
                assert text_line.partition(": ")[0].endswith(str(event.ts))
        assert next(events, None) is None


# Where the reference gives up -----------------------------------------------------------------


def test_lengths_left_zero() -> None:
    """trace-cmd 3.3.1 on s390x left sizes 0; the repaired file is the same with them filled in."""
    broken = recording("s390x-tc331-broken-marker.dat")
    repaired = recording("s390x-tc331-repaired-marker.dat")
    with tracecmd.open(broken) as ours, tracecmd.open(repaired) as right:
        assert list(rows(ours)) == list(rows(right)) != []
        assert ours.stat() == right.stat()
        assert ours.problems == ()
        assert list(rows(ours.iter(reverse=True))) == list(rows(right.iter(reverse=True)))


def test_version_6_cut() -> None:
    """The recorder stopped while it wrote CPU 1's data: it has no entry in the table of CPUs."""
    path = recording("v6-cut.dat")
    text = corpus.oracle(path, "records")
    assert text
    with tracecmd.open(path) as trace:
        assert_same_lines(rows(trace.iter(cpus=[0])), text.splitlines())
        found = list(trace.iter(cpus=[1]))
        assert len(found) == 5136
        assert_plausible(found)
        assert {e.cpu for e in trace} == {0, 1}
        (problem,) = trace.problems
        assert type(problem) is TruncatedError
        assert problem.offset == 0x308000
        stat = trace.stat()
        assert [(row.cpu, row.records) for row in stat.cpus] == [
            (0, len(text.splitlines())),
            (1, 5136),
        ]


def assert_plausible(found: list[tracecmd.Event]) -> None:
    """Known events, whole ones, by time."""
    assert all(event.format for event in found)
    assert [e.ts for e in found] == sorted(e.ts for e in found)
    assert found[-1].ts - found[0].ts < 60 * 10**9
    for event in found:
        own = [f for f in event.format.fields.values() if not f.is_dynamic]  # type: ignore[union-attr]
        assert all(f.offset + f.size <= event.size for f in own)


def payload_of(data: bytes, offset: int, byteorder: Literal["little", "big"]) -> int:
    """The library tells where the record's word is: the length is in it, or in one of its own."""
    word = int.from_bytes(data[offset : offset + 4], byteorder)
    type_len = word & 31 if byteorder == "little" else word >> 27
    return offset + (4 if type_len else 8)


@pytest.mark.parametrize("path", READABLE, ids=corpus.name_of)
def test_offsets_in_c(path: Path, reference_walk: reference.Walk) -> None:
    """Where records are in the file; of compressed data the library tells a place in its own."""
    with tracecmd.open(path) as trace:
        events = list(trace)
        if any(buffer.compressed for buffer in trace.buffers):
            assert {event.offset for event in events} <= {None}
            return
        data, order = path.read_bytes(), trace.byteorder
        expected = []
        for line in reference_walk.offsets(path):
            head, _, offset = line.rpartition(" ")
            expected.append(f"{head} {payload_of(data, int(offset), order)}")
        found = [f"{e.buffer or '-'} {e.cpu} {e.ts} {e.offset}" for e in events]
        assert_same_lines(found, expected)
        for event in events[:: max(1, len(events) // 5)]:
            for place in (event.offset, (event.offset or 0) - 4):
                again = trace.read_at(place or 0)
                assert again is not None
                assert (again.offset, again.raw) == (event.offset, event.raw)


def test_version_6_cut_and_mended(tmp_path: Path, reference_walk: reference.Walk) -> None:
    """With CPU 1's pages in the table of CPUs the reference reads them, too."""
    path = recording("v6-cut.dat")
    data = bytearray(path.read_bytes())
    end = 0x308000 + 200704
    table = data.rindex(b"flyrecord\0") + len(b"flyrecord\0")
    struct.pack_into("<QQ", data, table + 16, 0x308000, 200704)
    mended = tmp_path / "mended.dat"
    mended.write_bytes(data[:end])
    assert len(data) == end
    with tracecmd.open(path) as ours, tracecmd.open(mended) as whole:
        assert whole.problems == ()
        lines = list(rows(ours))
        assert lines == list(rows(whole))
        assert_same_lines(lines, reference_walk(mended))


def test_version_7_cut_in_a_whole_file(tmp_path: Path, reference_walk: reference.Walk) -> None:
    """The pages that are found, in a file with all that belongs around them."""
    path = recording("v7n-cut.dat")
    data = path.read_bytes()
    parts = {0: data[0x27D000 : 0x27D000 + 520192], 1: data[0x2FC000 : 0x2FC000 + 249856]}
    assert len(data) == 0x2FC000 + 249856
    trace = writer.Trace(buffers=[writer.Buffer(cpus={cpu: [p] for cpu, p in parts.items()})])
    whole = tmp_path / "whole.dat"
    whole.write_bytes(trace.write().data)
    with tracecmd.open(path, raw_ts=True) as ours:
        assert_same_lines(map(without_name, rows(ours)), map(without_name, reference_walk(whole)))


def without_name(row: str) -> list[str]:
    fields = row.split(" ")
    return fields[:5] + fields[6:]


def test_version_7_cut() -> None:
    """The buffer's section was begun, no option tells of it: its pages are found in it."""
    path = recording("v7n-cut.dat")
    with tracecmd.open(path) as trace:
        by_cpu = {cpu: list(trace.iter(cpus=[cpu])) for cpu in (0, 1)}
        assert {cpu: len(found) for cpu, found in by_cpu.items()} == {0: 12315, 1: 5959}
        for found in by_cpu.values():
            assert_plausible(found)
        assert [type(problem) for problem in trace.problems] == [TruncatedError, TruncatedError]
        # One machine, one clock, recorded at one time.
        assert by_cpu[0][0].ts < by_cpu[1][-1].ts
        assert by_cpu[1][0].ts < by_cpu[0][-1].ts
        assert {e.name for e in by_cpu[0]} & {e.name for e in by_cpu[1]} >= {"sched_switch"}


def test_head_only() -> None:
    path = recording("v7-head-only.dat")
    with tracecmd.open(path) as trace:
        assert list(trace) == []
        assert trace.at(0) is None
        assert trace.stat().records == 0
        assert trace.stat().first_ts is None
        (problem,) = trace.problems
        assert type(problem) is TruncatedError


@pytest.mark.parametrize("name", ["v6-cut.dat", "v7n-cut.dat", "v7-head-only.dat"])
def test_strict(name: str) -> None:
    with tracecmd.open(recording(name), strict=True) as trace:
        for use in (trace.iter, trace.stat, lambda: trace.at(0), lambda: iter(trace)):
            with pytest.raises(TruncatedError):
                use()
        assert trace.events


@pytest.mark.parametrize("name", sorted(LATENCY))
def test_latency_texts(name: str) -> None:
    path = recording(name)
    with tracecmd.open(path) as trace:
        (buffer,) = (buffer for buffer in trace.buffers if buffer.is_text)
        expected = corpus.oracle(path, "report")
        assert expected is not None
        assert f"cpus={trace.cpus}\n{buffer.text()}\n" == expected
        assert list(trace) == []
        assert trace.problems == ()


def test_a_format_that_cannot_be_read_is_a_problem() -> None:
    with tracecmd.open(recording("v7-kprobes.dat")) as trace:
        (problem,) = trace.problems
        assert type(problem) is CorruptError
        assert any(event.name == "kp_argv" for event in trace)
