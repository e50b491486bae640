"""Rows that the core makes batch by batch, for any consumer of Arrow data."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .. import _lowlevel
from .._html import grid, type_name
from ..packages import package
from .batch import RecordBatch

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

__all__ = ["BATCH_ROWS", "GROUP_ROWS", "Rows"]

BATCH_ROWS = 65536
GROUP_ROWS = 1 << 20  # of a Parquet file


class _Exporter:
    """Gives a consumer a stream that we keep an eye on."""

    def __init__(self, stream: _lowlevel.Stream) -> None:
        self._stream = stream

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._stream.capsule()


class Rows(ABC):
    """What gives rows: read anew whenever a consumer takes its Arrow stream.

    Attributes:
        column_names: names of the columns, in order.
    """

    column_names: tuple[str, ...]
    _schema: _lowlevel.Schema

    @abstractmethod
    def _arrays(self) -> Iterator[_lowlevel.Array]:
        """All batches, in order."""

    @abstractmethod
    def _require_open(self) -> None:
        """Raise ClosedError where nothing can be read any more."""

    def __arrow_c_schema__(self) -> object:
        """A PyCapsule with an ArrowSchema: types, and the fields' C declarations as metadata."""
        return _lowlevel.schema_capsule(self._schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A PyCapsule with an ArrowArrayStream. The trace may be closed while it is read.

        Raises:
            ClosedError: the trace is closed already. What goes wrong later the consumer raises, as
                its own exception with our text.
        """
        return self._stream().capsule()

    def _stream(self) -> _lowlevel.Stream:
        self._require_open()  # the one error that can be raised as it is, is
        return _lowlevel.Stream(self._schema, self._arrays())

    def batches(self) -> Iterator[RecordBatch]:
        """The rows in batches, so that memory does not follow their number."""
        for array in self._arrays():
            yield RecordBatch(self._schema, array)

    def to_arrow(self) -> pyarrow.Table:
        """As a pyarrow.Table (``pip install 'tracecmd[arrow]'``)."""
        table: pyarrow.Table = self._hand_to(package("pyarrow", "arrow").table)
        return table

    def to_polars(self) -> polars.DataFrame:
        """As a polars.DataFrame (``pip install 'tracecmd[polars]'``)."""
        frame: polars.DataFrame = self._hand_to(package("polars", "polars").DataFrame)
        return frame

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas.DataFrame (``pip install 'tracecmd[pandas]'``)."""
        package("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_numpy(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """As NumPy arrays by column name (``pip install 'tracecmd[numpy]'``).

        Texts and lists are arrays of objects; columns with nulls are masked arrays.
        """
        package("numpy", "numpy")
        from .numpy_arrays import to_numpy  # noqa: PLC0415

        return to_numpy(self._schema, self._arrays())

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        row_group_rows: int = GROUP_ROWS,
    ) -> int:
        """Write a Parquet file (``pip install 'tracecmd[arrow]'``); gives the number of rows.

        Row groups are written as they are read. The file appears under its name when it is whole.
        """
        from ..export import write_parquet  # noqa: PLC0415 - tables start faster without

        return write_parquet(self, path, compression=compression, row_group_rows=row_group_rows)

    def _hand_to(self, consume: Callable[[Any], Any]) -> Any:
        """Let a package consume the stream, and raise what stopped it as it was raised."""
        stream = self._stream()
        try:
            return consume(_Exporter(stream))
        except BaseException:
            if stream.error is not None:
                raise stream.error from None
            raise

    def _repr_html_(self) -> str:
        types = zip(self.column_names, map(type_name, self._schema.formats()), strict=True)
        return grid(repr(self), ("column", "type"), types)

    @abstractmethod
    def without_dictionaries(self) -> Rows:
        """The same with all texts plain."""

    def with_every_field(self) -> Rows:
        """The same with all that rows have and the usual columns leave out."""
        return self
