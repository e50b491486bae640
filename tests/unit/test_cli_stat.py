"""``tracecmd stat``."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tracecmd.cli import main
from tracecmd.cli._progress import Bar

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import SCHED_SWITCH, TICK, Buffer, Event, Page

TEXT = """\
{path}: 6 records, 12 lost, 1 times an unknown number lost
  from 0.000001000 to 2.500000007, 2.499999007 s
  4 CPU 0, 5 lost
  1 CPU 2, 1 times an unknown number lost
  1 buffer in st, CPU 1, 7 lost
  events:
  4 test:tick
  1 id 77
  1 sched:sched_switch
"""


def sample(write: Write, **shape: Any) -> Path:
    tick = TICK.values(n=1)
    top = [
        Page(1000, [Event(0, tick), Event(5, tick)]),
        Page(2000, [Event(0, b"\x4d\0\0\0\0\0\0\0"), Event(1, tick)], lost=5),
    ]
    other = [Page(2_500_000_007, [Event(0, SCHED_SWITCH.values())], lost=-1)]
    inst = [Page(3000, [Event(0, tick)], lost=7)]
    buffers = [Buffer(cpus={0: top, 1: [], 2: other}), Buffer("in st", cpus={1: inst})]
    return write(Trace(buffers=buffers, **shape))


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    try:
        code = main(["stat", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    return code, *capsys.readouterr()


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_text(write: Write, capsys: pytest.CaptureFixture[str], compression: str) -> None:
    path = sample(write, compression=compression)
    expected = (0, TEXT.format(path=path), "")
    assert run(capsys, path) == run(capsys, "--threads", "3", path) == expected


def test_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = sample(write)
    code, out, err = run(capsys, "--json", path, path)
    assert (code, err) == (0, "")
    first, second = json.loads(out)
    assert first == second
    assert first["records"] == 6
    assert (first["missed_events"], first["missed_unknown"]) == (12, 1)
    assert (first["first_ts"], first["last_ts"]) == (1000, 2_500_000_007)
    assert first["duration"] == 2_499_999_007
    assert first["events"] == {"test:tick": 4, "sched:sched_switch": 1, "id 77": 1}
    assert first["cpus"][2] == {
        "buffer": "in st",
        "cpu": 1,
        "records": 1,
        "missed_events": 7,
        "missed_unknown": 0,
        "first_ts": 3000,
        "last_ts": 3000,
        "duration": 0,
        "events": {"test:tick": 1},
    }


def test_no_records(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(Trace())
    assert run(capsys, path) == (0, f"{path}: 0 records\n", "")
    code, out, _ = run(capsys, "--json", path)
    assert code == 0
    (found,) = json.loads(out)
    assert (found["first_ts"], found["duration"], found["events"]) == (None, None, {})


def test_damage_is_a_warning(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    good = Page(1000, [Event(0, TICK.values(n=1))])
    bad = Page(2000, [Event(0, TICK.values(n=2))], commit=5000)
    path = write(Trace(buffers=[Buffer(cpus={0: [good, bad]})]))
    code, out, err = run(capsys, path)
    assert code == 0
    assert out.startswith(f"{path}: 1 records\n")
    assert re.fullmatch(
        r"tracecmd: warning: .*sub-buffer 1 of CPU 0: its header is damaged \(at 0x[0-9a-f]+\)\n",
        err,
    )


def test_bad_files_do_not_stop_it(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sample(write)
    other = tmp_path / "other"
    other.write_bytes(b"no trace file")
    code, out, err = run(capsys, other, path, tmp_path / "none")
    assert code == 1
    assert out == TEXT.format(path=path)
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    "arguments", [[], *(["--threads", n, "x"] for n in ("0", "1025", "two", "-1", "\u0663"))]
)
def test_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("tracecmd: stat: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("threads", ["1", "1024"])
def test_threads(capsys: pytest.CaptureFixture[str], write: Write, threads: str) -> None:
    path = sample(write)
    assert run(capsys, "--threads", threads, path) == (0, TEXT.format(path=path), "")


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_recordings(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    code, out, err = run(capsys, "--json", "--threads", "2", path)
    assert code == 0
    assert bool(err) == (path.name in corpus.PROBLEMS)
    (found,) = json.loads(out)
    text = corpus.oracle(path, "records")
    if text is None or "# exit" in text or path.name in ("v6-cut.dat", "v7n-cut.dat"):
        return
    lines = [line.split(" ") for line in text.splitlines()]
    assert found["records"] == len(lines) == sum(found["events"].values())
    assert found["missed_unknown"] == sum(line[7] == "-1" for line in lines)
    assert found["missed_events"] == sum(int(line[7]) for line in lines if line[7] != "-1")
    for name, records in found["events"].items():
        assert records == sum(line[5] == name for line in lines)
    if lines:
        times = [int(line[2]) for line in lines]
        assert (found["first_ts"], found["last_ts"]) == (min(times), max(times))


# The bar -----------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_only_for_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("tracecmd.cli._progress.time.monotonic", lambda: now[0])
    for stream, drawn in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        with Bar(True) as bar:
            for seconds, done in ((0.0, 1), (0.2, 10)):
                now[0] = 100 + seconds
                bar.show(done, 100)
            assert "%" not in stream.getvalue()
            now[0] = 100.5
            bar.show(50, 100)
            assert ("50%" in stream.getvalue()) == drawn
            now[0] = 100.51
            bar.show(51, 100)
            assert "51%" not in stream.getvalue()
            now[0] = 101
            bar.show(0, 0)
        now[0] = 100.0
        if not drawn:
            assert stream.getvalue() == ""
