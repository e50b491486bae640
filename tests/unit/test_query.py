"""``tracecmd query``: SQL on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.cli import main

from . import programs

pytest.importorskip("duckdb")
parquet = pytest.importorskip("pyarrow.parquet")

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
HOST = str(SESSION / "trace.dat")
Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(["query", *arguments])
    return code, *capsys.readouterr()


def test_table(capsys: Capture) -> None:
    text = """SELECT next_comm, count(*) AS n, min(ts) AS first, NULL AS nothing, [1, 2] AS list,
                     true AS yes, 'a' || chr(10) AS line
              FROM sched_switch WHERE next_comm LIKE 'CPU%' GROUP BY ALL ORDER BY n DESC"""
    code, out, err = run(capsys, HOST, text)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "next_comm     n          first  nothing  list    yes   line",
        "CPU 0/KVM  2732  204.928343638  -        [1, 2]  True  a\\n",
        "CPU 1/KVM  1466  205.187285200  -        [1, 2]  True  a\\n",
    ]


def test_json(capsys: Capture) -> None:
    text = """SELECT ts, ts, next_pid AS ts, sum(next_pid) OVER () AS s, 1.5::DOUBLE AS d,
                     'x\\xff'::BLOB AS b, 'nan'::DOUBLE AS nan, DATE '2020-01-02' AS day
              FROM sched_switch LIMIT 1"""
    code, out, err = run(capsys, HOST, text, "--json")
    assert (code, err) == (0, "")
    with tracecmd.open(HOST) as trace:
        total = sum(event["next_pid"] for event in trace.iter("sched_switch"))
    (row,) = json.loads(out)
    assert row == {
        "ts": 204918982669, "ts_1": 204918982669, "ts_2": 19, "s": total, "d": 1.5,
        "b": "78ff", "nan": None, "day": "2020-01-02",
    }  # fmt: skip
    assert run(capsys, HOST, "SELECT 1 WHERE false", "--json")[:2] == (0, "[]\n")


def test_times_before_the_epoch(capsys: Capture) -> None:
    text = "SELECT make_timestamp_ns(t) AS t FROM (VALUES (-101), (-2000000001), (7)) AS v(t)"
    _, out, _ = run(capsys, HOST, text)
    assert out.split() == ["t", "-0.000000101", "-2.000000001", "0.000000007"]


def test_names_of_columns_are_texts_of_the_file(capsys: Capture) -> None:
    """PIVOT makes columns of values: what is in them does not reach the terminal."""
    text = "PIVOT (SELECT 'a' || chr(27) || chr(10) || 'b' AS name) ON name USING count(*)"
    _, out, _ = run(capsys, HOST, text)
    assert out.splitlines() == [r"a\x1b\nb", "       1"]


def test_maps_are_pairs(capsys: Capture) -> None:
    _, out, _ = run(capsys, HOST, "SELECT MAP {'a': 1, 'b': NULL} AS m", "--json")
    assert json.loads(out) == [{"m": [["a", 1], ["b", None]]}]


def test_csv(capsys: Capture) -> None:
    code, out, err = run(capsys, HOST, "FROM tasks", "--csv", "--start", "205", "--end", "206")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    sums = {sum(int(row[k]) for k in row if k in TIMES) for row in rows}
    assert sums == {1_000_000_000}


TIMES = {"running", "runnable", "preempted", "sleeping", "blocked", "other", "unknown"}


def test_parquet(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "SELECT ts, next_comm FROM sched_switch WHERE cpu = 1"
    out = tmp_path / "out.parquet"
    assert run(capsys, HOST, text, "--parquet", str(out)) == (0, "", "")
    table = parquet.read_table(out)
    assert (table.num_rows, table.column_names) == (6799, ["ts", "next_comm"])
    written = io.BytesIO()

    class Output(io.StringIO):
        buffer: Any = written

    monkeypatch.setattr("sys.stdout", Output())
    assert main(["query", HOST, text, "--parquet", "-"]) == 0
    assert parquet.read_table(io.BytesIO(written.getvalue())).equals(table)


def test_parquet_spares_what_is_there(capsys: Capture, tmp_path: Path) -> None:
    """The recording that is read, and what is no file: a device, or a pipe."""
    recording = tmp_path / "trace.dat"
    shutil.copy(SESSION / "trace-Guest1.dat", recording)
    before = recording.read_bytes()
    for source in (str(recording), str(tmp_path)):
        code, _, err = run(capsys, source, "FROM sched_switch", "--parquet", str(recording))
        assert (code, err.count("is the file that is read; write to another one")) == (2, 1)
    assert recording.read_bytes() == before
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with open(pipe, "r+b", buffering=0) as reader:
        code, _, err = run(capsys, str(recording), "FROM sched_switch", "--parquet", str(pipe))
        assert (code, err, pipe.is_fifo()) == (0, "", True)
        assert parquet.read_table(io.BytesIO(reader.read(1 << 16))).num_rows == 50


def test_several_files_and_a_session(capsys: Capture) -> None:
    text = "SELECT peer, count(*) AS n FROM sched_switch GROUP BY ALL ORDER BY ALL"
    _, out, _ = run(capsys, str(SESSION), text, "--csv")
    assert out == "peer,n\nGuest1,50\nGuest2,93\nhost,14760\n"
    guest = str(SESSION / "trace-Guest1.dat")
    text = "SELECT file, count(*) AS n FROM sched_switch GROUP BY ALL ORDER BY ALL"
    _, out, _ = run(capsys, HOST, guest, text, "--csv")
    assert out == f"file,n\n{guest},50\n{HOST},14760\n"


def test_list_of_views(capsys: Capture) -> None:
    code, out, _ = run(capsys, HOST, "SHOW TABLES")
    assert code == 0
    names = out.split()
    assert {"sched_switch", "tasks", "irqs", "records", "buffers", "problems"} <= set(names)
    assert "nr_running" not in names  # what it needs was not recorded


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("FROM sched_swich", 2, "no view is named 'sched_swich'; did you mean 'sched_switch' or"),
        ("SELECT nix FROM sched_switch", 2, 'Binder Error: Referenced column "nix" not found in'),
        ("SELEC", 2, 'Parser Error: syntax error at or near "SELEC"'),
        ("FROM nr_running", 1, "was not recorded; trace-cmd record -e sched:sched_wakeup_new does"),
        ("SELECT CAST(next_comm AS INT) FROM sched_switch", 1, "Conversion Error: Could not conv"),
    ],
)
def test_errors(text: str, code: int, message: str, capsys: Capture) -> None:
    given, _, err = run(capsys, HOST, text)
    assert given == code
    assert message in err
    assert err.startswith("tracecmd: ")
    assert err.count("\n") == 1


def test_files_that_are_none(capsys: Capture, tmp_path: Path) -> None:
    assert run(capsys, str(tmp_path / "nix.dat"), "SELECT 1")[0] == 1
    assert run(capsys, HOST, "SELECT 1", "--start", "soon") == (
        2, "", "tracecmd: soon: not a time, such as '19.5s', '20ms', '3us', '17ns'\n"
    )  # fmt: skip


INTERRUPTED = """
import os, signal, sys, threading
import duckdb, pyarrow.parquet
from tracecmd.cli import main
threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
print(main(["query", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("words", [[], ["--parquet", "out.parquet"]], ids=["table", "parquet"])
def test_interrupted(words: list[str], tmp_path: Path) -> None:
    """DuckDB hears no Ctrl-C while it works."""
    text = "SELECT * FROM range(10000000) AS a, range(1000000) AS b WHERE a.range + b.range < -1"
    words = [str(tmp_path / word) if "." in word else word for word in words]
    assert programs.run(INTERRUPTED, HOST, text, *words, timeout=30) == "130\n"
    assert not list(tmp_path.iterdir())


def test_problems_of_the_file_are_told(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "cut.dat"
    whole = (DATA / "i386-v6.dat").read_bytes()
    path.write_bytes(whole[: len(whole) - 5000])
    code, out, err = run(capsys, str(path), "SELECT count(*) AS n FROM records", "--csv")
    assert (code, out.split()[0]) == (0, "n")
    assert err.startswith("tracecmd: warning: ")
