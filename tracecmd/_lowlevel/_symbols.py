"""struct trc_symbols: the kernel's symbols, and texts in its memory."""

from __future__ import annotations

from ._base import Handle, check, decode, ffi, lib
from ._file import File


class Symbols(Handle):
    """struct trc_symbols of one file: tens of milliseconds and 10 MB, so made when needed."""

    def __init__(self, file: File, kallsyms: bytes = b"") -> None:
        """Read those of the file, with the ones of a text like /proc/kallsyms added."""
        err = ffi.new("struct trc_error *")
        out = ffi.new("struct trc_symbols **")
        with file as pointer:
            code = lib.trc_symbols_create_with(pointer, kallsyms, len(kallsyms), out, err)
            check(code, err, file.path)
            super().__init__(out[0], lib.trc_symbols_destroy, file.path, file)

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
