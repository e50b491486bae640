"""Texts of the kernel that are not as they should be: symbols, names of tasks, what is no UTF-8."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.export import perfetto

from ..conftest import Trace, Write
from ..writer import FUNCTION, TICK, Buffer, Event, Machine, Page
from .test_perfetto import parse

M = Machine(False, 8)
CALL = FUNCTION.values(ip=0xFFFFFFFF81000205, parent_ip=0xFFFFFFFF81000105).encode(M)
CALLS = [Buffer(cpus={0: [Page(1000, [Event(0, CALL)])]})]
TICKS = [Buffer(cpus={0: [Page(1000, [Event(0, TICK.values(n=1).encode(M))])]})]
KALLSYMS = "ffffffff81000000 T _stext\n{}ffffffff81000200 T do_three\nffffffff81000300 T _etext\n"

# Symbols --------------------------------------------------------------------------------------

FAULTS = [
    ({"kallsyms": KALLSYMS.format("zzz\n")}, "kallsyms: no \"ADDRESS TYPE NAME\" in line 2"),
    ({"printk_formats": "0xffffffff82000000 : \"good\"\nbad\n"}, "printk_formats: no"),
]  # fmt: skip


def last_line(trace: tracecmd.Trace) -> str:
    return b"".join(trace.report()).decode().splitlines()[-1].split()[-1]


@pytest.mark.parametrize(("texts", "says"), FAULTS)
def test_faults_of_symbols_are_problems(write: Write, texts: dict[str, str], says: str) -> None:
    path = write(Trace(buffers=CALLS, **texts))
    with tracecmd.open(path) as trace:
        assert last_line(trace)  # with a number, if need be
        (problem,) = trace.problems
    assert isinstance(problem, tracecmd.CorruptError)
    assert problem.reason.startswith(says)
    assert problem.path == str(path)
    with tracecmd.open(path) as trace:
        assert [str(p) for p in trace.problems] == [str(problem)]  # before anything is read


READERS: dict[str, Callable[[tracecmd.Trace], object]] = {
    "report": last_line,
    "iter": lambda trace: [str(event) for event in trace],
    "table": lambda trace: list(trace.batches()),
    "stat": lambda trace: trace.stat(),
    "at": lambda trace: trace.at(0),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("texts", "says"), FAULTS)
def test_strict_refuses_them(write: Write, texts: dict[str, str], says: str, reader: str) -> None:
    path = write(Trace(buffers=CALLS, **texts))
    with tracecmd.open(path, strict=True) as trace:
        with pytest.raises(tracecmd.CorruptError) as caught:
            READERS[reader](trace)
        assert caught.value.reason.startswith(says)
        assert caught.value.path == str(path)
    with tracecmd.open(write(Trace(buffers=CALLS)), strict=True) as trace:
        READERS[reader](trace)


def test_symbols_that_cannot_be_unpacked(write: Write) -> None:
    """The records are there all the same, with numbers."""
    good = Trace(buffers=CALLS, compression="zlib", kallsyms=KALLSYMS.format("")).write()
    at = good.mark("section KALLSYMS/stored size").offset
    path = write(good.replace(at + 12, b"\xff" * 8))
    with tracecmd.open(write(good.data, "good.dat")) as trace:
        assert last_line(trace) == "do_three"
    with tracecmd.open(path) as trace:
        assert last_line(trace) == "0xffffffff81000205"
        assert [str(event) for event in trace] == ["0xffffffff81000205"]
        (problem,) = trace.problems
        assert isinstance(problem, tracecmd.CorruptError)
    with tracecmd.open(path, strict=True) as trace, pytest.raises(tracecmd.CorruptError):
        last_line(trace)


def test_without_a_page_header_symbols_are_looked_at_too(write: Write) -> None:
    path = write(Trace(buffers=CALLS, kallsyms="zzz\n", header_page=""))
    with tracecmd.open(path) as trace:
        assert [type(p) for p in trace.problems] == [
            tracecmd.UnsupportedError, tracecmd.UnsupportedError, tracecmd.CorruptError,
        ]  # fmt: skip


# Names of tasks -------------------------------------------------------------------------------

CMDLINES = "1 init\n17 worker\x0c9 evil\n  5 padded\n6\ttab\n007 bond\n8 two words \n"
TASKS = {1: "init", 5: "padded", 6: "tab", 7: "bond", 8: "two words ", 17: "worker\x0c9 evil"}


def test_tasks_are_the_cores(write: Write, tmp_path: Path) -> None:
    with tracecmd.open(write(Trace(buffers=TICKS, saved_cmdlines=CMDLINES))) as trace:
        for pid, name in TASKS.items():
            assert trace.comm(pid) == name
            assert trace.pids_of(name) == (pid,)
        for name in ("evil", "9 evil", "worker", "", "<...>", "<idle>"):
            assert trace.pids_of(name) == ()
        assert trace.comm(9) == "<...>"
        perfetto.write(trace, tmp_path / "out.pftrace")
    assert named(tmp_path / "out.pftrace") == TASKS


@pytest.mark.parametrize("line", ["\u00b2 bash", "\u0661 arabic", "1x no", "99999999999 far", "x"])
def test_lines_that_name_no_task(write: Write, tmp_path: Path, line: str) -> None:
    path = write(Trace(buffers=TICKS, saved_cmdlines=f"1 init\n{line}\n2 two\n"))
    with tracecmd.open(path) as trace:
        assert trace.pids_of(line.partition(" ")[2]) == ()
        assert (trace.pids_of("init"), trace.pids_of("two")) == ((1,), (2,))
        perfetto.write(trace, tmp_path / "out.pftrace")
        assert len(trace.problems) == 1
    assert named(tmp_path / "out.pftrace") == {1: "init", 2: "two"}


def test_tasks_of_one_name(write: Write) -> None:
    with tracecmd.open(write(Trace(saved_cmdlines="9 a\n3 a\n3 b\n5 a\n"))) as trace:
        same = tuple(pid for pid in (3, 5, 9) if trace.comm(pid) == "a")
        assert trace.pids_of("a") == same


def named(path: Path) -> dict[int, str]:
    trees = [p.process_tree for p in parse(path).packet if p.HasField("process_tree")]
    return {process.pid: process.cmdline[0] for tree in trees for process in tree.processes}


# What is no UTF-8 -----------------------------------------------------------------------------


@pytest.fixture
def odd(write: Write) -> Path:
    """Names of values, a print fmt and a system with bytes that are no text."""
    form = dataclasses.replace(
        TICK, print_fmt='"n=%s ##", __print_symbolic(REC->n, { 1, "o##n" }, { 2, "two" })'
    )
    data = Trace(buffers=TICKS, events=(form,)).write().data
    assert data.count(b"##") == 2
    return write(data.replace(b"##", b"\xff\xfe").replace(b"test\0", b"te\xe9t\0"))


NAMES = {"1": "o\ufffd\ufffdn", "2": "two"}


def is_valid(metadata: dict[bytes, bytes]) -> bool:
    return all(part.decode() is not None for item in metadata.items() for part in item)


def check(schema: Any) -> None:
    assert is_valid(schema.metadata)
    assert schema.metadata[b"system"].decode() == "te\ufffdt"
    assert "n=%s \ufffd\ufffd" in schema.metadata[b"print_fmt"].decode()
    for field in schema:
        assert is_valid(field.metadata or {})
    assert json.loads(schema.field("n").metadata[b"symbols"]) == NAMES


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_files_are_read_by_those_who_want_utf8(odd: Path, tmp_path: Path, suffix: str) -> None:
    pyarrow, polars = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    out = tmp_path / f"out{suffix}"
    with tracecmd.open(odd) as trace:
        (name,) = [name for name, event in trace.events.items() if event.id == TICK.id]
        table = trace.table(name)
        tracecmd.export.write_table(table, out)
        check(pyarrow.schema(table))
        check(table.to_arrow().schema)
        assert polars.DataFrame(table)["n"].to_list() == [1]
        assert polars.from_arrow(table.to_arrow())["n"].to_list() == [1]
    if suffix == ".arrow":
        with pyarrow.ipc.open_file(out) as file:
            check(file.schema)
        assert polars.read_ipc(out)["n"].to_list() == [1]
        return
    parquet = pytest.importorskip("pyarrow.parquet")
    check(parquet.read_table(out).schema)
    assert polars.read_parquet(out)["n"].to_list() == [1]
    assert polars.scan_parquet(out).select("n").collect()["n"].to_list() == [1]
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"select n from '{out}'").fetchall() == [(1,)]


def test_duckdb_takes_the_table(odd: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    with tracecmd.open(odd) as trace:
        (name,) = [name for name, event in trace.events.items() if event.id == TICK.id]
        table = trace.table(name).to_arrow()
        assert duckdb.from_arrow(table).project("n").fetchall() == [(1,)]
