"""Plots: colours, what a page holds, pictures, the command. What a page shows: tests/browser."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import cli
from tracecmd.packages import MissingPackageError
from tracecmd.plot import FORMATS, colours, page, scene

from .. import writer
from ..conftest import Trace
from ..recordings import corpus
from . import eyesight
from .plots import framed, times, unpack
from .scenes import Scene
from .timelines import A, B, end, perform
from .timelines import scene as scene_of

LOST = corpus.DATA / "i386-lost.dat"
KVM = corpus.DATA / "sessions" / "kvm-small"


@pytest.fixture
def session(tmp_path: Path) -> tracecmd.Session:
    made: Scene
    made, _, _ = perform(1, {"G<&>": [A], "_$H": [B]}, steps=200)
    return made.open(tmp_path)


# Colours -----------------------------------------------------------------------------------------


def test_differences_are_those_of_the_paper() -> None:
    """Sharma, Wu and Dalal, table 1: pairs 1, 7, 9, 17 and 24."""
    for one, other, expected in [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ]:
        assert eyesight.ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.fixture(scope="module")
def kinds() -> list[scene.Kind]:
    """All kinds of lanes, with as many shades as there can be."""
    with tracecmd.open(LOST) as trace, tracecmd.open_session(KVM) as session:
        found = [*trace.plot()._scene.kinds, *session.plot()._scene.kinds]
    own = [colours.Shade("", name) for name in colours.TASKS]
    rest = [colours.OTHER, colours.IDLE, colours.REST]
    assert max(len(kind.shades) for kind in found) == len(own) + len(rest)
    return [*found, found[0]._replace(shades=(*own, *rest))]


@pytest.mark.parametrize("eyes", eyesight.EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_apart(kinds: list[scene.Kind], theme: str, eyes: str) -> None:
    """Any two that can stand side by side: those of one kind, and a strip's and the ground."""
    paper = re.findall(r"--paper: (#\w+)", page._part("page.css"))[theme == "dark"]
    for kind in kinds:
        own = {getattr(colours.PALETTE[shade.colour], theme) for shade in kind.shades}
        assert len(own) == len(kind.shades)
        if kind.strip:
            own.add(paper)
        for one, other in itertools.combinations(sorted(own), 2):
            assert eyesight.apart(one, other, eyes) >= 15, (one, other)


def test_legends_say_what_is_not_known(kinds: list[scene.Kind]) -> None:
    for kind in kinds:
        labels = [shade.label for shade in kind.shades]
        assert kind.strip or kind.shades[kind.rest or 0].label == "not recorded"
        assert kind.title != "On a host CPU" or "no vCPU here: idle" in labels


# What a page holds -------------------------------------------------------------------------------


def test_page_holds_all_states() -> None:
    with tracecmd.open(LOST) as trace:
        plot = trace.plot()
        states = list(trace.sched.states(ts="uint64").values())
        losses = list(trace.losses(ts="uint64").values())
        told, (rows, lost) = unpack(plot.to_html())
        assert [(r["pid"], r["name"], r["state"], *times(told, r), r["cpu"], r["waker"])
                for r in rows] == [(*s[:5], *s[6:]) for s in states]  # fmt: skip
        assert [(r["cpu"], *times(told, r), r["count"]) for r in lost] == [
            loss[:4] for loss in losses
        ]
        labels = [lane["label"] for section in told["sections"] for lane in section["lanes"]]
        tasks = [f"{name} [{pid}]" for pid, name, *_ in trace.sched.tasks().values()]
        assert labels == ["CPU 0", "CPU 1", *tasks]


