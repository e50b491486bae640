"""Event formats, their fields, and single events."""

from __future__ import annotations

import difflib
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from . import _lowlevel, errors
from .symbolic import symbols_of

if TYPE_CHECKING:
    from ._records import EventBatch

__all__ = ["Event", "EventFormat", "Events", "Field", "UnknownEventError"]

_ARRAY, _POINTER, _SIGNED, _STRING, _DYNAMIC, _LONG, _RELATIVE = 1, 2, 4, 8, 16, 32, 256

Value = int | str | bytes | list[int]
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
    """

    __slots__ = (
        "_flags", "_plain_end", "array_length", "element_size", "name", "offset", "size", "type",
    )  # fmt: skip

    def __init__(self, info: _lowlevel.FieldInfo) -> None:
        self.name = info.name
        self.type = info.type
        self.offset = info.offset
        self.size = info.size
        self.array_length = info.array_length
        self.element_size = info.element_size
        self._flags = info.flags
        # Of a plain integer, the kind that is asked for most: where it ends.
        plain = not info.flags & (_ARRAY | _DYNAMIC) and info.size in (1, 2, 4, 8)
        self._plain_end = info.offset + info.size if plain else 0

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

    def _extent(self, raw: bytes, byteorder: Literal["little", "big"]) -> tuple[int, int]:
        """Where in a record the value lies: start and end, cut to the record."""
        start, size = self.offset, self.size or len(raw) - self.offset
        if self.is_dynamic:
            word = int.from_bytes(raw[start : start + size], byteorder)
            # High half: length; low half: offset, of __rel_loc from the end of this field.
            base = start + size if self._flags & _RELATIVE else 0
            start, size = base + (word & 0xFFFF), word >> 16
        start = min(start, len(raw))
        return start, min(start + max(size, 0), len(raw))

    def read(self, raw: bytes, byteorder: Literal["little", "big"]) -> Value:
        """Read the field out of a record's payload.

        Integers (also enums, pointers, bool) give an int, strings a str up to their NUL (bytes
        that are no UTF-8 become surrogate escapes), arrays of integers a list, everything else
        its bytes.
        """
        if self._plain_end:
            data = raw[self.offset : self._plain_end]
            return int.from_bytes(data, byteorder, signed=bool(self._flags & _SIGNED))
        start, end = self._extent(raw, byteorder)
        data = raw[start:end]
        if self.is_string:
            return data.split(b"\0", 1)[0].decode(errors="surrogateescape")
        if not self.is_array:
            return data
        width = self.element_size
        if width not in (1, 2, 4, 8):
            return data
        return [
            int.from_bytes(data[i : i + width], byteorder, signed=self.is_signed)
            for i in range(0, len(data) - width + 1, width)
        ]

    def __repr__(self) -> str:
        return f"<Field {self.type} {self.name}>"


class EventFormat:
    """The format of one event: tracefs ``events/SYSTEM/NAME/format``.

    Attributes:
        system: the event system, e.g. ``sched``.
        name: the event's name, e.g. ``sched_switch``.
        id: its number in this recording, the records' ``common_type``.
        print_fmt: the kernel's print format.
        fields_failed: whether a field could not be read; those before it are there.
    """

    def __init__(self, metadata: _lowlevel.Metadata, info: _lowlevel.EventInfo) -> None:
        self._metadata = metadata
        self._info = info
        self.system = info.system
        self.name = info.name
        self.id = info.id
        self.print_fmt = info.print_fmt
        self.fields_failed = info.fields_failed

    @cached_property
    def common_fields(self) -> tuple[Field, ...]:
        """The fields that records of all events begin with."""
        found = self._metadata.fields(self._info.place, 0, self._info.common_count)
        return tuple(map(Field, found))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The event's own fields by name, in the kernel's order."""
        first, count = self._info.common_count, self._info.field_count
        found = self._metadata.fields(self._info.place, first, count)
        return {info.name: Field(info) for info in found}

    @cached_property
    def symbols(self) -> Mapping[str, Mapping[int, str]]:
        """Names of values by field: of enums and flags, as the print fmt has them.

        ``trace.events["tick_stop"].symbols["dependency"]`` gives ``{0: "NONE", 1: "POSIX_TIMER",
        ...}``; fields without names are not in it. Tables hold such fields as integers, and these
        names in the metadata of their columns.
        """
        return symbols_of(self.print_fmt)

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
            raise KeyError(unknown_name(f"field of {self}", name, self._all_fields)) from None

    def __str__(self) -> str:
        return f"{self.system}:{self.name}"

    def __repr__(self) -> str:
        return f"<EventFormat {self} id={self.id} fields={self._info.field_count}>"


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
            index = self._metadata.event_of_id(number) if number < 1 << 31 else None
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
        pid: the task that ran then: ``common_pid``.
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
        """Read a field; see :meth:`Field.read` for the types.

        Raises:
            KeyError: the event has no such field.
        """
        reader = self._batch.reader_of(self._index)
        found = reader.events.by_id(self.id)
        if found is None:
            raise KeyError(f"event {self.id} has no format in this file, so no field {name!r}")
        return found.field(name).read(self.raw, reader.byteorder)

    def fields(self) -> dict[str, Value]:
        """All of the event's own fields by name; {} if the file does not know the event."""
        found = self.format
        if found is None:
            return {}
        raw, order = self.raw, self._batch.reader_of(self._index).byteorder
        return {name: field.read(raw, order) for name, field in found.fields.items()}

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
