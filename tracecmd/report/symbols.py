"""The symbols that a report names addresses by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import _lowlevel
from .._reading import Reader
from .options import ReportOptions

__all__ = ["Symbols", "make_symbols"]

Symbols = Sequence["_lowlevel.Symbols | None"]  # of each file; None: its own


def make_symbols(readers: Sequence[Reader], options: ReportOptions) -> Symbols:
    """Read the symbols to be used.

    Raises:
        OSError: options.kallsyms cannot be read.
    """
    if options.kallsyms is None:
        return [None] * len(readers)
    text = Path(options.kallsyms).read_bytes()
    return [reader.own(_lowlevel.Symbols(reader.file, text)) for reader in readers]
