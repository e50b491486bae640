"""A part of a trace, a buffer or a session is one with nothing but the records of its window."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd._reading import RecordingPart, Selection

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions/kvm-small"
HOST = SESSION / "trace.dat"
START, END = 204_900_000_000, 205_100_000_000
WINDOW = {"start": START, "end": END}


@pytest.fixture
def trace() -> Iterator[tracecmd.Trace]:
    with tracecmd.open(HOST) as opened:
        yield opened


def values(answer: Any) -> list[Any]:
    return list(answer.values())


ASKED: dict[str, Callable[..., Any]] = {
    "iter": lambda t, **w: [(e.ts, e.name) for e in t.iter("sched:*", **w)],
    "table": lambda t, **w: [len(b) for b in t.table("sched_switch", threads=2, **w).batches()],
    "tables": lambda t, **w: [(n, len(b)) for n, b in t.tables("irq:*", **w).batches()],
    "report": lambda t, **w: b"".join(t.report(**w)),
    "stat": lambda t, **w: t.stat(**w),
    "filtered stat": lambda t, **w: t.stat(where="common_pid == 0", **w),
    "sched": lambda t, **w: values(t.sched.tasks(**w)),
    "spans": lambda t, **w: values(t.irqs(**w)),
    "losses": lambda t, **w: values(t.losses(**w)),
    "flame": lambda t, **w: t.flame("offcpu", **w).folded(),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_part_answers_as_the_whole_does_with_a_window(trace: tracecmd.Trace, name: str) -> None:
    ask = ASKED[name]
    wanted = ask(trace, **WINDOW)
    assert ask(trace[START:END]) == wanted
    assert ask(trace["204.9s":"205100ms"]) == wanted  # type: ignore[misc]
    assert wanted != ask(trace) or name == "losses"


def test_parts_nest(trace: tracecmd.Trace) -> None:
    """A window in a window is what lies in both, whichever comes first; so are start and end."""
    late, early = trace[START:], trace[:END]
    wanted = [event.ts for event in trace.iter(**WINDOW)]  # type: ignore[arg-type]
    for part in (late[:END], early[START:], late[0:END][START - 5 :]):
        assert [event.ts for event in part] == wanted
        assert (part.start, part.end) == (wanted[0], wanted[-1])
    assert [event.ts for event in late.iter(start=0, end=END)] == wanted
    assert list(late[:START]) == list(trace[END:START]) == []
    assert trace[START:END].at(0).ts == wanted[0]  # type: ignore[union-attr]
    assert trace[START:END].at(END) is None
    assert repr(late[:END]).endswith("from 204.900000000 to 205.100000000>")
    assert not late[:END].stat().records < len(wanted)


def test_a_part_has_the_buffers_of_its_window(trace: tracecmd.Trace) -> None:
    wanted = [event.ts for event in trace.buffers[0].iter(**WINDOW)]  # type: ignore[arg-type]
    assert [event.ts for event in trace[START:END].buffers[0]] == wanted
    assert [event.ts for event in trace.buffers[0][START:END]] == wanted
    assert [event.ts for event in trace[START:].buffer("")[:END]] == wanted


def test_a_part_is_written(trace: tracecmd.Trace, tmp_path: Path) -> None:
    count = trace[START:END].write(tmp_path / "part.dat")
    with tracecmd.open(tmp_path / "part.dat") as part:
        wanted = [event.ts for event in trace.iter(**WINDOW)]  # type: ignore[arg-type]
        assert [event.ts for event in part] == wanted
    assert count == len(wanted)


def test_a_window_of_losses_counts_them() -> None:
    with tracecmd.open(DATA / "i386-lost.dat") as lost:
        whole = lost.stat()
        first = lost[:179_700_000_000].stat()  # type: ignore[misc]
        assert [(c.cpu, c.missed_events) for c in first.cpus] == [(0, 1223), (1, 0)]
        rest = lost[179_700_000_000:].stat()  # type: ignore[misc]
        assert first.records + rest.records == whole.records
        assert first.missed_events + rest.missed_events == whole.missed_events
        assert lost[whole.first_ts :].stat() == whole


def test_a_part_shares_the_file(trace: tracecmd.Trace) -> None:
    part = trace[START:END]
    assert part.events is trace.events
    assert part._reader is trace._reader
    part.close()
    assert trace.closed
    with pytest.raises(tracecmd.ClosedError):
        trace[START:END]
    with pytest.raises(tracecmd.ClosedError):
        list(part)


@pytest.mark.parametrize(
    ("window", "error", "text"),
    [
        (17, TypeError, r"\[17\]; it is cut by times, as \['19.5s':'20s'\]"),
        ("sched_switch", TypeError, "it is cut by times"),
        (slice(1, 2, 3), TypeError, "it is cut by times"),
        (slice(1.5, None), TypeError, "start=1.5; a float cannot hold nanoseconds"),
        (slice(None, -1), ValueError, "end=-1; times are not counted from the end"),
    ],
)
def test_what_cuts_nothing(
    trace: tracecmd.Trace, window: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        trace[window]


def test_a_session_is_cut_for_all_peers(tmp_path: Path) -> None:
    with tracecmd.open_session(SESSION) as session:
        part = session[START:END]
        for ask in (
            lambda s, **w: [(e.peer, e.ts) for e in s.iter("sched_switch", **w)],
            lambda s, **w: s.stat(**w),
            lambda s, **w: s.exits(**w),
            lambda s, **w: s.steal(**w),
            lambda s, **w: list(s.timeline(**w)),
            lambda s, **w: [tuple(j)[1:] for j in s.join("sched_switch", **w)],
            lambda s, **w: b"".join(s.report(**w)),
            lambda s, **w: values(s.sched.tasks(**w)),
        ):
            wanted = ask(session, **WINDOW)
            assert ask(part) == wanted
            assert wanted
        starts = [peer.trace.start for peer in part.peers]
        assert [ts for ts in starts if ts is not None and START <= ts < END]
        cut, same = part.write(tmp_path / "a"), session.write(tmp_path / "b", start=START, end=END)
        assert [*cut.values()] == [*same.values()]
        part.close()
        assert session.closed


def test_selections_of_parts_are_values(trace: tracecmd.Trace) -> None:
    """Another process opens the file and gets that part."""
    part = trace[START:END]
    selection = Selection(part._recording, "sched_switch", start=END - 5, end=END + 5)
    assert (selection.start, selection.end) == (END - 5, END)
    again = pickle.loads(pickle.dumps(selection))
    assert again == selection
    with again.open() as opened:
        assert opened.start == part.start
    assert part[START + 5 :]._recording == RecordingPart(trace._recording, (START + 5, END))
