"""struct trc_filter, trc_columns and trc_column_set: records as Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._arrow import Array, Schema, Times, time_flags
from ._base import (
    GO_ON,
    GoOn,
    SourceProblem,
    check,
    decode,
    decode_string,
    ffi,
    lib,
)
from ._data import WalkSource
from ._file import File
from ._handle import Handle
from ._metadata import Metadata
from ._symbols import Symbols

COLUMN_KINDS: dict[str, int] = {
    name.removeprefix("TRC_COLUMN_").lower(): getattr(lib, name)
    for name in dir(lib)
    if name.startswith("TRC_COLUMN_")
}

NO_ROW = (1 << 64) - 1


# Filters -------------------------------------------------------------------------------------


class Filter(Handle):
    """struct trc_filter of one file; symbols: other ones than the file's, if it wants any.

    strict: TRC_FILTER_STRICT.

    Raises:
        NotFoundError: (a ValueError) the text names events that the file does not have.
        ValueError: it is not a filter.
    """

    def __init__(self, file: File, metadata: Metadata, text: str, event_ids: bytes | None,
                 symbols: Symbols | None = None, *, strict: bool = False) -> None:  # fmt: skip
        super().__init__(file.path)
        held = self._hold(metadata)
        ids = ffi.NULL if event_ids is None else ffi.from_buffer(event_ids)
        flags = lib.TRC_FILTER_STRICT if strict else 0
        raw = text.encode(errors="surrogateescape")

        def compile(symbols: Any) -> None:
            self._create(
                "trc_filter", lib.trc_filter_create, held, symbols, raw, len(raw), ids, flags
            )

        compile(ffi.NULL)
        with self as pointer:
            wants_symbols = lib.trc_filter_wants_symbols(pointer)
        self._symbols: Symbols | None = None  # its own, which nobody else closes
        if wants_symbols:
            if symbols is None:
                symbols = self._symbols = Symbols(file)
            compile(self._hold(symbols))

    def close(self) -> None:
        """Close it, and the symbols that were read for it alone."""
        super().close()
        if self._symbols is not None:
            self._symbols.close()

    def passes(self, number: int, payload: bytes, cpu: int) -> bool:
        """Whether it lets a record through; number is its event's."""
        with self as pointer:
            return bool(lib.trc_filter_passes(pointer, number, payload, len(payload), cpu))

    def texts(self) -> list[tuple[int, str]]:
        """What it is for each of its events, with the event's id."""
        with self as pointer:
            err = ffi.new("struct trc_error *")
            number, text = ffi.new("uint32_t *"), ffi.new("struct trc_bytes *")
            texts: list[tuple[int, str]] = []
            while True:
                code = lib.trc_filter_text(pointer, len(texts), number, text, err)
                if code == lib.TRC_NOT_FOUND:
                    return texts
                check(code, err, self.path)
                texts.append((number[0], decode(ffi.cast("char *", text.data), text.size)))
                lib.trc_bytes_free(text)

    def own_fields(self) -> list[str]:
        """Names in it that are a field of some of its events, and not a common one."""
        with self as pointer:
            name, size = ffi.new("const char **"), ffi.new("size_t *")
            is_own = ffi.new("int *")
            names: list[str] = []
            index = 0
            while not lib.trc_filter_name(pointer, index, name, size, is_own, ffi.NULL):
                if is_own[0]:
                    names.append(decode(name[0], size[0]))
                index += 1
            return names

    def comparisons(self) -> list[tuple[bool, str | None]]:
        """Of each comparison whether an event is fit for it, and what is wrong if none is."""
        with self as pointer:
            err, fits = ffi.new("struct trc_error *"), ffi.new("uint32_t *")
            comparisons: list[tuple[bool, str | None]] = []
            while True:
                code = lib.trc_filter_comparison(pointer, len(comparisons), fits, err)
                if code == lib.TRC_NOT_FOUND:
                    return comparisons
                comparisons.append((bool(fits[0]), decode_string(err.message) if code else None))

    def unknown(self) -> list[str]:
        """Names in it that are a field of none of its events."""
        with self as pointer:
            name, size = ffi.new("const char **"), ffi.new("size_t *")
            names: list[str] = []
            while not lib.trc_filter_unknown(pointer, len(names), name, size, ffi.NULL):
                names.append(decode(name[0], size[0]))
            return names


