"""Questions as data sets of pyarrow, which DuckDB hands columns and filters when it scans them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..packages import package
from .arrow_predicate import read_expression
from .conditions import Condition

__all__ = ["Read", "make_dataset"]

Read = Callable[[Sequence[str], Sequence[Condition]], Any]
"""Gives at least these columns, and rows that fulfil the conditions: an Arrow stream."""


def make_dataset(schema: Any, read: Read) -> Any:
    """A pyarrow.dataset.Dataset that reads anew for each scan.

    Args:
        schema: what has an Arrow schema.
        read: gives the rows.
    """
    arrow = package("pyarrow", "duckdb")
    return _dataset_class()(arrow.schema(schema), read)


@functools.cache
def _dataset_class() -> Any:
    """DuckDB asks whether an object is of this class, and then for no more than is made here."""
    base: Any = package("pyarrow.dataset", "duckdb").Dataset

    class LazyDataset(base):  # type: ignore[misc]
        """A data set without files."""

        def __init__(self, schema: Any, read: Read) -> None:
            self._own_schema = schema
            self._read = read

        @property
        def schema(self) -> Any:
            """Its columns."""
            return self._own_schema

        def scanner(self, columns: Any = None, filter: Any = None, **_: Any) -> _Scanner:
            """What gives the rows, once or more often."""
            return _Scanner(self._own_schema, self._read, columns, filter)

        def __reduce__(self) -> Any:
            raise TypeError("a data set of an open recording cannot be pickled")

        def __repr__(self) -> str:
            return f"<LazyDataset columns={len(self._own_schema)}>"

    return LazyDataset


class _Scanner:
    """One scan: columns, and a filter for DuckDB to rely on."""

    def __init__(self, schema: Any, read: Read, columns: Any, expression: Any) -> None:
        self._schema = schema
        self._read = read
        self._columns = list(schema.names) if columns is None else list(columns)
        self._filter = expression

    @property
    def projected_schema(self) -> Any:
        """What its rows are."""
        fields = [self._schema.field(name) for name in self._columns]
        return package("pyarrow", "duckdb").schema(fields)

    def to_reader(self) -> Any:
        """The rows, batch by batch, as they are asked for."""
        reader = package("pyarrow", "duckdb").RecordBatchReader
        return reader.from_batches(self.projected_schema, self._batches())

    def _needed(self) -> list[str]:
        """The columns, and those that the filter is about; all if that cannot be told."""
        if self._filter is None:
            return self._columns or self._schema.names[:1]
        text = str(self._filter)
        return [name for name in self._schema.names if name in self._columns or name in text]

    def _batches(self) -> Iterator[Any]:
        arrow = package("pyarrow", "duckdb")
        conditions = read_expression(self._filter, self._schema.names)
        needed = self._needed()
        rows = arrow.RecordBatchReader.from_stream(self._read(needed, conditions))
        schema = self.projected_schema
        for batch in rows:
            table = arrow.Table.from_batches([batch])
            if self._filter is not None:
                table = table.filter(self._filter)
            for part in table.select(self._columns).to_batches():
                yield arrow.RecordBatch.from_arrays(part.columns, schema=schema)
