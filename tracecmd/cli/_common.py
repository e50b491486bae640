"""What the subcommands share: files one by one, warnings and JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from .._reading import THREADS_MAX
from .._texts import one_line
from ..errors import TraceError
from ..opening import open as open_trace
from ..trace import Trace
from ._terminal import fit, style


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that :func:`describe_files` goes by."""
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--json", action="store_true", help="print JSON, one array element a file")


def describe_files(
    arguments: argparse.Namespace,
    describe: Callable[[Trace], dict[str, Any]],
    print_text: Callable[[dict[str, Any]], None],
) -> int:
    """Describe each file; one that is bad does not keep the others from being described.

    ``describe`` warns of the problems of its file, too; ``print_text`` is for people.
    """
    described: list[dict[str, Any]] = []
    for name in arguments.files:
        try:
            with open_trace(name) as trace:
                description = describe(trace)
        except TraceError as error:
            complain(error)
            continue
        if described and not arguments.json:
            print()
        described.append(description)
        if not arguments.json:
            print_text(description)
            sys.stdout.flush()  # what is said of the next file on stderr belongs after it
    if arguments.json:
        print_json(described)
    return 0 if len(described) == len(arguments.files) else 1


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Make the type of an option that takes a whole number between two others."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,40}", text) else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return number

    return read


def add_threads(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option that says on how many threads to work."""
    parser.add_argument(
        "--threads", type=whole_number(1, THREADS_MAX), default=1, metavar="N", help=text
    )


def complain(what: object) -> None:
    """Say on stderr, in one line, what failed."""
    _say("", one_line(str(what)))


def warn(text: object) -> None:
    """Say something about the input on stderr."""
    _say("warning: ", one_line(str(text)))


def _say(kind: str, text: str) -> None:
    colour = "yellow" if kind else "red"
    before, line = f"tracecmd: {kind}", fit(f"tracecmd: {kind}{text}", sys.stderr)
    try:
        shown = style(before.rstrip(), colour, sys.stderr) + line[len(before.rstrip()) :]
        print(shown, file=sys.stderr, flush=True)
    except OSError:  # nobody would see it
        drop_output(sys.stderr)


def drop_output(stream: TextIO) -> None:
    """Let go nowhere what a stream that failed still holds: Python writes it again at exit."""
    with contextlib.suppress(OSError, ValueError):  # it may be no file at all
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def warn_problems(traces: Iterable[Trace]) -> None:
    """Tell what was wrong in files that could be read all the same."""
    for trace in traces:
        for problem in trace.problems:
            warn(problem)


def print_json(value: Any) -> None:
    """Print one JSON document. Trace IDs are strings there: few readers keep 64 bits."""
    json.dump(value, sys.stdout, indent=2)
    print()


def trace_id_text(trace_id: int) -> str:
    """A trace ID as trace-cmd dump prints it."""
    return f"{trace_id:#x}"
