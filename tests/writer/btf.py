"""BTF, the kernel's types: Documentation/bpf/btf.rst of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from .encoder import Machine

BTF_MAGIC = 0xEB9F


class BtfKind(IntEnum):
    """What a type is: BTF_KIND_* of the kernel."""

    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


class Btf:
    """A table that grows: each type that is added has the next number, from 1 on; 0 is void."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or Machine()
        self.count = 0
        self._types = bytearray()
        self._names = bytearray(1)
        self._places = {"": 0}

    def name(self, text: str) -> int:
        """Where in the names a text stands."""
        if text not in self._places:
            self._places[text] = len(self._names)
            self._names += text.encode() + b"\0"
        return self._places[text]

    def words(self, *values: int) -> bytes:
        """Numbers of 32 bits."""
        return b"".join(self.machine.pack(4, value) for value in values)

    def add(
        self,
        kind: int,
        name: str = "",
        of: int = 0,
        tail: bytes = b"",
        *,
        count: int = 0,
        flag: bool = False,
    ) -> int:
        """A type of any kind. ``of``: its size or the type it is of; ``count``: of what follows."""
        info = flag << 31 | kind << 24 | count
        self._types += self.words(self.name(name), info, of) + tail
        self.count += 1
        return self.count

    def integer(self, name: str, bits: int, *, signed: bool = False, shift: int = 0) -> int:
        """A number of so many bits, which may begin further up in its word."""
        tail = self.words(signed << 24 | shift << 16 | bits)
        return self.add(BtfKind.INT, name, (bits + 7) // 8, tail)

    def array(self, element: int, index: int, length: int) -> int:
        """An array; ``index`` is the type of its indices."""
        return self.add(BtfKind.ARRAY, tail=self.words(element, index, length))

    def structure(self, name: str, size: int, members: Sequence[tuple[str, int, int]] = ()) -> int:
        """A struct; of each member the name, the type, and how many bits come before it."""
        tail = b"".join(self.words(self.name(m), of, place) for m, of, place in members)
        return self.add(BtfKind.STRUCT, name, size, tail, count=len(members))

    def enum(self, name: str, values: Sequence[tuple[str, int]] = (), size: int = 4) -> int:
        """Names of numbers."""
        tail = b"".join(self.words(self.name(n), value) for n, value in values)
        return self.add(BtfKind.ENUM, name, size, tail, count=len(values))

    def function(self, name: str, parameters: Sequence[tuple[str, int]], returns: int = 0) -> int:
        """A function and, before it, its prototype; a parameter of type 0 is ``...``."""
        tail = b"".join(self.words(self.name(n), of) for n, of in parameters)
        prototype = self.add(BtfKind.FUNC_PROTO, of=returns, tail=tail, count=len(parameters))
        return self.add(BtfKind.FUNC, name, prototype, count=1)  # 1: of global linkage

    def encode(self) -> bytes:
        """The whole table: header, types, names."""
        machine, types = self.machine, len(self._types)
        return (
            machine.pack(2, BTF_MAGIC)
            + bytes([1, 0])
            + self.words(24, 0, types, types, len(self._names))
            + bytes(self._types + self._names)
        )
