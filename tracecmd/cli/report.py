"""``tracecmd report``: what ``trace-cmd report`` prints, with its options: trace-cmd-report(1)."""

from __future__ import annotations

import argparse
import errno
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .. import _lowlevel, _records
from ..report import ReportOptions, Symbols, make_filters, make_symbols, report
from ..trace import CpuArea, Trace
from ..trace import open as open_trace
from ._common import add_threads, complain, warn, warn_problems, whole_number
from ._progress import Bar

CPUS_MAX = 1 << 16  # no recording has more


class _InOrder(argparse.Action):
    """Keeps options that concern the file named before them, in order."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.in_order = [*(namespace.in_order or []), (self.dest, values)]


class _List(argparse.Action):
    """One list only; but the first and the last events make one together."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before, asked = namespace.listing, self.const
        if {before, asked} == ENDS or (before == ENDS_BOTH and asked in ENDS):
            asked = ENDS_BOTH
        elif before not in (None, asked):
            parser.error(f"argument {option_string}: not allowed with argument --{before}")
        namespace.listing = asked
        if self.const == "event":
            namespace.event = values


class _LeftOut(argparse.Action):
    """Refuses an option of trace-cmd's in one line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        complain(f"report: trace-cmd's option {option_string} is not supported: {self.const}")
        parser.exit(2)


ENDS = {"first-event", "last-event"}
ENDS_BOTH = "first-event --last-event"

LEFT_OUT = {  # docs/report-differences.md
    "it measures, and does not report": ("-w", "--profile", "-H", "-G", "--by-comm"),
    "it is about trace-cmd itself": ("-V", "--verbose", "--debug", "--boundary", "-p"),
}


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="print a trace as trace-cmd report does",
        description="Print traces as trace-cmd report does, byte for byte; of several files, as "
        "of a host and its guests, merged by time. Options are those of trace-cmd-report(1).",
    )
    parser.set_defaults(run=run, in_order=[])
    parser.add_argument("input", metavar="FILE", nargs="*", help="trace files (trace.dat)")
    _add_file_options(parser)
    _add_text_options(parser)
    _add_lists(parser)
    parser.add_argument(
        "--cpu", metavar="LIST", type=_cpu_list, help="only these CPUs, such as 0,2-3"
    )
    parser.add_argument("--comm", metavar="NAMES", action=_InOrder, dest="comm",
                        help="only tasks of these names, and events about them")  # fmt: skip
    parser.add_argument("--pid", metavar="PIDS", action=_InOrder, dest="pid",
                        help="only tasks with these PIDs, and events about them")  # fmt: skip
    parser.add_argument("-I", action="append_const", dest="hidden", const="common_flags&8",
                        help="no events of hard interrupts")  # fmt: skip
    parser.add_argument("-S", action="append_const", dest="hidden", const="common_flags&16",
                        help="no events of soft interrupts")  # fmt: skip
    parser.add_argument("-T", "--filter-test", action="store_true",
                        help="show what the filters are for each event")  # fmt: skip
    for reason, flags in LEFT_OUT.items():
        for flag in flags:
            parser.add_argument(flag, action=_LeftOut, nargs="?", const=reason,
                                help=argparse.SUPPRESS)  # fmt: skip
    add_threads(parser, "format on N threads")
    parser.add_argument("-q", action="store_true", help="say nothing about faults of the files")


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("of the file named before them")
    group.add_argument("-i", dest="file", metavar="FILE", action=_InOrder, help="a trace file")
    group.add_argument("-F", dest="filter", metavar="FILTER", action=_InOrder,
                       help="show only what the filter lets through")  # fmt: skip
    group.add_argument("-v", dest="invert", nargs=0, action=_InOrder,
                       help="filters from here on hide what they let through")  # fmt: skip
    group.add_argument("--ts-offset", type=whole_number(-(1 << 63), (1 << 63) - 1), metavar="NS",
                       action=_InOrder, help="add to all time stamps")  # fmt: skip
    group.add_argument("--ts2secs", type=whole_number(0, (1 << 64) - 1), metavar="HZ",
                       action=_InOrder, help="ticks per second of the clock")  # fmt: skip


def _add_text_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("text")
    group.add_argument("-R", action="store_true", help="raw fields instead of texts")
    group.add_argument("-t", action="store_true", help="time stamps with all nine digits")
    group.add_argument("-l", action="store_true", help="latency format")
    group.add_argument("-N", action="store_true", help="no plugins")
    group.add_argument("-L", action="store_true", help="no plugins of the system")
    group.add_argument("-r", metavar="REGEX", action="append", default=[],
                       help="raw fields of events, or systems, of such names")  # fmt: skip
    group.add_argument("-n", metavar="REGEX", action="append", default=[],
                       help="no plugins for events, or systems, of such names")  # fmt: skip
    group.add_argument("-O", metavar="[PLUGIN:]OPTION[=VALUE]", action="append", default=[],
                       help="option of a plugin: ftrace:parent, fgraph:tailprint...")  # fmt: skip
    group.add_argument("--kernel-text", action="store_true",
                       help="evaluate print formats as C, not as libtraceevent")  # fmt: skip
    group.add_argument("--ts-diff", action="store_true", help="time since the event before")
    group.add_argument("--ts-check", action="store_true", help="warn of time that steps back")
    group.add_argument("--nodate", action="store_true", help="leave the date out of time stamps")
    group.add_argument("--raw-ts", action="store_true", help="time stamps as recorded")
    group.add_argument("--align-ts", action="store_true",
                       help="time stamps count from the first event")  # fmt: skip
    group.add_argument("--kallsyms", metavar="FILE",
                       help="add the symbols of a file like /proc/kallsyms")  # fmt: skip


def _add_lists(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("instead of events")
    group.set_defaults(listing=None, event=None)
    for flag, text in (
        ("-E", "names of the events that the file knows"),
        ("-e", "byte order of the file and of this machine"),
        ("--events", "formats of all events"),
        ("--check-events", "whether all formats can be read"),
        ("--first-event", "time of the first event of each CPU"),
        ("--last-event", "time of the last event of each CPU"),
        ("--cpus", "CPUs with data"),
        ("--stat", "what the ring buffers counted"),
        ("--uname", "the recorded machine"),
        ("-f", "the kernel's functions"),
        ("-P", "texts of trace_printk() and of tracepoints in the kernel's memory"),
    ):
        group.add_argument(flag, action=_List, nargs=0, const=flag.lstrip("-"), help=text)
    group.add_argument("--version", "--recorder", action=_List, nargs=0, const="version",
                       help="version of the recording trace-cmd")  # fmt: skip
    group.add_argument("--event", metavar="REGEX", action=_List, const="event", type=_pattern,
                       help="formats of events that match")  # fmt: skip


# Files and what was said of them ---------------------------------------------------------------


class _File:
    def __init__(self, name: str) -> None:
        self.name = name
        self.ts_offset: int | None = None
        self.ts2secs: int | None = None
        self.filters: list[str] = []
        self.filters_out: list[str] = []
        self.tasks: dict[str, list[str]] = {"comm": [], "pid": []}


def _files(arguments: argparse.Namespace) -> list[_File]:
    """The files in order, each with the options behind it; options before all are for all."""
    defaults = _File("")
    files: list[_File] = []
    inverted = False
    for kind, value in arguments.in_order:
        at = files[-1] if files else defaults
        if kind == "file":
            files.append(_File(value))
        elif kind == "invert":
            inverted = True
        elif kind in ("comm", "pid"):
            defaults.tasks[kind] += [part for part in value.split(",") if part]
        elif kind == "filter":
            (at.filters_out if inverted else at.filters).append(value)
        else:
            setattr(at, kind, value)
    files += [_File(name) for name in arguments.input]
    files = files or [_File("trace.dat")]
    for file in files:
        file.ts_offset = defaults.ts_offset if file.ts_offset is None else file.ts_offset
        file.ts2secs = defaults.ts2secs if file.ts2secs is None else file.ts2secs
        file.filters = file.filters or defaults.filters
        file.filters_out = file.filters_out or defaults.filters_out
        file.tasks = defaults.tasks
    return files


def _open(file: _File, arguments: argparse.Namespace, first: int = 0) -> Trace:
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


def _first_ts(traces: Sequence[Trace]) -> int:
    """Time of the first event in a top buffer of all files; 0 if there is none."""
    firsts = [next(iter(trace.buffers[0]), None) for trace in traces if trace.buffers]
    return min((event.ts for event in firsts if event is not None), default=0)


def _cpu_list(text: str) -> set[int]:
    cpus: set[int] = set()
    for part in re.split("[,:]", text):
        found = re.fullmatch("([0-9]{1,20})(?:-([0-9]{1,20}))?", part)
        if found is None:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of CPUs, such as 0,2-3")
        last = int(found[2] or found[1])
        cpus.update(range(int(found[1]), min(last, CPUS_MAX) + 1))
    return cpus


def _pattern(text: str) -> str:
    """A regular expression, or two with a colon between them."""
    for part in text.split(":", 1):
        try:
            re.compile(part)
        except re.error as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return text


# Running ---------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace) -> int:
    """Print the report, or one of the lists."""
    files = _files(arguments)
    traces: list[Trace] = []
    try:
        for file in files:
            traces.append(_open(file, arguments))
        lists = arguments.listing is not None
        if arguments.align_ts and not (arguments.raw_ts or lists):
            first = _first_ts(traces)
            for place, file in enumerate(files):
                traces[place].close()
                traces[place] = _open(file, arguments, first)
        if not arguments.q:
            warn_problems(traces)
        if lists:
            return _list(arguments, traces)
        return _print_report(arguments, files, traces)
    except ValueError as error:
        if type(error) is not ValueError:  # about a file, not about what was asked for
            raise
        complain(error)
        return 1
    finally:
        for trace in traces:
            trace.close()


def _symbols(readers: Sequence[_records.Reader], arguments: argparse.Namespace) -> Symbols:
    try:
        return make_symbols(readers, _options(arguments))
    except OSError as error:
        raise ValueError(f"--kallsyms {arguments.kallsyms}: {error.strerror}") from None


def _sources(
    arguments: argparse.Namespace,
    files: Sequence[_File],
    traces: Sequence[Trace],
    symbols: Symbols,
) -> list[_records.Source]:
    readers = [trace._reader for trace in traces]
    found = _records.choose_all(readers, buffers=None, cpus=arguments.cpu, events=None, pids=None)
    filters = {}
    for trace, own, file in zip(traces, symbols, files, strict=True):
        texts = file.filters + _task_filter(file, trace, arguments)
        filters[id(trace._reader)] = made = make_filters(
            trace._reader, own, texts, file.filters_out
        )
        if not arguments.q:
            _warn_unknown(trace, [*made[0][: len(file.filters)], *made[1]])
        if arguments.filter_test:
            _print_filters(trace, texts + file.filters_out, made[0] + made[1])
        if arguments.hidden and len(trace.events):
            hide = make_filters(trace._reader, own, (), [f".*:{text}" for text in arguments.hidden])
            filters[id(trace._reader)] = made[0], made[1] + hide[1]
    return [
        source._replace(filters=filters[id(source.reader)][0],
                        filters_out=filters[id(source.reader)][1])
        for source in found
    ]  # fmt: skip


def _task_filter(file: _File, trace: Trace, arguments: argparse.Namespace) -> list[str]:
    """Make the filter of --comm and --pid as trace-cmd does: by fields pid and next_pid, too."""
    pids = []
    for comm in file.tasks["comm"]:
        found = trace.pids_of(comm)
        if not found and not arguments.q:
            warn(f"{trace.path}: no task of the name {comm} was recorded")
        pids += [str(pid) for pid in found]
    pids += reversed(file.tasks["pid"])
    if not pids:
        return []
    fields = ("common_pid", "pid", "next_pid")
    return [".*:" + "||".join(f"({field}=={pid})" for pid in pids for field in fields)]


def _warn_unknown(trace: Trace, filters: Sequence[_lowlevel.Filter]) -> None:
    """Tell of fields that no event has: comparisons with them are false, as in trace-cmd."""
    for compiled in filters:
        for name in compiled.unknown():
            warn(f"{trace.path}: filter: none of its events has a field {name}")


def _print_filters(trace: Trace, texts: Sequence[str], filters: Sequence[_lowlevel.Filter]) -> None:
    for text, compiled in zip(texts, filters, strict=True):
        for number, shown in compiled.texts():
            found = trace.events.by_id(number)
            assert found is not None
            print(f" '{found.name}: {shown if ':' in text else 'TRUE'}'")
    sys.stdout.flush()


def _options(arguments: argparse.Namespace) -> ReportOptions:
    return ReportOptions(
        raw=arguments.R,
        nanoseconds=arguments.t,
        latency_format=arguments.l,
        no_plugins=arguments.N,
        no_system_plugins=arguments.L,
        kernel_text=arguments.kernel_text,
        ts_diff=arguments.ts_diff,
        ticks=arguments.raw_ts,
        kallsyms=arguments.kallsyms,
        raw_events=arguments.r,
        plain_events=arguments.n,
        plugin_options=arguments.O,
    )


def _print_report(
    arguments: argparse.Namespace, files: Sequence[_File], traces: Sequence[Trace]
) -> int:
    options = _options(arguments)
    readers = [trace._reader for trace in traces]
    symbols = _symbols(readers, arguments)
    out = sys.stdout.buffer
    told: set[str] = set()

    def tell(problem: Exception) -> None:
        text = str(problem)
        if not arguments.q and text not in told:  # threads may come across one twice
            told.add(text)
            warn(text)

    with Bar(not out.isatty()) as bar:
        request = _records.Request(
            _sources(arguments, files, traces, symbols),
            threads=arguments.threads,
            on_problem=tell,
            on_progress=bar.show,
        )
        for chunk in report(request, readers, symbols, options):
            out.write(chunk)
    out.flush()
    if arguments.ts_check:
        for text in _backward_times(request):
            warn(text)
    return 0


def _backward_times(request: _records.Request) -> Iterator[str]:
    """Where time steps back in the order of the report."""
    last = 0
    for event in _records.read_events(request._replace(on_progress=None)):
        if event.ts < last:
            yield f"time steps back on CPU {event.cpu}: {last} ns, then {event.ts} ns"
        last = event.ts


# Lists -----------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace, traces: Sequence[Trace]) -> int:
    for trace in traces:
        if arguments.event is not None:
            _print_formats(trace, arguments.event)
        elif arguments.listing in ("f", "P"):
            # The first file's alone: trace-cmd ends there.
            own = _symbols([trace._reader], arguments)[0]
            _print_symbols(own or trace._reader.symbols, arguments.listing)
            return 0
        elif arguments.listing == "check-events":
            code = _check_events(arguments, trace)
            if code:
                return code
        else:
            LISTS[arguments.listing](trace)
    return 0


def _print_formats(trace: Trace, pattern: str | None = None) -> None:
    """Formats as the kernel wrote them, by system, those of ftrace itself left out."""
    system_pattern, colon, name_pattern = (pattern or "").partition(":")
    shown = ""
    for found in trace.event_formats:
        if found.system == "ftrace":
            continue
        match = re.match(r"name: (\S+)", found.text)
        name = match[1] if match else ""
        if colon:
            wanted = re.search(system_pattern, found.system) and re.search(name_pattern, name)
        else:
            wanted = re.search(system_pattern, found.system) or re.search(system_pattern, name)
        if not wanted:
            continue
        if found.system != shown:
            print(f"\nsystem: {found.system}")
            shown = found.system
        print(found.text)


def _check_events(arguments: argparse.Namespace, trace: Trace) -> int:
    """Tell which formats cannot be read, and how many can; the exit code is trace-cmd's."""
    metadata = trace._reader.metadata
    flags = _options(arguments).flags()
    events = [] if arguments.q else list(trace.events.values())
    understood = len(events)
    for place, event in enumerate(events):
        if event.fields_failed:
            warn(f"{trace.path}: fields of {event} cannot be read")
        if metadata.print_fmt_failed(place, flags):
            warn(f"{trace.path}: print fmt of {event} cannot be parsed, its fields are shown")
            understood -= 1
    if events:
        warn(f"{trace.path}: {understood} of {len(events)} print fmts are understood")
    # It counts only texts that do not make an event: without a name, or an id.
    return 0 if len(trace.events) == len(trace.event_formats) else errno.EINVAL


