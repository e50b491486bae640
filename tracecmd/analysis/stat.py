"""How much of what a trace holds: records per event and per CPU, losses, first and last times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .. import _lowlevel
from .._reading import Reader, ReadOptions, workers

__all__ = ["CpuCount", "Stat", "count"]

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


def count(reader: Reader, options: ReadOptions, on_problem: Callable[[Exception], None]) -> Stat:
    """Count all records of a file, slice by slice, on some threads."""
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
                on_problem(result.damage.first)
            if options.progress:
                options.progress(done, total)
    return Stat(
        tuple(_cpu_count(reader, index, results[index], tables[index]) for index in results)
    )


def _cpu_count(
    reader: Reader,
    index: int,
    results: list[_lowlevel.Count],
    counts: list[_lowlevel.Counts],
) -> CpuCount:
    events: Counter[str] = Counter()
    for table in counts:
        for number, records in table.items():
            form = reader.events.by_id(number)
            events[str(form) if form else f"id {number}"] += records
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
        dict(events.most_common()),
    )
