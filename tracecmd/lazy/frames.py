"""Questions as lazy frames of Polars, through its interface for sources of data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .._texts import valid_utf8
from ..columns import BATCH_ROWS
from ..packages import MissingPackageError, package
from .conditions import Condition
from .polars_predicate import read_predicate
from .questions import Question

if TYPE_CHECKING:
    import polars

__all__ = ["make_frame"]

OLDEST = (1, 33)  # whose categories are those of all frames


def make_frame(question: Question, file: str | None = None) -> polars.LazyFrame:
    """A lazy frame of the rows, which are read each time that it is collected.

    Args:
        question: what is asked.
        file: what a column ``file`` behind the others says, ``file_1`` where a field has that
            name; None: there is none.
    """
    pl = package("polars", "polars")
    if tuple(map(int, pl.__version__.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        reason = f"lazy frames take polars {oldest}, here is {pl.__version__}"
        raise MissingPackageError(f"{reason}: pip install 'tracecmd[polars]'", name="polars")
    plugins = package("polars.io.plugins", "polars")
    schema = pl.DataFrame(question.empty()).schema
    constant = None
    if file is not None:
        constant = _Constant("file_1" if "file" in schema else "file", valid_utf8(file))
        schema = pl.Schema({**schema, constant.name: pl.String})

    def read(
        columns: list[str] | None,
        predicate: polars.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[polars.DataFrame]:
        wanted = _Wanted(schema, columns, predicate, n_rows, batch_size)
        return _read(question, constant, schema, wanted)

    frame: polars.LazyFrame = plugins.register_io_source(read, schema=schema)
    return frame


class _Wanted:
    """What a query wants: Polars trusts that it gets exactly that.

    Of a number of rows and a predicate the number comes first: it is of all rows, those that the
    predicate is not true of count as well. So nothing can be narrowed then. (Where a query filters
    first, Polars gives no number, and takes no more frames when it has enough.)
    """

    def __init__(
        self,
        schema: polars.Schema,
        columns: list[str] | None,
        predicate: polars.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> None:
        self.left = n_rows
        self.columns = list(schema) if columns is None else columns
        self.batch_rows = BATCH_ROWS if batch_size is None else max(batch_size, 1)
        self.conditions: list[Condition] = []
        self.predicate = predicate
        needed = dict.fromkeys(self.columns)
        if predicate is not None:
            self.conditions, self.predicate = read_predicate(predicate, schema)
            needed |= dict.fromkeys(predicate.meta.root_names())
        if n_rows is not None:
            self.conditions = []
        self.needed = [name for name in schema if name in needed]

    def apply(self, frame: polars.DataFrame) -> polars.DataFrame:
        """Leave of rows what is wanted."""
        if self.left is not None:
            frame = frame.head(self.left)
            self.left -= len(frame)
        if self.predicate is not None:
            frame = frame.filter(self.predicate)
        return frame.select(self.columns)


class _Constant(NamedTuple):
    """A column that says the same in all rows."""

    name: str
    value: str


def _read(
    question: Question, constant: _Constant | None, schema: polars.Schema, wanted: _Wanted
) -> Iterator[polars.DataFrame]:
    """The rows that are wanted; at least one frame."""
    pl = package("polars", "polars")
    yield wanted.apply(pl.DataFrame(schema=schema))
    if wanted.left == 0:
        return
    name = None if constant is None else constant.name
    of_constant = [each for each in wanted.conditions if each.column == name]
    if constant and not all(each.holds(constant.value) for each in of_constant):
        return
    columns = [each for each in wanted.needed if each != name]
    if not columns:  # rows have to be counted by something
        columns = list(schema)[:1]
    conditions = [each for each in wanted.conditions if each not in of_constant]
    rows = question.read(columns, conditions, wanted.batch_rows)
    with contextlib.closing(rows.batches()) as batches:  # type: ignore[type-var]
        for batch in batches:
            frame = pl.DataFrame(batch)
            if constant:
                frame = frame.with_columns(pl.lit(constant.value).alias(constant.name))
            yield wanted.apply(frame)
            if wanted.left == 0:
                return
