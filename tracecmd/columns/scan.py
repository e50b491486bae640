"""One table's records, window by window, into Arrow arrays."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from .. import _lowlevel
from .._reading import (
    Request,
    Watched,
    Window,
    add_missed,
    cut_windows,
    read_windows,
    watch,
)

__all__ = ["Scan", "read_columns"]

WINDOW_BYTES = 8 << 20  # of all streams together, for a task of a thread

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Batches(Watched, Protocol[T_co]):
    """What gives batches of columns: _lowlevel.Columns, _lowlevel.ColumnSet."""

    def next(self, max_rows: int) -> T_co | _lowlevel.GoOn | None:
        """The next batch, None at the end."""
        ...


def read_columns(request: Request, columns: Batches[T]) -> Iterator[T]:
    """All batches of one window of time."""
    return watch(request, columns, lambda: columns.next(request.batch_size))


class Scan(NamedTuple):
    """All that a read needs: what to read, into which columns, and what passes."""

    request: Request
    columns: tuple[_lowlevel.Column, ...]
    filters: dict[int, _lowlevel.Filter]  # by id() of the reader
    ts: _lowlevel.Times
    binary: bool
    dictionary: bool
    formats: tuple[_lowlevel.WalkSource, ...] = ()  # where there are no sources: events asked for
    carried: tuple[int, ...] = ()  # by source: events lost before the window, not yet told of a row

    def options(self, start: int, end: int | None) -> _lowlevel.ColumnsOptions:
        """How to read a window of time."""
        return _lowlevel.ColumnsOptions(
            start,
            end,
            self.request.backwards,
            self.request.by_cpu,
            self.ts,
            self.binary,
            self.dictionary,
        )

    @property
    def wants_symbols(self) -> bool:
        """Whether some column has the names of addresses."""
        return any(column.kind == "symbol" for column in self.columns)

    def sources(self, *, symbols: bool | None = None) -> list[_lowlevel.ColumnsSource]:
        """What to read, for the core; symbols: the kernel's as well, None: if they are wanted."""
        named = self.wants_symbols if symbols is None else symbols
        return [
            _lowlevel.ColumnsSource(
                s.lowlevel(),
                s.reader.peer,
                self.filters.get(id(s.reader)),
                symbols=s.reader.symbols if named else None,
            )
            for s in self.request.sources
        ] + [_lowlevel.ColumnsSource(walk, no_records=True) for walk in self.formats]

    def open(self, start: int, end: int | None) -> _lowlevel.Columns:
        """Start reading a window of time."""
        return _lowlevel.Columns(self.sources(), self.columns, self.options(start, end))

    def schema(self) -> _lowlevel.Schema:
        """What the columns are."""
        with contextlib.closing(self.open(0, 0)) as columns:
            return columns.schema()

    def _losses(self) -> list[int]:
        """The columns of what was lost."""
        return [i for i, column in enumerate(self.columns) if column.kind == "missed_events"]

    def carried_into(self, windows: Sequence[Window]) -> list[tuple[int, ...]]:
        """For windows that follow each other: by source, what was lost before each, and is told of
        no row that comes earlier. Takes a pass over the records if there is such a column."""
        missed = [0] * len(self.request.sources)
        carried = []
        quiet = self.request._replace(on_progress=None)
        for place, window in enumerate(windows):
            carried.append(tuple(missed))
            if not self._losses() or place + 1 == len(windows):
                continue
            with contextlib.closing(self.open(*window)) as columns:
                for _ in read_columns(quiet, columns):
                    pass
                missed = _Window([], columns.losses()).join([], missed)
        return carried

    def arrays(self) -> Iterator[_lowlevel.Array]:
        """All batches in order; with threads, windows of time side by side."""
        request = self.request
        lost = self._losses()
        if lost and request.backwards:
            request = request._replace(threads=1)  # a loss is reported before what it comes after
        windows = cut_windows(request, WINDOW_BYTES)
        carried = bool(lost) and any(self.carried)
        if len(windows) == 1 and not carried:
            with contextlib.closing(self.open(*windows[0])) as columns:
                yield from read_columns(request, columns)
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
                window = _Window(
                    list(read_columns(quiet, columns)), columns.losses() if lost else []
                )
                idle.append(columns)
                return window

            missed = list(self.carried if carried else [0] * len(request.sources))
            reading = read_windows(request, windows, read)
            for window in opened.enter_context(contextlib.closing(reading)):
                if lost:
                    missed = window.join(lost, missed)
                yield from window.arrays


class _Window(NamedTuple):
    """The batches of a window of time, and of each source its first row and what it lost after
    the last one."""

    arrays: list[_lowlevel.Array]
    losses: list[tuple[int | None, int]]

    def join(self, columns: Sequence[int], missed: Sequence[int]) -> list[int]:
        """Charge what the windows before lost to the first rows; gives what the next one is to."""
        left = []
        for (first, after), before in zip(self.losses, missed, strict=True):
            if first is None:
                left.append(add_missed(before, after))
                continue
            if before and columns:
                array, row = self._place(first)
                for column in columns:
                    array.add_missed(column, row, before)
            left.append(after)
        return left

    def _place(self, row: int) -> tuple[_lowlevel.Array, int]:
        for array in self.arrays:
            if row < array.length:
                return array, row
            row -= array.length
        raise IndexError(row)
