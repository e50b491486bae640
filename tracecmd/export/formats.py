"""Which format a name asks for."""

from __future__ import annotations

from .arrow import ArrowWriter
from .csv import CsvWriter
from .jsonl import JsonWriter
from .parquet import ParquetWriter
from .writer import Writer

__all__ = ["FORMATS", "format_of"]

FORMATS: dict[str, type[Writer]] = {
    ".parquet": ParquetWriter,
    ".arrow": ArrowWriter,
    ".feather": ArrowWriter,
    ".csv": CsvWriter,
    ".jsonl": JsonWriter,
}


def format_of(name: str) -> type[Writer]:
    """The format that a name ends with.

    Raises:
        ValueError: it ends with none of :data:`FORMATS`.
    """
    for suffix, make in FORMATS.items():
        if name.lower().endswith(suffix):
            return make
    raise ValueError(f"{name}: a file name ends with {', '.join(FORMATS)}")
