"""The tables of a file by event, read together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .._html import grid
from ..packages import package
from .batch import RecordBatch
from .table import GROUP_ROWS, Table
from .together import ScanSet, can_share_walk

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Tables"]

PASS_TABLES = 128  # read at once: each is a file that is open, and has a batch


class Tables(dict[str, Table]):
    """Tables of a file by event, ``system:name``. Made by :meth:`tracecmd.Trace.tables`.

    Each can be read on its own. Read together, they take one pass over the records, or where
    there are more than 128 one for each 128 of them; one thread reads, and ``threads`` encode
    Parquet files.
    """

    def __repr__(self) -> str:
        return f"<Tables of {len(self)} events>"

    def _repr_html_(self) -> str:
        rows = ((name, ", ".join(table.column_names)) for name, table in self.items())
        return grid(repr(self), ("event", "columns"), rows)

    _share = (0, 1)  # which of how many passes this is

    @property
    def threads(self) -> int:
        """As many as were asked for."""
        return max((table._scan.request.threads for table in self.values()), default=1)

    def batches(self) -> Iterator[tuple[str, RecordBatch]]:
        """The rows of all tables in batches, each with the key of its table.

        Batches of one table come in its order, those of several as they are done. Memory does not
        follow the number of rows: a batch also ends where all together have grown large.
        """
        if len(self) <= PASS_TABLES:
            yield from self._read_together()
            return
        for tables in self.passes():
            yield from tables._read_together()

    def to_arrow(self) -> dict[str, pyarrow.Table]:
        """As pyarrow.Tables (``pip install 'tracecmd[arrow]'``)."""
        pyarrow = package("pyarrow", "arrow")
        held: dict[str, list[Any]] = {name: [] for name in self}
        for name, batch in self.batches():
            held[name].append(batch.to_arrow())
        return {
            name: pyarrow.Table.from_batches(batches, pyarrow.schema(self[name]))
            for name, batches in held.items()
        }

    def to_parquet(
        self,
        folder: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        row_group_rows: int = GROUP_ROWS,
    ) -> dict[str, int]:
        """Write a Parquet file per table into a folder, ``system.name.parquet``.

        Needs ``pip install 'tracecmd[arrow]'``. The folder is made if need be. Files appear when
        all that are read together are whole. Gives the number of rows by key.
        """
        from ..export import write_tables  # noqa: PLC0415 - tables start faster without

        return write_tables(self, folder, compression=compression, row_group_rows=row_group_rows)

    def map(self, change: Callable[[Table], Table]) -> Tables:
        """The same with each table changed."""
        return Tables({name: change(table) for name, table in self.items()})

    def passes(self) -> list[Tables]:
        """Those that one pass over the records reads together."""
        names = list(self)
        passes = [
            Tables({name: self[name] for name in names[place : place + PASS_TABLES]})
            for place in range(0, len(names), PASS_TABLES)
        ]
        for place, tables in enumerate(passes):
            tables._share = (place, len(passes))
        return passes

    def _read_together(self) -> Iterator[tuple[str, RecordBatch]]:
        keyed = list(self.items())
        scans = [table._scan for table in self.values()]
        if not scans or not scans[0].request.sources:
            return
        request = scans[0].request
        if not can_share_walk(scans):
            for name, table in keyed:
                for batch in table.batches():
                    yield name, batch
            return
        report = request.on_progress
        place, count = self._share

        def progress(done: int, total: int) -> None:
            if report:
                report(place * total + done, count * total)

        for index, array in ScanSet(tuple(scans)).arrays(progress):
            name, table = keyed[index]
            yield name, RecordBatch(table._schema, array)
