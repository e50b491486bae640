"""Lazy frames: the same rows as those of a table, and no more read than a query needs."""

from __future__ import annotations

import functools
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracecmd
from tracecmd._reading import ReadOptions, Selection
from tracecmd.columns import Layout, Rows
from tracecmd.columns.scan import Scan
from tracecmd.lazy import ANSWERS

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, EventFormat, Page
from ..writer import Field as EventField

pl = pytest.importorskip("polars")
assertions = pytest.importorskip("polars.testing")

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
HOST = SESSION / "trace.dat"
NS = pl.Datetime("ns")
col = pl.col

# A few recordings, with losses, instances, of big-endian machines; and events of each.
RECORDINGS = {
    "i386-lost.dat": ["sched_switch", "sched:*", None],
    "k72-instances.dat": ["sched_switch", None],
    "s390x-tc331-v6.dat": ["sched_switch", ["sched_waking", "sched_wakeup"], "timer:*"],
    "k72-syscalls.dat": ["sys_enter_openat", "syscalls:*"],
    "k72-stack.dat": ["kernel_stack", "sched_waking"],
}
NEW = pytest.mark.skipif(
    int(pl.__version__.partition(".")[0]) < 2, reason="Polars 1 does not show what is in an is_in"
)
EXTRA = ["system", "buffer", "missed_events"]


@functools.cache
def opened(name: str) -> tracecmd.Trace:
    return tracecmd.open(DATA / name)


def both(trace: Any, events: Any, **options: Any) -> tuple[Any, Any]:
    """A lazy frame, and the eager one with the same."""
    return tracecmd.scan(trace, events, **options), pl.DataFrame(trace.table(events, **options))


@functools.cache
def frames(name: str, place: int) -> tuple[Any, Any]:
    trace, events = opened(name), RECORDINGS[name][place]
    names = [*trace.table(events).column_names]
    return both(trace, events, columns=names + [each for each in EXTRA if each not in names])


def literal(value: Any, dtype: Any) -> Any:
    return pl.lit(value, pl.Int64).cast(NS) if dtype == NS else value


@st.composite
def conditions(draw: st.DrawFn, frame: Any) -> Any:
    """A condition of one column, of values that are there or nearly so."""
    name = draw(st.sampled_from(frame.columns))
    dtype = frame.schema[name]
    column = col(name)
    kinds = ["null"]
    if dtype.is_integer() or dtype == NS:
        kinds += ["compare", "between", "member"]
    elif dtype in (pl.String, pl.Categorical):
        kinds += ["equal", "member", "begins"]
    kind = draw(st.sampled_from(kinds))
    if kind == "null":
        return draw(st.sampled_from([column.is_null(), column.is_not_null()]))
    values = frame[name].cast(pl.String) if dtype == pl.Categorical else frame[name].to_physical()
    known = values.drop_nulls().unique().sort().to_list() or [0 if dtype.is_integer() else ""]
    value = st.sampled_from(known)
    if dtype.is_integer() or dtype == NS:
        near = st.integers(-1, 1) if dtype.is_signed_integer() or dtype == NS else st.just(0)
        value = st.builds(lambda v, d: v + d, value, near).filter(lambda v: abs(v) < 1 << 31)
        value = value if dtype != NS else st.sampled_from(known)
    if kind == "begins":
        return column.cast(pl.String).str.starts_with(draw(value)[:2])
    if kind == "equal":
        return draw(st.sampled_from([column == draw(value), column != draw(value)]))
    if kind == "member":
        held = draw(st.lists(value, max_size=3))
        if dtype == NS:
            return column.is_in(pl.Series(held, dtype=pl.Int64).cast(NS).implode())
        return column.is_in(held or ["", "?"] if dtype in (pl.String, pl.Categorical) else held)
    if kind == "between":
        low, high = sorted((draw(value), draw(value)))
        closed = draw(st.sampled_from(["both", "left", "right", "none"]))
        return column.is_between(literal(low, dtype), literal(high, dtype), closed)
    how = draw(st.sampled_from(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"]))
    return getattr(column, how)(literal(draw(value), dtype))


@st.composite
def queries(draw: st.DrawFn) -> tuple[Any, Any]:
    """The same query of a lazy frame and of the eager one."""
    name = draw(st.sampled_from(sorted(RECORDINGS)))
    place = draw(st.integers(0, len(RECORDINGS[name]) - 1))
    lazy, eager = frames(name, place)
    whole = eager
    if draw(st.integers(0, 3)) == 0:
        count = draw(st.integers(0, 100))
        lazy, eager = lazy.head(count), eager.head(count)
    for _ in range(draw(st.integers(0, 3))):
        condition = draw(conditions(whole))
        if draw(st.integers(0, 3)) == 0:
            condition = draw(st.sampled_from([~condition, condition | draw(conditions(whole))]))
        lazy, eager = lazy.filter(condition), eager.filter(condition)
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(whole.columns), min_size=1, unique=True))
        lazy, eager = lazy.select(chosen), eager.select(chosen)
    if draw(st.integers(0, 3)) == 0:
        part = draw(st.integers(-5, 20)), draw(st.integers(0, 20))
        lazy, eager = lazy.slice(*part), eager.slice(*part)
    return lazy, eager


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(), st.sampled_from(["in-memory", "streaming"]))
def test_lazy_is_eager_then_filtered(query: tuple[Any, Any], engine: Any) -> None:
    lazy, eager = query
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        result = lazy.collect(engine=engine)
    assert result.schema == eager.schema
    assertions.assert_frame_equal(result, eager)


