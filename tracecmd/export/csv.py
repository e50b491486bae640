"""CSV with a header."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch

__all__ = ["CsvWriter"]


def _flat(column: Any) -> Any:
    """What CSV has no form for, as text: lists as JSON, bytes in hexadecimal."""
    types = pyarrow().types
    if types.is_dictionary(column.type):
        return _flat(column.cast(column.type.value_type))
    if types.is_binary(column.type) or types.is_fixed_size_binary(column.type):
        values = [None if v is None else v.hex() for v in column.to_pylist()]
    elif types.is_list(column.type) or types.is_fixed_size_list(column.type):
        values = [None if v is None else json.dumps(v) for v in column.to_pylist()]
    elif types.is_timestamp(column.type) or types.is_duration(column.type):
        return column.cast(pyarrow().int64())
    else:
        return column
    return pyarrow().array(values, pyarrow().string())


class CsvWriter(Writer):
    """CSV with a header; times in ns, lists as JSON, bytes in hexadecimal."""

    _writer: Any = None

    def write(self, batch: RecordBatch) -> None:
        """Take some rows."""
        arrow = batch.to_arrow()
        flat = pyarrow().RecordBatch.from_arrays(
            [_flat(column) for column in arrow.columns], names=arrow.schema.names
        )
        if self._writer is None:
            self._writer = pyarrow("pyarrow.csv").CSVWriter(self._file, flat.schema)
        self._writer.write_batch(flat)
        self.rows += arrow.num_rows

    def close(self) -> None:
        """Write all that is missing."""
        if self._writer is None:
            names = ",".join(f'"{name}"' for name in self._table.column_names)
            self._file.write(names.encode() + b"\n")
        else:
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not become whole."""
        with contextlib.suppress(Exception):
            if self._writer is not None:
                self._writer.close()
