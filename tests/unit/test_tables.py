"""Tables of several events that are read in one walk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, fill_pages
from .busy import write_busy

pa = pytest.importorskip("pyarrow")
pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_busy(tmp_path_factory.mktemp("busy"))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"batch_rows": 777},
    {"order": "cpu", "ts": "uint64"},
    {"reverse": True, "dictionary": False},
    {"start": 2_000_000, "end": 20_000_000, "cpus": [1], "pids": [1, 7, 17]},
    {"where": "CPU == 1", "batch_rows": 100},
    {"columns": ["ts", "event", "buffer"], "invalid_utf8": "binary"},
    {"columns": ["ts", "missed_events"]},
    {"columns": []},
    {"cpus": [7], "columns": ["ts"]},
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_tables_read_together(path: Path, options: dict[str, Any]) -> None:
    """The same rows, in the same batches, as each table gives when it is read on its own."""
    with tracecmd.open(path) as trace:
        tables = trace.tables(**options)
        assert set(tables) == {"test:tick", "sched:sched_switch", "sched:sched_wakeup"}
        found: dict[str, list[Any]] = {name: [] for name in tables}
        for name, batch in tables.batches():
            assert 0 < len(batch) <= options.get("batch_rows", 65536)
            found[name].append(batch.to_arrow())
        whole = tables.to_arrow()
        for name, table in tables.items():
            alone = [batch.to_arrow() for batch in table.batches()]
            assert [b.to_pylist() for b in found[name]] == [b.to_pylist() for b in alone]
            assert whole[name].schema.equals(pa.schema(table), check_metadata=True)
            assert whole[name].to_pylist() == table.to_arrow().to_pylist()


def test_tables_take_one_walk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracecmd.columns import tables as module

    walks: list[int] = []

    class Counted(tracecmd._lowlevel.ColumnSet):
        def __init__(self, sources: Any, tables: Any, options: Any) -> None:
            walks.append(len(tables))
            super().__init__(sources, tables, options)

    monkeypatch.setattr("tracecmd._lowlevel.ColumnSet", Counted)
    seen: list[tuple[int, int]] = []
    with tracecmd.open(path) as trace:
        tables = trace.tables(progress=lambda *told: seen.append(told), threads=2)
        rows = {name: table.num_rows for name, table in tables.to_arrow().items()}
        assert rows == dict(trace.stat().events)
        assert walks == [3]
        assert seen == sorted(seen)
        assert seen[-1][0] >= seen[-1][1] * 0.9
        monkeypatch.setattr(module, "PASS_TABLES", 2)
        seen.clear()
        assert {name: t.num_rows for name, t in tables.to_arrow().items()} == rows
        assert walks == [3, 2, 1]
        assert seen == sorted(seen)
        assert len({total for _, total in seen}) == 1
        assert seen[-1][0] >= seen[-1][1] * 0.9
        assert trace.tables([]).to_arrow() == {}


def test_tables_read_together_are_bounded(write: Write) -> None:
    """Batches of all tables end where they are large together, long before they are full."""
    machine = Machine()
    blob = (Field("__data_loc u8[] blob", 4),)
    events = [EventFormat("zoo", f"e{i}", 800 + i, blob, '"x"') for i in range(3)]
    content = b"blob" * 800
    rows = [(1000 * i, events[i % 7 % 3].values(blob=content)) for i in range(30_000)]
    path = write(
        Trace(events=tuple(events), buffers=(Buffer(cpus={0: fill_pages(rows, machine)}),))
    )
    sizes: dict[str, list[int]] = {str(i): [] for i in range(3)}
    with tracecmd.open(path) as trace:
        for name, batch in trace.tables(batch_rows=1 << 30).batches():
            arrow = batch.to_arrow()
            sizes[name[-1]].append(arrow.num_rows)
            assert set(arrow["blob"].to_pylist()) == {content}
    assert [sum(found) for found in sizes.values()] == [
        sum(i % 7 % 3 == kind for i in range(30_000)) for kind in range(3)
    ]
    assert sum(map(len, sizes.values())) > 3
    assert max(map(max, sizes.values())) * len(content) < 65 << 20


def test_tables_that_share_a_number(write: Write) -> None:
    """A record of it is in both tables, as when they are read one by one."""
    twins = tuple(EventFormat("zoo", name, 800, (Field("u8 a", 1),), '"x"') for name in "ab")
    records = [Event(1, twins[0].values(a=1)), Event(1, writer.TICK.values(n=2))]
    path = write(
        Trace(events=(*twins, writer.TICK), buffers=(Buffer(cpus={0: [Page(0, records)]}),))
    )
    with tracecmd.open(path) as trace:
        tables = trace.tables(["zoo:a", "zoo:b", "tick"], columns=["cpu"])
        found = {name: table.to_pylist() for name, table in tables.to_arrow().items()}
        assert found == {name: [{"cpu": 0}] for name in ("zoo:a", "zoo:b", "test:tick")}


def test_wrong_sets(path: Path, tmp_path: Path) -> None:
    """What the core refuses; Tables never asks for it."""
    low = tracecmd._lowlevel
    other = tmp_path / "other.dat"
    other.write_bytes(path.read_bytes())
    with tracecmd.open(path) as trace, tracecmd.open(other) as second:
        source, more = (t.table("tick")._scan.sources()[0] for t in (trace, second))
        ids = trace.table("tick")._scan.request.sources[0].event_ids
        assert ids is not None
        table = low.ColumnTable(ids, [low.Column("ts", "ts")])
        lost = low.ColumnTable(ids, [low.Column("missed_events", "missed_events")])
        options = low.ColumnsOptions()
        for sources, tables, says in (
            ([source], [table, table], "is of two tables"),
            ([source, more], [table], "several files"),
            ([source], [lost], "a loss is before records of all tables"),
        ):
            with pytest.raises(ValueError, match=says):
                low.ColumnSet(sources, tables, options)
        reader = low.ColumnSet([source], [table], options)
        with pytest.raises(ValueError, match="a batch of no rows"):
            reader.next(0)
        assert reader.next(10) is not None
        assert low.ColumnSet([source], [], options).next(10) is None
