"""Recordings into a lake: what is to be done, by how many processes, and in which order."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from ... import _arguments
from ..._reading import Names, Progress, Report, Time, reporter
from ...events import UnknownEventError
from ...opening import OpenOptions
from ...session.opening import trace_files
from ..files import replacing
from ..writer import pyarrow
from .source import OF_FILE, Asked, Survey, Written, part_name, survey, write
from .state import Entry, State, restate
from .types import unify

__all__ = ["Lake", "lake"]

PROCESSES_MAX = 1024
SURVEY, WRITE = 1, 3  # shares of the work, as one pass over a recording compares with the other
PathName = str | os.PathLike[str]


class Lake(NamedTuple):
    """What became of the recordings.

    Attributes:
        written: names of those whose rows were written.
        kept: names of those that were in the lake before, and have not changed.
        failed: what is wrong with those that could not be read, by name.
        rows: how many were written.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    failed: dict[str, str]
    rows: int


class _Source(NamedTuple):
    """A recording that is to be read: its name, its key in the lake, and as what it was found."""

    path: str
    key: str
    size: int
    mtime_ns: int


class _Meter:
    """Progress of the whole, in bytes of recordings."""

    def __init__(self, sources: Iterable[_Source], report: Report) -> None:
        self._total = (SURVEY + WRITE) * sum(source.size for source in sources)
        self._done = 0
        self._report = report

    def add(self, amount: int) -> None:
        self._done += amount
        self.show(0)

    def show(self, part: int) -> None:
        """What of the recording at work is done, too."""
        if self._report:
            self._report(self._done + part, self._total)

    def within(self, source: _Source) -> Report:
        """For a recording that is written by this process."""
        return lambda done, total: self.show(WRITE * source.size * done // max(total, 1))


def lake(
    paths: PathName | Iterable[PathName],
    folder: PathName,
    *,
    events: Names = None,
    exclude: Names = None,
    start: Time = None,
    end: Time = None,
    symbols: bool = False,
    processes: int = 1,
    progress: Progress = None,
    mmap: bool = True,
    sync: bool = True,
    date: bool = True,
) -> Lake:
    """Write recordings into a folder of Parquet files that DuckDB, Polars and pandas read as one.

    Needs ``pip install 'tracecmd[arrow]'``. The folder has

    - ``events/system=sched/event=sched_switch/*.parquet``, the rows of an event, a file for each
      recording. Columns are those of :meth:`Trace.table` and ``buffer``, then ``wall``, wall-clock
      time where the recording has it (``record --date``), else null, and of the recording ``file``,
      ``trace_id``, ``machine`` (its node name) and ``clock``. All files of an event have one
      schema: types hold the values of all kernels and architectures, and what a kernel lacks is
      null.
    - ``losses/*.parquet``, as :meth:`Trace.losses` gives them; ``files.parquet``, a row for each
      recording; ``problems.parquet``, what is wrong in them.

    It is resumed: what is in the lake already, from a recording that has not changed since and with
    the same arguments, is kept; what was interrupted is done again. If further recordings have
    further fields, or wider ones, the files of those events are written anew.

    Args:
        paths: files, or folders with recordings.
        folder: made if it is not there.
        events, exclude: names of events, also with wildcards. What a recording lacks is no error;
            some recording has to have it.
        start, end: times in ns, ``start <= ts < end``, of each recording's clock.
        symbols: as for :meth:`Trace.table`.
        processes: how many read recordings. With more than one a script needs its
            ``if __name__ == "__main__":``, as for all of :mod:`multiprocessing`.
        progress: called now and then with work done and all work.
        mmap, sync, date: as for :func:`tracecmd.open`.

    Returns:
        What became of each recording. Those that cannot be read are no error.

    Raises:
        UnknownEventError: (a KeyError) no recording has an event of one of the names.
        BlockingIOError: somebody else is writing to the lake.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
        OSError: the lake cannot be written. What was done is kept.
    """
    given = (paths,) if isinstance(paths, str | os.PathLike) else tuple(paths)
    first, last = _arguments.window(start, end)
    options = OpenOptions(mmap=mmap, sync=sync, date=date)
    names, out = _arguments.names("events", events), _arguments.names("exclude", exclude)
    asked = Asked(names, out or (), first, last, bool(symbols), options)
    processes = _arguments.number("processes", processes, 1, PROCESSES_MAX)
    sources = _sources(given)
    state = State(Path(folder))
    with state.locked(), contextlib.ExitStack() as stack:
        pool = stack.enter_context(_pool(processes)) if min(processes, len(sources)) > 1 else None
        return _Run(state, asked, pool, progress).all(sources)


def _sources(given: Iterable[PathName]) -> list[_Source]:
    """Each recording once, in the order given."""
    found: dict[str, _Source] = {}
    for name in trace_files(given):
        path = os.path.abspath(os.fsdecode(name))  # type: ignore[arg-type]
        try:
            status = os.stat(path)
            size, mtime_ns = status.st_size, status.st_mtime_ns
        except OSError:  # said when it is opened
            size, mtime_ns = 0, 0
        stem = "".join(c if c.isalnum() or c in "_-" else "." for c in Path(path).stem)[:80]
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        found[path] = _Source(path, f"{stem.strip('.') or 'trace'}-{digest}", size, mtime_ns)
    return list(found.values())


# Processes ------------------------------------------------------------------------------------

_busy = False  # of a worker: whether it has something that it has to clean up


def _start_worker() -> None:
    def interrupt(*_: object) -> None:
        if _busy:
            raise KeyboardInterrupt
        os._exit(130)

    signal.signal(signal.SIGINT, interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Have processes that are started meanwhile keep a Ctrl-C until they can answer it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    global _busy  # noqa: PLW0603 - a process has one job at a time
    _busy = True
    try:
        return function(*arguments)
    finally:
        _busy = False


def _pool(processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, initializer=_start_worker)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Have the workers clean up what they are at, and wait for their end."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        with contextlib.suppress(OSError, TypeError):
            os.kill(process.pid, signal.SIGINT)
    pool.shutdown(cancel_futures=True)


class _Run:
    """One call of :func:`lake`, with the lake locked."""

    def __init__(
        self, state: State, asked: Asked, pool: ProcessPoolExecutor | None, progress: Progress
    ) -> None:
        self._state = state
        self._asked = asked
        self._pool = pool
        self._progress = reporter(progress)

    def all(self, sources: list[_Source]) -> Lake:
        """Do what is not done yet."""
        entries = self._state.entries()
        for key, entry in list(entries.items()):
            if not entry.done:  # interrupted
                self._state.drop(key, entries.pop(key))
        todo = [source for source in sources if not self._is_done(entries.get(source.key), source)]
        for source in todo:
            if source.key in entries:
                self._state.drop(source.key, entries.pop(source.key))
        meter = _Meter(todo, self._progress)
        surveys = self._surveys(todo, meter)
        self._require_known(surveys.values())
        self._settle(entries, surveys.values())
        fresh: dict[str, Entry] = {}
        try:
            rows = self._write(todo, surveys, fresh, meter)
        finally:
            for key, entry in list(fresh.items()):
                if not entry.done:
                    self._state.drop(key, fresh.pop(key))
            self._write_tables({**entries, **fresh})
        new = [fresh[source.key] for source in todo]
        done = {source.path for source in todo}
        return Lake(
            tuple(entry.path for entry in new if entry.about),
            tuple(source.path for source in sources if source.path not in done),
            {e.path: e.problems[0]["reason"] for e in new if not e.about},
            rows,
        )

    def _is_done(self, entry: Entry | None, source: _Source) -> bool:
        return (
            entry is not None
            and entry.about is not None  # what could not be read is tried again
            and (entry.size, entry.mtime_ns) == (source.size, source.mtime_ns)
            and entry.asked == repr(self._asked)
        )

    def _each(
        self, jobs: dict[_Source, tuple[Callable[..., Any], tuple[Any, ...]]]
    ) -> Iterator[tuple[_Source, Any]]:
        """What each job returns, as they end."""
        if self._pool is None:
            for source, (function, arguments) in jobs.items():
                yield source, function(*arguments)
            return
        with _undisturbed():
            running: dict[Future[Any], _Source] = {
                self._pool.submit(_work, *job): source for source, job in jobs.items()
            }
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            _stop(self._pool)
            raise

    def _surveys(self, todo: list[_Source], meter: _Meter) -> dict[_Source, Survey]:
        found = {}
        jobs = {source: (survey, (source.path, self._asked)) for source in todo}
        with contextlib.closing(self._each(jobs)) as results:  # type: ignore[type-var]
            for source, result in results:
                found[source] = result
                meter.add(SURVEY * source.size)
        return found

    def _require_known(self, surveys: Iterable[Survey]) -> None:
        readable = [each.unknown for each in surveys if not each.failed]
        unknown = frozenset.intersection(*readable) if readable else frozenset()
        if unknown:
            raise UnknownEventError(f"no recording has an event named {min(unknown)!r}")

    def _settle(self, entries: dict[str, Entry], surveys: Iterable[Survey]) -> None:
        """Find the schemas, and bring what is there already to them."""
        schemas, unsettled = self._state.schemas()
        found: dict[str, list[Any]] = {}
        for each in surveys:
            for event, schema in each.schemas.items():
                found.setdefault(event, []).append(schema)
        for event, fresh in found.items():
            before = schemas.get(event)
            schemas[event] = unify([before, *fresh] if before else fresh)
            if before and not before.equals(schemas[event]):
                unsettled.add(event)
        self._state.store_schemas(schemas, unsettled)
        for event in unsettled:
            for key, entry in entries.items():
                part = part_name(event, key)
                if part in entry.parts:
                    restate(self._state.folder / part, schemas[event])
        self._state.store_schemas(schemas, set())
        self._schemas = schemas

    def _write(
        self,
        todo: list[_Source],
        surveys: dict[_Source, Survey],
        fresh: dict[str, Entry],
        meter: _Meter,
    ) -> int:
        """Write what can be read; fresh becomes the entries of all of it. Gives the rows."""
        jobs = {}
        asked = repr(self._asked)
        for source in todo:
            path, key, size, mtime_ns = source
            failed = surveys[source].failed
            if failed:
                entry = Entry(path, size, mtime_ns, asked, done=True, problems=(failed,))
                meter.add(WRITE * size)
            else:
                schemas = {event: self._schemas[event] for event in surveys[source].schemas}
                parts = tuple(part_name(event, key) for event in schemas)
                entry = Entry(path, size, mtime_ns, asked, parts)
                within = meter.within(source) if self._pool is None else None
                arguments = (path, self._state.folder, key, self._asked, schemas, within)
                jobs[source] = write, arguments
            fresh[key] = entry
            self._state.store(key, entry)
        rows = 0
        with contextlib.closing(self._each(jobs)) as results:  # type: ignore[type-var]
            for source, written in results:
                rows += self._finish(source.key, fresh, written)
                meter.add(WRITE * source.size)
        return rows

    def _finish(self, key: str, fresh: dict[str, Entry], written: Written) -> int:
        entry = fresh[key]
        parts = entry.parts
        if written.about is None:
            self._state.drop(key, entry)
            parts = ()
        fresh[key] = Entry(
            entry.path, entry.size, entry.mtime_ns, entry.asked, parts, True,
            written.about, written.problems,
        )  # fmt: skip
        self._state.store(key, fresh[key])
        return written.rows

    def _write_tables(self, entries: dict[str, Entry]) -> None:
        """The tables of files and problems, of all that is in the lake."""
        pa = pyarrow()
        u64, i64, text, time = pa.uint64(), pa.int64(), pa.string(), pa.timestamp("ns")
        of_file = {name: u64 if name == "trace_id" else text for name in OF_FILE}
        files = {
            **of_file, "release": text, "arch": text, "date_offset": i64, "recorder": text,
            "version": pa.int32(), "byteorder": text, "cpus": i64, "start": time, "end": time,
            "size": i64, "records": i64, "rows": i64,
        }  # fmt: skip
        problems = {"file": text, "kind": text, "offset": u64, "reason": text}
        every = sorted(entries.values(), key=lambda entry: entry.path)
        abouts = [entry.about for entry in every if entry.about]
        self._write_table("files", files, abouts)
        self._write_table("problems", problems, [row for each in every for row in each.problems])

    def _write_table(self, name: str, columns: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        table = pyarrow().Table.from_pylist(rows, pyarrow().schema(list(columns.items())))
        with replacing(self._state.folder / f"{name}.parquet") as file:
            pyarrow("pyarrow.parquet").write_table(table, file, store_schema=False)
