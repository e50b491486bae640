"""struct trc_field_reader: a field's values in records, as Python objects."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Literal

from ._arrow import Array, Schema
from ._base import ENCODING_ERRORS, check, ffi, lib
from ._data import Payloads
from ._metadata import Metadata

Value = int | str | bytes | list[int] | None
"""What a field's value can be; None where it does not lie within its record."""

_Convert = Callable[[Any], "list[Value]"]  # of a struct ArrowArray

_ERROR = ffi.typeof("struct trc_error *")
_INTEGERS = {
    form: ffi.typeof(f"{name} *")
    for form, name in {
        "c": "int8_t", "C": "uint8_t", "s": "int16_t", "S": "uint16_t",
        "i": "int32_t", "I": "uint32_t", "l": "int64_t", "L": "uint64_t",
    }.items()
}  # fmt: skip


def _unpack(kind: Any, pointer: Any, count: int) -> list[Any]:
    values: list[Any] = ffi.unpack(ffi.cast(kind, pointer), count)
    return values


def _numbers(kind: Any) -> _Convert:
    return lambda array: _unpack(kind, array.buffers[1], array.length)


def _bools(array: Any) -> list[Any]:
    bits = int.from_bytes(ffi.buffer(array.buffers[1], (array.length + 7) // 8), "little")
    return [bool(bits >> row & 1) for row in range(array.length)]


def _ends(array: Any) -> list[int]:
    return _unpack(_INTEGERS["i"], array.buffers[1], array.length + 1)


def _binary(array: Any) -> list[Any]:
    ends = _ends(array)
    data = bytes(ffi.buffer(array.buffers[2], ends[-1]))
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def _texts(array: Any) -> list[Any]:
    return [piece.decode(errors=ENCODING_ERRORS) for piece in _binary(array)]


def _fixed_binary(width: int) -> _Convert:
    def convert(array: Any) -> list[Any]:
        data = bytes(ffi.buffer(array.buffers[1], width * array.length))
        return [data[width * row : width * (row + 1)] for row in range(array.length)]

    return convert


def _lists(elements: _Convert) -> _Convert:
    def convert(array: Any) -> list[Any]:
        values = elements(array.children[0])
        return [values[start:end] for start, end in itertools.pairwise(_ends(array))]

    return convert


def _fixed_lists(length: int, elements: _Convert) -> _Convert:
    def convert(array: Any) -> list[Any]:
        values = elements(array.children[0])
        return [values[length * row : length * (row + 1)] for row in range(array.length)]

    return convert


def _converter(schema: Any) -> _Convert:
    """Choose by Arrow's format strings: arrow.apache.org, "The Arrow C data interface"."""
    form = ffi.string(schema.format).decode()
    if form in _INTEGERS:
        return _numbers(_INTEGERS[form])
    if form == "+l":
        return _lists(_converter(schema.children[0]))
    if form.startswith("+w:"):
        return _fixed_lists(int(form[3:]), _converter(schema.children[0]))
    if form.startswith("w:"):
        return _fixed_binary(int(form[2:]))
    return {"b": _bools, "u": _texts, "z": _binary}[form]


class FieldReader:
    """struct trc_field_reader: does not need the file, and may be used by several threads."""

    def __init__(self, pointer: Any, path: str) -> None:
        self._pointer = ffi.gc(pointer, lib.trc_field_reader_destroy)
        self._path = path
        err = ffi.new("struct trc_error *")
        schema = Schema()
        check(lib.trc_field_reader_schema(pointer, schema._struct, err), err, path)
        self._convert = _converter(schema._struct)

    @classmethod
    def of_field(cls, metadata: Metadata, event: int, index: int) -> FieldReader:
        """Of field number index of event number event, common ones first."""
        err = ffi.new("struct trc_error *")
        out = ffi.new("struct trc_field_reader **")
        with metadata as pointer:
            check(lib.trc_field_reader_create(pointer, event, index, out, err), err, metadata.path)
        return cls(out[0], metadata.path)

    @classmethod
    def of_common(cls, metadata: Metadata, kind: Literal["flags", "preempt_count"]) -> FieldReader:
        """Of ``common_flags`` or ``common_preempt_count``, in records of all events."""
        err = ffi.new("struct trc_error *")
        out = ffi.new("struct trc_field_reader **")
        number = {"flags": lib.TRC_COLUMN_FLAGS, "preempt_count": lib.TRC_COLUMN_PREEMPT_COUNT}[
            kind
        ]
        with metadata as pointer:
            check(lib.trc_common_reader_create(pointer, number, out, err), err, metadata.path)
        return cls(out[0], metadata.path)

    def values(
        self, payloads: Payloads, first: int, count: int, event_id: int, big_endian: bool
    ) -> list[Value]:
        """The field in rows first to first + count; None in those of other events."""
        err, batch = ffi.new(_ERROR), Array()
        array = batch._struct
        code = lib.trc_field_reader_values(
            self._pointer, payloads.struct, first, count, event_id, big_endian, array, err
        )
        check(code, err, self._path)
        converted = self._convert(array)
        if array.null_count:
            valid = int.from_bytes(ffi.buffer(array.buffers[0], (count + 7) // 8), "little")
            converted = [v if valid >> row & 1 else None for row, v in enumerate(converted)]
        return converted

    def value(self, payload: bytes, big_endian: bool) -> Value:
        """The field in one record."""
        err, batch = ffi.new(_ERROR), Array()
        array = batch._struct
        code = lib.trc_field_reader_value(
            self._pointer, payload, len(payload), big_endian, array, err
        )
        check(code, err, self._path)
        return None if array.null_count else self._convert(array)[0]
