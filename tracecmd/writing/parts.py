"""Which records go into which file when a recording is split: trace-cmd-split(1).

A lane is what is counted together: a buffer, or one CPU of it. Each file has the next part of every
lane, until none has any records left.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from .. import _arguments, _lowlevel
from .._reading import Reader, Request, Source, cut_windows, make_walk, read_batches
from ..options import OptionId

__all__ = ["Limit", "Part", "Window", "plan"]

LIMIT_MAX = (1 << 64) - 1
LONGEST_SHORT = 28 * 4  # bytes of a record whose length is in its first word
EXTEND_FROM = 1 << 27  # units of time from one record to the next that take a time extend


@dataclass(frozen=True, slots=True)
class Limit:
    """When a file is full.

    Attributes:
        unit: what is counted: time in ns, records, or sub-buffers ("pages").
        count: how many.

    Raises:
        TypeError, ValueError: one cannot be what it is.
    """

    unit: Literal["ns", "events", "pages"]
    count: int

    def __post_init__(self) -> None:
        if self.unit not in ("ns", "events", "pages"):
            raise ValueError(f'unit={self.unit!r}; it is "ns", "events" or "pages"')
        object.__setattr__(self, "count", _arguments.number("count", self.count, 1, LIMIT_MAX))


class Window(NamedTuple):
    """Times in ns, ``start <= ts < end``; an end of None is no bound."""

    start: int
    end: int | None


class Part(NamedTuple):
    """What one file gets of a stream: what lies in a window, or the next so many records of it."""

    source: Source
    window: Window
    records: int | None


class Lane(Protocol):
    """What is counted together."""

    def next(self) -> list[Part]:
        """What the next file gets; empty: there is nothing left."""
        ...


def plan(
    sources: Sequence[Source], window: Window, limit: Limit | None, *, per_cpu: bool
) -> Iterator[list[Part]]:
    """The parts of one file after the other; those of the first may be empty.

    Args:
        sources: the streams, as they are filtered.
        window: what is split.
        limit: when a file is full; None: never, there is only one.
        per_cpu: count each CPU for itself. Pages are counted so in any case.
    """
    if limit is None:
        yield [Part(source, window, None) for source in sources]
        return
    alone = per_cpu or limit.unit == "pages"
    lanes = [_lane(group, window, limit) for group in _groups(sources, alone)]
    first = True
    while True:
        parts = [part for lane in lanes for part in lane.next()]
        if not parts and not first:
            return
        yield parts
        first = False


def _groups(sources: Sequence[Source], alone: bool) -> list[list[Source]]:
    if alone:
        return [[source] for source in sources]
    groups: dict[tuple[int, int], list[Source]] = {}
    for source in sources:
        buffer = source.reader.streams[source.stream].buffer
        groups.setdefault((id(source.reader), buffer), []).append(source)
    return list(groups.values())


def _lane(sources: list[Source], window: Window, limit: Limit) -> Lane:
    if limit.unit == "ns":
        return _ByTime(sources, window, limit.count)
    if limit.unit == "pages":
        return _ByPages(sources[0], window, limit.count)
    return _ByEvents(sources, window, limit.count)


def _request(sources: Sequence[Source], window: Window, rows: int) -> Request:
    return Request(sources, window.start, window.end, batch_size=rows)


ROWS = 16384  # of a batch that is only counted
WINDOW_BYTES = 2 << 20  # of all streams together, to be counted as a whole


class _ByTime:
    """So long from a file's first record on; from the given start on in the first file."""

    def __init__(self, sources: list[Source], window: Window, length: int) -> None:
        self._sources = sources
        self._next = window.start
        self._end = window.end
        self._length = length
        self._base: int | None = window.start or None

    def next(self) -> list[Part]:
        window = Window(self._next, self._end)
        with contextlib.closing(read_batches(_request(self._sources, window, 1))) as batches:
            batch = next(batches, None)
        if batch is None:
            return []
        first = batch.ts[0]
        base, self._base = self._base or first, None
        # The first record is in the file even if it came later than that.
        end = max(base + self._length, first) + 1
        if self._end is not None:
            end = min(end, self._end)
        start, self._next = self._next, end
        return [Part(source, Window(start, end), None) for source in self._sources]


