"""Tables to files: Parquet, Arrow IPC (feather), CSV and JSON lines; row groups as they are read.

A file appears under its name only when it is whole: it is written beside it under a temporary
name, which is removed on any failure, a full disk and Ctrl-C included.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .. import _arguments
from ..packages import package

if TYPE_CHECKING:
    from ..columns import RecordBatch, Table, Tables

__all__ = ["FORMATS", "Writer", "write_parquet", "write_table", "write_tables"]

GROUP_ROWS = 1 << 20  # of a Parquet row group
HELD_BYTES = 64 << 20  # of all row groups that are not written yet, of a folder of files


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of path when the block ends well."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _pyarrow(module: str) -> Any:
    return package(module, "arrow")


# Formats -------------------------------------------------------------------------------------


class Writer:
    """One file while it is written.

    Attributes:
        rows: given to it so far.
        held: about how many bytes of them it has in memory.
    """

    def __init__(self, table: Table, file: BinaryIO) -> None:
        self._table = table
        self._file = file
        self.rows = 0
        self.held = 0

    @classmethod
    def prepare(cls, table: Table) -> Table:
        """The table as the format wants it."""
        return table

    def write(self, batch: RecordBatch) -> None:
        """Take some rows, which may be held for a while."""
        raise NotImplementedError

    @property
    def full(self) -> bool:
        """Whether it is time to write what is held."""
        return False

    def take(self) -> Callable[[], None]:
        """Hand over what is held: the function writes it."""
        return lambda: None

    def close(self) -> None:
        """Write all that is missing. Without it the file is not whole."""

    def abandon(self) -> None:
        """Let go of a file that will not become whole."""


class ParquetWriter(Writer):
    """Row groups as they are full."""

    def __init__(
        self,
        table: Table,
        file: BinaryIO,
        *,
        compression: str = "zstd",
        row_group_rows: int = GROUP_ROWS,
    ) -> None:
        row_group_rows = _arguments.number("row_group_rows", row_group_rows, 1, sys.maxsize)
        super().__init__(table, file)
        self._pyarrow = _pyarrow("pyarrow")
        self._group_rows = row_group_rows
        self._batches: list[Any] = []
        self._rows_held = 0
        self._writer = _pyarrow("pyarrow.parquet").ParquetWriter(
            file, self._pyarrow.schema(table), compression=compression
        )

    def write(self, batch: RecordBatch) -> None:
        arrow = batch.to_arrow()
        self._batches.append(arrow)
        self._rows_held += arrow.num_rows
        self.held += arrow.nbytes
        self.rows += arrow.num_rows

    @property
    def full(self) -> bool:
        return self._rows_held >= self._group_rows

    def take(self) -> Callable[[], None]:
        batches, self._batches = self._batches, []
        self._rows_held = self.held = 0

        def write() -> None:
            if batches:
                group = self._pyarrow.Table.from_batches(batches)
                self._writer.write_table(group, row_group_size=self._group_rows)

        return write

    def close(self) -> None:
        self.take()()
        self._writer.close()

    def abandon(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        self._writer.is_open = False  # so that it does not try again when it is collected


class ArrowWriter(Writer):
    """An Arrow IPC file, which is also Feather version 2."""

    def __init__(self, table: Table, file: BinaryIO) -> None:
        super().__init__(table, file)
        ipc = _pyarrow("pyarrow.ipc")
        self._writer = ipc.new_file(
            file,
            _pyarrow("pyarrow").schema(table),
            options=ipc.IpcWriteOptions(compression="zstd"),
        )

    @classmethod
    def prepare(cls, table: Table) -> Table:
        return table.without_dictionaries()  # an IPC file has one dictionary for all batches

    def write(self, batch: RecordBatch) -> None:
        arrow = batch.to_arrow()
        self._writer.write_batch(arrow)
        self.rows += arrow.num_rows

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()


def _flat(pyarrow: Any, column: Any) -> Any:
    """What CSV has no form for, as text: lists as JSON, bytes in hexadecimal."""
    types = pyarrow.types
    if types.is_dictionary(column.type):
        return _flat(pyarrow, column.cast(column.type.value_type))
    if types.is_binary(column.type) or types.is_fixed_size_binary(column.type):
        values = [None if v is None else v.hex() for v in column.to_pylist()]
    elif types.is_list(column.type) or types.is_fixed_size_list(column.type):
        values = [None if v is None else json.dumps(v) for v in column.to_pylist()]
    elif types.is_timestamp(column.type):
        return column.cast(pyarrow.int64())
    else:
        return column
    return pyarrow.array(values, pyarrow.string())


class CsvWriter(Writer):
    """CSV with a header; times in ns, lists as JSON, bytes in hexadecimal."""

    _writer: Any = None

    def write(self, batch: RecordBatch) -> None:
        pyarrow, arrow = _pyarrow("pyarrow"), batch.to_arrow()
        flat = pyarrow.RecordBatch.from_arrays(
            [_flat(pyarrow, column) for column in arrow.columns], names=arrow.schema.names
        )
        if self._writer is None:
            self._writer = _pyarrow("pyarrow.csv").CSVWriter(self._file, flat.schema)
        self._writer.write_batch(flat)
        self.rows += arrow.num_rows

    def close(self) -> None:
        if self._writer is None:
            names = ",".join(f'"{name}"' for name in self._table.column_names)
            self._file.write(names.encode() + b"\n")
        else:
            self._writer.close()

    def abandon(self) -> None:
        with contextlib.suppress(Exception):
            if self._writer is not None:
                self._writer.close()


def _json_value(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a row")


class JsonWriter(Writer):
    """A JSON object a row; times in ns, bytes in base64."""

    def write(self, batch: RecordBatch) -> None:
        pyarrow, arrow = _pyarrow("pyarrow"), batch.to_arrow()
        columns = [
            column.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(column.type) else column
            for column in arrow.columns
        ]
        plain = pyarrow.RecordBatch.from_arrays(columns, names=arrow.schema.names)
        for row in plain.to_pylist():
            line = json.dumps(row, default=_json_value, separators=(",", ":"))
            self._file.write(line.encode() + b"\n")
        self.rows += arrow.num_rows


FORMATS: dict[str, type[Writer]] = {
    ".parquet": ParquetWriter,
    ".arrow": ArrowWriter,
    ".feather": ArrowWriter,
    ".csv": CsvWriter,
    ".jsonl": JsonWriter,
}


# Files ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _writing(
    make: type[Writer], table: Table, path: str | os.PathLike[str], options: Mapping[str, Any]
) -> Iterator[Writer]:
    """A new file that takes the place of path when the block ends well, closed by then."""
    with replacing(path) as file:
        writer = make(table, file, **options)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise


def _format_of(name: str) -> type[Writer]:
    for suffix, make in FORMATS.items():
        if name.lower().endswith(suffix):
            return make
    raise ValueError(f"{name}: a file name ends with {', '.join(FORMATS)}")


def write_table(table: Table, path: str | os.PathLike[str], **options: Any) -> int:
    """Write a table in the format that the name ends with; gives the number of rows.

    Args:
        table: the rows.
        path: the file's name.
        options: of Parquet ``compression`` and ``row_group_rows``.

    Raises:
        ValueError: the name ends with none of :data:`FORMATS`.
    """
    return _write_one(_format_of(Path(path).name), table, path, options)


def write_parquet(table: Table, path: str | os.PathLike[str], **options: Any) -> int:
    """Write Parquet whatever the name; as :func:`write_table`."""
    return _write_one(ParquetWriter, table, path, options)


def _write_one(
    make: type[Writer],
    table: Table,
    path: str | os.PathLike[str],
    options: Mapping[str, Any],
) -> int:
    table = make.prepare(table)
    with _writing(make, table, path, options) as writer:
        for batch in table.batches():
            writer.write(batch)
            if writer.full:
                writer.take()()
        writer.close()
    return writer.rows


# Folders -------------------------------------------------------------------------------------


def _file_name(key: str, suffix: str) -> str:
    """A file's name from an event's; what no name may hold is replaced."""
    plain = "".join(c if c.isalnum() or c in "_-" else "." for c in key)
    return f"{plain.strip('.') or 'event'}{suffix}"


def _file_names(keys: Iterable[str], suffix: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for key in keys:
        name, number = _file_name(key, suffix), 1
        while name in names.values():  # two events whose names differ in what files cannot have
            number += 1
            name = _file_name(f"{key}-{number}", suffix)
        names[key] = name
    return names


def write_tables(
    tables: Tables, folder: str | os.PathLike[str], suffix: str = ".parquet", **options: Any
) -> dict[str, int]:
    """Write a file per table into a folder, ``system.name`` and the suffix.

    The records are read once for all tables (:meth:`tracecmd.table.Tables.batches`). The files
    appear when all that are read together are whole. A folder that was made for them is removed
    if none did.

    Args:
        tables: what :meth:`tracecmd.Trace.tables` gives.
        folder: made if it is not there.
        suffix: one of :data:`FORMATS`.
        options: as for :func:`write_table`.

    Returns:
        The number of rows by the tables' keys.
    """
    make, target = _format_of(suffix), Path(folder)
    names = _file_names(tables, suffix)
    prepared = tables.map(make.prepare)
    rows: dict[str, int] = {}
    made = not target.exists()
    target.mkdir(exist_ok=True)
    try:
        for group in prepared.passes():
            with contextlib.ExitStack() as stack:
                writers = {
                    key: stack.enter_context(_writing(make, table, target / names[key], options))
                    for key, table in group.items()
                }
                _write_all(group, writers)
            rows.update((key, writer.rows) for key, writer in writers.items())
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                target.rmdir()
        raise
    return rows


class _Encoders:
    """Write what writers hold, with several threads side by side."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "tracecmd") if threads > 1 else None
        self._running: dict[Writer, tuple[Future[None], int]] = {}

    def __enter__(self) -> _Encoders:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    @property
    def held(self) -> int:
        """Bytes on their way."""
        return sum(size for future, size in self._running.values() if not future.done())

    def _run(self, writer: Writer, work: Callable[[], None], size: int) -> None:
        if self._pool:
            self.wait(writer)  # a writer does one thing at a time
            self._running[writer] = self._pool.submit(work), size
        else:
            work()

    def flush(self, writer: Writer) -> None:
        """Write what is held."""
        size = writer.held
        self._run(writer, writer.take(), size)

    def close(self, writer: Writer) -> None:
        """Write all that is missing."""
        self._run(writer, writer.close, writer.held)

    def wait(self, writer: Writer | None = None) -> None:
        """Wait until all of a writer is written; without one, of that which waits longest."""
        writer = writer or next(iter(self._running), None)
        if writer in self._running:
            self._running.pop(writer)[0].result()


def _write_all(tables: Tables, writers: Mapping[str, Writer]) -> None:
    every = list(writers.values())
    with _Encoders(tables.threads) as encoders:
        for key, batch in tables.batches():
            writer = writers[key]
            writer.write(batch)
            if writer.full:
                encoders.flush(writer)
            while (held := sum(each.held for each in every)) + encoders.held >= HELD_BYTES:
                if held < encoders.held:
                    encoders.wait()
                else:
                    encoders.flush(max(every, key=lambda each: each.held))
        for writer in every:
            encoders.close(writer)
        for writer in every:
            encoders.wait(writer)