# What is read -------------------------------------------------------------------------------------


class Reads(list[tuple[Selection, Layout, ReadOptions]]):
    """What tables were made of."""

    @property
    def last(self) -> tuple[Selection, Layout]:
        return self[-1][0], self[-1][1]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    made = Reads()
    original = tracecmd.Trace._table

    def table(self: tracecmd.Trace, *asked: Any) -> Rows:
        made.append(asked)
        return original(self, *asked)

    monkeypatch.setattr(tracecmd.Trace, "_table", table)
    return made


def at(ts: int) -> Any:
    return pl.lit(ts, pl.Int64).cast(NS)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (col("ts") >= at(5), {"start": 5}),
        (at(9) > col("ts"), {"end": 9}),
        (
            (col("ts") > at(5)) & (col("ts") <= at(9)) & (col("ts") < at(50)),
            {"start": 6, "end": 10},
        ),
        (col("ts").is_between(at(5), at(9)), {"start": 5, "end": 10}),
        (col("ts") == at(5), {"start": 5, "end": 6}),
        (col("cpu") == 1, {"cpus": {1}}),
        pytest.param(col("cpu").is_in([0, 7]), {"cpus": {0}}, marks=NEW),
        (col("cpu") > 0, {"cpus": {1}}),
        (col("common_pid") == 3, {"pids": (3,)}),
        pytest.param(col("common_pid").is_in([3, 1]), {"pids": (1, 3)}, marks=NEW),
        ((col("common_pid") == 3) | (col("common_pid") == 1), {"pids": (1, 3)}),
        (col("next_pid") == 3, {"where": "(next_pid == 3)"}),
        (col("next_comm") == "a b", {"where": '(next_comm == "a b")'}),
        (col("common_flags") > 1, {"where": "(common_flags > 1)"}),
        ((col("cpu") == 1) & (col("next_prio") + 1 > 3), {"cpus": {1}}),
        # What a filter would compare otherwise is left to Polars.
        (col("next_prio") > 3, {}),
        (col("next_pid") == -1, {}),
        (col("next_comm") == '"', {}),
        (col("next_comm") > "a", {}),
        ((col("cpu") == 1) | (col("next_pid") == 3), {}),
    ],
    ids=str,
)
def test_conditions_that_narrow(predicate: Any, expected: dict[str, Any], reads: Reads) -> None:
    with tracecmd.open(HOST) as trace:
        tracecmd.scan(trace, "sched_switch").filter(predicate).select("next_pid").collect()
    selection, layout = reads.last
    names = ("start", "end", "cpus", "pids", "where")
    read = {name: getattr(selection, name) for name in names}
    read["where"] = None if selection.where is None else str(selection.where)
    assert read == {"start": 0, "end": None, "cpus": None, "pids": None, "where": None} | expected
    assert set(layout.columns or ()) == {"next_pid", *predicate.meta.root_names()}


