"""Walks over records: through windows of time, into batches, and those into events."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, TypeVar

from .. import _lowlevel
from ..event import Event
from .event_batch import EventBatch
from .reader import Reader
from .request import Request
from .selection import ReadOptions, Selection
from .sources import choose
from .where import wanted_sources
from .windows import cut_windows, read_windows

__all__ = [
    "Watched",
    "add_missed",
    "make_walk",
    "read_batches",
    "read_events",
    "read_selected",
    "read_window",
    "watch",
]

T = TypeVar("T")

# Of all streams together, for a task of a thread: as events it takes ten times as much memory.
WINDOW_BYTES = 2 << 20


def make_walk(request: Request, start: int, end: int | None) -> _lowlevel.Walk:
    """Begin the walk over one window of time."""
    return _lowlevel.Walk(
        [source.lowlevel() for source in request.sources],
        start,
        end,
        backwards=request.backwards,
        by_cpu=request.by_cpu,
        room=request.batch_size,
    )


class Watched(Protocol):
    """What reads files, and can be asked how it gets on."""

    def problems(self, known: int = 0) -> list[_lowlevel.SourceProblem]:
        """All damage met so far; none if that is as much as known."""
        ...

    def progress(self) -> tuple[int, int]:
        """Work done and all work."""
        ...


def watch(
    request: Request, reader: Watched, read_next: Callable[[], T | _lowlevel.GoOn | None]
) -> Iterator[T]:
    """What read_next returns until that is None; reports problems and progress to the request."""
    known = 0
    reported: set[str] = set()
    while True:
        try:
            result = read_next()
        finally:
            problems = reader.problems(known)
            known = max(known, len(problems))
            new = [each for each in problems if str(each.problem) not in reported]
            reported.update(str(each.problem) for each in new)
            request.note(new)
        if request.on_progress:
            request.on_progress(*reader.progress())
        if result is None:
            return
        if result is not _lowlevel.GO_ON:
            yield result


def read_window(
    request: Request, start: int, end: int | None, missed: list[int]
) -> Iterator[_lowlevel.Batch]:
    """All batches of one window, in order; missed gets what each source lost at its end."""
    with contextlib.closing(make_walk(request, start, end)) as walk:
        yield from watch(request, walk, walk.next)
        missed[:] = walk.missed()


def add_missed(a: int, b: int) -> int:
    """Two losses in a row; one of unknown number makes the sum unknown."""
    return -1 if a < 0 or b < 0 else a + b


def _add_missed(batches: list[_lowlevel.Batch], missed: list[int]) -> None:
    """Charge what was lost after the last row of a window to the next row of that source."""
    for source, lost in enumerate(missed):
        if not lost:
            continue
        for batch in batches:
            if source in batch.source:
                row = batch.source.index(source)
                batch.missed_events[row] = add_missed(batch.missed_events[row], lost)
                missed[source] = 0
                break


def read_batches(request: Request) -> Generator[_lowlevel.Batch, None, None]:
    """Read in the request's order; with threads, windows of time side by side."""
    cuts = cut_windows(request, WINDOW_BYTES)
    if len(cuts) == 1:
        yield from read_window(request, *cuts[0], [])
        return
    quiet = request._replace(on_progress=None)

    def read(start: int, end: int | None) -> tuple[list[_lowlevel.Batch], list[int]]:
        missed: list[int] = []
        return list(read_window(quiet, start, end, missed)), missed

    missed = [0] * len(request.sources)
    for batches, after in read_windows(request, cuts, read):
        if not request.backwards:
            _add_missed(batches, missed)
            missed = list(map(add_missed, missed, after))
        yield from batches


def read_events(request: Request) -> Iterator[Event]:
    """Turn the batches into events."""
    cpu_of = [source.cpu for source in request.sources]
    for rows in read_batches(request):
        yield from map(
            Event,
            rows.ts,
            map(cpu_of.__getitem__, rows.source),
            rows.pid,
            rows.id,
            rows.missed_events,
            itertools.repeat(EventBatch(rows, request.sources)),
            itertools.count(),
        )


def read_selected(
    readers: Sequence[Reader], selection: Selection, options: ReadOptions
) -> Iterator[Event]:
    """Walk over what is selected of one file or several."""
    sources = wanted_sources(choose(readers, selection), selection.condition)
    return read_events(Request.of(readers, sources, selection, options))