def test_page_holds_a_part() -> None:
    with tracecmd.open(LOST) as trace:
        start, stop = 179_601_900_000, 179_602_000_000
        told, (rows, lost) = unpack(trace.plot(start=start, end=stop).to_html())
        assert (int(told["start"]), told["span"]) == (start, stop - start)
        assert [times(told, row) for row in lost] == [(start, stop)]  # it is of a longer loss
        assert {row["state"] for row in rows if row["cpu"] == 0} == {"unknown"}
        whole, _ = unpack(trace.plot(start=0, end=1 << 64).to_html())
        assert (int(whole["start"]), whole["span"]) == (179_527_912_160, 653_198_232)


def test_page_holds_a_session(session: tracecmd.Session) -> None:
    with session:
        told, (rows, host, _) = unpack(session.plot().to_html())
        timeline = list(session.timeline())
        assert session.host is not None
        states = session.host.sched.states(ts="uint64").values()
        running = [row[:5] for row in states if row[2] == "running" or row[0] is None]
        one, _ = unpack(session.plot(guests="_$H").to_html())
    assert [
        (r["guest"], r["vcpu"], r["host_pid"], r["host_cpu"], *times(told, r), r["state"],
         r["guest_pid"], r["guest_comm"], r["exit_reason"]) for r in rows
    ] == timeline  # fmt: skip
    assert [
        (r["pid"], r["name"], r["state"], *times(told, r))
        for r in host
        if r["state"] == "running" or r["pid"] is None
    ] == running
    lanes = [lane["label"] for lane in told["sections"][1]["lanes"]]
    assert lanes == ["G<&>/0 state", "G<&>/0 task", "_$H/0 state", "_$H/0 task"]
    assert [lane["label"] for lane in one["sections"][1]["lanes"]] == lanes[2:]
    (kind,) = [kind for kind in one["kinds"] if kind["title"] == "On a host CPU"]
    assert [shade["label"] for shade in kind["shades"]][:2] == ["_$H/0", "G<&>/0"]  # both are vCPUs


def test_host_without_switches(tmp_path: Path) -> None:
    """What its CPUs ran is known as far as KVM says it."""
    made = scene_of({"G": [A]})
    made.host.entry(2100, 0, A)
    made.host.exit(5000, 0, A)
    with end(made).open(tmp_path) as session:
        told, (rows, _) = unpack(session.plot().to_html())
    (kind,) = [kind for kind in told["kinds"] if kind["title"] == "On a host CPU"]
    assert (kind["keys"], kind["table"]) == (["host_cpu"], 0)
    assert [times(told, row) for row in rows if row["host_cpu"] == 0] == [(2100, 5000)]
    assert kind["shades"][kind["rest"]]["label"] == "not recorded"


