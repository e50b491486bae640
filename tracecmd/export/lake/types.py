"""One schema for an event of many kernels and architectures: types that hold all values.

A type is only ever widened to one that has every value of both: ``int32`` and ``int64`` become
``int64``, ``uint32`` and ``int32`` as well, ``uint64`` and ``int64`` a decimal of 20 digits. What
has no such type, as a number and a text, becomes a text. pyarrow's types are used throughout.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ..writer import pyarrow

__all__ = ["arrow", "cast", "plain", "unify", "widen"]


@functools.cache
def arrow() -> Any:
    """The module pyarrow; looked up once, as it is asked for with every column."""
    return pyarrow()


def plain(kind: Any) -> Any:
    """A type as files of a lake have it: no dictionaries, no lists of fixed length."""
    pa = arrow()
    types = pa.types
    if types.is_dictionary(kind):
        return plain(kind.value_type)
    if types.is_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(plain(kind.value_type))
    return pa.binary() if types.is_fixed_size_binary(kind) else kind


def _integers(a: Any, b: Any) -> Any:
    pa = arrow()
    if pa.types.is_unsigned_integer(a) == pa.types.is_unsigned_integer(b):
        return a if a.bit_width >= b.bit_width else b
    unsigned, signed = (a, b) if pa.types.is_unsigned_integer(a) else (b, a)
    width = max(2 * unsigned.bit_width, signed.bit_width)
    return {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}.get(width) or pa.decimal128(20, 0)


def _is_whole(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_integer(kind) or types.is_decimal(kind) or types.is_boolean(kind))


def widen(a: Any, b: Any) -> Any:
    """The narrowest type that holds what both do."""
    pa = arrow()
    types = pa.types
    a, b = plain(a), plain(b)
    if a == b or types.is_null(b):
        return a
    if types.is_null(a):
        return b
    if types.is_integer(a) and types.is_integer(b):
        return _integers(a, b)
    if _is_whole(a) and _is_whole(b):  # decimals hold all integers, integers both booleans
        if types.is_decimal(a) or types.is_decimal(b):
            return pa.decimal128(20, 0)
        return b if types.is_boolean(a) else a
    if types.is_list(a) and types.is_list(b):
        return pa.list_(widen(a.value_type, b.value_type))
    return pa.string()


def unify(schemas: Iterable[Any]) -> Any:
    """One schema with the columns of all, in the order they come up."""
    pa = arrow()
    kinds: dict[str, Any] = {}
    for schema in schemas:
        for field in schema:
            kind = plain(field.type)
            kinds[field.name] = widen(kinds[field.name], kind) if field.name in kinds else kind
    return pa.schema(list(kinds.items()))


def _text(value: Any) -> Any:
    """A value as text: bytes in hexadecimal, lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | Decimal):
        return _plain_text(value)
    return json.dumps(value, default=_plain_text)


def _plain_text(value: bytes | Decimal) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def cast(column: Any, kind: Any) -> Any:
    """The column with another type that :func:`widen` gave for it; lossless."""
    pa = arrow()
    types = pa.types
    if column.type == kind:
        return column
    if types.is_boolean(column.type) and types.is_decimal(kind):
        column = column.cast(pa.int8())
    if types.is_string(kind) and not types.is_string(plain(column.type)):
        return pa.array([_text(value) for value in column.to_pylist()], kind)
    if types.is_list(kind) and types.is_string(kind.value_type):
        return pa.array(
            [None if v is None else [_text(each) for each in v] for v in column.to_pylist()], kind
        )
    return column.cast(kind)
