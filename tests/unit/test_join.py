"""Joins of both sides of a session, against all intervals held in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd

from .timelines import OTHER, A, B, C, S, end, perform, scene


def test_both_directions(tmp_path: Path) -> None:
    made = scene({"G": [A, B]})
    host, guest = made.host, made.guests["G"]
    host.switch(2000, 0, 0, A)
    host.tick(2100, 0, A)
    host.tick(2200, 1, OTHER)  # no vCPU's thread
    host.switch(2500, 0, A, 0, S)
    host.switch(3000, 1, 0, A)
    host.entry(3100, 1, A)
    guest.tick(1500, 0, 7)
    guest.switch(2050, 0, 7, 8, S, ("seven", "eight"))
    guest.tick(2150, 0, 8)
    guest.tick(2600, 0, 8)
    guest.tick(3200, 0, 8)
    guest.tick(3300, 1, 9)
    with end(made).open(tmp_path) as session:
        joined = list(session.join())
        assert [(j.event.peer, j.event.ts, *j[1:]) for j in joined] == [
            ("G", 1500, "G", 0, None, None, 7, "seven"),
            ("G", 2050, "G", 0, 0, A, 7, "<...>"),  # switching away, it is still the task
            ("host", 2100, "G", 0, 0, A, 8, "eight"),
            ("G", 2150, "G", 0, 0, A, 8, "eight"),
            ("host", 2500, "G", 0, 0, A, 8, "eight"),
            ("G", 2600, "G", 0, None, None, 8, "eight"),
            ("host", 3100, "G", 0, 1, A, 8, "eight"),
            ("G", 3200, "G", 0, 1, A, 8, "eight"),
            ("G", 3300, "G", 1, None, None, 9, "<...>"),
        ]
        assert joined[2].event["n"] == 0
        assert joined[2].event.name == "tick"
        few = [(j.event.peer, j.event.ts) for j in session.join("tick", start=2100, end=3200)]
        assert few == [("host", 2100), ("G", 2150), ("G", 2600)]
        assert [j.event.ts for j in session.join("kvm:*", peers="host")] == [3100]
        assert {j.event.peer for j in session.join(peers=["G"])} == {"G"}
        with pytest.raises(KeyError, match="did you mean 'tick'"):
            session.join("tic")
        with pytest.raises(KeyError, match="no peer"):
            session.join(peers=["X"])
    with pytest.raises(tracecmd.ClosedError):
        session.join()


def test_losses(tmp_path: Path) -> None:
    """Between two records with a loss between them nothing is known, from the first one on."""
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.tick(3000, 0, A)
    made.host.lose(0)
    made.host.tick(4000, 0, A)
    for ts in (2500, 3000, 3500, 4500):
        made.guests["G"].tick(ts, 0, 7)
    with end(made).open(tmp_path) as session:
        found = [(j.event.ts, j.host_cpu) for j in session.join(peers=["G"])]
        assert found == [(2500, 0), (3000, None), (3500, None), (4500, None)]


def test_guests_that_cannot_be_placed(tmp_path: Path) -> None:
    """On a clock of their own, without a host's file, or on a vCPU whose thread is unknown."""
    made = scene({"G": [A]})
    made.host.switch(2000, 0, 0, A)
    made.guests["G"].tick(3000, 0, 7)
    made.guests["G"].tick(3100, 1, 7)
    with end(made).open(tmp_path) as session:
        found = [(j.vcpu, j.host_cpu, j.host_pid) for j in session.join(peers="G")]
        assert found == [(0, 0, A), (1, None, None)]
    with tracecmd.open_session(tmp_path, sync=False) as session:
        assert [j.host_pid for j in session.join(peers="G")] == [None, None]
        assert [row.guest_pid for row in session.timeline()] == [None] * 2
    (tmp_path / "trace.dat").unlink()
    with tracecmd.open_session(tmp_path) as session:
        assert [(j.vcpu, j.host_pid) for j in session.join()] == [(0, None), (1, None)]


@pytest.mark.parametrize("seed", range(6))
def test_against_the_timeline(tmp_path: Path, seed: int) -> None:
    threads = {"G": [A, B], "H": [C]}
    made, _, _ = perform(seed, threads, steps=400)
    made.host.lose(2)
    with made.open(tmp_path) as session:
        intervals = list(session.timeline())
        of = {pid: (name, v) for name, own in threads.items() for v, pid in enumerate(own)}
        expected: list[tuple[str, int, int, int | None, int | None]] = []
        every = list(session.iter())
        for event in every:
            if event.peer == "host" and event.pid not in of:
                continue
            guest, vcpu = of[event.pid] if event.peer == "host" else (event.peer, event.cpu)
            row = next(
                (
                    r
                    for r in intervals
                    if (r.guest, r.vcpu) == (guest, vcpu) and r.start <= event.ts < r.end
                ),
                None,
            )
            cpu = event.cpu if event.peer == "host" else row and row.host_cpu
            # Switching away, a guest's record is of the task that it leaves.
            task = event.pid if event.peer != "host" else row and row.guest_pid
            expected.append((event.peer, event.ts, event.id, cpu, task))
        found = [
            (j.event.peer, j.event.ts, j.event.id, j.host_cpu, j.guest_pid) for j in session.join()
        ]
        assert found == expected
        assert len(found) > 300
        assert sum(j.host_cpu is not None for j in session.join()) > 100
