"""Some rows of a table, on their way to a consumer of Arrow data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _lowlevel
from ..packages import package

if TYPE_CHECKING:
    import pyarrow

__all__ = ["RecordBatch"]


class RecordBatch:
    """Some rows of a :class:`Table`: for Arrow consumers, once.

    ``len()`` is the number of rows. A batch owns its memory, also when the trace was closed
    meanwhile; it belongs to the consumer after it took the batch.
    """

    def __init__(self, schema: _lowlevel.Schema, array: _lowlevel.Array) -> None:
        self._schema = schema
        self._array: _lowlevel.Array | None = array
        self._length = array.length

    def __len__(self) -> int:
        return self._length

    def _take(self) -> _lowlevel.Array:
        array, self._array = self._array, None
        if array is None:
            raise ValueError("the batch was handed over before")
        return array

    def __arrow_c_schema__(self) -> object:
        """A PyCapsule with an ArrowSchema."""
        return _lowlevel.schema_capsule(self._schema)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """PyCapsules with an ArrowSchema and an ArrowArray; the batch is empty then."""
        array = self._take()
        return self.__arrow_c_schema__(), _lowlevel.array_capsule(array)

    def to_arrow(self) -> pyarrow.RecordBatch:
        """As a pyarrow.RecordBatch."""
        return package("pyarrow", "arrow").record_batch(self)

    def __repr__(self) -> str:
        return f"<RecordBatch rows={len(self)}>"
