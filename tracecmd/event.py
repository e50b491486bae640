"""Event formats, their fields, and single events."""

from __future__ import annotations

import difflib
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from . import _lowlevel, errors
from .symbolic import ValueNames, symbols_of, values_of

if TYPE_CHECKING:
    from ._records import EventBatch
    from .btf import Arguments

__all__ = ["Event", "EventFormat", "Events", "Field", "UnknownEventError"]

_ARRAY, _POINTER, _SIGNED, _STRING, _DYNAMIC, _OPAQUE = 1, 2, 4, 8, 16, 65536

Value = _lowlevel.Value
T = TypeVar("T")


class Field:
    """A field of an event's records: struct tep_format_field of libtraceevent.

    Attributes:
        name: its name.
        type: its C type, as libtraceevent spells it, e.g. ``char[16]``.
        offset: place in the record, in bytes.
        size: size in bytes; 0 if it reaches to the record's end.
        array_length: number of elements; 0 if it is no array, or one of unknown length.
        element_size: size of an element in bytes, 0 if unknown.
        is_signed, is_array, is_string, is_pointer, is_dynamic: what the type says. A dynamic
            field (``__data_loc``, ``__rel_loc``) tells where in the record its value is.
        is_opaque: whether the declaration cannot be read (``int (*f)(void)``, ``u8 m[2][3]``): its
            value is its bytes, and ``type`` the whole declaration.
    """

    def __init__(
        self, info: _lowlevel.FieldInfo, make_reader: Callable[[], _lowlevel.FieldReader]
    ) -> None:
        self.name = info.name
        self.type = info.type
        self.offset = info.offset
        self.size = info.size
        self.array_length = info.array_length
        self.element_size = info.element_size
        self._flags = info.flags
        self._make_reader = make_reader

    @property
    def is_signed(self) -> bool:
        """Whether integers in it are signed."""
        return bool(self._flags & _SIGNED)

    @property
    def is_array(self) -> bool:
        """Whether it is an array, strings included."""
        return bool(self._flags & _ARRAY)

    @property
    def is_string(self) -> bool:
        """Whether it is an array of characters."""
        return bool(self._flags & _STRING)

    @property
    def is_pointer(self) -> bool:
        """Whether it is an address."""
        return bool(self._flags & _POINTER)

    @property
    def is_dynamic(self) -> bool:
        """Whether the record says where its value is and how long."""
        return bool(self._flags & _DYNAMIC)

    @property
    def is_opaque(self) -> bool:
        """Whether its declaration cannot be read."""
        return bool(self._flags & _OPAQUE)

    @cached_property
    def _reader(self) -> _lowlevel.FieldReader:
        return self._make_reader()

    def read(self, raw: bytes, byteorder: Literal["little", "big"]) -> Value:
        """Read the field out of a record's payload: what a table's column of it has.

        Integers (also enums and pointers) give an int, bool a bool, strings a str up to their NUL
        (bytes that are no UTF-8 become surrogate escapes; tables have U+FFFD for them), arrays of
        integers and bitmasks a list, everything else its bytes. None is what does not lie within
        the record. :meth:`Trace.table` has the details.
        """
        return self._reader.value(raw, byteorder == "big")

    def __repr__(self) -> str:
        return f"<Field {self.type}>" if self.is_opaque else f"<Field {self.type} {self.name}>"


