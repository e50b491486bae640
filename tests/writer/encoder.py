"""Numbers and texts into bytes, with a note of what lies where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["structure", "number", "bytes"]


class Mark(NamedTuple):
    """One thing that was written. Structures contain the marks that lie inside them."""

    name: str
    """A path: ``section 3/CPU 0/chunk 1/stored size``. Repeated names get ``[1]``, ``[2]``, …"""
    offset: int
    size: int
    kind: Kind

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True)
class Machine:
    """What decides the shape of numbers: byte order and size of ``long`` in the kernel."""

    big_endian: bool = False
    long_size: int = 8

    def pack(self, size: int, value: int) -> bytes:
        order: Literal["big", "little"] = "big" if self.big_endian else "little"
        return (value & ((1 << (8 * size)) - 1)).to_bytes(size, order)


class Encoder:
    """Growing bytes in one byte order, with a note of what lies where."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.data = bytearray()
        self.marks: list[Mark] = []
        self._path: list[str] = []
        self._used: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.data)

    def _name(self, name: str) -> str:
        """The full path of a name, made unique."""
        path = "/".join([*self._path, name])
        count = self._used.get(path, 0)
        self._used[path] = count + 1
        return f"{path}[{count}]" if count else path

    def _add(self, data: bytes, name: str, kind: Kind) -> None:
        if name:
            self.marks.append(Mark(self._name(name), len(self.data), len(data), kind))
        self.data += data

    def number(self, size: int, value: int, name: str) -> None:
        self._add(self.machine.pack(size, value), name, "number")

    def u8(self, value: int, name: str) -> None:
        self.number(1, value, name)

    def u16(self, value: int, name: str) -> None:
        self.number(2, value, name)

    def u32(self, value: int, name: str) -> None:
        self.number(4, value, name)

    def u64(self, value: int, name: str) -> None:
        self.number(8, value, name)

    def raw(self, data: bytes, name: str = "") -> None:
        self._add(data, name, "bytes")

    def string(self, text: str | bytes, name: str) -> None:
        """A text and the NUL that ends it."""
        self.raw(to_bytes(text) + b"\0", name)

    def align(self, size: int) -> None:
        self.data += bytes(-len(self.data) % size)

    @contextmanager
    def structure(self, name: str) -> Iterator[None]:
        """All that is written inside is one structure, and named below it."""
        start = len(self.data)
        unique = self._name(name)
        place = len(self.marks)
        outer, self._path = self._path, unique.split("/")
        try:
            yield
        finally:
            self._path = outer
            mark = Mark(unique, start, len(self.data) - start, "structure")
            self.marks.insert(place, mark)

    def include(self, other: Encoder) -> None:
        """What was encoded elsewhere, named below the structure at hand."""
        start, path = len(self.data), "/".join(self._path)
        self.marks += [
            mark._replace(name=f"{path}/{mark.name}", offset=start + mark.offset)
            for mark in other.marks
        ]
        self.data += other.data

    def patch(self, offset: int, size: int, value: int) -> None:
        """Fills in a number that was not known when its place was written."""
        self.data[offset : offset + size] = self.machine.pack(size, value)

    def nested(self) -> Encoder:
        return Encoder(self.machine)


def to_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
