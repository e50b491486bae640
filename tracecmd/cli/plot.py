"""``tracecmd plot``: tasks on CPUs, or host and vCPUs of a session, on one time axis."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import MissingEventError
from ..opening import open as open_trace
from ..packages import MissingPackageError
from ..plot import FORMATS, Plot
from ._common import complain, warn_problems
from ._progress import Bar
from ._times import UsageError, add_window, window_of

__all__ = ["add_parser", "require_format", "run"]


EXAMPLES = """examples:
  tracecmd plot trace.dat -o tasks.html
  tracecmd plot . -o vcpus.html --start 205 --end 206.5
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "plot",
        help="draw tasks on CPUs, or a session's host and vCPUs, on one time axis",
        description="Draw which task each CPU ran and what each task did; of a session (its files, "
        "or a folder of them) host CPUs, vCPUs and the guests' tasks. OUT.html is a page to zoom "
        "into, complete in itself; OUT.png and OUT.svg need matplotlib: "
        "pip install 'tracecmd[plot]'.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("-o", "--output", metavar="OUT", required=True)
    add_window(parser)
    parser.set_defaults(run=run)


def require_format(output: str) -> None:
    """Refuse a name that says no format.

    Raises:
        UsageError: it does not.
    """
    if not output.lower().endswith(FORMATS):
        raise UsageError(f"{output}: a plot's name ends with {', '.join(FORMATS)}")


def run(arguments: argparse.Namespace) -> int:
    """Write it; the file appears when it is whole."""
    try:
        window = window_of(arguments)
        require_format(arguments.output)
    except UsageError as error:
        complain(error)
        return 2
    with _opened(arguments.files) as recording, Bar(True) as bar:
        try:
            plot: Plot = recording.plot(**window, progress=bar.show)
            plot.save(arguments.output)
        except (MissingEventError, MissingPackageError, ValueError) as error:
            complain(error)
            return 1
        bar.clear()
        peers = getattr(recording, "peers", None)
        warn_problems([recording] if peers is None else [peer.trace for peer in peers])
    return 0


@contextlib.contextmanager
def _opened(names: list[str]) -> Iterator[Any]:
    """A file, or a session; of a session without vCPUs that has one file that file."""
    if len(names) == 1 and not Path(names[0]).is_dir():
        with open_trace(names[0]) as trace:
            yield trace
        return
    from ..session import open_session  # noqa: PLC0415 - a file is drawn without

    with open_session(*names) as session:
        yield session if session.vcpus or len(session.peers) != 1 else session.peers[0].trace
