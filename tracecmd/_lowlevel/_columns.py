"""struct trc_filter and trc_columns: records as Arrow arrays, and the way out through capsules."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from ._base import GO_ON, GoOn, Handle, check, decode, exception, ffi, lib
from ._data import WalkSource
from ._file import File
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

    Raises:
        ValueError: the text is not a filter, or names events that the file does not have.
    """

    def __init__(self, file: File, metadata: Metadata, text: str, event_ids: bytes | None,
                 symbols: Symbols | None = None) -> None:  # fmt: skip
        pointer = self._make(metadata, None, text, event_ids)
        parents: list[Handle] = [metadata]
        if lib.trc_filter_wants_symbols(pointer):
            lib.trc_filter_destroy(pointer)
            symbols = symbols or Symbols(file)
            parents.append(symbols)
            pointer = self._make(metadata, symbols, text, event_ids)
        super().__init__(pointer, lib.trc_filter_destroy, file.path, *parents)

    @staticmethod
    def _make(
        metadata: Metadata, symbols: Symbols | None, text: str, event_ids: bytes | None
    ) -> Any:
        err = ffi.new("struct trc_error *")
        out = ffi.new("struct trc_filter **")
        ids = ffi.NULL if event_ids is None else ffi.from_buffer(event_ids)
        raw = text.encode(errors="surrogateescape")
        with metadata as m:
            pointer = ffi.NULL if symbols is None else symbols._pointer
            code = lib.trc_filter_create(m, pointer, raw, len(raw), ids, out, err)
        check(code, err, metadata.path)
        return out[0]

    def texts(self) -> list[tuple[int, str]]:
        """What it is for each of its events, with the event's id."""
        with self as pointer:
            err = ffi.new("struct trc_error *")
            number, text = ffi.new("uint32_t *"), ffi.new("struct trc_bytes *")
            found: list[tuple[int, str]] = []
            while True:
                code = lib.trc_filter_text(pointer, len(found), number, text, err)
                if code == lib.TRC_NOT_FOUND:
                    return found
                check(code, err, self.path)
                found.append((number[0], decode(ffi.cast("char *", text.data), text.size)))
                lib.trc_bytes_free(text)

    def unknown(self) -> list[str]:
        """Names in it that are a field of none of its events."""
        with self as pointer:
            name, size = ffi.new("const char **"), ffi.new("size_t *")
            found: list[str] = []
            while not lib.trc_filter_unknown(pointer, len(found), name, size, ffi.NULL):
                found.append(decode(name[0], size[0]))
            return found


# Columns -------------------------------------------------------------------------------------


class Column(NamedTuple):
    """struct trc_column: ``kind`` is a key of :data:`COLUMN_KINDS`."""

    name: str
    kind: str
    field: str = ""
    symbols: str = ""


class ColumnsSource(NamedTuple):
    """struct trc_columns_source."""

    walk: WalkSource
    peer: str = ""
    filter: Filter | None = None
    no_records: bool = False


class Schema:
    """A struct ArrowSchema: what each column is."""

    def __init__(self, struct: Any) -> None:
        self._struct = ffi.gc(struct, lib.trc_release_schema)

    def copy(self) -> Schema:
        """Make another one, for a consumer to own."""
        err = ffi.new("struct trc_error *")
        out = ffi.new("struct ArrowSchema *")
        check(lib.trc_schema_copy(self._struct, out, err), err, "schema")
        return Schema(out)

    def names(self) -> list[str]:
        """Names of the columns."""
        struct = self._struct
        return [
            ffi.string(struct.children[i].name).decode(errors="surrogateescape")
            for i in range(struct.n_children)
        ]

    def formats(self) -> list[str]:
        """Arrow's format strings of the columns: of a dictionary that of its values, of a list
        with that of its elements."""
        found = []
        for index in range(self._struct.n_children):
            child = self._struct.children[index]
            text = ffi.string((child.dictionary or child).format).decode()
            if child.n_children:
                text += " " + ffi.string(child.children[0].format).decode()
            found.append(text)
        return found


