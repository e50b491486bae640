"""``tracecmd flame``: stacks with weights, as a picture or for other tools."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..analysis import Flame
from ..errors import MissingEventError
from ..export import replacing
from ..opening import open as open_trace
from ._common import complain, warn, warn_problems
from ._progress import Bar
from ._times import UsageError, add_window, warn_outside, window_of

_FORMATS: dict[str, Callable[[Flame], str]] = {
    ".svg": Flame.to_svg,
    ".html": Flame.to_html,
    ".folded": Flame.folded,
    ".json": Flame.to_speedscope,
}
_EMPTY = {
    "self": "there are no calls; trace-cmd record -p function_graph records them",
    "offcpu": "no task left a CPU and came back; trace-cmd record -e sched:sched_switch -T tells",
    "samples": "there are no stacks; trace-cmd record -T records them",
}


EXAMPLES = """examples:
  tracecmd flame trace.dat -o flame.svg           # of function_graph
  tracecmd flame trace.dat -o tasks.folded --by task --start 20.68 --end 20.72
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "flame",
        help="draw a flame graph, or write folded stacks",
        description="Write stacks and what they weigh, as the name of the output ends: .svg or "
        ".html, a picture to zoom into and to search; .folded, lines for flamegraph.pl; .json, for "
        "speedscope.app.",
        epilog=EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("-o", "--output", metavar="OUT", required=True)
    parser.add_argument(
        "--weight",
        choices=tuple(_EMPTY),
        default="self",
        help="time in functions without their callees (self), off the CPU, or kernel stacks "
        "(%(default)s)",
    )
    parser.add_argument(
        "--by",
        action="append",
        choices=("task", "cpu"),
        default=[],
        help="stacks begin with the task or CPU; may be given again",
    )
    add_window(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it."""
    write = _FORMATS.get(Path(arguments.output).suffix)
    try:
        window = window_of(arguments)
        if write is None:
            raise UsageError(f"--output {arguments.output}: it ends in {', '.join(_FORMATS)}")
    except UsageError as error:
        complain(error)
        return 2
    with open_trace(arguments.file) as trace, Bar(True) as bar:
        try:
            flame = trace.flame(arguments.weight, by=arguments.by, progress=bar.show, **window)
        except MissingEventError as error:
            complain(error)
            return 1
        bar.clear()
        warn_outside(trace, arguments.file, **window)
        warn_problems([trace])
    if not flame.count:
        complain(f"{arguments.file}: {_EMPTY[arguments.weight]}")
        return 1
    if flame.lost:
        warn(f"{arguments.file}: {flame.lost} more were cut by losses or by the window's edges")
    with replacing(arguments.output) as file:
        file.write(write(flame).encode())
    return 0
