"""struct trc_metadata: event formats, and the names of processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ._base import ENCODING_ERRORS, check, decode, ffi, lib
from ._file import File
from ._handle import Handle


class EventInfo(NamedTuple):
    """struct trc_event_info, with its place in the file's order."""

    place: int
    system: str
    name: str
    id: int
    print_fmt: str
    common_count: int
    field_count: int
    fields_failed: bool


class FieldInfo(NamedTuple):
    """struct trc_field_info."""

    name: str
    type: str
    offset: int
    size: int
    array_length: int
    element_size: int
    flags: int


class ValueList(NamedTuple):
    """struct trc_value_list, with its values and their names."""

    field: str  # "": of what is worked out otherwise
    mask: int
    condition: tuple[str, int] | None
    bits: bool  # of __print_flags()
    names: list[tuple[int, str]]


class Metadata(Handle):
    """struct trc_metadata of one file."""

    def __init__(self, file: File) -> None:
        super().__init__(file.path)
        held = self._hold(file)
        err = ffi.new("struct trc_error *")
        check(lib.trc_check(held, err), err, self.path)
        self._create("trc_metadata", lib.trc_metadata_create, held)

    @classmethod
    def of_format(cls, system: str, text: bytes, long_size: int) -> Metadata:
        """That of one format text, of no file."""
        made = cls.__new__(cls)
        Handle.__init__(made, "format text")
        raw = system.encode(errors=ENCODING_ERRORS)
        made._create(
            "trc_metadata", lib.trc_metadata_create_of_format, raw, len(raw), text, len(text),
            long_size,
        )  # fmt: skip
        return made

    def problems(self) -> Sequence[Exception]:
        """What is wrong in it and was passed over."""
        return self._own_problems(lib.trc_metadata_problem_count, lib.trc_metadata_problem)

    def kernel_long_size(self) -> int:
        """Size of a ``long`` in records, that of a sub-buffer's commit; 0 if it is not known."""
        with self as metadata:
            out = ffi.new("struct trc_page_layout *")
            failed = lib.trc_page_layout(metadata, out, ffi.NULL)
            return 0 if failed else int(out.commit_size)

    def events(self) -> list[EventInfo]:
        with self as metadata:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_event_info *")
            events = []
            for index in range(lib.trc_event_count(metadata)):
                check(lib.trc_event(metadata, index, out, err), err, self.path)
                events.append(
                    EventInfo(
                        index,
                        decode(out.system, out.system_size),
                        decode(out.name, out.name_size),
                        out.id,
                        decode(out.print_fmt, out.print_fmt_size),
                        out.common_count,
                        out.field_count,
                        bool(out.state & lib.TRC_EVENT_FIELDS_FAILED),
                    )
                )
            return events

    def print_fmt_failed(self, event: int, flags: int) -> bool:
        """Whether a report with these REPORT_FLAGS cannot understand an event's print fmt."""
        with self as metadata:
            err = ffi.new("struct trc_error *")
            failed = ffi.new("int *")
            code = lib.trc_event_check_print_fmt(metadata, event, flags, failed, err)
            check(code, err, self.path)
            return bool(failed[0])

    def value_lists(self, event: int) -> list[ValueList]:
        """Names of values, list by list of an event's print fmt."""
        with self as metadata:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_value_names **")
            check(lib.trc_value_names_create(metadata, event, out, err), err, self.path)
            names = ffi.gc(out[0], lib.trc_value_names_destroy)
            info = ffi.new("struct trc_value_list *")
            lists: list[ValueList] = []
            while not lib.trc_value_list(names, len(lists), info, ffi.NULL):
                condition = decode(info.condition, info.condition_size)
                lists.append(
                    ValueList(
                        decode(info.field, info.field_size),
                        info.mask,
                        (condition, info.condition_value) if condition else None,
                        bool(info.flags & lib.TRC_VALUE_LIST_BITS),
                        self._names(names, len(lists), info.count),
                    )
                )
            return lists

    @staticmethod
    def _names(names: Any, index: int, count: int) -> list[tuple[int, str]]:
        value, text, size = ffi.new("uint64_t *"), ffi.new("const char **"), ffi.new("size_t *")
        pairs = []
        for entry in range(count):
            lib.trc_value_name(names, index, entry, value, text, size, ffi.NULL)
            pairs.append((value[0], decode(text[0], size[0])))
        return pairs

    def symbol_fields(self, event: int, count: int) -> list[bool]:
        """Of each of an event's fields, the common ones first, whether it is an address of code."""
        with self as metadata:
            shown, err = ffi.new("uint8_t[]", count), ffi.new("struct trc_error *")
            check(lib.trc_event_symbol_fields(metadata, event, shown, count, err), err, self.path)
            return [bool(each) for each in shown]

    def event_of_id(self, number: int) -> int | None:
        """Index of the event that records with this id are of, as libtraceevent finds it."""
        with self as metadata:
            out = ffi.new("size_t *")
            failed = lib.trc_event_find_id(metadata, number, out, ffi.NULL)
            return None if failed else int(out[0])

    def event_of_name(self, system: str, name: str) -> int | None:
        """Index of an event by name; system "" stands for any."""
        with self as metadata:
            out = ffi.new("size_t *")
            s, n = system.encode(errors="surrogateescape"), name.encode(errors="surrogateescape")
            failed = lib.trc_event_find(metadata, s, len(s), n, len(n), out, ffi.NULL)
            return None if failed else int(out[0])

    def fields(self, event: int, first: int, count: int) -> list[FieldInfo]:
        """Fields first to first + count of an event: its common ones come first."""
        with self as metadata:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_field_info *")
            fields = []
            for index in range(first, first + count):
                check(lib.trc_event_field(metadata, event, index, out, err), err, self.path)
                fields.append(self._field(out))
            return fields

    @staticmethod
    def _field(out: Any) -> FieldInfo:
        return FieldInfo(
            decode(out.name, out.name_size),
            decode(out.type, out.type_size),
            out.offset,
            out.size,
            out.array_length,
            out.element_size,
            out.flags,
        )

    def comms(self) -> list[tuple[int, str]]:
        """PID and name of all processes that the saved command lines have, by PID."""
        with self as metadata:
            pid, text, size = ffi.new("int32_t *"), ffi.new("const char **"), ffi.new("size_t *")
            comms = []
            for index in range(lib.trc_comm_count(metadata)):
                lib.trc_comm_at(metadata, index, pid, text, size, ffi.NULL)
                comms.append((pid[0], decode(text[0], size[0])))
            return comms

    def comm(self, pid: int) -> str:
        with self as metadata:
            text, size = ffi.new("const char **"), ffi.new("size_t *")
            lib.trc_comm(metadata, pid, text, size)
            return decode(text[0], size[0])
