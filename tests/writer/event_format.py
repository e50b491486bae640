"""Events: the kernel's ``format`` files, and payloads as they tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .encoder import Machine


@dataclass(frozen=True)
class Field:
    """A field of an event: ``Field("char comm[16]", 16)``, ``Field("__data_loc char[] name", 4)``.

    ``size`` is in bytes, ``"long"`` for the kernel's long; 0: the field runs to the end of the
    record.
    """

    declaration: str
    size: int | Literal["long"]
    signed: bool = False
    align: int | None = None

    @property
    def name(self) -> str:
        """The last word; the brackets of an array stand behind it, of a dynamic one before it."""
        return re.sub(r"\[\w*\]$", "", self.declaration).split()[-1].lstrip("*")

    @property
    def dynamic(self) -> bool:
        return self.declaration.startswith(("__data_loc", "__rel_loc"))

    @property
    def array(self) -> bool:
        return "[" in self.declaration and not self.dynamic

    def bytes_on(self, machine: Machine) -> int:
        return machine.long_size if self.size == "long" else self.size

    def place(self, offset: int, machine: Machine) -> int:
        """Where the field lies when everything before it ends at offset."""
        natural = 1 if self.array and self.size else self.bytes_on(machine)
        align = self.align or max(1, natural)
        return -(-offset // align) * align


COMMON_FIELDS = (
    Field("unsigned short common_type", 2),
    Field("unsigned char common_flags", 1),
    Field("unsigned char common_preempt_count", 1),
    Field("int common_pid", 4, signed=True),
)

Value = int | str | bytes


@dataclass(frozen=True)
class EventFormat:
    """An event of the kernel, as its ``format`` file tells it; makes records of it."""

    system: str
    name: str
    id: int
    fields: tuple[Field, ...]
    print_fmt: str
    common: tuple[Field, ...] = COMMON_FIELDS
    """Those that all events share; a hypervisor's have common_type alone."""

    def placed(self, machine: Machine) -> list[tuple[Field, int, int]]:
        """All fields with their offset and size."""
        result = []
        offset = 0
        for item in (*self.common, *self.fields):
            offset = item.place(offset, machine)
            result.append((item, offset, item.bytes_on(machine)))
            offset += item.bytes_on(machine)
        return result

    def text(self, machine: Machine) -> str:
        lines = [
            f"\tfield:{item.declaration};\toffset:{offset};\tsize:{size};"
            f"\tsigned:{int(item.signed)};\n"
            for item, offset, size in self.placed(machine)
        ]
        common = len(self.common)
        return (
            f"name: {self.name}\nID: {self.id}\nformat:\n{''.join(lines[:common])}\n"
            f"{''.join(lines[common:])}\nprint fmt: {self.print_fmt}\n"
        )

    def values(
        self, *, pid: int = 0, flags: int = 0, preempt_count: int = 0, **values: Value
    ) -> Values:
        """A record of this event. Fields that are not given are 0 or empty."""
        common: dict[str, Value] = {
            "common_type": self.id,
            "common_flags": flags,
            "common_preempt_count": preempt_count,
            "common_pid": pid,
        }
        return Values(self, {**common, **values})


@dataclass(frozen=True)
class Values:
    """The payload of a record: an event format with values for its fields."""

    format: EventFormat
    values: Mapping[str, Value]

    def encode(self, machine: Machine) -> bytes:
        placed = self.format.placed(machine)
        data = bytearray(max(offset + size for _, offset, size in placed))
        for item, offset, size in placed:
            value = self.values.get(item.name, 0 if not item.array and not item.dynamic else b"")
            if item.dynamic:
                data[offset : offset + size] = self._dynamic(
                    item, offset + size, value, data, machine
                )
            elif item.array and not size:
                data += _content(value)
            elif item.array:
                data[offset : offset + size] = _content(value)[:size].ljust(size, b"\0")
            elif isinstance(value, int):
                data[offset : offset + size] = machine.pack(size, value)
            else:
                raise TypeError(f"{item.name} is a number")
        return bytes(data)

    @staticmethod
    def _dynamic(item: Field, end: int, value: Value, data: bytearray, machine: Machine) -> bytes:
        """u32: low half where the bytes lie (``__rel_loc``: behind the field), high half size.

        Of 2 bytes, as in 2009, the field is that offset alone; of 8 the first half is used.
        """
        content = _content(value)
        where = len(data) - (end if item.declaration.startswith("__rel_loc") else 0)
        data += content
        if item.size == 2:
            return machine.pack(2, where)
        return machine.pack(4, len(content) << 16 | where).ljust(item.bytes_on(machine), b"\0")


def _content(value: Value) -> bytes:
    """Bytes of an array: a text brings the NUL that ends it."""
    if isinstance(value, int):
        raise TypeError("an array takes text or bytes")
    return value.encode() + b"\0" if isinstance(value, str) else value
