"""Tables: consumers, orders, threads, losses, filters, errors, memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer
from . import test_records
from .busy import write_busy

pa = pytest.importorskip("pyarrow")
pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_busy(tmp_path_factory.mktemp("busy"))


def test_consumers_agree(path: Path) -> None:
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    pytest.importorskip("pandas")
    with tracecmd.open(path) as trace:
        table = trace.table("sched_switch", ts="uint64", batch_rows=1000)
        arrow = table.to_arrow()
        rows = arrow.to_pylist()
        assert len(rows) == 20_000
        assert arrow["prev_comm"].num_chunks > 10
        assert table.to_polars().to_dicts() == rows
        assert polars.DataFrame(table).to_dicts() == rows
        assert table.to_pandas().to_dict("records") == rows
        relation = duckdb.from_arrow(table) if hasattr(duckdb, "from_arrow") else duckdb.sql(
            "select * from table"
        )  # fmt: skip
        names = relation.columns
        assert [dict(zip(names, row, strict=True)) for row in relation.fetchall()] == rows
        arrays = table.to_numpy()
        assert {name: arrays[name].tolist() for name in arrays} == arrow.to_pydict()
        assert (
            pa.Table.from_batches(pa.record_batch(b) for b in table.batches()).to_pylist() == rows
        )
        events = list(trace.iter("sched_switch"))
    assert [(row["ts"], row["cpu"], row["common_pid"]) for row in rows] == [
        (e.ts, e.cpu, e.pid) for e in events
    ]


@pytest.mark.parametrize("order", ["time", "cpu"])
@pytest.mark.parametrize("reverse", [False, True])
def test_orders_and_windows(path: Path, order: Any, reverse: bool) -> None:
    options: dict[str, Any] = {
        "order": order,
        "reverse": reverse,
        "start": 2_000_000,
        "end": 20_000_000,
    }
    with tracecmd.open(path) as trace:
        expected = [(e.ts, e.cpu, e.name, e.buffer) for e in trace.iter(**options)]
        columns = ["ts", "cpu", "event", "buffer"]
        found = trace.table(columns=columns, ts="uint64", **options).to_arrow().to_pylist()
        assert [tuple(row.values()) for row in found] == expected
        assert len(expected) == 18_000


def test_threads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracecmd.columns.scan.WINDOW_BYTES", 1 << 17)
    seen: list[tuple[int, int]] = []
    with tracecmd.open(path) as trace:
        one = trace.table("sched_switch").to_arrow()
        two = trace.table("sched_switch", threads=3, progress=lambda *x: seen.append(x)).to_arrow()
        assert two.to_pylist() == one.to_pylist()
        assert len(seen) > 5
        assert seen[-1][0] == seen[-1][1]
        lost = trace.table("sched_switch", columns=["missed_events"], threads=3).to_arrow()
        assert set(lost["missed_events"].to_pylist()) == {0}


LOSSES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda row: True),
    ({"events": ["tick"]}, lambda row: row[4] == writer.TICK.id),
    ({"cpus": [1], "pids": [7, 4711]}, lambda row: row[1] == 1 and row[3] in (7, 4711)),
    ({"where": "common_pid == 7"}, lambda row: row[3] == 7),
    ({"events": ["sched:*"], "where": "common_pid == 8 && CPU == 0"},
     lambda row: row[4] != writer.TICK.id and row[3] == 8 and row[1] == 0),
    ({"where": "tick: n > 1400"}, None),
    ({"where": "common_pid == 99"}, lambda row: False),
]  # fmt: skip


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize(("options", "wanted"), LOSSES, ids=[repr(o) for o, _ in LOSSES])
def test_losses(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    version: int,
    options: dict[str, Any],
    wanted: Any,
) -> None:
    """What was lost before a record that is not wanted is lost before the next of its CPU and
    buffer, however many threads read, and wherever one window of time ends."""
    columns = ["buffer", "cpu", "ts", "common_pid", "missed_events"]
    path = write(test_records.trace_of("lost", version=version))
    with tracecmd.open(path) as trace:
        whole = test_records.rows(trace)
        if wanted is None:
            ticks = {(e.ts, e.cpu, e.buffer, e["n"]) for e in trace.iter("tick")}
            passing = {(buffer, cpu, ts) for ts, cpu, buffer, n in ticks if n > 1400}

            def wanted(row: Any) -> bool:
                return row[4] == writer.TICK.id and row[:3] in passing

        times = sorted({row[2] for row in whole})
        bounds = [(None, None), (times[9], None), (times[len(times) // 3], times[-40])]
        monkeypatch.setattr("tracecmd.columns.scan.WINDOW_BYTES", 1)
        for start, end in bounds:
            low, high = start or 0, 1 << 64 if end is None else end
            expected = [
                (*row[:4], row[6]) for row in test_records.filtered(whole, wanted, low, high)
            ]
            for threads, batch_rows in ((1, 65536), (1, 3), (2, 65536), (3, 7)):
                table = trace.table(
                    columns=columns, ts="uint64", start=start, end=end, threads=threads,
                    batch_rows=batch_rows, **options,
                )  # fmt: skip
                found = [tuple(row.values()) for row in table.to_arrow().to_pylist()]
                assert found == expected, (start, end, threads)
            backwards = [
                trace.table(
                    columns=columns, start=start, end=end, reverse=True, threads=threads, **options
                )
                .to_arrow()
                .to_pylist()
                for threads in (1, 3)
            ]
            assert backwards[0] == backwards[1]
            assert len(backwards[0]) == len(expected)
        assert any(row[4] for row in expected) or not expected


def test_where(path: Path) -> None:
    with tracecmd.open(path) as trace:
        whole = trace.table("sched_switch").to_arrow().to_pylist()

        def check(where: str, test: Any) -> None:
            found = trace.table("sched_switch", where=where).to_arrow().to_pylist()
            expected = [row for row in whole if test(row)]
            assert found == expected
            assert 0 < len(found) < len(whole)

        check(
            "prev_state == 0 && next_pid > 3", lambda r: r["prev_state"] == 0 and r["next_pid"] > 3
        )
        check('next_comm ~ "next[1-3]"', lambda r: r["next_comm"] in ("next1", "next2", "next3"))
        check('prev_comm ~ "*1*"', lambda r: "1" in r["prev_comm"])
        check('prev_comm ~ "task?"', lambda r: len(r["prev_comm"]) == 5)
        check(
            'prev_comm =~ "K4.$"', lambda r: r["prev_comm"][4:5] == "4" and len(r["prev_comm"]) == 6
        )
        check("prev_pid == next_pid", lambda r: r["prev_pid"] == r["next_pid"])
        check("sched/sched_switch: CPU == 1", lambda r: r["cpu"] == 1)
        check("COMM == 'worker/0:1'", lambda r: r["common_comm"] == "worker/0:1")
        check("common_comm == 'worker/0:1'", lambda r: r["common_comm"] == "worker/0:1")
        check("cpu == 1 && common_flags == 0", lambda r: r["cpu"] == 1)
        check("sched_switch.next_pid == 3", lambda r: r["next_pid"] == 3)
        assert trace.table("sched_switch", where="tick: n == 1").to_arrow().num_rows == 0
        nothing = trace.table("sched_switch", where="prev_pid == -1").to_arrow()
        assert nothing.num_rows == 0
        assert nothing.schema == trace.table("sched_switch").to_arrow().schema


def test_several_events(path: Path) -> None:
    with tracecmd.open(path) as trace:
        names = ["ts", "event", "system", "common_pid", "n", "prev_comm"]
        table = trace.table(["tick", "sched_switch"], columns=names, ts="uint64").to_arrow()
        rows = table.to_pylist()
        assert len(rows) == 30_000
        assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)
        for row in rows[:1000]:
            tick = row["event"] == "tick"
            assert row["system"] == ("test" if tick else "sched")
            assert (row["n"] is None, row["prev_comm"] is None) == (not tick, tick)
        tables = trace.tables()
        assert set(tables) == {"test:tick", "sched:sched_switch", "sched:sched_wakeup"}
        assert tables["test:tick"].column_names[6:] == ("n", "small", "bytes", "wide")
        wakeup = tables["sched:sched_wakeup"]
        assert "common_comm" in wakeup.column_names
        assert "common_pid" in wakeup.column_names
        assert set(wakeup.to_arrow()["comm"].to_pylist()) == {"w"}
        chosen = trace.table("sched_wakeup", columns=["common_comm", "comm", "common_pid", "pid"])
        assert chosen.to_arrow().to_pylist()[0] == {
            "common_comm": "init", "comm": "w", "common_pid": 1, "pid": 0,
        }  # fmt: skip
        everything = trace.table(columns=["event", "buffer"]).to_arrow()
        assert everything.num_rows == trace.stat().records
        wide = trace.table(["sched_switch", "sched_wakeup"], columns=["prev_state", "prio"])
        assert [str(f.type) for f in wide.to_arrow().schema] == ["int64", "int32"]


def test_errors(path: Path) -> None:
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.UnknownEventError, match="did you mean 'sched_switch'"):
            trace.table("sched_swich")
        with pytest.raises(tracecmd.UnknownFieldError, match="did you mean 'prev_comm'"):
            trace.table("sched_switch", columns=["prev_com"])
        with pytest.raises(tracecmd.UnknownFieldError, match="did you mean 'prev_pid'"):
            trace.table("sched_switch", where="prev_pidd == 3")
        with pytest.raises(tracecmd.UnknownFieldError, match="twice"):
            trace.table("sched_switch", columns=["ts", "ts"])
        with pytest.raises(TypeError, match="list of names"):
            trace.table("sched_switch", columns="ts")
        for options in ({"order": "x"}, {"ts": "x"}, {"invalid_utf8": "x"}):
            with pytest.raises(ValueError, match="'x'; it is"):
                trace.table("sched_switch", **options)  # type: ignore[arg-type]
        empty = trace.table("irq_handler_entry").to_arrow()
        assert empty.num_rows == 0
        assert empty.column_names[-2:] == ["irq", "name"]
        assert trace.table("irq_handler_entry").to_numpy()["irq"].dtype.str == "<i4"
        assert trace.table("sched_switch", start=10**15).to_arrow().num_rows == 0
        table = trace.table("sched_switch")
        batch = next(iter(table.batches()))
        batch.to_arrow()
        with pytest.raises(ValueError, match="handed over"):
            batch.to_arrow()
    with pytest.raises(tracecmd.ClosedError):
        table.to_arrow()


def test_no_cpus(path: Path, write: Write, tmp_path: Path) -> None:
    """Typed empty tables, also of a file that has no CPU's data at all."""
    empty = write(Trace(buffers=(Buffer(cpus={}),)), "empty.dat")
    with tracecmd.open(path) as trace, tracecmd.open(empty) as without:
        schema = pa.schema(trace.table("sched_switch"))
        two = ["tick", "sched_switch"]
        wide = trace.table(two, columns=["n", "prev_comm"])
        for found, options in ((trace, {"cpus": [99]}), (without, {})):
            table = found.table("sched_switch", **options).to_arrow()
            assert table.schema.equals(schema, check_metadata=True)
            assert table.num_rows == 0
            assert found.table("sched_switch", threads=2, **options).to_pandas().shape == (0, 13)
            some = found.table(two, columns=["n", "prev_comm"], **options).to_arrow()
            assert some.schema.equals(pa.schema(wide))
            assert found.table(columns=["missed_events"], **options).to_arrow().num_rows == 0
            arrow = found.tables(two, **options).to_arrow()
            assert arrow["sched:sched_switch"].schema.equals(schema, check_metadata=True)
            rows = found.tables(two, **options).to_parquet(tmp_path / "out")
            assert rows == {"test:tick": 0, "sched:sched_switch": 0}
            with pytest.raises(tracecmd.UnknownFieldError, match="did you mean"):
                found.table("sched_switch", columns=["prev_com"], **options)


