"""The commands that print answers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import tracecmd
from tracecmd.cli import main

from .. import writer
from ..unit.scenes import Machine

DATA = Path(__file__).parent.parent / "data"
SCHED = str(DATA / "i386-v6.dat")
HOST = str(DATA / "sessions" / "kvm-small" / "trace.dat")
SESSION = str(DATA / "sessions" / "kvm-small")
LOST = str(DATA / "i386-lost.dat")
CASES = [
    ["tasks", SCHED],
    ["latency", SCHED],
    ["latency", "--all", SCHED],
    ["latency", "--meanwhile", SCHED],
    ["latency", "--wakers", SCHED],
    ["irqs", HOST],
    ["irqs", "--soft", HOST],
    ["syscalls", SCHED],
    ["syscalls", "--start", "31.0", SCHED],
    ["losses", LOST],
    ["tasks", SESSION],
    ["irqs", SESSION, "--peers", "host,Guest1", "--threads", "2"],
    ["latency", SESSION],
    ["exits", SESSION],
    ["steal", SESSION],
    ["unknown", SESSION, "--start", "205.5"],
    ["wakeups", SESSION, "--end", "206.2"],
]


@pytest.mark.parametrize("arguments", CASES, ids=" ".join)
def test_formats_agree(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV have the same rows, the table as many; it is 80 columns wide at most."""
    assert main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main([*arguments, "--csv"]) == 0
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert table[0] == list(rows[0])
    shown = [["" if v is None else str(v) for v in row.values()] for row in rows]
    assert table[1:] == shown
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(rows) + 1
    assert max(map(len, lines)) <= 80


def test_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows have their peers; options that are of sessions are refused for a file."""
    files = [str(path) for path in Path(SESSION).glob("*.dat")]
    assert main(["tasks", *files, "--peers", "Guest2,Guest1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["peer"] for row in rows} == {"Guest1", "Guest2"}
    window = ["--start", "205.9", "--end", "206.0"]
    assert main(["steal", SESSION, *window, "--csv"]) == 0
    for row in csv.DictReader(io.StringIO(capsys.readouterr().out)):
        states = ("running", "steal", "waiting", "unknown")
        assert sum(int(row[state]) for state in states) == 100_000_000
    assert main(["tasks", HOST, "--peers", "host"]) == 2
    assert main(["losses", HOST, "--threads", "2"]) == 2
    assert main(["tasks", SESSION, "--peers", "Guest3"]) == 1
    assert "no peer 'Guest3'" in capsys.readouterr().err
    assert main(["exits", SCHED]) == 1
    assert "record -e kvm:kvm_exit" in capsys.readouterr().err


def test_values_without_other_packages() -> None:
    """What pyarrow makes of an answer, without it."""
    pytest.importorskip("pyarrow")
    with tracecmd.open(HOST) as trace:
        for answer in (trace.sched.states(ts="uint64"), trace.irqs(ts="uint64")):
            for each in (answer, answer.without_dictionaries()):
                expected = [tuple(row.values()) for row in each.to_arrow().to_pylist()]
                assert list(each.values()) == expected


def test_latency_takes_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", SCHED, "-n", "2", "--json"]) == 0
    assert [row["latency"] for row in json.loads(capsys.readouterr().out)] == [4340054, 4084265]
    assert main(["latency", SCHED, "--start", "31.0", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows
    assert all(int(row["woken"]) >= 31_000_000_000 for row in rows)


def test_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["losses", LOST, "--end", "179601877737ns"]) == 0
    assert capsys.readouterr().out == (
        "CPU           FROM             TO  EVENTS  BUFFER\n"
        "  0  179.601877736  179.632145118    1223\n"
    )


def test_long_names_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    exit_form = writer.EventFormat(
        "irq",
        "irq_handler_exit",
        151,
        (writer.Field("int irq", 4, signed=True), writer.Field("int ret", 4, signed=True)),
        '"irq=%d", REC->irq',
    )
    machine.add(10, 0, writer.IRQ_HANDLER_ENTRY.values(irq=7, name="x" * 70 + "\n"))
    machine.add(20, 0, exit_form.values(irq=7, ret=1))
    path = tmp_path / "t.dat"
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    path.write_bytes(writer.Trace(events=(*writer.EVENTS, exit_form), buffers=buffers).write().data)
    assert main(["irqs", str(path)]) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert len(line) == 80
    assert line.endswith("xxx~")


def test_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["idle", SCHED]) == 1
    assert "trace-cmd record -e power:cpu_idle" in capsys.readouterr().err
    assert main(["tasks", SCHED, "--start", "soon"]) == 2
    assert main(["irqs", SCHED, "--json"]) == 0
    assert capsys.readouterr().out.startswith("[")
    assert main(["losses", SCHED, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["losses", "/none"]) == 1
    with pytest.raises(SystemExit):
        main(["losses", SCHED, "--json", "--csv"])


def test_idle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = writer.EventFormat(
        "power",
        "cpu_idle",
        800,
        (writer.Field("u32 state", 4), writer.Field("u32 cpu_id", 4)),
        '"%u", REC->state',
    )
    machine = Machine()
    machine.add(1_000_000_000, 0, form.values(state=2, cpu_id=0))
    machine.add(1_000_002_500, 0, form.values(state=2**32 - 1, cpu_id=0))
    path = tmp_path / "t.dat"
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    path.write_bytes(writer.Trace(events=(form,), buffers=buffers).write().data)
    assert main(["idle", str(path)]) == 0
    assert capsys.readouterr().out == (
        "CPU  STATE        START          END     us\n"
        "  0      2  1.000000000  1.000002500  2.500\n"
        "  0   busy  1.000002500            -      -\n"
    )
