"""Many recordings as one set of Parquet files, for DuckDB, Polars and pandas."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace
from ..writer import Buffer, Date, Event, EventFormat, Field, Page, Uname

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
types = pytest.importorskip("tracecmd.export.lake.types")
run = pytest.importorskip("tracecmd.export.lake.run")

DATA = Path(__file__).parent.parent / "data"
ROOT = Path(tracecmd.__file__).parent.parent
RECORDINGS = [  # of 64 and 32 bits, little and big endian; prev_state has two types in them
    DATA / "sessions" / "kvm-small" / "trace.dat",
    DATA / "i386-lost.dat",
    DATA / "s390x-tc331-v6.dat",
    DATA / "armhf-marker.dat",
    DATA / "k72-fgraph.dat",  # without sched_switch
]
SWITCH = "events/system=sched/event=sched_switch"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of them, and of two that are damaged."""
    folder = tmp_path_factory.mktemp("day")
    cut = folder / "cut.dat"
    cut.write_bytes(RECORDINGS[1].read_bytes()[:30_000])
    (folder / "none.dat").write_text("no recording")
    calls: list[tuple[int, int]] = []
    result = tracecmd.lake(
        [*RECORDINGS, cut, folder / "none.dat"], folder / "lake", symbols=True,
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert result.written == tuple(map(str, RECORDINGS))
    assert set(result.failed) == {str(cut), str(folder / "none.dat")}
    assert result.failed[str(folder / "none.dat")] == "file header: this is not a trace.dat file"
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1]
    return folder / "lake"


def rows_of(path: Path, event: str) -> list[dict[str, Any]]:
    with tracecmd.open(path) as trace:
        if event not in trace.events:
            return []
        return trace.table(event, ts="uint64").to_arrow().to_pylist()


@pytest.fixture(scope="module")
def switches() -> dict[str, list[dict[str, Any]]]:
    found = {str(path): rows_of(path, "sched_switch") for path in RECORDINGS}
    return {path: rows for path, rows in found.items() if rows}


def check(rows: Sequence[dict[str, Any]], expected: dict[str, list[dict[str, Any]]]) -> None:
    """The rows of each recording are those of its own table, with what the lake adds."""
    assert {row["file"] for row in rows} == set(expected)
    for path, own in expected.items():
        there = [row for row in rows if row["file"] == path]
        assert [{name: row[name] for name in own[0]} for row in there] == own
        with tracecmd.open(path) as trace:
            for row in there[:3]:
                added = {name: row[name] for name in row if name not in own[0]}
                del added["file"]
                assert {k: v for k, v in added.items() if k not in ("event", "system")} == {
                    "buffer": "", "wall": None, "trace_id": trace.trace_id,
                    "machine": trace.uname.split()[1], "clock": trace.clock,
                }  # fmt: skip


def test_duckdb_reads_it_as_one(made: Path, switches: dict[str, list[dict[str, Any]]]) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(
        f"SELECT * REPLACE (epoch_ns(ts) AS ts) FROM read_parquet('{made}/{SWITCH}/*.parquet', "
        "hive_partitioning=true) ORDER BY file, ts, cpu"
    ).to_arrow_table()
    assert set(found["event"].to_pylist()) == {"sched_switch"}
    in_order = {
        path: sorted(rows, key=lambda row: (row["ts"], row["cpu"]))
        for path, rows in switches.items()
    }
    check(found.to_pylist(), in_order)
    every = duckdb.sql(
        f"SELECT event, count(*) AS n FROM read_parquet('{made}/events/**/*.parquet', "
        "hive_partitioning=true, union_by_name=true) GROUP BY event"
    ).fetchall()
    counted: dict[str, int] = {}
    for path in RECORDINGS:
        with tracecmd.open(path) as trace:
            for name, count in trace.stat().events.items():
                event = name.partition(":")[2]
                counted[event] = counted.get(event, 0) + count
    assert dict(every) == counted
    lost = duckdb.sql(
        f"SELECT l.machine, arch, sum(count) FROM '{made}/losses/*.parquet' AS l "
        f"JOIN '{made}/files.parquet' USING (file) GROUP BY ALL"
    ).fetchall()
    with tracecmd.open(RECORDINGS[1]) as trace:
        total = sum(trace.losses().to_arrow()["count"].to_pylist())
    assert ("tracevm", "i686", total) in lost


