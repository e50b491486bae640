"""Times of the first and the last record, found without going through the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Machine, Page

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.dat")), ids=lambda path: path.name)
def test_as_counted(path: Path) -> None:
    with tracecmd.open(path) as trace:
        try:
            counted = trace.stat()
        except tracecmd.TraceError:
            pytest.skip("no record can be read")
        assert (trace.start, trace.end) == (counted.first_ts, counted.last_ts)
        if counted.first_ts is None or counted.last_ts is None:
            assert trace.duration is None
        else:
            assert trace.duration == counted.last_ts - counted.first_ts


def test_session() -> None:
    with tracecmd.open_session(DATA / "sessions" / "kvm-small") as session:
        times = [event.ts for event in session]
        assert (session.start, session.end) == (min(times), max(times))
        assert session.duration == max(times) - min(times)
        peers = [peer.trace for peer in session.peers]
        assert session.start == min(trace.start or 0 for trace in peers)
        assert session.end == max(trace.end or 0 for trace in peers)
    for ask in (lambda: session.start, lambda: session.end, lambda: session.duration):
        with pytest.raises(tracecmd.ClosedError):
            ask()


def test_offsets_are_in_it() -> None:
    path = DATA / "v7-latency.dat"
    with tracecmd.open(path) as plain, tracecmd.open(path, ts_offset=1000) as later:
        if plain.start is not None:
            assert later.start == plain.start + 1000
        assert later.duration == plain.duration


def test_without_records(write: Write) -> None:
    for cpus in ({}, {0: []}, {0: [Page(1000, [])], 1: [Page(5000, [])]}):
        with tracecmd.open(write(Trace(buffers=[Buffer(cpus=cpus)]))) as trace:  # type: ignore[arg-type]
            assert (trace.start, trace.end, trace.duration) == (None, None, None)


def test_empty_pages_on_either_side(write: Write) -> None:
    """The page's own time is not that of a record."""
    pages = writer.fill_pages([(3000, writer.TICK.values(pid=1, n=7))], Machine(False, 8))
    around = [Page(1000, []), *pages, Page(9000, [])]
    for compression in ("none", "zlib"):
        made = Trace(compression=compression, buffers=[Buffer(cpus={3: around})])
        with tracecmd.open(write(made)) as trace:
            assert (trace.start, trace.end, trace.duration) == (3000, 3000, 0)
