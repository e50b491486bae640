"""Names of values: what print fmts say of enums and flags, __print_symbolic() and its like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._lowlevel import FieldInfo, ValueList

__all__ = ["ValueNames", "symbols_of", "value_of", "values_of"]

_SIGNED, _POINTER = 4, 2  # of enum trc_field_flag


class ValueNames(NamedTuple):
    """One list of a print fmt.

    Attributes:
        field: whose values they are.
        mask: which bits of it are looked up; None for all.
        condition: where the list is the choice of ``(REC->field == value) ?``, these two.
        names: by value, as the field has it; of a value with two names the first, as when it is
            printed.
    """

    field: str
    mask: int | None
    condition: tuple[str, int] | None
    names: Mapping[int, str]


def value_of(number: int, size: int, *, signed: bool) -> int | None:
    """A 64-bit constant as a field of so many bytes can have it; None if it cannot."""
    bits = 8 * size
    if number >> 63:
        number -= 1 << 64
    if not -(1 << bits - 1) <= number < 1 << bits:
        return None
    number &= (1 << bits) - 1
    return number - (1 << bits) if signed and number >> bits - 1 else number


def values_of(lists: Iterable[ValueList], fields: Mapping[str, FieldInfo]) -> list[ValueNames]:
    """The lists of a print fmt that are of a field which is one integer."""
    named = []
    for each in lists:
        field = fields.get(each.field)
        if field is None or field.array_length or field.size not in (1, 2, 4, 8):
            continue
        signed = bool(field.flags & _SIGNED) and not field.flags & _POINTER
        names: dict[int, str] = {}
        for number, name in each.names:
            value = value_of(number, field.size, signed=signed)
            if value is not None:
                names.setdefault(value, name)
        top = (1 << 8 * field.size) - 1
        mask = None if each.mask & top == top else each.mask & top
        named.append(ValueNames(each.field, mask, each.condition, names))
    return named


def symbols_of(lists: Iterable[ValueNames]) -> dict[str, dict[int, str]]:
    """The names of values by field.

    A field that several lists name has the values of all of them. A value that has different names
    under different conditions (the exit reasons of VMX and SVM) has none by itself.
    """
    symbols: dict[str, dict[int, str]] = {}
    origin: dict[tuple[str, int], tuple[str, int] | None] = {}
    unclear: set[tuple[str, int]] = set()
    for each in lists:
        names = symbols.setdefault(each.field, {})
        for value, name in each.names.items():
            key = each.field, value
            if names.setdefault(value, name) == name:
                origin.setdefault(key, each.condition)
            elif origin[key] != each.condition:
                unclear.add(key)
    for field, value in unclear:
        del symbols[field][value]
    return {field: names for field, names in symbols.items() if names}
