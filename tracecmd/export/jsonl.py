"""JSON lines: an object a row."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch

__all__ = ["JsonWriter"]


def _json_value(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a row")


class JsonWriter(Writer):
    """A JSON object a row; times in ns, bytes in base64."""

    def write(self, batch: RecordBatch) -> None:
        """Take some rows."""
        arrow, types = batch.to_arrow(), pyarrow().types
        columns = [
            column.cast(pyarrow().int64())
            if types.is_timestamp(column.type) or types.is_duration(column.type)
            else column
            for column in arrow.columns
        ]
        plain = pyarrow().RecordBatch.from_arrays(columns, names=arrow.schema.names)
        for row in plain.to_pylist():
            line = json.dumps(row, default=_json_value, separators=(",", ":"))
            self._file.write(line.encode() + b"\n")
        self.rows += arrow.num_rows
