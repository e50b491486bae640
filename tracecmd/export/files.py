"""A table into one file.

A file appears under its name only when it is whole: it is written beside it under a temporary
name, which is removed on any failure, a full disk and Ctrl-C included.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .arrow import ArrowStreamWriter
from .formats import format_of
from .parquet import ParquetWriter
from .writer import Writer

if TYPE_CHECKING:
    from ..columns import Rows

__all__ = ["about", "replacing", "write_parquet", "write_stream", "write_table", "writing"]


@contextlib.contextmanager
def about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors of the system say what they are about, if they do not: a full disk does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of path when the block ends well.

    It is on the disk before an older file by that name is gone. A device or a pipe is written into:
    it stays what it is.
    """
    target = Path(path)
    if _is_special(target):
        with target.open("wb") as file:
            yield file
        return
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            if target.exists():
                os.fsync(file.fileno())
        part.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename, error.filename2 = str(target), None  # the name that was asked for
        raise


def _is_special(path: Path) -> bool:
    """Whether something is there that takes bytes but is no file: a device, a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or stat.S_ISBLK(mode)


@contextlib.contextmanager
def writing(
    make: type[Writer], table: Rows, path: str | os.PathLike[str], options: Mapping[str, Any]
) -> Iterator[Writer]:
    """A new file that takes the place of path when the block ends well, closed by then."""
    with replacing(path) as file:
        writer = make(table, file, **options)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise


def write_table(table: Rows, path: str | os.PathLike[str], **options: Any) -> int:
    """Write a table in the format that the name ends with; gives the number of rows.

    Args:
        table: the rows.
        path: the file's name.
        options: of Parquet ``compression`` and ``row_group_rows``.

    Raises:
        ValueError: the name ends with none of :data:`FORMATS`.
    """
    return _write_one(format_of(Path(path).name), table, path, options)


def write_parquet(table: Rows, path: str | os.PathLike[str], **options: Any) -> int:
    """Write Parquet whatever the name; as :func:`write_table`."""
    return _write_one(ParquetWriter, table, path, options)


class _Sink(io.RawIOBase):
    """A pipe and the like, which does not know how far it is. Closing leaves the pipe open."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        self._pipe.write(data)
        self._written += size
        return size

    def flush(self) -> None:
        self._pipe.flush()


def write_stream(table: Rows, file: BinaryIO, suffix: str, **options: Any) -> int:
    """Write a table into a pipe or the like as it is read; gives the number of rows.

    Args:
        table: the rows.
        file: what takes bytes; it is written from front to back, and stays open.
        suffix: one of :data:`FORMATS`. Of ``".arrow"`` it is an IPC stream.
        options: as for :func:`write_table`.
    """
    make = format_of(suffix)
    make = ArrowStreamWriter if suffix == ".arrow" else make
    table = make.prepare(table)
    sink = io.BufferedWriter(_Sink(file), 1 << 16)
    writer = make(table, sink, **options)
    try:
        _fill(writer, table)
        sink.flush()
    except BaseException:
        writer.abandon()
        raise
    finally:
        with contextlib.suppress(OSError):  # raised before, or the block has ended well
            sink.close()
    return writer.rows


def _write_one(
    make: type[Writer],
    table: Rows,
    path: str | os.PathLike[str],
    options: Mapping[str, Any],
) -> int:
    table = make.prepare(table)
    with writing(make, table, path, options) as writer:
        _fill(writer, table)
    return writer.rows


def _fill(writer: Writer, table: Rows) -> None:
    for batch in table.batches():
        writer.write(batch)
        if writer.full:
            writer.take()()
    writer.close()