def test_page_runs_nothing_else(session: tracecmd.Session) -> None:
    with session:
        text = session.plot().to_html()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    told = dict(part.split(" ", 1) for part in policy.split("; "))
    assert told["default-src"] == "'none'"
    for kind, tag in (("script-src", "<script>"), ("style-src", "<style>")):
        own = text.split(tag)[1].split("</")[0] if kind == "style-src" else None
        own = own or text.rsplit(tag, 1)[1].rsplit("</script>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert told[kind] == f"'sha256-{digest}'"
        assert "innerHTML" not in own
    assert "https:" not in text
    assert "http:" not in text
    assert "G<&>" not in text
    assert "G&lt;&amp;&gt;" in text  # the title


def test_too_much_for_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with tracecmd.open(LOST) as trace:
        plot = trace.plot()
        monkeypatch.setattr(page, "INTERVALS", 100)
        with pytest.raises(ValueError, match="more than 100 intervals"):
            plot.to_html()
        monkeypatch.setattr(page, "INTERVALS", 10_000)
        monkeypatch.setattr(page, "LONGEST", 653_198_232)
        with pytest.raises(ValueError, match="there are 653198232 ns, too much"):
            plot.to_html()


# Pictures and files ------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 7, 1000])
def test_pictures_add_up(columns: int) -> None:
    """Whatever the number of columns, what a lane shows of a shade is the sum of that."""
    pytest.importorskip("numpy")
    from tracecmd.plot.picture import sums_of

    with tracecmd.open(LOST) as trace:
        drawn = trace.plot()._scene
        sums = {row[0]: row[2:9] for row in trace.sched.tasks().values()}
        states = list(trace.sched.states(ts="uint64").values())
        cpus, tasks = sums_of(drawn, columns)
    width = (drawn.end - drawn.start) / columns
    for row in (*cpus, *tasks):
        assert row.shares.sum(axis=0) == pytest.approx(1)
    for row in tasks:
        running, runnable, preempted, blocked, sleeping, other, unknown = (
            row.shares.sum(axis=1) * width
        )
        shown = (running, runnable, preempted, sleeping, blocked, other, unknown)
        assert shown == pytest.approx(sums[row.lane.key[0]], abs=2), row.lane
    for row in cpus:
        own = [s for s in states if s[6] == row.lane.key[0] and s[2] in ("running", "unknown")]
        idle, unknown = (sum(s[5] for s in own if s[0] == pid) for pid in (0, None))
        assert [*row.shares.sum(axis=1) * width][-2:] == pytest.approx([idle, unknown], abs=2)


def test_pictures_of_many_cpus(tmp_path: Path) -> None:
    """A picture of 3000 CPUs took 600 MB as SVG, and a GB of memory."""
    pytest.importorskip("numpy")
    from tracecmd.plot.picture import ROWS, sums_of

    switch = writer.SCHED_SWITCH.values(pid=1, prev_pid=1, next_pid=2)
    machine = writer.Machine()
    cpus = {cpu: writer.fill_pages([(1000 * cpu, switch)], machine) for cpu in range(ROWS + 9)}
    path = tmp_path / "trace.dat"
    path.write_bytes(Trace(buffers=(writer.Buffer(cpus=cpus),)).write().data)
    with tracecmd.open(path) as trace:
        drawn = trace.plot()._scene
        assert [len(section.lanes) for section in drawn.sections] == [ROWS + 9, 2]
        assert [len(rows) for rows in sums_of(drawn, 2)] == [ROWS, 2]


def test_pictures_leave_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib's settings are those of all threads."""
    matplotlib = pytest.importorskip("matplotlib")
    figure = pytest.importorskip("matplotlib.figure").Figure
    first, second = threading.Event(), threading.Event()
    original = figure.savefig

    def savefig(self: Any, *args: Any, **options: Any) -> None:
        inner = first if not first.is_set() else second
        inner.set()
        if inner is first:  # the second begins within the first, and ends behind it
            second.wait(0.5)
        else:
            one.result(30)
        original(self, *args, **options)

    before = matplotlib.rcParams["svg.fonttype"]
    with tracecmd.open(LOST) as trace, ThreadPoolExecutor(2) as pool:
        plot = trace.plot()
        monkeypatch.setattr(figure, "savefig", savefig)
        one = pool.submit(plot.to_svg)
        first.wait(30)
        pool.submit(plot.to_svg).result(30)
    assert matplotlib.rcParams["svg.fonttype"] == before != "none"


@pytest.mark.parametrize("suffix", FORMATS)
def test_files(session: tracecmd.Session, tmp_path: Path, suffix: str) -> None:
    if suffix != ".html":
        pytest.importorskip("matplotlib")
    path = tmp_path / f"out{suffix}"
    with session:
        session.plot().save(path)
    data = path.read_bytes()
    if suffix == ".png":
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(data[16:20], "big") == 1920
    elif suffix == ".svg":
        text = data.decode()
        for name in ("host CPU 2", "G&lt;&amp;&gt;/0 state", "_$H/0 task", "preempted",
                     "not recorded", "no vCPU here: idle"):  # fmt: skip
            assert name in text, name
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_notebooks(session: tracecmd.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with session:
        plot = session.plot()
        assert framed(plot._repr_html_()) == plot.to_html()
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert plot._repr_png_() is None
    with pytest.raises(tracecmd.ClosedError):
        plot.to_html()


def test_what_cannot_be_drawn(
    session: tracecmd.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session:
        with pytest.raises(ValueError, match="ends with"):
            session.plot().save(tmp_path / "out.pdf")
        with pytest.raises(tracecmd.UnknownGuestError, match="no guest 'X'"):
            session.plot(guests="X")
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MissingPackageError, match=r"pip install 'tracecmd\[plot\]'"):
            session.plot().save(tmp_path / "out.png")
    assert not list(tmp_path.glob("out.*"))
    with (
        tracecmd.open(corpus.DATA / "k72-probes.dat") as trace,
        pytest.raises(tracecmd.MissingEventError, match="sched_switch was not recorded"),
    ):
        trace.plot()
    with tracecmd.open(LOST) as trace, pytest.raises(KeyError, match="no buffer"):
        trace.plot(buffer="x")
    with (
        tracecmd.open(corpus.DATA / "v7-latency.dat") as text,
        pytest.raises(ValueError, match="there are no records"),
    ):
        text.plot()
    with tracecmd.open_session(LOST) as alone, pytest.raises(ValueError, match="no records of a"):
        alone.plot()


def test_nothing_was_scheduled(tmp_path: Path) -> None:
    """A recording that knows the event, and has none of it."""
    with end(scene_of()).open(tmp_path) as session:
        assert session.host is not None
        with pytest.raises(ValueError, match="there is no sched:sched_switch"):
            session.host.plot()


# Commands ----------------------------------------------------------------------------------------


def test_vcpus_of_sessions(
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
    for command in (["session", folder, "--plot"], ["plot", folder, "-o"]):
        assert cli.main([*command, "x.gif"]) == 2
        assert "ends with" in capsys.readouterr().err
        assert cli.main([*command, "x.png", "--start", "soon"]) == 2
        assert "not a time" in capsys.readouterr().err


def test_cycles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clock that counts cycles, not converted, is not told in seconds."""
    made = scene_of()
    made.clock = "x86-tsc"
    end(made).open(tmp_path).close()
    assert cli.main(["session", str(tmp_path), "--vcpus"]) == 0
    assert "traced 8000 cycles\n" in capsys.readouterr().out
    with tracecmd.open_session(tmp_path) as session:
        assert unpack(session.plot().to_html()).told["unit"] == "cycles"


def test_commands_draw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], session: tracecmd.Session
) -> None:
    session.close()
    out = tmp_path / "x.html"
    assert cli.main(["session", str(tmp_path), "--plot", str(out), "--end", "0.00002"]) == 0
    told = unpack(out.read_text(encoding="utf-8")).told
    assert int(told["start"]) + told["span"] == 20_000
    for command in (["session", str(tmp_path), "--plot"], ["plot", str(tmp_path), "-o"]):
        assert cli.main([*command, str(tmp_path / "y.html"), "--start", "50"]) == 1
        assert "nothing to draw" in capsys.readouterr().err
    assert cli.main(["plot", str(tmp_path), "-o", str(out)]) == 0
    assert unpack(out.read_text(encoding="utf-8")).told["title"] == "host, G<&>, _$H"
    assert cli.main(["plot", str(LOST), "-o", str(out), "--start", "179.7", "--end", "179.8"]) == 0
    assert unpack(out.read_text(encoding="utf-8")).told["span"] == 10**8
    assert cli.main(["plot", str(corpus.DATA / "k72-probes.dat"), "-o", str(out)]) == 1
    assert "sched_switch was not recorded" in capsys.readouterr().err


def test_folder_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "trace.dat").write_bytes(LOST.read_bytes())
    out = tmp_path / "x.html"
    assert cli.main(["plot", str(tmp_path), "-o", str(out)]) == 0
    assert unpack(out.read_text(encoding="utf-8")).told["sections"][0]["title"] == "CPUs"
