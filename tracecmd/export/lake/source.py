"""One recording's way into a lake. What is here runs in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ... import errors
from ..._reading import Progress
from ...columns import Table, Tables, usual_names
from ...events import UnknownEventError
from ...opening import OpenOptions, TraceRecording
from ...trace import Trace
from ..files import writing
from ..folders import write_all
from ..parquet import ParquetWriter
from .types import arrow, cast, plain

__all__ = ["Asked", "Survey", "Written", "part_name", "survey", "write"]

OF_FILE = ("file", "trace_id", "machine", "clock")
OWN = ("wall", *OF_FILE)  # columns that a lake adds; a field by such a name gets a longer one
LOSSES = "losses"  # the folder, and the key of its schema


@dataclass(frozen=True)
class Asked:
    """What is wanted of each recording, and how it is opened."""

    events: tuple[str, ...] | None
    exclude: tuple[str, ...]
    start: int | None
    end: int | None
    symbols: bool
    options: OpenOptions


@dataclass(frozen=True)
class Survey:
    """What is in a recording.

    Attributes:
        schemas: of its events by ``system:name``, and of its losses.
        unknown: names asked for that it does not have.
        failed: why it cannot be read, a row of the table of problems; None if it can.
    """

    schemas: Mapping[str, Any]
    unknown: frozenset[str] = frozenset()
    failed: dict[str, Any] | None = None


@dataclass(frozen=True)
class Written:
    """What became of a recording: see :class:`~tracecmd.export.lake.state.Entry`."""

    about: dict[str, Any] | None
    problems: tuple[dict[str, Any], ...]
    rows: int = 0


def part_name(event: str, key: str) -> str:
    """Where a recording's rows of an event are, below the lake; of the losses likewise."""
    if event == LOSSES:
        return f"{LOSSES}/{key}.parquet"
    system, _, name = event.partition(":")
    return f"events/system={_hive(system)}/event={_hive(name)}/{key}.parquet"


def _hive(value: str) -> str:
    """A value in a folder's name, in the form that Hive gave it."""
    return quote(value, safe=" ") or "__HIVE_DEFAULT_PARTITION__"


def _problem(path: str, error: Exception) -> dict[str, Any]:
    reason = getattr(error, "reason", None) or str(error)
    return {
        "file": path,
        "kind": type(error).__name__,
        "offset": getattr(error, "offset", None),
        "reason": reason,
    }


def _events(trace: Trace, asked: Asked) -> tuple[list[str], frozenset[str], int]:
    """The events that occur and are wanted, names that are not there, and the records of all."""
    counted = trace.stat()
    known = [name for name in counted.events if name in trace.events]
    unknown = set()
    if asked.events is not None:
        wanted = set()
        for pattern in asked.events:
            try:
                wanted |= set(map(str, trace.events.select(pattern)))
            except UnknownEventError:
                unknown.add(pattern)
        known = [name for name in known if name in wanted]
    for pattern in asked.exclude:
        out = set(map(str, trace.events.matching(pattern)))
        known = [name for name in known if name not in out]
    return known, frozenset(unknown), counted.records


def _columns(trace: Trace, event: str, asked: Asked) -> tuple[list[str], list[str]]:
    """The names of an event's columns in a table, and in the lake."""
    form = trace.events[event]
    usual = usual_names(form, symbols=asked.symbols)
    renamed = [f"{form.name}.{name}" if name in OWN else name for name in usual]
    return [*usual, "buffer"], [*renamed, "buffer"]


def _tables(
    trace: Trace, names: list[str], asked: Asked, progress: Progress = None
) -> dict[str, tuple[Table, list[str]]]:
    """Of each event a table, and what its columns are called in the lake."""
    tables = {}
    for name in names:
        columns, renamed = _columns(trace, name, asked)
        table = trace.table(
            name, columns=columns, start=asked.start, end=asked.end, progress=progress
        )
        tables[name] = table, renamed
    return tables


def _lake_schema(table: Any, names: list[str], *, wall: bool = True) -> Any:
    """Types as the recording has them, with the lake's own columns behind."""
    pa = arrow()
    fields = [
        pa.field(name, plain(field.type))
        for name, field in zip(names, pa.schema(table), strict=True)
    ]
    walls = [pa.field("wall", pa.timestamp("ns", "UTC"))] if wall else []
    of_file = [
        pa.field(name, pa.uint64() if name == "trace_id" else pa.string()) for name in OF_FILE
    ]
    return pa.schema([*fields, *walls, *of_file])


@contextlib.contextmanager
def _opened(path: str, asked: Asked) -> Iterator[Trace]:
    with TraceRecording(path, asked.options).open() as trace:
        yield trace


def survey(path: str, asked: Asked) -> Survey:
    """Look what is in a recording; one that cannot be read is no error here."""
    try:
        with _opened(path, asked) as trace:
            names, unknown, _ = _events(trace, asked)
            schemas = {
                name: _lake_schema(*found) for name, found in _tables(trace, names, asked).items()
            }
            losses = trace.losses(start=asked.start, end=asked.end)
            schemas[LOSSES] = _lake_schema(losses, list(losses.column_names), wall=False)
            return Survey(schemas, unknown)
    except errors.TraceError as error:
        return Survey({}, failed=_problem(path, error))