class Array:
    """A struct ArrowArray: one batch."""

    def __init__(self, struct: Any) -> None:
        self._struct = ffi.gc(struct, lib.trc_release_array)
        self.length: int = struct.length

    def column(self, index: int) -> Memory:
        """One column; the batch must outlive it."""
        return Memory(self._struct.children[index])

    def add_missed(self, index: int, row: int, missed: int) -> None:
        """Count more losses before a row, in a column of kind ``missed_events``."""
        values = ffi.cast("int64_t *", self._struct.children[index].buffers[1])
        own = values[row]
        values[row] = -1 if own < 0 or missed < 0 else min(own + missed, (1 << 63) - 1)


class Memory:
    """A struct ArrowArray below a batch, to copy from."""

    def __init__(self, struct: Any) -> None:
        self._struct = struct
        self.length: int = struct.length
        self.null_count: int = struct.null_count

    def copy(self, buffer: int, size: int) -> bytes:
        """Copy the first bytes of a buffer."""
        return bytes(ffi.buffer(self._struct.buffers[buffer], size))

    def child(self) -> Memory:
        """The values of a list."""
        return Memory(self._struct.children[0])

    def dictionary(self) -> Memory | None:
        """The values of a dictionary; None if it is none."""
        found = self._struct.dictionary
        return Memory(found) if found else None


class ColumnsOptions(NamedTuple):
    """struct trc_columns_options, but for the columns; ``start <= ts < end``."""

    start: int = 0
    end: int | None = None
    backwards: bool = False
    by_cpu: bool = False
    uint64_ts: bool = False
    binary: bool = False
    dictionary: bool = True


def _set_window(walk: Any, start: int, end: int | None) -> None:
    walk.start = start
    walk.end = end or 0
    walk.until_last = end is None