class EventFormat:
    """The format of one event: tracefs ``events/SYSTEM/NAME/format``.

    Attributes:
        system: the event system, e.g. ``sched``.
        name: the event's name, e.g. ``sched_switch``.
        id: its number in this recording, the records' ``common_type``.
        print_fmt: the kernel's print format.
        fields_failed: whether a field could not be read. It is opaque, or missing if its line does
            not even tell its place.
    """

    def __init__(self, metadata: _lowlevel.Metadata, info: _lowlevel.EventInfo) -> None:
        self._metadata = metadata
        self._info = info
        self.system = info.system
        self.name = info.name
        self.id = info.id
        self.print_fmt = info.print_fmt
        self.fields_failed = info.fields_failed
        self._readers: dict[str, _lowlevel.FieldReader] = {}  # those asked for, by name

    def _fields(self, first: int, count: int) -> list[Field]:
        place = self._info.place
        make = partial(_lowlevel.FieldReader.of_field, self._metadata, place)
        found = self._metadata.fields(place, first, count)
        return [Field(info, partial(make, index)) for index, info in enumerate(found, first)]

    @cached_property
    def common_fields(self) -> tuple[Field, ...]:
        """The fields that records of all events begin with."""
        return tuple(self._fields(0, self._info.common_count))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The event's own fields by name, in the kernel's order."""
        found: dict[str, Field] = {}
        for field in self._fields(self._info.common_count, self._info.field_count):
            found.setdefault(field.name, field)
        return found

    @cached_property
    def symbols(self) -> Mapping[str, Mapping[int, str]]:
        """Names of values by field: of enums and flags, as the print fmt has them.

        ``trace.events["tick_stop"].symbols["dependency"]`` gives ``{0: "NONE", 1: "POSIX_TIMER",
        ...}``; fields without names are not in it. Tables hold such fields as integers, and these
        names in the metadata of their columns.
        """
        return symbols_of(self._value_names)

    @cached_property
    def _value_names(self) -> list[ValueNames]:
        """The same list by list of the print fmt."""
        every = self._metadata.fields(
            self._info.place, 0, self._info.common_count + self._info.field_count
        )
        lists = self._metadata.value_lists(self._info.place)
        return values_of(lists, {info.name: info for info in every})

    @cached_property
    def _all_fields(self) -> dict[str, Field]:
        return {field.name: field for field in self.common_fields} | dict(self.fields)

    def has_field(self, name: str) -> bool:
        """Whether :meth:`field` finds one of that name."""
        return name in self._all_fields

    def field(self, name: str) -> Field:
        """Find a field, the event's own or a common one.

        Raises:
            KeyError: there is none of that name; near names are suggested.
        """
        try:
            return self._all_fields[name]
        except KeyError:
            raise KeyError(unknown_field(f"field of {self}", name, self._all_fields)) from None

    def qualified(self, name: str) -> Field | None:
        """Its own field of a name like ``"sched_wakeup.pid"`` or ``"sched:sched_wakeup.pid"``.

        None if the name is of another event, or there is no such field.
        """
        for event in (self.name, str(self), f"{self.system}/{self.name}"):
            if name.startswith(event) and name[len(event) : len(event) + 1] == ".":
                return self.fields.get(name[len(event) + 1 :])
        return None

    def _reader_of(self, name: str) -> _lowlevel.FieldReader:
        """How to read a field, by its name or its qualified name; not one of the record's own."""
        field = self._all_fields.get(name) or self.qualified(name)
        if field is None:
            raise KeyError(unknown_field(f"field of {self}", name, self._all_fields))
        reader = self._readers[name] = field._reader
        return reader

    def __str__(self) -> str:
        return f"{self.system}:{self.name}"

    def __repr__(self) -> str:
        return f"<EventFormat {self} id={self.id} fields={self._info.field_count}>"


OLD_NAMES = ("pid", "comm", "flags", "preempt_count")
"""Names of fields of many events. The record's own have ``common_`` before them."""


