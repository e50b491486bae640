"""Records as columns: Arrow out of the core, and thin ways to pandas, Polars, NumPy and Parquet.

A :class:`Table` is a question, not its answer: it reads when a consumer asks for its Arrow stream,
batch by batch. Whatever speaks the Arrow PyCapsule interface takes it as it is, without pyarrow:
``polars.DataFrame(table)``, ``pyarrow.table(table)``, ``duckdb.from_arrow(table)``.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from .. import _arguments, _lowlevel
from .._reading import records as _records
from ..event import EventFormat, unknown_field
from ..export.files import GROUP_ROWS, write_parquet, write_tables
from ..filter import FilterError, check_filters, compile_filter
from ..packages import MissingPackageError, package
from .choice import OWN, UnknownFieldError, add_symbols, choose_columns

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

__all__ = [
    "MissingPackageError",
    "RecordBatch",
    "Table",
    "Tables",
    "UnknownFieldError",
    "package",
]

BATCH_ROWS = 65536
WINDOW_BYTES = 8 << 20  # of all streams together, for a task of a thread
PASS_TABLES = 128  # read at once: each is a file that is open, and has a batch

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# Reading -------------------------------------------------------------------------------------


class Batches(_records.Watched, Protocol[T_co]):
    """What gives batches of columns: _lowlevel.Columns, _lowlevel.ColumnSet."""

    def next(self, max_rows: int) -> T_co | _lowlevel.GoOn | None: ...


def _read(request: _records.Request, columns: Batches[T]) -> Iterator[T]:
    """All batches of one window of time."""
    return _records.watch(request, columns, lambda: columns.next(request.batch_size))


class Scan(NamedTuple):
    """All that a read needs: what to read, into which columns, and what passes."""

    request: _records.Request
    columns: tuple[_lowlevel.Column, ...]
    filters: dict[int, _lowlevel.Filter]  # by id() of the reader
    uint64_ts: bool
    binary: bool
    dictionary: bool
    formats: tuple[_lowlevel.WalkSource, ...] = ()  # where there are no sources: events asked for

    def options(self, start: int, end: int | None) -> _lowlevel.ColumnsOptions:
        """How to read a window of time."""
        return _lowlevel.ColumnsOptions(
            start,
            end,
            self.request.backwards,
            self.request.by_cpu,
            self.uint64_ts,
            self.binary,
            self.dictionary,
        )

    def sources(self) -> list[_lowlevel.ColumnsSource]:
        """What to read, for the core."""
        return [
            _lowlevel.ColumnsSource(s.lowlevel(), s.reader.peer, self.filters.get(id(s.reader)))
            for s in self.request.sources
        ] + [_lowlevel.ColumnsSource(walk, no_records=True) for walk in self.formats]

    def open(self, start: int, end: int | None) -> _lowlevel.Columns:
        """Start reading a window of time."""
        return _lowlevel.Columns(self.sources(), self.columns, self.options(start, end))

    def schema(self) -> _lowlevel.Schema:
        """What the columns are."""
        with contextlib.closing(self.open(0, 0)) as columns:
            return columns.schema()

    def arrays(self) -> Iterator[_lowlevel.Array]:
        """All batches in order; with threads, windows of time side by side."""
        request = self.request
        lost = [i for i, column in enumerate(self.columns) if column.kind == "missed_events"]
        if lost and request.backwards:
            request = request._replace(threads=1)  # a loss is told of before what it is behind
        windows = _records.windows(request, WINDOW_BYTES)
        if len(windows) == 1:
            with contextlib.closing(self.open(*windows[0])) as columns:
                yield from _read(request, columns)
            return
        quiet = request._replace(on_progress=None)
        with contextlib.ExitStack() as opened:
            idle: deque[_lowlevel.Columns] = deque()  # of them each thread takes one

            def read(start: int, end: int | None) -> _Window:
                try:
                    columns = idle.pop()
                except IndexError:
                    columns = opened.enter_context(contextlib.closing(self.open(start, end)))
                else:
                    columns.restart(start, end)
                window = _Window(list(_read(quiet, columns)), columns.losses() if lost else [])
                idle.append(columns)
                return window

            missed = [0] * len(request.sources)
            reading = _records.read_windows(request, windows, read)
            for window in opened.enter_context(contextlib.closing(reading)):
                if lost:
                    missed = window.join(lost, missed)
                yield from window.arrays


class _Window(NamedTuple):
    """The batches of a window of time, and of each source its first row and what it lost behind
    the last one."""

    arrays: list[_lowlevel.Array]
    losses: list[tuple[int | None, int]]

    def join(self, columns: Sequence[int], missed: Sequence[int]) -> list[int]:
        """Charge what the windows before lost to the first rows; gives what the next one is to."""
        left = []
        for (first, behind), before in zip(self.losses, missed, strict=True):
            if first is None:
                left.append(_records.add_missed(before, behind))
                continue
            if before:
                array, row = self._place(first)
                for column in columns:
                    array.add_missed(column, row, before)
            left.append(behind)
        return left

    def _place(self, row: int) -> tuple[_lowlevel.Array, int]:
        for array in self.arrays:
            if row < array.length:
                return array, row
            row -= array.length
        raise IndexError(row)


def can_share_walk(scans: Sequence[Scan]) -> bool:
    """Whether one walk can feed all of them.

    Not with losses, as where one is noted depends on the events asked for; nor where a record would
    go to several tables, as two events of one number are.
    """
    if any(column.kind == "missed_events" for scan in scans for column in scan.columns):
        return False
    seen = 0
    for scan in scans:
        ids = int.from_bytes(scan.request.sources[0].event_ids or b"", "little")
        if seen & ids:
            return False
        seen |= ids
    return True


class ScanSet(NamedTuple):
    """Several tables of one file that are read at once: they differ in events and columns."""

    scans: tuple[Scan, ...]

    def open(self, start: int, end: int | None) -> _lowlevel.ColumnSet:
        """Start reading a window of time."""
        first = self.scans[0]
        tables = []
        for scan in self.scans:
            source = scan.request.sources[0]
            assert source.event_ids is not None
            found = scan.filters.get(id(source.reader))
            tables.append(_lowlevel.ColumnTable(source.event_ids, scan.columns, found))
        return _lowlevel.ColumnSet(first.sources(), tables, first.options(start, end))

    def arrays(
        self, progress: Callable[[int, int], None] | None
    ) -> Iterator[tuple[int, _lowlevel.Array]]:
        """All batches and the numbers of their tables; those of one table are in order."""
        request = self.scans[0].request._replace(on_progress=progress)
        with contextlib.closing(self.open(request.start, request.end)) as columns:
            yield from _read(request, columns)


def _make_filters(
    readers: Sequence[_records.Reader],
    where: str | None,
    events: Sequence[EventFormat],
    names: Sequence[str] | None,
) -> dict[int, _lowlevel.Filter]:
    """A filter for each file that has the events in it; one at least has to.

    A name in it has to be a field of some event in one of them.
    """
    if where is None:
        return {}
    filters: dict[int, _lowlevel.Filter] = {}
    unknown: set[str] | None = None
    failure: FilterError | None = None
    for reader in readers:
        ids = None
        if names is not None:
            ids = _records.id_bitmap(_formats_of([reader], names))
        try:
            found = filters[id(reader)] = compile_filter(reader, where, ids, strict=True)
        except FilterError as error:
            failure = failure or error
            continue
        missing = set(found.unknown())
        unknown = missing if unknown is None else unknown & missing
    if failure and not filters:
        raise failure
    check_filters(list(filters.values()))
    if unknown:
        known = {name for event in events for name in event.fields}
        name = sorted(unknown)[0]
        raise UnknownFieldError(
            unknown_field("field for the filter", name, [*known, "COMM", "CPU"])
        )
    _refuse_two_meanings(filters.values())
    return filters


def _refuse_two_meanings(filters: Iterable[_lowlevel.Filter]) -> None:
    """A column by such a name is the record's own, but trace-cmd compares an event's field."""
    for name in (name for each in filters for name in each.own_fields() if name in OWN):
        hint = "CPU for the record's, " if name == "cpu" else ""
        raise FilterError(
            f"filter: {name} is the record's own as well as a field of some event: "
            f"ask for {hint}EVENT.{name} for the field"
        )


# Tables --------------------------------------------------------------------------------------


class RecordBatch:
    """Some rows of a :class:`Table`: for Arrow consumers, once.

    ``len()`` is the number of rows. A batch owns its memory, also when the trace was closed
    meanwhile; it belongs to the consumer after it took the batch.
    """

    def __init__(self, schema: _lowlevel.Schema, array: _lowlevel.Array) -> None:
        self._schema = schema
        self._array: _lowlevel.Array | None = array
        self._length = array.length

    def __len__(self) -> int:
        return self._length

    def _take(self) -> _lowlevel.Array:
        array, self._array = self._array, None
        if array is None:
            raise ValueError("the batch was handed over before")
        return array

    def __arrow_c_schema__(self) -> object:
        """A PyCapsule with an ArrowSchema."""
        return _lowlevel.schema_capsule(self._schema)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """PyCapsules with an ArrowSchema and an ArrowArray; the batch is empty then."""
        array = self._take()
        return self.__arrow_c_schema__(), _lowlevel.array_capsule(array)

    def to_arrow(self) -> pyarrow.RecordBatch:
        """As a pyarrow.RecordBatch."""
        return package("pyarrow", "arrow").record_batch(self)

    def __repr__(self) -> str:
        return f"<RecordBatch rows={len(self)}>"


class _Exporter:
    """Gives a consumer a stream that we keep an eye on."""

    def __init__(self, stream: _lowlevel.Stream) -> None:
        self._stream = stream

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._stream.capsule()


class Table:
    """Records as columns, read anew whenever a consumer takes its Arrow stream.

    Made by :meth:`tracecmd.Trace.table`. Attributes:
        column_names: names of the columns, in order.
    """

    def __init__(self, scan: Scan, what: str) -> None:
        self._scan = scan
        self._what = what
        self.column_names = tuple(column.name for column in scan.columns)
        self._schema = scan.schema()  # errors of the question come now, not with the answer

    def __arrow_c_schema__(self) -> object:
        """A PyCapsule with an ArrowSchema: types, and the fields' C declarations as metadata."""
        return _lowlevel.schema_capsule(self._schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A PyCapsule with an ArrowArrayStream. The trace may be closed while it is read.

        Raises:
            ClosedError: the trace is closed already. What goes wrong later the consumer raises, as
                its own exception with our text.
        """
        return self._stream().capsule()

    def _stream(self) -> _lowlevel.Stream:
        for source in self._scan.sources():  # the one error that can be raised as it is, is
            source.walk.data.require_open()
        return _lowlevel.Stream(self._schema, self._scan.arrays())

    def batches(self) -> Iterator[RecordBatch]:
        """The rows in batches, so that memory does not follow their number."""
        for array in self._scan.arrays():
            yield RecordBatch(self._schema, array)

    def to_arrow(self) -> pyarrow.Table:
        """As a pyarrow.Table (``pip install 'tracecmd[arrow]'``)."""
        found: pyarrow.Table = self._hand_to(package("pyarrow", "arrow").table)
        return found

    def to_polars(self) -> polars.DataFrame:
        """As a polars.DataFrame (``pip install 'tracecmd[polars]'``)."""
        found: polars.DataFrame = self._hand_to(package("polars", "polars").DataFrame)
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """As a pandas.DataFrame (``pip install 'tracecmd[pandas]'``)."""
        package("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_numpy(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """As NumPy arrays by column name (``pip install 'tracecmd[numpy]'``).

        Texts and lists are arrays of objects; columns with nulls are masked arrays.
        """
        package("numpy", "numpy")
        from .numpy_arrays import to_numpy  # noqa: PLC0415

        return to_numpy(self._schema, self._scan.arrays())

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        row_group_rows: int = GROUP_ROWS,
    ) -> int:
        """Write a Parquet file (``pip install 'tracecmd[arrow]'``); gives the number of rows.

        Row groups are written as they are read. The file appears under its name when it is whole.
        """
        return write_parquet(self, path, compression=compression, row_group_rows=row_group_rows)

    def _hand_to(self, consume: Callable[[Any], Any]) -> Any:
        """Let a package consume the stream, and raise what stopped it as it was raised."""
        stream = self._stream()
        try:
            return consume(_Exporter(stream))
        except BaseException:
            if stream.error is not None:
                raise stream.error from None
            raise

    def without_dictionaries(self) -> Table:
        """The same with all texts plain."""
        return Table(self._scan._replace(dictionary=False), self._what)

    def __repr__(self) -> str:
        return f"<Table {self._what} columns={len(self.column_names)}>"


class Tables(dict[str, Table]):
    """Tables of a file by event, ``system:name``. Made by :meth:`tracecmd.Trace.tables`.

    Each can be read on its own. Read together, they take one pass over the records, or where
    there are more than 128 one for each 128 of them; one thread reads, and ``threads`` encode
    Parquet files.
    """

    _share = (0, 1)  # which of how many passes this is

    @property
    def threads(self) -> int:
        """As many as were asked for."""
        return max((table._scan.request.threads for table in self.values()), default=1)

    def batches(self) -> Iterator[tuple[str, RecordBatch]]:
        """The rows of all tables in batches, each with the key of its table.

        Batches of one table come in its order, those of several as they are done. Memory does not
        follow the number of rows: a batch also ends where all together have grown large.
        """
        if len(self) <= PASS_TABLES:
            yield from self._read_together()
            return
        for tables in self.passes():
            yield from tables._read_together()

    def to_arrow(self) -> dict[str, pyarrow.Table]:
        """As pyarrow.Tables (``pip install 'tracecmd[arrow]'``)."""
        pyarrow = package("pyarrow", "arrow")
        held: dict[str, list[Any]] = {name: [] for name in self}
        for name, batch in self.batches():
            held[name].append(batch.to_arrow())
        return {
            name: pyarrow.Table.from_batches(batches, pyarrow.schema(self[name]))
            for name, batches in held.items()
        }

    def to_parquet(
        self,
        folder: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        row_group_rows: int = GROUP_ROWS,
    ) -> dict[str, int]:
        """Write a Parquet file per table into a folder, ``system.name.parquet``.

        Needs ``pip install 'tracecmd[arrow]'``. The folder is made if need be. Files appear when
        all that are read together are whole. Gives the number of rows by key.
        """
        return write_tables(self, folder, compression=compression, row_group_rows=row_group_rows)

    def map(self, change: Callable[[Table], Table]) -> Tables:
        """The same with each table changed."""
        return Tables({name: change(table) for name, table in self.items()})

    def passes(self) -> list[Tables]:
        """Those that one pass over the records reads together."""
        names = list(self)
        found = [
            Tables({name: self[name] for name in names[place : place + PASS_TABLES]})
            for place in range(0, len(names), PASS_TABLES)
        ]
        for place, tables in enumerate(found):
            tables._share = (place, len(found))
        return found

    def _read_together(self) -> Iterator[tuple[str, RecordBatch]]:
        keyed = list(self.items())
        scans = [table._scan for table in self.values()]
        if not scans or not scans[0].request.sources:
            return
        request = scans[0].request
        if not can_share_walk(scans):
            for name, table in keyed:
                for batch in table.batches():
                    yield name, batch
            return
        told = request.on_progress
        place, count = self._share

        def progress(done: int, total: int) -> None:
            if told:
                told(place * total + done, count * total)

        for index, array in ScanSet(tuple(scans)).arrays(progress):
            name, table = keyed[index]
            yield name, RecordBatch(table._schema, array)


def make_table(
    readers: Sequence[_records.Reader],
    events: str | Iterable[str] | None,
    request: Callable[[list[_records.Source]], _records.Request],
    *,
    columns: Iterable[str] | None,
    where: str | None,
    buffers: Iterable[str] | None,
    cpus: int | Iterable[int] | None,
    pids: int | Iterable[int] | None,
    ts: Literal["timestamp", "uint64"],
    invalid_utf8: Literal["replace", "binary"],
    dictionary: bool,
) -> Table:
    """Make a table of the records of one file or several."""
    for name, value, known in (("ts", ts, ("timestamp", "uint64")),
                               ("invalid_utf8", invalid_utf8, ("replace", "binary"))):  # fmt: skip
        if value not in known:
            raise ValueError(f"{name}={value!r}; it is {known[0]!r} or {known[1]!r}")
    names = _arguments.names("events", events)
    sources = _records.choose_all(readers, buffers=buffers, cpus=cpus, events=names, pids=pids)
    everywhere = _formats_of(readers, names)
    formats = _distinct(everywhere)
    if where is not None and not isinstance(where, str):
        raise TypeError(f"where={where!r}; it is a text")
    if isinstance(columns, str):
        raise TypeError("columns is a list of names, not a name")
    chosen = choose_columns(formats, _arguments.names("columns", columns))
    if len({column.name for column in chosen}) < len(chosen):
        raise UnknownFieldError("columns: a name occurs twice")
    filters = _make_filters(readers, where, formats, names)
    if where is not None:
        sources = [source for source in sources if id(source.reader) in filters]
    scan = Scan(
        request(sources),
        add_symbols(chosen, everywhere),
        filters,
        ts == "uint64",
        invalid_utf8 == "binary",
        dictionary,
        () if sources else _event_sources(readers, names),
    )
    return Table(scan, str(formats[0]) if len(formats) == 1 else f"events={len(formats)}")


def _event_sources(
    readers: Sequence[_records.Reader], names: Sequence[str] | None
) -> tuple[_lowlevel.WalkSource, ...]:
    """What columns are made of where no CPU has records: the events asked for, of each file."""
    return tuple(
        _lowlevel.WalkSource(
            reader.data,
            0,
            None if names is None else _records.id_bitmap(_formats_of([reader], names)),
        )
        for reader in readers
    )


def _formats_of(
    readers: Sequence[_records.Reader], names: Sequence[str] | None
) -> list[EventFormat]:
    """The events that are asked for, of each file that has them."""
    found: list[EventFormat] = []
    for reader in readers:
        if names is None:
            found += reader.events.values()
        for name in names or ():
            with contextlib.suppress(KeyError):
                found += reader.events.select(name)
    return found


def _distinct(events: Iterable[EventFormat]) -> list[EventFormat]:
    """One for each name even if several files have it."""
    found: dict[str, EventFormat] = {}
    for event in events:
        found.setdefault(str(event), event)
    return list(found.values())
