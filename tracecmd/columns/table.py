"""Records as columns, for any consumer of Arrow data.

A :class:`Table` is a question, not its answer: it reads when a consumer asks for its Arrow stream,
batch by batch. Whatever speaks the Arrow PyCapsule interface takes it as it is, without pyarrow:
``polars.DataFrame(table)``, ``pyarrow.table(table)``, ``duckdb.from_arrow(table)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .. import _lowlevel
from .._reading import Window, cut_windows
from .choice import EveryField
from .rows import BATCH_ROWS, GROUP_ROWS, Rows
from .scan import Scan

__all__ = ["BATCH_ROWS", "GROUP_ROWS", "Table"]

BATCH_VALUES = 1 << 21  # nulls included, where every field of every event has a column
MIN_ROWS = 64


class Table(Rows):
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
        fields_of: of :meth:`with_every_field`, else None.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     trace.table("irq_handler_exit").column_names[6:]
        ('irq', 'ret')
    """

    def __init__(
        self, scan: Scan, what: str, every_field: Callable[[], EveryField] | None = None
    ) -> None:
        self._scan = scan
        self._what = what
        self._every_field = every_field
        self.fields_of: Mapping[str, Mapping[str, str]] | None = None
        self.column_names = tuple(column.name for column in scan.columns)
        self._schema = scan.schema()  # errors of the question come now, not with the answer

    def _arrays(self) -> Iterator[_lowlevel.Array]:
        return self._scan.arrays()

    def _require_open(self) -> None:
        for source in self._scan.sources():
            source.walk.data.require_open()

    def without_dictionaries(self) -> Table:
        """The same with all texts plain."""
        return Table(self._scan._replace(dictionary=False), self._what, self._every_field)

    def windows(self, size: int) -> list[Window]:
        """Windows of time of about so many bytes of records each; one if it cannot be cut."""
        return cut_windows(self._scan.request._replace(threads=2, backwards=False), size)

    @property
    def is_rising(self) -> bool:
        """Whether time never steps back in what is read."""
        sources = self._scan.request.sources
        return all(source.reader.data.is_monotone(source.stream) for source in sources)

    def carried_into(self, windows: Sequence[Window]) -> list[tuple[int, ...]]:
        """For :meth:`carrying`: by stream, the losses that tables of these windows do not have.

        Without a column ``missed_events`` there are none; with it, that takes a pass over the
        records.
        """
        return self._scan.carried_into(windows)

    def carrying(self, missed: tuple[int, ...]) -> Table:
        """The same, with losses from before its window told of its first rows."""
        return Table(self._scan._replace(carried=missed), self._what)

    def with_every_field(self) -> Table:
        """Of several events with the usual columns: the same with all fields of all of them.

        Each has a column of its own, ``system:event.field``, which :attr:`fields_of` tells by
        event, with its name in a table of that event alone. Any other table stays as it is.
        """
        if self._every_field is None:
            return self
        every = self._every_field()
        request = self._scan.request
        rows = max(MIN_ROWS, min(request.batch_size, BATCH_VALUES // len(every.columns)))
        scan = self._scan._replace(
            columns=tuple(every.columns), request=request._replace(batch_size=rows)
        )
        table = Table(scan, self._what)
        table.fields_of = every.names
        return table

    def __repr__(self) -> str:
        return f"<Table {self._what} columns={len(self.column_names)}>"
