"""The formats of events and their fields."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Literal, TypeVar, overload

from . import _arguments, _lowlevel, errors
from ._texts import unknown_field, unknown_name
from .symbolic import ValueNames, symbols_of, values_of

__all__ = [
    "EventFormat",
    "Events",
    "Field",
    "UnknownEventError",
    "UnknownFieldError",
    "parse_format",
]

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
        array_length: number of elements; 0 if it is not an array, or one of unknown length.
        element_size: size of an element in bytes, 0 if unknown.
        is_signed, is_array, is_string, is_pointer, is_dynamic: what the type says. A dynamic
            field (``__data_loc``, ``__rel_loc``) says where in the record its value is.
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
        the record. :class:`Table` has the details.
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
            not even say its place.
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
        infos = self._metadata.fields(place, first, count)
        return [Field(info, partial(make, index)) for index, info in enumerate(infos, first)]

    @cached_property
    def common_fields(self) -> tuple[Field, ...]:
        """The fields that records of all events begin with."""
        return tuple(self._fields(0, self._info.common_count))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The event's own fields by name, in the kernel's order."""
        by_name: dict[str, Field] = {}
        for field in self._fields(self._info.common_count, self._info.field_count):
            by_name.setdefault(field.name, field)
        return by_name

    @cached_property
    def symbols(self) -> Mapping[str, Mapping[int, str]]:
        """Names of values by field: of enums and flags, as the print fmt has them.

        ``trace.events["tick_stop"].symbols["dependency"]`` gives ``{0: "NONE", 1: "POSIX_TIMER",
        ...}``; fields without names are not in it. Tables hold such fields as integers, and these
        names in the metadata of their columns.
        """
        return symbols_of(self._value_names)

    @property
    def place(self) -> int:
        """Its place in the order of the file."""
        return self._info.place

    @cached_property
    def symbol_fields(self) -> frozenset[str]:
        """Names of the fields that are addresses of the kernel's code, or of its other symbols.

        Those that reports show by name: with ``%pS`` in the print fmt, and the tracers' own
        (``ip``, ``parent_ip``, ``func``, ``caller``). :meth:`Trace.table` can name them, too.
        """
        every = [
            *self.common_fields,
            *self._fields(self._info.common_count, self._info.field_count),
        ]
        shown = self._metadata.symbol_fields(self._info.place, len(every))
        return frozenset(
            field.name for field, is_shown in zip(every, shown, strict=True) if is_shown
        )

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
            KeyError: there is no such field; near names are suggested.
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


def parse_format(text: str | bytes, *, system: str = "", long_size: int = 8) -> EventFormat:
    """Read an event's format text, of no file: tracefs ``events/SYSTEM/NAME/format``.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     texts = {each.system: each.text for each in trace.event_formats}
        >>> form = tracecmd.parse_format(texts["sched"], system="sched")
        >>> form.fields["pid"].read(bytes(24) + (18).to_bytes(4, "big"), "big")
        18

    Args:
        text: as the kernel gives it; bytes are read as they are in files.
        system: the event system, which the text does not say.
        long_size: size of the kernel's ``long`` in bytes, 4 or 8. Its byte order is for
            :meth:`Field.read` to know.

    Raises:
        CorruptError: (a ValueError) it has no name or no ID. Fields that cannot be read are as in
            files: :attr:`EventFormat.fields_failed`.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
    """
    if not isinstance(text, str | bytes):
        raise TypeError(f"text={text!r}; it is a text, or bytes")
    if not isinstance(system, str):
        raise TypeError(f"system={system!r}; it is a text")
    if _arguments.whole("long_size", long_size) not in (4, 8):
        raise ValueError(f"long_size={long_size}; it is 4 or 8")
    raw = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    metadata = _lowlevel.Metadata.of_format(system, raw, long_size)
    return EventFormat(metadata, metadata.events()[0])


class UnknownEventError(errors.TraceError, KeyError):
    """The file knows no event of that name."""

    __str__ = errors.TraceError.__str__


class UnknownFieldError(errors.TraceError, KeyError):
    """None of the events has a field of that name."""

    __str__ = errors.TraceError.__str__


class Events(Mapping[str, EventFormat]):
    """All events the file has formats of: a mapping from name to :class:`EventFormat`.

    A name is ``"sched_switch"``, or with its system ``"sched:sched_switch"`` or
    ``"sched/sched_switch"``. Iteration gives full names, ``system:name``.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     trace.events["kvm_exit"].fields["isa"]
        <Field u32 isa>
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
        form = self._find(name)
        if form is None:
            names = dict.fromkeys(n for f in self._formats for n in (f.name, str(f)))
            raise UnknownEventError(unknown_name("event", name, names), path=self._metadata.path)
        return form

    def __contains__(self, name: object) -> bool:
        """Whether there is such an event; unlike a failing look-up this makes no suggestions."""
        return isinstance(name, str) and self._find(name) is not None

    @overload
    def get(self, name: str, /) -> EventFormat | None: ...
    @overload
    def get(self, name: str, /, default: EventFormat | T) -> EventFormat | T: ...
    def get(self, name: str, /, default: EventFormat | T | None = None) -> EventFormat | T | None:
        """The event of that name, or default; unlike a failing look-up without suggestions."""
        form = self._find(name)
        return default if form is None else form

    def by_id(self, number: int) -> EventFormat | None:
        """The format of records with this id; None if the file has none."""
        try:
            return self._by_id[number]
        except KeyError:
            index = self._metadata.event_of_id(number) if 0 <= number < 1 << 31 else None
            form = None if index is None else self._formats[index]
            return self._by_id.setdefault(number, form)

    def matching(self, pattern: str) -> list[EventFormat]:
        """The events whose name fits one with wildcards, alone or behind its system's."""
        system, _, event = pattern.replace("/", ":").rpartition(":")
        return [
            form
            for form in self._formats
            if fnmatch.fnmatchcase(form.name, event or "*")
            and fnmatch.fnmatchcase(form.system, system or "*")
        ]

    def select(self, pattern: str) -> list[EventFormat]:
        """All events that a name stands for: one event, or with wildcards what they fit.

        ``sched:*`` is a whole system, ``sched:sched_w*`` what begins so, ``*:sys_enter`` and
        ``sys_enter`` the event of every system that has it.

        Raises:
            UnknownEventError: (a KeyError) none.
        """
        system, _, event = pattern.replace("/", ":").rpartition(":")
        selected = [f for f in self._formats if f.name == event and system in ("", f.system)]
        return selected or (self.matching(pattern) if pattern else []) or [self[pattern]]

    def __iter__(self) -> Iterator[str]:
        return map(str, self._formats)

    def __len__(self) -> int:
        return len(self._formats)

    def _ipython_key_completions_(self) -> list[str]:
        return list(dict.fromkeys(name for f in self._formats for name in (f.name, str(f))))

    def __repr__(self) -> str:
        systems = len({f.system for f in self._formats})
        return f"<Events: {len(self)} of {systems} systems>"
