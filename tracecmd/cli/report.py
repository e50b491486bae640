"""``tracecmd report``: what ``trace-cmd report`` prints, with its options: trace-cmd-report(1)."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .._reading import Request, Selection, choose, read_events
from ..report import ProfileOptions, write_profile, write_report
from ..trace import Trace
from ._actions import InOrder, LeftOut, ListAction
from ._common import add_threads, complain, warn, warn_problems, whole_number
from ._progress import Bar
from ._report_files import File, files_of, first_ts, open_file, options_of, sources_of, symbols_of
from ._report_lists import print_list

CPUS_MAX = 1 << 16  # no recording has more

LEFT_OUT = {  # docs/report-differences.md
    "it is about trace-cmd itself": ("-V", "--verbose", "--debug", "--boundary", "-p"),
}


EXAMPLES = """examples:
  tracecmd report trace.dat
  tracecmd report -t -F 'sched_switch: next_pid == 1' trace.dat
  tracecmd report -i trace.dat -i trace-guest.dat # merged by time
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="print a trace as trace-cmd report does",
        description="Print traces as trace-cmd report does, byte for byte; of several files, as "
        "of a host and its guests, merged by time. Options are those of trace-cmd-report(1).",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=run, in_order=[])
    parser.add_argument("input", metavar="FILE", nargs="*", help="trace files (trace.dat)")
    _add_file_options(parser)
    _add_text_options(parser)
    _add_profile(parser)
    _add_lists(parser)
    parser.add_argument(
        "--cpu", metavar="LIST", type=_cpu_list, help="only these CPUs, such as 0,2-3"
    )
    parser.add_argument("--comm", metavar="NAMES", action=InOrder, dest="comm",
                        help="only tasks of these names, and events about them")  # fmt: skip
    parser.add_argument("--pid", metavar="PIDS", action=InOrder, dest="pid",
                        help="only tasks with these PIDs, and events about them")  # fmt: skip
    parser.add_argument("-I", action="append_const", dest="hidden", const="common_flags&8",
                        help="no events of hard interrupts")  # fmt: skip
    parser.add_argument("-S", action="append_const", dest="hidden", const="common_flags&16",
                        help="no events of soft interrupts")  # fmt: skip
    parser.add_argument("-T", "--filter-test", action="store_true",
                        help="show what the filters are for each event")  # fmt: skip
    for reason, flags in LEFT_OUT.items():
        for flag in flags:
            parser.add_argument(flag, action=LeftOut, nargs="?", const=reason,
                                help=argparse.SUPPRESS)  # fmt: skip
    add_threads(parser, "format on N threads")
    parser.add_argument("-q", action="store_true", help="say nothing about faults of the files")


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("of the file named before them")
    group.add_argument("-i", dest="file", metavar="FILE", action=InOrder, help="a trace file")
    group.add_argument("-F", dest="filter", metavar="FILTER", action=InOrder,
                       help="show only what the filter lets through")  # fmt: skip
    group.add_argument("-v", dest="invert", nargs=0, action=InOrder,
                       help="filters from here on hide what they let through")  # fmt: skip
    group.add_argument("--ts-offset", type=whole_number(-(1 << 63), (1 << 63) - 1), metavar="NS",
                       action=InOrder, help="add to all time stamps")  # fmt: skip
    group.add_argument("--ts2secs", type=whole_number(0, (1 << 64) - 1), metavar="HZ",
                       action=InOrder, help="ticks per second of the clock")  # fmt: skip


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
    group.add_argument("-w", action="store_true",
                       help="how long tasks waited between being woken and being run")  # fmt: skip
    group.add_argument("--ts-diff", action="store_true", help="time since the event before")
    group.add_argument("--ts-check", action="store_true", help="warn of time that steps back")
    group.add_argument("--nodate", action="store_true", help="leave the date out of time stamps")
    group.add_argument("--raw-ts", action="store_true", help="time stamps as recorded")
    group.add_argument("--align-ts", action="store_true",
                       help="time stamps count from the first event")  # fmt: skip
    group.add_argument("--kallsyms", metavar="FILE",
                       help="add the symbols of a file like /proc/kallsyms")  # fmt: skip