def test_polars_and_pandas_read_it_as_one(
    made: Path, switches: dict[str, list[dict[str, Any]]]
) -> None:
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    frame = polars.scan_parquet(f"{made}/{SWITCH}/*.parquet", hive_partitioning=True)
    assert frame.collect_schema()["prev_state"] == polars.Int64
    read = frame.with_columns(polars.col("ts").cast(polars.Int64)).collect()
    check(read.to_dicts(), switches)
    read = pandas.read_parquet(made / SWITCH)
    assert len(read) == sum(map(len, switches.values()))
    assert str(read["prev_state"].dtype) == "int64"
    by_file = {path: group["prev_state"].tolist() for path, group in read.groupby("file")}
    assert by_file == {p: [row["prev_state"] for row in rows] for p, rows in switches.items()}
    names = pandas.read_parquet(made / "events" / "system=ftrace" / "event=funcgraph_entry")
    with tracecmd.open(RECORDINGS[-1]) as trace:
        own = trace.table("funcgraph_entry", symbols=True).to_arrow().to_pylist()
    assert names["func_symbol"].tolist() == [row["func_symbol"] for row in own]


def test_tables_of_files_and_problems(made: Path) -> None:
    files = {row["file"]: row for row in pq.read_table(made / "files.parquet").to_pylist()}
    assert set(files) == set(map(str, RECORDINGS))
    for path, row in files.items():
        with tracecmd.open(path) as trace:
            assert row["records"] == row["rows"] == trace.stat().records
            assert (row["trace_id"], row["cpus"]) == (trace.trace_id, trace.cpus)
    assert files[str(RECORDINGS[2])]["byteorder"] == "big"
    problems = pq.read_table(made / "problems.parquet").to_pylist()
    assert {Path(row["file"]).name: row["kind"] for row in problems} == {
        "cut.dat": "TruncatedError", "none.dat": "NotATraceError",
    }  # fmt: skip


# Types ----------------------------------------------------------------------------------------

KINDS = {
    "int8": [-128, None, 127], "uint8": [0, None, 255], "int16": [-(1 << 15)],
    "uint16": [(1 << 16) - 1], "int32": [-(1 << 31), None], "uint32": [(1 << 32) - 1],
    "int64": [-(1 << 63), (1 << 63) - 1], "uint64": [(1 << 64) - 1, None], "bool": [True, None],
    "string": ["a", None], "binary": [b"\0\xff", None],
}  # fmt: skip


def test_any_two_types_have_one_for_both() -> None:
    """It is the same whatever comes first, holds all values, and is stable."""
    makes = {name: getattr(pa, name + "_" if name == "bool" else name)() for name in KINDS}
    for a, of_a in makes.items():
        for b, of_b in makes.items():
            both = types.widen(of_a, of_b)
            assert both == types.widen(of_b, of_a) == types.widen(both, of_a)
            for of_c in makes.values():  # nor whatever comes later
                late = types.widen(both, of_c)
                assert late == types.widen(of_a, types.widen(of_b, of_c))
                cells = types.cast(pa.array(KINDS[a], of_a), both)
                assert len(types.cast(cells, late)) == len(KINDS[a])
            lists = types.widen(pa.list_(of_a, 3), pa.list_(of_b))
            assert lists == pa.list_(both)
            for name, kind in ((a, of_a), (b, of_b)):
                values = KINDS[name]
                back = types.cast(pa.array(values, kind), both).to_pylist()
                if pa.types.is_string(both) and name != "string":  # texts of what has no type
                    assert [v if v is None else str(v) for v in back] == back
                    assert len(set(back)) == len(set(values))
                else:
                    assert back == values
                in_list = types.cast(pa.array([values, None], pa.list_(kind)), lists)
                assert in_list.to_pylist() == [back, None]
    assert types.widen(pa.uint32(), pa.int32()) == pa.int64()
    assert types.widen(pa.uint64(), pa.int8()) == pa.decimal128(20, 0)


def tick(declaration: str, value: int, *more: Field, options: Any = ()) -> bytes:
    """A recording of one event, with a field declared so; and perhaps one named like the lake's."""
    signed = not declaration.startswith("u")
    size = int(declaration.split(maxsplit=1)[0][1:]) // 8
    form = EventFormat("test", "tick", 900, (Field(declaration, size, signed=signed), *more), '"x"')
    values = {field.name: 7 for field in more}
    record = form.values(pid=1, n=value, **values)
    page = Page(1000, [Event(5, record), Event(6, record)])
    return Trace(
        events=(form,), options=[Uname("Linux box 6.12.0 x86_64"), *options],
        buffers=(Buffer(cpus={0: [page]}),),
    ).write().data  # fmt: skip