class FilterStep(NamedTuple):
    """struct trc_filter_step: how is ``"all"``, ``"any"`` or ``"none"``; of filters and steps."""

    how: str
    parts: Sequence[int]


class JoinedFilter(Filter):
    """struct trc_filter made of others of one file, in steps."""

    def __init__(self, path: str, filters: Sequence[Filter], steps: Sequence[FilterStep]) -> None:
        Handle.__init__(self, path)
        self._symbols = None
        parts = [part for step in steps for part in step.parts]
        rows, first = [], 0
        for step in steps:
            rows.append((_HOW[step.how], first, len(step.parts)))
            first += len(step.parts)
        pointers = ffi.new("const struct trc_filter *[]", [self._hold(each) for each in filters])
        row_array, part_array = (
            ffi.new("struct trc_filter_step[]", rows),
            ffi.new("uint32_t[]", parts),
        )
        join = ffi.new(
            "struct trc_filter_join *",
            [pointers, row_array, part_array, len(filters), len(rows), len(parts)],
        )
        self._create("trc_filter", lib.trc_filter_create_joined, join)


_HOW = {
    "all": lib.TRC_FILTER_ALL,
    "any": lib.TRC_FILTER_ANY,
    "none": lib.TRC_FILTER_NONE,
}


# Columns -------------------------------------------------------------------------------------


class Column(NamedTuple):
    """struct trc_column: ``kind`` is a key of :data:`COLUMN_KINDS`, event ``system:name``."""

    name: str
    kind: str
    field: str = ""
    symbols: str = ""
    event: str = ""


class ColumnsSource(NamedTuple):
    """struct trc_columns_source."""

    walk: WalkSource
    peer: str = ""
    filter: Filter | None = None
    no_records: bool = False
    symbols: Symbols | None = None


class ColumnsOptions(NamedTuple):
    """struct trc_columns_options, but for the columns; ``start <= ts < end``."""

    start: int = 0
    end: int | None = None
    backwards: bool = False
    by_cpu: bool = False
    ts: Times = "timestamp"
    binary: bool = False
    dictionary: bool = True


def _set_window(walk: Any, start: int, end: int | None) -> None:
    walk.start = start
    walk.end = end or 0
    walk.until_last = end is None


class _Reader(Handle):
    """What makes batches: belongs to one thread at a time."""

    def __init__(self, sources: Sequence[ColumnsSource]) -> None:
        super().__init__(sources[0].walk.data.path if sources else "")
        # files of the sources with records
        self._paths = [source.walk.data.path for source in sources if not source.no_records]

    def _string(self, text: str) -> Any:
        return self._keep(ffi.new("char[]", text.encode(errors="surrogateescape")))

    def _sources(self, sources: Sequence[ColumnsSource]) -> Any:
        array = self._keep(ffi.new("struct trc_columns_source[]", len(sources)))
        for entry, source in zip(array, sources, strict=True):
            walk = source.walk
            entry.walk.data = self._hold(walk.data)
            entry.walk.stream = walk.stream
            if walk.event_ids is not None:
                entry.walk.event_ids = self._keep(ffi.from_buffer("uint8_t[]", walk.event_ids))
            if walk.pids is not None:
                entry.walk.pids = self._keep(ffi.new("int32_t[]", sorted(walk.pids)))
                entry.walk.pid_count = len(walk.pids)
            entry.peer = self._string(source.peer)
            entry.filter = self._hold(source.filter) if source.filter else ffi.NULL
            entry.symbols = self._hold(source.symbols) if source.symbols else ffi.NULL
            entry.no_records = source.no_records
        return array

    def _columns(self, columns: Sequence[Column]) -> Any:
        array = self._keep(ffi.new("struct trc_column[]", len(columns)))
        for entry, column in zip(array, columns, strict=True):
            entry.name = self._string(column.name)
            entry.field = self._string(column.field)
            entry.kind = COLUMN_KINDS[column.kind]
            if column.symbols:
                entry.symbols = self._string(column.symbols)
            if column.event:
                entry.event = self._string(column.event)
        return array

    def _options(self, options: ColumnsOptions) -> Any:
        struct = self._keep(ffi.new("struct trc_columns_options *"))
        _set_window(struct.walk, options.start, options.end)
        struct.walk.flags = (
            lib.TRC_WALK_BACKWARDS * options.backwards | lib.TRC_WALK_BY_CPU * options.by_cpu
        )
        struct.flags = (
            time_flags("COLUMNS", options.ts)
            | lib.TRC_COLUMNS_BINARY * options.binary
            | lib.TRC_COLUMNS_NO_DICTIONARY * (not options.dictionary)
        )
        return struct

    def _progress(self, get: Callable[..., None]) -> tuple[int, int]:
        with self as pointer:
            done, total = ffi.new("uint64_t *"), ffi.new("uint64_t *")
            get(pointer, done, total)
            return done[0], total[0]


