"""struct trc_symbols: the kernel's symbols, and texts in its memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ._base import ENCODING_ERRORS, check, decode, ffi, lib
from ._file import File
from ._handle import Handle


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