class _Conform:
    """Batches of a recording as the lake has them: wider types, more columns."""

    def __init__(self, table: Any, names: list[str], schema: Any, fixed: dict[str, Any]) -> None:
        pa = arrow()
        given = dict(zip(names, pa.schema(table), strict=True))
        fields = []
        for field in schema:
            kind = field.type
            texts = pa.dictionary(pa.int32(), pa.string())
            own = given.get(field.name)
            if kind == pa.string() and (own.type == texts if own else field.name in fixed):
                kind = texts  # written as they are; what is read is the same
            fields.append(pa.field(field.name, kind))
        self.schema = pa.schema(fields)
        self._places = {name: place for place, name in enumerate(names)}
        self._fixed = fixed

    def __call__(self, batch: Any, /) -> Any:
        pa = arrow()
        columns = []
        for field in self.schema:
            place = self._places.get(field.name)
            if place is not None:
                columns.append(cast(batch.column(place), field.type))
            elif field.name == "wall" and self._fixed["wall"]:
                columns.append(cast(batch.column(self._places["ts"]), field.type))
            else:
                value = self._fixed[field.name] if field.name in OF_FILE else None
                columns.append(_repeat(value, field.type, batch.num_rows))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _repeat(value: Any, kind: Any, rows: int) -> Any:
    pa = arrow()
    if value is None:
        return pa.nulls(rows, kind)
    if pa.types.is_dictionary(kind):
        places = pa.repeat(pa.scalar(0, kind.index_type), rows)
        return pa.DictionaryArray.from_arrays(places, _repeat(value, kind.value_type, 1))
    return pa.repeat(pa.scalar(value, kind), rows)


def _uname(trace: Trace) -> list[str | None]:
    """System, node, release and machine; None where the file does not say."""
    words = trace.uname.split()
    return [*words[:3], words[-1]] if len(words) >= 4 else [None] * 4


def _is_wall(trace: Trace, options: OpenOptions) -> bool:
    """Whether time stamps are wall-clock time: --date made them so, and nothing moved them."""
    moved = trace.ts_offset or (options.sync and trace.time_shift is not None)
    return bool(options.date and trace.date_offset and not moved)


def _about(trace: Trace, path: str, records: int, rows: int) -> dict[str, Any]:
    """A recording's row of the table of files."""
    _, node, release, arch = _uname(trace)
    return {
        "file": path,
        "trace_id": trace.trace_id,
        "machine": node,
        "release": release,
        "arch": arch,
        "clock": trace.clock,
        "date_offset": trace.date_offset,
        "recorder": trace.recorder,
        "version": trace.version,
        "byteorder": trace.byteorder,
        "cpus": trace.cpus,
        "start": trace.start,
        "end": trace.end,
        "size": trace.file_size,
        "records": records,
        "rows": rows,
    }


def write(
    path: str,
    folder: Path,
    key: str,
    asked: Asked,
    schemas: Mapping[str, Any],
    progress: Progress = None,
) -> Written:
    """Write a recording's files; those that appear are whole.

    schemas: the lake's, of all events of this recording.
    """
    try:
        with _opened(path, asked) as trace:
            names, _, records = _events(trace, asked)
            names = [name for name in names if name in schemas]  # it may have grown meanwhile
            found = _tables(trace, names, asked, progress)
            fixed = {
                "file": path,
                "trace_id": trace.trace_id,
                "machine": _uname(trace)[1],
                "clock": trace.clock,
                "wall": _is_wall(trace, asked.options),
            }
            rows = 0
            tables = Tables({name: table for name, (table, _) in found.items()})
            for group in tables.passes():
                with contextlib.ExitStack() as stack:
                    writers = {}
                    for name, table in group.items():
                        conform = _Conform(table, found[name][1], schemas[name], fixed)
                        out = folder / part_name(name, key)
                        out.parent.mkdir(parents=True, exist_ok=True)
                        made = writing(ParquetWriter, table, out, {"conform": conform})
                        writers[name] = stack.enter_context(made)
                    write_all(group, writers)
                rows += sum(writer.rows for writer in writers.values())
            _write_losses(trace, folder / part_name(LOSSES, key), asked, schemas[LOSSES], fixed)
            about = _about(trace, path, records, rows)
            return Written(about, tuple(_problem(path, each) for each in trace.problems), rows)
    except errors.TraceError as error:
        return Written(None, (_problem(path, error),))


def _write_losses(
    trace: Trace, out: Path, asked: Asked, schema: Any, fixed: dict[str, Any]
) -> None:
    losses = trace.losses(start=asked.start, end=asked.end)
    conform = _Conform(losses, list(losses.column_names), schema, fixed)
    out.parent.mkdir(parents=True, exist_ok=True)
    with writing(ParquetWriter, losses, out, {"conform": conform}) as writer:
        for batch in losses.batches():
            writer.write(batch)
        writer.close()
