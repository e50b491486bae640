"""Export into a pipe, and the fields of several events as JSON lines."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import export

from .busy import write_busy
from .conftest import open_terminal

pa = pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
HOST = DATA / "sessions" / "kvm-small" / "trace.dat"
FGRAPH = DATA / "k72-fgraph.dat"
ROWS = 9000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_busy(tmp_path_factory.mktemp("busy"), ROWS)


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tracecmd", "export", *map(str, words), "-o", "-"]
    root = Path(tracecmd.__file__).parent.parent
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        command, stderr=subprocess.PIPE, check=False, env={**os.environ, "PYTHONPATH": str(root)},
        **options,
    )  # fmt: skip


def read_back(form: str, data: bytes) -> Any:
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet as pq

    file = io.BytesIO(data)
    if form == "arrow":  # a stream, as a pipe can be read
        return pa.ipc.open_stream(file).read_all()
    read = {"csv": pyarrow.csv.read_csv, "feather": pyarrow.feather.read_table,
            "parquet": pq.read_table}[form]  # fmt: skip
    return read(file)


def test_a_pipe_gets_what_a_file_gets(path: Path) -> None:
    with tracecmd.open(path) as trace:
        table = trace.table("sched_switch")
        rows = table.to_arrow().to_pylist()
        plain = trace.table("sched_switch", ts="uint64").to_arrow().to_pylist()
        for suffix in export.FORMATS:
            out = io.BytesIO()
            assert export.write_stream(table, out, suffix, **(
                {"row_group_rows": 1500} if suffix == ".parquet" else {}
            )) == len(rows)  # fmt: skip
            if suffix == ".jsonl":
                back = [json.loads(line) for line in out.getvalue().splitlines()]
            else:
                back = read_back(suffix[1:], out.getvalue()).to_pylist()
            assert back == (plain if suffix in (".csv", ".jsonl") else rows)
        with pytest.raises(ValueError, match="ends with"):
            export.write_stream(table, io.BytesIO(), ".txt")


@pytest.mark.parametrize("form", ["csv", "arrow", "parquet"])
def test_command_writes_to_stdout(path: Path, form: str) -> None:
    result = run(path, "-e", "test:t?ck", "--format", form)
    assert (result.returncode, result.stderr) == (0, b"")
    assert read_back(form, result.stdout).column("n").to_pylist() == list(range(0, ROWS, 3))


def test_stdout_that_takes_nothing(path: Path) -> None:
    main, terminal = open_terminal()
    result = run(path, "-e", "tick", stdout=terminal)
    assert result.returncode == 2
    assert result.stderr == (
        b"tracecmd: parquet is binary, and stdout a terminal: --format csv or jsonl\n"
    )
    assert run(path, "-e", "tick", "--end", "0", "--format", "csv", stdout=terminal).returncode == 0
    os.close(terminal)
    assert os.read(main, 1 << 16).startswith(b'"ts","cpu"')
    os.close(main)
    if os.path.exists("/dev/full"):
        for form in ("jsonl", "parquet"):
            with open("/dev/full", "wb") as full:
                result = run(path, "-e", "tick", "--format", form, stdout=full)
            assert result.returncode == 1
            assert result.stderr == b"tracecmd: output: No space left on device\n"
    reader, pipe = os.pipe()
    os.close(reader)
    assert run(path, "-e", "tick", stdout=pipe).returncode == 141
    os.close(pipe)


def json_rows(table: Any) -> list[dict[str, Any]]:
    out = io.BytesIO()
    export.write_stream(table, out, ".jsonl")
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("source", [HOST, FGRAPH], ids=lambda source: source.stem)
def test_json_lines_have_the_fields_of_their_event(source: Path) -> None:
    """Those of an event are what its own table gives, with the event's name; in time order."""
    with tracecmd.open(source) as trace:
        counted = list(trace.stat().events)
        for symbols in (False, True):
            rows = json_rows(trace.table(counted, symbols=symbols, batch_rows=1000))
            in_order = zip(rows, trace.iter(), strict=True)
            assert all((r["ts"], r["event"], r["cpu"]) == (e.ts, e.name, e.cpu)
                       for r, e in in_order)  # fmt: skip
            for name, table in trace.tables(counted, symbols=symbols).items():
                own = [{k: v for k, v in row.items() if k != "event"}
                       for row in rows if name.endswith(":" + row["event"])]  # fmt: skip
                assert own == json_rows(table), name
        assert any(key.endswith("_symbol") for row in rows for key in row) == (source == FGRAPH)


def test_json_lines_of_all_events(path: Path) -> None:
    """Each row of its event; only columns that are asked for by name are of all."""
    result = run(path, "--format", "jsonl")
    with tracecmd.open(path) as trace:
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        assert lines == json_rows(trace.table(list(trace.stat().events)))
        assert lines == json_rows(trace.table())  # also with those that do not occur
        keys = {row["event"]: list(row)[7:] for row in lines}
        assert keys == {name: list(trace.events[name].fields) for name in keys}
        assert len(keys) == 3
        named = json_rows(trace.table(columns=["ts", "n"]))
        assert {tuple(row) for row in named} == {("ts", "n")}


def test_wildcards_name_events() -> None:
    with tracecmd.open(HOST) as trace:

        def names(pattern: str) -> list[str]:
            return [str(event) for event in trace.events.select(pattern)]

        switch = ["sched:sched_switch"]
        waking = [name for name in trace.events if name.startswith("sched:sched_w")]
        assert waking
        for pattern in ("sched:sched_w*", "sched_w*", "sched/sched_w*", "s*d:sched_w*"):
            assert names(pattern) == waking
        whole = [name for name in trace.events if name.startswith("sched:")]
        assert names("sched:*") == names("sched:") == whole
        assert names("s*_switch") == names("sched_swit?h") == names("sched_[s]witch") == switch
        assert names("*") == list(trace.events)
        for pattern in ("", "sched_x*", "none:*"):
            with pytest.raises(tracecmd.UnknownEventError):
                names(pattern)
        assert list(trace.tables("sched_w*")) == waking
        assert {event.name for event in trace.iter("sched_swi*")} == {"sched_switch"}
