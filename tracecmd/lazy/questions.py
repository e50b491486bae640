"""What can be asked lazily: records of events, and answers of analyses.

A question knows its columns without decoding a record. It is read with the columns and conditions
that a query has for it, and gives rows that may be more, of columns that may be more: the engine
applies all that it has to them.
"""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .._reading import ReadOptions, Selection
from .._texts import unknown_name
from ..columns import BATCH_ROWS, Layout, Rows
from .conditions import Condition, Places, narrow
from .names import answer_method

if TYPE_CHECKING:
    from .._readable import Readable

__all__ = ["AnswerQuestion", "EventQuestion", "Question"]

LOSSES = "missed_events"


class Question(ABC):
    """Rows that a query can ask for.

    Attributes:
        what: what it is of, in a word or two.
        whole: all of its rows.
    """

    what: str
    whole: Rows

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return self.whole.column_names

    @abstractmethod
    def empty(self) -> Rows:
        """The same columns without a row."""

    @abstractmethod
    def read(
        self,
        columns: Sequence[str] | None,
        conditions: Sequence[Condition] = (),
        batch_rows: int | None = None,
    ) -> Rows:
        """Rows with at least these columns, among them all that fulfil the conditions.

        Args:
            columns: their names; None for all.
            conditions: what is asked of them.
            batch_rows: rows in a batch, at most; None: as many as usual.
        """


class EventQuestion(Question):
    """Records of events as columns, as :meth:`Trace.table` gives them.

    Args:
        readable: the open file or session.
        events: names of events; None for all.
        also: columns to have behind the usual ones.
        options: as for :meth:`Trace.table`.

    Raises:
        TypeError: it has no option of a name.
    """

    def __init__(
        self, readable: Readable, events: Any = None, *, also: Sequence[str] = (), **options: Any
    ) -> None:
        _require_known(options, readable)
        self._readable = readable
        self._layout = _layout_of(options)
        self._options = ReadOptions(
            options.pop("threads", 1),
            options.pop("batch_rows", BATCH_ROWS),
            options.pop("progress", None),
        )
        self._selection = Selection(readable._recording, events, **options)
        self.whole = self._table(self._selection, self._layout, self._options)
        more = [name for name in also if name not in self.names]
        if more and self._layout.columns is None:
            self._layout = self._of_columns([*self.names, *more])
            self.whole = self._table(self._selection, self._layout, self._options)
        self._forms = dict(zip(self.names, self.whole._schema.formats(), strict=True))
        self.what = "records" if events is None else ",".join(self._selection.events or ())

    def _of_columns(self, names: Sequence[str]) -> Layout:
        layout = self._layout
        return Layout(
            names, ts=layout.ts, invalid_utf8=layout.invalid_utf8, dictionary=layout.dictionary
        )

    @property
    def by_time(self) -> bool:
        """Whether windows of time one after the other have the rows in their order."""
        selection = self._selection
        in_order = selection.order == "time" and not selection.reverse
        return in_order and self._forms.get("ts") == "tsn:"

    @property
    def stored(self) -> int:
        """Bytes of the pages that it is of, before any condition."""
        return sum(
            stream.page_count * stream.page_size
            for reader in self._readable._readers(self._selection)
            for stream in reader.streams
        )

    def between(self, start: int, end: int | None) -> EventQuestion:
        """The same of a window of time."""
        part = copy.copy(self)
        part._selection = self._selection.between(start, end)
        return part

    def _table(self, selection: Selection, layout: Layout, options: ReadOptions) -> Rows:
        return self._readable._table(selection, layout, options)

    def empty(self) -> Rows:
        """A window without time."""
        return self._table(self._selection.between(0, 0), self._layout, self._options)

    def _places(self) -> Places:
        readers = self._readable._readers(self._selection)
        return Places(
            frozenset(stream.cpu for reader in readers for stream in reader.streams),
            tuple(dict.fromkeys(name for reader in readers for name in reader.buffer_names)),
            tuple(reader.peer for reader in readers if reader.peer),
            self.is_early,
        )

    def is_early(self) -> bool:
        """Whether all times are such that a signed number of 64 bits holds them."""
        readers = self._readable._readers(self._selection)
        if not all(
            reader.data.is_monotone(place)
            for reader in readers
            for place in range(len(reader.streams))
        ):
            return False
        return (self._readable.end or 0) < 1 << 63

    def read(
        self,
        columns: Sequence[str] | None,
        conditions: Sequence[Condition] = (),
        batch_rows: int | None = None,
    ) -> Rows:
        """Read the columns alone, and of the records those that conditions can hold for."""
        wanted = self.names if columns is None else tuple(columns)
        layout = self._of_columns(wanted)
        options = self._options
        if batch_rows is not None:
            options = ReadOptions(options.threads, batch_rows, options.progress)
        if not conditions:
            return self._table(self._selection, layout, options)
        selection = narrow(
            self._selection, conditions, self._forms, self._places(), losses=LOSSES in wanted
        )
        return self._narrowed(selection, layout, options, wanted)

    def _narrowed(
        self, selection: Selection, layout: Layout, options: ReadOptions, wanted: Sequence[str]
    ) -> Rows:
        """Read that; where it cannot be, or would have other types, with less of it."""
        before = self._selection
        if selection.peers == ():  # of nobody there are no columns
            selection = selection.replace(peers=before.peers, start=0, end=0)
        for less in ({}, {"where": before.where}, {"where": before.where, "peers": before.peers}):
            try:
                rows = self._table(selection.replace(**less), layout, options)
            except (ValueError, KeyError):  # a filter that no event can be compared by
                continue
            if rows._schema.formats() == [self._forms[name] for name in wanted]:
                return rows
        return self._table(before, layout, options)


