"""The text of ``trace-cmd report``, byte for byte."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from .. import _arguments, _lowlevel
from .._reading import records as _records
from .._reading.event_texts import report_file
from .._reading.workers import workers
from ..analysis.stat import count
from ..event import EventFormat
from ..filter import FilterError, check_filters, compile_filter

__all__ = ["ReportOptions", "make_filters", "make_symbols", "report"]

# Of all streams together, for a thread's stretch: its text stays in the processor's cache.
WINDOW_BYTES = 2 << 20
# A stretch with more text than this is an odd one: from there on one thread writes small pieces.
STRETCH_TEXT = 1 << 25


class ReportOptions(NamedTuple):
    """Options of trace-cmd-report(1) that change the text.

    Events of ``raw_events`` and ``plain_events`` are named by regular expressions as of regcomp(3),
    which fit all of an event's name or of its system, upper and lower case alike.

    Attributes:
        raw: -R, fields instead of texts.
        nanoseconds: -t, time stamps with nine digits.
        latency_format: -l, flags and CPU as the latency tracers show them.
        no_plugins: -N, as if libtraceevent had loaded no plugin.
        no_system_plugins: -L, nor those of the system; the built-in ones go with them.
        kernel_text: evaluate print formats as C does, and so as the kernel's own ``trace`` file.
        ts_diff: --ts-diff, the time since the event before.
        ticks: time stamps are plain numbers (as with --raw-ts).
        raw_events: -r, events that show their fields instead of a text.
        plain_events: -n, events whose text is that of their print fmt, whatever plugins know of
            them.
        plugin_options: -O, options of libtraceevent's plugins (``trace-cmd list -O``):
            ``[PLUGIN:]OPTION[=VALUE]`` with VALUE 0, 1, ``false`` or ``true``, such as
            ``parent``, ``ftrace:indent=0`` and ``fgraph:tailprint``. Without a value, an option
            is turned to what it usually is not; one that no plugin has does nothing.
        kallsyms: --kallsyms, a file like /proc/kallsyms whose symbols are added to those recorded.
    """

    raw: bool = False
    nanoseconds: bool = False
    latency_format: bool = False
    no_plugins: bool = False
    no_system_plugins: bool = False
    kernel_text: bool = False
    ts_diff: bool = False
    ticks: bool = False
    kallsyms: str | os.PathLike[str] | None = None
    raw_events: Sequence[str] = ()
    plain_events: Sequence[str] = ()
    plugin_options: Sequence[str] = ()

    def flags(self) -> int:
        """Those that are on or off, for the core."""
        chosen = [name for name, value in self._asdict().items() if value is True]
        chosen += _plugin_flags(self.plugin_options)
        return sum(_lowlevel.REPORT_FLAGS[name] for name in chosen)


# Options of libtraceevent's plugins: what they usually are, and the flag that says otherwise.
_PLUGIN_OPTIONS = {
    ("ftrace", "parent"): (False, "function_parent"),
    ("ftrace", "indent"): (True, "function_flat"),
    ("ftrace", "offset"): (False, "function_offset"),
    ("fgraph", "tailprint"): (False, "fgraph_tailprint"),
    ("fgraph", "depth"): (False, "fgraph_depth"),
    ("fgraph", "retval-skip"): (False, "fgraph_retval_skip"),
    ("fgraph", "retval-dec"): (False, "fgraph_retval_dec"),
    ("fgraph", "retval-hex"): (False, "fgraph_retval_hex"),
}


def _plugin_flags(options: Sequence[str]) -> list[str]:
    """Flags of the core for -O.

    As in libtraceevent, the last option of a spelling counts, those that name the plugin are heard
    before those that do not, and other values than the four do nothing.
    """
    given: dict[tuple[str | None, str], str | None] = {}
    for option in _arguments.names("plugin_options", options) or ():
        name, equals, value = option.partition("=")
        plugin, colon, variable = name.partition(":")
        given[(plugin, variable) if colon else (None, name)] = value if equals else None
    flags = []
    for (plugin, name), (usual, flag) in _PLUGIN_OPTIONS.items():
        on = usual
        for key in ((plugin, name), (None, name)):
            if key not in given:
                continue
            said = given[key]
            if said is None:
                on = not on
            elif said in ("0", "1", "false", "true"):
                on = said in ("1", "true")
        if on != usual:
            flags.append(flag)
    return flags


Symbols = Sequence["_lowlevel.Symbols | None"]  # of each file; None: its own


def make_symbols(readers: Sequence[_records.Reader], options: ReportOptions) -> Symbols:
    """Read the symbols to be used.

    Raises:
        OSError: options.kallsyms cannot be read.
    """
    if options.kallsyms is None:
        return [None] * len(readers)
    text = Path(options.kallsyms).read_bytes()
    return [reader.own(_lowlevel.Symbols(reader.file, text)) for reader in readers]


def _make_report(request: _records.Request, readers: Sequence[_records.Reader], symbols: Symbols,
                 options: ReportOptions) -> _lowlevel.Report:  # fmt: skip
    place = {id(reader): index for index, reader in enumerate(readers)}
    rows = []
    for source in request.sources:
        stream = source.reader.streams[source.stream]
        rows.append((place[id(source.reader)], stream.buffer, stream.cpu))
    files = [report_file(reader, own) for reader, own in zip(readers, symbols, strict=True)]
    made = _lowlevel.Report(files, rows, options.flags())
    for pattern in _arguments.names("raw_events", options.raw_events) or ():
        made.set_events(_lowlevel.EVENTS_RAW, pattern)
    for pattern in _arguments.names("plain_events", options.plain_events) or ():
        made.set_events(_lowlevel.EVENTS_PLAIN, pattern)
    return made


def make_filters(
    reader: _records.Reader,
    symbols: _lowlevel.Symbols | None,
    filters: Sequence[str],
    filters_out: Sequence[str],
) -> tuple[tuple[_lowlevel.Filter, ...], tuple[_lowlevel.Filter, ...]]:
    """Compile trace-cmd's filters (-F, and -F behind -v) for one file.

    Raises:
        FilterError: (a ValueError) one is not a filter, or names events that the file has not.
    """

    def compile_one(text: str) -> _lowlevel.Filter:
        # Events alone, without an expression, are let through whatever they hold.
        if ":" not in text and re.search(r"[\"'=<>!&|~]", text):
            raise FilterError(f"filter: EVENTS: is expected, in front of {text}", path=reader.path)
        whole = text if ":" in text else f"{text}:common_pid>=0"
        compiled = compile_filter(reader, whole, symbols=symbols)
        check_filters([compiled])
        return compiled

    return tuple(map(compile_one, filters)), tuple(map(compile_one, filters_out))


def report(
    request: _records.Request,
    readers: Sequence[_records.Reader],
    symbols: Symbols,
    options: ReportOptions,
) -> Iterator[memoryview]:
    """Give the report piece by piece, the lines above the first event first.

    readers are all files of the report, in order, symbols those of make_symbols() for them; the
    request's sources are of them. A piece is valid only until the next one is asked for: the core
    writes that into the same memory.

    Raises:
        ValueError: at once, an option is no regular expression.
    """
    request = _with_stacks(request)
    return _pieces(_make_report(request, readers, symbols, options), request)


def _with_stacks(request: _records.Request) -> _records.Request:
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


def _has_events(reader: _records.Reader, event: EventFormat, request: _records.Request) -> bool:
    # Faults are told of when the records are read.
    found = count(
        reader, threads=request.threads, on_problem=lambda problem: None, on_progress=None
    )
    return str(event) in found.events


def _pieces(made: _lowlevel.Report, request: _records.Request) -> Iterator[memoryview]:
    try:
        yield memoryview(made.begin())
        windows = _records.windows(request, WINDOW_BYTES)
        if len(windows) == 1:
            yield from _write(made, request, windows[0])
        else:
            yield from _write_stretches(made, request, windows)
    finally:
        made.close()


def _write(
    report: _lowlevel.Report, request: _records.Request, window: tuple[int, int | None]
) -> Iterator[memoryview]:
    """The lines of one window of time."""
    with contextlib.closing(_records.make_walk(request, *window)) as walk:
        yield from _records.watch(request, walk, lambda: report.next(walk) or None)


class _Stretch(NamedTuple):
    """The lines of a window of time that a copy of the report wrote by itself."""

    report: _lowlevel.Report
    text: memoryview
    problems: list[_lowlevel.SourceProblem]

    @property
    def is_whole(self) -> bool:
        return len(self.text) < STRETCH_TEXT


def _write_stretch(
    report: _lowlevel.Report, request: _records.Request, window: tuple[int, int | None]
) -> _Stretch:
    with contextlib.closing(_records.make_walk(request, *window)) as walk:
        while (text := report.next(walk, STRETCH_TEXT)) is _lowlevel.GO_ON:
            pass
        return _Stretch(report, text, walk.problems())


def _write_stretches(
    report: _lowlevel.Report,
    request: _records.Request,
    windows: Sequence[tuple[int, int | None]],
) -> Iterator[memoryview]:
    """Windows side by side on threads, joined in order.

    A stretch is written with what the report knew when it was begun. That is right for most; for
    the others the core says so when they are joined, and they are written again, in their turn.
    """
    quiet = request._replace(on_progress=None)
    with contextlib.ExitStack() as copied, workers(request.threads) as pool:
        running: deque[Future[_Stretch]] = deque()
        waiting = iter(windows)

        def submit(copy: _lowlevel.Report) -> None:
            for window in itertools.islice(waiting, 1):
                copy.restart(report)
                running.append(pool.submit(_write_stretch, copy, quiet, window))

        for _ in range(2 * request.threads):
            submit(copied.enter_context(contextlib.closing(report.copy())))
        for number, window in enumerate(windows):
            stretch = running.popleft().result()
            verdict = report.join(stretch.report) if stretch.is_whole else _lowlevel.IN_ONE
            if verdict == _lowlevel.IN_ONE:
                yield from _write(report, request, (window[0], windows[-1][1]))
                return
            if request.on_progress:
                request.on_progress(number + 1, len(windows))
            if verdict == _lowlevel.AGAIN:
                yield from _write(report, quiet, window)
            else:
                request.note(stretch.problems)
                yield stretch.text
            submit(stretch.report)
