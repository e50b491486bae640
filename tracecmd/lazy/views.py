"""What a database of a recording has views of, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import TraceError
from ..packages import package
from .names import READY
from .questions import AnswerQuestion, EventQuestion, Question

if TYPE_CHECKING:
    from .._readable import Readable

__all__ = ["MAIN", "Facts", "Labelled", "View", "Window", "find_views"]

MAIN = "main"  # DuckDB's schema for what is named without one
_TAKEN = {"", MAIN, "information_schema", "memory", "pg_catalog", "temp", "system"}
RECORDS = "records"

Labelled = tuple[str | None, "Readable"]
"""A file or session, and what a column ``file`` calls it; None: there is no such column."""


Window = tuple["int | None", "int | None"]
"""Times that records lie between, ``start <= ts < end``, in ns; None for no bound."""


class Facts(NamedTuple):
    """Rows that are all made when one is asked for.

    Attributes:
        schema: a pyarrow.Schema.
        stream: makes an Arrow stream of them.
    """

    schema: Any
    stream: Callable[[], Any]

    @classmethod
    def of(
        cls, fields: Sequence[tuple[str, Any]], rows: Callable[[], list[dict[str, Any]]]
    ) -> Facts:
        """A small table: its columns, and what makes its rows."""
        arrow = package("pyarrow", "duckdb")
        schema = arrow.schema(fields)
        return cls(schema, lambda: arrow.Table.from_pylist(rows(), schema=schema))


class View(NamedTuple):
    """A view: its names, and what makes what each file or session has for it.

    Attributes:
        names: schema and name, of which the first is the view and the others stand for it.
        make: gives the question, or facts, of one of them.
        is_event: whether it is of one event.

    Raises:
        KeyError: (make) it does not have that.
    """

    names: tuple[tuple[str, str], ...]
    make: Callable[[Readable], Question | Facts]
    is_event: bool = False


def find_views(
    sources: Sequence[Labelled], events: Sequence[str] | None, window: Window
) -> list[View]:
    """All views, those of events first; nothing is read for that but the events' formats.

    Args:
        sources: the files and sessions.
        events: the names of events that there are views of; None for all.
        window: what all views are of.

    Raises:
        UnknownEventError: (a KeyError) no file has one of these events.
    """
    known = _known_events(sources, events)
    many = Counter(name.lower() for _, name in known)
    views = [_event_view(system, name, many[name.lower()] == 1, window) for system, name in known]
    makers: dict[str, Callable[[Readable], Question | Facts]] = {
        RECORDS: lambda readable: _records(readable, window),
        "buffers": _buffers,
        "problems": _problems,
        **{name: _answer(name, window) for name in READY},
    }
    if any(hasattr(readable, "timeline") for _, readable in sources):
        makers["timeline"] = lambda readable: _timeline(readable, window)
    for name, make in makers.items():
        names = ((MAIN, name), ("tracecmd", name))
        views.append(View(names[1:] if many[name] else names, make))
    return views


def _known_events(
    sources: Sequence[Labelled], names: Sequence[str] | None
) -> list[tuple[str, str]]:
    """System and name of each event of some file that is asked for."""
    traces = [trace for _, readable in sources for trace in traces_of(readable)]
    if names is None:
        found = [form for trace in traces for form in trace.events.values()]
    else:
        found = []
        for name in names:
            fits = [trace for trace in traces if _knows(trace, name)] or traces[:1]
            found += [form for trace in fits for form in trace.events.select(name)]
    return list(dict.fromkeys((form.system, form.name) for form in found if form.name))


def _knows(trace: Any, name: str) -> bool:
    try:
        return bool(trace.events.select(name))
    except KeyError:
        return False


def traces_of(readable: Any) -> Iterator[Any]:
    """The files of a session, or the one that it is."""
    if hasattr(readable, "peers"):
        yield from (peer.trace for peer in readable.peers)
    else:
        yield readable


def _event_view(system: str, name: str, unique: bool, window: Window) -> View:
    def make(readable: Readable) -> Question:
        traces = list(traces_of(readable))
        several = any(len(trace.buffers) > 1 for trace in traces)
        also = (["peer"] if hasattr(readable, "peers") else []) + (["buffer"] if several else [])
        return EventQuestion(
            readable, f"{system}:{name}", also=also, start=window[0], end=window[1]
        )

    names = [] if system.lower() in _TAKEN else [(system, name)]
    if unique or not names:
        names.insert(0, (MAIN, name))
    return View(tuple(names), make, is_event=True)


def _records(readable: Readable, window: Window) -> Question:
    also = ["system", "buffer", *(["peer"] if hasattr(readable, "peers") else [])]
    return EventQuestion(readable, also=also, start=window[0], end=window[1])


def _answer(name: str, window: Window) -> Callable[[Readable], Question]:
    start, end = window
    return lambda readable: AnswerQuestion(readable, name, start=start, end=end)


def _timeline(readable: Any, window: Window) -> Facts:
    """What vCPUs did, of a session."""
    if not hasattr(readable, "timeline"):
        raise KeyError("timeline: it is of sessions")
    timeline = readable.timeline(start=window[0], end=window[1])
    stream = package("pyarrow", "duckdb").RecordBatchReader.from_stream(timeline)
    return Facts(stream.schema, lambda: timeline)


def _buffers(readable: Readable) -> Facts:
    pa = package("pyarrow", "duckdb")

    def rows() -> list[dict[str, Any]]:
        return [
            {"peer": trace.peer or None, "name": each.name, "clock": each.clock,
             "cpus": len(each.cpus), "page_size": each.page_size,
             "size": each.size, "compressed": each.compressed}
            for trace in traces_of(readable)
            for each in trace.buffers
        ]  # fmt: skip

    fields = [("peer", pa.string()), ("name", pa.string()), ("clock", pa.string()),
              ("cpus", pa.uint32()), ("page_size", pa.uint32()), ("size", pa.uint64()),
              ("compressed", pa.bool_())]  # fmt: skip
    return Facts.of(fields, rows)


def _problems(readable: Readable) -> Facts:
    pa = package("pyarrow", "duckdb")

    def rows() -> list[dict[str, Any]]:
        return [
            {"peer": trace.peer or None, "kind": type(problem).__name__,
             "offset": problem.offset if isinstance(problem, TraceError) else None,
             "text": str(problem)}
            for trace in traces_of(readable)
            for problem in trace.problems
        ]  # fmt: skip

    fields = [("peer", pa.string()), ("kind", pa.string()), ("offset", pa.uint64()),
              ("text", pa.string())]  # fmt: skip
    return Facts.of(fields, rows)
