"""Several tables of one file, filled by one walk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .. import _lowlevel
from .._reading import Report
from .scan import Scan, read_columns

__all__ = ["ScanSet", "can_share_walk"]


def can_share_walk(scans: Sequence[Scan]) -> bool:
    """Whether one walk can feed all of them.

    Not with losses, as where one is noted depends on the events asked for; nor where a record would
    go to several tables, as two events of one number are.
    """
    if any(column.kind == "missed_events" for scan in scans for column in scan.columns):
        return False
    seen = 0
    for scan in scans:
        ids = int.from_bytes(scan.request.sources[0].event_ids or b"", "little")
        if seen & ids:
            return False
        seen |= ids
    return True


class ScanSet(NamedTuple):
    """Several tables of one file that are read at once: they differ in events and columns."""

    scans: tuple[Scan, ...]

    def open(self, start: int, end: int | None) -> _lowlevel.ColumnSet:
        """Start reading a window of time."""
        first = self.scans[0]
        tables = []
        for scan in self.scans:
            source = scan.request.sources[0]
            assert source.event_ids is not None
            where = scan.filters.get(id(source.reader))
            tables.append(_lowlevel.ColumnTable(source.event_ids, scan.columns, where))
        symbols = any(scan.wants_symbols for scan in self.scans)
        return _lowlevel.ColumnSet(
            first.sources(symbols=symbols), tables, first.options(start, end)
        )

    def arrays(self, progress: Report) -> Iterator[tuple[int, _lowlevel.Array]]:
        """All batches and the numbers of their tables; those of one table are in order."""
        request = self.scans[0].request._replace(on_progress=progress)
        with contextlib.closing(self.open(request.start, request.end)) as columns:
            yield from read_columns(request, columns)