def test_conditions_add_to_what_was_asked_for(reads: Reads) -> None:
    options: dict[str, Any] = {"start": 205_000_000_000, "cpus": [0, 1], "where": "prev_state == 1"}
    with tracecmd.open(HOST) as trace:
        lazy, eager = both(trace, "sched_switch", **options)
        predicate = (col("ts") < at(205_500_000_000)) & (col("cpu") == 1) & (col("next_pid") == 0)
        result = lazy.filter(predicate).collect()
    assert result.equals(eager.filter(predicate))
    assert len(result) > 10
    selection, _ = reads.last
    assert (selection.start, selection.end) == (205_000_000_000, 205_500_000_000)
    assert selection.cpus == {1}


def test_losses_are_counted_from_all_records(reads: Reads) -> None:
    """A condition that left records out would count what was lost to others."""
    with tracecmd.open(DATA / "i386-lost.dat") as trace:
        columns = ["ts", "cpu", "common_pid", "missed_events"]
        lazy, eager = both(trace, None, columns=columns)
        middle = at(int(eager["ts"].to_physical()[len(eager) // 2]))
        predicate = (col("cpu") == 1) & (col("ts") > middle) & (col("common_pid") != 0)
        result = lazy.filter(predicate).collect()
        assert result.equals(eager.filter(predicate))
        assert result["missed_events"].sum() > 0
    selection, _ = reads.last
    assert (selection.start, selection.pids, selection.where) == (0, None, None)
    assert selection.cpus == {1}


def test_times_that_are_negative_ones(write: Write) -> None:
    """Those of 2**63 ns and later, in a column of times."""
    late = (1 << 63) + 1000
    records = [Event(0, TICK.values(n=1)), Event(5, TICK.values(n=2))]
    pages = {0: [Page(late, records)], 1: [Page(5, records)]}
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus=pages)]))) as trace:
        lazy, eager = both(trace, "tick")
        assert sorted(eager["ts"].to_physical()) == [1000 - (1 << 63), 1005 - (1 << 63), 5, 10]
        for value in (-5, 0, 7, 100):
            for predicate in (col("ts") < at(value), col("ts") >= at(value), col("ts") == at(value),
                              (col("ts") < at(value)) & (col("ts") > at(2))):  # fmt: skip
                assert lazy.filter(predicate).collect().equals(eager.filter(predicate))
        lazy, eager = both(trace, "tick", ts="uint64")
        for predicate in (col("ts") > 7, col("ts") < late + 1, col("ts") == late):
            found = lazy.filter(predicate).collect()
            assert len(found)
            assert found.equals(eager.filter(predicate))


def test_schema_takes_no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    with tracecmd.open(HOST) as trace:
        expected = pl.DataFrame(trace.table("sched_switch")).schema

        def arrays(scan: Scan) -> Any:
            assert scan.request.end == 0
            return iter(())

        monkeypatch.setattr(Scan, "arrays", arrays)
        assert tracecmd.scan(trace, "sched_switch").collect_schema() == expected


