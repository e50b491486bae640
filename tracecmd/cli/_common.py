"""What the subcommands share: warnings and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from ..trace import Trace


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
