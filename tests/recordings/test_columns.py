"""Columns of every event of every recording beside what libtraceevent reads of it."""

from __future__ import annotations

import itertools
import json
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import compiler
from . import corpus

pa = pytest.importorskip("pyarrow")

GIVES_UP = {"s390x-tc331-broken-marker.dat", "v6-cut.dat", "v7n-cut.dat", "v7-head-only.dat"}
LATENCY = {"v6-latency.dat", "v7-latency.dat", "v7-hwlat.dat"}
READABLE = [path for path in corpus.SHORT if path.name not in GIVES_UP | LATENCY]


@pytest.fixture(scope="session")
def fields_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("fields") / "fields"
    source = compiler.ROOT / "tests" / "c" / "fields_libtracecmd.c"
    return compiler.compile_with_library(program, source)


def run(program: Path, path: Path, *words: str) -> list[str]:
    result = subprocess.run(
        [program, path, *words], capture_output=True, text=True, timeout=300, check=False
    )
    if result.returncode == 1:
        # Not all libraries are built with zlib.
        assert b"zlib\0" in path.read_bytes()[:64] or "tc331-broken" in path.name, result.stderr
        pytest.skip("libtracecmd cannot open this recording")
    assert result.returncode == 0, result.stderr
    assert "ended early" not in result.stderr
    return result.stdout.splitlines()


WIDTHS = {
    **dict.fromkeys(("u16", "unsigned short"), 2),
    **dict.fromkeys(("int", "unsigned int", "u32", "__u32", "__le32"), 4),
    **dict.fromkeys(("u64", "__u64", "long long", "unsigned long long"), 8),
}


