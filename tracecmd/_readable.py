"""What a file and a session have in common: records that a selection can ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _arguments, errors
from ._html import grid
from ._reading import (
    Names,
    Reader,
    ReadOptions,
    Recording,
    RecordingPart,
    Selection,
    Time,
    read_selected,
    split_part,
)
from ._times import nanoseconds, seconds
from .analysis import Analyses
from .columns import Layout, Table, make_table
from .event import Event
from .report import Profiles

if TYPE_CHECKING:
    import duckdb

__all__ = ["Readable", "Stamp"]

S = TypeVar("S", bound="Readable")
Stamp = tuple[int, int]
"""Size of a file, and ns when it was changed."""


def _reopen(recording: Recording, stamps: tuple[Stamp | None, ...]) -> Readable:
    """Open what was pickled.

    Raises:
        ChangedError: a file is another one than it was.
        TraceError: one cannot be opened.
    """
    opened = recording.open()
    if opened._stamps() != stamps:
        opened.close()
        raise errors.ChangedError(
            "size or time of change is not what it was when this was pickled", path=recording.name
        )
    return opened


class Readable(Analyses, Profiles):
    """An open file or session, whose methods turn their arguments into a selection of it.

    What has a selection already, from elsewhere or from another process, reads it by
    :meth:`_read` and :meth:`_table`.
    """

    _recording: Recording
    _of: Any = None  # the whole that it is a part of; None: it is one itself

    @property
    def _whole(self: S) -> S:
        return self if self._of is None else cast("S", self._of)

    def __getitem__(self: S, window: slice) -> S:
        """The part of it between two times, with all that the whole one has: ``trace["2s":"3s"]``.

        Whatever is asked of a part - records, tables, reports, answers, files written - is asked of
        the records with ``start <= ts < end`` alone, and ``start=`` and ``end=`` narrow it further;
        so does another window, as parts of parts lie in both. Metadata is the whole file's. A part
        shares the open file with the whole: closing one closes the other.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     part = trace["204.9s":"204.919s"]
            ...     [event.ts for event in part.iter("sched_switch")], part.stat().records
            ([204918982669], 17)

        Args:
            window: a slice of two times, each as ``start=`` and ``end=`` take them, or left out:
                whole ns, a text with a unit (s, ms, us, ns), timedelta, datetime,
                numpy.datetime64 or timedelta64, pandas.Timestamp or Timedelta, or a scalar of
                pyarrow. All are on :attr:`Event.ts`'s clock, and so what tables gave out goes
                back in; a length of time counts from where that clock is 0.

        Raises:
            TypeError: it is no slice, or a bound is a float or something else that is no time.
            ValueError: a bound is no time, is finer than ns, or below 0.
        """
        if not isinstance(window, slice) or window.step is not None:
            raise TypeError(f"[{window!r}]; it is cut by times, as ['19.5s':'20s']")
        for name, bound in ("start", window.start), ("end", window.stop):
            if bound is not None and nanoseconds(name, bound) < 0:
                raise ValueError(f"{name}={bound!r}; times are not counted from the end")
        self._require_open()
        part = object.__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._of = self._whole
        part._recording = RecordingPart.of(self._recording, window.start, window.stop)
        part._cut(window)
        return part

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle how it was opened; what is unpickled was opened anew, and is to be closed."""
        self._require_open()
        return _reopen, (self._recording.absolute(), self._stamps())

    def _stamps(self) -> tuple[Stamp | None, ...]:
        """What its files were when they were opened."""
        raise NotImplementedError

    def _rows(self) -> Iterator[tuple[str, object]]:
        """What notebooks show of it, by what that is called."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        try:
            rows = [*self._rows(), *self._time_rows()]
        except errors.TraceError as error:  # closed, or nothing can be read
            rows = [("", error)]
        return grid(repr(self), (), rows)

    def _time_rows(self) -> Iterator[tuple[str, object]]:
        first, last = self.start, self.end
        if first is not None and last is not None:
            yield "first record", f"{seconds(first)} s"
            yield "last record", f"{seconds(last)} s"
            yield "duration", f"{seconds(last - first)} s"

    def _cut(self, window: slice) -> None:
        """Cut what it consists of likewise."""

    def _window_text(self) -> list[str]:
        """What ``repr()`` says of the window that it is."""
        if self._of is None:
            return []
        start, end = split_part(self._recording)[1]
        return [f"from {seconds(start)}" + ("" if end is None else f" to {seconds(end)}")]

    def _readers(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def _answering(self, selection: Selection) -> Sequence[Reader]:
        """The files that an answer is of: on one clock."""
        return self._readers(selection)

    def _read(self, selection: Selection, options: ReadOptions) -> Iterator[Event]:
        """Walk over what is selected."""
        return read_selected(self._readers(selection), selection, options)

    def _table(self, selection: Selection, layout: Layout, options: ReadOptions) -> Table:
        """What is selected, as columns."""
        return make_table(self._readers(selection), selection, layout, options)

    def __iter__(self) -> Iterator[Event]:
        return self._read(Selection(self._recording), ReadOptions())

    @property
    def start(self) -> int | None:
        """Time of the first record of all in ns, on :attr:`Event.ts`'s clock; None without any.

        Takes a page of each CPU, whatever the size of the file; so do :attr:`end` and
        :attr:`duration`. Where time steps back inside a CPU an earlier record can come later.

        Raises:
            TraceError: the data cannot be read.
        """
        return self._edge(reverse=False)

    @property
    def end(self) -> int | None:
        """Time of the last record of all in ns; None without records.

        It is that record's own time: ``iter(end=trace.end)`` ends in front of it.
        """
        return self._edge(reverse=True)

    @property
    def duration(self) -> int | None:
        """Nanoseconds from :attr:`start` to :attr:`end`; None without records."""
        start, end = self.start, self.end
        return None if start is None or end is None else end - start

    def _edge(self, *, reverse: bool) -> int | None:
        self._require_open()
        whole = Selection(self._recording, reverse=reverse)
        first = next(self._read(whole, ReadOptions(batch_rows=1)), None)
        return None if first is None else first.ts

    def duckdb(
        self, *, events: Names = None, start: Time = None, end: Time = None
    ) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with views of all that is recorded (``tracecmd[duckdb]``).

        Each event is a view by its name, and by ``system.name``, which tells those apart that
        share a name; it has the columns of :meth:`table`, of a session ``peer`` besides, and of
        recordings with trace instances ``buffer``. ``records`` is all events together. Answers
        are views as well, as far as their events were recorded: ``tasks``, ``states``,
        ``latency``, ``nr_running``, ``irqs``, ``softirqs``, ``syscalls``, ``markers``,
        ``functions``, ``losses`` and of a session ``timeline``; and so are ``buffers`` and
        ``problems``. Where an event has such a name, ``tracecmd.tasks`` is the answer.

        A query reads what it needs: its events, the columns it names, the CPUs, tasks and values
        it compares with constants, and of large recordings the slices of time that its bounds on
        ``ts`` lie in. What it compares otherwise DuckDB finds out from the rows. The views live
        as long as the file is open. They are this connection's: another thread makes a connection
        of its own by another call, as its ``cursor()`` does not see them.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     con = trace.duckdb(events="sched:*")
            ...     con.sql("SELECT count(*) FROM sched_switch WHERE cpu = 0").fetchall()
            [(7961,)]

        Args:
            events: names of the events to make views of, as for :meth:`iter`; None for all, which
                takes some milliseconds each.
            start, end: times in ns, the window that all views are of; None for no bound.

        Raises:
            MissingPackageError: (an ImportError) duckdb or pyarrow is not installed.
            UnknownEventError: (a KeyError) no event of one of the names.
        """
        from .lazy.database import connect  # noqa: PLC0415 - few want it

        self._require_open()
        part = split_part(self._recording)[1]
        first, last = _arguments.common_window(_arguments.window(start, end), part)
        return connect([(None, self)], _arguments.names("events", events), (first or None, last))

    def _require_open(self) -> None:
        """Raise ClosedError after :meth:`close`."""
        raise NotImplementedError

    def __enter__(self: S) -> S:
        self._require_open()
        return self

    def close(self) -> None:
        """Close all files; a second close is fine."""
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        self.close()
