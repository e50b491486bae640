"""struct trc_symbols: the kernel's symbols, and texts in its memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from ._base import ENCODING_ERRORS, check, decode, ffi, lib
from ._file import File
from ._handle import Handle


class BtfKind(IntEnum):
    """enum trc_btf_kind: those kinds of types that Python tells apart."""

    INT = lib.TRC_BTF_INT
    POINTER = lib.TRC_BTF_POINTER
    ARRAY = lib.TRC_BTF_ARRAY
    STRUCT = lib.TRC_BTF_STRUCT
    UNION = lib.TRC_BTF_UNION
    ENUM = lib.TRC_BTF_ENUM
    FORWARD = lib.TRC_BTF_FORWARD
    TYPEDEF = lib.TRC_BTF_TYPEDEF
    VOLATILE = lib.TRC_BTF_VOLATILE
    CONST = lib.TRC_BTF_CONST
    RESTRICT = lib.TRC_BTF_RESTRICT
    PROTOTYPE = lib.TRC_BTF_PROTOTYPE
    TYPE_TAG = lib.TRC_BTF_TYPE_TAG
    ENUM64 = lib.TRC_BTF_ENUM64


class BtfType(NamedTuple):
    """struct trc_btf_type."""

    name: str
    kind: int
    flag: bool
    size: int
    type: int
    length: int
    bits: int
    shift: int
    is_signed: bool
    place: int


def _btf_type(out: Any) -> BtfType:
    return BtfType(
        decode(out.name, out.name_size),
        out.kind,
        bool(out.flag),
        out.size,
        out.type,
        out.count,
        out.bits,
        out.shift,
        bool(out.is_signed),
        out.place,
    )


class Symbols(Handle):
    """struct trc_symbols of one file: tens of milliseconds and 10 MB, so made when needed."""

    def __init__(self, file: File, kallsyms: bytes = b"") -> None:
        """Read those of the file, with the ones of a text like /proc/kallsyms added."""
        super().__init__(file.path)
        self._create(
            "trc_symbols", lib.trc_symbols_create_with, self._hold(file), kallsyms, len(kallsyms)
        )

    def problems(self) -> Sequence[Exception]:
        """What is wrong in it and was passed over."""
        return self._own_problems(lib.trc_symbols_problem_count, lib.trc_symbols_problem)

    def list(self) -> Iterator[tuple[int, str, str]]:
        """Give address, name and module of all symbols, by address."""
        with self as symbols:
            out, err = ffi.new("struct trc_symbol *"), ffi.new("struct trc_error *")
            for index in range(lib.trc_symbol_count(symbols)):
                check(lib.trc_symbol(symbols, index, out, err), err, self.path)
                name = decode(out.name, out.name_size)
                yield out.address, name, decode(out.module, out.module_size)

    def printk_formats(self) -> Iterator[tuple[int, str]]:
        """Give address and text of all printk formats."""
        with self as symbols:
            address, text = ffi.new("uint64_t *"), ffi.new("const char **")
            size, err = ffi.new("size_t *"), ffi.new("struct trc_error *")
            for index in range(lib.trc_printk_format_count(symbols)):
                code = lib.trc_printk_format(symbols, index, address, text, size, err)
                check(code, err, self.path)
                yield address[0], decode(text[0], size[0])

    def find(self, address: int) -> tuple[str, str, int] | None:
        """Name, module ("" for the kernel) and address of the symbol that an address is in."""
        with self as symbols:
            out = ffi.new("struct trc_symbol *")
            if lib.trc_symbol_find(symbols, address, out, ffi.NULL):
                return None
            return (
                decode(out.name, out.name_size),
                decode(out.module, out.module_size),
                out.address,
            )

    def find_name(self, name: str) -> int | None:
        """The address of a symbol, of several of that name the lowest."""
        with self as symbols:
            out = ffi.new("struct trc_symbol *")
            raw = name.encode(errors=ENCODING_ERRORS)
            failed = lib.trc_symbol_find_name(symbols, raw, len(raw), out, ffi.NULL)
            return None if failed else int(out.address)

    # Types --------------------------------------------------------------------------------

    def btf_type_count(self) -> int:
        """Number of the kernel's types; 0: the file has none."""
        with self as symbols:
            count: int = lib.trc_btf_type_count(symbols)
            return count

    def btf_type(self, number: int) -> BtfType | None:
        """Type of a number; None: there is none, or it is void."""
        with self as symbols:
            out = ffi.new("struct trc_btf_type *")
            return None if lib.trc_btf_type(symbols, number, out, ffi.NULL) else _btf_type(out)

    def btf_prototype(self, function: str) -> BtfType | None:
        """The prototype of a function; None: it is not known."""
        name = function.encode(errors="surrogateescape")
        with self as symbols:
            out, err = ffi.new("struct trc_btf_type *"), ffi.new("struct trc_error *")
            code = lib.trc_btf_prototype(symbols, name, len(name), out, err)
            if code == lib.TRC_NOT_FOUND:
                return None
            check(code, err, self.path)
            return _btf_type(out)

    def btf_parameters(self, prototype: BtfType) -> Sequence[tuple[str, int]]:
        """Name and number of the type of each parameter; 0: ``...``."""
        given = ffi.new("struct trc_btf_type *")
        given.kind, given.count, given.place = prototype.kind, prototype.length, prototype.place
        name, size = ffi.new("const char **"), ffi.new("size_t *")
        number = ffi.new("uint32_t *")
        found = []
        with self as symbols:
            for index in range(prototype.length):
                if lib.trc_btf_parameter(symbols, given, index, name, size, number, ffi.NULL):
                    break
                found.append((decode(name[0], size[0]), number[0]))
        return found
