"""Tables of written files: types, nulls, consumers, threads, errors, and files they go to."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import export

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, Values, fill_pages
from . import test_records

pa = pytest.importorskip("pyarrow")
pytest.importorskip("numpy")

ZOO = EventFormat(
    "zoo",
    "all",
    800,
    (
        Field("u8 a", 1),
        Field("s8 b", 1, signed=True),
        Field("u16 c", 2),
        Field("short d", 2, signed=True),
        Field("unsigned int e", 4),
        Field("int f", 4, signed=True),
        Field("u64 g", 8),
        Field("s64 h", 8, signed=True),
        Field("void * where", "long"),
        Field("unsigned long i", "long"),
        Field("bool yes", 1),
        Field("enum kind j", 4),
        Field("char name[8]", 8),
        Field("u32 four[4]", 16),
        Field("u8 mac[6]", 6),
        Field("struct thing k[1]", 12),
        Field("__data_loc char[] text", 4),
        Field("__rel_loc char[] other", 4),
        Field("__data_loc u16[] list", 4),
        Field("__data_loc u8[] blob", 4),
        Field("__data_loc unsigned long[] mask", 4),
        Field("__data_loc struct thing[] things", 4),
    ),
    '"%s", __get_bitmask(mask)',
)
TYPES = {
    "a": "uint8", "b": "int8", "c": "uint16", "d": "int16", "e": "uint32", "f": "int32",
    "g": "uint64", "h": "int64", "where": "uint64", "i": "uint64", "yes": "bool", "j": "uint32",
    "name": "dictionary<values=string, indices=int32, ordered=0>",
    "four": "fixed_size_list<item: uint32>[4]", "mac": "fixed_size_binary[6]",
    "k": "fixed_size_binary[12]", "text": "string", "other": "string",
    "list": "list<item: uint16>", "blob": "binary", "mask": "list<item: uint32>",
    "things": "binary",
}  # fmt: skip


def zoo(machine: Machine) -> Values:
    pack = machine.pack
    return ZOO.values(
        pid=17, flags=3, preempt_count=2, a=255, b=0x80, c=65535, d=0x8000, e=2**32 - 1,
        f=2**32 - 2, g=2**64 - 1, h=2**63, where=0x80000000, i=5, yes=2, j=7, name="ab",
        four=b"".join(pack(4, n) for n in (1, 2, 3, 2**32 - 1)), mac=b"\1\2\3\4\5\6", k=b"k" * 12,
        text="t\u00fcr", other=b"bad \xff\xe2\x82 utf\0ignored", list=pack(2, 1) + pack(2, 65535),
        blob=b"\0\1", mask=pack(machine.long_size, 0b101) + pack(machine.long_size, 1 << 31),
        things=b"xyz",
    )  # fmt: skip


def zoo_row(machine: Machine) -> dict[str, Any]:
    return {
        "a": 255, "b": -128, "c": 65535, "d": -32768, "e": 2**32 - 1, "f": -2, "g": 2**64 - 1,
        "h": -(2**63), "where": 0x80000000, "i": 5, "yes": True, "j": 7, "name": "ab",
        "four": [1, 2, 3, 2**32 - 1], "mac": b"\1\2\3\4\5\6", "k": b"k" * 12, "text": "t\u00fcr",
        "other": "bad \ufffd\ufffd utf", "list": [1, 65535], "blob": b"\0\1",
        "mask": [0, 2, machine.long_size * 8 + 31], "things": b"xyz",
    }  # fmt: skip


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_types(write: Write, big_endian: bool, long_size: int, compression: Any) -> None:
    machine = Machine(big_endian=big_endian, long_size=long_size)
    whole = zoo(machine).encode(machine)
    short = whole[:24]  # the common fields, then up to and with f
    pages = [Page(1000, [Event(0, whole), Event(5, short), Event(1, whole)])]
    path = write(
        Trace(big_endian=big_endian, long_size=long_size, events=(ZOO,), compression=compression,
              buffers=(Buffer(cpus={0: pages}),))
    )  # fmt: skip
    with tracecmd.open(path) as trace:
        table = trace.table("all").to_arrow()
        binary = trace.table("all", columns=["name", "text", "other"], invalid_utf8="binary")
        raw = binary.to_arrow().to_pylist()
        arrays = trace.table("all").to_numpy()
    table.validate(full=True)
    types = {**TYPES, **({"i": "uint32"} if long_size == 4 else {})}
    assert {name: str(table.schema.field(name).type) for name in types} == types
    rows = table.to_pylist()
    common = {"cpu": 0, "pid": 17, "comm": "worker/0:1", "flags": 3, "preempt_count": 2}
    expected = {**common, **zoo_row(machine)}
    assert {k: v for k, v in rows[0].items() if k != "ts"} == expected
    assert {k: v for k, v in rows[2].items() if k != "ts"} == expected
    present = {"cpu", "pid", "comm", "flags", "preempt_count", "a", "b", "c", "d", "e", "f"}
    assert {k for k, v in rows[1].items() if v is not None and k != "ts"} == present
    assert table["ts"].cast("int64").to_pylist() == [1000, 1005, 1006]
    assert raw[0] == {"name": b"ab", "text": "t\u00fcr".encode(), "other": b"bad \xff\xe2\x82 utf"}
    assert table.schema.field("f").metadata == {
        b"c_type": b"int", b"offset": b"20", b"size": b"4", b"signed": b"1",
    }  # fmt: skip
    assert table.schema.metadata[b"event"] == b"all"
    assert arrays["f"].tolist() == [-2, -2, -2]
    assert arrays["g"].tolist() == [2**64 - 1, None, 2**64 - 1]
    assert arrays["name"].tolist() == ["ab", None, "ab"]
    assert arrays["four"].tolist()[0] == [1, 2, 3, 2**32 - 1]
    assert arrays["mask"][0].tolist() == expected["mask"]
    assert arrays["yes"].tolist() == [True, None, True]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
def test_stacks(write: Write, big_endian: bool, long_size: int) -> None:
    """Addresses are uint64 whatever the kernel's long is: of its stack those before a -1."""
    machine = Machine(big_endian=big_endian, long_size=long_size)
    caller = Field("unsigned long caller[8]", 8 * long_size, align=long_size)
    kernel = EventFormat("ftrace", "kernel_stack", 4, (Field("int size", 4), caller), '"x"')
    user = EventFormat("ftrace", "user_stack", 12, (Field("unsigned int tgid", 4), caller), '"x"')
    other = EventFormat("zoo", "user_stack", 700, (caller,), '"x"')
    top = 2 ** (8 * long_size) - 1

    def pack(*values: int) -> bytes:
        return b"".join(machine.pack(long_size, value) for value in values)

    addresses = [5, top - 1, *range(20)]
    whole = user.values(caller=pack(7, top, top - 1))
    records: list[Any] = [
        kernel.values().encode(machine)[: -8 * long_size] + pack(*addresses),
        kernel.values(caller=pack(3, top, 4)),
        whole,
        whole.encode(machine)[:-4],
        user.values(),
        other.values(caller=pack(1)),
    ]
    pages = [Page(0, [Event(1, record) for record in records])]
    ftrace = (*writer.FTRACE_EVENTS, kernel, user)
    path = write(
        Trace(big_endian=big_endian, long_size=long_size, ftrace_events=ftrace, events=(other,),
              buffers=(Buffer(cpus={0: pages}),))
    )  # fmt: skip
    with tracecmd.open(path) as trace:

        def column(*names: str) -> tuple[str, list[Any]]:
            table = trace.table(list(names), columns=["caller"]).to_arrow()
            table.validate(full=True)
            return str(table.schema.field("caller").type), table["caller"].to_pylist()

        kernels = [addresses, [3]]
        users = [[7, top, top - 1, 0, 0, 0, 0, 0], None, [0] * 8]
        assert column("ftrace:kernel_stack") == ("list<item: uint64>", kernels)
        assert column("ftrace:user_stack") == ("list<item: uint64>", users)
        assert column("ftrace:*") == ("list<item: uint64>", kernels + users)
        arrays = trace.table("ftrace:user_stack").to_numpy()["caller"]
        assert [None if v is None else list(v) for v in arrays.tolist()] == users
        kind = {4: "uint32", 8: "uint64"}[long_size]
        assert column("zoo:user_stack") == (
            f"fixed_size_list<item: {kind}>[8]", [[1, 0, 0, 0, 0, 0, 0, 0]],
        )  # fmt: skip


