"""What the command does for those who sit before it: bars, colours, lines, signals, names."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Trace
from ..recordings import corpus
from . import scenes
from .conftest import COMMAND, KVM_SMALL, TRACE_DAT, open_terminal, spawn
from .test_write_commands import MANY

fcntl, termios = (pytest.importorskip(name) for name in ("fcntl", "termios"))
ROOT = Path(__file__).parents[2]
SHOWN = """
import sys, tracecmd.cli, tracecmd.cli._progress as progress
progress.HIDDEN = progress.EVERY = -1.0  # bars are seen from the first moment
sys.exit(tracecmd.cli.main())
"""


def on_terminal(
    *words: str | Path, both: bool = False, columns: int = 60, **environment: str
) -> tuple[str, str]:
    """What it says on a terminal, where bars are shown from the first moment; and its output."""
    main, terminal = open_terminal()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    usual = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    shown = bytearray()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-c", SHOWN, *map(str, words)],
            stderr=terminal,
            stdout=terminal if both else out,
            cwd=ROOT,
            env={**usual, "TERM": "xterm", **environment},
        )
        os.close(terminal)
        with contextlib.suppress(OSError):  # the other side was closed
            while piece := os.read(main, 1 << 16):
                shown += piece
        process.wait(timeout=60)
        os.close(main)
        out.seek(0)
        return shown.decode().replace("\r\n", "\n"), out.read().decode()


def without_bars(shown: str) -> str:
    return re.sub(r"\r(\[#* *\] +\d+% [^\r]*)?\x1b\[K", "", shown)


LONG: Sequence[tuple[str, ...]] = [
    ("session", "--vcpus", str(KVM_SMALL)),
    ("tasks", TRACE_DAT),
    ("report", TRACE_DAT),
    ("export", "-o", "{out}.pftrace", TRACE_DAT),
    ("split", "-o", "{out}.dat", TRACE_DAT),
]


@pytest.mark.parametrize("words", LONG, ids=lambda words: words[0])
def test_long_work_has_a_bar(tmp_path: Path, words: tuple[str, ...]) -> None:
    """On a terminal only, and nothing of it stays."""
    given = [word.format(out=tmp_path / "out") for word in words]
    shown, out = on_terminal(*given)
    bars = re.findall(r"\r\[#* *\] +\d+% [^\r]*\x1b\[K", shown)
    assert bars
    assert "\r" not in without_bars(shown)
    quiet = spawn(*given)
    assert b"%" not in quiet.stderr
    assert quiet.stdout.decode() == out


def test_rows_and_bars_do_not_mix() -> None:
    """Where both go to one terminal the bar ends with the first row."""
    shown, _ = on_terminal("tasks", TRACE_DAT, both=True)
    before, _, rows = shown.rpartition("\r\x1b[K\x1b[1mPID")
    assert "%" in before
    assert rows.count("\n") > 3
    assert "%" not in rows.partition("\n")[2].replace("\r\x1b[K", "")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours(environment: dict[str, str], coloured: bool) -> None:
    shown, _ = on_terminal("info", "/nonexist", **environment)
    assert shown.startswith("\x1b[1;31mtracecmd:\x1b[0m /nonexist: ") == coloured
    assert ("\x1b[" in shown) == coloured


def test_messages_break_between_words() -> None:
    name = "/nonexist/" + "x" * 70
    shown, _ = on_terminal(
        "losses", "--start", "1", "--end", "2", TRACE_DAT, NO_COLOR="1", columns=44
    )
    lines = without_bars(shown).splitlines()
    assert len(lines) > 2
    assert max(len(line) for line in lines if TRACE_DAT not in line) <= 44
    assert (
        " ".join(" ".join(lines).split())
        == spawn("losses", "--start", "1", "--end", "2", TRACE_DAT).stderr.decode().strip()
    )
    shown, _ = on_terminal("info", name, NO_COLOR="1", columns=300)
    assert max(len(line) for line in shown.splitlines() if name not in line) <= 80
    assert name in shown


# Signals -----------------------------------------------------------------------------------------


def begin(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start what takes a while, and wait until it writes."""
    (folder / "in.dat").write_bytes(Trace(buffers=MANY).write().data)
    process = subprocess.Popen([*COMMAND, *words], cwd=folder, stderr=subprocess.PIPE)
    for _ in range(10_000):
        if process.poll() is not None or list(folder.rglob(".*.part")):
            break
        time.sleep(0.001)
    return process