def test_streams_outlive_the_trace_and_release_it(path: Path) -> None:
    def streams() -> set[int]:
        gc.collect()
        return {id(o) for o in gc.get_objects() if type(o) is tracecmd._lowlevel.Stream}

    before = streams()
    with tracecmd.open(path) as trace:
        reader = pa.RecordBatchReader.from_stream(trace.table("sched_switch", batch_rows=100))
        first = reader.read_next_batch()
        dropped = trace.table("sched_switch").__arrow_c_stream__()
        unread = trace.table("sched_switch").__arrow_c_schema__()
    del dropped, unread
    with pytest.raises(pa.ArrowInvalid, match="the trace is closed"):
        reader.read_all()
    assert first.num_rows == 100
    assert len(first.to_pylist()) == 100
    del reader, first
    assert streams() <= before


def test_batches_and_their_schemas_outlive_the_trace(path: Path) -> None:
    """Both belong to whoever has them, and a schema may be asked for again and again."""
    with tracecmd.open(path) as trace:
        table = trace.table(
            ["sched_switch", "test:tick"], columns=["ts", "common_comm", "n", "event"]
        )
        expected = table.to_arrow()
        batches = list(table.batches())
        keyed = list(trace.tables(["sched_switch"]).batches())
    schema = pa.schema(table)
    assert schema == pa.schema(table) == pa.schema(batches[0]) == expected.schema
    assert schema.equals(expected.schema, check_metadata=True)
    found = pa.Table.from_batches([batch.to_arrow() for batch in batches])
    assert found.to_pylist() == expected.to_pylist()
    assert sum(batch.to_arrow().num_rows for _, batch in keyed) == 20_000


