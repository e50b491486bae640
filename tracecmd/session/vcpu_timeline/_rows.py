"""The core's batches as plain values, row by row, without any other package."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import Any

from ... import _lowlevel

__all__ = ["rows_of"]

_NUMBERS = {"i": ("i", 4), "I": ("I", 4), "l": ("q", 8), "L": ("Q", 8), "z": ("i", 4)}
"""Arrow's formats in the letters of struct; ``z`` are indices of texts."""


def _column(memory: _lowlevel.Memory, form: str) -> list[Any]:
    """The values of a column; ``form`` is Arrow's format of it, or of its dictionary."""
    count = memory.length
    letter, width = _NUMBERS[form]
    values: list[Any] = list(struct.unpack(f"={count}{letter}", memory.copy(1, width * count)))
    dictionary = memory.dictionary()
    if dictionary is not None:
        texts = _texts(dictionary)
        values = [texts[value] for value in values] if texts else [None] * count
    if memory.null_count:
        bits = int.from_bytes(memory.copy(0, (count + 7) // 8), "little")
        valid = f"{bits:0{count}b}"[::-1]
        values = [v if ok == "1" else None for v, ok in zip(values, valid, strict=False)]
    return values


def _texts(memory: _lowlevel.Memory) -> list[str]:
    count = memory.length + 1
    ends = struct.unpack(f"={count}i", memory.copy(1, 4 * count))
    data = memory.copy(2, ends[-1])
    return [data[a:b].decode(errors="surrogateescape") for a, b in itertools.pairwise(ends)]


def rows_of(array: _lowlevel.Array, formats: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a batch whose texts are dictionaries of bytes as they are."""
    columns = [_column(array.column(index), form) for index, form in enumerate(formats)]
    return zip(*columns, strict=True)
