"""Records as columns, for any consumer of Arrow data.

A :class:`Table` is a question, not its answer: it reads when a consumer asks for its Arrow stream,
batch by batch. Whatever speaks the Arrow PyCapsule interface takes it as it is, without pyarrow:
``polars.DataFrame(table)``, ``pyarrow.table(table)``, ``duckdb.from_arrow(table)``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .. import _lowlevel
from ..packages import package
from .batch import RecordBatch
from .scan import Scan

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

__all__ = ["BATCH_ROWS", "GROUP_ROWS", "Table"]

BATCH_ROWS = 65536
GROUP_ROWS = 1 << 20  # of a Parquet file


class _Exporter:
    """Gives a consumer a stream that we keep an eye on."""

    def __init__(self, stream: _lowlevel.Stream) -> None:
        self._stream = stream

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._stream.capsule()


class Table:
    """Records as columns, read anew whenever a consumer takes its Arrow stream.

    Made by :meth:`tracecmd.Trace.table` and :meth:`tracecmd.Session.table`.

    A name means the same in every table, and what ``event[name]`` gives. The record's own
    columns are ``ts``, ``cpu``, ``common_pid``, ``common_comm``, ``common_flags``,
    ``common_preempt_count``, ``event``, ``system``, ``buffer``, ``peer`` and ``missed_events``;
    the last is how many events were lost since the row before of that CPU and buffer, -1 for an
    unknown number. All other names are of fields: ``pid`` of sched_wakeup is the task that is
    woken. Fields of several events by one name share a column, which is null in rows of events
    without it; ``"sched_wakeup.pid"`` or ``"sched:sched_wakeup.pid"`` is that event's alone. So
    is ``"workqueue_queue_work.cpu"``, as ``cpu`` is the record's own.

    Of one event the usual columns are the first six of these and all of the event's fields; of
    several the first six, ``event``, and the fields that all of them have and declare alike.

    Integers keep width and sign; pointers are uint64, bool is bool; strings are utf8, those of
    fixed length (comm) dictionaries of it; arrays are lists, of fixed size where the field is;
    cpumasks and bitmasks are lists of the numbers of the bits set; arrays of u8, structs,
    fields whose declaration cannot be read, and all else is binary. The stacks of
    ``kernel_stack`` and ``user_stack`` are lists of uint64; the latter have always the 8
    entries recorded, zeros after the last address, as trace-cmd report shows them. ``args`` of
    traced functions are lists of what was in the registers (uint64 of 64-bit kernels), which
    :attr:`Event.args` names. Null is what an event does not have, or what does not lie in its
    record.

    A field of addresses that reports show as functions (:attr:`EventFormat.symbol_fields`) can have
    a column of their names beside it, ``ip_symbol`` of ``ip``: dictionaries of utf8, of stacks
    lists of it (``caller_symbol``). The names are those of :meth:`Trace.symbol`, of each peer's own
    kernel; null is what is not known. Metadata ``symbol_of`` is the field's name. They are there
    with ``symbols=True``, or if asked for by name.

    Enums and flags are integers. The metadata of a field's column (``pyarrow.Field.metadata``,
    also in Parquet and Arrow files) holds ``c_type``, ``offset`` and ``size`` in bytes,
    ``signed`` (0 or 1), and where the print fmt names values ``symbols``, a JSON object from
    value to name, ``{"0": "HI", "1": "TIMER"}``: :attr:`EventFormat.symbols`. Of several
    events, it is there if all that have the field name its values alike.

    Attributes:
        column_names: names of the columns, in order.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     trace.table("irq_handler_exit").column_names[6:]
        ('irq', 'ret')
    """

    def __init__(self, scan: Scan, what: str) -> None:
        self._scan = scan
        self._what = what
        self.column_names = tuple(column.name for column in scan.columns)
        self._schema = scan.schema()  # errors of the question come now, not with the answer

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
        for source in self._scan.sources():  # the one error that can be raised as it is, is
            source.walk.data.require_open()
        return _lowlevel.Stream(self._schema, self._scan.arrays())

    def batches(self) -> Iterator[RecordBatch]:
        """The rows in batches, so that memory does not follow their number."""
        for array in self._scan.arrays():
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

        return to_numpy(self._schema, self._scan.arrays())

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

    def without_dictionaries(self) -> Table:
        """The same with all texts plain."""
        return Table(self._scan._replace(dictionary=False), self._what)

    def __repr__(self) -> str:
        return f"<Table {self._what} columns={len(self.column_names)}>"
