"""Columns of the core's batches as Python's own arrays: no other package, no loop over rows."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import compress
from typing import NamedTuple

from .. import _lowlevel
from .._texts import one_line, valid_utf8

__all__ = ["Batch", "Column", "batches_of"]

# Arrow's formats as type codes of array; texts are indices of a dictionary.
_CODES = {"i": "i", "I": "I", "l": "q", "L": "Q", "u": "i", "z": "i"}


class Column(NamedTuple):
    """Some rows of a column.

    Attributes:
        values: numbers, or places in ``texts``; where it is null anything.
        valid: for each row a byte, 0 where it is null; None: none is.
        texts: the texts, each in one line; None: it is one of numbers.
    """

    values: array[int]
    valid: bytes | None
    texts: tuple[str, ...] | None

    def place(self, text: str) -> int:
        """Where a text is among the texts; -1: it is not."""
        return self.texts.index(text) if self.texts and text in self.texts else -1

    def among(self, wanted: Container[str]) -> bytes:
        """For each row of texts a byte, 1 where it has one of some."""
        fits = bytes(text in wanted for text in self.texts or ("",))
        return bytes(map(fits.__getitem__, self.values))

    def keep(self, mask: bytes) -> Column:
        """The rows of which a mask's byte is not 0."""
        valid = None if self.valid is None else bytes(compress(self.valid, mask))
        values = array(self.values.typecode, compress(self.values, mask))
        return Column(values, valid, self.texts)


Batch = Mapping[str, Column]


def batches_of(
    schema: _lowlevel.Schema,
    arrays: Iterable[_lowlevel.Array],
    names: Iterable[str],
    only: tuple[str, Container[str]] | None = None,
) -> Iterator[Batch]:
    """Columns by name; ``only`` leaves the rows where a column has one of some texts."""
    places = {name: place for place, name in enumerate(schema.names())}
    formats = schema.formats()
    wanted = [(name, places[name], formats[places[name]]) for name in names]
    for each in arrays:
        batch = {name: _column(each.column(place), form) for name, place, form in wanted}
        if only is not None:
            mask = batch[only[0]].among(only[1])
            batch = {name: column.keep(mask) for name, column in batch.items()}
        yield batch


def _column(memory: _lowlevel.Memory, form: str) -> Column:
    rows = memory.length
    values = array(_CODES["L" if form == "tsn:" else form])
    values.frombytes(memory.copy(1, rows * values.itemsize))
    dictionary = memory.dictionary()
    texts = None
    if dictionary is not None:
        texts = tuple(one_line(valid_utf8(text)) for text in dictionary.plain(form))
    valid = None
    if memory.null_count:
        bits = int.from_bytes(memory.copy(0, (rows + 7) // 8), "little") & ((1 << rows) - 1)
        valid = f"{bits:0{rows}b}"[::-1].encode().translate(_BITS)
        values = _without_nulls(values, valid)
    return Column(values, valid, texts)


_BITS = bytes.maketrans(b"01", b"\x00\x01")


def _without_nulls(values: array[int], valid: bytes) -> array[int]:
    """0 in the place of nulls, so that no value there is any text's place."""
    return array(values.typecode, map(int.__mul__, values, valid))