class Columns(_Reader):
    """struct trc_columns."""

    def __init__(
        self, sources: Sequence[ColumnsSource], columns: Sequence[Column], options: ColumnsOptions
    ) -> None:
        super().__init__(sources)
        struct = self._struct = self._options(options)
        struct.columns = self._columns(columns)
        struct.column_count = len(columns)
        self._source_count = len(sources)
        array = self._sources(sources)
        self._create(
            "trc_columns",
            lib.trc_columns_create,
            array,
            len(sources),
            struct,
            sources=self._paths,
        )

    def restart(self, start: int, end: int | None) -> None:
        """Begin anew with another window of time."""
        with self as columns:
            err = ffi.new("struct trc_error *")
            _set_window(self._struct.walk, start, end)
            check(
                lib.trc_columns_restart(columns, ffi.addressof(self._struct, "walk"), err),
                err,
                self.path,
                self._paths,
            )

    def schema(self) -> Schema:
        schema = Schema()
        with self as columns:
            err = ffi.new("struct trc_error *")
            check(lib.trc_columns_schema(columns, schema._struct, err), err, self.path)
        return schema

    def next(self, max_rows: int) -> Array | GoOn | None:
        """The next batch, None at the end; leaves the GIL while reading."""
        array = Array()
        with self as columns:
            err = ffi.new("struct trc_error *")
            code = lib.trc_columns_next(columns, max_rows, array._struct, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self._paths)
        return array if array.length else None

    def losses(self) -> list[tuple[int | None, int]]:
        """After the last batch, of each source: the number of its first row, counted over all
        batches, and how many events it lost after its last one (-1: an unknown number)."""
        with self as columns:
            first, missed = ffi.new("uint64_t *"), ffi.new("int64_t *")
            losses = []
            for source in range(self._source_count):
                lib.trc_columns_losses(columns, source, first, missed)
                losses.append((None if first[0] == NO_ROW else first[0], missed[0]))
            return losses

    def problems(self, known: int = 0) -> list[SourceProblem]:
        """All that was found damaged so far; none if that is as much as known."""
        return self._source_problems(
            lib.trc_columns_problem_count, lib.trc_columns_problem, self._paths, known
        )

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        return self._progress(lib.trc_columns_progress)


class ColumnTable(NamedTuple):
    """struct trc_column_table."""

    event_ids: bytes
    columns: Sequence[Column]
    filter: Filter | None = None


class ColumnSet(_Reader):
    """struct trc_column_set."""

    def __init__(
        self,
        sources: Sequence[ColumnsSource],
        tables: Sequence[ColumnTable],
        options: ColumnsOptions,
    ) -> None:
        super().__init__(sources)
        struct = self._options(options)
        array = self._keep(ffi.new("struct trc_column_table[]", len(tables)))
        for entry, table in zip(array, tables, strict=True):
            entry.event_ids = self._keep(ffi.from_buffer("uint8_t[]", table.event_ids))
            entry.columns = self._columns(table.columns)
            entry.column_count = len(table.columns)
            entry.filter = self._hold(table.filter) if table.filter else ffi.NULL
        self._create(
            "trc_column_set",
            lib.trc_column_set_create,
            self._sources(sources),
            len(sources),
            struct,
            array,
            len(tables),
            sources=self._paths,
        )

    def next(self, max_rows: int) -> tuple[int, Array] | GoOn | None:
        """The next batch and its table, None at the end; leaves the GIL while reading."""
        array = Array()
        with self as columns:
            err = ffi.new("struct trc_error *")
            table = ffi.new("size_t *")
            code = lib.trc_column_set_next(columns, max_rows, table, array._struct, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self._paths)
        return (table[0], array) if array.is_filled else None

    def problems(self, known: int = 0) -> list[SourceProblem]:
        """All that was found damaged so far; none if that is as much as known."""
        return self._source_problems(
            lib.trc_column_set_problem_count, lib.trc_column_set_problem, self._paths, known
        )

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        return self._progress(lib.trc_column_set_progress)