NAMES = (
    '"%s %s", __print_symbolic(REC->kind, { 0, "NO\\"NE" }, { -1, "ALL" }), '
    '__print_flags(REC->mask, "|", { 1UL << 3, "A" })'
)


def test_names_of_values(write: Write, tmp_path: Path) -> None:
    """Names are in the metadata of the columns of every table, and of the files it goes to."""
    import pyarrow.feather
    import pyarrow.parquet as pq

    fields = (Field("int kind", 4, signed=True), Field("u64 mask", 8), Field("int plain", 4))
    named, alike = (EventFormat("zoo", f"n{i}", 800 + i, fields, NAMES) for i in (0, 1))
    other = EventFormat("zoo", "n2", 802, fields, NAMES.replace('"A"', '"B"'))
    records = [Event(1, event.values(kind=2**32 - 1, mask=8)) for event in (named, alike, other)]
    path = write(
        Trace(events=(named, alike, other), buffers=(Buffer(cpus={0: [Page(0, records)]}),))
    )

    def names(schema: Any) -> dict[str, dict[int, str]]:
        found = {field.name: (field.metadata or {}).get(b"symbols") for field in schema}
        return {
            name: {int(value): text for value, text in json.loads(table).items()}
            for name, table in found.items()
            if table
        }

    with tracecmd.open(path) as trace:
        symbols = trace.events["n0"].symbols
        assert set(symbols) == {"kind", "mask"}
        assert symbols["mask"] == {8: "A"}
        assert set(symbols["kind"]) == {0, -1}
        table = trace.table("n0")
        arrow = table.to_arrow()
        assert names(arrow.schema) == symbols
        row = arrow.to_pylist()[0]
        assert (symbols["kind"][row["kind"]], symbols["mask"][row["mask"]]) == ("ALL", "A")
        assert names(pa.schema(table)) == symbols
        assert names(trace.tables()["zoo:n0"].to_arrow().schema) == symbols
        assert names(next(trace.batches("n0")).to_arrow().schema) == symbols
        assert names(next(table.without_dictionaries().batches()).to_arrow().schema) == symbols
        table.to_parquet(tmp_path / "n.parquet")
        assert names(pq.read_schema(tmp_path / "n.parquet")) == symbols
        export.write_table(table, tmp_path / "n.arrow")
        assert names(pyarrow.feather.read_table(tmp_path / "n.arrow").schema) == symbols
        columns = ["kind", "mask", "plain"]
        assert names(pa.schema(trace.table(["n0", "n1"], columns=columns))) == symbols
        some = names(pa.schema(trace.table(["n0", "n2"], columns=columns)))
        assert some == {"kind": symbols["kind"]}


