"""Tables to files: what is read back, full disks, interruptions, the command."""

from __future__ import annotations

import json
import os
import re
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
from tracecmd.export import folders

from .busy import write_busy
from .conftest import open_terminal

pa = pytest.importorskip("pyarrow")
pytest.importorskip("numpy")

HOST = Path(__file__).parent.parent / "data" / "sessions" / "kvm-small" / "trace.dat"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_busy(tmp_path_factory.mktemp("busy"))


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
        monkeypatch.setattr("tracecmd.export.folders.HELD_BYTES", 100_000)
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
def test_export_to_a_full_disk(tmp_path: Path, words: list[str]) -> None:
    """One line says so; what was there before is all there is."""
    before = dict.fromkeys(
        ["a.parquet", "a.arrow", "a.csv", "a.jsonl", "there/test.tick.parquet"], 7
    )
    before["there"] = 0
    said, left = export_to_file_system("100k", tmp_path, HOST, *words)
    name = re.escape(words[1]) + r"(/[\w.]+)?"  # one of a folder, if it is known which
    assert re.fullmatch(f"code 1: tracecmd: {name}: No space left on device\n", said)
    assert left == before
    said, left = export_to_file_system("100m", tmp_path, HOST, *words)
    assert said == "code 0: "
    changed = {name: size for name, size in left.items() if before.get(name) != size}
    assert sum(changed.values()) > 100_000


INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
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
    main, terminal = open_terminal()
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


def test_names_that_files_cannot_tell_apart() -> None:
    """What a name cannot hold becomes a dot; of those then alike the later are numbered."""
    keys = ["a:b", "a/b", "a?b", "c"]
    names = folders._file_names(keys, ".parquet")
    assert list(names.values()) == ["a.b.parquet", "a.b-2.parquet", "a.b-3.parquet", "c.parquet"]
