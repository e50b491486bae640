"""What callers may ask for, and what they are told when they may not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import TICK, Buffer, Event, Machine, Page

M = Machine(False, 8)
TIMES = (1000, 2000, 3000)
PAGES = [Page(ts, [Event(0, TICK.values(pid=5, n=1).encode(M))]) for ts in TIMES]
SESSION = corpus.DATA / "sessions" / "kvm-small"


@pytest.fixture
def path(write: Write) -> Path:
    return write(Trace(buffers=[Buffer(cpus={0: PAGES})], saved_cmdlines="5 five\n"))


@pytest.fixture
def trace(path: Path) -> Iterator[tracecmd.Trace]:
    with tracecmd.open(path) as opened:
        yield opened


def of_iter(trace: tracecmd.Trace, **how: Any) -> list[int]:
    return [event.ts for event in trace.iter(**how)]


def of_table(trace: tracecmd.Trace, **how: Any) -> list[int]:
    pytest.importorskip("numpy")
    columns = trace.table("tick", columns=["ts"], ts="uint64", **how).to_numpy()
    return [int(ts) for ts in columns["ts"]]


def of_report(trace: tracecmd.Trace, **how: Any) -> list[int]:
    lines = b"".join(trace.report(**how)).decode().splitlines()
    return [int(line.split("0.00000")[1][0]) * 1000 for line in lines if "tick" in line]


def of_buffer(trace: tracecmd.Trace, **how: Any) -> list[int]:
    return [event.ts for event in trace.buffers[0].iter(**how)]


READERS = [of_iter, of_table, of_report, of_buffer]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("start", "end", "expected"), [
    (None, None, TIMES), (0, None, TIMES), (-1, None, TIMES), (-(1 << 80), None, TIMES),
    (2000, None, TIMES[1:]), (3001, None, ()), ((1 << 64) - 1, None, ()), (1 << 64, None, ()),
    (1 << 80, None, ()), (1 << 64, 1 << 65, ()),
    (None, 0, ()), (None, -5, ()), (None, 2000, TIMES[:1]), (None, 1 << 63, TIMES),
    (None, (1 << 64) - 1, TIMES), (None, 1 << 64, TIMES), (None, 1 << 80, TIMES),
    (3000, 1000, ()), (True, None, TIMES),
])  # fmt: skip
def test_bounds(
    trace: tracecmd.Trace, read: Callable[..., list[int]], start: Any, end: Any, expected: Any
) -> None:
    assert read(trace, start=start, end=end) == list(expected)


@pytest.mark.parametrize(("ts", "found"), [
    (-(1 << 70), 1000), (0, 1000), (1001, 2000), (3001, None), ((1 << 64) - 1, None),
    (1 << 64, None),
])  # fmt: skip
def test_at(trace: tracecmd.Trace, ts: int, found: int | None) -> None:
    event = trace.at(ts)
    assert (None if event is None else event.ts) == found


@pytest.mark.parametrize("read", [of_iter, of_table, of_buffer])
@pytest.mark.parametrize(("how", "count"), [
    ({"pids": 5}, 3), ({"pids": [5, 5]}, 3), ({"pids": 1 << 40}, 0), ({"pids": -(1 << 40)}, 0),
    ({"pids": [5, 1 << 40]}, 3), ({"pids": []}, 0), ({"pids": -1}, 0), ({"pids": (1 << 31) - 1}, 0),
    ({"cpus": 0}, 3), ({"cpus": [0]}, 3), ({"cpus": 1}, 0), ({"cpus": -1}, 0),
    ({"cpus": [1 << 70]}, 0), ({"cpus": []}, 0), ({"cpus": range(4)}, 3),
    ({"threads": 1}, 3), ({"threads": 1024}, 3),
])  # fmt: skip
def test_tasks_and_cpus(
    trace: tracecmd.Trace, read: Callable[..., list[int]], how: Any, count: int
) -> None:
    assert len(read(trace, **how)) == count


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("name", "value", "kind"), [
    ("start", 1e3, TypeError), ("start", "1000", ValueError), ("start", [1], TypeError),
    ("end", 2.5, TypeError), ("end", b"5", TypeError),
    ("cpus", "0", TypeError), ("cpus", 1.0, TypeError), ("cpus", ["0"], TypeError),
    ("threads", 0, ValueError), ("threads", -3, ValueError), ("threads", 1025, ValueError),
    ("threads", 1 << 70, ValueError), ("threads", 2.0, TypeError), ("threads", "2", TypeError),
    ("threads", None, TypeError),
])  # fmt: skip
def test_wrong_arguments(
    trace: tracecmd.Trace,
    read: Callable[..., list[int]],
    name: str,
    value: Any,
    kind: type[Exception],
) -> None:
    with pytest.raises(kind, match=f"^{name}="):
        read(trace, **{name: value})


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("pids", 5.0, TypeError), ("pids", "5", TypeError), ("pids", [5, None], TypeError),
    ("events", 5, TypeError), ("events", [b"tick"], TypeError), ("events", b"tick", TypeError),
    ("buffers", 0, TypeError), ("buffers", [None], TypeError),
    ("order", "cpus", ValueError), ("order", None, ValueError),
])  # fmt: skip
def test_wrong_choices(trace: tracecmd.Trace, name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^{name}="):
        list(trace.iter(**{name: value}))
    with pytest.raises(kind, match=f"^{name}="):
        trace.table(**{"events": "tick", name: value})


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("batch_rows", 0, ValueError), ("batch_rows", -1, ValueError),
    ("batch_rows", 1 << 70, ValueError),
    ("batch_rows", 1.5, TypeError), ("batch_rows", None, TypeError),
    ("ts", "seconds", ValueError), ("ts", None, ValueError), ("invalid_utf8", "", ValueError),
    ("where", 5, TypeError), ("columns", 5, TypeError), ("columns", "ts", TypeError),
    ("columns", ["ts", 5], TypeError),
])  # fmt: skip
def test_wrong_tables(trace: tracecmd.Trace, name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^{name}"):
        trace.table("tick", **{name: value})
    with pytest.raises(kind, match=f"^{name}"):
        trace.tables("tick", **{name: value})


@pytest.mark.parametrize("rows", [1, 2, sys.maxsize])
def test_rows_of_a_batch(trace: tracecmd.Trace, rows: int) -> None:
    found = [len(batch) for batch in trace.batches("tick", batch_rows=rows)]
    assert sum(found) == 3
    assert max(found) == min(rows, 3)


def test_rows_of_a_group(trace: tracecmd.Trace, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=r"^row_group_rows=0"):
        trace.table("tick").to_parquet(tmp_path / "x.parquet", row_group_rows=0)
    with pytest.raises(TypeError, match=r"^row_group_rows='x'"):
        trace.tables("tick").to_parquet(tmp_path, row_group_rows="x")  # type: ignore[arg-type]
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.dat"]


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("ts_offset", 1 << 63, ValueError), ("ts_offset", -(1 << 63) - 1, ValueError),
    ("ts_offset", 0.5, TypeError), ("ts2secs", -1, ValueError), ("ts2secs", 1 << 64, ValueError),
    ("ts2secs", "1", TypeError),
])  # fmt: skip
def test_wrong_clocks(path: Path, name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^{name}="):
        tracecmd.open(path, **{name: value})


@pytest.mark.parametrize("offset", [-(1 << 63), -1, (1 << 63) - 1])
def test_offsets_at_the_edge(path: Path, offset: int) -> None:
    with tracecmd.open(path, ts_offset=offset) as trace:
        assert {event.ts for event in trace} == {(ts + offset) % (1 << 64) for ts in TIMES}


@pytest.mark.parametrize("descriptor", [-1, 1 << 31, -(1 << 31), 1 << 70])
def test_descriptors_that_are_none(descriptor: int) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        tracecmd.open(descriptor)


def test_options_of_reports(trace: tracecmd.Trace) -> None:
    for name in ("raw_events", "plain_events", "plugin_options"):
        with pytest.raises(TypeError, match=f"^{name}=5"):
            list(trace.report(tracecmd.ReportOptions(**{name: 5})))  # type: ignore[arg-type]
    for name in ("filters", "filters_out"):
        with pytest.raises(TypeError, match=f"^{name}=5"):
            trace.report(**{name: 5})  # type: ignore[arg-type]
    one = b"".join(trace.report(tracecmd.ReportOptions(raw_events="tick"), filters="tick"))
    assert one == b"".join(trace.report(tracecmd.ReportOptions(raw_events=["tick"])))
    assert not b"".join(trace.report(filters_out="tick")).count(b"tick")


def test_look_ups(trace: tracecmd.Trace) -> None:
    assert (trace.comm(5), trace.comm(1 << 40), trace.comm(-(1 << 40))) == (
        "five",
        "<...>",
        "<...>",
    )
    assert [trace.events.by_id(n) for n in (-1, 1 << 32, 1 << 70)] == [None] * 3
    assert trace.options.count(-1) == trace.options.count(1 << 70) == 0
    for number, occurrence in ((-1, 0), (1 << 70, 0), (11, 1 << 70), (11, -(1 << 70))):
        with pytest.raises(tracecmd.UnknownOptionError):
            trace.options.find(number, occurrence)
    for number in (-1, 1 << 70):
        with pytest.raises(tracecmd.UnknownGuestError):
            trace.guest_cpumap(number)
    with pytest.raises(TypeError, match=r"^pid='5'"):
        trace.comm("5")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^trace_id=None"):
        trace.guest_cpumap(None)  # type: ignore[arg-type]
    for value in (0, -3, 1 << 70):
        with pytest.raises(ValueError, match=r"^threads="):
            trace.stat(threads=value)


def test_sessions() -> None:
    with tracecmd.open_session(SESSION) as session:
        ends = [event.ts for event in session.iter(peers="host")]
        assert ends
        assert not list(session.iter(start=1 << 64))
        assert not list(session.join(start=1 << 64))
        assert not list(session.timeline(start=1 << 64))
        assert len(list(session.timeline(end=1 << 80))) == len(list(session.timeline(start=-5)))
        assert not b"".join(session.report(end=-1)).count(b"sched_switch")
        for name, value in (("peers", 5), ("events", 5), ("start", 0.5), ("end", b"x")):
            with pytest.raises(TypeError, match=f"^{name}="):
                list(session.join(**{name: value}))  # type: ignore[arg-type]
            with pytest.raises(TypeError, match=f"^{name}="):
                session.iter(**{name: value})  # type: ignore[arg-type]
        for name, value in (("guests", 5), ("buffers", 5), ("start", 0.5), ("end", b"x")):
            with pytest.raises(TypeError, match=f"^{name}="):
                session.timeline(**{name: value})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^start="):
            session.plot(start=0.5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no records at that time"):
            session.plot(start=1 << 64)
        with pytest.raises(ValueError, match=r"^rows=0"):
            next(session.timeline().batches(0))
        for name in ("threads", "batch_rows"):
            with pytest.raises(ValueError, match=f"^{name}=0"):
                session.table(**{name: 0})  # type: ignore[arg-type]