class Reader:
    """What a field's column should hold, by libtraceevent's bytes and the declaration."""

    def __init__(self, trace: tracecmd.Trace, event: tracecmd.EventFormat) -> None:
        self.event = event
        self.order = "<" if trace.byteorder == "little" else ">"
        self.long = next(
            (f.size for e in trace.events.values() for f in e.fields.values()
             if f.type in ("unsigned long", "long")), 8,
        )  # fmt: skip

    def is_bitmask(self, field: tracecmd.Field) -> bool:
        helpers = ("bitmask", "rel_bitmask", "cpumask", "rel_cpumask")
        return field.is_dynamic and (
            "cpumask" in field.type
            or any(f"__get_{h}({field.name})" in self.event.print_fmt for h in helpers)
        )

    def bits(self, data: bytes) -> list[int]:
        words = struct.unpack(
            self.order + {4: "I", 8: "Q"}[self.long] * (len(data) // self.long), data
        )
        return [
            self.long * 8 * i + bit
            for i, word in enumerate(words)
            for bit in range(64)
            if word >> bit & 1
        ]

    def expected(self, field: tracecmd.Field, text: str) -> Any:
        if text == "-":
            return None
        if text[0] == "n":
            number = int(text[1:])
            return bool(number) if field.type == "bool" else number
        data = bytes.fromhex(text[1:])
        element = (
            field.type.removeprefix("__data_loc ")
            .removeprefix("__rel_loc ")
            .partition("[")[0]
            .strip()
        )
        raw = str(self.event) in ("ftrace:raw_data", "ftrace:bprint") and field.name == "buf"
        if element in ("char", "const char") and not raw:
            return data.split(b"\0")[0].decode(errors="replace")
        if self.is_bitmask(field):
            return self.bits(data)
        width = (
            self.long if "long" in element and "long long" not in element else WIDTHS.get(element)
        )
        if not field.is_array or width is None or raw:
            return data
        letter = {1: "b", 2: "h", 4: "i", 8: "q"}[width]
        letter = letter if field.is_signed else letter.upper()
        count = len(data) // width
        values = list(struct.unpack(self.order + letter * count, data[: width * count]))
        if str(self.event) == "ftrace:kernel_stack":
            values = list(itertools.takewhile(lambda v: v != (1 << 8 * width) - 1, values))
        return values


def column_of(event: tracecmd.EventFormat, field: str) -> str:
    """The column of a field in a table of its event; cpu, event... are the record's own."""
    own = ("ts", "cpu", "event", "system", "buffer", "peer", "missed_events")
    return f"{event.name}.{field}" if field in own else field


def lines_by_event(lines: Iterable[str]) -> dict[int, list[list[str]]]:
    found: dict[int, list[list[str]]] = defaultdict(list)
    for line in lines:
        words = line.split(" ")
        found[int(words[0])].append(words[1:])
    return found


@pytest.mark.parametrize("path", READABLE, ids=corpus.name_of)
def test_all_values(path: Path, fields_program: Path) -> None:
    lines = lines_by_event(run(fields_program, path))
    with tracecmd.open(path) as trace:
        assert trace.stat().records == sum(map(len, lines.values()))
        for number, records in lines.items():
            event = trace.events.by_id(number)
            assert event is not None
            table = trace.table(str(event), ts="uint64").to_arrow()
            table.validate(full=True)
            got = [table.column(name).to_pylist() for name in ("ts", "cpu", "common_pid")]
            for column, place in zip(got, range(3), strict=True):
                assert column == [int(words[place]) for words in records], (event, place)
            reader = Reader(trace, event)
            readable = itertools.takewhile(lambda f: not f.is_opaque, event.fields.values())
            for place, field in enumerate(readable, 3):
                if field.is_dynamic and field.size == 8 and trace.byteorder == "big":
                    continue  # synthetic events: libtraceevent takes the last four bytes
                values = table.column(column_of(event, field.name)).to_pylist()
                expected = [reader.expected(field, words[place]) for words in records]
                assert values == expected, (str(event), field)


def plain(table: Any) -> Any:
    """Without dictionaries, which need not have their values in one order."""
    return pa.table(
        [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns],
        names=table.column_names,
    )


@pytest.mark.parametrize("path", [p for p in READABLE if "-lost" in p.name], ids=corpus.name_of)
def test_losses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several threads the same as of one, and in all events the same as events tell."""
    monkeypatch.setattr("tracecmd.columns.scan.WINDOW_BYTES", 1)
    with tracecmd.open(path) as trace:
        stat = trace.stat()
        columns = ["ts", "cpu", "missed_events"]
        for events, where in ((None, None), ("sched_switch", None), (None, "common_pid == 0")):
            tables = [
                trace.table(events, columns=columns, where=where, threads=threads).to_arrow()
                for threads in (1, 2)
            ]
            assert tables[0].equals(tables[1])
            lost = tables[0]["missed_events"].to_pylist()
            if where is None:
                assert lost == [event.missed_events for event in trace.iter(events)]
            assert 0 < sum(n for n in lost if n > 0) <= stat.missed_events


@pytest.mark.parametrize("path", READABLE, ids=corpus.name_of)
def test_tables_read_together(path: Path) -> None:
    """All events in one walk give what each of them gives."""
    with tracecmd.open(path) as trace:
        tables = trace.tables(batch_rows=1000)
        found = tables.to_arrow()
        assert sum(table.num_rows for table in found.values()) == sum(
            count for name, count in trace.stat().events.items() if name in trace.events
        )
        for name, table in tables.items():
            found[name].validate(full=True)
            assert plain(found[name]).equals(plain(table.to_arrow())), name


@pytest.mark.parametrize("path", READABLE[::3], ids=corpus.name_of)
def test_names_of_values(path: Path) -> None:
    """Every column's metadata has the names that its event's format gives."""
    with tracecmd.open(path) as trace:
        for name, event in trace.events.items():
            schema = pa.schema(trace.table(name))
            for field in event.fields:
                found = schema.field(column_of(event, field)).metadata.get(b"symbols")
                names = {int(k): v for k, v in json.loads(found).items()} if found else None
                assert names == event.symbols.get(field), (name, field)


STACKS = {"v7-stack.dat": "ftrace:kernel_stack", "v7-userstack.dat": "ftrace:user_stack"}


@pytest.mark.parametrize("path", [p for p in READABLE if p.name in STACKS], ids=corpus.name_of)
def test_stacks(path: Path) -> None:
    """Lists of addresses; the user's hold all entries that the report shows."""
    name = STACKS[path.name]
    with tracecmd.open(path) as trace:
        table = trace.table(name).to_arrow()
        assert table.schema.field("caller").type == pa.list_(pa.uint64())
        stacks = table["caller"].to_pylist()
        texts = [event.text() for event in trace.iter(name)]
    assert len(stacks) == len(texts) > 30
    for stack, text in zip(stacks, texts, strict=True):
        lines = [line for line in text.splitlines() if "=> " in line]
        assert len(lines) == len(stack)
        if name == "ftrace:user_stack":
            assert [int(line.split("=> ")[1], 16) for line in lines] == stack


FILTERS = [
    "sched/sched_switch: prev_state == 0",
    "sched_switch: prev_state != 0 && next_pid > 100",
    "sched_switch: prev_pid == 0 || (next_pid == 0 && prev_prio > 100)",
    "sched_switch: !(prev_pid == 0) && next_prio <= 120",
    "sched_switch: !prev_pid == 0 || next_prio < 1",
    "sched_switch: prev_state & 1",
    "sched_switch: prev_state & 0x83 || next_pid ^ 0",
    'sched_switch: next_comm == "swapper/0"',
    'sched_switch: next_comm != "swapper/0"',
    'sched_switch: next_comm =~ "swap"',
    'sched_switch: next_comm =~ "^SWAP.*0$"',
    'sched_switch: next_comm !~ "swap"',
    'sched_switch: next_comm =~ "work\\|rcu"',
    'sched.*: COMM == "<idle>"',
    'sched_switch: COMM =~ "i"',
    ".*: CPU == 1",
    "irq,sched/sched_wak.* : CPU != 0 && common_pid > 0",
    "raw_syscalls/sys_exit: ret > 1000",
    "raw_syscalls/sys_exit: ret < 0",
    "SCHED/Sched_Switch: prev_prio - 120",
    "sched: bogus == 1 || common_pid == 2",
    "sched: !(bogus == 1)",
    "sched: bogus != 1",
    "irq: bogus & 1 || vec == 1",
    'irq_handler_entry: name =~ "v"',
    "timer: function == \"tick_nohz_handler\"",
    "timer: function =~ \"timer\"",
    'workqueue,timer: function != "x"',
    "sched_switch: prev_prio + 0 && next_prio % 7 && next_pid * 3 && next_pid / 100",
    "sched_switch: prev_prio << 57",
    "sched_switch: prev_prio >> 4",
    "sched_switch: prev_prio | 0",
]  # fmt: skip
# What where= wants to be said otherwise.
UNCLEAR_FILTERS = {
    "sched: prev_pid == 0 || next_pid == 0 && prev_prio > 100":
        "sched: (prev_pid == 0 || next_pid == 0) && prev_prio > 100",
    "sched_switch: prev_pid == 0 && next_prio > 100 || prev_prio == 120":
        "sched_switch: (prev_pid == 0 && next_prio > 100) || prev_prio == 120",
    "sched_switch: prev_pid == '0x0'": "sched_switch: prev_pid == 0",
}  # fmt: skip
WRONG_FILTERS = [
    "sched_switch: ",
    "sched_switch: prev_pid",
    "sched_switch: == 3",
    "sched_switch: (prev_pid == 3",
    "sched_switch: prev_pid == 3)",
    "sched_switch: prev_pid = 3",
    "sched_switch: prev_pid == 3 == 3",
    "sched_switch: prev_pid & 1 == 1",
    "sched_switch: prev_pid =~ 3",
    'sched_switch: prev_comm > "x"',
    'sched_switch: prev_comm =~ "\\("',
    'sched_switch: "x" == prev_comm',
    "sched_switch: prev_pid === 3",
    "no_such_event: prev_pid == 3",
    ": prev_pid == 3",
    "sched_switch: prev_pid == 3, next_pid == 4",
]


# libtraceevent takes these, and then compares with nothing.
UNFINISHED_FILTERS = [
    "sched_switch: prev_pid ==",
    "sched_switch: prev_pid == 3 &&",
    "sched_switch: prev_pid == bogus",
]


def rows(table: Any) -> Iterator[str]:
    for batch in table.batches():
        arrow = batch.to_arrow()
        for ts, cpu in zip(*(column.to_pylist() for column in arrow.columns), strict=True):
            yield f"{ts} {cpu}"


@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("path", READABLE[::4], ids=corpus.name_of)
def test_filters(path: Path, fields_program: Path, where: str) -> None:
    result = subprocess.run(
        [fields_program, path, where], capture_output=True, text=True, check=False
    )
    if result.returncode == 1:
        pytest.skip("libtracecmd cannot open this recording")
    with tracecmd.open(path) as trace:
        if result.returncode == 3:
            with pytest.raises(tracecmd.FilterError):
                trace.table(columns=["ts", "cpu"], where=where)
            return
        assert result.returncode == 0, result.stderr
        try:
            table = trace.table(columns=["ts", "cpu"], where=where, ts="uint64")
        except tracecmd.UnknownFieldError:  # stricter: a name that is a field of no event
            assert "bogus" in where or not result.stdout
            return
        assert list(rows(table)) == result.stdout.splitlines()


@pytest.mark.parametrize("where", UNCLEAR_FILTERS)
def test_unclear_filters(fields_program: Path, where: str) -> None:
    """A report takes them as trace-cmd does."""
    path = corpus.DATA / "i386-v6.dat"
    result = subprocess.run(
        [fields_program, path, where], capture_output=True, text=True, check=True
    )
    expected = result.stdout.splitlines()
    assert expected
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.FilterError, match=r"parentheses|is a number"):
            trace.table(columns=["ts", "cpu"], where=where)
        lines = b"".join(trace.report(filters=[where])).splitlines()
        assert len(lines) == 1 + len(expected)
        clear = trace.table(columns=["ts", "cpu"], where=UNCLEAR_FILTERS[where], ts="uint64")
        assert list(rows(clear)) == expected


