"""Rows of an answer on the command line: a table in 80 columns, JSON or CSV."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._texts import one_line
from ..analysis import Answer
from ..errors import MissingEventError
from ..opening import open as open_trace
from ..trace import Trace
from ._common import complain, warn_problems
from ._progress import Bar
from ._times import UsageError, nanoseconds

__all__ = [
    "Column",
    "add_arguments",
    "micro",
    "print_csv",
    "print_rows",
    "print_table",
    "run_answer",
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


def seconds(ns: int) -> str:
    """Show a time in ns as trace-cmd report does, but with all digits."""
    whole, part = divmod(abs(ns), 10**9)
    return f"{'-' if ns < 0 else ''}{whole}.{part:09d}"


def micro(ns: int) -> str:
    """Show a duration in microseconds."""
    return f"{ns // 1000}.{ns % 1000:03d}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what all such commands take."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--start", metavar="TIME", help="first time: seconds, or ns with 'ns'")
    parser.add_argument("--end", metavar="TIME", help="first time not wanted")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON: an array of rows")
    formats.add_argument("--csv", action="store_true", help="print CSV; times in ns")


def run_answer(
    arguments: argparse.Namespace,
    make: Callable[[Trace, dict[str, Any]], Answer],
    columns: Sequence[Column],
) -> int:
    """Print the answer of one file; the options it is made with are start, end and progress."""
    try:
        window = {"start": nanoseconds(arguments.start), "end": nanoseconds(arguments.end)}
    except UsageError as error:
        complain(error)
        return 2
    with open_trace(arguments.file) as trace, Bar(True) as bar:
        try:
            answer = make(trace, {**window, "progress": bar.show})
        except MissingEventError as error:
            complain(error)
            return 1
        rows = _rows(answer)
        if arguments.json:
            print_rows(rows)
        elif arguments.csv:
            print_csv(answer.column_names, rows)
        else:
            print_table(rows, columns)
        bar.clear()
        warn_problems([trace])
    return 0


def _rows(answer: Answer) -> Iterator[Row]:
    """All rows, one after the other, without any other package."""
    names = answer.column_names
    for values in answer.values():
        yield dict(zip(names, values, strict=True))


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
    _print_line(titles, columns, widths)
    for cells in itertools.chain(first, (_cells(row, columns) for row in rows)):
        _print_line(cells, columns, widths)


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    return ["-" if row[c.name] is None else one_line(c.show(row[c.name])) for c in columns]


def _print_line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> None:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = cell if len(cell) <= width or not column.left else cell[: width - 1] + "~"
        parts.append(text.ljust(width) if column.left else text.rjust(width))
    print("  ".join(parts).rstrip())
