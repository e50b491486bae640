"""JSON lines: an object a row."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch, Rows

__all__ = ["JsonWriter"]


def _json_value(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a row")


_ENCODE = json.JSONEncoder(default=_json_value, separators=(",", ":")).encode


class JsonWriter(Writer):
    """A JSON object a row; times in ns, bytes in base64.

    Of several events each row has the fields of its own, unless columns were asked for by name.
    """

    def __init__(self, table: Rows, file: BinaryIO) -> None:
        super().__init__(table, file)
        self._fields_of: Mapping[str, Mapping[str, str]] | None = getattr(table, "fields_of", None)

    @classmethod
    def prepare(cls, table: Rows) -> Rows:
        """The table as the format wants it."""
        return table.with_every_field()

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
        fields_of = self._fields_of
        rows = plain.to_pylist() if fields_of is None else _rows_by_event(plain, fields_of)
        self._file.write("".join(f"{_ENCODE(row)}\n" for row in rows).encode())
        self.rows += arrow.num_rows


def _rows_by_event(batch: Any, fields_of: Mapping[str, Mapping[str, str]]) -> list[Any]:
    """The rows in their order, each with the record's own columns and those of its event."""
    of_events = {name for names in fields_of.values() for name in names}
    own = [name for name in batch.schema.names if name not in of_events and name != "system"]
    places: dict[str, list[int]] = {}
    systems, events = batch["system"].to_pylist(), batch["event"].to_pylist()
    for row, (system, event) in enumerate(zip(systems, events, strict=True)):
        places.setdefault(f"{system}:{event}", []).append(row)
    rows: list[Any] = [None] * batch.num_rows
    for event, at in places.items():
        names = {name: name for name in own} | dict(fields_of.get(event, {}))
        part = batch.select(list(names)).take(pyarrow().array(at)).rename_columns(
            list(names.values())
        )  # fmt: skip
        for row, values in zip(at, part.to_pylist(), strict=True):
            rows[row] = values
    return rows