def _print_symbols(symbols: _lowlevel.Symbols, which: str) -> None:
    if which == "P":
        for address, text in symbols.printk_formats():
            print(f"{address:016x} {text}")
        return
    for address, name, module in symbols.list():
        print(f"{address:016x} {name}" + (f" [{module}]" if module else ""))


def _print_names(trace: Trace) -> None:
    for event in sorted(trace.events.values(), key=lambda e: (e.system, e.name)):
        print(f"{event.system}:{event.name}")


def _print_byteorder(trace: Trace) -> None:
    print(f"file is {trace.byteorder} endian and host is {sys.byteorder} endian")


# Clocks that count nanoseconds, as trace-cmd sees it; the others' ticks are shown as they are.
NANOSECONDS = ("", "local", "global", "uptime", "perf", "mono", "mono_raw", "tai", "tsc2nsec")


def _time(trace: Trace, ts: int) -> str:
    if trace.clock not in NANOSECONDS and trace.tsc2nsec is None:
        return f"{ts:12d}"
    micros = ((ts + 500) & 0xFFFF_FFFF_FFFF_FFFF) // 1000
    return f"{micros // 10**6:5d}.{micros % 10**6:06d}"


def _print_ends(trace: Trace, which: Sequence[str]) -> None:
    print(f"List of CPUs in {trace.path} with data:")
    for area in trace.buffers[0].cpus:
        line = f"  {area.cpu}"
        for end in which:
            event = next(trace.buffers[0].iter(cpus=[area.cpu], reverse=end == "Last"), None)
            if event is None:
                break
            line += f"\t{end} event:{_time(trace, event.ts)}"
        else:
            print(line)


