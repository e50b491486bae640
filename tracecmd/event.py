"""Single records of the ring buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ._lowlevel import Value
from ._texts import unknown_field
from .text_makers import text_of

if TYPE_CHECKING:
    from ._reading.event_batch import EventBatch
    from .btf import Arguments
    from .events import EventFormat, Field

__all__ = ["RECORD_NAMES", "Event", "EventFields"]


class EventFields(Mapping[str, Value]):
    """The own fields of an event by name, in the kernel's order; each is read when asked for.

    Names are those of the format, ``fields["pid"]`` the event's even where it has a ``cpu``, too.
    """

    __slots__ = ("_event", "_format")

    def __init__(self, event: Event, format: EventFormat | None) -> None:
        self._event = event
        self._format = format

    def __getitem__(self, name: str) -> Value:
        form = self._format
        field = None if form is None else form.fields.get(name)
        if field is None:
            raise KeyError(
                unknown_field(f"field of {form or 'an unknown event'}", name, list(self))
            )
        return self._event._read(field)

    def __contains__(self, name: object) -> bool:
        return self._format is not None and name in self._format.fields

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __iter__(self) -> Iterator[str]:
        return iter(() if self._format is None else self._format.fields)

    def __len__(self) -> int:
        return 0 if self._format is None else len(self._format.fields)

    def __repr__(self) -> str:
        return repr(dict(self))


class Event:
    """One record of the ring buffer.

    ``dict(event)`` gives all that :meth:`keys` names, ``dict(event.fields)`` the event's fields.
    Its attributes, and what is in its payload, stay good after the trace is closed; names of
    tasks, events and fields have to be asked for before.

    Attributes:
        ts: time stamp in ns, on the trace's clock with its offsets, as trace-cmd report's.
        cpu: the CPU it was recorded on.
        pid: the task that ran then: ``common_pid``. An event's own field of that name, such as
            sched_wakeup's, is ``event["pid"]``.
        id: number of the event's format: ``common_type``; 0xffffffff if the record is too short.
        missed_events: how many events were lost on this CPU before it; -1: an unknown number.
    """

    __slots__ = ("_batch", "_index", "cpu", "id", "missed_events", "pid", "ts")

    def __init__(
        self, ts: int, cpu: int, pid: int, id: int, missed: int, batch: EventBatch, index: int
    ) -> None:
        self.ts = ts
        self.cpu = cpu
        self.pid = pid
        self.id = id
        self.missed_events = missed
        self._batch = batch
        self._index = index

    @property
    def size(self) -> int:
        """Size of the payload in bytes."""
        return self._batch.rows.size[self._index]

    @property
    def raw(self) -> bytes:
        """The payload: common fields, the event's own, padding."""
        rows = self._batch.rows
        end = rows.payload_end[self._index]
        return rows.payload[end - rows.size[self._index] : end]

    @property
    def offset(self) -> int | None:
        """Where :attr:`raw` begins in the file; None if it is compressed there, so nowhere.

        :meth:`Trace.read_at` finds the record again by it.
        """
        return self._batch.rows.offset(self._index)

    @property
    def buffer(self) -> str:
        """Name of the trace instance, "" for the top buffer."""
        return self._batch.buffer_of(self._index)

    @property
    def peer(self) -> str:
        """Whose record it is in a session: ``"host"`` or the guest's name; "" outside of one."""
        return self._batch.reader_of(self._index).peer

    @property
    def flags(self) -> int | None:
        """``common_flags``; None if this kernel's records have none."""
        return self._batch.common_value(self._index, "flags")

    @property
    def preempt_count(self) -> int | None:
        """``common_preempt_count``; None if this kernel's records have none."""
        return self._batch.common_value(self._index, "preempt_count")

    @property
    def comm(self) -> str:
        """Name of the task: of the saved command lines; ``<...>`` if unknown, 0 is ``<idle>``."""
        return self._batch.reader_of(self._index).comm(self.pid)

    @property
    def format(self) -> EventFormat | None:
        """The event's format; None if the file has none for its id."""
        return self._batch.reader_of(self._index).events.by_id(self.id)

    @property
    def system(self) -> str:
        """The event system, "" if the file does not know the event."""
        form = self.format
        return form.system if form else ""

    @property
    def name(self) -> str:
        """The event's name, "" if the file does not know the event."""
        form = self.format
        return form.name if form else ""

    def __getitem__(self, name: str) -> Value:
        """Read a field, or what is the record's own: what a table's column of that name has.

        See :meth:`Field.read` for the types. The record's own are ``ts``, ``cpu``, ``common_pid``,
        ``common_comm``, ``common_flags``, ``common_preempt_count``, ``event``, ``system``,
        ``buffer``, ``peer`` and ``missed_events``. ``"sched_wakeup.pid"`` is that event's field.

        Raises:
            KeyError: the event has no such field; or it has one by a name of the record's own
                (workqueue_queue_work's ``cpu``), which then has to be
                ``"workqueue_queue_work.cpu"``.
        """
        batch = self._batch
        form = batch.reader_of(self._index).events.by_id(self.id)
        if form is not None:
            reader = form._readers.get(name)
            if reader is not None:
                return batch.value(self._index, reader)
        return self._find(name, form)

    def _find(self, name: str, form: EventFormat | None) -> Value:
        """What is not a field that was asked for before."""
        own = RECORD_NAMES.get(name)
        if own is None:
            if form is None:
                raise KeyError(f"event {self.id} has no format in this file, so no field {name!r}")
            return self._batch.value(self._index, form._reader_of(name))
        if form is not None and name in form.fields:
            raise KeyError(
                f"{name!r} is the record's own as well as a field of {form}: "
                f"ask for '{form.name}.{name}', or for the event's attribute"
            )
        return own(self)

    @property
    def fields(self) -> EventFields:
        """All of the event's own fields by name; empty if the file does not know the event.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     dict(trace.at(0, "sched_waking").fields)
        {'comm': 'rcu_preempt', 'pid': 19, 'prio': 120, 'target_cpu': 0}
        """
        return EventFields(self, self.format)

    def keys(self) -> list[str]:
        """The names that ``event[name]`` takes: the record's own, then the event's fields.

        A field by a name of the record's own stands under its longer name,
        ``"workqueue_queue_work.cpu"``; what it hides is an attribute, :attr:`cpu`.
        """
        form = self.format
        fields = () if form is None else tuple(form.fields)
        return [name for name in RECORD_NAMES if name not in fields] + [
            f"{form.name}.{name}" if form is not None and name in RECORD_NAMES else name
            for name in fields
        ]

    def _ipython_key_completions_(self) -> list[str]:
        return self.keys()

    def _read(self, field: Field) -> Value:
        return self._batch.value(self._index, field._reader)

    @property
    def args(self) -> Arguments | list[int] | None:
        """What a traced function was called with, where that was recorded.

        Of ``function``, ``funcgraph_entry`` and ``fgraph_retaddr_entry`` (``record -p function -O
        func-args``, ``-O funcgraph-args``). By the names of the parameters, as
        :meth:`Btf.arguments` has them, where the file tells how the function is called. Else the
        list of what was in the registers for arguments, however many the function has: the same as
        the field ``args``, which tables have as a list of unsigned numbers. None where they were
        not recorded, and of all other events.
        """
        form = self.format
        if form is None or form.system != "ftrace" or "args" not in form.fields:
            return None
        words, address = self[f"{form.name}.args"], self._called(form)
        if not isinstance(words, list) or not words or address is None:
            return None
        reader = self._batch.reader_of(self._index)
        function = reader.symbols.find(address) if reader.btf else None
        if reader.btf is None or function is None:
            return words
        found = reader.btf.arguments(function[0], words)
        return words if found is None else found

    def _called(self, form: EventFormat) -> int | None:
        """The address of the function that a record of a function tracer is about."""
        name = next((name for name in ("ip", "func") if name in form.fields), None)
        address = None if name is None else self[f"{form.name}.{name}"]
        return address if isinstance(address, int) else None

    def text(self, *, kernel: bool = False, custom: bool = True) -> str:
        """What trace-cmd report prints of the event after its name.

        Functions are not indented, and entries of the function graph stand alone: one event does
        not know the others.

        Args:
            kernel: evaluate the print format as C does, and so as the kernel's own ``trace`` file;
                else as libtraceevent.
            custom: let functions of :meth:`Trace.set_text` make it, if there is one for the event.

        Raises:
            TypeError: such a function gave what is not a text; and whatever it raised.
        """
        reader = self._batch.reader_of(self._index)
        texts = reader.makers.texts
        if custom and texts:
            form = self.format
            function = None if form is None else texts.get(form.place)
            if function is not None:
                return text_of(function, self)
        stream = self._batch.stream_of(self._index)
        return reader.text(self.raw, stream, self.ts, kernel=kernel)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        seconds, ns = divmod(self.ts, 10**9)
        name = self.name or f"id {self.id}"
        return f"<Event {seconds}.{ns:09d} [{self.cpu:03d}] {self.comm}-{self.pid} {name}>"


RECORD_NAMES: Mapping[str, Callable[[Event], Value]] = {
    "ts": lambda event: event.ts,
    "cpu": lambda event: event.cpu,
    "common_pid": lambda event: event.pid,
    "common_comm": lambda event: event.comm,
    "common_flags": lambda event: event.flags,
    "common_preempt_count": lambda event: event.preempt_count,
    "event": lambda event: event.name if event.format else None,
    "system": lambda event: event.system if event.format else None,
    "buffer": lambda event: event.buffer,
    "peer": lambda event: event.peer,
    "missed_events": lambda event: event.missed_events,
}
"""What is the record's own, whatever its event: the same names in events, tables and exports."""
