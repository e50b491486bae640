"""Arrow's structs, and their way out: the Arrow PyCapsule interface."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from typing import Any, Literal

from .. import _lifetime
from ._base import check, ffi, lib

# Arrow's integers: letters of struct, and sizes.
_INTEGERS = {"c": ("b", 1), "C": ("B", 1), "s": ("h", 2), "S": ("H", 2), "i": ("i", 4),
             "I": ("I", 4), "l": ("q", 8), "L": ("Q", 8),
             "tsn:": ("q", 8), "tsn:UTC": ("q", 8), "tDn": ("q", 8)}  # fmt: skip

Times = Literal["timestamp", "duration", "uint64", "wall"]
"""What columns of times are, all in ns."""


def time_flags(what: str, ts: Times) -> int:
    """The flag of enum trc_columns_flags or trc_analysis_flags that asks for it."""
    names = {"uint64": "UINT64", "duration": "DURATION", "wall": "UTC"}
    return int(getattr(lib, f"TRC_{what}_{names[ts]}_TS")) if ts in names else 0


class Schema:
    """A struct ArrowSchema: what each column is."""

    def __init__(self) -> None:
        """Make an empty one, for the core to fill."""
        self._capsule, address = _lifetime.schema()  # owns the struct
        self._struct = ffi.cast("struct ArrowSchema *", address)

    def copy(self) -> Schema:
        """Make another one, for a consumer to own."""
        schema = Schema()
        err = ffi.new("struct trc_error *")
        check(lib.trc_schema_copy(self._struct, schema._struct, err), err, "schema")
        return schema

    def names(self) -> list[str]:
        """Names of the columns."""
        struct = self._struct
        return [
            ffi.string(struct.children[i].name).decode(errors="surrogateescape")
            for i in range(struct.n_children)
        ]

    def formats(self) -> list[str]:
        """Arrow's format strings of the columns: of a dictionary that of its values, of a list
        with that of its elements."""
        formats = []
        for index in range(self._struct.n_children):
            child = self._struct.children[index]
            text = ffi.string((child.dictionary or child).format).decode()
            if child.n_children:
                item = child.children[0]
                text += " " + ffi.string((item.dictionary or item).format).decode()
            formats.append(text)
        return formats


class Array:
    """A struct ArrowArray: one batch. Empty after a consumer took it."""

    def __init__(self) -> None:
        """Make an empty one, for the core to fill."""
        self._capsule, address = _lifetime.array()  # owns the struct
        self._struct = ffi.cast("struct ArrowArray *", address)

    @property
    def is_filled(self) -> bool:
        """Whether there is a batch in it."""
        return bool(self._struct.release)

    @property
    def length(self) -> int:
        """Number of rows."""
        return int(self._struct.length) if self.is_filled else 0

    def column(self, index: int) -> Memory:
        """One column."""
        return Memory(self, self._struct.children[index])

    def values(self, index: int, form: str) -> list[Any]:
        """A column of integers, booleans or texts as Python values, None for null."""
        memory = self.column(index)
        values = memory.plain(form)
        if memory.null_count:
            valid = memory.copy(0, (memory.length + 7) // 8)
            values = [
                value if valid[row >> 3] >> (row & 7) & 1 else None
                for row, value in enumerate(values)
            ]
        return values

    def add_missed(self, index: int, row: int, missed: int) -> None:
        """Count more losses before a row, in a column of kind ``missed_events``."""
        values = ffi.cast("int64_t *", self._struct.children[index].buffers[1])
        own = values[row]
        values[row] = -1 if own < 0 or missed < 0 else min(own + missed, (1 << 63) - 1)


class Memory:
    """A struct ArrowArray below a batch, to copy from. It keeps the batch, unless that is taken."""

    def __init__(self, batch: Array, struct: Any) -> None:
        self._batch = batch
        self._struct = struct
        self.length: int = struct.length
        self.null_count: int = struct.null_count

    def copy(self, buffer: int, size: int) -> bytes:
        """Copy the first bytes of a buffer."""
        return bytes(ffi.buffer(self._struct.buffers[buffer], size))

    def plain(self, form: str) -> list[Any]:
        """Values of one of Arrow's formats; those that are null are anything."""
        rows = self.length
        values = self.dictionary()
        if values is not None:
            texts = values.plain(form)
            places = memoryview(self.copy(1, 4 * rows)).cast("i")
            return [texts[place] if texts else None for place in places]
        if form == "b":
            bits = self.copy(1, (rows + 7) // 8)
            return [bool(bits[row >> 3] >> (row & 7) & 1) for row in range(rows)]
        if form in ("u", "z"):  # bytes are texts that may be none
            ends = memoryview(self.copy(1, 4 * (rows + 1))).cast("i").tolist()
            data = self.copy(2, ends[-1])
            errors = "surrogateescape" if form == "z" else "strict"
            return [data[a:b].decode(errors=errors) for a, b in itertools.pairwise(ends)]
        letter, width = _INTEGERS[form]
        view: Any = memoryview(self.copy(1, width * rows))
        numbers: list[Any] = view.cast(letter).tolist()
        return numbers

    def child(self) -> Memory:
        """The values of a list."""
        return Memory(self._batch, self._struct.children[0])

    def dictionary(self) -> Memory | None:
        """The values of a dictionary; None if it is not one."""
        values = self._struct.dictionary
        return Memory(self._batch, values) if values else None


def schema_capsule(schema: Schema) -> object:
    """Make a capsule with a copy."""
    return schema.copy()._capsule


def array_capsule(array: Array) -> object:
    """The capsule of a batch, to be given away once: it is the consumer's then."""
    return array._capsule


class Stream:
    """A struct ArrowArrayStream whose batches come from a Python iterator.

    Its consumer keeps it alive until it releases it. What the iterator raised is in :attr:`error`,
    as the interface knows nothing but a number and a text.
    """

    def __init__(self, schema: Schema, batches: Iterator[Array]) -> None:
        self._schema = schema
        self._batches = batches
        self.error: BaseException | None = None

    def capsule(self) -> object:
        """Make the one capsule of it."""
        return _lifetime.stream(self)

    # What csrc/python/stream.c calls ------------------------------------------------------

    def get_schema(self, address: int) -> None:
        """Give the consumer the schema."""
        _lifetime.move(self._schema.copy()._capsule, address)

    def get_next(self, address: int) -> None:
        """Give it the next batch; an empty struct at the end."""
        array = next(self._batches, None) or Array()
        _lifetime.move(array._capsule, address)

    def fail(self, error: BaseException) -> tuple[int, bytes]:
        """What one of these raised, in the interface's words."""
        self.error = error
        text = str(error) or type(error).__name__
        number = errno.EIO
        if isinstance(error, MemoryError):
            number = errno.ENOMEM
        elif isinstance(error, ValueError):
            number = errno.EINVAL
        return number, text.encode(errors="backslashreplace")

    def release(self) -> None:
        """The consumer wants no more."""
        close = getattr(self._batches, "close", None)
        if close:
            close()
