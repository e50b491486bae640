"""Pictures of sessions."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import tracecmd
from tracecmd import cli
from tracecmd.packages import MissingPackageError
from tracecmd.session import plot

from .scenes import Scene
from .timelines import A, B, end, perform, scene


def test_lanes_hold_all_time() -> None:
    lane = plot.Lane("x", 1000, 2001, 10)
    lane.add(0, 1150, "a")
    lane.add(1150, 1155, "b")
    lane.add(1155, 5000, "a")
    assert lane.total == {"a": 996, "b": 5}
    assert sum(sum(column.values()) for column in lane.columns) == 1001
    assert [sum(c.values()) for c in lane.columns] == [
        lane.edge(i + 1) - lane.edge(i) for i in range(10)
    ]
    assert lane.shares("b") == [0, 0.05, 0, 0, 0, 0, 0, 0, 0, 0]
    assert list(lane.runs(2)) == [(0, 10, "a")]


def test_lanes_of_a_session(tmp_path: Path) -> None:
    made = scene({"G": [A, B]})
    made.host.switch(2000, 0, 0, A)
    made.host.entry(2100, 0, A)
    made.host.exit(5000, 0, A)
    made.guests["G"].switch(1000, 0, 0, 7, comms=("swapper/0", "seven"))
    made.guests["G"].switch(3000, 0, 7, 0, comms=("seven", "swapper/0"))
    made.guests["G"].tick(9000, 0)
    with end(made).open(tmp_path) as session:
        picture = plot.lanes_of(session, columns=8)
        assert set(picture.cpus) == {0}
        assert picture.cpus[0].total == {"G/0": 7000}
        assert picture.states["G", 0].total == {"unknown": 5100, "running-in-guest": 2900}
        assert picture.states["G", 1].total == {"unknown": 8000}
        assert picture.tasks["G", 0].total == {"seven": 2000, "idle": 6000}
        part = plot.lanes_of(session, start=3000, end=4000)
        assert part.states["G", 0].total == {"running-in-guest": 1000}
        with pytest.raises(ValueError, match="no records at that time"):
            plot.lanes_of(session, start=10000)


@pytest.fixture
def session(tmp_path: Path) -> tracecmd.Session:
    made: Scene
    made, _, _ = perform(1, {"G<&>": [A], "_$H": [B]}, steps=200)
    return made.open(tmp_path)


@pytest.mark.parametrize("suffix", plot.FORMATS)
def test_files(session: tracecmd.Session, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"out{suffix}"
    with session:
        plot.write(session, path)
    data = path.read_bytes()
    if suffix == ".png":
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(data[16:20], "big") == 1920
    else:
        text = data.decode()
        assert text.count("<svg") == 1
        for name in ("host CPU 2", "G&lt;&amp;&gt;/0 state", "_$H/0 task", "preempted"):
            assert name in text, name
    if suffix == ".html":
        assert "<script>" in data.decode()
        assert not re.search(r'(src|href)="?https?:', data.decode())  # nothing from elsewhere
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_what_cannot_be_drawn(
    session: tracecmd.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session:
        with pytest.raises(ValueError, match="ends with"):
            plot.write(session, tmp_path / "out.pdf")
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MissingPackageError, match=r"pip install 'tracecmd\[plot\]'"):
            plot.write(session, tmp_path / "out.png")
    assert not list(tmp_path.glob("out.*"))


def test_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], session: tracecmd.Session
) -> None:
    session.close()
    folder = str(tmp_path)
    assert cli.main(["session", folder, "--vcpus", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for vcpu in told["vcpu_states"]:
        assert sum(vcpu["states"].values()) == vcpu["traced"] > 0
        assert sum(vcpu["exits"].values()) > 0
        assert vcpu["longest_preemption"]["duration"] <= vcpu["states"]["preempted"]
        assert vcpu["guest_records"]["inside"] == vcpu["guest_records"]["checkable"] > 0
    assert cli.main(["session", folder, "--vcpus"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  preempted +\d+\.\d\d%  0\.\d{9} s$", text, re.M)
    assert re.search(r"^  exits: \d+ \(.*hlt \d+.*\)$", text, re.M)
    assert re.search(r"^  longest preemption: 0\.\d{9} s at 0\.\d{9}$", text, re.M)
    assert cli.main(["session", folder]) == 0
    assert "preempted" not in capsys.readouterr().out
    assert cli.main(["session", folder, "--plot", "x.gif"]) == 2
    assert "ends with" in capsys.readouterr().err
    assert cli.main(["session", folder, "--plot", "x.png", "--start", "soon"]) == 2
    assert "not a time" in capsys.readouterr().err


def test_cycles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clock that counts cycles, not converted, is not told in seconds."""
    made = scene()
    made.clock = "x86-tsc"
    end(made).open(tmp_path).close()
    assert cli.main(["session", str(tmp_path), "--vcpus"]) == 0
    assert "traced 8000 cycles\n" in capsys.readouterr().out
    with tracecmd.open_session(tmp_path) as session:
        assert plot.lanes_of(session).unit == "cycles"


def test_command_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], session: tracecmd.Session
) -> None:
    pytest.importorskip("matplotlib")
    session.close()
    out = tmp_path / "x.svg"
    assert cli.main(["session", str(tmp_path), "--plot", str(out), "--end", "0.00002"]) == 0
    assert out.stat().st_size > 1000
    arguments = ["session", str(tmp_path), "--plot", str(tmp_path / "y.svg"), "--start", "50"]
    assert cli.main(arguments) == 1
    assert "nothing to draw" in capsys.readouterr().err