_NAMES_LOOKED_AT = 10_000
_NAMES_COMPARED = 100
_LONGEST_NAME = 100


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the names that name may have been meant to be, the nearest first.

    difflib takes ten microseconds a name, and more for long ones, of which a file may have a
    million: it is asked only about those of similar length that share most letters.
    """
    if len(name) > _LONGEST_NAME:
        return []
    letters = set(name)
    similar = (
        other
        for other in itertools.islice(known, _NAMES_LOOKED_AT)
        if abs(len(other) - len(name)) <= len(name) // 2 + 1
    )
    likely = heapq.nlargest(_NAMES_COMPARED, similar, key=lambda o: len(letters.intersection(o)))
    return difflib.get_close_matches(name, likely, n=3)


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    near = near_names(name, known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"no {what} is named {name!r}{hint}"


def unknown_field(what: str, name: str, known: Iterable[str]) -> str:
    if name in OLD_NAMES:
        return f"no {what} is named {name!r}; the record's own is 'common_{name}'"
    return unknown_name(what, name, known)


class UnknownEventError(errors.TraceError, KeyError):
    """The file knows no event of that name."""

    __str__ = errors.TraceError.__str__


class Events(Mapping[str, EventFormat]):
    """All events the file has formats of: a mapping from name to :class:`EventFormat`.

    A name is ``"sched_switch"``, or with its system ``"sched:sched_switch"`` or
    ``"sched/sched_switch"``. Iteration gives full names, ``system:name``.
    """

    def __init__(self, metadata: _lowlevel.Metadata) -> None:
        self._metadata = metadata
        self._formats = [EventFormat(metadata, info) for info in metadata.events()]
        self._by_id: dict[int, EventFormat | None] = {}

    def _find(self, name: str) -> EventFormat | None:
        system, _, event = name.replace("/", ":").rpartition(":")
        index = self._metadata.event_of_name(system, event)
        return None if index is None else self._formats[index]

    def __getitem__(self, name: str) -> EventFormat:
        found = self._find(name)
        if found is None:
            names = dict.fromkeys(n for f in self._formats for n in (f.name, str(f)))
            raise UnknownEventError(unknown_name("event", name, names), path=self._metadata.path)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is such an event; unlike a failing look-up this makes no suggestions."""
        return isinstance(name, str) and self._find(name) is not None

    @overload
    def get(self, name: str, /) -> EventFormat | None: ...
    @overload
    def get(self, name: str, /, default: EventFormat | T) -> EventFormat | T: ...
    def get(self, name: str, /, default: EventFormat | T | None = None) -> EventFormat | T | None:
        """The event of that name, or default; unlike a failing look-up without suggestions."""
        found = self._find(name)
        return default if found is None else found

    def by_id(self, number: int) -> EventFormat | None:
        """The format of records with this id; None if the file has none."""
        try:
            return self._by_id[number]
        except KeyError:
            index = self._metadata.event_of_id(number) if 0 <= number < 1 << 31 else None
            found = None if index is None else self._formats[index]
            return self._by_id.setdefault(number, found)

    def select(self, pattern: str) -> list[EventFormat]:
        """All events that a name stands for: one event, or with ``sched:*`` a whole system.

        Raises:
            UnknownEventError: (a KeyError) none.
        """
        system, _, event = pattern.replace("/", ":").rpartition(":")
        if event in ("", "*") and system:
            found = [f for f in self._formats if f.system == system]
        else:
            found = [f for f in self._formats if f.name == event and system in ("", f.system)]
        return found or [self[pattern]]

    def __iter__(self) -> Iterator[str]:
        return map(str, self._formats)

    def __len__(self) -> int:
        return len(self._formats)

    def __repr__(self) -> str:
        systems = len({f.system for f in self._formats})
        return f"<Events: {len(self)} of {systems} systems>"


class Event:
    """One record of the ring buffer.

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
        found = self.format
        return found.system if found else ""

    @property
    def name(self) -> str:
        """The event's name, "" if the file does not know the event."""
        found = self.format
        return found.name if found else ""

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

    def fields(self) -> dict[str, Value]:
        """All of the event's own fields by name; {} if the file does not know the event."""
        found = self.format
        if found is None:
            return {}
        return {name: self._read(field) for name, field in found.fields.items()}

    def _read(self, field: Field) -> Value:
        return self._batch.value(self._index, field._reader)

    def text(self, *, kernel: bool = False) -> str:
        """What trace-cmd report prints of the event behind its name.

        Functions are not indented, and entries of the function graph stand alone: one event does
        not know the others.

        Args:
            kernel: evaluate the print format as C does, and so as the kernel's own ``trace`` file;
                else as libtraceevent.
        """
        reader = self._batch.reader_of(self._index)
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