def busy(count: int = 30_000) -> Trace:
    """Two CPUs, one buffer more; switches, ticks and wakeups."""
    machine = Machine()
    cpus: dict[int, list[tuple[int, Values]]] = {0: [], 1: []}
    for i in range(count):
        values = (
            writer.SCHED_SWITCH.values(
                pid=i % 50, prev_pid=i % 50, prev_state=i % 4, next_pid=i % 7,
                prev_comm=f"task{i % 50}", next_comm=f"next{i % 7}",
            )
            if i % 3
            else writer.TICK.values(pid=17, n=i)
        )  # fmt: skip
        cpus[(i // 5) % 2].append((1000 * i, values))
    instance = [
        (500 * i, writer.SCHED_WAKEUP.values(pid=1, comm="w", prio=i)) for i in range(1, 99)
    ]
    return Trace(
        buffers=(
            Buffer(cpus={cpu: fill_pages(found, machine) for cpu, found in cpus.items()}),
            Buffer("other", cpus={1: fill_pages(instance, machine)}),
        )
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("table") / "trace.dat"
    found.write_bytes(busy().write().data)
    return found


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
    assert [(row["ts"], row["cpu"], row["pid"]) for row in rows] == [
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
    monkeypatch.setattr("tracecmd._records.WINDOW_BYTES", 1 << 17)
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
    columns = ["buffer", "cpu", "ts", "pid", "missed_events"]
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
        monkeypatch.setattr("tracecmd._records.WINDOW_BYTES", 1)
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
        check("COMM == 'worker/0:1'", lambda r: r["comm"] == "worker/0:1")
        assert trace.table("sched_switch", where="tick: n == 1").to_arrow().num_rows == 0
        nothing = trace.table("sched_switch", where="prev_pid == -1").to_arrow()
        assert nothing.num_rows == 0
        assert nothing.schema == trace.table("sched_switch").to_arrow().schema


def test_several_events(path: Path) -> None:
    with tracecmd.open(path) as trace:
        names = ["ts", "event", "system", "pid", "n", "prev_comm"]
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
    from tracecmd import table as module

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


def test_types_of_several_events(write: Write) -> None:
    """Integers become as wide as all need; what cannot be one column is an error."""
    kinds = ["u8 x", "s8 x", "u32 x", "u64 x", "char x[8]", "u32 x[2]"]
    sizes = [1, 1, 4, 8, 8, 8]
    events = tuple(
        EventFormat("zoo", f"e{i}", 800 + i, (Field(kind, size, signed=kind[0] == "s"),), '"x"')
        for i, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
    )
    content: list[Any] = [200, 0xFF, 2**32 - 1, 2**64 - 1, "text", b"\1\0\0\0\2\0\0\0"]
    records = [Event(1, e.values(x=value)) for e, value in zip(events, content, strict=True)]
    path = write(Trace(events=events, buffers=(Buffer(cpus={0: [Page(0, records)]}),)))
    with tracecmd.open(path) as trace:

        def column(*names: str) -> tuple[str, list[Any]]:
            table = trace.table(list(names), columns=["x"]).to_arrow()
            return str(table.schema.field("x").type), table["x"].to_pylist()

        assert column("e0", "e1") == ("int16", [200, -1])
        assert column("e0", "e1", "e2") == ("int64", [200, -1, 2**32 - 1])
        assert column("e2", "e3") == ("uint64", [2**32 - 1, 2**64 - 1])
        assert column("e5")[1] == [[1, 2]]
        for names in (["e1", "e3"], ["e0", "e4"], ["e4", "e5"]):
            with pytest.raises(ValueError, match="field x is of another type in event"):
                trace.table(names, columns=["x"])


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
    gc.collect()
    assert tracecmd._lowlevel.Stream._alive == set()


def test_batches_and_their_schemas_outlive_the_trace(path: Path) -> None:
    """Both belong to whoever has them, and a schema may be asked for again and again."""
    with tracecmd.open(path) as trace:
        table = trace.table(["sched_switch", "test:tick"], columns=["ts", "comm", "n", "event"])
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
    path = tmp_path / "trace.dat"
    path.write_bytes(busy(75_000).write().data)
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


# Files ---------------------------------------------------------------------------------------


def test_files_read_back(path: Path, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet as pq

    with tracecmd.open(path) as trace:
        table = trace.table("sched_switch", batch_rows=1000)
        arrow = table.to_arrow()
        out = tmp_path / "a.parquet"
        assert table.to_parquet(out, row_group_rows=5000) == 20_000
        assert pq.ParquetFile(out).num_row_groups == 4
        assert pq.ParquetFile(out).metadata.row_group(0).column(0).compression == "ZSTD"
        back = pq.read_table(out)
        assert back.to_pylist() == arrow.to_pylist()
        assert back.schema.field("prev_pid").metadata[b"c_type"] == b"pid_t"
        for suffix in (".feather", ".arrow"):
            export.write_table(table, tmp_path / f"a{suffix}")
            back = pyarrow.feather.read_table(tmp_path / f"a{suffix}")
            assert back.to_pylist() == arrow.to_pylist()
        plain = trace.table("sched_switch", ts="uint64").to_arrow().to_pylist()
        export.write_table(table, tmp_path / "a.jsonl")
        lines = (tmp_path / "a.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == plain
        export.write_table(table, tmp_path / "a.csv")
        assert pyarrow.csv.read_csv(tmp_path / "a.csv").to_pylist() == plain
        none = trace.table("sched_switch", end=0)
        for suffix in export.FORMATS:
            assert export.write_table(none, tmp_path / f"none{suffix}") == 0
        assert pq.read_table(tmp_path / "none.parquet").schema.names == arrow.schema.names
        assert (tmp_path / "none.csv").read_text().startswith('"ts","cpu"')
        with pytest.raises(ValueError, match="ends with"):
            export.write_table(table, tmp_path / "a.txt")


def test_folders_read_back(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    with tracecmd.open(path) as trace:
        tables = trace.tables(batch_rows=500)
        expected = {name: table.to_arrow().to_pylist() for name, table in tables.items()}
        rows = {name: len(found) for name, found in expected.items()}
        assert tables.to_parquet(tmp_path / "a", row_group_rows=1500) == rows
        names = {name: f"{name.replace(':', '.')}.parquet" for name in tables}
        assert {p.name for p in (tmp_path / "a").iterdir()} == set(names.values())
        for name, file in names.items():
            assert pq.read_table(tmp_path / "a" / file).to_pylist() == expected[name]
        first = pq.ParquetFile(tmp_path / "a" / names["test:tick"]).metadata
        assert [first.row_group(i).num_rows for i in range(first.num_row_groups)] == (
            [1500] * 6 + [1000]
        )
        # More threads, and too little memory for a whole row group of every file.
        monkeypatch.setattr(export, "HELD_BYTES", 100_000)
        small = trace.tables(batch_rows=500, threads=3)
        assert small.to_parquet(tmp_path / "a", compression="none") == rows
        for name, file in names.items():
            assert pq.read_table(tmp_path / "a" / file).to_pylist() == expected[name]
        assert pq.ParquetFile(tmp_path / "a" / names["test:tick"]).num_row_groups > 3
        for suffix in export.FORMATS:
            assert export.write_tables(tables, tmp_path / suffix[1:], suffix) == rows
            assert len(list((tmp_path / suffix[1:]).iterdir())) == 3
        lines = (tmp_path / "jsonl" / "test.tick.jsonl").read_text().splitlines()
        assert [json.loads(line)["n"] for line in lines] == [
            row["n"] for row in expected["test:tick"]
        ]
        with pytest.raises(ValueError, match="ends with"):
            export.write_tables(tables, tmp_path / "b", ".txt")
        assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("suffix", export.FORMATS)
def test_folders_without_room(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, threads: int
) -> None:
    """One file fails: none appears, those that were there stay, a new folder goes."""
    make = export.FORMATS[suffix]
    closed: list[str] = []

    class Failing(make):  # type: ignore[misc, valid-type]
        def close(self) -> None:
            closed.append(self._table._what)
            if len(closed) == 3:
                raise OSError(28, "No space left on device")
            super().close()

    monkeypatch.setitem(export.FORMATS, suffix, Failing)
    old = tmp_path / "old"
    old.mkdir()
    (old / f"test.tick{suffix}").write_text("before")
    with tracecmd.open(path) as trace:
        tables = trace.tables(threads=threads)
        for folder in (tmp_path / "new", old):
            closed.clear()
            with pytest.raises(OSError, match="No space left"):
                export.write_tables(tables, folder, suffix)
            assert len(closed) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert [p.name for p in old.iterdir()] == [f"test.tick{suffix}"]
    assert (old / f"test.tick{suffix}").read_text() == "before"


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracecmd", "export", *map(str, words)]
    root = Path(tracecmd.__file__).parent.parent
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, **options)


def test_export(path: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = tmp_path / "all"
    assert run(path, "-o", folder).returncode == 0
    names = {"sched.sched_switch.parquet", "sched.sched_wakeup.parquet", "test.tick.parquet"}
    assert {p.name for p in folder.iterdir()} == names
    assert pq.read_table(folder / "test.tick.parquet").num_rows == 10_000
    assert run(path, "-o", f"{tmp_path}/dot.ted/", "-e", "tick,sched_switch").returncode == 0
    assert len(list((tmp_path / "dot.ted").iterdir())) == 2
    one = tmp_path / "one.jsonl"
    words = ["-e", "tick", "--columns", "ts,n", "--where", "n > 5", "--start", "0.00001"]
    assert run(path, "-o", one, *words, "--end", "18000ns").returncode == 0
    assert one.read_text() == '{"ts":12000,"n":12}\n{"ts":15000,"n":15}\n'
    assert run(path, "-o", one, "-e", "tick", "--end", "0").returncode == 0
    assert one.read_text() == ""


@pytest.mark.parametrize(("words", "says"), [
    (["-e", "tik"], "did you mean 'tick'"),
    (["-e", "tick", "--where", "n >"], "filter: "),
    (["-e", "tick", "--where", "m > 1"], "no field for the filter is named 'm'"),
    (["-e", "tick", "--columns", "m"], "no column of test:tick is named 'm'"),
    (["-e", "tick", "--start", "x"], "x: not a time"),
])  # fmt: skip
def test_export_usage(path: Path, tmp_path: Path, words: list[str], says: str) -> None:
    result = run(path, "-o", tmp_path / "a.csv", *words)
    assert result.returncode == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert run(path, "-o", tmp_path / "a.txt").returncode == 2


def test_export_without_room(path: Path, tmp_path: Path) -> None:
    """A file may not grow: nothing is left, and what was there before stays."""
    out = tmp_path / "a.csv"
    out.write_text("before")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    result = run(path, "-o", out, "-e", "sched_switch", preexec_fn=limit)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert out.read_text() == "before"


MOUNTED = """
mount -t tmpfs -o size="$1" tmpfs "$2" || exit 99
cd "$2"
shift 2
mkdir there
echo before | tee a.parquet a.arrow a.csv a.jsonl there/test.tick.parquet >/dev/null
"$@"
echo "code $?"
find . -type f -exec sh -c 'echo "$1 $(wc -c <"$1")"' - {} ';'
find . -mindepth 1 -type d
"""


def export_to_file_system(size: str, folder: Path, *words: object) -> tuple[str, dict[str, int]]:
    """Export in a new file system of that size; gives what stderr says, and the sizes of the files
    that are left (of folders 0). Its mount is in a namespace of its own, and goes with it."""
    root = Path(tracecmd.__file__).parent.parent
    unshare = (
        ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    )
    command = [*unshare, "sh", "-c", MOUNTED, "sh", size, folder, sys.executable, "-m", "tracecmd"]
    try:
        result = subprocess.run(
            [*map(str, command), "export", *map(str, words)],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no unshare(1), so no file system can be mounted to be filled")
    if result.returncode == 99 or result.stderr.startswith("unshare:"):
        pytest.skip(f"no file system can be mounted to be filled: {result.stderr.strip()}")
    code, *lines = result.stdout.splitlines()
    left = {name.removeprefix("./"): int(bytes or 0) for name, _, bytes in
            (line.partition(" ") for line in lines)}  # fmt: skip
    return f"{code}: {result.stderr}", left


@pytest.mark.parametrize("words", [
    ["-o", "a.parquet"], ["-o", "a.arrow"], ["-o", "a.csv"], ["-o", "a.jsonl"], ["-o", "new"],
    ["-o", "there", "--threads", "2"], ["-o", "new", "--format", "csv", "--threads", "2"],
    ["-o", "new", "--format", "arrow"],
])  # fmt: skip
def test_export_to_a_full_disk(path: Path, tmp_path: Path, words: list[str]) -> None:
    """One line says so; what was there before is all there is."""
    before = dict.fromkeys(
        ["a.parquet", "a.arrow", "a.csv", "a.jsonl", "there/test.tick.parquet"], 7
    )
    before["there"] = 0
    said, left = export_to_file_system("100k", tmp_path, path, *words)
    assert said == "code 1: tracecmd: output: No space left on device\n"
    assert left == before
    said, left = export_to_file_system("100m", tmp_path, path, *words)
    assert said == "code 0: "
    changed = {name: size for name, size in left.items() if before.get(name) != size}
    assert sum(changed.values()) > 100_000


INTERRUPTED = """
import sys, time
from tracecmd import cli, export
for make in export.FORMATS.values():
    make.write = lambda *_: time.sleep(600)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("out", ["a.jsonl", "a.parquet", "new"])
def test_export_interrupted(path: Path, tmp_path: Path, out: str) -> None:
    """In the middle of writing: nothing is left, not even the folder that was made."""
    root = Path(tracecmd.__file__).parent.parent
    words = ["export", str(path), "-o", str(tmp_path / out)]
    command = [sys.executable, "-c", INTERRUPTED, *words]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) as process:
        for _ in range(2000):
            if list(tmp_path.rglob(".*.part")):
                break
            time.sleep(0.005)
        else:
            pytest.fail("nothing was written")
        os.kill(process.pid, signal.SIGINT)
        process.wait()
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_progress_bar(path: Path, tmp_path: Path) -> None:
    """Only where somebody looks: stderr is a terminal."""
    pty = pytest.importorskip("pty")
    main, terminal = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "tracecmd",
        "export",
        path,
        "-o",
        tmp_path / "a.csv",
        "-e",
        "tick",
    ]
    root = Path(tracecmd.__file__).parent.parent
    subprocess.run(command, check=True, cwd=root, stderr=terminal)
    os.close(terminal)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert "%" in shown
    assert "a.csv" in shown
    assert shown.endswith("\r\x1b[K")
    assert run(path, "-o", tmp_path / "b.csv", "-e", "tick").stderr == ""
