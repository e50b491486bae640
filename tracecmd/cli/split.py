"""``tracecmd split``: a part of a recording, or all of it in several files: trace-cmd-split(1)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from .._reading import Selection
from ..errors import TraceError, UnsupportedError
from ..opening import open as open_trace
from ..trace import Trace
from ..writing import KeptBuffer, Limit, split_selection
from ._common import complain, warn_problems, whole_number
from ._progress import Bar
from ._times import TIME, UsageError, nanoseconds, warn_outside
from ._writing import (
    USAGE_ERRORS,
    add_format,
    add_work,
    names_of,
    numbers_of,
    require_format,
)

UNITS = {  # option: what it counts, how many of that its number stands for, its name
    "-s": ("ns", 10**9, "seconds"),
    "-m": ("ns", 10**6, "milliseconds"),
    "-u": ("ns", 10**3, "microseconds"),
    "-e": ("events", 1, "events"),
    "-p": ("pages", 1, "pages (sub-buffers) of each CPU"),
}
COUNT_MAX = 10**9

EXAMPLES = """examples:
  tracecmd split trace.dat 4057.5 4058            # a window, to trace.dat.1
  tracecmd split -r -e 100000 trace.dat           # trace.dat.0001, .0002, ...
  tracecmd split -o switches.dat --events sched_switch --pids 1-7 trace.dat
  tracecmd split -B timer -t -B sched trace.dat   # two instances, one on top
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "split",
        help="write a part of a trace file, or cut it into several",
        description="Write a part of a trace file as another one, or cut it into several. "
        "Options are those of trace-cmd-split(1) and more. Other than there, all options of the "
        "file stay in the new ones, and so do marks of lost events.",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=run, kept=None, limit=None)
    parser.add_argument(
        "words",
        metavar="FILE [START [END]]",
        nargs="*",
        help=f"the file, and the first and the last time: {TIME}",
    )
    parser.add_argument("-i", dest="input", metavar="FILE", help="the file, as trace-cmd has it")
    parser.add_argument(
        "-o", dest="output", metavar="OUT",
        help="the new file (FILE.1); with -r files OUT.0001, OUT.0002 and so on",
    )  # fmt: skip
    _add_limits(parser)
    _add_selection(parser)
    _add_buffers(parser)
    add_format(parser, default="as the file's")
    add_work(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how much goes into a file").add_mutually_exclusive_group()
    for flag, (_, _, name) in UNITS.items():
        group.add_argument(
            flag,
            action=_LimitAction,
            type=whole_number(1, COUNT_MAX),
            metavar="N",
            help=f"end the file after N {name}",
        )
    parser.add_argument("-r", dest="repeat", action="store_true",
                        help="go on with another file then, until all is written")  # fmt: skip
    parser.add_argument("-c", dest="per_cpu", action="store_true",
                        help="count each CPU for itself")  # fmt: skip


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is written of the file")
    group.add_argument("-C", dest="cpus", action="append", metavar="CPUS",
                       help="only these CPUs, such as 0,2-3, each counted for itself")  # fmt: skip
    group.add_argument("--events", action="append", metavar="EVENTS",
                       help='only these events ("sched_switch", "sched:*", ...)')  # fmt: skip
    group.add_argument("--exclude", action="append", metavar="EVENTS",
                       help='all but these events, which may have wildcards')  # fmt: skip
    group.add_argument("--pids", action="append", metavar="PIDS",
                       help="only what these tasks recorded")  # fmt: skip
    group.add_argument("--where", metavar="FILTER", help="as trace-cmd report -F takes it")


def _add_buffers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which buffers, in this order; all if none is named")
    group.add_argument("-B", action=_BufferAction, metavar="NAME", help="keep this instance")
    group.add_argument("-t", action=_PromoteAction, nargs=0,
                       help="make the instance before it the top buffer")  # fmt: skip
    group.add_argument("--top", action=_BufferAction, nargs=0, help="keep the top buffer")
    group.add_argument("-b", action=_RenameAction, metavar="NAME",
                       help="rename the top buffer of the --top before it")  # fmt: skip


class _LimitAction(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        unit, factor, _ = UNITS[self.option_strings[0]]
        namespace.limit = Limit(unit, values * factor)  # type: ignore[arg-type]


class _BufferAction(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        name = "" if self.nargs == 0 else values
        namespace.kept = [*(namespace.kept or []), KeptBuffer(name, name)]


def _rename_last(parser: Any, namespace: Any, option: str | None, *, top: bool, name: str) -> None:
    kept = namespace.kept or []
    if not kept or (kept[-1].name == "") != top:
        parser.error(f"argument {option}: has to follow {'--top' if top else '-B'}")
    namespace.kept = [*kept[:-1], KeptBuffer(kept[-1].name, name)]


class _PromoteAction(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        _rename_last(parser, namespace, option, top=False, name="")


class _RenameAction(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        _rename_last(parser, namespace, option, top=True, name=values)


def _words(arguments: argparse.Namespace) -> tuple[str, int, int | None]:
    """The file, the first time, and the first one after the last."""
    words: Sequence[str] = arguments.words
    if arguments.input is not None:
        words = [arguments.input, *words]
    if not 1 <= len(words) <= 3:
        raise UsageError("split: FILE, and perhaps START and END, are wanted")
    file, start_text, end_text = [*words, None, None][:3]
    start, end = nanoseconds(start_text) or 0, nanoseconds(end_text)
    if start < 0 or (end is not None and end < start):
        raise UsageError(f"split: no time is from {start_text} to {end_text}")
    return str(file), start, None if end is None else end + 1


def _write(trace: Trace, selection: Selection, arguments: argparse.Namespace) -> None:
    if trace.buffers and all(buffer.is_text for buffer in trace.buffers):
        raise UnsupportedError(
            "split: it holds a latency tracer's text, no records", path=trace.path
        )
    output = arguments.output
    if output is None:
        output = trace.path if arguments.repeat else f"{trace.path}.1"
    with Bar(not arguments.quiet) as bar:
        bar.label(os.path.basename(output))
        split_selection(
            output,
            trace._reader,
            selection,
            limit=arguments.limit,
            repeat=arguments.repeat,
            per_cpu=arguments.per_cpu or arguments.cpus is not None,
            buffers=arguments.kept,
            version=arguments.file_version,
            compression=arguments.compression,
            threads=arguments.threads,
            progress=bar.show,
        )


def run(arguments: argparse.Namespace) -> int:
    """Write the file or the files; each appears when it is whole."""
    try:
        file, start, end = _words(arguments)
        require_format(arguments.file_version, arguments.compression)
        wanted: dict[str, Any] = {
            "cpus": numbers_of("-C", arguments.cpus),
            "pids": numbers_of("--pids", arguments.pids),
            "events": names_of(arguments.events),
            "exclude": names_of(arguments.exclude),
            "where": arguments.where,
        }
        with open_trace(file, strict=arguments.strict) as trace:
            selection = Selection(trace._recording, start=start, end=end, **wanted)
            _write(trace, selection, arguments)
            warn_outside(trace, file, start or None, end)
            warn_problems([trace])
    except USAGE_ERRORS as error:
        complain(error)
        return 2
    except TraceError:
        raise
    except (KeyError, ValueError) as error:
        complain(error.args[0])
        return 2
    return 0
