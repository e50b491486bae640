"""Parquet: row groups as they are full.

How values are encoded was measured (docs/lake.md):

- Times rise, so they are stored as differences. A dictionary of them, which pyarrow tries on all
  columns, costs most and saves nothing. All else repeats, and has one.
- A batch comes with dictionaries of its own. pyarrow gives up on a column's dictionary as soon as
  the next is another, so those of a row group are made one.
- Pages hold as many rows as fit: what is compressed at once is what makes a file small.
- Least and greatest values, by which readers skip row groups, are told of times only: within a
  million rows all else has them all.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from .. import _arguments
from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch, Rows

__all__ = ["Conform", "ParquetWriter", "encodings"]


PAGE_ROWS = 1 << 20  # at most; a page also ends where it has a megabyte


def _is_time(field: Any) -> bool:
    return bool(field.name == "ts" or pyarrow().types.is_timestamp(field.type))


def _leaf(field: Any) -> str:
    """What Parquet calls the column with a field's values: those of a list lie deeper."""
    types = pyarrow().types
    is_list = types.is_list(field.type) or types.is_fixed_size_list(field.type)
    return f"{field.name}.list.element" if is_list else field.name


@functools.cache
def _takes_page_rows(make: Any) -> bool:
    return "max_rows_per_page" in inspect.signature(make.__init__).parameters


def encodings(schema: Any, make: Any) -> dict[str, Any]:
    """The options that say how the columns are stored."""
    times = [field.name for field in schema if _is_time(field)]
    options: dict[str, Any] = {
        "use_dictionary": [_leaf(field) for field in schema if not _is_time(field)],
        "column_encoding": dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        "write_statistics": times,
    }
    if _takes_page_rows(make):
        options["max_rows_per_page"] = PAGE_ROWS  # older ones go by the size alone
    return options


class Conform(Protocol):
    """What gives batches another schema on their way."""

    schema: Any  # pyarrow.Schema

    def __call__(self, batch: Any, /) -> Any:
        """A pyarrow.RecordBatch of that schema."""


class ParquetWriter(Writer):
    """Row groups as they are full."""

    def __init__(
        self,
        table: Rows,
        file: BinaryIO,
        *,
        compression: str = "zstd",
        row_group_rows: int = 1 << 20,
        conform: Conform | None = None,
    ) -> None:
        row_group_rows = _arguments.number("row_group_rows", row_group_rows, 1, sys.maxsize)
        super().__init__(table, file)
        self._pyarrow = pyarrow()
        self._group_rows = row_group_rows
        self._batches: list[Any] = []
        self._rows_held = 0
        self._conform = conform
        schema = conform.schema if conform else self._pyarrow.schema(table)
        make = pyarrow("pyarrow.parquet").ParquetWriter
        options = encodings(schema, make)
        if conform:
            options["store_schema"] = False  # plain Parquet types, as those of all other files
        self._writer = make(file, schema, compression=compression, **options)

    def write(self, batch: RecordBatch) -> None:
        """Take some rows, which are held until a row group is full."""
        arrow = batch.to_arrow()
        if self._conform:
            arrow = self._conform(arrow)
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
                group = self._pyarrow.Table.from_batches(batches).unify_dictionaries()
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
