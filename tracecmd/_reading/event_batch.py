"""The rows of a batch, as their events see them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Literal

from .. import _lowlevel
from .._lowlevel import Value
from .reader import Reader
from .sources import Source

__all__ = ["EventBatch"]

# A field is decoded for so many rows at once, of about so many bytes: lists take many times that.
DECODED_ROWS = 64
DECODED_BYTES = 1 << 16

_NOTHING: tuple[int, list[Value]] = 0, []


class EventBatch:
    """The rows of one batch, and what their events need to know about their files.

    Fields are decoded for some rows at once, and the last of them kept: whoever reads a field of
    one event mostly reads it of the next, too.
    """

    __slots__ = ("_decoded", "_only", "rows", "sources")

    def __init__(self, rows: _lowlevel.Batch, sources: Sequence[Source]) -> None:
        self.rows = rows
        self.sources = sources
        # By field: the first row, and the values from there on.
        self._decoded: dict[_lowlevel.FieldReader, tuple[int, list[Value]]] = {}
        first = sources[0].reader
        self._only = first if all(source.reader is first for source in sources) else None

    def reader_of(self, index: int) -> Reader:
        """The file that a row is of."""
        return self._only or self.sources[self.rows.source[index]].reader

    def value(self, index: int, field: _lowlevel.FieldReader) -> Value:
        """A field of a row, of its event and its file."""
        first, values = self._decoded.get(field, _NOTHING)
        place = index - first
        if not 0 <= place < len(values):
            place, values = 0, self._decode(index, field)
        value = values[place]
        return value.copy() if isinstance(value, list) else value

    def _decode(self, index: int, field: _lowlevel.FieldReader) -> list[Value]:
        """A field of a row and of those after it."""
        rows = self.rows
        enough = rows.payload_end[index] + DECODED_BYTES
        last = min(index + DECODED_ROWS, len(rows.payload_end))
        end = bisect.bisect_left(rows.payload_end, enough, index + 1, last)
        big_endian = self.reader_of(index).byteorder == "big"
        values = field.values(rows.payloads, index, end - index, rows.id[index], big_endian)
        self._decoded[field] = index, values
        return values

    def common_value(self, index: int, kind: Literal["flags", "preempt_count"]) -> int | None:
        """A row's ``common_flags`` or ``common_preempt_count``."""
        value = self.value(index, self.reader_of(index).common_field(kind))
        return value if isinstance(value, int) else None

    def stream_of(self, index: int) -> int:
        """The stream of its file that a row is of."""
        return self.sources[self.rows.source[index]].stream

    def buffer_of(self, index: int) -> str:
        """Name of the buffer that a row is of."""
        return self.sources[self.rows.source[index]].buffer
