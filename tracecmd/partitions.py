"""Recordings cut into partitions, for many processes or machines.

A :class:`Partition` is plain values: what is to be read, and of which window of time. It can be
pickled, and read wherever the recordings are: by :mod:`multiprocessing`, Dask, Ray or Spark. All of
them joined are what one reader would have got.
"""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _arguments
from ._readable import Readable
from ._reading import Excluded, Names, Numbers, ReadOptions, Recording, Selection, Time, Window
from .columns import BATCH_ROWS, Layout, Table
from .events import UnknownEventError
from .export.lake.types import cast, unify
from .filter import Filter
from .opening import OpenOptions, TraceRecording
from .packages import package
from .session import Session
from .session.opening import trace_files
from .trace import Trace

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["PARTITION_BYTES", "Partition", "make_partitions"]

PARTITION_BYTES = 64 << 20  # of trace data, unpacked
CACHES = ("simplecache::", "filecache::", "blockcache::")

PathName = str | os.PathLike[str]


@dataclass(frozen=True)
class UrlRecording:
    """A recording behind a URL, which fsspec copies into its cache on this machine."""

    path: str
    options: OpenOptions
    storage: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The URL."""
        return self.path

    def absolute(self) -> UrlRecording:
        """The same: a URL means the same everywhere."""
        return self

    def open(self) -> Trace:
        """Open the copy; made by whichever process comes first."""
        url = self.path if self.path.startswith(CACHES) else f"simplecache::{self.path}"
        local = package("fsspec", "fsspec").open_local(url, **dict(self.storage))
        return TraceRecording(local, self.options).open()


@dataclass(frozen=True)
class Piece:
    """A recording's part of a partition; missed: losses from before it, by stream."""

    selection: Selection
    missed: tuple[int, ...] = ()
    file: str | None = None


@dataclass(frozen=True)
class Partition:
    """Some rows of a table, to be read by any process. Made by :func:`make_partitions`.

    Attributes:
        start, end: its rows have times ``start <= ts < end``, in ns, and no other partition's have,
            unless time steps back inside a CPU. Both None: the recording's clock does not rise
            steadily (with its TIME_SHIFT), so it cannot be cut.
    """

    pieces: tuple[Piece, ...] = field(repr=False)
    layout: Layout = field(repr=False)
    schema: Any = field(repr=False, compare=False)
    start: int | None
    end: int | None

    def to_arrow(self) -> pyarrow.Table:
        """Read it: a pyarrow.Table (``pip install 'tracecmd[arrow]'``).

        All partitions give one schema. Rows of several recordings are in order of time, of equal
        times in that of the recordings.
        """
        pa = package("pyarrow", "arrow")
        tables = [self._read(piece) for piece in self.pieces]
        if not tables:
            return self.schema.empty_table()
        whole = pa.concat_tables(tables)
        return whole if len(tables) == 1 else whole.sort_by("ts")

    def to_pandas(self) -> pandas.DataFrame:
        """Read it: a pandas.DataFrame with Arrow's types, so that integers with nulls stay such."""
        pandas = package("pandas", "pandas")
        return self.to_arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def to_polars(self) -> polars.DataFrame:
        """Read it: a polars.DataFrame."""
        frame: polars.DataFrame = package("polars", "polars").from_arrow(self.to_arrow())
        return frame

    def _read(self, piece: Piece) -> Any:
        pa = package("pyarrow", "arrow")
        with piece.selection.open() as opened:
            table = opened._table(piece.selection, self.layout, ReadOptions(1, BATCH_ROWS))
            read = table.carrying(piece.missed).to_arrow()
        columns = []
        for each in self.schema:
            if each.name in read.schema.names:
                chunks = [cast(c, each.type) for c in read[each.name].chunks]
                columns.append(pa.chunked_array(chunks, each.type))
            else:
                value = piece.file if each.name == "file" else None
                columns.append(pa.repeat(pa.scalar(value, each.type), read.num_rows))
        return pa.Table.from_arrays(columns, schema=self.schema)


