"""Recordings as a database of DuckDB, whose views read what a query asks of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from .._texts import unknown_name, valid_utf8
from ..events import UnknownEventError
from ..packages import package
from .dataset import make_dataset
from .plan import EVER, Bounds, scan_bounds
from .questions import EventQuestion, Question
from .slices import LARGE, cut_question
from .views import MAIN, Facts, Labelled, View, Window, find_views

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect", "query"]

MOST_SLICES = 64  # of a view: each is planned, which takes a millisecond
ALL_SLICES = 1024  # of all views together
SLICE_ROWS = 8192  # in a batch: LIMIT takes one of each slice
_CONNECTIONS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""Of relations, which DuckDB 1 does not keep their connections open for."""

_NAMES_ALL = re.compile(
    r"\b(show(_\w+)?|information_schema|duckdb_\w+|pg_\w+|sqlite_\w+)\b", re.IGNORECASE
)
_VOLATILE = re.compile(r"\b(now|today|current_\w+|get_current_\w+|transaction_\w+|random)\b", re.I)
_UNKNOWN = re.compile(r"Table with name (.+?) does not exist")


def connect(
    sources: Sequence[Labelled], events: Sequence[str] | None = None, window: Window = (None, None)
) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory with all views, or those of some events."""
    made = _Database(sources, events, window)
    made.spread_slices()
    made.add_all()
    connection: duckdb.DuckDBPyConnection = made.connection
    return connection


def query(
    sources: Sequence[Labelled],
    text: str,
    parameters: Any = None,
    window: Window = (None, None),
    connected: Callable[[Any], None] | None = None,
) -> Any:
    """What a text in SQL asks for, as a relation of DuckDB; views are made as it names them.

    Args:
        sources: the files and sessions.
        text: what is asked.
        parameters: values for it.
        window: what all views are of.
        connected: called with the connection first, which another thread can interrupt.

    Raises:
        UnknownEventError: (a KeyError) it names something that is no view; near names are told.
        MissingEventError: (a KeyError) it names an answer whose events were not recorded.
        duckdb.Error: DuckDB cannot do what it says.
    """
    made = _Database(sources, None, window)
    if connected is not None:
        connected(made.connection)
    made.hide_variables()
    relation = _relation(made, text, parameters, window)
    if relation is not None:
        _CONNECTIONS[relation] = made.connection
    return relation


def _relation(made: _Database, text: str, parameters: Any, window: Window) -> Any:
    if not made.is_question(text):
        made.begin_again(window, MOST_SLICES)
        return made.query(text, parameters)
    bounds = made.bounds_of(text, parameters)
    if all(each == EVER for each in bounds):
        return made.query(text, parameters)
    first, end = min(first for first, _ in bounds), max(end for _, end in bounds)
    if (first, end) == EVER or (first == EVER[0] and not made.is_early):
        made.begin_again(window, MOST_SLICES)
    else:
        made.begin_again(
            (max(first, window[0] or 0), end if window[1] is None else min(end, window[1])), 1
        )
    return made.query(text, parameters)


class _Database:
    """A connection, and the views that it has so far."""

    def __init__(
        self, sources: Sequence[Labelled], events: Sequence[str] | None, window: Window
    ) -> None:
        package("pyarrow.dataset", "duckdb")
        self.connection = package("duckdb", "duckdb").connect(":memory:")
        self.is_large = False  # whether some view is of so much that it is worth cutting
        self.is_early = True  # whether no view has times that columns show as negative ones
        self._sources = sources
        self._events = events
        self._registered: set[str] = set()
        self.begin_again(window, 1)

    def hide_variables(self) -> None:
        """Let no name mean a variable of Python: those are ours."""
        self.connection.execute("SET python_enable_replacements = false")

    def begin_again(self, window: Window, slices: int) -> None:
        """Forget all views: new ones are of a window of time, and cut into so many slices."""
        for name in self._registered:
            self.connection.unregister(name)
        self._views = find_views(self._sources, self._events, window)
        self._taken = {name.lower() for view in self._views for _, name in view.names}
        self._slices = slices
        self._scans = 0
        self._added: set[str] = set()
        self._registered = set()
        self._created: set[str] = set()
        self._schemas = {MAIN}

    def spread_slices(self) -> None:
        """Cut views into as many slices as all of them may have together."""
        self._slices = max(1, min(MOST_SLICES, ALL_SLICES // max(1, len(self._views))))

    def query(self, text: str, parameters: Any) -> Any:
        """The relation that a text asks for; views are made as it names them."""
        return self._with_views(text, lambda: self.connection.sql(text, params=parameters))

    def _with_views(self, text: str, run: Callable[[], Any]) -> Any:
        """Do something that a text names the views for."""
        catalog_error = package("duckdb", "duckdb").CatalogException
        if _NAMES_ALL.search(text):
            self.add_all()
        self._add_events(set(re.findall(r"\w+", text.lower())))
        while True:
            try:
                return run()
            except catalog_error as error:
                named = _UNKNOWN.search(str(error))
                if named is None or not self.add(named[1].strip('"')):
                    raise

    def is_question(self, text: str) -> bool:
        """Whether a text is one query, and does nothing else."""
        statements = self.connection.extract_statements(text)
        return len(statements) == 1 and statements[0].type.name == "SELECT"

    def bounds_of(self, text: str, parameters: Any) -> list[Bounds]:
        """The times that each scan of a query is about; nothing if that is not worth knowing."""
        explain = f"EXPLAIN (FORMAT json) {text}"
        self._add_events(set(re.findall(r"\w+", text.lower())))
        if not self.is_large or _VOLATILE.search(text):
            return []
        try:
            explained = self._with_views(text, lambda: self.connection.execute(explain, parameters))
            plan = explained.fetchall()[0][1]
        except package("duckdb", "duckdb").Error:
            return []  # the query will say it
        try:
            return scan_bounds(plan)
        except (ValueError, LookupError, TypeError, AttributeError):
            return []  # plans of this version look different

    def add_all(self) -> None:
        """Make all views that there is something for."""
        for view in self._views:
            try:
                self._make(view)
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
            self._make(view)
        return True

    def _add_events(self, words: set[str]) -> None:
        """Make the views of events by these words: it saves DuckDB from asking for each."""
        for word in sorted({view.names[0][1].lower() for view in self._views if view.is_event}):
            if word in words:
                self.add(word)

    def _make(self, view: View) -> None:
        found: list[tuple[Question | Facts, str | None]] = []
        failure: KeyError | None = None
        for label, readable in self._sources:
            try:
                made = view.make(readable)
            except KeyError as error:
                failure = failure or error
                continue
            if isinstance(made, EventQuestion) and made.stored >= LARGE:
                self.is_large = True
                self.is_early &= made.is_early()
            found.append((made, label))
        if not found and failure:
            raise failure
        column = _free_name("file", [name for made, _ in found for name in _columns(made)])
        parts = [
            part
            for made, label in found
            for part in _parts(
                made, f", {_text(label)} AS {column}" if label is not None else "", self._slices
            )
        ]
        names = [(schema, _clean(name)) for schema, name in view.names]
        if len(parts) == 1 and not parts[0].more and names[0][0] == MAIN:
            self._register(parts[0].dataset, names[0][1])
        else:
            self._create(names[0], self._together(parts))
        for other in names[1:]:
            self._create(other, f"SELECT * FROM {_path(names[0])}")

    def _create(self, name: tuple[str, str], text: str) -> None:
        path = _path(name)
        if path.lower() in self._created:  # of names that differ in case the first counts
            return
        self._created.add(path.lower())
        if name[0] not in self._schemas:
            self._schemas.add(name[0])
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(name[0])}")
        self.connection.execute(f"CREATE OR REPLACE VIEW {path} AS {text}")

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
        if name.lower() not in self._registered:
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


def _columns(made: Question | Facts) -> Sequence[str]:
    names: Sequence[str] = made.schema.names if isinstance(made, Facts) else made.names
    return names


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, or with a number where a field is called so; SQL does not know cases."""
    names = {each.lower() for each in taken}
    others = (f"{name}_{number}" for number in itertools.count(1))
    return next(each for each in itertools.chain([name], others) if each not in names)


def _parts(made: Question | Facts, more: str, slices: int) -> list[_Part]:
    """What gives the rows of one file or session, one after the other."""
    if isinstance(made, Facts):
        return [_Part(make_dataset(made.schema, lambda *_: made.stream()), more)]
    windows = cut_question(made, slices) if isinstance(made, EventQuestion) else []
    if not isinstance(made, EventQuestion) or len(windows) < 2:
        return [_Part(make_dataset(made.whole, made.read), more)]
    parts = []
    for place, (start, end) in enumerate(windows):
        read = partial(made.between(start if place else 0, end).read, batch_rows=SLICE_ROWS)
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