class _Reader(Handle):
    """What makes batches: belongs to one thread at a time."""

    _kept: list[Any]  # what the C side points to

    def _make(
        self,
        sources: Sequence[ColumnsSource],
        filters: Iterable[Filter | None],
        create: Callable[[Any, Any], int],
        out: Any,
        destroy: Callable[[Any], None],
    ) -> None:
        """Call create with the sources and an error to fill, while what it needs is in use."""
        err = ffi.new("struct trc_error *")
        datas = list({id(s.walk.data): s.walk.data for s in sources}.values())
        parents: list[Handle] = [*datas, *{id(f): f for f in filters if f}.values()]
        path = datas[0].path if datas else ""
        with contextlib.ExitStack() as entered:
            for parent in parents:
                entered.enter_context(parent)
            check(create(self._sources(sources), err), err, path)
            super().__init__(out[0], destroy, path, *parents)

    def _keep(self, value: Any) -> Any:
        self._kept.append(value)
        return value

    def _string(self, text: str) -> Any:
        return self._keep(ffi.new("char[]", text.encode(errors="surrogateescape")))

    def _sources(self, sources: Sequence[ColumnsSource]) -> Any:
        array = self._keep(ffi.new("struct trc_columns_source[]", len(sources)))
        for entry, source in zip(array, sources, strict=True):
            walk = source.walk
            entry.walk.data = walk.data._pointer
            entry.walk.stream = walk.stream
            if walk.event_ids is not None:
                entry.walk.event_ids = self._keep(ffi.from_buffer("uint8_t[]", walk.event_ids))
            if walk.pids is not None:
                entry.walk.pids = self._keep(ffi.new("int32_t[]", sorted(walk.pids)))
                entry.walk.pid_count = len(walk.pids)
            entry.peer = self._string(source.peer)
            entry.filter = source.filter._pointer if source.filter else ffi.NULL
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
        return array

    def _options(self, options: ColumnsOptions) -> Any:
        struct = self._keep(ffi.new("struct trc_columns_options *"))
        _set_window(struct.walk, options.start, options.end)
        struct.walk.flags = (
            lib.TRC_WALK_BACKWARDS * options.backwards | lib.TRC_WALK_BY_CPU * options.by_cpu
        )
        struct.flags = (
            lib.TRC_COLUMNS_UINT64_TS * options.uint64_ts
            | lib.TRC_COLUMNS_BINARY * options.binary
            | lib.TRC_COLUMNS_NO_DICTIONARY * (not options.dictionary)
        )
        return struct

    def _problems(self, count: Callable[[Any], int], get: Callable[..., int]) -> list[Exception]:
        with self as pointer:
            err = ffi.new("struct trc_error *")
            found = []
            for index in range(count(pointer)):
                get(pointer, index, err)
                found.append(exception(err, self.path))
            return found

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
        self._kept = []
        out = ffi.new("struct trc_columns **")
        struct = self._struct = self._options(options)
        struct.columns = self._columns(columns)
        struct.column_count = len(columns)
        self._source_count = len(sources)

        def create(array: Any, err: Any) -> int:
            code: int = lib.trc_columns_create(array, len(sources), struct, out, err)
            return code

        filters = [source.filter for source in sources]
        self._make(sources, filters, create, out, lib.trc_columns_destroy)

    def restart(self, start: int, end: int | None) -> None:
        """Begin anew with another window of time."""
        with self as columns:
            err = ffi.new("struct trc_error *")
            _set_window(self._struct.walk, start, end)
            check(
                lib.trc_columns_restart(columns, ffi.addressof(self._struct, "walk"), err),
                err,
                self.path,
            )

    def schema(self) -> Schema:
        with self as columns:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct ArrowSchema *")
            check(lib.trc_columns_schema(columns, out, err), err, self.path)
            return Schema(out)

    def next(self, max_rows: int) -> Array | GoOn | None:
        """The next batch, None at the end; leaves the GIL while reading."""
        with self as columns:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct ArrowArray *")
            code = lib.trc_columns_next(columns, max_rows, out, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path)
        array = Array(out)
        return array if array.length else None

    def losses(self) -> list[tuple[int | None, int]]:
        """After the last batch, of each source: the number of its first row, counted over all
        batches, and how many events it lost behind its last one (-1: an unknown number)."""
        with self as columns:
            first, missed = ffi.new("uint64_t *"), ffi.new("int64_t *")
            found = []
            for source in range(self._source_count):
                lib.trc_columns_losses(columns, source, first, missed)
                found.append((None if first[0] == NO_ROW else first[0], missed[0]))
            return found

    def problems(self) -> list[Exception]:
        """What was found damaged so far."""
        return self._problems(lib.trc_columns_problem_count, lib.trc_columns_problem)

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
        self._kept = []
        out = ffi.new("struct trc_column_set **")
        struct = self._options(options)
        array = self._keep(ffi.new("struct trc_column_table[]", len(tables)))
        for entry, table in zip(array, tables, strict=True):
            entry.event_ids = self._keep(ffi.from_buffer("uint8_t[]", table.event_ids))
            entry.columns = self._columns(table.columns)
            entry.column_count = len(table.columns)
            entry.filter = table.filter._pointer if table.filter else ffi.NULL

        def create(of: Any, err: Any) -> int:
            code: int = lib.trc_column_set_create(
                of, len(sources), struct, array, len(tables), out, err
            )
            return code

        filters = [table.filter for table in tables]
        self._make(sources, filters, create, out, lib.trc_column_set_destroy)

    def next(self, max_rows: int) -> tuple[int, Array] | GoOn | None:
        """The next batch and its table, None at the end; leaves the GIL while reading."""
        with self as columns:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct ArrowArray *")
            table = ffi.new("size_t *")
            code = lib.trc_column_set_next(columns, max_rows, table, out, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path)
        return (table[0], Array(out)) if out.release else None

    def problems(self) -> list[Exception]:
        """What was found damaged so far."""
        return self._problems(lib.trc_column_set_problem_count, lib.trc_column_set_problem)

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        return self._progress(lib.trc_column_set_progress)


# Capsules: the Arrow PyCapsule interface ------------------------------------------------------

