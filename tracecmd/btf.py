"""The kernel's types (BTF), which trace-cmd 3.4 stores beside functions with their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import _lowlevel
from ._lowlevel import BtfKind, BtfType

__all__ = ["Btf", "Parameter", "Prototype"]

_DEPTH_MAX = 64  # of types that are of other types
_RECORDS: dict[int, str] = {BtfKind.STRUCT: "struct", BtfKind.UNION: "union"}
_ENUMS = (BtfKind.ENUM, BtfKind.ENUM64)
_QUALIFIERS: dict[int, str] = {
    BtfKind.CONST: "const", BtfKind.VOLATILE: "volatile", BtfKind.RESTRICT: "restrict",
}  # fmt: skip
_BEHIND = (BtfKind.TYPEDEF, BtfKind.TYPE_TAG, *_QUALIFIERS)

Arguments = dict[str, int | list[int]]


class Parameter(NamedTuple):
    """A parameter of a function: its name ("" if it has none) and its type in C, or ``...``."""

    name: str
    type: str

    def __str__(self) -> str:
        gap = "" if self.type.endswith("*") or not self.name else " "
        return f"{self.type}{gap}{self.name}"


class Prototype(NamedTuple):
    """How a function is called: ``ssize_t vfs_read(struct file *file, char *buf, ...)``."""

    name: str
    returns: str
    parameters: tuple[Parameter, ...]

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.parameters)) or "void"
        return f"{Parameter(self.name, self.returns)}({inside})"


class _Argument(NamedTuple):
    """How a parameter's words become a number."""

    name: str
    words: int
    shift: int
    bits: int
    signed: bool


class Btf:
    """All types of the kernel: /sys/kernel/btf/vmlinux of the recorded machine.

    ``len()`` is the number of types. :meth:`prototype` tells how a function is called.
    """

    def __init__(self, symbols: _lowlevel.Symbols, file: _lowlevel.File, long_size: int) -> None:
        self._symbols = symbols
        self._file = file
        self._long_size = long_size
        self._arguments: dict[str, tuple[_Argument, ...] | None] = {}

    @property
    def data(self) -> bytes:
        """The table as the kernel has it: some megabytes, for other readers of BTF."""
        return self._file.section_bytes(_lowlevel.BTF_FILE)

    def __len__(self) -> int:
        return self._symbols.btf_type_count()

    def __contains__(self, function: object) -> bool:
        """Whether the prototype of a function is known."""
        return isinstance(function, str) and self._symbols.btf_prototype(function) is not None

    def prototype(self, function: str) -> Prototype:
        """How a function is called, by its name.

        What compilers add to names (``.isra.0``) may stand there.

        Raises:
            KeyError: there is no such function, or its prototype is not known.
        """
        found = self._symbols.btf_prototype(function)
        if found is None:
            raise KeyError(f"BTF has no prototype of a function {function!r}")
        return Prototype(function, self._text(found.type), tuple(self._parameters(found)))

    def _parameters(self, prototype: BtfType, depth: int = 0) -> Iterator[Parameter]:
        for name, number in self._symbols.btf_parameters(prototype):
            yield Parameter(name, self._text(number, depth) if number else "...")

    def _text(self, number: int, depth: int = 0) -> str:
        """A type as it is written in C, without the name of what has it."""
        if not number:
            return "void"
        found = self._symbols.btf_type(number) if depth < _DEPTH_MAX else None
        if found is None:
            return "?"
        kind = found.kind
        if kind in _RECORDS:
            return f"{_RECORDS[kind]} {found.name or '{...}'}"
        if kind in _ENUMS:
            return f"enum {found.name or '{...}'}"
        if kind == BtfKind.FORWARD:
            return f"{'union' if found.flag else 'struct'} {found.name}"
        if kind == BtfKind.POINTER:
            return self._pointer(found.type, depth + 1)
        if kind == BtfKind.ARRAY:
            return f"{self._text(found.type, depth + 1)}[{found.length}]"
        if kind == BtfKind.TYPE_TAG:
            return self._text(found.type, depth + 1)
        if kind in _QUALIFIERS:
            inner = self._text(found.type, depth + 1)
            word = _QUALIFIERS[kind]
            return f"{inner}{word}" if inner.endswith("*") else f"{word} {inner}"
        return found.name or "?"

    def _pointer(self, number: int, depth: int) -> str:
        target = self._symbols.btf_type(number)
        if target is not None and target.kind == BtfKind.PROTOTYPE and depth < _DEPTH_MAX:
            inside = ", ".join(each.type for each in self._parameters(target, depth + 1))
            return f"{self._text(target.type, depth + 1)} (*)({inside or 'void'})"
        inner = self._text(number, depth)
        return f"{inner}*" if inner.endswith("*") else f"{inner} *"

    def arguments(self, function: str, words: Sequence[int]) -> Arguments | None:
        """What a function was called with, by the names of its parameters.

        Args:
            function: its name.
            words: the registers as recorded: an event's field ``args``.

        Returns:
            Numbers with the sign that their types have; a list of words for a structure that takes
            two. Parameters without a name are ``"arg0"`` and so on, by their place. Those that
            were not recorded are missing, as are those from a structure of more than two words on:
            how that is handed over differs from machine to machine. None where the prototype is
            not known.
        """
        if function not in self._arguments:
            self._arguments[function] = self._describe(function)
        described = self._arguments[function]
        if described is None:
            return None
        found: Arguments = {}
        at = 0
        for each in described:
            if at + each.words > len(words):
                break
            if each.words == 1:
                found[each.name] = _number(words[at], each)
            else:
                found[each.name] = list(words[at : at + each.words])
            at += each.words
        return found

    def _describe(self, function: str) -> tuple[_Argument, ...] | None:
        prototype = self._symbols.btf_prototype(function)
        if prototype is None:
            return None
        described = []
        for index, (name, number) in enumerate(self._symbols.btf_parameters(prototype)):
            bare = self._bare(number)
            words, shift, bits, signed = 1, 0, 8 * self._long_size, False
            if bare is not None and bare.kind == BtfKind.INT:
                shift, bits, signed = bare.shift, min(bits, bare.bits), bare.is_signed
            elif bare is not None and bare.kind in _ENUMS:
                bits, signed = min(bits, 8 * bare.size), bare.flag
            elif bare is not None and bare.kind in _RECORDS:
                words = -(-bare.size // self._long_size)
            if not number or not 1 <= words <= 2:
                break
            described.append(_Argument(name or f"arg{index}", words, shift, bits, signed))
        return tuple(described)

    def _bare(self, number: int) -> BtfType | None:
        """A type behind its typedefs and qualifiers."""
        for _ in range(_DEPTH_MAX):
            found = self._symbols.btf_type(number)
            if found is None or found.kind not in _BEHIND:
                return found
            number = found.type
        return None

    def __repr__(self) -> str:
        return f"<Btf: {len(self)} types>"


def read_btf(
    symbols: _lowlevel.Symbols, file: _lowlevel.File, metadata: _lowlevel.Metadata
) -> Btf | None:
    """The types of a file; None if it has none."""
    long_size = metadata.kernel_long_size() or 8
    return Btf(symbols, file, long_size) if symbols.btf_type_count() else None


def _number(word: int, argument: _Argument) -> int:
    value = word >> argument.shift & (1 << argument.bits) - 1
    negative = argument.signed and argument.bits and value >> argument.bits - 1
    return value - (1 << argument.bits) if negative else value