@pytest.mark.parametrize("where", WRONG_FILTERS)
def test_wrong_filters(fields_program: Path, where: str) -> None:
    path = next(p for p in READABLE if p.name.startswith(("v7", "arm64", "i386")))
    result = subprocess.run(
        [fields_program, path, where], capture_output=True, text=True, check=False
    )
    assert result.returncode == 3, result.stdout
    with tracecmd.open(path) as trace, pytest.raises(tracecmd.FilterError, match="filter: "):
        trace.table(columns=["ts", "cpu"], where=where)


@pytest.mark.parametrize("where", UNFINISHED_FILTERS)
def test_unfinished_filters(where: str) -> None:
    wrong = (tracecmd.FilterError, tracecmd.UnknownFieldError)
    with tracecmd.open(READABLE[0]) as trace, pytest.raises(wrong):
        trace.table(columns=["ts", "cpu"], where=where)


SESSIONS = [folder for folder in corpus.SESSIONS if (folder / "trace.dat").exists()]


@pytest.mark.parametrize("folder", SESSIONS[:3], ids=lambda folder: folder.name)
def test_sessions(folder: Path) -> None:
    """The peers' records on one clock, as Session.iter() has them."""
    with tracecmd.open_session(folder) as session:
        expected = [(e.ts, e.peer, e.cpu, e.pid) for e in session.iter("sched_switch")]
        columns = ["ts", "peer", "cpu", "common_pid", "next_comm"]
        table = session.table("sched_switch", columns=columns, ts="uint64")
        found = [tuple(row.values())[:4] for row in table.to_arrow().to_pylist()]
        assert found == expected
        peers = {row[1] for row in found}
        assert len(peers) > 1
        some = session.table(
            "sched_switch", columns=["peer", "next_pid"], where="sched_switch: next_pid == 0"
        )
        rows = some.to_arrow().to_pylist()
        assert {row["next_pid"] for row in rows} == {0}
        assert {row["peer"] for row in rows} == peers
        one = session.table("sched_switch", columns=["peer"], peers=["host"]).to_arrow()
        assert set(one["peer"].to_pylist()) == {"host"}
        known = [set(trace.events) for name, trace in session.guests.items()]
        host_only = sorted(set(session.host.events).difference(*known))
        for event in host_only[:1]:  # a filter for what only one of the files knows
            system, _, name = event.partition(":")
            table = session.table(columns=["peer", "cpu"], where=f"{system}/{name}: CPU >= 0")
            assert set(table.to_arrow()["peer"].to_pylist()) <= {"host"}
        with pytest.raises(tracecmd.FilterError, match="no event fits"):
            session.table(columns=["peer"], where="no_such_event: CPU >= 0")