def _add_profile(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where tasks spend their time")
    group.add_argument("--profile", action="store_true",
                       help="tables of tasks and their events, instead of the events")  # fmt: skip
    group.add_argument("-H", metavar="HOOK", action="append", default=[],
                       help="join two events: EVENT,FIELD[,PID]/EVENT,FIELD[,FLAGS]")  # fmt: skip
    group.add_argument("-G", action="store_true", help="interrupts by CPU, not by task")
    group.add_argument("--by-comm", action="store_true", help="a table for all tasks of a name")


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
        group.add_argument(flag, action=ListAction, nargs=0, const=flag.lstrip("-"), help=text)
    group.add_argument("--version", "--recorder", action=ListAction, nargs=0, const="version",
                       help="version of the recording trace-cmd")  # fmt: skip
    group.add_argument("--event", metavar="REGEX", action=ListAction, const="event", type=_pattern,
                       help="formats of events that match")  # fmt: skip


def _cpu_list(text: str) -> set[int]:
    cpus: set[int] = set()
    for part in re.split("[,:]", text):
        match = re.fullmatch("([0-9]{1,20})(?:-([0-9]{1,20}))?", part)
        if match is None:
            raise argparse.ArgumentTypeError(f"{text!r} is not a list of CPUs, such as 0,2-3")
        last = int(match[2] or match[1])
        cpus.update(range(int(match[1]), min(last, CPUS_MAX) + 1))
    return cpus


def _pattern(text: str) -> str:
    """A regular expression, or two with a colon between them."""
    for part in text.split(":", 1):
        try:
            re.compile(part)
        except re.error as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return text


def run(arguments: argparse.Namespace) -> int:
    """Print the report, or one of the lists."""
    files = files_of(arguments)
    traces: list[Trace] = []
    try:
        for file in files:
            traces.append(open_file(file, arguments))
        lists = arguments.listing is not None
        if arguments.align_ts and not (arguments.raw_ts or lists):
            first = first_ts(traces)
            for place, file in enumerate(files):
                traces[place].close()
                traces[place] = open_file(file, arguments, first)
        if not arguments.q:
            warn_problems(traces)
        if lists:
            return print_list(arguments, traces)
        return _print_report(arguments, files, traces)
    except ValueError as error:
        if type(error) is not ValueError:  # about a file, not about what was asked for
            raise
        complain(error)
        return 1
    finally:
        for trace in traces:
            trace.close()


def _print_report(
    arguments: argparse.Namespace, files: Sequence[File], traces: Sequence[Trace]
) -> int:
    readers = [trace._reader for trace in traces]
    symbols = symbols_of(readers, arguments)
    out = sys.stdout.buffer
    reported: set[str] = set()

    def note(problem: Exception) -> None:
        text = str(problem)
        if not arguments.q and text not in reported:  # threads may come across one twice
            reported.add(text)
            warn(text)

    with Bar(not out.isatty()) as bar:
        choice = choose(readers, Selection(traces[0]._recording, cpus=arguments.cpu))
        request = Request(
            sources_of(choice, arguments, files, traces, symbols),
            threads=arguments.threads,
            on_problem=note,
            on_progress=bar.show,
        )
        if arguments.profile:
            profile = ProfileOptions(arguments.H, arguments.G, arguments.by_comm)
            chunks: Iterator[bytes | memoryview] = write_profile(request, readers, symbols, profile)
        else:
            chunks = write_report(request, readers, symbols, options_of(arguments))
        for chunk in chunks:
            out.write(chunk)
    out.flush()
    if arguments.ts_check:
        for text in _backward_times(request):
            warn(text)
    return 0


def _backward_times(request: Request) -> Iterator[str]:
    """Where time steps back in the order of the report."""
    last = 0
    for event in read_events(request._replace(on_progress=None)):
        if event.ts < last:
            yield f"time steps back on CPU {event.cpu}: {last} ns, then {event.ts} ns"
        last = event.ts
