"""What the subcommands share: files one by one, warnings and JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import TraceError
from ..trace import Trace
from ..trace import open as open_trace


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
            sys.stdout.flush()  # what is said of the next file on stderr belongs behind it
    if arguments.json:
        print_json(described)
    return 0 if len(described) == len(arguments.files) else 1


def complain(what: object) -> None:
    """Say on stderr, in one line, what failed."""
    print(f"tracecmd: {one_line(str(what))}", file=sys.stderr)


def warn(text: object) -> None:
    """Say something about the input on stderr."""
    print(f"tracecmd: warning: {one_line(str(text))}", file=sys.stderr)


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


def one_line(text: str) -> str:
    """Make a text of the file fit a line: no line breaks or other control characters."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
