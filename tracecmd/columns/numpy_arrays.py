"""Batches to NumPy arrays, without any other package. Arrow, "Physical memory layout"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _lowlevel

__all__ = ["to_numpy"]

Values = np.ndarray[Any, Any]
_NUMBERS = {"c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8",
            "tsn:": "M8[ns]", "tsn:UTC": "M8[ns]", "tDn": "m8[ns]"}  # fmt: skip


def _offsets(memory: _lowlevel.Memory) -> list[int]:
    return np.frombuffer(memory.copy(1, 4 * (memory.length + 1)), "i4").tolist()  # type: ignore[no-any-return]


def _objects(values: list[Any]) -> Values:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _bytes_like(memory: _lowlevel.Memory, text: bool) -> Values:
    ends = _offsets(memory)
    data = memory.copy(2, ends[-1])
    pieces: list[Any] = [data[a:b] for a, b in itertools.pairwise(ends)]
    return _objects([piece.decode() for piece in pieces] if text else pieces)


def _list(memory: _lowlevel.Memory, element: str) -> Values:
    ends = _offsets(memory)
    values = _column(memory.child(), element)
    if isinstance(values, np.ma.MaskedArray):  # of texts only
        values = values.filled(None)
    array = np.empty(memory.length, object)
    for i in range(memory.length):
        array[i] = values[ends[i] : ends[i + 1]]
    return array


def _plain(memory: _lowlevel.Memory, form: str) -> Values:
    kind, _, element = form.partition(" ")
    rows = memory.length
    if kind in _NUMBERS:
        dtype = np.dtype(_NUMBERS[kind])
        return np.frombuffer(memory.copy(1, rows * dtype.itemsize), dtype)
    if kind == "b":
        bits = np.frombuffer(memory.copy(1, (rows + 7) // 8), "u1")
        return np.unpackbits(bits, count=rows, bitorder="little").astype(bool)
    if kind == "+l":
        return _list(memory, element)
    if kind.startswith("+w:"):
        length = int(kind[3:])
        return _plain(memory.child(), element).reshape(rows, length)
    if kind.startswith("w:"):
        width = int(kind[2:])
        return np.frombuffer(memory.copy(1, rows * width), f"V{width}")
    return _bytes_like(memory, kind == "u")


def _column(memory: _lowlevel.Memory, form: str) -> Values:
    rows = memory.length
    dictionary = memory.dictionary()
    if dictionary is None:
        values = _plain(memory, form)
    else:
        texts = _plain(dictionary, form)
        indices = np.frombuffer(memory.copy(1, 4 * rows), "i4")
        values = texts[indices] if len(texts) else np.full(rows, None, object)
    if not memory.null_count:
        return values
    valid = np.unpackbits(
        np.frombuffer(memory.copy(0, (rows + 7) // 8), "u1"), count=rows, bitorder="little"
    ).astype(bool)
    mask = ~valid
    if values.ndim > 1:
        mask = np.broadcast_to(mask[:, None], values.shape)
    return np.ma.MaskedArray(values, mask)


def _join(parts: list[Values]) -> Values:
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return np.ma.concatenate(parts)  # type: ignore[no-any-return,no-untyped-call]
    return np.concatenate(parts)


def _empty(form: str) -> Values:
    kind, _, element = form.partition(" ")
    if kind in _NUMBERS:
        return np.empty(0, _NUMBERS[kind])
    if kind == "b":
        return np.empty(0, bool)
    if kind.startswith("+w:"):
        return np.empty((0, int(kind[3:])), _NUMBERS[element])
    if kind.startswith("w:"):
        return np.empty(0, f"V{kind[2:]}")
    return np.empty(0, object)


def to_numpy(schema: _lowlevel.Schema, arrays: Iterable[_lowlevel.Array]) -> dict[str, Values]:
    """All rows, by column name."""
    names, forms = schema.names(), schema.formats()
    parts: list[list[Values]] = [[] for _ in names]
    for array in arrays:
        for index, form in enumerate(forms):
            parts[index].append(_column(array.column(index), form))
    return {
        name: _join(part) if part else _empty(form)
        for name, part, form in zip(names, parts, forms, strict=True)
    }
