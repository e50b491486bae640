"""Streams of several files merged in Python, each loss reported when it begins.

The core's merge reports a loss with the record after it. To know what can be known at an instant
one has to know the loss already where it begins. Here each stream is read on its own, one record
ahead, so that a loss comes as two rows of its own: where it begins, after the last record before
it, and where it ends, in front of the first record after it.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .. import _lowlevel
from .records import read_window
from .request import Request
from .selection import Progress
from .sources import Source

__all__ = ["LOSS_BEGINS", "LOSS_ENDS", "NO_ROWS", "Row", "Stream", "merge"]

LOSS_BEGINS, LOSS_ENDS = -1, -2  # instead of an event's id
BATCH_ROWS = 65536  # of all streams together
NO_ROWS = _lowlevel.Batch(
    [], [], [], [], [], [], [], b"", _lowlevel.Payloads(b"", b"", b"", b""), b""
)

Row = tuple[int, int, int, int, _lowlevel.Batch, int]
"""Time, the stream's place, PID, event id (or a loss), and where the rest is: batch and index."""


class Stream(NamedTuple):
    """A stream of a merge.

    Attributes:
        source: what is to be read of it.
        first, last: the times between which its file was recorded: where losses before the
            stream's first record begin, and those after its last one end.
    """

    source: Source
    first: int
    last: int


def _losses(stream: Stream, low: int | None, high: int | None) -> Iterator[tuple[int, int]]:
    """Find where exactly between two records that are wanted others were lost.

    None: there is none before, or after. Reads all records between them. Where time can step back
    in the stream these cannot be found by time, and all of the time between the two counts as
    lost.
    """
    source = stream.source
    is_placed = False
    from_first = low is None  # else what was lost in front of the record at low was told with that
    if low is None:
        low = stream.first
    if source.reader.data.is_monotone(source.stream):
        wide = source._replace(event_ids=None, pids=None)
        end = None if high is None else high + 1
        request = Request([wide], low, end)
        missed = [0]
        before = low
        for rows in read_window(request, low, end, missed):
            for ts, lost in zip(rows.ts, rows.missed_events, strict=True):
                if lost and (ts > low or from_first):
                    is_placed = True
                    yield before, ts
                before = ts
        if high is None and missed[0]:
            is_placed = True
            yield before, max(before, stream.last)
    if not is_placed:
        yield low, max(low, stream.last if high is None else high)


def _follow(stream: Stream, place: int, batch_size: int, on_progress: Progress) -> Iterator[Row]:
    request = Request([stream.source], batch_size=batch_size, on_progress=on_progress)
    before: int | None = None
    missed = [0]

    def lost(high: int | None) -> Iterator[Row]:
        for begin, end in _losses(stream, before, high):
            yield begin, place, 0, LOSS_BEGINS, NO_ROWS, 0
            yield end, place, 0, LOSS_ENDS, NO_ROWS, 0

    for rows in read_window(request, 0, None, missed):
        places = itertools.repeat(place)
        same = itertools.repeat(rows)
        every = zip(rows.ts, places, rows.pid, rows.id, same, itertools.count(), strict=False)
        if not any(rows.missed_events):
            yield from every
        else:
            for row, count in zip(every, rows.missed_events, strict=False):
                if count:
                    yield from lost(row[0])
                yield row
                before = row[0]
        before = rows.ts[-1]
    if missed[0]:
        yield from lost(None)


def merge(
    streams: list[Stream],
    more: Iterable[Iterable[Row]] = (),
    progress: Progress = None,
) -> Iterator[Row]:
    """Merge streams as libtracecmd merges heads; of rows with one time the lower place is first.

    Args:
        streams: the places are theirs in this list.
        more: rows from elsewhere, in time order; no two iterables may share a place.
        progress: called now and then with work done and all work, in pages.
    """
    size = max(64, min(4096, BATCH_ROWS // max(len(streams), 1)))
    known: dict[int, tuple[int, int]] = {}

    def note(place: int) -> Progress:
        if progress is None:
            return None

        def add_up(done: int, total: int) -> None:
            known[place] = done, total
            if len(known) == len(streams):
                progress(sum(d for d, _ in known.values()), sum(t for _, t in known.values()))

        return add_up

    followed = [_follow(s, place, size, note(place)) for place, s in enumerate(streams)]
    return heapq.merge(*followed, *more)