class _ByEvents:
    """So many records, in the order of time."""

    def __init__(self, sources: list[Source], window: Window, count: int) -> None:
        self._sources = sources
        self._window = window
        self._limit = count
        self._ids = _lowlevel.Counts()
        self._portions = self._count(count)

    def _count(self, limit: int) -> Iterator[Counter[int]]:
        """How many of each stream are among the next so many of all."""
        counts: Counter[int] = Counter()
        left = limit
        for window in self._windows():
            for portion in self._portions_of(window, left):
                counts.update(portion)
                left -= sum(portion.values())
                if not left:
                    yield counts
                    counts, left = Counter(), limit
        if counts:
            yield counts

    def _windows(self) -> Iterator[Window]:
        """Windows that are counted as a whole if no file ends in them."""
        request = _request(self._sources, self._window, ROWS)._replace(threads=2)
        return (Window(*window) for window in cut_windows(request, WINDOW_BYTES))

    def _portions_of(self, window: Window, left: int) -> Iterator[Counter[int]]:
        """The records of a window, by stream; a portion ends where a file does."""
        records = [self._records(source, window) for source in self._sources]
        if sum(records) < left:
            yield Counter(dict(enumerate(records)))
            return
        for batch in read_batches(_request(self._sources, window, ROWS)):
            place, rows = 0, len(batch.source)
            while rows - place >= left:
                yield Counter(batch.source[place : place + left])
                place, left = place + left, self._limit
            yield Counter(batch.source[place:])
            left -= rows - place

    def _records(self, source: Source, window: Window) -> int:
        """How many there are; the core counts them."""
        with contextlib.closing(make_walk(_request([source], window, 1), *window)) as walk:
            while not isinstance(counted := walk.count(self._ids), _lowlevel.Count):
                pass
        return counted.records

    def next(self) -> list[Part]:
        counts = next(self._portions, None)
        if counts is None:
            return []
        return [
            Part(source, self._window, counts[number])
            for number, source in enumerate(self._sources)
            if counts[number]
        ]


def header_size(reader: Reader) -> int:
    """Bytes of a sub-buffer before its records: the kernel's events/header_page."""
    texts = reader.file.section_texts(OptionId.HEADER_INFO)
    found = re.search(r"\bdata;\s*offset:([0-9]{1,4});", texts[0].text if texts else "")
    return int(found[1]) if found else 16


class _ByPages:
    """As many records of a CPU as fill so many sub-buffers."""

    def __init__(self, source: Source, window: Window, count: int) -> None:
        self._source = source
        self._window = window
        self._portions = self._count(count)

    def _count(self, limit: int) -> Iterator[int]:
        """How many records fill them, again and again."""
        reader = self._source.reader
        room = reader.streams[self._source.stream].page_size - header_size(reader)
        pages, used, records, before = 0, room + 1, 0, 0
        for batch in read_batches(_request([self._source], self._window, ROWS)):
            for ts, size, missed in zip(batch.ts, batch.size, batch.missed_events, strict=True):
                need = size + (4 if size <= LONGEST_SHORT else 8)
                extend = 8 if ts - before >= EXTEND_FROM else 0
                # A page begins with the time of its first record, and says what was lost before.
                if missed or used + need + extend > room:
                    if pages == limit:
                        yield records
                        pages, records = 0, 0
                    pages, used, extend = pages + 1, 0, 0
                used += need + extend
                records += 1
                before = ts
        if records:
            yield records

    def next(self) -> list[Part]:
        records = next(self._portions, None)
        return [] if records is None else [Part(self._source, self._window, records)]
