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
from typing import Any, NoReturn

from .. import __version__
from ..errors import TraceError
from . import (
    attach,
    convert,
    export,
    flame,
    functions,
    idle,
    info,
    irqs,
    latency,
    losses,
    plot,
    query,
    report,
    restore,
    session,
    split,
    stat,
    tasks,
)
from ._common import complain, drop_output

__all__ = ["main"]

COMMANDS = (
    info,
    session,
    stat,
    report,
    export,
    tasks,
    latency,
    irqs,
    idle,
    functions,
    flame,
    losses,
    plot,
    query,
    split,
    convert,
    attach,
    restore,
)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments; ``--help`` has the usage."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.partition(" ")[2]
        complain(f"{command}: {message}" if command else message)
        raise SystemExit(2)

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # argparse's own does not report when the output is full or closed
            (file or sys.stderr).write(message)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    top = _Parser(prog="tracecmd", description="Read Linux trace recordings (trace.dat files).")
    top.add_argument("--version", action="version", version=f"tracecmd {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_parser(commands)
    return top


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _closed_output() -> None:
    """Put streams in the place of those that were closed when the command began.

    Without them the next file that is opened would be taken for one. What is written to stdout
    fails, as it should; on stderr there is nobody who would see it.
    """
    for number, name, flags in ((1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened > number and not _is_open(number):
                os.dup2(opened, number)
                os.close(opened)
                opened = number
            setattr(sys, name, open(opened, "w", closefd=False))  # noqa: SIM115


def _tolerant_output() -> None:
    """Texts of a file may be anything; printing them must not fail."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _run(argv: Sequence[str] | None) -> int:
    """Run the command; whatever it raised has been reported."""
    try:
        arguments = parser().parse_args(argv)
        code: int = arguments.run(arguments)
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (TraceError, MemoryError) as error:
        complain(error)
        return 1
    except OSError as error:  # files' own are TraceErrors
        complain(f"output: {error.strerror or error}")
        return 1
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    _closed_output()
    _tolerant_output()
    stop: SystemExit | None = None  # of argparse, after --help or wrong usage
    code = 0
    try:
        code = _run(argv)
    except SystemExit as exit:
        stop = exit
    try:
        sys.stdout.flush()
    except OSError as error:
        drop_output(sys.stdout)
        if not code and not (stop and stop.code):
            if isinstance(error, BrokenPipeError):
                return 128 + signal.SIGPIPE
            complain(f"output: {error.strerror}")
            return 1
    if stop:
        raise stop
    return code