def test_head_ends_the_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are as large as Polars wants them, and come as they are read."""
    batches = []
    original = Scan.arrays

    def arrays(scan: Scan) -> Any:
        for array in original(scan):
            batches.append(array.length)
            yield array

    monkeypatch.setattr(Scan, "arrays", arrays)
    with tracecmd.open(HOST) as trace:
        frame = tracecmd.scan(trace, "sched_switch")
        assert frame.head(3).collect().equals(pl.DataFrame(trace.table("sched_switch")).head(3))
        batches.clear()
        source = source_of(trace)
        first = next(each for each in source(None, None, 1000, 100) if len(each))
        assert (len(first), batches) == (100, [100])
        assert sum(map(len, source(["cpu"], None, 150, 100))) == 150
        assert batches == [100, 100, 100]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_head_comes_before_what_is_asked_of_it(engine: Any) -> None:
    """Polars hands both on together: the first rows, and which of these."""
    with tracecmd.open(HOST) as trace:
        lazy, eager = (
            tracecmd.scan(trace, "sched_switch"),
            pl.DataFrame(trace.table("sched_switch")),
        )
        for file, frame in ((None, lazy), (str(HOST), tracecmd.scan([trace], "sched_switch"))):
            found = frame.head(30).filter(col("cpu") == 1, col("next_pid") != 0)
            expected = eager.head(30).filter(col("cpu") == 1, col("next_pid") != 0)
            assert 0 < len(expected) < 30
            got = found.collect(engine=engine)
            assert got.select(eager.columns).equals(expected)
            assert file is None or set(got["file"]) == {file}
        assert lazy.head(0).filter(col("cpu") == 1).collect(engine=engine).is_empty()


def source_of(trace: tracecmd.Trace) -> Any:
    """The function that Polars calls."""
    captured = []
    plugins = pytest.importorskip("polars.io.plugins")
    original = plugins.register_io_source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            plugins, "register_io_source",
            lambda source, **kw: captured.append(source) or original(source, **kw),
        )  # fmt: skip
        tracecmd.scan(trace, "sched_switch")
    return captured[0]


# Sources ------------------------------------------------------------------------------------------


def test_wildcards() -> None:
    with tracecmd.open(DATA / "s390x-tc331-v6.dat") as trace:
        for events in ("sched:sched_w*", "sched_wak*", ["*:sched_waking", "timer:hrtimer_[se]*"]):
            lazy, eager = both(trace, events, columns=["ts", "system", "event"])
            assert lazy.collect().equals(eager)
            assert len(eager) > 50
        assert set(eager["system"]) == {"sched", "timer"}
        with pytest.raises(tracecmd.UnknownEventError, match=r"'sched:nix\*'"):
            tracecmd.scan(trace, "sched:nix*")


def test_a_session() -> None:
    with tracecmd.open_session(SESSION) as session:
        lazy = tracecmd.scan(session, "sched_switch")
        names = [*session.table("sched_switch").column_names, "peer"]
        eager = pl.DataFrame(session.table("sched_switch", columns=names))
        assert lazy.collect().equals(eager)
        for predicate in (col("peer") == "Guest1", col("peer").is_in(["Guest2", "host", "nobody"]),
                          col("peer") == "nobody", col("peer") != "host"):  # fmt: skip
            assert lazy.filter(predicate).collect().equals(eager.filter(predicate))
    assert tracecmd.scan(SESSION, "sched_switch").collect().equals(eager)


def test_several_files(reads: Reads) -> None:
    paths = [HOST, SESSION / "trace-Guest1.dat"]
    lazy = tracecmd.scan(paths, "sched_switch", columns=["ts", "next_comm"])
    parts = []
    for path in paths:
        with tracecmd.open(path) as trace:
            part = pl.DataFrame(trace.table("sched_switch", columns=["ts", "next_comm"]))
        parts.append(part.with_columns(file=pl.lit(str(path))))
    eager = pl.concat(parts)
    assert lazy.collect().equals(eager)
    reads.clear()
    predicate = col("file") == str(paths[1])
    assert lazy.filter(predicate).collect().equals(eager.filter(predicate))
    assert {read[0].recording.path for read in reads} == {paths[1]}
    only_host = tracecmd.scan(paths, "kvm_exit").select("file").unique().collect()
    assert only_host["file"].to_list() == [str(HOST)]
    with pytest.raises(tracecmd.UnknownEventError, match="nothing_such"):
        tracecmd.scan(paths, "nothing_such")


def test_files_whose_names_are_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/n\xff.dat"
    shutil.copy(SESSION / "trace-Guest1.dat", name)
    lazy = tracecmd.scan([name], "sched_switch")
    (file,) = set(lazy.collect()["file"])
    assert file.endswith("/n\ufffd.dat")
    assert len(lazy.filter(col("file") == file).collect()) == 50


def test_a_field_that_is_called_file(write: Write) -> None:
    form = EventFormat("sys", "opens", 900, (EventField("u32 file", 4),), '"%u", REC->file')
    page = Page(7, [Event(0, form.values(file=5))])
    path = write(Trace(events=[form], buffers=[Buffer(cpus={0: [page]})]))
    lazy = tracecmd.scan([path], "opens")
    assert lazy.select("file", "file_1").collect().rows() == [(5, str(path))]
    assert lazy.filter(col("file") == 5, col("file_1") == "nix").collect().is_empty()
    assert len(lazy.filter(col("file") == 5, col("file_1") == str(path)).collect()) == 1


@pytest.mark.parametrize(
    ("source", "error"),
    [([], ValueError), (1.5, TypeError), ([None], TypeError), ("nix.dat", FileNotFoundError)],
)
def test_what_is_no_source(source: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        tracecmd.scan(source, "sched_switch")


def test_options_that_there_are_not() -> None:
    """A file has no peers; an unknown option was reported as one of a class inside."""
    with tracecmd.open(HOST) as trace:
        for options in ({"peers": "host"}, {"wher": "cpu == 0"}):
            with pytest.raises(TypeError, match=r"^scan\(\) got an unexpected keyword argument"):
                tracecmd.scan(trace, **options)
        for name in (None, ["tasks"]):
            with pytest.raises(TypeError, match="answer="):
                tracecmd.scan_answer(trace, name)  # type: ignore[arg-type]


def test_closed_files_say_so() -> None:
    with tracecmd.open(HOST) as trace:
        frame = tracecmd.scan(trace, "sched_switch")
    with pytest.raises((tracecmd.ClosedError, pl.exceptions.ComputeError), match="closed"):
        frame.collect()


# Answers ------------------------------------------------------------------------------------------

SPANS = {"spans": ("softirq_entry", "softirq_exit"), "residency": ("sched_waking",)}
KEYS: dict[str, dict[str, Any]] = {
    "spans": {"key": ("cpu", "vec")},
    "residency": {"key": "pid", "value": "target_cpu"},
}


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"functions"}))
def test_answers(name: str) -> None:
    arguments, options = SPANS.get(name, ()), KEYS.get(name, {})
    for file in (HOST, DATA / "s390x-tc331-v6.dat", DATA / "k72-markers.dat"):
        with tracecmd.open(file) as trace:
            try:
                lazy = tracecmd.scan_answer(trace, name, *arguments, **options)
            except KeyError:
                continue
            method = getattr(trace.sched, name, None) or getattr(trace, name)
            eager = pl.DataFrame(method(*arguments, **options))
            assert lazy.collect().equals(eager)
            for column in {"cpu", "pid"} & set(eager.columns):
                value = eager[column].drop_nulls().max() if len(eager) else 0
                for predicate in (col(column) == value, col(column).is_in([0, 1])):
                    found = lazy.filter(predicate).collect()
                    assert found.equals(eager.filter(predicate)), (file, predicate)
            return
    pytest.fail("no recording has its events")


def test_answers_are_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = tracecmd.Trace.irqs

    @functools.wraps(original)
    def irqs(self: tracecmd.Trace, **options: Any) -> tracecmd.Answer:
        asked.append(options)
        return original(self, **options)

    monkeypatch.setattr(tracecmd.Trace, "irqs", irqs)
    with tracecmd.open(HOST) as trace:
        irq = tracecmd.scan_answer(trace, "irqs", cpus=[0, 1], start=205_000_000_000)
        irq.filter(col("cpu") == 1, (col("pid") == 5) | (col("pid") == 0), col("irq") > 3).collect()
    assert (asked[-1]["cpus"], asked[-1]["pids"], asked[-1]["start"]) == (
        [1], [0, 5], 205_000_000_000
    )  # fmt: skip


def test_unknown_answers() -> None:
    with tracecmd.open(HOST) as trace:
        with pytest.raises(ValueError, match="did you mean 'tasks'"):
            tracecmd.scan_answer(trace, "taskss")
        with pytest.raises(tracecmd.MissingEventError, match="sched_wakeup_new"):
            tracecmd.scan_answer(trace, "nr_running")
