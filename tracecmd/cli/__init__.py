"""The ``tracecmd`` command: one module per subcommand.

Exit codes: 0 done, 1 a file is bad or missing (one line on stderr says what), 2 wrong usage,
130 interrupted, 141 the reader of our output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import TraceError
from . import export, info, report, session, stat
from ._common import complain

__all__ = ["main"]

COMMANDS = (info, session, stat, report, export)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    top = argparse.ArgumentParser(
        prog="tracecmd", description="Read Linux trace recordings (trace.dat files)."
    )
    top.add_argument("--version", action="version", version=f"tracecmd {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_parser(commands)
    return top


def _tolerant_output() -> None:
    """Texts of a file may be anything; printing them must not fail."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    _tolerant_output()
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (TraceError, MemoryError) as error:
        complain(error)
        return 1
    except OSError as error:  # files' own are TraceErrors
        complain(f"output: {error.strerror}")
        return 1
    return code
