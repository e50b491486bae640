"""Recordings as lazy frames of Polars and as tables in SQL, by their paths or opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _arguments
from ._readable import Readable
from ._reading import Names, Time
from .lazy import AnswerQuestion, EventQuestion, make_frame, query
from .lazy.questions import Question
from .opening import FileName
from .opening import open as open_trace
from .packages import package
from .session import Session, open_session
from .trace import Trace

if TYPE_CHECKING:
    import duckdb
    import polars

__all__ = ["Opened", "Source", "open_sources", "scan", "scan_answer", "sql"]

Source = FileName | Readable | Iterable[FileName | Readable]
"""A file, a folder with the files of a session, an open Trace or Session, or several of these."""


def scan(source: Source, events: Names = None, **options: Any) -> polars.LazyFrame:
    """Records as a lazy frame of Polars (``pip install 'tracecmd[polars]'``).

    Columns and their types are those of :meth:`Trace.table`; they are known without decoding a
    record. What a query does not need is not read: columns, pages outside of the times that ``ts``
    is compared with, CPUs, tasks (``common_pid``), buffers, a session's peers, and records whose
    integers or texts a comparison with constants rules out. All other conditions are for Polars.
    Batches come as they are read; ``head()`` ends that.

        >>> import polars
        >>> path = "tests/data/sessions/kvm-small/trace.dat"
        >>> frame = tracecmd.scan(path, "sched_switch")
        >>> frame.filter(polars.col("cpu") == 0).select(polars.len()).collect().item()
        7961

    Args:
        source: a file; a folder, or a :class:`~tracecmd.Session`, which has a column ``peer``
            besides; an open :class:`~tracecmd.Trace`; or several of them, whose rows come one
            after the other, with a column ``file`` (``file_1``, where a field is called so) that
            says of which each is. Files that are given by name stay open as long as the frame is
            there, others have to.
        events: names of events, also with wildcards (``"sched:sched_w*"``); None for all. Of
            several files one at least has to know each.
        options: as for :meth:`Trace.table` and :meth:`Session.table`: ``columns``, ``where``,
            ``start``, ``end``, ``threads`` and so on. ``batch_rows`` is for Polars to say.

    Raises:
        MissingPackageError: (an ImportError) polars is not installed.
        KeyError, TypeError, ValueError, TraceError: as :meth:`Trace.table`. What goes wrong while
            the frame is collected comes as it is from Polars 2, from older ones in a
            ``polars.exceptions.ComputeError`` with its text.
    """

    def ask(readable: Readable) -> Question:
        also = ["peer"] if isinstance(readable, Session) else []
        return EventQuestion(readable, events, also=also, **options)

    return _frame(source, ask)


def scan_answer(source: Source, answer: str, *arguments: Any, **options: Any) -> polars.LazyFrame:
    """Rows of an answer as a lazy frame of Polars (``pip install 'tracecmd[polars]'``).

    Conditions of ``cpu`` and ``pid`` become ``cpus=`` and ``pids=`` of the answer. Its window is
    what ``start=`` and ``end=`` say: a condition of times is for the rows that it has then.

        >>> import polars
        >>> tasks = tracecmd.scan_answer("tests/data/sessions/kvm-small/trace.dat", "tasks")
        >>> tasks.filter(polars.col("pid") == 187).collect()["slices"].item()
        1499

    Args:
        source: as for :func:`scan`.
        answer: ``"tasks"``, ``"states"``, ``"latency"``, ``"nr_running"`` (of
            :attr:`Trace.sched`), ``"irqs"``, ``"softirqs"``, ``"syscalls"``, ``"markers"``,
            ``"functions"``, ``"losses"``, ``"spans"`` or ``"residency"``.
        arguments, options: as for the method of that name.

    Raises:
        MissingPackageError: (an ImportError) polars is not installed.
        MissingEventError: (a KeyError) no file has the events.
        ValueError: there is no such answer; near names are suggested.
        KeyError, TypeError, ValueError, TraceError: as that method.
    """
    return _frame(source, lambda readable: AnswerQuestion(readable, answer, *arguments, **options))


def sql(
    text: str,
    source: Source,
    *,
    parameters: Sequence[Any] | dict[str, Any] | None = None,
    start: Time = None,
    end: Time = None,
) -> duckdb.DuckDBPyRelation:
    """Ask in SQL (``pip install 'tracecmd[duckdb]'``).

    Views are those of :meth:`Trace.duckdb`; they are made as the text names them. Of several
    sources each view has the rows of all, with a column ``file`` (``file_1``, where a field is
    called so).

        >>> text = "SELECT next_comm FROM sched_switch WHERE next_pid = ? LIMIT 1"
        >>> recording = "tests/data/sessions/kvm-small/trace.dat"
        >>> tracecmd.sql(text, recording, parameters=[187]).fetchall()
        [('CPU 0/KVM',)]

    Args:
        text: one query, or several statements, of which the last one's result is given.
        source: as for :func:`scan`.
        parameters: values for ``?`` or ``$name`` in it.
        start, end: times in ns, the window that all views are of; None for no bound.

    Returns:
        A relation of DuckDB, which reads when asked for its rows: by ``fetchall()``, ``pl()`` for
        Polars, ``df()`` for pandas, as Arrow data (``pyarrow.table(relation)``), or one of its
        other methods. None, if the text asks for nothing.

    Raises:
        MissingPackageError: (an ImportError) duckdb or pyarrow is not installed.
        UnknownEventError: (a KeyError) there is no view of a name; near names are suggested.
        MissingEventError: (a KeyError) events that an answer needs were not recorded.
        TypeError, ValueError, TraceError: an argument cannot be what it is, a file not be opened.
        duckdb.Error: DuckDB finds something wrong with it. So is what goes wrong while it reads.
    """
    package("duckdb", "duckdb")
    if not isinstance(text, str):
        raise TypeError(f"text={text!r}; it is a query in SQL")
    first, last = _arguments.window(start, end)
    relation: duckdb.DuckDBPyRelation = query(
        open_sources(source), text, parameters, (first or None, last)
    )
    return relation


def _frame(source: Source, ask: Callable[[Readable], Question]) -> polars.LazyFrame:
    """The rows of all that is named, one after the other."""
    pl = package("polars", "polars")
    frames = []
    failure: KeyError | None = None
    for file, readable in open_sources(source):
        try:
            question = ask(readable)
        except KeyError as error:  # of several files one has to know it
            failure = failure or error
            continue
        frames.append(make_frame(question, file))
    if failure and not frames:
        raise failure
    frame: polars.LazyFrame = (
        frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
    )
    return frame


class Opened(NamedTuple):
    """A file or session.

    Attributes:
        file: what a column ``file`` calls it; None: there is no such column.
        readable: itself, open.
    """

    file: str | None
    readable: Readable


def open_sources(source: Source) -> list[Opened]:
    """Open all that is named.

    Raises:
        TypeError: it is none of these.
        ValueError: there is nothing.
        TraceError: one of them cannot be opened.
    """
    if isinstance(source, Readable | str | bytes | os.PathLike | int):
        return [Opened(None, _open(source)[1])]
    if not isinstance(source, Iterable):
        raise TypeError(f"source={source!r}; it is a path, a Trace, a Session, or several of them")
    opened = [Opened(*_open(each)) for each in source]
    if not opened:
        raise ValueError("source: there is nothing in it")
    return opened


def _open(source: Any) -> tuple[str, Readable]:
    if isinstance(source, Trace):
        return source.path, source
    if isinstance(source, Session):
        return "+".join(peer.trace.path for peer in source.peers), source
    if not isinstance(source, str | bytes | os.PathLike | int):
        raise TypeError(f"source={source!r}; it is a path, a Trace or a Session")
    if not isinstance(source, int) and os.path.isdir(source):
        return os.fsdecode(source), open_session(source)
    opened = open_trace(source)
    return opened.path, opened
