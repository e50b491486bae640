"""What system calls are called, by number: the tables of the package ``system-calls``.

A recording of raw_syscalls has numbers alone, and these differ from one architecture to the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .._reading import Reader
from ..options import OptionId
from ..packages import MissingPackageError, package

__all__ = ["names_of"]

# What uname calls a machine, and what its table is called there; else both are the same.
_TABLES = (
    (r"i[3-6]86", "i386"),
    (r"aarch64(_be)?", "arm64"),
    (r"armv[4-8].*", "arm"),
    (r"ppc64(le)?", "powerpc64"),
    (r"ppc(le)?", "powerpc"),
)
_KNOWN = ("x86_64", "s390x", "riscv64", "loongarch64", "alpha", "m68k", "sparc64")


def _table(uname: str) -> str | None:
    """The table for a machine; None: it is not known which."""
    machine = uname.rpartition(" ")[2]
    for pattern, table in _TABLES:
        if re.fullmatch(pattern, machine):
            return table
    return machine if machine in _KNOWN else None


def names_of(
    readers: Sequence[Reader],
) -> tuple[dict[Reader, Mapping[int, str]], tuple[str, ...]]:
    """The names of each file's system calls, and sentences about those that are not known."""
    notes: list[str] = []
    try:
        tables = package("system_calls", "syscalls").syscalls()
    except MissingPackageError as error:
        return {}, (f"names of system calls: {error}",)
    found: dict[Reader, Mapping[int, str]] = {}
    for reader in readers:
        uname = reader.file.option_text(OptionId.UNAME)
        table = _table(uname)
        if table is None:
            notes.append(
                f"names of system calls: {reader.path} does not say what machine it is of"
                if not uname
                else f"names of system calls: none are known of {uname.rpartition(' ')[2]}"
            )
        found[reader] = {} if table is None else tables.load_reverse_arch_table(table)
    return found, tuple(notes)