def test_memory_is_bounded(path: Path) -> None:
    with tracecmd.open(path) as trace:
        sizes = [len(batch) for batch in trace.batches("sched_switch", batch_rows=777)]
    assert sum(sizes) == 20_000
    assert max(sizes) == 777
    assert len(sizes) == 26


def test_memory_of_batches(tmp_path: Path) -> None:
    """Of the larger arrays many share one piece of memory, which serves again once all are gone."""
    path = write_busy(tmp_path, 75_000)
    with tracecmd.open(path) as trace:
        table = trace.table("sched_switch", batch_rows=9000)
        rows = table.to_arrow().to_pylist()
        assert len(rows) == 50_000

        def read(columns: Any, count: int) -> pa.RecordBatch:
            schema = tracecmd._lowlevel.schema_capsule(columns.schema())
            array = tracecmd._lowlevel.array_capsule(columns.next(count))
            return pa.RecordBatch._import_from_c_capsule(schema, array)

        # One at a time; all but every third one at a time; each larger than the one before.
        for batch, start in zip(table.batches(), range(0, 50_000, 9000), strict=True):
            assert batch.to_arrow().to_pylist() == rows[start : start + 9000]
        kept = [batch.to_arrow() for i, batch in enumerate(table.batches()) if i % 3 == 1]
        columns = table._scan.open(0, None)
        grown = [read(columns, count) for count in (8500, 9500, 15_000, 17_000)]
        del columns
    gc.collect()
    assert [batch.to_pylist() for batch in kept] == [rows[9000:18_000], rows[36_000:45_000]]
    grown.reverse()
    assert [row for _ in range(4) for row in grown.pop().to_pylist()] == rows


@pytest.mark.parametrize(("name", "extra", "use"), [
    ("pyarrow", "arrow", "to_arrow"), ("polars", "polars", "to_polars"),
    ("pandas", "pandas", "to_pandas"), ("numpy", "numpy", "to_numpy"),
])  # fmt: skip
def test_missing_packages(path: Path, name: str, extra: str, use: str) -> None:
    """In a process of its own, where the package cannot be imported."""
    program = f"""
import sys
sys.modules[{name!r}] = None
import tracecmd
with tracecmd.open({str(path)!r}) as trace:
    table = trace.table("sched_switch")
    try:
        table.{use}()
    except tracecmd.MissingPackageError as error:
        print(error, error.name)
    assert sum(map(len, table.batches())) == 20000
"""
    root = Path(tracecmd.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert f"pip install 'tracecmd[{extra}]'" in result.stdout


def test_import_brings_nothing() -> None:
    names = "{'pyarrow', 'numpy', 'pandas', 'polars', 'duckdb'}"
    program = f"import sys, tracecmd.cli; print({names} & set(sys.modules))"
    root = Path(tracecmd.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert result.stdout == "set()\n"