def make_partitions(
    source: Trace | Session | PathName | Iterable[PathName],
    events: Names = None,
    *,
    columns: Iterable[str] | None = None,
    where: str | Filter | None = None,
    exclude: Excluded = None,
    buffers: Names = None,
    cpus: Numbers = None,
    start: Time = None,
    end: Time = None,
    pids: Numbers = None,
    symbols: bool = False,
    size: int = PARTITION_BYTES,
    mmap: bool = True,
    sync: bool = True,
    date: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> list[Partition]:
    """Cut what is selected into partitions, in order of time.

    Joined they are exactly what :meth:`Trace.table` gives: no row is in two of them, records that
    share a time are in one, and ``missed_events`` counts losses across their borders. Of several
    recordings each row has its ``file``; times are compared as they are, as if on one clock.

        >>> parts = tracecmd.make_partitions(
        ...     "tests/data/sessions/kvm-small/trace.dat", "sched_switch", size=1 << 20)
        >>> sum(part.to_arrow().num_rows for part in parts)
        14760

    Args:
        source: an open file or session (which are opened anew by their names to read a
            partition); or names of files or of folders of them, with wildcards; or URLs, which
            fsspec copies into its cache where they are read (``pip install 'tracecmd[fsspec]'``).
        events, columns, where, exclude, buffers, cpus, start, end, pids, symbols: as for
            :meth:`Trace.table`. Of several recordings some have to have the events, and those that
            have them the columns. The column ``ts`` is always there. With ``missed_events``,
            cutting takes a pass over the records.
        size: about how many bytes of trace data a partition has, before compression.
        mmap, sync, date: as for :func:`tracecmd.open`; not of what is open.
        storage_options: of URLs, for fsspec.

    Raises:
        KeyError: no recording has such an event, or there is no such field or buffer.
        TraceError: a recording cannot be read.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
    """
    size = _arguments.number("size", size, 1, (1 << 63) - 1)
    names = _arguments.names("columns", columns)
    if names is not None and "ts" not in names:
        names = ("ts", *names)
    layout = Layout(names, dictionary=False, symbols=symbols)
    options = OpenOptions(mmap=mmap, sync=sync, date=date)
    recordings = _recordings(source, options, storage_options or {})
    selections = [
        Selection(
            recording, events, where=where, exclude=exclude, buffers=buffers, cpus=cpus,
            start=start, end=end, pids=pids,
        )
        for recording in recordings
    ]  # fmt: skip
    looks = list(_look(selections, layout, size))
    schema = unify(look.schema for look in looks)
    if len(recordings) > 1:
        schema = schema.append(package("pyarrow", "arrow").field("file", "string"))
    if all(look.is_rising for look in looks):
        parts = _cut_together(looks, layout, schema)
    else:
        parts = [
            Partition((Piece(look.selection, (), look.file),), layout, schema, None, None)
            for look in looks
        ]
    return parts or [Partition((), layout, schema, None, None)]


def _recordings(
    source: Any, options: OpenOptions, storage: Mapping[str, Any]
) -> Sequence[Recording]:
    if isinstance(source, Readable):
        return [source._recording.absolute()]
    given = [source] if isinstance(source, str | os.PathLike) else list(source)
    found: list[Recording] = []
    for each in given:
        name = os.fspath(each)
        if isinstance(name, str) and "://" in name:
            found += _urls(name, options, storage)
            continue
        for path in trace_files(_fitting(name)):
            found.append(TraceRecording(os.path.abspath(os.fsdecode(path)), options))  # type: ignore[arg-type]
    if not found:
        raise ValueError("no recordings to read")
    return found


def _fitting(name: str) -> list[str]:
    """The files that a name with wildcards stands for."""
    fits = sorted(glob.glob(name)) if glob.has_magic(name) and not os.path.exists(name) else []
    return fits or [name]


def _urls(url: str, options: OpenOptions, storage: Mapping[str, Any]) -> list[Recording]:
    cache, _, plain = url.rpartition("::")
    urls = [plain]
    if glob.has_magic(plain):
        protocol = plain.partition("://")[0]
        system = package("fsspec", "fsspec").filesystem(protocol, **storage.get(protocol, {}))
        urls = [system.unstrip_protocol(path) for path in sorted(system.glob(plain))]
    before = f"{cache}::" if cache else ""
    return [UrlRecording(before + each, options, tuple(storage.items())) for each in urls]


@dataclass(frozen=True)
class _Look:
    """What a recording is like: where it can be cut, and what its table has."""

    selection: Selection
    cuts: tuple[int, ...]  # its first time, then those of its pages; none: it has no records
    end: int
    schema: Any
    is_rising: bool

    @property
    def file(self) -> str:
        """Its name, as a value of the column ``file``."""
        return str(getattr(self.selection.recording, "path", ""))


def _look(selections: Iterable[Selection], layout: Layout, size: int) -> Iterator[_Look]:
    """At all recordings; those that have none of the events are passed over."""
    unknown: dict[str, UnknownEventError] = {}
    known: set[str] = set()
    for selection in selections:
        with selection.open() as opened:
            own = _known(opened, selection, unknown, known)
            if own is not None:
                table = opened._table(own, layout, ReadOptions())
                yield _look_at(opened, table, own, size)
    for name, error in unknown.items():
        if name not in known:
            raise error


def _known(
    opened: Readable, selection: Selection, unknown: dict[str, UnknownEventError], known: set[str]
) -> Selection | None:
    """The selection without names that the recording does not know; None: it knows none."""
    every = [reader.events for reader in opened._readers(selection)]
    names: list[str] = []
    for name in selection.events or ():
        for events in every:
            try:
                events.select(name)
            except UnknownEventError as error:
                unknown.setdefault(name, error)
            else:
                known.add(name)
                names.append(name)
                break
    if selection.events and not names:
        return None
    out = [
        each
        for each in selection.exclude or ()
        if isinstance(each, Filter) or any(events.matching(each) for events in every)
    ]
    return selection.replace(events=names or None, exclude=out or None)


def _look_at(opened: Readable, table: Table, selection: Selection, size: int) -> _Look:
    schema = package("pyarrow", "arrow").schema(table)
    first, last = opened.start, opened.end
    if first is None or last is None or not table.is_rising:
        return _Look(selection, (), 0, schema, table.is_rising)
    start = max(first, selection.start)
    end = last + 1 if selection.end is None else min(last + 1, selection.end)
    cuts = [cut for cut, _ in table.windows(size) if start < cut < end]
    return _Look(selection, (start, *cuts) if start < end else (), end, schema, True)


def _cut_together(looks: Sequence[_Look], layout: Layout, schema: Any) -> list[Partition]:
    """Partitions of all recordings: where one is cut the others are as well, if they overlap."""
    cuts = {cut for look in looks for cut in look.cuts}
    if cuts:
        cuts.add(max(look.end for look in looks if look.cuts))
    windows = list(itertools.pairwise(sorted(cuts)))
    own = [
        [window for window in windows if window[0] < look.end and look.cuts[0] < window[1]]
        if look.cuts
        else []
        for look in looks
    ]
    carried: dict[tuple[int, Window], tuple[int, ...]] = {}
    for place, look in enumerate(looks):
        carried.update(
            ((place, window), missed)
            for window, missed in zip(own[place], _carried(look, own[place], layout), strict=True)
        )
    parts = []
    for start, end in windows:
        pieces = [
            Piece(_within(look, own[place], (start, end)), carried[place, (start, end)], look.file)
            for place, look in enumerate(looks)
            if (place, (start, end)) in carried
        ]
        if pieces:
            parts.append(Partition(tuple(pieces), layout, schema, start, end))
    return parts


def _within(look: _Look, own: Sequence[Window], window: Window) -> Selection:
    """A recording's part in a window. Its first and last reach as far as was asked: where time
    steps back inside a CPU, records lie before the first one."""
    start = None if window == own[0] else window[0]
    end = None if window == own[-1] else window[1]
    return look.selection.between(start, end)


def _carried(look: _Look, windows: Sequence[Window], layout: Layout) -> list[tuple[int, ...]]:
    """Of each window what was lost before it; nothing where nobody asks."""
    if "missed_events" not in (layout.columns or ()) or not windows:
        return [()] * len(windows)
    counted = Layout(["missed_events"])
    with look.selection.open() as opened:
        table = opened._table(look.selection, counted, ReadOptions(1, BATCH_ROWS))
        return table.carried_into(windows)
