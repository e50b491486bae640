"""Recordings in SQL: which views there are, what they read, and that it is what tables have."""

from __future__ import annotations

import datetime
import functools
import gc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracecmd
from tracecmd._reading import ReadOptions, Selection
from tracecmd.columns import Layout, Rows
from tracecmd.lazy import database, slices

from ..conftest import Trace, Write
from ..writer import SCHED_SWITCH, TICK, Buffer, Event, EventFormat, Field, Page

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
HOST = SESSION / "trace.dat"
MIDDLE = 207_000_000_000
Reads = list[tuple[Selection, Layout, ReadOptions]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """What tables were made of."""
    made: Reads = []
    original = tracecmd.Trace._table

    def table(self: tracecmd.Trace, *asked: Any) -> Rows:
        made.append(asked)
        return original(self, *asked)

    monkeypatch.setattr(tracecmd.Trace, "_table", table)
    return made


def rows(text: str, source: Any, **options: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = tracecmd.sql(text, source, **options).fetchall()
    return found


@pytest.mark.parametrize("name", ["k72-instances.dat", "s390x-tc331-v6.dat"])
def test_a_view_for_each_event(name: str) -> None:
    with tracecmd.open(DATA / name) as trace:
        counted = {k: n for k, n in trace.stat().events.items() if k in trace.events}
        views = [(event, '"{}"."{}"'.format(*event.split(":"))) for event in counted]
        text = " UNION ALL ".join(
            f"SELECT '{event}', count(*) FROM {view}" for event, view in views
        )
        assert dict(rows(text, trace)) == counted
        text = "SELECT system || ':' || event, count(*) FROM records GROUP BY ALL"
        assert dict(rows(text, trace)) == counted
        arrow = trace.table("sched_switch").without_dictionaries().to_arrow()
        switches = "SELECT * FROM sched_switch"
        if len(trace.buffers) > 1:
            by_buffer = "SELECT buffer, count(*) FROM sched_switch GROUP BY ALL"
            expected = Counter(event.buffer for event in trace.iter("sched_switch"))
            assert dict(rows(by_buffer, trace)) == expected
            switches = "SELECT * EXCLUDE buffer FROM sched_switch"
        given = pytest.importorskip("pyarrow").table(tracecmd.sql(switches, trace))
        assert given.to_pydict() == arrow.to_pydict()
        assert given.schema.names == arrow.schema.names


def test_answers_are_views() -> None:
    with tracecmd.open(HOST) as trace:
        connection = trace.duckdb(events="irq:*")
        for name in ("tasks", "states", "latency"):
            count = sum(map(len, getattr(trace.sched, name)().batches()))
            assert connection.sql(f"SELECT count(*) FROM {name}").fetchall() == [(count,)]
        for name in ("irqs", "softirqs", "losses"):
            count = sum(map(len, getattr(trace, name)().batches()))
            assert connection.sql(f"SELECT count(*) FROM tracecmd.{name}").fetchall() == [(count,)]
        (name, compressed), *others = rows("SELECT name, compressed FROM buffers", trace)
        assert (name, compressed, others) == ("", True, [])
        with pytest.raises(tracecmd.MissingEventError, match="sched_wakeup_new was not recorded"):
            tracecmd.sql("FROM nr_running", trace)
        with pytest.raises(duckdb.CatalogException):
            connection.sql("FROM nr_running")
        with pytest.raises(duckdb.CatalogException):
            connection.sql("FROM sched_switch")


def test_problems_are_a_view(write: Write) -> None:
    path = write(Trace(buffers=[Buffer(cpus={0: [Page(10, [Event(0, TICK.values())])]})]))
    path.write_bytes(path.read_bytes().replace(b"field:", b"flied:", 1))
    with tracecmd.open(path) as trace:
        problems = rows("SELECT kind, text FROM problems", trace)
        assert problems == [(type(each).__name__, str(each)) for each in trace.problems]
        assert problems


def test_only_what_is_needed_is_read(reads: Reads) -> None:
    text = "SELECT max(next_pid) FROM sched_switch WHERE cpu = 1 AND next_comm = 'sort'"
    with tracecmd.open(HOST) as trace:
        tracecmd.sql(text, trace).fetchall()
        assert {selection.events for selection, _, _ in reads} == {("sched:sched_switch",)}
        selection, layout, _ = reads[-1]
        assert (selection.cpus, str(selection.where)) == ({1}, '(next_comm == "sort")')
        assert set(layout.columns or ()) == {"cpu", "next_pid", "next_comm"}
        reads.clear()
        tracecmd.sql("SELECT ts FROM sched_switch WHERE cpu IN (0, 5) LIMIT 1", trace).fetchall()
        assert (reads[-1][0].cpus, reads[-1][1].columns) == ({0}, ("ts", "cpu"))


# Times --------------------------------------------------------------------------------------------


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take small recordings for large ones."""
    monkeypatch.setattr(slices, "SLICE_BYTES", 1 << 15)
    monkeypatch.setattr(database, "LARGE", 1)


def windows(reads: Reads) -> list[tuple[int, int | None]]:
    return [(s.start, s.end) for s, layout, _ in reads if layout.columns is not None]


@functools.cache
def whole_tables() -> Any:
    """A database that has all rows of two events."""
    connection = duckdb.connect()
    with tracecmd.open(HOST) as trace:
        for event in ("sched_switch", "sched_waking"):
            connection.register(event, trace.table(event).without_dictionaries().to_arrow())
    return connection


@pytest.mark.parametrize(
    ("where", "first", "end"),
    [
        ("ts >= make_timestamp_ns(204999000001) AND ts < '1970-01-01 00:03:26.5'",
         204999000001, 206_500_000_000),
        ("ts BETWEEN make_timestamp_ns(205000000000) AND make_timestamp_ns(206000000000)",
         205_000_000_000, 206_000_000_001),
        ("(ts > '1970-01-01 00:03:26' AND next_comm LIKE '%x AND y%') AND cpu = 1",
         206_000_000_001, None),
        ("ts <= $t AND next_pid > 3", 0, 207_000_000_001),
        ("ts = make_timestamp_ns(204918982669)", 204918982669, 204918982670),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("large")
def test_bounds_of_a_query(where: str, first: int, end: int | None, reads: Reads) -> None:
    with tracecmd.open(HOST) as trace:
        text = f"SELECT count(*) FROM sched_switch WHERE {where}"
        values = {"t": datetime.datetime(1970, 1, 1, 0, 3, 27)} if "$t" in where else None
        given = rows(text, trace, parameters=values)
        assert windows(reads) == [(first, end)]
        assert given == whole_tables().execute(text, values).fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM sched_switch a JOIN sched_switch b USING (ts) WHERE a.ts < {t}",
        "SELECT count(*) FROM (SELECT ts, cpu FROM sched_switch UNION ALL "
        "SELECT ts, cpu FROM sched_waking) WHERE ts < {t} AND cpu = 1",
        "WITH a AS (SELECT * FROM sched_switch WHERE ts >= {t}) "
        "SELECT (SELECT count(*) FROM sched_switch), count(*) FROM a",
        "SELECT count(*) FROM (SELECT ts + INTERVAL 1 SECOND AS ts FROM sched_switch) "
        "WHERE ts < {t}",
        "SELECT count(*) FROM sched_switch WHERE ts < {t} OR cpu = 1",
        "SELECT count(*) FROM sched_switch WHERE NOT (ts < {t})",
        "SELECT count(*) FROM sched_switch WHERE cpu BETWEEN 0 AND (ts < {t})::INT",
        "SELECT count(*) FROM sched_switch a LEFT JOIN sched_waking b "
        "ON a.next_pid = b.pid AND b.ts < {t} AND a.ts > b.ts",
        "SELECT ts, next_pid FROM sched_switch ORDER BY ts DESC LIMIT 3",
        "SELECT ts, next_pid FROM sched_switch LIMIT 3",
        "SELECT count(*) FROM sched_switch WHERE ts < {t} AND ts < now()::TIMESTAMP",
        "SELECT count(*) FROM sched_switch WHERE ts > {t} AND ts < {t}",
        "SELECT count(*) FROM sched_switch WHERE ts >= (SELECT max(ts) FROM sched_waking)",
    ],
)
@pytest.mark.usefixtures("large")
def test_times_in_whatever_place(text: str) -> None:
    """What DuckDB gives for the same query of tables that it has whole."""
    query = text.format(t=f"make_timestamp_ns({MIDDLE})")
    expected = whole_tables().sql(query).fetchall()
    with tracecmd.open(HOST) as trace:
        assert rows(query, trace) == expected
        assert trace.duckdb(events="sched:*").sql(query).fetchall() == expected


@pytest.mark.usefixtures("large")
def test_slices_of_a_connection(reads: Reads) -> None:
    """Of views that are many slices those are read alone that a query is about."""
    with tracecmd.open(HOST) as trace:
        connection = trace.duckdb(events="sched:*")
        reads.clear()
        text = "SELECT count(*) FROM sched_switch"
        assert connection.sql(text).fetchall() == [(14760,)]
        cuts = sorted(windows(reads), key=lambda each: each[0])
        assert len(cuts) > 5
        assert [end for _, end in cuts[:-1]] == [start for start, _ in cuts[1:]]
        reads.clear()
        connection.sql(f"{text} WHERE ts < make_timestamp_ns({cuts[2][0]})").fetchall()
        read = [(start, end) for start, end in sorted(windows(reads)) if start != end]
        assert read == cuts[:2]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.usefixtures("large")
def test_sql_is_eager_then_filtered(data: st.DataObject) -> None:
    with tracecmd.open(DATA / "i386-lost.dat") as trace:
        table = trace.table("sched_switch", ts="uint64").without_dictionaries().to_arrow()
        everything = table.to_pylist()
        terms = []
        kept = everything
        for _ in range(data.draw(st.integers(1, 3))):
            column = data.draw(st.sampled_from(["ts", "cpu", "next_pid", "next_comm"]))
            value = data.draw(st.sampled_from(sorted({row[column] for row in everything})))
            how = data.draw(st.sampled_from(["=", "<>", "<", ">=", ">"]))
            compare = {"=": "__eq__", "<>": "__ne__", "<": "__lt__", ">=": "__ge__", ">": "__gt__"}
            kept = [row for row in kept if getattr(row[column], compare[how])(value)]
            shown = f"make_timestamp_ns({value})" if column == "ts" else repr(value)
            terms.append(f"{column} {how} {shown}")
        text = f"SELECT epoch_ns(ts), next_pid FROM sched_switch WHERE {' AND '.join(terms)}"
        assert rows(text, trace) == [(row["ts"], row["next_pid"]) for row in kept]


@pytest.mark.usefixtures("large")
def test_times_that_are_negative_ones(write: Write) -> None:
    """Those of 2**63 ns and later."""
    pages = {
        cpu: [Page(first + 1000 * n, [Event(0, TICK.values(n=n))] * 90) for n in range(40)]
        for cpu, first in enumerate([5, (1 << 63) + 1000])
    }
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus=pages)]))) as trace:
        for source in (trace.duckdb().sql, lambda text: tracecmd.sql(text, trace)):
            assert source("SELECT count(*) FROM tick").fetchall() == [(7200,)]
            text = "SELECT count(*) FROM tick WHERE ts < make_timestamp_ns(1006)"
            assert source(text).fetchall() == [(3600 + 180,)]
            text = "SELECT count(*) FROM tick WHERE ts >= make_timestamp_ns(1005)"
            assert source(text).fetchall() == [(3600 - 90,)]


# Names --------------------------------------------------------------------------------------------


def event(system: str, name: str, number: int) -> EventFormat:
    return EventFormat(system, name, number, (Field("int n", 4, signed=True),), '"%d", REC->n')


def test_names_that_are_not_plain(write: Write) -> None:
    forms = [
        event("one", "same", 900),
        event("two", "same", 901),
        event("two", "Other", 902),
        event("three", "tasks", 903),
        event("main", "lone", 904),
        event("odd", "_scan_1", 905),
        event("odd", "select", 906),
        event("", "bare", 907),
        event("memory", "hot", 908),
    ]
    records = [Event(10, form.values(n=form.id)) for form in forms]
    path = write(
        Trace(events=[*forms, SCHED_SWITCH], buffers=[Buffer(cpus={0: [Page(9, records)]})])
    )
    with tracecmd.open(path) as trace:
        connection = trace.duckdb()
        for ask in (lambda text: rows(text, trace), lambda text: connection.sql(text).fetchall()):
            assert ask("SELECT n FROM one.same") == [(900,)]
            assert ask("SELECT n FROM two.same") == [(901,)]
            assert ask("SELECT n FROM OTHER") == [(902,)]
            assert ask("SELECT n FROM tasks") == [(903,)]
            assert ask("SELECT count(*) FROM tracecmd.tasks") == [(0,)]
            assert ask("SELECT n FROM lone") == [(904,)]
            assert ask("SELECT n FROM _scan_1") == [(905,)]
            assert ask('SELECT n FROM "select"') == [(906,)]
            assert ask("SELECT n FROM bare") == [(907,)]
            assert ask("SELECT n FROM hot") == [(908,)]
            with pytest.raises((duckdb.CatalogException, tracecmd.UnknownEventError)):
                ask("SELECT n FROM same")
        both = tracecmd.sql("SELECT n, file FROM two.same ORDER BY ALL", [path, trace])
        assert both.fetchall() == [(901, str(path))] * 2


def test_a_field_that_is_called_file(write: Write) -> None:
    """No view of several files could be listed where one event had it."""
    form = EventFormat("sys", "opens", 900, (Field("u32 File", 4),), '"%u", REC->File')
    page = Page(7, [Event(0, form.values(File=5))])
    path = write(Trace(events=[form], buffers=[Buffer(cpus={0: [page]})]))
    found = rows("SELECT file, file_1 FROM opens WHERE file = 5", [path, path])
    assert found == [(5, str(path))] * 2
    assert ("opens",) in rows("SHOW TABLES", [path, path])


def test_lists_of_all_views() -> None:
    with tracecmd.open(HOST) as trace:
        for text in ("PRAGMA show_tables", "SELECT name FROM sqlite_master", "SHOW TABLES"):
            assert {("irqs",), ("sched_switch",)} <= set(rows(text, trace)), text


@pytest.mark.parametrize("size", [1, 1 << 40], ids=["large", "small"])
def test_unknown_names(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LARGE", size)
    with tracecmd.open(HOST) as trace:
        with pytest.raises(tracecmd.UnknownEventError, match="'sched_swich'; did you mean 'sched_"):
            tracecmd.sql("FROM sched_swich", trace)
        with pytest.raises(tracecmd.UnknownEventError, match="'nix'"):
            trace.duckdb(events="nix")
        with pytest.raises(tracecmd.UnknownEventError, match="'nix'"):
            tracecmd.sql("SELECT 1 FROM sched_switch JOIN nix USING (ts)", trace)
        with pytest.raises(tracecmd.MissingEventError, match="sched_wakeup_new"):
            tracecmd.sql("SELECT 1 FROM sched_switch JOIN nr_running USING (cpu)", trace)
        with pytest.raises(duckdb.BinderException, match="next_pid"):
            tracecmd.sql("SELECT next_pi FROM sched_switch", trace)
        with pytest.raises(duckdb.ParserException):
            tracecmd.sql("SELEC 1", trace)
        with pytest.raises(TypeError, match="text=None"):
            tracecmd.sql(None, trace)  # type: ignore[arg-type]
        here = "a variable that is no view"
        with pytest.raises(tracecmd.UnknownEventError, match="here"):
            tracecmd.sql("FROM here", trace)
        del here


# What it is asked of ------------------------------------------------------------------------------


def test_several_files_and_sessions() -> None:
    guest = SESSION / "trace-Guest1.dat"
    text = "SELECT file, count(*) FROM sched_switch GROUP BY ALL ORDER BY ALL"
    assert rows(text, [HOST, guest]) == [(str(guest), 50), (str(HOST), 14760)]
    assert rows(f"SELECT count(*) FROM sched_switch WHERE file = '{guest}'", [HOST, guest]) == [
        (50,)
    ]
    assert rows("SELECT DISTINCT file FROM kvm_exit", [HOST, guest]) == [(str(HOST),)]
    text = "SELECT peer, count(*) FROM sched_switch GROUP BY ALL ORDER BY ALL"
    expected = [("Guest1", 50), ("Guest2", 93), ("host", 14760)]
    assert rows(text, SESSION) == expected
    with tracecmd.open_session(SESSION) as session:
        assert session.duckdb(events="sched:*").sql(text).fetchall() == expected
        states = Counter((row.guest, row.state) for row in session.timeline())
        timeline = rows("SELECT guest, state, count(*) FROM timeline GROUP BY ALL", session)
        assert {(guest, state): count for guest, state, count in timeline} == states
        assert rows("SELECT DISTINCT peer FROM tasks ORDER BY 1", session) == [
            ("Guest1",), ("Guest2",), ("host",)]  # fmt: skip


def test_a_window_of_all_views() -> None:
    window = {"start": 205_000_000_000, "end": 206_000_000_000}
    with tracecmd.open(HOST) as trace:
        count = sum(map(len, trace.table("sched_switch", **window).batches()))
        text = "SELECT count(*) FROM sched_switch"
        assert rows(text, trace, **window) == [(count,)]
        assert trace.duckdb(events="sched:*", **window).sql(text).fetchall() == [(count,)]
        running = trace.sched.tasks(**window).to_numpy()["running"].sum()
        assert rows("SELECT sum(running) FROM tasks", trace, **window) == [(running,)]


@pytest.mark.usefixtures("large")
def test_statements_are_run_once(tmp_path: Path) -> None:
    """Also where it takes two looks to find out what a query is about."""
    out = tmp_path / "rows"
    with tracecmd.open(HOST) as trace:
        text = "CREATE TABLE t (n INT); INSERT INTO t SELECT count(*) FROM sched_switch; FROM t"
        assert rows(text, trace) == [(14760,)]
        text = f"COPY (SELECT ts FROM sched_switch WHERE ts > '1970-01-01') TO '{out}' (FORMAT csv)"
        tracecmd.sql(text, trace)
    assert len(out.read_text().splitlines()) == 14761


def test_relations_outlive_their_connection() -> None:
    with tracecmd.open(HOST) as trace:
        relation = tracecmd.sql("SELECT ts FROM sched_switch", trace)
        gc.collect()
        assert len(relation.fetchall()) == 14760
    with pytest.raises(duckdb.Error, match="closed"):
        relation.filter("ts IS NOT NULL").fetchall()
    with pytest.raises(tracecmd.ClosedError):
        trace.duckdb()


def test_frames_of_the_caller_join(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    with tracecmd.open(HOST) as trace:
        connection = trace.duckdb(events="sched:*")
        mine = pandas.DataFrame({"next_pid": [187, 189], "vcpu": [0, 1]})
        text = "SELECT vcpu, count(*) FROM sched_switch JOIN mine USING (next_pid) GROUP BY ALL"
        assert sorted(connection.sql(text).fetchall()) == [(0, 1499), (1, 1466)]
        del mine


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(tracecmd.MissingPackageError, match=r"tracecmd\[duckdb\]"):
        tracecmd.sql("SELECT 1", HOST)
