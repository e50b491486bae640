"""Columns of symbols: the names that reports show, beside the addresses."""

from __future__ import annotations

import dataclasses
import json
import random
import resource
import sys
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import export
from tracecmd.cli import main

from .. import writer
from ..conftest import Trace, Write
from ..writer import FUNCTION, Buffer, EventFormat, Field, Machine, Values

pa = pytest.importorskip("pyarrow")

BASE = 0xFFFFFFFF81000000
KALLSYMS = (
    "ffffffff81000000 T _stext\nffffffff81000100 T do_one\nffffffff81000180 t do_two\n"
    "ffffffff81000200 T do_three\t[some_module]\nffffffff81000300 T _etext\n"
)
STACK = EventFormat(
    "ftrace", "kernel_stack", 4,
    (Field("int size", 4, signed=True), Field("unsigned long caller[8]", 64)),
    '"\\t=> %ps\\n", (void *)REC->caller[0]',
)  # fmt: skip
USER_STACK = EventFormat(
    "ftrace", "user_stack", 12,
    (Field("unsigned int tgid", 4), Field("unsigned long caller[8]", 64)),
    '"\\t=> %ps\\n", (void *)REC->caller[0]',
)  # fmt: skip
ENTRY = EventFormat(  # as kernels before 2.6.36 have it
    "ftrace", "funcgraph_entry", 11,
    (Field("unsigned long func", "long"), Field("int depth", 4, signed=True)),
    '"--> %lx (%d)", REC->func, REC->depth',
)  # fmt: skip
PLACES = EventFormat(
    "test", "places", 910,
    (Field("void * function", "long"), Field("unsigned long ip", "long"), Field("u64 plain", 8),
     Field("char comm[16]", 16), Field("u16 half", 2), Field("unsigned long pair[2]", 16),
     Field("__data_loc unsigned long[] stack", 4)),
    '"%ps %pS %llx %pS %pS %pF %s", REC->function, (void *)(unsigned long)REC->ip, REC->plain, '
    'REC->comm, (void *)(unsigned long)REC->half, (void *)REC->pair[1], __get_stacktrace(stack)',
)  # fmt: skip
OTHER = EventFormat(
    "test", "other", 911, (Field("unsigned long ip", "long"), Field("u32 n", 4)),
    '"%lx %u", REC->ip, REC->n',
)  # fmt: skip
FTRACE = (*writer.FTRACE_EVENTS, STACK, USER_STACK, ENTRY)
ADDRESSES = [BASE + 0x105, BASE + 0x180, 0x10, BASE + 0x2FF, BASE + 0x300, BASE + 0x301, 0]
NAMES = ["do_one", "do_two", None, "do_three", "_etext", None, None]


def stack_format(machine: Machine) -> EventFormat:
    caller = Field("unsigned long caller[8]", 8 * machine.long_size)
    return dataclasses.replace(STACK, fields=(STACK.fields[0], caller))


def stack(machine: Machine, *addresses: int) -> bytes:
    long = machine.long_size
    form = stack_format(machine)
    raw = form.values(pid=1, size=len(addresses), caller=bytes(8 * long)).encode(machine)
    return raw[: -8 * long] + b"".join(
        machine.pack(long, a & (1 << 8 * long) - 1) for a in addresses
    )


def make(events: list[Values | bytes], machine: Machine, **options: Any) -> Trace:
    pages = writer.fill_pages([(1000 + i, event) for i, event in enumerate(events)], machine)
    return Trace(
        big_endian=machine.big_endian,
        long_size=machine.long_size,
        ftrace_events=[stack_format(machine) if f is STACK else f for f in FTRACE],
        events=(*writer.EVENTS, PLACES, OTHER),
        buffers=[Buffer(cpus={0: pages})],
        **{"kallsyms": KALLSYMS, **options},
    )


def calls(addresses: list[int]) -> list[Values | bytes]:
    both = zip(addresses, reversed(addresses), strict=True)
    return [FUNCTION.values(pid=1, ip=a, parent_ip=b) for a, b in both]


