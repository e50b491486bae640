"""From what woke a vCPU in the host to the guest's task that runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings import corpus
from ..writer import Field
from . import scenes
from .scenes import Machine, S, Scene
from .wakeup_oracle import Oracle

A, TASK = 101, 7
NUMBER = (Field("u32 number", 4),)
MORE = {
    name: writer.EventFormat(system, name, 500 + at, NUMBER, '"%u", REC->number')
    for at, (system, name) in enumerate(
        [
            ("kvm", "kvm_msi_set_irq"),
            ("kvm", "kvm_apic_accept_irq"),
            ("irq", "irq_handler_entry"),
            ("irq", "irq_handler_exit"),
        ]
    )
}


class More(Scene):
    """With events of interrupts."""

    def _write(self, path: Path, machine: Machine, options: list[writer.Option]) -> None:
        known = [form for form in scenes.FORMATS if form.name not in MORE]
        buffer = writer.Buffer(cpus=machine.pages(writer.Machine(False, 8)))
        made = writer.Trace(events=[*known, *MORE.values()], options=options, buffers=[buffer])
        path.write_bytes(made.write().data)


Step = Callable[[Machine, Machine], None]


def put(machine: Machine, ts: int, cpu: int, name: str, pid: int = 0) -> None:
    machine.add(ts, cpu, MORE[name].values(pid=pid))


# One chain, link by link: what happens in the host, and in the guest.
CHAIN: dict[str, Step] = {
    "idle": lambda _, guest: guest.switch(900, 0, 5, 0, S),
    "placed": lambda host, _: host.switch(1000, 0, 0, A),
    "asleep": lambda host, _: host.switch(1100, 0, A, 0, S),
    "irq": lambda host, _: put(host, 1500, 1, "irq_handler_entry"),
    "msi": lambda host, _: put(host, 1510, 1, "kvm_msi_set_irq"),
    "accept": lambda host, _: put(host, 1520, 1, "kvm_apic_accept_irq"),
    "waking": lambda host, _: host.wake(1530, 1, A, by=0),
    "irq exit": lambda host, _: put(host, 1540, 1, "irq_handler_exit"),
    "runs": lambda host, _: host.switch(1600, 0, 0, A),
    "entry": lambda host, _: host.entry(1650, 0, A),
    "woken": lambda _, guest: guest.wake(1700, 0, TASK, by=0),
    "run": lambda _, guest: guest.switch(1800, 0, 0, TASK, comms=("", "task")),
    "end": lambda host, guest: (host.tick(5000, 0), guest.tick(4900, 0))[0],
}


def rows(
    folder: Path, chain: dict[str, Step], asked: dict[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    made = More({"G": [A]})
    for step in chain.values():
        step(made.host, made.guests["G"])
    with made.open(folder) as session:
        return list(session.wakeups(ts="uint64", **(asked or {})).values())


def without(*names: str) -> dict[str, Step]:
    return {name: step for name, step in CHAIN.items() if name not in names}


def told(source: str, begun: int, entry: int | None = 1650) -> tuple[Any, ...]:
    return ("G", 0, TASK, "task", 1700, 1800, 1800 - begun, source, begun, 1, 0, 1530, 1600, entry,
            None)  # fmt: skip


def untold(why: str) -> tuple[Any, ...]:
    return ("G", 0, TASK, "task", 1700, 1800, 100, *[None] * 7, why)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), told("irq_handler_entry", 1500)),
        (("irq",), told("kvm_msi_set_irq", 1510)),
        (("irq", "msi"), told("kvm_apic_accept_irq", 1520)),
        (("irq", "msi", "accept"), told("sched_waking", 1530)),
        (("entry",), told("irq_handler_entry", 1500, None)),
        (("waking",), untold("the vCPU's thread was not woken for it")),
        (("asleep",), untold("the vCPU's thread was not woken for it")),
        (("runs", "entry"), untold("the vCPU's thread was not woken for it")),
        (("idle",), told("irq_handler_entry", 1500)),  # the first switch says what ran before it
    ],
)
def test_links(tmp_path: Path, missing: tuple[str, ...], expected: tuple[Any, ...]) -> None:
    assert rows(tmp_path, without(*missing)) == [expected]


def test_what_has_no_beginning(tmp_path: Path) -> None:
    by_task = CHAIN | {"woken": lambda _, guest: guest.wake(1700, 0, TASK, by=5)}
    assert rows(tmp_path, by_task) == [untold("woken by a task of the guest")]
    # Another interrupt's: the handler was over, and the CPU has switched since KVM had one.
    stale = {
        **without("irq exit", "waking", "runs", "entry"),
        "over": lambda host, _: put(host, 1522, 1, "irq_handler_exit"),
        "switch": lambda host, _: host.switch(1525, 1, 0, 50),
        "waking": lambda host, _: host.wake(1530, 1, A, by=50),
        "runs": CHAIN["runs"],
        "entry": CHAIN["entry"],
    }
    stale = {name: stale[name] for name in (*list(stale)[:6], *list(stale)[9:], *list(stale)[6:9])}
    assert [row[7:11] for row in rows(tmp_path, stale)] == [("sched_waking", 1530, 1, 50)]
    # The guest ran another task first: who knows what woke this one.
    busy = {
        **without("woken", "run", "end"),
        "other": lambda _, guest: guest.switch(1660, 0, 0, 9),
        "back": lambda _, guest: guest.switch(1680, 0, 9, 0, S),
        **{name: CHAIN[name] for name in ("woken", "run", "end")},
    }
    assert rows(tmp_path, busy) == [untold("the vCPU's thread was not woken for it")]
    assert rows(tmp_path, CHAIN, {"start": 1801}) == rows(tmp_path, CHAIN, {"end": 1800}) == []


@pytest.mark.parametrize("side", ["host", "guest"])
def test_losses(tmp_path: Path, side: str) -> None:
    """What the guest lost may be the task's run; what the host lost, where the thread was."""

    def lose(host: Machine, guest: Machine) -> None:
        if side == "host":
            host.lose(0)
            host.tick(1690, 0)
        else:
            guest.lose(0)

    after = "entry" if side == "host" else "woken"
    chain: dict[str, Step] = {}
    for name, step in CHAIN.items():
        chain[name] = step
        if name == after:
            chain["lose"] = lose
    expected = [untold("it is not known what the vCPU's thread did")] if side == "host" else []
    assert rows(tmp_path, chain) == expected


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path) -> None:
    """As plain Python tells it; where nothing tells of wake-ups, or of clocks, that is an error."""
    with tracecmd.open_session(folder) as session:
        try:
            answer = session.wakeups(ts="uint64")
        except (tracecmd.SessionError, tracecmd.MissingEventError):
            assert session.host is None or folder.name in ("kvm-entries", "nosync", "ptp-small")
            return
        assert session.stat()["host"].missed_events == 0
        rows = [(*row[:3], *row[4:6], *row[7:14]) for row in answer.values()]
        assert rows == Oracle(session).rows
        assert sum(row[5] is not None for row in rows) > 10


