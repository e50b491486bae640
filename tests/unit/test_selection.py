"""What is asked for, as a value: checked once, compared, narrowed, and read in another process."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd._reading import ReadOptions, Selection
from tracecmd.columns import Layout
from tracecmd.opening import OpenOptions, TraceRecording
from tracecmd.session import SessionRecording

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
Row = tuple[int, int, int, str, str]


def rows(selection: Selection) -> list[Row]:
    """All of it, in whatever process this runs."""
    with selection.open() as opened:
        return [
            (event.ts, event.cpu, event.pid, event.name, event.peer)
            for event in opened._read(selection, ReadOptions())
        ]


def table_rows(selection: Selection, layout: Layout) -> list[dict[str, Any]]:
    """The same as a table."""
    with selection.open() as opened:
        arrays = opened._table(selection, layout, ReadOptions()).to_numpy()
    return [dict(zip(arrays, row, strict=True)) for row in zip(*arrays.values(), strict=True)]


@pytest.fixture
def trace() -> Any:
    with tracecmd.open(SESSION / "trace.dat") as opened:
        yield opened


def test_read_by_another_process(trace: tracecmd.Trace) -> None:
    """Nothing but the pickled value goes there; parts of it join up to the whole."""
    with tracecmd.open_session(SESSION) as session:
        of_session = Selection(session._recording, "sched_switch", peers=["host", "Guest1"])
        expected = [
            (e.ts, e.cpu, e.pid, e.name, e.peer)
            for e in session.iter("sched_switch", peers=["host", "Guest1"])
        ]
    whole = Selection(trace._recording, "sched:*", cpus=[0, 1], pids=range(1, 400))
    middle = rows(whole)[len(rows(whole)) // 2][0]
    parts = [whole.between(end=middle), whole.between(middle), of_session]
    spawn = multiprocessing.get_context("spawn")
    spawn.set_executable(sys.executable)
    with ProcessPoolExecutor(2, spawn) as pool:
        first, second, both = pool.map(rows, parts)
        assert first
        assert second
        assert first + second == rows(whole)
        assert both == expected
        pytest.importorskip("numpy")
        where = whole.replace(events="sched_switch", pids=None, where="prev_pid == 0")
        layout = Layout(["ts", "next_pid"], ts="uint64")
        there = pool.submit(table_rows, where, layout).result()
        assert there == table_rows(where, layout)
        assert len(there) == sum(e["prev_pid"] == 0 for e in trace.iter("sched_switch"))


def test_plain_values(trace: tracecmd.Trace) -> None:
    made = Selection(
        trace._recording,
        "sched_switch",
        buffers=[""],
        cpus=iter([1, 0, 1]),
        start=-5,
        end=1 << 70,
        pids=[3, 1, 1 << 40],
        where="prev_pid == 0",
        order="cpu",
        reverse=True,
    )
    assert made.events == ("sched_switch",)
    assert made.buffers == ("",)
    assert made.cpus == {0, 1}
    assert (made.start, made.end) == (0, None)
    assert made.pids == (1, 3)
    assert made.peers is None
    assert (made.order, made.reverse) == ("cpu", True)
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert hash(again) == hash(made)
    assert made.replace() == made  # what was brought into form stays as it is
    with pytest.raises(AttributeError):
        made.start = 1  # type: ignore[misc]


def test_recordings_are_told_apart() -> None:
    options = OpenOptions(raw_ts=True, ts_offset=5)
    files = TraceRecording("a.dat", options), SessionRecording(("a.dat",), "error", options)
    assert len({*files, *(pickle.loads(pickle.dumps(each)) for each in files)}) == 2
    assert TraceRecording("a.dat", OpenOptions()) != files[0]


def test_opened_as_it_was(trace: tracecmd.Trace) -> None:
    with tracecmd.open(SESSION / "trace.dat", ts_offset=1000) as later:
        first = next(later.iter()).ts
        with Selection(later._recording).open() as again:
            assert next(again.iter()).ts == first == next(trace.iter()).ts + 1000


@pytest.mark.parametrize(
    ("start", "end", "low", "high", "window"),
    [
        (None, None, None, None, (0, None)),
        (5, 9, None, None, (5, 9)),
        (5, 9, 6, 8, (6, 8)),
        (5, 9, 1, 20, (5, 9)),
        (None, None, 3, 4, (3, 4)),
        (5, None, 3, 7, (5, 7)),
        (5, 9, 20, 30, (20, 9)),  # nothing
        (5, 9, 1 << 64, None, (5, 0)),  # neither
    ],
)
def test_narrowed(
    start: int | None, end: int | None, low: int | None, high: int | None, window: Any
) -> None:
    made = Selection(TraceRecording("a.dat", OpenOptions()), "tick", start=start, end=end)
    part = made.between(low, high)
    assert (part.start, part.end) == window
    assert part.replace(start=made.start, end=made.end) == made


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"order": "pid"}, 'order=\'pid\'; it is "time" or "cpu"'),
        ({"where": 3}, "where=3; it is a text or a Filter"),
        (
            {"start": 1.5},
            "start=1.5; a float cannot hold nanoseconds; write a text "
            "('19.5s', '20ms', '3us', '17ns') or whole ns",
        ),
        ({"cpus": ["a"]}, "cpus='a'; it is a whole number"),
        ({"peers": 3}, "peers=3; it is a name, or several"),
    ],
)
def test_checked_once(trace: tracecmd.Trace, wrong: dict[str, Any], text: str) -> None:
    made = Selection(trace._recording)
    for make in (lambda: Selection(trace._recording, **wrong), lambda: made.replace(**wrong)):
        with pytest.raises((TypeError, ValueError)) as caught:
            make()
        assert str(caught.value) == text


def test_how_is_not_what(trace: tracecmd.Trace) -> None:
    """Threads and batches change nothing that comes out."""
    selection = Selection(trace._recording, "sched:*")
    one = [event.ts for event in trace._read(selection, ReadOptions())]
    assert one == [event.ts for event in trace._read(selection, ReadOptions(2, 7))]
    with pytest.raises(ValueError, match="threads=0; it is a number from 1 to 1024"):
        ReadOptions(threads=0)


def test_names_that_only_some_peers_know() -> None:
    """Each peer gives the events that it knows; a name that nobody knows is an error."""
    with tracecmd.open_session(SESSION) as session:
        names = ["kvm_exit", "sched_switch"]  # the host's alone, and everybody's
        assert "kvm_exit" not in session.guests["Guest1"].events
        counted = dict.fromkeys(session.guests, 0)
        for event in session.iter(names):
            if event.peer in counted:
                counted[event.peer] += 1
        for name, guest in session.guests.items():
            assert counted[name] == sum(1 for _ in guest.iter("sched_switch")) > 0
        with pytest.raises(tracecmd.UnknownEventError, match="no_such"):
            session.iter([*names, "no_such"])
