"""Recordings as a database of DuckDB, whose views read what a query asks of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._texts import unknown_name, valid_utf8
from ..events import UnknownEventError
from ..packages import package
from .dataset import make_dataset
from .questions import EventQuestion, Question
from .slices import cut_question
from .views import MAIN, Facts, Labelled, View, Window, find_views

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect", "query"]

MOST_SLICES = 64  # of a view: each is planned, which takes a millisecond
ALL_SLICES = 1024  # of all views together
_NAMES_ALL = re.compile(r"\b(show|information_schema|duckdb_\w+|pg_catalog)\b", re.IGNORECASE)
_UNKNOWN = re.compile(r"Table with name (.+?) does not exist")


def connect(
    sources: Sequence[Labelled], events: Sequence[str] | None = None, window: Window = (None, None)
) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory with all views, or those of some events."""
    made = _Database(sources, events, window)
    made.add_all()
    connection: duckdb.DuckDBPyConnection = made.connection
    return connection


def query(
    sources: Sequence[Labelled], text: str, parameters: Any = None, window: Window = (None, None)
) -> Any:
    """What a text in SQL asks for, as a relation of DuckDB; views are made as it names them.

    Raises:
        UnknownEventError: (a KeyError) it names something that is no view; near names are told.
        MissingEventError: (a KeyError) it names an answer whose events were not recorded.
        duckdb.Error: DuckDB cannot do what it says.
    """
    made = _Database(sources, None, window)
    catalog_error = package("duckdb", "duckdb").CatalogException
    made.connection.execute("SET python_enable_replacements = false")
    if _NAMES_ALL.search(text):
        made.add_all(slices=1)
    while True:
        try:
            return made.connection.sql(text, params=parameters)
        except catalog_error as error:
            named = _UNKNOWN.search(str(error))
            if named is None or not made.add(named[1].strip('"')):
                raise


class _Database:
    """A connection, and the views that it has so far."""

    def __init__(
        self, sources: Sequence[Labelled], events: Sequence[str] | None, window: Window
    ) -> None:
        package("pyarrow.dataset", "duckdb")
        self.connection = package("duckdb", "duckdb").connect(":memory:")
        self._sources = sources
        self._views = find_views(sources, events, window)
        self._taken = {name.lower() for view in self._views for _, name in view.names}
        self._added: set[str] = set()
        self._registered: set[str] = set()
        self._schemas = {MAIN}
        self._scans = 0

    def add_all(self, slices: int | None = None) -> None:
        """Make all views that there is something for."""
        if slices is None:
            slices = max(1, min(MOST_SLICES, ALL_SLICES // max(1, len(self._views))))
        for view in self._views:
            try:
                self._make(view, slices)
            except (KeyError, ValueError):  # not recorded; or of types that do not go together
                continue

    def add(self, name: str) -> bool:
        """Make the views of a name, whatever their schemas; whether there are new ones.

        Raises:
            UnknownEventError: there is none.
            MissingEventError, ValueError: there is none, for the reason that it tells.
        """
        wanted = name.rpartition(".")[2].lower()
        if wanted in self._added:
            return False
        self._added.add(wanted)
        found = [view for view in self._views if view.names[0][1].lower() == wanted]
        if not found:
            known = dict.fromkeys(each for view in self._views for _, each in view.names)
            raise UnknownEventError(unknown_name("view", name, known))
        for view in found:
            self._make(view, MOST_SLICES)
        return True

    def _make(self, view: View, slices: int) -> None:
        parts: list[_Part] = []
        failure: KeyError | None = None
        for label, readable in self._sources:
            try:
                made = view.make(readable)
            except KeyError as error:
                failure = failure or error
                continue
            parts += _parts(made, label, slices)
        if not parts and failure:
            raise failure
        names = [(schema, _clean(name)) for schema, name in view.names]
        if len(parts) == 1 and not parts[0].more and names[0][0] == MAIN:
            self._register(parts[0].dataset, names[0][1])
        else:
            self._create(names[0], self._together(parts))
        for other in names[1:]:
            self._create(other, f"SELECT * FROM {_path(names[0])}")

    def _create(self, name: tuple[str, str], text: str) -> None:
        if name[0] not in self._schemas:
            self._schemas.add(name[0])
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(name[0])}")
        self.connection.execute(f"CREATE VIEW IF NOT EXISTS {_path(name)} AS {text}")

    def _together(self, parts: Sequence[_Part]) -> str:
        """A query for all parts, in their order."""
        word = " UNION ALL " if len(self._sources) == 1 else " UNION ALL BY NAME "
        return word.join(
            f"SELECT *{part.more} FROM {_quoted(self._register(part.dataset))}{part.where}"
            for part in parts
        )

    def _register(self, dataset: Any, name: str | None = None) -> str:
        """Give a data set a name: that of a view, or one that no view has."""
        while name is None:
            self._scans += 1
            scan = f"_scan_{self._scans}"
            name = None if scan in self._taken else scan
        if name.lower() not in self._registered:  # of names that differ in case the first counts
            self._registered.add(name.lower())
            self.connection.register(name, dataset)
        return name


class _Part(NamedTuple):
    """What one file or session has for a view, or a window of time of that.

    Attributes:
        dataset: where its rows come from.
        more: what it has besides its columns, in SQL.
        where: which of its rows it is about, in SQL.
    """

    dataset: Any
    more: str
    where: str = ""


def _parts(made: Question | Facts, label: str | None, slices: int) -> list[_Part]:
    """What gives the rows of one file or session, one after the other."""
    more = "" if label is None else f", {_text(label)} AS file"
    if isinstance(made, Facts):
        return [_Part(make_dataset(made.schema, lambda *_: made.table()), more)]
    windows = cut_question(made, slices) if isinstance(made, EventQuestion) else []
    if not isinstance(made, EventQuestion) or len(windows) < 2:
        return [_Part(make_dataset(made.whole, made.read), more)]
    parts = []
    for place, (start, end) in enumerate(windows):
        read = made.between(start if place else 0, end).read
        bounds = [f"ts >= make_timestamp_ns({start})"] if place else []
        bounds += [] if end is None else [f"ts < make_timestamp_ns({end})"]
        parts.append(_Part(make_dataset(made.whole, read), more, f" WHERE {' AND '.join(bounds)}"))
    return parts


def _clean(name: str) -> str:
    return valid_utf8(name).replace("\0", "")


def _path(name: tuple[str, str]) -> str:
    return ".".join(map(_quoted, name))


def _quoted(name: str) -> str:
    return '"' + _clean(name).replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + _clean(value).replace("'", "''") + "'"