def _require_known(options: dict[str, Any], readable: Readable) -> None:
    """Raise TypeError for options that records as a table do not have."""
    known = inspect.signature(readable.table).parameters  # type: ignore[attr-defined]
    for name in options:
        if name not in known:
            hint = unknown_name("option", name, known)
            raise TypeError(f"scan() got an unexpected keyword argument {name!r}: {hint}")


def _layout_of(options: dict[str, Any]) -> Layout:
    """The layout that some of the options are, which are taken out."""
    own = {
        name: options.pop(name)
        for name in ("ts", "invalid_utf8", "dictionary", "symbols")
        if name in options
    }
    return Layout(options.pop("columns", None), **own)


class AnswerQuestion(Question):
    """Rows of an answer by its name.

    Args:
        readable: the open file or session.
        name: of the answer.
        arguments, options: as for the method that gives it.
    """

    def __init__(self, readable: Readable, name: str, *arguments: Any, **options: Any) -> None:
        self._method = answer_method(readable, name)
        self._parameters = frozenset(inspect.signature(self._method).parameters)
        self._arguments = arguments
        self._options = options
        self.what = name
        self.whole = self._method(*arguments, **options)

    def empty(self) -> Rows:
        """The answer of a window without time."""
        return self._method(*self._arguments, **{**self._options, "start": 0, "end": 0})

    def read(
        self,
        columns: Sequence[str] | None,
        conditions: Sequence[Condition] = (),
        batch_rows: int | None = None,
    ) -> Rows:
        """Ask for the rows of the CPUs and tasks that conditions name; columns are always all."""
        changes: dict[str, Any] = {}
        for column, argument in (("cpu", "cpus"), ("pid", "pids")):
            if column in self.names and argument in self._parameters:
                values = _values(conditions, column, self._options.get(argument))
                if values is not None:
                    changes[argument] = values
        if batch_rows is not None and "batch_rows" in self._parameters:
            changes["batch_rows"] = batch_rows
        if not changes:
            return self.whole
        return self._method(*self._arguments, **{**self._options, **changes})


def _values(conditions: Iterable[Condition], column: str, asked: Any) -> list[int] | None:
    """The values that a column can have; None: all that were asked for."""
    named: set[int] | None = None
    for condition in conditions:
        if condition.column == column and condition.how in ("==", "in"):
            values = {each for each in condition.values if isinstance(each, int)}
            named = values if named is None else named & values
    if named is None:
        return None
    if asked is not None:
        named &= set(asked) if isinstance(asked, Iterable) else {asked}
    return sorted(named)
