"""The intervals of all vCPUs as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ... import _arguments, _lowlevel
from ..._reading import Progress, Time, reporter, split_part
from ...columns.batch import RecordBatch
from ...columns.rows import BATCH_ROWS, Rows
from ...packages import package
from ._interval import Interval
from ._question import NOTHING, Question
from ._rows import rows_of
from ._unknown import VCpuUnknown, sum_up_unknown

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ..session import Session


ITERATED_ROWS = 4096


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
        start: Time = None,
        end: Time = None,
        progress: Progress = None,
    ) -> None:
        self.session = session
        part = split_part(session._recording)[1]
        first, last = _arguments.common_window(_arguments.window(start, end), part)
        self._guests = _arguments.names("guests", guests)
        self._buffers = _arguments.names("buffers", buffers)
        self._start = first or None
        self._end = last
        self._progress = reporter(progress)

    def _question(self, *, raw_values: bool = False) -> Question:
        question = Question.of(self.session, guests=self._guests, buffers=self._buffers)
        asked = question.asked._replace(first=self._start, last=self._end, raw_values=raw_values)
        return question._replace(asked=asked)

    def __iter__(self) -> Iterator[Interval]:
        question = self._question(raw_values=True)
        formats = question.schema().formats()
        for array in question.arrays(ITERATED_ROWS, self._progress):
            yield from map(Interval._make, rows_of(array, formats))

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[pyarrow.RecordBatch]:
        """Give the rows as pyarrow record batches of at most so many rows."""
        rows = _arguments.number("rows", rows, 1, sys.maxsize)
        arrow = package("pyarrow", "arrow")
        question = self._question()
        schema = question.schema()
        for array in question.arrays(rows, self._progress):
            batch = arrow.record_batch(RecordBatch(schema, array))
            for first in range(0, batch.num_rows, rows):  # the end may bring more
                yield batch.slice(first, rows)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow table."""
        return _Columns(self).to_arrow()

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas data frame."""
        return _Columns(self).to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """All rows as a Polars data frame."""
        return _Columns(self).to_polars()

    def unknown(self) -> tuple[VCpuUnknown, ...]:
        """How long it is unknown what vCPUs did, and which tasks they ran, and why.

        In the order of :attr:`Session.vcpus`, what they did before what they ran, of each the
        reason of the most time first. Only time of the timeline's window counts.
        """
        return sum_up_unknown(self._question(), self._progress)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface: rows are read as the consumer takes them."""
        return _Columns(self).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<Timeline of {len(self.session.vcpus)} vCPUs>"


class _Columns(Rows):
    """The same for consumers of Arrow data."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._schema = NOTHING.schema()
        self.column_names = tuple(self._schema.names())

    def _arrays(self) -> Iterator[_lowlevel.Array]:
        timeline = self._timeline
        return timeline._question().arrays(BATCH_ROWS, timeline._progress)

    def _require_open(self) -> None:
        self._timeline.session._require_open()

    def without_dictionaries(self) -> _Columns:
        """There are none."""
        return self