def test_schemas_grow(tmp_path: Path) -> None:
    """What comes later widens what is there, whether it is read with it or after it."""
    day, lake = tmp_path / "day", tmp_path / "lake"
    day.mkdir()
    (day / "a.dat").write_bytes(tick("s32 n", -5))
    assert tracecmd.lake(day, lake).rows == 2
    parts = lake / "events" / "system=test" / "event=tick"
    first = next(parts.iterdir())
    assert pq.read_schema(first).field("n").type == pa.int32()
    (day / "b.dat").write_bytes(tick("u32 n", (1 << 32) - 1, Field("u8 file", 1)))
    result = tracecmd.lake(day, lake)
    assert (result.written, result.kept) == ((str(day / "b.dat"),), (str(day / "a.dat"),))
    assert {pq.read_schema(part).field("n").type for part in parts.iterdir()} == {pa.int64()}
    # A field by the name of a column of the lake's has a longer one.
    found = {Path(row["file"]).name: row for row in pq.read_table(parts).to_pylist()}
    assert (found["a.dat"]["tick.file"], found["b.dat"]["tick.file"]) == (None, 7)
    (day / "c.dat").write_bytes(tick("u64 n", (1 << 64) - 1, options=[Date(3)]))
    tracecmd.lake([day / "c.dat"], lake)
    assert len({str(pq.read_schema(part)) for part in parts.iterdir()}) == 1
    rows = pq.read_table(parts).to_pylist()
    assert sorted({row["n"] for row in rows}) == [-5, (1 << 32) - 1, Decimal((1 << 64) - 1)]
    dated = [row for row in rows if row["wall"] is not None]
    assert {Path(row["file"]).name for row in dated} == {"c.dat"}
    assert {row["machine"] for row in rows} == {"box"}
    walls = pq.read_table(parts).column("wall").cast(pa.int64()).drop_null().to_pylist()
    assert walls == [1005 + 3000, 1011 + 3000]
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(f"SELECT sum(n) FROM '{parts}/*.parquet'").fetchall() == [
        (2 * (-5 + (1 << 32) - 1 + (1 << 64) - 1),)
    ]


# Again, and again -----------------------------------------------------------------------------


def content(lake: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(lake)): pq.read_table(path, partitioning=None).to_pylist()
        for path in sorted(lake.rglob("*.parquet"))
    }


def copies(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number}.dat" for number in range(count)]
    for path in paths:
        shutil.copy(RECORDINGS[1], path)
    return paths


def test_what_is_done_is_kept(tmp_path: Path) -> None:
    a, b = copies(tmp_path / "day", 2)
    lake = tmp_path / "lake"
    asked: dict[str, Any] = {"events": ["sched_sw*", "none:such*"], "exclude": "*wakeup*"}
    with pytest.raises(tracecmd.UnknownEventError, match=r"no recording .* 'none:such\*'"):
        tracecmd.lake([a, b], lake, **asked)
    asked["events"] = "sched:*"
    assert tracecmd.lake([a, b, a], lake, **asked).written == (str(a), str(b))
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*-*.parquet")}
    assert not [path for path in before if "wakeup" in str(path)]
    assert tracecmd.lake(tmp_path / "day", lake, **asked).kept == (str(a), str(b))
    assert before == {path: path.stat().st_mtime_ns for path in lake.rglob("*-*.parquet")}
    os.utime(b, ns=(1, 1))  # another recording by that name
    b.write_bytes(RECORDINGS[3].read_bytes())
    result = tracecmd.lake([a, b], lake, **asked)
    assert (result.written, result.kept) == ((str(b),), (str(a),))
    rows = content(lake)["files.parquet"]
    assert [row["arch"] for row in rows] == ["i686", "armv7l"]
    asked["events"] = "sched_switch"  # other rows are wanted
    assert tracecmd.lake([a, b], lake, **asked).written == (str(a), str(b))
    assert {p.parent.name for p in (lake / "events").rglob("*.parquet")} == {"event=sched_switch"}
    a.write_bytes(b"no more")  # what was read of it goes with it
    assert list(tracecmd.lake([a, b], lake, **asked).failed) == [str(a)]
    assert len(list((lake / SWITCH).iterdir())) == 1
    with run.State(lake).locked(), pytest.raises(BlockingIOError):
        tracecmd.lake([a, b], lake)