@pytest.fixture
def heeded() -> Iterator[None]:
    """Commands hear SIGINT, which what a script runs in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("out", ["out.jsonl", "folder/"])
def test_exports_leave_nothing(tmp_path: Path, name: str, out: str) -> None:
    pytest.importorskip("pyarrow")
    number = getattr(signal, name)
    process = begin(tmp_path, "export", "-o", out, "--format", "jsonl", "in.dat")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-number, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["in.dat"]


@pytest.mark.usefixtures("heeded")
def test_a_shell_loop_ends_with_the_command(tmp_path: Path) -> None:
    """The shell goes on after an exit code of 130, but not where its child died of SIGINT."""
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    (tmp_path / "in.dat").write_bytes(Trace(buffers=MANY).write().data)
    words = [*COMMAND, "convert", "-q", "in.dat", "out.dat", "--compression", "zstd:19"]
    loop = f"for i in 1 2 3; do echo $i; {' '.join(words)}; done"
    process = subprocess.Popen(
        ["bash", "-c", loop], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    for _ in range(10_000):
        if list(tmp_path.glob(".*.part")):
            break
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=60)
    assert out == b"1\n"
    assert b"Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.dat"]


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / "in.dat").write_bytes(Trace(buffers=MANY).write().data)
    words = [*COMMAND, "convert", "-q", "in.dat", "out.dat"]
    process = subprocess.Popen(["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *words], cwd=tmp_path)
    time.sleep(0.1)
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    assert process.returncode == 0
    assert (tmp_path / "out.dat").exists()


# Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("export", "-o", "{out}.pftrace", TRACE_DAT),
        ("export", "-o", "{out}.csv", TRACE_DAT),
        ("export", "-o", "{out}.parquet", TRACE_DAT),
        ("convert", TRACE_DAT, "{out}.dat"),
        ("split", "-o", "{out}.dat", TRACE_DAT),
        ("flame", "-o", "{out}.svg", str(corpus.DATA / "k72-fgraph.dat")),
        ("session", str(KVM_SMALL), "--plot", "{out}.svg"),
    ],
    ids=lambda words: "-".join(word for word in words[:3] if "/" not in word),
)
def test_errors_name_the_file_they_are_about(
    run: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for package, needed in (("pyarrow", "export"), ("matplotlib", "session")):
        if words[0] == needed:
            pytest.importorskip(package)
    given = [word.format(out=tmp_path / "nowhere" / "out") for word in words]
    target = next(word for word in given if "nowhere" in word)
    code, _, err = run(*given)
    assert code == 1
    assert err.splitlines()[-1] == f"tracecmd: {target}: No such file or directory"


# What a session did not record -------------------------------------------------------------------


def test_events_that_would_tell_more(run: Any, tmp_path: Path) -> None:
    code, out, _ = run("session", "--vcpus", KVM_SMALL)
    assert code == 0
    assert out.splitlines()[-1] == (
        "note: the host did not record kvm:kvm_entry: record it to know when vCPUs were in their "
        "guests, and how long exits took"
    )
    made = scenes.Scene({"G": [101]})
    made.host.entry(2000, 0, 101)
    made.host.exit(3000, 0, 101)
    made.open(tmp_path).close()
    code, out, _ = run("session", "--vcpus", "--json", tmp_path)
    missing = json.loads(out)["not_recorded"]
    assert [(each["peer"], each["events"][0]) for each in missing] == [
        ("host", "sched:sched_switch"), ("host", "sched:sched_waking"), ("G", "sched:sched_switch"),
    ]  # fmt: skip
    code, out, _ = run("session", tmp_path)
    assert "did not record" not in out
