"""What analyses have in common in Python: streams are chosen, a window is set, rows come out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from .. import _arguments, _lowlevel
from .._reading import (
    THREADS_MAX,
    Names,
    Numbers,
    Progress,
    Reader,
    ReadOptions,
    Recording,
    Request,
    Selection,
    Source,
    Time,
    choose,
    one_after_another,
    read_events,
    require_wall,
    watch,
)
from ..columns.layout import Times, check_times
from ..columns.rows import BATCH_ROWS, Rows

__all__ = ["BATCH_ROWS", "Answer", "Asked", "Times", "ask", "check_times", "make_answer"]

Make = Callable[[Sequence[_lowlevel.AnalysisSource], _lowlevel.AnalysisOptions], _lowlevel.Analysis]


@dataclass(frozen=True)
class Asked:
    """What all answers take: which rows, and how they come."""

    start: Time = None
    end: Time = None
    cpus: Numbers = None
    pids: Numbers = None
    buffers: Names = None
    ts: Times = "timestamp"
    batch_rows: int = BATCH_ROWS
    progress: Progress = None
    peers: Names = None
    threads: int | None = None

    def selection(self, recording: Recording) -> Selection:
        """The records that it is about: of all CPUs and tasks, as those are of rows."""
        return Selection(
            recording, buffers=self.buffers, start=self.start, end=self.end, peers=self.peers
        )


class _Question(NamedTuple):
    """All that reading an answer needs."""

    request: Request
    options: _lowlevel.AnalysisOptions
    make: Make

    def open(self) -> _lowlevel.Analysis:
        """Begin to read."""
        sources = [
            _lowlevel.AnalysisSource(source.reader.data, source.stream, source.reader.peer)
            for source in self.request.sources
        ]
        return self.make(sources, self.options)

    def arrays(self) -> Generator[_lowlevel.Array, None, None]:
        """All rows in one pass."""
        with contextlib.closing(self.open()) as analysis:
            yield from watch(self.request, analysis, lambda: analysis.next(self.request.batch_size))

    def by_peer(self) -> list[_Question]:
        """The same of each file by itself, with the columns of all."""
        own: dict[int, list[Source]] = {}
        for source in self.request.sources:
            own.setdefault(id(source.reader), []).append(source)
        like = [sources[0].reader.data for sources in own.values()]
        options = self.options._replace(like=like)
        return [
            self._replace(request=self.request._replace(sources=sources), options=options)
            for sources in own.values()
        ]


class Answer(Rows):
    """Rows of an analysis, made in one pass over the records whenever they are asked for.

    It is handed on as a :class:`~tracecmd.Table` is: to whatever takes Arrow data, or by
    ``batches()``, ``to_arrow()``, ``to_polars()``, ``to_pandas()``, ``to_numpy()`` and
    ``to_parquet()``. Rows come in the order in which they ended, those that are open at the end
    last. Times are in ns, on :attr:`Event.ts`'s clock: columns of times are what ``ts`` asked for
    (:meth:`Trace.table`), of durations uint64.

    Attributes:
        column_names: names of the columns, in order.
        window: times in ns that rows are cut to; those asked for, or of the first and last record.
        notes: what keeps it from telling all that was asked for, a sentence each: a package that is
            not installed, say.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, question: _Question, what: str, threads: int | None = None) -> None:
        self.window = question.options.start, question.options.end
        self._question = question
        self._threads = threads  # that the peers are on; None: all are gone through at once
        self._what = what
        with contextlib.closing(question.open()) as analysis:
            self._schema = analysis.schema()
        self.column_names = tuple(self._schema.names())

    def _arrays(self) -> Iterator[_lowlevel.Array]:
        question = self._question
        if self._threads is None:
            return question.arrays()
        return one_after_another(
            self._threads,
            [partial(_quietly, each) for each in question.by_peer()],
            question.request.on_progress,
        )

    def _require_open(self) -> None:
        for source in self._question.request.sources:
            source.reader.data.require_open()

    def values(self) -> Iterator[tuple[Any, ...]]:
        """Row by row as plain Python values, None for null; needs no other package.

        >>> with tracecmd.open("tests/data/i386-lost.dat") as trace:
        ...     next(trace.losses(ts="uint64").values())
        (0, 179601877736, 179632145118, 1223, '')
        """
        formats = self._schema.formats()
        for array in self._arrays():
            columns = [array.values(place, form) for place, form in enumerate(formats)]
            yield from zip(*columns, strict=True)

    def without_dictionaries(self) -> Answer:
        """The same with all texts plain."""
        options = self._question.options._replace(dictionary=False)
        plain = Answer(self._question._replace(options=options), self._what, self._threads)
        plain.notes = self.notes
        return plain

    def __repr__(self) -> str:
        return f"<Answer {self._what} columns={len(self.column_names)}>"


def _quietly(
    question: _Question, note: Callable[[int, int], None]
) -> Generator[_lowlevel.Array, None, None]:
    """The rows; progress goes there instead."""
    return question._replace(request=question.request._replace(on_progress=note)).arrays()


def make_answer(
    request: Request, options: _lowlevel.AnalysisOptions, make: Make, what: str
) -> Answer:
    """An answer whose options are known."""
    return Answer(_Question(request, options, make), what)


def ask(
    readers: Sequence[Reader],
    sources: Sequence[Source],
    selection: Selection,
    asked: Asked,
    what: str,
    make: Make,
) -> Answer:
    """Make an answer of streams that were chosen.

    Raises:
        TypeError, ValueError: an argument cannot be what it is; the message names it.
        TraceError: the data cannot be read.
    """
    check_times(asked.ts)
    if asked.ts == "wall":
        require_wall(sources)
    of = Selection(selection.recording, cpus=asked.cpus, pids=asked.pids)  # checks them
    reading = ReadOptions(asked.threads or 1, asked.batch_rows, asked.progress)
    if asked.threads is not None:
        _arguments.number("threads", asked.threads, 1, THREADS_MAX)
    start, end = _window(readers, sources, selection)
    options = _lowlevel.AnalysisOptions(
        start,
        end,
        selection.end is None,
        None if of.cpus is None else [cpu for cpu in sorted(of.cpus) if 0 <= cpu < 1 << 32],
        of.pids,
        ts=asked.ts,
        peer=any(reader.peer for reader in readers),
    )
    request = Request.of(readers, sources, selection, reading)
    return Answer(_Question(request, options, make), what, asked.threads)


def _window(
    readers: Sequence[Reader], sources: Sequence[Source], selection: Selection
) -> tuple[int, int]:
    """Times that bound it: those asked for, or of the first and the last record."""
    start, end = selection.start, selection.end
    if not start:
        first = _edge(readers, sources, selection, reverse=False)
        start = start if first is None else first
    if end is None:
        last = _edge(readers, sources, selection, reverse=True)
        end = start if last is None else max(last, start)
    return start, end


def _edge(
    readers: Sequence[Reader], sources: Sequence[Source], selection: Selection, *, reverse: bool
) -> int | None:
    whole = selection.replace(reverse=reverse)
    bare = [Source(source.reader, source.stream, None, None) for source in sources]
    request = Request.of(readers, bare, whole, ReadOptions(batch_rows=1))
    first = next(read_events(request), None)
    return None if first is None else first.ts


def all_sources(readers: Sequence[Reader], selection: Selection) -> list[Source]:
    """All streams of the buffers that are selected."""
    return choose(readers, selection).sources()


def by_cpu(selection: Selection, asked: Asked) -> Selection:
    """The same of the CPUs that rows are asked of, where nothing else is needed."""
    return selection.replace(cpus=asked.cpus)