M = Machine(False, 8)


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("machine", [M, Machine(True, 8)], ids=["little", "big"])
def test_functions(write: Write, machine: Machine, dictionary: bool) -> None:
    with tracecmd.open(write(make(calls(ADDRESSES), machine))) as trace:
        table = trace.table("function", symbols=True, dictionary=dictionary)
        assert table.column_names[6:] == ("ip", "ip_symbol", "parent_ip", "parent_ip_symbol")
        arrow = table.to_arrow()
        arrow.validate(full=True)
        assert arrow["ip_symbol"].to_pylist() == NAMES
        assert arrow["parent_ip_symbol"].to_pylist() == NAMES[::-1]
        assert pa.types.is_dictionary(arrow.schema.field("ip_symbol").type) == dictionary
        assert arrow.schema.field("ip_symbol").metadata == {b"symbol_of": b"ip"}
        assert arrow.schema.field("ip").metadata[b"c_type"] == b"unsigned long"
        assert not any("symbol" in name for name in trace.table("function").column_names)


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("machine", [M, Machine(True, 4)], ids=["64", "32"])
def test_stacks(write: Write, machine: Machine, dictionary: bool) -> None:
    text = KALLSYMS if machine.long_size == 8 else KALLSYMS.replace("ffffffff8", "8")
    short = make(
        [stack(machine, *ADDRESSES, -1, BASE), stack(machine, -1), stack(machine, BASE + 0x100),
         stack(machine)[:-4]],
        machine, kallsyms=text,
    )  # fmt: skip
    with tracecmd.open(write(short)) as trace:
        arrow = trace.table("kernel_stack", symbols=True, dictionary=dictionary).to_arrow()
        arrow.validate(full=True)
        rows = arrow["caller_symbol"].to_pylist()
        assert [row and len(row) for row in arrow["caller"].to_pylist()] == [
            row and len(row) for row in rows
        ]
        assert rows == [NAMES, [], ["do_one"], None]


def test_users_stacks_are_of_another_memory(write: Write) -> None:
    raw = USER_STACK.values(pid=1, tgid=1, caller=M.pack(8, BASE + 0x100) * 8).encode(M)
    with tracecmd.open(write(make([raw], M))) as trace:
        assert not trace.events["user_stack"].symbol_fields
        assert "caller_symbol" not in trace.table("user_stack", symbols=True).column_names
        with pytest.raises(tracecmd.UnknownFieldError):
            trace.table("user_stack", columns=["caller_symbol"])


def test_fields_that_print_fmts_show(write: Write) -> None:
    """Addresses alone, not texts or small numbers whose print fmt says so."""
    two = [BASE + 0x100, BASE + 0x180]
    packed = b"".join(M.pack(8, a) for a in two)
    raw = PLACES.values(
        pid=1, function=two[0], ip=two[1], plain=two[0], comm="x", half=3, pair=packed, stack=packed
    )
    with tracecmd.open(write(make([raw], M))) as trace:
        form = trace.events["places"]
        assert form.symbol_fields == {"function", "ip", "pair", "stack"}
        row = trace.table("places", symbols=True).to_arrow().to_pylist()[0]
        named = {name: value for name, value in row.items() if name.endswith("_symbol")}
        assert named == {
            "function_symbol": "do_one", "ip_symbol": "do_two",
            "pair_symbol": ["do_one", "do_two"], "stack_symbol": ["do_one", "do_two"],
        }  # fmt: skip
        assert str(next(iter(trace))).startswith("do_one do_two+0x0 ")


def test_formats_too_old_to_say(write: Write) -> None:
    with tracecmd.open(write(make([ENTRY.values(pid=1, func=BASE + 0x101, depth=0)], M))) as trace:
        assert trace.table("funcgraph_entry", symbols=True).to_arrow()[
            "func_symbol"
        ].to_pylist() == ["do_one"]


def test_columns_by_name(write: Write) -> None:
    events = [
        FUNCTION.values(pid=1, ip=BASE + 0x100, parent_ip=0),
        OTHER.values(pid=1, ip=BASE, n=1),
    ]
    with tracecmd.open(write(make(events, M))) as trace:
        table = trace.table("function", columns=["ip_symbol", "ts"])
        assert table.column_names == ("ip_symbol", "ts")
        assert table.to_arrow()["ip_symbol"].to_pylist() == ["do_one"]
        again = trace.table("function", columns=["ip", "ip_symbol", "common_pid"], symbols=True)
        assert again.column_names == ("ip", "ip_symbol", "common_pid")
        both = ["function", "other"]
        with pytest.raises(tracecmd.UnknownFieldError):  # of the other it is a number
            trace.table(both, columns=["ip_symbol"])
        assert trace.table(both, columns=["ip"], symbols=True).column_names == ("ip",)
        of_one = trace.table(both, columns=["ip", "function.ip_symbol"]).to_arrow()
        assert of_one["function.ip_symbol"].to_pylist() == ["do_one", None]
        qualified = trace.table(both, columns=["function.ip"], symbols=True)
        assert qualified.column_names == ("function.ip", "function.ip_symbol")
        with pytest.raises(tracecmd.UnknownFieldError, match="ip_symbols"):
            trace.table("function", columns=["ip_symbols"])


