"""Several tables into a folder, a file each, in one pass over the records."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .files import about, writing
from .formats import format_of
from .writer import Writer

if TYPE_CHECKING:
    from ..columns import Table, Tables

__all__ = ["write_all", "write_tables"]

HELD_BYTES = 64 << 20  # of all row groups that are not written yet


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

    The records are read once for all tables (:meth:`tracecmd.Tables.batches`). The files
    appear when all that are read together are whole. A new folder is removed
    if none did.

    Args:
        tables: what :meth:`tracecmd.Trace.tables` gives.
        folder: made if it is not there.
        suffix: one of :data:`FORMATS`.
        options: as for :func:`write_table`.

    Returns:
        The number of rows by the tables' keys.
    """
    make, target = format_of(suffix), Path(folder)
    names = _file_names(tables, suffix)
    prepared = tables.map(lambda table: cast("Table", make.prepare(table)))
    rows: dict[str, int] = {}
    is_new = not target.exists()
    target.mkdir(exist_ok=True)
    try:
        for group in prepared.passes():
            with contextlib.ExitStack() as stack:
                writers = {
                    key: stack.enter_context(writing(make, table, target / names[key], options))
                    for key, table in group.items()
                }
                with about(target):
                    write_all(group, writers)
            rows.update((key, writer.rows) for key, writer in writers.items())
    except BaseException:
        if is_new:
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


def write_all(tables: Tables, writers: Mapping[str, Writer]) -> None:
    """Read the tables together, and write each as its writer is full."""
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
