"""A written file, to be looked into, changed and cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .encoder import Machine, Mark


@dataclass(frozen=True)
class File:
    """A written file, and what lies where in it."""

    data: bytes
    marks: tuple[Mark, ...]
    machine: Machine

    def mark(self, name: str) -> Mark:
        """The mark of this name, or the first whose path ends in it."""
        for mark in self.marks:
            if mark.name == name or mark.name.endswith("/" + name):
                return mark
        raise KeyError(name)

    def read(self, name: str) -> int:
        mark = self.mark(name)
        order: Literal["big", "little"] = "big" if self.machine.big_endian else "little"
        return int.from_bytes(self.data[mark.offset : mark.end], order)

    def change(self, name: str, value: int) -> bytes:
        """The file with one number overwritten (modulo its size)."""
        mark = self.mark(name)
        return self.replace(mark.offset, self.machine.pack(mark.size, value))

    def replace(self, offset: int, data: bytes) -> bytes:
        """The file with some of its bytes overwritten."""
        return self.data[:offset] + data + self.data[offset + len(data) :]

    def cut(self, offset: int) -> bytes:
        return self.data[:offset]
