"""The files of a report: what the command line says of each, and the records it wants of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import _lowlevel
from .._reading import Choice, Reader, Source
from ..opening import open as open_trace
from ..report import Filters, ReportOptions, Symbols, filtered, make_filters, make_symbols
from ..trace import Trace
from ._common import warn

__all__ = ["File", "files_of", "first_ts", "open_file", "options_of", "sources_of", "symbols_of"]


class File:
    """A file, and the options that came with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ts_offset: int | None = None
        self.ts2secs: int | None = None
        self.filters: list[str] = []
        self.filters_out: list[str] = []
        self.tasks: dict[str, list[str]] = {"comm": [], "pid": []}


def files_of(arguments: argparse.Namespace) -> list[File]:
    """The files in order, each with the options after it; options before all are for all."""
    defaults = File("")
    files: list[File] = []
    inverted = False
    for kind, value in arguments.in_order:
        at = files[-1] if files else defaults
        if kind == "file":
            files.append(File(value))
        elif kind == "invert":
            inverted = True
        elif kind in ("comm", "pid"):
            defaults.tasks[kind] += [part for part in value.split(",") if part]
        elif kind == "filter":
            (at.filters_out if inverted else at.filters).append(value)
        else:
            setattr(at, kind, value)
    files += [File(name) for name in arguments.input]
    files = files or [File("trace.dat")]
    for file in files:
        file.ts_offset = defaults.ts_offset if file.ts_offset is None else file.ts_offset
        file.ts2secs = defaults.ts2secs if file.ts2secs is None else file.ts2secs
        file.filters = file.filters or defaults.filters
        file.filters_out = file.filters_out or defaults.filters_out
        file.tasks = defaults.tasks
    return files


def open_file(file: File, arguments: argparse.Namespace, first: int = 0) -> Trace:
    """Open a file as the options say, its time stamps counted from a first one."""
    return open_trace(
        file.name,
        raw_ts=arguments.raw_ts,
        date=not arguments.nodate,
        ts_offset=_wrapped((file.ts_offset or 0) - first),
        ts2secs=file.ts2secs or 0,
    )


def _wrapped(offset: int) -> int:
    """An offset in 64 bits, as time stamps are: those before and after it wrap alike."""
    return (offset + (1 << 63)) % (1 << 64) - (1 << 63)


def first_ts(traces: Sequence[Trace]) -> int:
    """Time of the first event in a top buffer of all files; 0 if there is none."""
    firsts = [next(iter(trace.buffers[0]), None) for trace in traces if trace.buffers]
    return min((event.ts for event in firsts if event is not None), default=0)


def options_of(arguments: argparse.Namespace) -> ReportOptions:
    """How the text is to be made."""
    return ReportOptions(
        raw=arguments.R,
        nanoseconds=arguments.t,
        latency_format=arguments.l,
        no_plugins=arguments.N,
        no_system_plugins=arguments.L,
        kernel_text=arguments.kernel_text,
        ts_diff=arguments.ts_diff,
        ticks=arguments.raw_ts,
        wakeups=arguments.w,
        kallsyms=arguments.kallsyms,
        raw_events=arguments.r,
        plain_events=arguments.n,
        plugin_options=arguments.O,
    )


def symbols_of(readers: Sequence[Reader], arguments: argparse.Namespace) -> Symbols:
    """The symbols of --kallsyms.

    Raises:
        ValueError: its file cannot be read.
    """
    try:
        return make_symbols(readers, options_of(arguments))
    except OSError as error:
        raise ValueError(f"--kallsyms {arguments.kallsyms}: {error.strerror}") from None


def sources_of(
    choice: Choice,
    arguments: argparse.Namespace,
    files: Sequence[File],
    traces: Sequence[Trace],
    symbols: Symbols,
) -> list[Source]:
    """The chosen streams, each with the filters of its file."""
    filters: dict[Reader, Filters] = {}
    for trace, own, file in zip(traces, symbols, files, strict=True):
        reader = trace._reader
        texts = file.filters + _task_filter(file, trace, arguments)
        wanted, unwanted = make_filters(reader, own, texts, file.filters_out)
        if not arguments.q:
            _warn_unknown(trace, [*wanted[: len(file.filters)], *unwanted])
        if arguments.filter_test:
            _print_filters(trace, texts + file.filters_out, wanted + unwanted)
        if arguments.hidden and len(trace.events):
            hide = make_filters(reader, own, (), [f".*:{text}" for text in arguments.hidden])
            unwanted += hide.unwanted
        filters[reader] = Filters(wanted, unwanted)
    return filtered(choice.sources(), filters)


def _task_filter(file: File, trace: Trace, arguments: argparse.Namespace) -> list[str]:
    """Make the filter of --comm and --pid as trace-cmd does: by fields pid and next_pid, too."""
    pids = []
    for comm in file.tasks["comm"]:
        named = trace.pids_of(comm)
        if not named and not arguments.q:
            warn(f"{trace.path}: no task of the name {comm} was recorded")
        pids += [str(pid) for pid in named]
    pids += reversed(file.tasks["pid"])
    if not pids:
        return []
    fields = ("common_pid", "pid", "next_pid")
    return [".*:" + "||".join(f"({field}=={pid})" for pid in pids for field in fields)]


def _warn_unknown(trace: Trace, filters: Sequence[_lowlevel.Filter]) -> None:
    """Warn of fields that no event has: comparisons with them are false, as in trace-cmd."""
    for compiled in filters:
        for name in compiled.unknown():
            warn(f"{trace.path}: filter: none of its events has a field {name}")


def _print_filters(trace: Trace, texts: Sequence[str], filters: Sequence[_lowlevel.Filter]) -> None:
    for text, compiled in zip(texts, filters, strict=True):
        for number, shown in compiled.texts():
            event = trace.events.by_id(number)
            assert event is not None
            print(f" '{event.name}: {shown if ':' in text else 'TRUE'}'")
    sys.stdout.flush()
