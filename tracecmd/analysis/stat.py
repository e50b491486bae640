"""How much of what a trace holds: records per event and per CPU, losses, first and last times."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .. import _lowlevel
from .._html import grid
from .._reading import (
    Reader,
    ReadOptions,
    Request,
    Selection,
    Source,
    Window,
    choose,
    cut_windows,
    make_walk,
    read_windows,
    wanted_sources,
    workers,
)
from .answer import Asked, all_sources, ask

__all__ = ["CpuCount", "Stat", "count", "count_selected"]

SLICE_BYTES = 16 << 20


class CpuCount(NamedTuple):
    """What one CPU of one buffer recorded.

    Attributes:
        buffer: the trace instance's name, "" for the top buffer.
        cpu: the CPU.
        records: number of records.
        missed_events: how many the kernel counted as lost.
        missed_unknown: how often it lost an unknown number.
        first_ts, last_ts: times of the first and the last record in ns; None without records.
        events: records by event, ``system:name``; ids without a format as ``id N``.
    """

    buffer: str
    cpu: int
    records: int
    missed_events: int
    missed_unknown: int
    first_ts: int | None
    last_ts: int | None
    events: Mapping[str, int]


class Stat(NamedTuple):
    """What a whole trace holds; ``cpus`` has a row per CPU of each buffer."""

    cpus: tuple[CpuCount, ...]

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(cpu.records for cpu in self.cpus)

    @property
    def missed_events(self) -> int:
        """Number of events the kernel counted as lost."""
        return sum(cpu.missed_events for cpu in self.cpus)

    @property
    def missed_unknown(self) -> int:
        """How often an unknown number of events was lost."""
        return sum(cpu.missed_unknown for cpu in self.cpus)

    @property
    def first_ts(self) -> int | None:
        """Earliest first time stamp in ns; None without records."""
        return min((c.first_ts for c in self.cpus if c.first_ts is not None), default=None)

    @property
    def last_ts(self) -> int | None:
        """Latest last time stamp in ns; None without records."""
        return max((c.last_ts for c in self.cpus if c.last_ts is not None), default=None)

    @property
    def events(self) -> Mapping[str, int]:
        """Records by event, most frequent first."""
        total: Counter[str] = Counter()
        for cpu in self.cpus:
            total.update(cpu.events)
        return dict(total.most_common())

    def __repr__(self) -> str:
        lost = f" lost={self.missed_events}" if self.missed_events else ""
        lost += f" unknown_losses={self.missed_unknown}" if self.missed_unknown else ""
        what = f"records={self.records} events={len(self.events)} cpus={len(self.cpus)}"
        return f"<Stat {what}{lost}>"

    def _repr_html_(self) -> str:
        rows = (
            (cpu.buffer, cpu.cpu, cpu.records, cpu.missed_events, cpu.missed_unknown)
            for cpu in self.cpus
        )
        header = ("buffer", "CPU", "records", "lost", "unknown losses")
        return grid(repr(self), header, rows) + grid(
            "records by event", ("event", "records"), self.events.items()
        )


def count_selected(
    readers: Sequence[Reader], selection: Selection, options: ReadOptions
) -> list[Stat]:
    """Count what is selected of each file.

    Raises:
        KeyError, FilterError: no file has the events or fields.
        TraceError: the data cannot be read; a file is read strictly and at fault.
    """
    in_window = selection.start > 0 or selection.end is not None
    if selection.condition is None and selection.exclude is None and not in_window:
        return [count(reader, options) for reader in readers]
    sources = wanted_sources(choose(readers, selection), selection.condition)
    if in_window:
        return [_count_window(reader, options, sources, selection) for reader in readers]
    return [count(reader, options, sources) for reader in readers]


class _Slice(NamedTuple):
    stream: int
    first: int
    pages: int


def _slices(reader: Reader) -> list[_Slice]:
    slices = []
    for index, stream in enumerate(reader.streams):
        pages = max(1, SLICE_BYTES // stream.page_size)
        for first in range(0, stream.page_count, pages):
            slices.append(_Slice(index, first, min(pages, stream.page_count - first)))
    return slices


def count(
    reader: Reader,
    options: ReadOptions,
    sources: Sequence[Source] | None = None,
    *,
    on_problem: Callable[[Exception], None] | None = None,
) -> Stat:
    """Count all records of a file, slice by slice, on some threads.

    Args:
        reader: the file.
        options: how to go about it.
        sources: count what these let through only; those of other files are passed over. Losses
            are counted as without.
        on_problem: called with damage; None: the file notes it.

    Raises:
        TraceError: the file is read strictly and at fault.
    """
    if on_problem is None:
        reader.require_sound()
    note = on_problem or reader.problems.note
    if sources is None:
        return _count_all(reader, options, note)
    own = [source for source in sources if source.reader is reader]
    progress = options.report
    if progress is None:
        return _count_filtered(_count_all(reader, options, note), own, options)
    # It goes through the file twice.
    first = replace(options, progress=lambda done, total: progress(done, 2 * total))
    second = replace(options, progress=lambda done, total: progress(total + done, 2 * total))
    return _count_filtered(_count_all(reader, first, note), own, second)


def _count_all(reader: Reader, options: ReadOptions, note: Callable[[Exception], None]) -> Stat:
    slices = _slices(reader)
    # Tables of 65536 counters are dear: one a thread and stream, taken from here and given back.
    free: dict[int, list[_lowlevel.Counts]] = {s.stream: [] for s in slices}
    tables: dict[int, list[_lowlevel.Counts]] = {s.stream: [] for s in slices}

    def run(piece: _Slice) -> _lowlevel.Count:
        try:
            counts = free[piece.stream].pop()
        except IndexError:
            counts = _lowlevel.Counts()
            tables[piece.stream].append(counts)
        result = reader.data.count(piece.stream, piece.first, piece.pages, counts)
        free[piece.stream].append(counts)
        return result

    results: dict[int, list[_lowlevel.Count]] = {s.stream: [] for s in slices}
    total, done = sum(s.pages for s in slices), 0
    with workers(options.threads) as pool:
        for piece, result in zip(slices, pool.map(run, slices), strict=True):
            results[piece.stream].append(result)
            done += piece.pages
            if result.damage:
                note(result.damage.first)
            if options.report:
                options.report(done, total)
    return Stat(
        tuple(_cpu_count(reader, index, results[index], tables[index]) for index in results)
    )


def _cpu_count(
    reader: Reader,
    index: int,
    results: list[_lowlevel.Count],
    counts: list[_lowlevel.Counts],
) -> CpuCount:
    stream = reader.streams[index]
    times = [r for r in results if r.records]
    return CpuCount(
        reader.buffer_names[stream.buffer],
        stream.cpu,
        sum(r.records for r in results),
        sum(r.missed_events for r in results),
        sum(r.missed_unknown for r in results),
        times[0].first_ts if times else None,
        times[-1].last_ts if times else None,
        _events(reader, counts),
    )


def _events(reader: Reader, counts: Iterable[_lowlevel.Counts]) -> Mapping[str, int]:
    """Counts by number together, by event and most frequent first."""
    events: Counter[str] = Counter()
    for table in counts:
        for number, records in table.items():
            form = reader.events.by_id(number)
            events[str(form) if form else f"id {number}"] += records
    return dict(events.most_common())


# What filters let through ------------------------------------------------------------------------


def _count_window(
    reader: Reader, options: ReadOptions, sources: Sequence[Source], selection: Selection
) -> Stat:
    """Count what sources let through of a selection's window of time.

    Losses are those that reach into it, damaged pages among them.

    Raises:
        TraceError: the data cannot be read; the file is read strictly and at fault.
    """
    window = selection.start, selection.end
    whole = Selection(selection.recording, start=window[0], end=window[1])
    lost: Counter[tuple[str, int]] = Counter()
    unknown: Counter[tuple[str, int]] = Counter()
    asked = Asked(ts="uint64")
    every = all_sources([reader], whole)
    losses = ask([reader], every, whole, asked, "losses", _lowlevel.analyses.losses)
    for cpu, _, _, events, buffer, *_ in losses.values():
        if events is None:
            unknown[buffer, cpu] += 1
        else:
            lost[buffer, cpu] += events
    names = [(reader.buffer_names[stream.buffer], stream.cpu) for stream in reader.streams]
    cpus = [CpuCount(*name, 0, lost[name], unknown[name], None, None, {}) for name in names]
    own = [source for source in sources if source.reader is reader]
    return _count_filtered(Stat(tuple(cpus)), own, options, window)


def _count_filtered(
    whole: Stat, sources: Sequence[Source], options: ReadOptions, window: Window = (0, None)
) -> Stat:
    """The same count, of what filters let through."""
    cpus = [cpu._replace(records=0, first_ts=None, last_ts=None, events={}) for cpu in whole.cpus]
    total = sum(source.reader.streams[source.stream].page_count for source in sources)
    done = 0
    for source in sources:
        pages = source.reader.streams[source.stream].page_count

        def report(part: int, parts: int, done: int = done, pages: int = pages) -> None:
            if options.report:
                options.report(done + pages * part // max(parts, 1), total)

        request = Request([source], *window, threads=options.threads, on_progress=report)
        cpus[source.stream] = _count_one(cpus[source.stream], request)
        report(1, 1)
        done += pages
    return Stat(tuple(cpus))


def _count_one(cpu: CpuCount, request: Request) -> CpuCount:
    """Count what filters let through of one stream, window by window of its time."""
    reader = request.sources[0].reader
    # As with slices: one a thread.
    free: list[_lowlevel.Counts] = []
    tables: list[_lowlevel.Counts] = []

    def read(start: int, end: int | None) -> _lowlevel.Count:
        try:
            counts = free.pop()
        except IndexError:
            counts = _lowlevel.Counts()
            tables.append(counts)
        with contextlib.closing(make_walk(request, start, end)) as walk:
            while (result := walk.count(counts)) is _lowlevel.GO_ON:
                if len(cuts) == 1 and request.on_progress:
                    request.on_progress(*walk.progress())
        free.append(counts)
        return result

    cuts = cut_windows(request, SLICE_BYTES)
    results = [read(*cuts[0])] if len(cuts) == 1 else list(read_windows(request, cuts, read))
    found = [result for result in results if result.records]
    if not found:
        return cpu
    return cpu._replace(
        records=sum(result.records for result in found),
        first_ts=found[0].first_ts,
        last_ts=found[-1].last_ts,
        events=_events(reader, tables),
    )
