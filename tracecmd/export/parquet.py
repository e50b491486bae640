"""Parquet: row groups as they are full."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from .. import _arguments
from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch, Rows

__all__ = ["ParquetWriter"]


class ParquetWriter(Writer):
    """Row groups as they are full."""

    def __init__(
        self,
        table: Rows,
        file: BinaryIO,
        *,
        compression: str = "zstd",
        row_group_rows: int = 1 << 20,
    ) -> None:
        row_group_rows = _arguments.number("row_group_rows", row_group_rows, 1, sys.maxsize)
        super().__init__(table, file)
        self._pyarrow = pyarrow()
        self._group_rows = row_group_rows
        self._batches: list[Any] = []
        self._rows_held = 0
        self._writer = pyarrow("pyarrow.parquet").ParquetWriter(
            file, self._pyarrow.schema(table), compression=compression
        )

    def write(self, batch: RecordBatch) -> None:
        """Take some rows, which are held until a row group is full."""
        arrow = batch.to_arrow()
        self._batches.append(arrow)
        self._rows_held += arrow.num_rows
        self.held += arrow.nbytes
        self.rows += arrow.num_rows

    @property
    def full(self) -> bool:
        """Whether a row group is full."""
        return self._rows_held >= self._group_rows

    def take(self) -> Callable[[], None]:
        """Hand over a row group: the function writes it."""
        batches, self._batches = self._batches, []
        self._rows_held = self.held = 0

        def write() -> None:
            if batches:
                group = self._pyarrow.Table.from_batches(batches)
                self._writer.write_table(group, row_group_size=self._group_rows)

        return write

    def close(self) -> None:
        """Write all that is missing."""
        self.take()()
        self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not become whole."""
        with contextlib.suppress(Exception):
            self._writer.close()
        self._writer.is_open = False  # so that it does not try again when it is collected
