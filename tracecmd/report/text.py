"""The text of ``trace-cmd report``, byte for byte."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

from .. import _arguments, _lowlevel
from .._reading import (
    Reader,
    ReadOptions,
    Request,
    Selection,
    Source,
    Window,
    choose,
    cut_windows,
    in_order,
    make_walk,
    report_file,
    watch,
    where,
)
from ..analysis import count
from ..events import EventFormat
from ..text_makers import TextMakers
from .filters import filtered, make_filters
from .options import ReportOptions
from .symbols import Symbols, make_symbols
from .texts import put_texts

__all__ = ["begin", "chosen", "report", "with_stacks", "write_report"]

_Makers = Mapping[Reader, TextMakers]

# Of all streams together, for a thread's stretch: its text stays in the processor's cache.
WINDOW_BYTES = 2 << 20
# A stretch with more text than this is an odd one: from there on one thread writes small pieces.
STRETCH_TEXT = 1 << 25


def report(
    readers: Sequence[Reader],
    selection: Selection,
    how: ReadOptions,
    options: ReportOptions,
    filters: Sequence[str] = (),
    filters_out: Sequence[str] = (),
) -> Iterator[bytes]:
    """Give the report of what is selected of some files, which the filters let through.

    Raises:
        FilterError: (a ValueError) a filter cannot be read, or fits no event of a file.
        OSError: options.kallsyms cannot be read.
        ValueError: an option is not a regular expression.
    """
    symbols = make_symbols(readers, options)
    sources = chosen(readers, selection, symbols, filters, filters_out)
    request = Request.of(readers, sources, selection, how)
    return map(bytes, write_report(request, readers, symbols, options))


def chosen(
    readers: Sequence[Reader],
    selection: Selection,
    symbols: Symbols,
    filters: Sequence[str],
    filters_out: Sequence[str],
) -> list[Source]:
    """Find the streams that are selected, each with the filters of its file.

    Raises:
        FilterError: (a ValueError) a filter cannot be read, or fits no event of a file.
    """
    choice = choose(readers, selection)
    excluded = where.make_filters(choice, selection.excluded_filter)
    compiled = {
        reader: make_filters(reader, own, filters, filters_out)
        for reader, own in zip(readers, symbols, strict=True)
    }
    for reader, own in compiled.items():
        if id(reader) in excluded:
            compiled[reader] = own._replace(unwanted=(*own.unwanted, excluded[id(reader)]))
    return filtered(choice.sources(), compiled)


def write_report(
    request: Request,
    readers: Sequence[Reader],
    symbols: Symbols,
    options: ReportOptions,
) -> Iterator[memoryview]:
    """Give the report piece by piece, the lines above the first event first.

    readers are all files of the report, in order, symbols those of make_symbols() for them; the
    request's sources are of them. A piece is valid only until the next one is asked for: the core
    writes that into the same memory.

    Raises:
        ValueError: at once, an option is not a regular expression.
    """
    request = with_stacks(request)
    makers = {reader: reader.makers for reader in readers}
    return _pieces(_make_report(request, readers, symbols, options, makers), request, makers)


def begin(request: Request, readers: Sequence[Reader], symbols: Symbols) -> bytes:
    """The lines above the first event alone; arguments as those of write_report()."""
    with closing(_make_report(request, readers, symbols, ReportOptions(), {})) as report:
        return report.begin()


def _make_report(request: Request, readers: Sequence[Reader], symbols: Symbols,
                 options: ReportOptions, makers: _Makers) -> _lowlevel.Report:  # fmt: skip
    place = {id(reader): index for index, reader in enumerate(readers)}
    rows = []
    for source in request.sources:
        stream = source.reader.streams[source.stream]
        rows.append((place[id(source.reader)], stream.buffer, stream.cpu))
    files = [report_file(reader, own) for reader, own in zip(readers, symbols, strict=True)]
    report = _lowlevel.Report(files, rows, options.flags())
    for pattern in _arguments.names("raw_events", options.raw_events) or ():
        report.set_events(_lowlevel.EVENTS_RAW, pattern)
    for pattern in _arguments.names("plain_events", options.plain_events) or ():
        report.set_events(_lowlevel.EVENTS_PLAIN, pattern)
    for number, reader in enumerate(readers):
        if reader in makers:
            makers[reader].prepare(report, number)
    return report


def with_stacks(request: Request) -> Request:
    """Let filters let through kernel stacks with the events they belong to.

    Whether a stack is wanted depends on all records before it on its CPU, so that a trace with
    stacks is not cut into windows for threads.
    """
    stack_ids = {}
    for reader in {source.reader for source in request.sources if source.filters}:
        event = reader.events.get("ftrace:kernel_stack")
        if event is not None and (request.threads < 2 or _has_events(reader, event, request)):
            stack_ids[reader] = event.id
    if not stack_ids:
        return request
    sources = [s._replace(stack_id=stack_ids.get(s.reader, 0)) for s in request.sources]
    return request._replace(sources=sources, threads=1)


def _has_events(reader: Reader, event: EventFormat, request: Request) -> bool:
    # Faults are reported when the records are read.
    counted = count(reader, ReadOptions(threads=request.threads), on_problem=lambda problem: None)
    return str(event) in counted.events


def _pieces(report: _lowlevel.Report, request: Request, makers: _Makers) -> Iterator[memoryview]:
    try:
        yield memoryview(report.begin())
        windows = cut_windows(request, WINDOW_BYTES)
        if len(windows) == 1:
            yield from _write(report, request, windows[0], makers)
        else:
            yield from _write_stretches(report, request, windows, makers)
        last = report.end()
        if last:
            yield memoryview(last)
    finally:
        report.close()


def _write(
    report: _lowlevel.Report, request: Request, window: Window, makers: _Makers
) -> Iterator[memoryview]:
    """The lines of one window of time."""
    with closing(make_walk(request, *window)) as walk:
        for lines in watch(request, walk, lambda: report.next(walk) or None):
            yield put_texts(report, lines, request.sources, makers)


class _Stretch(NamedTuple):
    """The lines of a window of time that a copy of the report wrote by itself."""

    report: _lowlevel.Report
    text: memoryview
    problems: list[_lowlevel.SourceProblem]

    @property
    def is_whole(self) -> bool:
        return len(self.text) < STRETCH_TEXT


def _write_stretch(report: _lowlevel.Report, request: Request, window: Window) -> _Stretch:
    with closing(make_walk(request, *window)) as walk:
        while (text := report.next(walk, STRETCH_TEXT)) is _lowlevel.GO_ON:
            pass
        return _Stretch(report, text, walk.problems())


def _write_stretches(
    report: _lowlevel.Report, request: Request, windows: Sequence[Window], makers: _Makers
) -> Iterator[memoryview]:
    """Windows side by side on threads, joined in order.

    A stretch is written with what the report knew when it was begun. That is right for most; for
    the others the core says so when they are joined, and they are written again, in their turn.
    """
    quiet = request._replace(on_progress=None)
    idle: deque[_lowlevel.Report] = deque()  # copies of the report: two a thread are in use
    with contextlib.ExitStack() as copies:

        def jobs() -> Iterator[Callable[[], _Stretch]]:
            for window in windows:
                copy = idle.pop() if idle else copies.enter_context(closing(report.copy()))
                copy.restart(report)
                yield partial(_write_stretch, copy, quiet, window)

        with closing(in_order(request.threads, jobs())) as stretches:
            for number, stretch in enumerate(stretches):
                window = windows[number]
                verdict = report.join(stretch.report) if stretch.is_whole else _lowlevel.IN_ONE
                if verdict == _lowlevel.IN_ONE:
                    yield from _write(report, request, (window[0], windows[-1][1]), makers)
                    return
                if request.on_progress:
                    request.on_progress(number + 1, len(windows))
                if verdict == _lowlevel.AGAIN:
                    yield from _write(report, quiet, window, makers)
                else:
                    request.note(stretch.problems)
                    yield put_texts(stretch.report, stretch.text, request.sources, makers)
                idle.append(stretch.report)