def _print_cpus(trace: Trace) -> None:
    print(f"List of CPUs in {trace.path} with data:")
    for area in trace.buffers[0].cpus:
        print(f"  {area.cpu}")


def _print_stat(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    print(
        '\nKernel buffer statistics:\n  Note: "entries" are the entries left in the kernel ring '
        "buffer and are not\n        recorded in the trace data. They should all be zero.\n"
    )
    buffer = ""
    if not trace.cpu_stat_texts:
        print(" No stats in this file", end="")
    for name, text in trace.cpu_stat_texts:
        if name != buffer:
            print(f"\nBuffer: {name}\n")
            buffer = name
        print(text)
    print()
    areas = {area.cpu: area for area in (*trace.buffers[0].empty_cpus, *trace.buffers[0].cpus)}
    for cpu in range(max(areas, default=-1) + 1):
        area = areas.get(cpu, CpuArea(cpu, 0, 0))
        print(f"CPU{cpu} data recorded at offset={area.offset:#x}")
        print(f"    {area.size} bytes in size")


def _print_recorder(trace: Trace) -> None:
    print(trace.recorder or " version was not recorded in this file")


def _print_uname(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    print(trace.uname or " uname was not recorded in this file")
    _print_recorder(trace)


def _print_version(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    _print_recorder(trace)


LISTS: dict[str, Any] = {
    "E": _print_names,
    "e": _print_byteorder,
    "events": _print_formats,
    "first-event": lambda trace: _print_ends(trace, ("First",)),
    "last-event": lambda trace: _print_ends(trace, ("Last",)),
    ENDS_BOTH: lambda trace: _print_ends(trace, ("First", "Last")),
    "cpus": _print_cpus,
    "stat": _print_stat,
    "uname": _print_uname,
    "version": _print_version,
}