def test_interrupted_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, lake = copies(tmp_path / "day", 3), tmp_path / "lake"
    write = run.write

    def interrupted(path: str, *rest: Any) -> Any:
        if path == str(paths[1]):
            monkeypatch.setattr("tracecmd.export.lake.source._write_losses", _interrupt)
        return write(path, *rest)

    def _interrupt(*_: object) -> None:
        raise KeyboardInterrupt  # some of its files are there by then

    with monkeypatch.context() as patched:
        monkeypatch = patched
        patched.setattr(run, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tracecmd.lake(paths, lake)
    stems = {path.name.partition("-")[0] for path in lake.rglob("*-*.parquet")}
    assert stems == {"0"}
    assert tracecmd.lake(paths, lake).kept == (str(paths[0]),)
    tracecmd.lake(paths, tmp_path / "whole")
    assert content(lake) == content(tmp_path / "whole")


KILLED = """
import os, signal, sys
from tracecmd.export.lake import run, source
write_losses = source._write_losses
def kill(trace, *rest):
    if trace.path.endswith("1.dat"):
        os.kill(os.getpid(), signal.SIGKILL)
    write_losses(trace, *rest)
source._write_losses = kill
run.lake(sys.argv[2:], sys.argv[1])
"""


def test_killed_and_resumed(tmp_path: Path) -> None:
    """Nothing of what it was at is left, though nobody could clean up; by several processes."""
    paths, lake = copies(tmp_path / "day", 3), tmp_path / "lake"
    command = [sys.executable, "-c", KILLED, lake, *paths]
    killed = subprocess.run(command, check=False, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    (part,) = (lake / SWITCH).glob("1-*.parquet")
    (part.parent / f".{part.name}.00.part").write_text("half")
    result = subprocess.run(
        [sys.executable, "-m", "tracecmd", "export", tmp_path / "day", "-o", lake, "--processes",
         "2"], check=False, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert not list(lake.rglob(".*.part"))
    tracecmd.lake(paths, tmp_path / "whole")
    assert content(lake) == content(tmp_path / "whole")


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
from tracecmd import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def test_command_interrupted(tmp_path: Path) -> None:
    """Ctrl-C: workers clean up what they are at, and the next run goes on."""
    paths, lake = copies(tmp_path / "day", 6), tmp_path / "lake"
    words = ["export", *paths, "-o", lake, "--processes", "2"]
    command = [sys.executable, "-c", INTERRUPTIBLE, *words]
    with subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not any('"done": true' in p.read_text() for p in lake.glob("_lake/file-*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert (process.returncode, said) == (130, "")
    assert not list(lake.rglob(".*.part"))
    files = {Path(row["file"]).stem for row in content(lake)["files.parquet"]}
    assert {path.name.partition("-")[0] for path in lake.rglob("*-*.parquet")} == files
    assert 0 < len(files) < 6
    assert set(tracecmd.lake(paths, lake).kept) == {str(p) for p in paths if p.stem in files}


@pytest.mark.parametrize(("words", "says"), [
    (["--columns", "ts"], "--columns and --where are for columns of one file"),
    (["--format", "csv"], "several go to OUT.pftrace, or as columns to a folder of Parquet files"),
    (["-o", "-"], "several go to OUT.pftrace, or as columns to a folder of Parquet files"),
    (["-o", "x.csv"], "several go to OUT.pftrace, or as columns to a folder of Parquet files"),
    (["-e", "no_such"], "no recording has an event named 'no_such'"),
])  # fmt: skip
def test_command_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    from tracecmd.cli import main

    day = [str(path) for path in copies(tmp_path / "day", 2)]
    out = str(tmp_path / "lake")
    assert main(["export", *day, "-o", out, "--processes", "1", *words]) == 2
    assert capsys.readouterr().err == f"tracecmd: {says}\n"
    (tmp_path / "day" / "x.dat").write_text("no recording")
    day = [*day, str(tmp_path / "day" / "x.dat")]
    assert main(["export", *day, "-o", out, "--processes", "1", "-e", "sched_switch"]) == 1
    assert "x.dat: file header: this is not a trace.dat file" in capsys.readouterr().err
    assert len(list((tmp_path / "lake" / SWITCH).iterdir())) == 2
