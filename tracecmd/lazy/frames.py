"""Questions as lazy frames of Polars, through its interface for sources of data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..columns import BATCH_ROWS
from ..packages import MissingPackageError, package
from .conditions import Condition
from .polars_predicate import read_predicate
from .questions import Question

if TYPE_CHECKING:
    import polars

__all__ = ["FILE", "make_frame"]

FILE = "file"
OLDEST = (1, 33)  # whose categories are those of all frames


def make_frame(question: Question, file: str | None = None) -> polars.LazyFrame:
    """A lazy frame of the rows, which are read each time that it is collected.

    Args:
        question: what is asked.
        file: what a column ``file`` behind the others says; None: there is none.
    """
    pl = package("polars", "polars")
    if tuple(map(int, pl.__version__.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        reason = f"lazy frames take polars {oldest}, here is {pl.__version__}"
        raise MissingPackageError(f"{reason}: pip install 'tracecmd[polars]'", name="polars")
    plugins = package("polars.io.plugins", "polars")
    schema = pl.DataFrame(question.empty()).schema
    if file is not None:
        schema = pl.Schema({**schema, FILE: pl.String})

    def read(
        columns: list[str] | None,
        predicate: polars.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[polars.DataFrame]:
        frames = _read(question, file, schema, _Wanted(schema, columns, predicate, batch_size))
        return _first(frames, n_rows)

    frame: polars.LazyFrame = plugins.register_io_source(read, schema=schema)
    return frame


class _Wanted:
    """What a query wants: Polars trusts that it gets exactly that."""

    def __init__(
        self,
        schema: polars.Schema,
        columns: list[str] | None,
        predicate: polars.Expr | None,
        batch_size: int | None,
    ) -> None:
        self.columns = list(schema) if columns is None else columns
        self.batch_rows = BATCH_ROWS if batch_size is None else max(batch_size, 1)
        self.conditions: list[Condition] = []
        self.predicate = predicate
        needed = dict.fromkeys(self.columns)
        if predicate is not None:
            self.conditions, self.predicate = read_predicate(predicate, schema)
            needed |= dict.fromkeys(predicate.meta.root_names())
        self.needed = [name for name in schema if name in needed]

    def apply(self, frame: polars.DataFrame) -> polars.DataFrame:
        """Leave of rows what is wanted."""
        if self.predicate is not None:
            frame = frame.filter(self.predicate)
        return frame.select(self.columns)


def _read(
    question: Question, file: str | None, schema: polars.Schema, wanted: _Wanted
) -> Iterator[polars.DataFrame]:
    """The rows that are wanted; at least one frame."""
    pl = package("polars", "polars")
    of_file = [each for each in wanted.conditions if file is not None and each.column == FILE]
    nothing = pl.DataFrame(schema=schema)
    yield wanted.apply(nothing)
    if file is not None and not all(each.holds(file) for each in of_file):
        return
    columns = [name for name in wanted.needed if file is None or name != FILE]
    if not columns:  # rows have to be counted by something
        columns = list(schema)[:1]
    conditions = [each for each in wanted.conditions if each not in of_file]
    rows = question.read(columns, conditions, wanted.batch_rows)
    with contextlib.closing(rows.batches()) as batches:  # type: ignore[type-var]
        for batch in batches:
            frame = pl.DataFrame(batch)
            if file is not None:
                frame = frame.with_columns(pl.lit(file).alias(FILE))
            yield wanted.apply(frame)


def _first(frames: Iterator[polars.DataFrame], count: int | None) -> Iterator[polars.DataFrame]:
    """The first rows; nothing is read behind them."""
    left = count
    for frame in frames:
        if left is None:
            yield frame
            continue
        yield frame.head(left)
        left -= len(frame.head(left))
        if not left:
            return
