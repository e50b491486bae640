"""The intervals of all vCPUs as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ... import _arguments
from ..._reading import Progress
from ..._texts import valid_utf8
from ...packages import package
from ._interval import Interval
from ._machine import Machine

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ..session import Session


class Timeline:
    """Intervals of all vCPUs; a question that reads whenever it is iterated or turned to columns.

    The intervals of each vCPU cover the host's records from the first to the last, without a gap
    or an overlap, in order of time; those of several vCPUs come as they get known. Memory does
    not depend on the session's size, but for ``to_arrow`` and its like, which hold all rows.
    Made by :meth:`Session.timeline`, which has the arguments.
    """

    def __init__(
        self,
        session: Session,
        *,
        guests: Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Progress = None,
    ) -> None:
        self.session = session
        first, last = _arguments.window(start, end)
        self._guests = _arguments.names("guests", guests)
        self._buffers = _arguments.names("buffers", buffers)
        self._start = None if start is None else first
        self._end = last
        self._progress = progress

    def __iter__(self) -> Iterator[Interval]:
        machine = Machine(
            self.session, guests=self._guests, buffers=self._buffers, progress=self._progress
        )
        for _ in machine.run():
            if self._start is None and self._end is None:
                yield from machine.done
            else:
                yield from map(self._clip, filter(self._wanted, machine.done))
            machine.done.clear()

    def _wanted(self, row: Interval) -> bool:
        return (self._start is None or row.end > self._start) and (
            self._end is None or row.start < self._end
        )

    def _clip(self, row: Interval) -> Interval:
        start = row.start if self._start is None else max(row.start, self._start)
        end = row.end if self._end is None else min(row.end, self._end)
        return row._replace(start=start, end=end)

    def batches(self, rows: int = 65536) -> Iterator[pyarrow.RecordBatch]:
        """Give the rows as pyarrow record batches of at most so many rows."""
        rows = _arguments.number("rows", rows, 1, sys.maxsize)
        arrow = package("pyarrow", "arrow")
        schema = _schema(arrow)
        held: list[Interval] = []
        for interval in self:
            held.append(interval)
            if len(held) >= rows:
                yield _batch(arrow, schema, held)
                held = []
        if held:
            yield _batch(arrow, schema, held)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow table."""
        arrow = package("pyarrow", "arrow")
        return arrow.Table.from_batches(self.batches(), _schema(arrow))

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas data frame."""
        package("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """All rows as a Polars data frame."""
        frame: polars.DataFrame = package("polars", "polars").from_arrow(self.to_arrow())
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface: rows are read as the consumer takes them."""
        arrow = package("pyarrow", "arrow")
        reader = arrow.RecordBatchReader.from_batches(_schema(arrow), self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<Timeline of {len(self.session.vcpus)} vCPUs>"


def _schema(arrow: Any) -> Any:
    return arrow.schema(
        [
            arrow.field("guest", arrow.string(), nullable=False),
            arrow.field("vcpu", arrow.int32(), nullable=False),
            arrow.field("host_pid", arrow.int32(), nullable=False),
            arrow.field("host_cpu", arrow.int32()),
            arrow.field("start", arrow.int64(), nullable=False),
            arrow.field("end", arrow.int64(), nullable=False),
            arrow.field("state", arrow.string(), nullable=False),
            arrow.field("guest_pid", arrow.int32()),
            arrow.field("guest_comm", arrow.string()),
            arrow.field("exit_reason", arrow.string()),
        ]
    )


def _batch(arrow: Any, schema: Any, rows: list[Interval]) -> Any:
    columns = [list(column) for column in zip(*rows, strict=True)]
    for index, field in enumerate(schema):
        if field.type == arrow.string():  # a file's texts may be no UTF-8
            columns[index] = [text and valid_utf8(text) for text in columns[index]]
    arrays = [arrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)
