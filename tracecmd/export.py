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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from .packages import package

if TYPE_CHECKING:
    from .table import Table

__all__ = ["FORMATS", "write_arrow", "write_csv", "write_jsonl", "write_parquet", "write_table"]

GROUP_ROWS = 1 << 20  # of a Parquet row group


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


def _batches(table: Table, pyarrow: Any, rows: int) -> Iterator[Any]:
    """pyarrow tables of at least so many rows, but for the last."""
    held: list[Any] = []
    count = 0
    for batch in table.batches():
        held.append(batch.to_arrow())
        count += len(batch)
        if count >= rows:
            yield pyarrow.Table.from_batches(held)
            held, count = [], 0
    if held:
        yield pyarrow.Table.from_batches(held)


def _pyarrow(module: str) -> Any:
    return package(module, "arrow")


def _schema(pyarrow: Any, table: Table) -> Any:
    return pyarrow.schema(table)


def write_parquet(
    table: Table,
    path: str | os.PathLike[str],
    *,
    compression: str = "zstd",
    row_group_rows: int = GROUP_ROWS,
) -> int:
    """Write Parquet; gives the number of rows."""
    pyarrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    rows = 0
    with (
        replacing(path) as file,
        parquet.ParquetWriter(file, _schema(pyarrow, table), compression=compression) as writer,
    ):
        for group in _batches(table, pyarrow, row_group_rows):
            writer.write_table(group, row_group_size=row_group_rows)
            rows += group.num_rows
    return rows


def write_arrow(table: Table, path: str | os.PathLike[str]) -> int:
    """Write an Arrow IPC file, which is also Feather version 2; gives the number of rows."""
    pyarrow, ipc = _pyarrow("pyarrow"), _pyarrow("pyarrow.ipc")
    options = ipc.IpcWriteOptions(compression="zstd")
    rows = 0
    plain = table.without_dictionaries()  # an IPC file has one dictionary for all batches
    schema = _schema(pyarrow, plain)
    with replacing(path) as file, ipc.new_file(file, schema, options=options) as writer:
        for batch in plain.batches():
            writer.write_batch(batch.to_arrow())
            rows += len(batch)
    return rows


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


def write_csv(table: Table, path: str | os.PathLike[str]) -> int:
    """Write CSV with a header; times in ns, lists as JSON, bytes in hexadecimal."""
    pyarrow, csv = _pyarrow("pyarrow"), _pyarrow("pyarrow.csv")
    rows = 0
    with replacing(path) as file:
        writer = None
        for batch in table.batches():
            arrow = batch.to_arrow()
            flat = pyarrow.RecordBatch.from_arrays(
                [_flat(pyarrow, column) for column in arrow.columns], names=arrow.schema.names
            )
            writer = writer or csv.CSVWriter(file, flat.schema)
            writer.write_batch(flat)
            rows += len(batch)
        if writer is None:
            file.write(",".join(f'"{name}"' for name in table.column_names).encode() + b"\n")
        else:
            writer.close()
    return rows


def _json_value(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a row")


def write_jsonl(table: Table, path: str | os.PathLike[str]) -> int:
    """Write a JSON object a row; times in ns, bytes in base64."""
    pyarrow = _pyarrow("pyarrow")
    rows = 0
    with replacing(path) as file:
        for batch in table.batches():
            arrow = batch.to_arrow()
            columns = [
                column.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(column.type) else column
                for column in arrow.columns
            ]
            plain = pyarrow.RecordBatch.from_arrays(columns, names=arrow.schema.names)
            for row in plain.to_pylist():
                line = json.dumps(row, default=_json_value, separators=(",", ":"))
                file.write(line.encode() + b"\n")
            rows += len(batch)
    return rows


Format = Literal[".parquet", ".arrow", ".feather", ".csv", ".jsonl"]
FORMATS: dict[str, Callable[[Table, Path], int]] = {
    ".parquet": write_parquet,
    ".arrow": write_arrow,
    ".feather": write_arrow,
    ".csv": write_csv,
    ".jsonl": write_jsonl,
}


def write_table(table: Table, path: str | os.PathLike[str]) -> int:
    """Write a table in the format that the name ends with; gives the number of rows.

    Raises:
        ValueError: the name ends with none of :data:`FORMATS`.
    """
    target = Path(path)
    write = FORMATS.get(target.suffix.lower())
    if write is None:
        raise ValueError(f"{target.name}: a file name ends with {', '.join(FORMATS)}")
    return write(table, target)
