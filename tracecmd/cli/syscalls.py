"""``tracecmd syscalls``: what system calls took, and what they returned."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .._readable import Readable
from ..analysis import Answer
from ._rows import Column, add_arguments, micro, run_answer, seconds

_NUMBERS = ("id", "nr", "__syscall_nr")


EXAMPLES = """examples:
  tracecmd syscalls trace.dat
  tracecmd syscalls --json trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "syscalls",
        help="list system calls, what they took and returned",
        description="List system calls, from raw_syscalls, whose names take the package "
        "system-calls, or from the events of the single calls.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(trace: Readable, options: dict[str, Any]) -> Answer:
        return trace.syscalls(ts="uint64", **options)

    return run_answer(arguments, make, _columns)


def _columns(names: Sequence[str]) -> Sequence[Column]:
    """Those of the table; the number is called as the event calls it."""
    number = next(name for name in _NUMBERS if name in names)
    return (
        Column("start", "START", seconds),
        Column("duration", "TOOK us", micro),
        Column("cpu", "CPU"),
        Column("pid", "PID"),
        Column(number, "NR"),
        Column("name", "NAME", left=True),
        Column("ret", "RETURNED"),
    )
