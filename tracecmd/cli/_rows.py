"""Rows of an answer on the command line: a table in 80 columns, JSON or CSV."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .._readable import Readable
from .._reading import THREADS_MAX
from .._texts import one_line
from .._times import seconds
from ..analysis import Answer
from ..errors import MissingEventError
from ..opening import open as open_trace
from ..trace import Trace
from ._common import complain, warn, warn_problems, whole_number
from ._progress import Bar
from ._terminal import style
from ._times import UsageError, add_window, warn_outside, window_of

if TYPE_CHECKING:
    from ..session import Session

__all__ = [
    "Column",
    "Table",
    "add_arguments",
    "micro",
    "print_csv",
    "print_rows",
    "print_table",
    "run_answer",
    "run_session",
    "seconds",
]

WIDTH = 80

Row = Mapping[str, Any]
Show = Callable[[Any], str]


class Column(NamedTuple):
    """A column of the table for people; the other formats have all."""

    name: str
    title: str
    show: Show = str
    left: bool = False


# Those of the table, or what chooses them by the names of the answer's.
Columns = Sequence[Column] | Callable[[Sequence[str]], Sequence[Column]]

_PEER = (Column("peer", "PEER", left=True),)


def micro(ns: int) -> str:
    """Show a duration in microseconds."""
    return f"{ns // 1000}.{ns % 1000:03d}"


def add_arguments(parser: argparse.ArgumentParser, *, session: bool = False) -> None:
    """Add what all such commands take; session: those that are about a session alone."""
    files = "trace files of a session, or a folder of them"
    if not session:
        files = f"a trace file; or {files}"
        parser.add_argument(
            "--peers", metavar="NAMES", help='of a session these alone: "host", names of guests'
        )
        parser.add_argument(
            "--threads",
            type=whole_number(1, THREADS_MAX),
            metavar="N",
            help="read a session's files side by side; rows come file by file",
        )
    parser.add_argument("files", metavar="FILE", nargs="+", help=files)
    add_window(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON: an array of rows")
    formats.add_argument("--csv", action="store_true", help="print CSV; times in ns")


def run_answer(
    arguments: argparse.Namespace,
    make: Callable[[Readable, dict[str, Any]], Answer],
    columns: Columns,
) -> int:
    """Print an answer; the options it is made with are a window, progress, peers and threads."""
    peers = arguments.peers
    if (arguments.threads is not None or peers is not None) and not _is_session(arguments):
        complain("--peers, --threads: they are of a session, a folder or several files")
        return 2
    more = {"peers": None if peers is None else peers.split(","), "threads": arguments.threads}

    def answer(source: Readable, window: dict[str, Any]) -> Table:
        answer = make(source, {**window, **more})
        return Table(answer.column_names, answer.values(), answer.notes)

    return _run(arguments, answer, columns, _open(arguments))


def run_session(
    arguments: argparse.Namespace,
    make: Callable[[Session, dict[str, Any]], Table],
    columns: Sequence[Column],
) -> int:
    """Print rows of a session; the options that they are made with are a window and progress."""
    from ..session import open_session  # noqa: PLC0415 - other commands start faster without

    return _run(arguments, make, columns, partial(open_session, *arguments.files))


class Table(NamedTuple):
    """Names of columns, rows, and what keeps them from telling all."""

    names: Sequence[str]
    rows: Iterator[Sequence[Any]]
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, kind: type[NamedTuple], rows: Iterable[Sequence[Any]]) -> Table:
        """Rows that are named tuples."""
        return cls(kind._fields, iter(rows))


def _is_session(arguments: argparse.Namespace) -> bool:
    return len(arguments.files) > 1 or os.path.isdir(arguments.files[0])


def _open(arguments: argparse.Namespace) -> Callable[[], Trace | Session]:
    if not _is_session(arguments):
        return partial(open_trace, arguments.files[0])
    from ..session import open_session  # noqa: PLC0415 - other commands start faster without

    return partial(open_session, *arguments.files)


def _run(
    arguments: argparse.Namespace,
    make: Callable[[Any, dict[str, Any]], Table],
    columns: Columns,
    open_source: Callable[[], Trace | Session],
) -> int:
    try:
        window = window_of(arguments)
    except UsageError as error:
        complain(error)
        return 2
    with open_source() as source, Bar(True) as bar:
        try:
            table = make(source, {**window, "progress": bar.show})
        except MissingEventError as error:
            complain(error)
            return 1
        named = (dict(zip(table.names, values, strict=True)) for values in table.rows)
        rows = bar.until_first(named)
        if arguments.json:
            print_rows(rows)
        elif arguments.csv:
            print_csv(table.names, rows)
        else:
            chosen = columns(table.names) if callable(columns) else columns
            print_table(rows, [*(_PEER if "peer" in table.names else ()), *chosen])
        bar.clear()
        for note in table.notes:
            warn(note)
        warn_outside(source, arguments.files[0], **window)
        peers = [source] if isinstance(source, Trace) else [peer.trace for peer in source.peers]
        warn_problems(peers)
    return 0


def print_rows(rows: Iterable[Row]) -> None:
    text = "[\n"
    for row in rows:
        sys.stdout.write(text + "  " + json.dumps(row))
        text = ",\n"
    print("[]" if text == "[\n" else "\n]")


def print_csv(names: Sequence[str], rows: Iterable[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if value is None else value for value in row.values()])


# For people --------------------------------------------------------------------------------------

_SAMPLE = 1000  # rows that columns are as wide as; later ones may push theirs further


def print_table(rows: Iterator[Row], columns: Sequence[Column]) -> None:
    first = [_cells(row, columns) for row in itertools.islice(rows, _SAMPLE)]
    titles = [column.title for column in columns]
    widths = [max(map(len, texts)) for texts in zip(titles, *first, strict=True)]
    spare = WIDTH - sum(widths) - 2 * (len(widths) - 1)
    if spare < 0:  # texts are cut, numbers are not
        wide = [place for place, column in enumerate(columns) if column.left]
        for place in wide:
            widths[place] = max(len(titles[place]), widths[place] + spare // len(wide), 4)
    print(style(_line(titles, columns, widths), "bold", sys.stdout))
    for cells in itertools.chain(first, (_cells(row, columns) for row in rows)):
        print(_line(cells, columns, widths))


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    return ["-" if row[c.name] is None else one_line(c.show(row[c.name])) for c in columns]


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = cell if len(cell) <= width or not column.left else cell[: width - 1] + "~"
        parts.append(text.ljust(width) if column.left else text.rjust(width))
    return "  ".join(parts).rstrip()
