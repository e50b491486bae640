"""What the fields of the host's events say: decoders by event format, and names of exit reasons."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

from ...events import EventFormat
from ...symbolic import ValueNames

__all__ = ["exit_reasons", "integers"]

Decode = Callable[[bytes, int, int], "tuple[int, ...] | None"]

_LETTERS = {1: "b", 2: "h", 4: "i", 8: "q"}
_REASON_FIELDS = ("exit_reason", "exit_nr", "ret", "reason", "scause")


def integers(
    form: EventFormat, names: tuple[str, ...], byteorder: Literal["little", "big"]
) -> Decode | None:
    """Make a function that reads some integers out of a payload: decode(data, start, end).

    It gives None where the record is too short. None if the format lacks one of the fields.
    """
    fields = []
    for name in names:
        field = form.fields.get(name)
        if field is None or field.is_array or field.is_dynamic or field.size not in _LETTERS:
            return None
        fields.append(field)
    order = sorted(range(len(fields)), key=lambda i: fields[i].offset)
    layout, end = "<" if byteorder == "little" else ">", 0
    for i in order:
        field = fields[i]
        if field.offset < end:
            return None
        letter = _LETTERS[field.size]
        layout += f"{field.offset - end}x" + (letter if field.is_signed else letter.upper())
        end = field.offset + field.size
    packed = struct.Struct(layout)
    unpack, size = packed.unpack_from, packed.size
    if order == list(range(len(fields))):

        def decode(data: bytes, start: int, stop: int) -> tuple[int, ...] | None:
            return unpack(data, start) if stop - start >= size else None

        return decode
    places = [order.index(i) for i in range(len(fields))]

    def reorder(data: bytes, start: int, stop: int) -> tuple[int, ...] | None:
        if stop - start < size:
            return None
        values = unpack(data, start)
        return tuple([values[place] for place in places])

    return reorder


class _Names:
    """The lists of a print fmt: by field, and for x86 by instruction set."""

    def __init__(self, form: EventFormat) -> None:
        self._lists: dict[tuple[str, int | None], ValueNames] = {}
        for each in form._value_names:
            isa = each.condition[1] if each.condition and each.condition[0] == "isa" else None
            self._lists.setdefault((each.field, isa), each)

    def get(self, field: str, value: int, isa: int | None = None) -> str | None:
        names = self._lists.get((field, isa)) or self._lists.get((field, None))
        if names is None:
            return None
        return names.names.get(value if names.mask is None else value & names.mask)


def exit_reasons(
    form: EventFormat, byteorder: Literal["little", "big"]
) -> Callable[[bytes, int, int], str] | None:
    """Make a function that names the reason of a kvm_exit, as its print fmt does.

    A reason without a name is its number, "?" one that the record is too short for. None if the
    format has no field for it.
    """
    field = next((name for name in _REASON_FIELDS if name in form.fields), None)
    if field is None:
        return None
    second = "isa" if "isa" in form.fields else "esr_ec" if "esr_ec" in form.fields else field
    decode = integers(form, (field, second) if second != field else (field,), byteorder)
    if decode is None:
        return None
    names = _Names(form)
    known: dict[tuple[int, ...], str] = {}

    def name(values: tuple[int, ...]) -> str:
        value = values[0]
        if second == "isa":
            return names.get(field, value, values[1]) or str(value)
        text = names.get(field, value) or str(value)
        if second == "esr_ec" and text == "TRAP":  # arm64: the syndrome says why
            return names.get(second, values[1]) or f"{text} {values[1]:#x}"
        return text

    def read(data: bytes, start: int, stop: int) -> str:
        values = decode(data, start, stop)
        if values is None:
            return "?"
        try:
            return known[values]
        except KeyError:
            if len(known) > 4096:  # numbers of a damaged file
                known.clear()
            return known.setdefault(values, name(values))

    return read