def test_a_recorded_session() -> None:
    """Waits are those that the guests' own schedulers tell; chains are in order."""
    with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        found = list(session.wakeups(ts="uint64").values())
        own = set()
        for row in session.sched.latency(ts="uint64", peers=list(session.guests)).values():
            pid, _, _, cpu, woken, run, _, peer = row
            own.add((peer, cpu, pid, woken, run))
        ours = {(row[0], row[1], row[2], row[4], row[5]) for row in found}
        assert own <= ours
        assert len(found) - len(own) <= 10  # that woke in a state which sched.latency() doubts
        chains = [row for row in found if row[7]]
        assert len(chains) > 20
        wakes = {(e.ts, e["pid"], e.cpu, e.pid) for e in session.iter("sched_waking", peers="host")}
        runs = {(e.ts, e["next_pid"]) for e in session.iter("sched_switch", peers="host")}
        threads = {
            (v.guest, v.vcpu, v.host_pid) for v in session.vcpus
        }  # of the vCPU that woke it, which need not be the one that it ran on
        for row in chains:
            _, _, _, _, woken, run, latency, source, begun, cpu, waker, first, second, *_ = row
            assert source == "sched_waking"
            assert begun == first < second < woken < run
            assert latency == run - begun
            pids = {pid for ts, pid, on, by in wakes if (ts, on, by) == (first, cpu, waker)}
            assert any((second, pid) in runs for pid in pids)
            assert pids & {pid for guest, _, pid in threads if guest == row[0]}


def test_arguments(tmp_path: Path) -> None:
    made = Scene({"G": [A]}, synchronised=False)
    made.host.switch(1000, 0, 0, A)
    made.host.wake(1100, 0, 5)
    made.guests["G"].tick(1000, 0)
    with made.open(tmp_path) as session:
        with pytest.raises(tracecmd.SessionError, match="not on the clock"):
            session.wakeups()
        with pytest.raises(tracecmd.UnknownGuestError):
            session.wakeups(guests="H")
    with tracecmd.open_session("tests/data/i386-v6.dat") as session:
        assert list(session.wakeups().values()) == []
    two = Scene({"G": [A], "H": [A + 1]})
    for guest in two.guests.values():
        guest.tick(1000, 0)
    folder = tmp_path / "guests"
    folder.mkdir()
    two.open(folder).close()
    (folder / "trace.dat").unlink()
    with (
        tracecmd.open_session(folder) as session,
        pytest.raises(tracecmd.SessionError, match="no file of the host"),
    ):
        session.wakeups()