_NAMES = {
    "ArrowSchema": (b"arrow_schema", lib.TRC_CAPSULE_SCHEMA),
    "ArrowArray": (b"arrow_array", lib.TRC_CAPSULE_ARRAY),
    "ArrowArrayStream": (b"arrow_array_stream", lib.TRC_CAPSULE_STREAM),
}
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def _allocate(kind: str) -> Any:
    """Memory that the capsule's destructor frees, all zeros."""
    memory = lib.calloc(1, ffi.sizeof(f"struct {kind}"))
    if memory == ffi.NULL:
        raise MemoryError
    return ffi.cast(f"struct {kind} *", memory)


def _capsule(struct: Any, kind: str) -> object:
    name, number = _NAMES[kind]
    address = int(ffi.cast("uintptr_t", struct))
    capsule: object = _new_capsule(address, name, lib.trc_capsule_destructor(number))
    return capsule


def _move(target: Any, source: Any) -> None:
    """The structs of the interface are moved by copying them and forgetting the release."""
    target[0] = source[0]
    source.release = ffi.NULL


def schema_capsule(schema: Schema) -> object:
    """Make a capsule with a copy."""
    struct = _allocate("ArrowSchema")
    _move(struct, schema.copy()._struct)
    return _capsule(struct, "ArrowSchema")


def array_capsule(array: Array) -> object:
    """Make a capsule; array is empty after."""
    struct = _allocate("ArrowArray")
    _move(struct, array._struct)
    return _capsule(struct, "ArrowArray")


class Stream:
    """A struct ArrowArrayStream whose batches come from a Python iterator.

    It keeps itself alive until its consumer releases it. What the iterator raised is in
    :attr:`error`, as the interface knows nothing but a number and a text.
    """

    _alive: ClassVar[set[Stream]] = set()

    def __init__(self, schema: Schema, batches: Iterator[Array]) -> None:
        self._schema = schema
        self._batches = batches
        self._message: Any = ffi.NULL
        self.error: BaseException | None = None
        self._handle = ffi.new_handle(self)
        self._struct: Any = None

    def capsule(self) -> object:
        """Make the one capsule of it."""
        struct = _allocate("ArrowArrayStream")
        struct.get_schema = lib.trc_arrow_get_schema
        struct.get_next = lib.trc_arrow_get_next
        struct.get_last_error = lib.trc_arrow_get_last_error
        struct.release = lib.trc_arrow_release
        struct.private_data = self._handle
        self._alive.add(self)
        return _capsule(struct, "ArrowArrayStream")

    def _fail(self, error: BaseException) -> int:
        self.error = error
        self._message = ffi.new("char[]", str(error).encode(errors="backslashreplace"))
        if isinstance(error, MemoryError):
            return errno.ENOMEM
        return errno.EINVAL if isinstance(error, ValueError) else errno.EIO

    def _get_schema(self, out: Any) -> int:
        try:
            _move(out, self._schema.copy()._struct)
        except BaseException as error:  # it goes through C
            return self._fail(error)
        return 0

    def _get_next(self, out: Any) -> int:
        try:
            array = next(self._batches, None)
            if array is None:
                out.release = ffi.NULL
            else:
                _move(out, array._struct)
        except BaseException as error:  # it goes through C
            return self._fail(error)
        return 0

    def _release(self) -> None:
        self._alive.discard(self)
        close = getattr(self._batches, "close", None)
        if close:
            close()


@ffi.def_extern(error=errno.EIO)  # type: ignore[untyped-decorator]
def trc_arrow_get_schema(stream: Any, out: Any) -> int:
    return Stream._get_schema(ffi.from_handle(stream.private_data), out)


@ffi.def_extern(error=errno.EIO)  # type: ignore[untyped-decorator]
def trc_arrow_get_next(stream: Any, out: Any) -> int:
    return Stream._get_next(ffi.from_handle(stream.private_data), out)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def trc_arrow_get_last_error(stream: Any) -> Any:
    return ffi.from_handle(stream.private_data)._message


@ffi.def_extern()  # type: ignore[untyped-decorator]
def trc_arrow_release(stream: Any) -> None:
    Stream._release(ffi.from_handle(stream.private_data))
    stream.release = ffi.NULL
