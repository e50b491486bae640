"""Answers of a session: those of its files, on one clock, each row with its peer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings import corpus
from ..unit.scenes import Machine, Scene
from ..unit.test_vcpu_core import THREADS, damage
from ..unit.timelines import perform

Rows = list[tuple[Any, ...]]
Ask = Callable[..., tracecmd.Answer]

KEY = [("pid", "next_pid")]
ASKED: dict[str, Callable[[Any], Ask]] = {
    "losses": lambda of: of.losses,
    "spans": lambda of: lambda **more: of.spans("sched_waking", "sched_switch", key=KEY, **more),
    "residency": lambda of: (
        lambda **more: of.residency("sched_waking", key="pid", value="comm", **more)
    ),
    "irqs": lambda of: of.irqs,
    "softirqs": lambda of: of.softirqs,
    "states": lambda of: of.sched.states,
    "tasks": lambda of: of.sched.tasks,
    "latency": lambda of: of.sched.latency,
    "nr_running": lambda of: of.sched.nr_running,
}


def rows(answer: tracecmd.Answer) -> Rows:
    return list(answer.values())


def of_peer(found: Rows, peer: str) -> Rows:
    return [row for row in found if row[-1] == peer]


def by_peer(found: Rows, peers: Sequence[str]) -> Rows:
    return [row for peer in peers for row in of_peer(found, peer)]


def check(session: tracecmd.Session, name: str, **window: int) -> int:
    """All at once, side by side, and file by file are the same; gives the number of rows."""
    ask = ASKED[name](session)
    found = rows(ask(**window))
    peers = [peer.name for peer in session.peers]
    whole = window or {"start": session.start, "end": session.end}
    for peer in session.peers:
        try:
            alone = rows(ASKED[name](peer.trace)(**whole))
        except KeyError:  # the events are not in this file
            own = []
        else:
            own = rows(ask(peers=peer.name, **whole))
            assert own == alone
        if window:
            assert of_peer(found, peer.name) == own
    expected = by_peer(found, peers)
    assert rows(ask(threads=1, **window)) == rows(ask(threads=3, **window)) == expected
    assert sum(len(batch) for batch in ask(threads=2, batch_rows=7, **window).batches()) == len(
        found
    )
    return len(found)


@pytest.mark.parametrize("name", ASKED)
def test_a_recorded_session(name: str) -> None:
    with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        middle = (session.peer("Guest1").start or 0) + 600_000_000
        if name in ("states", "spans"):
            assert check(session, name, start=middle, end=middle + 300_000_000) > 50
        else:
            check(session, name, start=middle, end=session.end or 0)


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path) -> None:
    """Files that are on one clock answer together; others say that they cannot."""
    with tracecmd.open_session(folder) as session:
        alone = [note for note in session.notes if "its clock stands alone" in note]
        if alone:
            with pytest.raises(tracecmd.SessionError, match="its times are not on the clock"):
                session.sched.tasks()
            return
        assert check(session, "tasks") > 10
        assert check(session, "softirqs") > 10


@pytest.mark.parametrize("name", ["losses", "spans", "residency", "states", "tasks"])
def test_with_losses(tmp_path: Path, name: str) -> None:
    """What one file lost is unknown in that file alone."""
    made, _, _ = perform(3, THREADS, steps=300)
    chance = random.Random(3)
    for machine in (made.host, *made.guests.values()):
        damage(machine, chance, 100, True)
    with made.open(tmp_path) as session:
        assert check(session, name) > 5
        assert check(session, name, start=20_000, end=40_000) > 2


class Mixed(Scene):
    """The host has 64 bits, its guests 32."""

    def _write(self, path: Path, machine: Machine, options: list[writer.Option]) -> None:
        self.long_size = 8 if path.name == "trace.dat" else 4
        super()._write(path, machine, options)


def test_types_that_differ(tmp_path: Path) -> None:
    """Columns are of the types that hold all, whether or not a file is read by itself."""
    made = Mixed({"G": [101]})
    for machine in (made.host, made.guests["G"]):
        machine.entry(1000, 0, 101)
        machine.entry(2000, 0, 101)
    with made.open(tmp_path) as session:
        ask = {"key": "vcpu_id", "value": "rip", "ts": "uint64"}
        together = session.residency("kvm_entry", **ask)
        apart = session.residency("kvm_entry", threads=2, **ask)
        guest = session.residency("kvm_entry", peers="G", **ask)
        assert together._schema.formats() == apart._schema.formats() != guest._schema.formats()
        assert sorted(rows(together), key=str) == sorted(rows(apart), key=str)
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.table(apart)
        assert table.schema.field("rip").type == pyarrow.uint64()
        assert table.column("peer").to_pylist() == ["host", "host", "G", "G"]


def test_clocks_that_nobody_compared(tmp_path: Path) -> None:
    made = Scene({"G": [101]}, synchronised=False)
    for ts in (1000, 2000):
        made.host.switch(ts, 0, 0, 5)
        made.guests["G"].switch(ts + 500_000, 0, 0, 6)
    with made.open(tmp_path) as session:
        for ask in (session.sched.states, session.losses):
            with pytest.raises(tracecmd.SessionError, match="'G': its times are not on the clock"):
                ask()
            with pytest.raises(tracecmd.SessionError, match="on the clock of 'host'"):
                ask(peers="G", start=600)
        assert {row[-1] for row in session.sched.states(peers="G").values()} == {"G"}
        with pytest.raises(tracecmd.UnknownGuestError):
            session.losses(peers=["host", "H"])
    offsets = {tmp_path / "trace-G.dat": -500_000 + 7}
    with tracecmd.open_session(tmp_path, offsets=offsets) as session:
        assert any("by the caller's word -499993 ns" in note for note in session.notes)
        found = rows(session.spans("sched_switch", "sched_waking", key="cpu", ts="uint64"))
        assert [(row[0], row[-1]) for row in found if row[-1] == "G"] == [(2007, "G"), (1007, "G")]
    with made.open(tmp_path) as session, pytest.raises(TypeError, match="peers"):
        session.peer("host").losses(peers="host")


def test_a_side_that_fails(tmp_path: Path) -> None:
    """What goes wrong on a thread is raised; who stops early waits for nobody."""
    with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        told: list[tuple[int, int]] = []
        ask: dict[str, Any] = {"threads": 2, "batch_rows": 10, "end": session.end}
        ask["start"] = session.start
        answer = session.sched.states(progress=lambda *done: told.append(done), **ask)
        first = next(answer.values())
        assert first == next(session.sched.states(peers="host", **ask).values())
        assert told
        with pytest.raises(ValueError, match="threads"):
            session.losses(threads=0)
        waiting = session.sched.states(**ask).values()
        next(waiting)
    with pytest.raises(tracecmd.ClosedError):
        list(waiting)
