"""The text of ``trace-cmd report``, byte for byte."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from . import _lowlevel, _records
from ._texts import report_file
from .filter import compile_filter

__all__ = ["ReportOptions", "make_filters", "report"]


class ReportOptions(NamedTuple):
    """Options of trace-cmd-report(1) that change the text.

    Attributes:
        raw: -R, fields instead of texts.
        nanoseconds: -t, time stamps with nine digits.
        latency_format: -l, flags and CPU as the latency tracers show them.
        no_plugins: -N, as if libtraceevent had loaded no plugin.
        no_system_plugins: -L, nor those of the system; the built-in ones go with them.
        kernel_text: evaluate print formats as C does, and so as the kernel's own ``trace`` file.
        ts_diff: --ts-diff, the time since the event before.
        ticks: time stamps are plain numbers (as with --raw-ts).
    """

    raw: bool = False
    nanoseconds: bool = False
    latency_format: bool = False
    no_plugins: bool = False
    no_system_plugins: bool = False
    kernel_text: bool = False
    ts_diff: bool = False
    ticks: bool = False

    def flags(self) -> int:
        """The same for the core."""
        return sum(_lowlevel.REPORT_FLAGS[name] for name, on in self._asdict().items() if on)


def _make_report(request: _records.Request, readers: Sequence[_records.Reader], flags: int,
                 ) -> _lowlevel.Report:  # fmt: skip
    place = {id(reader): index for index, reader in enumerate(readers)}
    rows = []
    for source in request.sources:
        stream = source.reader.streams[source.stream]
        rows.append((place[id(source.reader)], stream.buffer, stream.cpu))
    return _lowlevel.Report([report_file(reader) for reader in readers], rows, flags)


def make_filters(
    reader: _records.Reader, filters: Sequence[str], filters_out: Sequence[str]
) -> tuple[tuple[_lowlevel.Filter, ...], tuple[_lowlevel.Filter, ...]]:
    """Compile trace-cmd's filters (-F, and -F behind -v) for one file.

    Raises:
        FilterError: (a ValueError) one is not a filter, or names events that the file has not.
    """

    def compile_one(text: str) -> _lowlevel.Filter:
        # Events alone, without an expression, are let through whatever they hold.
        return compile_filter(reader, text if ":" in text else f"{text}:common_pid>=0")

    return tuple(map(compile_one, filters)), tuple(map(compile_one, filters_out))


def report(
    request: _records.Request, readers: Sequence[_records.Reader], options: ReportOptions
) -> Iterator[bytes]:
    """Give the report piece by piece, the lines above the first event first.

    readers are all files of the report, in order; the request's sources are of them.
    """
    made = _make_report(request, readers, options.flags())
    try:
        yield made.begin()
        windows = _records.windows(request)
        if len(windows) == 1:
            yield from _write(made, request, windows[0])
        else:
            yield from _write_stretches(made, request, windows)
    finally:
        made.close()


def _write(
    report: _lowlevel.Report, request: _records.Request, window: tuple[int, int | None]
) -> Iterator[bytes]:
    """The lines of one window of time."""
    walk = _records.make_walk(request, *window)
    try:
        while text := report.next(walk):
            if request.on_progress:
                request.on_progress(*walk.progress())
            yield text
    finally:
        for problem in walk.problems():
            request.on_problem(problem)
        walk.close()


class _Stretch(NamedTuple):
    """A window of time that a copy of the report wrote by itself."""

    report: _lowlevel.Report
    chunks: list[bytes]


def _write_stretches(
    report: _lowlevel.Report,
    request: _records.Request,
    windows: Sequence[tuple[int, int | None]],
) -> Iterator[bytes]:
    """Windows side by side on threads, joined in order.

    A stretch is written as if nothing had come before. That is right for most; for the others the
    core says so when it is joined, and they are written again, in their turn.
    """
    quiet = request._replace(on_progress=None)
    start = report.copy()

    def write(window: tuple[int, int | None]) -> _Stretch:
        own = start.copy()
        return _Stretch(own, list(_write(own, quiet, window)))

    with ThreadPoolExecutor(request.threads, thread_name_prefix="tracecmd") as pool:
        running: deque[Future[_Stretch]] = deque()
        waiting = iter(windows)

        def submit(count: int) -> None:
            running.extend(
                pool.submit(write, window) for window in itertools.islice(waiting, count)
            )

        submit(2 * request.threads)
        try:
            for number, window in enumerate(windows):
                stretch = running.popleft().result()
                verdict = report.join(stretch.report)
                if verdict == _lowlevel.IN_ONE:
                    rest = (window[0], windows[-1][1])
                    yield from _write(report, request, rest)
                    return
                if verdict == _lowlevel.AGAIN:
                    own = report.copy()
                    stretch = _Stretch(own, list(_write(own, quiet, window)))
                    report.join(own)
                submit(1)
                if request.on_progress:
                    request.on_progress(number + 1, len(windows))
                yield from stretch.chunks
        finally:
            for future in running:
                future.cancel()
            start.close()
