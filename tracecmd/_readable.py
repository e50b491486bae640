"""What a file and a session have in common: records that a selection can ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from . import _arguments
from ._reading import Names, Reader, ReadOptions, Recording, Selection, read_selected
from .analysis import Analyses
from .columns import Layout, Table, make_table
from .event import Event
from .report import Profiles

if TYPE_CHECKING:
    import duckdb

__all__ = ["Readable"]

S = TypeVar("S", bound="Readable")


class Readable(Analyses, Profiles):
    """An open file or session, whose methods turn their arguments into a selection of it.

    What has a selection already, from elsewhere or from another process, reads it by
    :meth:`_read` and :meth:`_table`.
    """

    _recording: Recording

    def _readers(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

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
        self, *, events: Names = None, start: int | None = None, end: int | None = None
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
        first, last = _arguments.window(start, end)
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