def test_no_symbols_known(write: Write) -> None:
    """No guess: all null, and the types are the same."""
    events = [*calls(ADDRESSES), stack(M, *ADDRESSES)]
    with tracecmd.open(write(make(events, M, kallsyms=""))) as trace:
        assert trace.table("function", symbols=True).to_arrow()["ip_symbol"].null_count == 7
        rows = trace.table("kernel_stack", symbols=True).to_arrow()["caller_symbol"].to_pylist()
        assert rows == [[None] * 7]


def test_a_former_boot(write: Write) -> None:
    """As texts have it: records of then are named by where things lie now."""
    then = BASE + 0x5000000
    boot = writer.LastBootInfo(f":{then:x} [kernel]\n")
    text = f"{BASE:x} T _text\n" + KALLSYMS
    trace = make(calls([then + 0x105, then + 0x180]), M, kallsyms=text, options=[boot])
    with tracecmd.open(write(trace)) as opened:
        table = opened.table("function", symbols=True).to_arrow()
        expected = [s and s.name for s in map(opened.symbol, table["ip"].to_pylist())]
        assert table["ip_symbol"].to_pylist() == expected


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 calls of 20,000 functions, in batches of few, on two CPUs."""
    rng = random.Random(1)
    text = "".join(f"{BASE + 16 * i:x} T function_{i}\n" for i in range(20_001))
    cpus = {}
    for cpu in range(2):
        events: list[Values | bytes] = [
            FUNCTION.values(pid=1, ip=BASE + rng.randrange(320_000), parent_ip=rng.randrange(9))
            if rng.random() < 0.8
            else stack(M, *(BASE + rng.randrange(320_000) for _ in range(rng.randrange(9))))
            for _ in range(20_000)
        ]
        cpus[cpu] = writer.fill_pages([(1000 + 10 * i, e) for i, e in enumerate(events)], M)
    path = tmp_path_factory.mktemp("many") / "trace.dat"
    trace = Trace(ftrace_events=FTRACE, kallsyms=text, buffers=[Buffer(cpus=cpus)])
    path.write_bytes(trace.write().data)
    return path


def named(addresses: list[Any]) -> list[Any]:
    return [
        named(a) if isinstance(a, list)
        else f"function_{(a - BASE) // 16}" if a >= BASE else None
        for a in addresses
    ]  # fmt: skip


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("event", "field"), [("function", "ip"), ("kernel_stack", "caller")])
def test_consumers(many: Path, event: str, field: str, threads: int) -> None:
    """Dictionaries of many batches, each with its own, whoever reads them."""
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    np = pytest.importorskip("numpy")
    column = f"{field}_symbol"
    with tracecmd.open(many) as trace:
        table = trace.table(event, symbols=True, batch_rows=1000, threads=threads, ts="uint64")
        arrow = table.to_arrow()
        arrow.validate(full=True)
        expected = named(arrow[field].to_pylist())
        assert len(expected) > 7000
        assert arrow[column].to_pylist() == expected
        assert table.to_polars()[column].to_list() == expected
        assert polars.DataFrame(table)[column].to_list() == expected
        relation = duckdb.from_arrow(table)
        assert [row[0] for row in relation.select(column).fetchall()] == expected
        arrays = table.to_numpy()[column].tolist()
        assert [v.tolist() if isinstance(v, np.ndarray) else v for v in arrays] == expected
        assert table.without_dictionaries().to_arrow()[column].to_pylist() == expected
        reverse = trace.table(event, symbols=True, reverse=True, threads=threads).to_arrow()
        assert reverse[column].to_pylist() == named(reverse[field].to_pylist())


def test_tables_of_one_pass(many: Path) -> None:
    with tracecmd.open(many) as trace:
        tables = trace.tables(["function", "kernel_stack"], symbols=True).to_arrow()
        for event, field in (("ftrace:function", "ip"), ("ftrace:kernel_stack", "caller")):
            table = tables[event]
            assert table[f"{field}_symbol"].to_pylist() == named(table[field].to_pylist())
        # One of the two wants them only.
        mixed = tracecmd.Tables({
            "a": trace.table("function"), "b": trace.table("kernel_stack", symbols=True),
        })  # fmt: skip
        assert mixed.to_arrow()["b"]["caller_symbol"].null_count == 0


def test_export(write: Write, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet as pq

    path = write(make([*calls(ADDRESSES), stack(M, *ADDRESSES[:3]), stack(M)], M))

    def run(name: str, event: str) -> Path:
        out = tmp_path / name
        assert main(["export", str(path), "-o", str(out), "-e", event, "--symbols", "-q"]) == 0
        return out

    stacks = [NAMES[:3], []]
    for suffix in export.FORMATS:
        function = run(f"function{suffix}", "function")
        caller = run(f"stack{suffix}", "kernel_stack")
        if suffix == ".jsonl":
            rows = [json.loads(line) for line in function.read_text().splitlines()]
            lists = [json.loads(line)["caller_symbol"] for line in caller.read_text().splitlines()]
        elif suffix == ".csv":
            rows = [
                {**row, "ip_symbol": row["ip_symbol"] or None}
                for row in pyarrow.csv.read_csv(function).to_pylist()
            ]
            lists = [
                json.loads(r["caller_symbol"]) for r in pyarrow.csv.read_csv(caller).to_pylist()
            ]
        else:
            read = pq.read_table if suffix == ".parquet" else pyarrow.feather.read_table
            rows = read(function).to_pylist()
            lists = read(caller)["caller_symbol"].to_pylist()
        assert [row["ip_symbol"] for row in rows] == NAMES
        assert lists == stacks
    folder = tmp_path / "all"
    folder.mkdir()
    assert main(["export", str(path), "-o", str(folder), "--symbols", "-q"]) == 0
    assert pq.read_table(folder / "ftrace.function.parquet")["ip_symbol"].to_pylist() == NAMES
    wrong = ["export", str(path), "-o", str(tmp_path / "a.pftrace"), "--symbols", "-q"]
    assert main(wrong) == 2


def test_closed_meanwhile(many: Path) -> None:
    trace = tracecmd.open(many)
    table = trace.table("function", symbols=True, batch_rows=1000)
    batches = table.batches()
    next(batches)
    trace.close()
    for read in (lambda: list(batches), table.to_arrow):
        with pytest.raises(tracecmd.ClosedError):
            read()


def test_peers_have_symbols_of_their_own(tmp_path: Path) -> None:
    paths = []
    for name, number, kallsyms in (("a", 1, KALLSYMS), ("b", 2, KALLSYMS.replace("do_", "guest_"))):
        options = [writer.TraceId(number)]
        if name == "a":
            options.append(writer.Guest("b", 2, {0: 500}))
        trace = make(calls([BASE + 0x100]), M, kallsyms=kallsyms, options=options)
        paths.append(tmp_path / f"{name}.dat")
        paths[-1].write_bytes(trace.write().data)
    with tracecmd.open_session(*paths) as session:
        table = session.table("function", columns=["peer", "ip_symbol"]).to_arrow()
        assert sorted(map(tuple, (row.values() for row in table.to_pylist()))) == [
            ("b", "guest_one"), ("host", "do_one"),
        ]  # fmt: skip


def test_hostile_names(write: Write) -> None:
    """Bytes that are no UTF-8, and a name of a megabyte in every row: an answer or a clear end."""
    long = "x" * (1 << 20)
    text = f"{BASE:x} T f\udcff\n{BASE + 16:x} T {long}\n{BASE + 32:x} T z\n"
    raw = text.encode(errors="surrogateescape")
    trace = make(calls([BASE, BASE + 17] * 2000), M, kallsyms=raw)
    with tracecmd.open(write(trace)) as opened:
        arrow = opened.table("function", symbols=True).to_arrow()
        assert set(arrow["ip_symbol"].unique().to_pylist()) == {"f\ufffd", long}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = 0
        for batch in opened.table("function", symbols=True, dictionary=False).batches():
            rows += len(batch)
        assert rows == 4000
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < (1 << 20) or sys.platform == "darwin"  # KB: a batch ends with 64 MB
        binary = opened.table("function", symbols=True, invalid_utf8="binary").to_arrow()
        assert b"f\xff" in binary["ip_symbol"].unique().to_pylist()
