"""Timelines of sessions that lost events."""

from __future__ import annotations

from pathlib import Path

from .scenes import R, S, Scene
from .timelines import (
    BLOCKED,
    GUEST,
    HOST,
    OTHER,
    PREEMPTED,
    UNKNOWN,
    A,
    B,
    C,
    end,
    rows,
    scene,
)


def test_losses_on_host_cpus(tmp_path: Path) -> None:
    """What is lost on CPU 1 between 3000 and 4000 concerns all but the thread on CPU 0."""
    made = scene({"G": [A, B, C]})
    host = made.host
    host.wake(1100, 0, OTHER)
    host.switch(2000, 0, 0, A)
    host.entry(2100, 0, A)
    host.switch(2200, 1, 0, C)
    host.switch(2300, 1, C, B, S)
    host.entry(2400, 1, B)
    host.tick(3000, 1, B)
    host.lose(1)
    host.exit(3500, 0, A)  # in the middle of the loss
    host.wake(3600, 0, C, by=A)  # may be on CPU 1 already
    host.tick(4000, 1, OTHER)
    host.entry(4100, 0, A)
    host.switch(4200, 1, OTHER, B)
    host.exit(4300, 1, B)
    host.entry(4400, 1, B)
    host.wake(4500, 1, C, by=B)
    host.switch(4600, 1, B, C, R)
    with end(made).open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 2000, UNKNOWN, None),
            (2000, 2100, UNKNOWN, 0),
            (2100, 3500, GUEST, 0),
            (3500, 4100, HOST, 0),
            (4100, 9000, UNKNOWN, 0),
        ]
        assert [row[:4] for row in rows(session, vcpu=1)] == [
            (1000, 2300, UNKNOWN, None),
            (2300, 3000, UNKNOWN, 1),  # entered, but what came then is lost
            (3000, 4200, UNKNOWN, None),
            (4200, 4300, UNKNOWN, 1),
            (4300, 4400, HOST, 1),
            (4400, 4600, UNKNOWN, 1),
            (4600, 9000, PREEMPTED, None),
        ]
        assert [row[:4] for row in rows(session, vcpu=2)] == [
            (1000, 2200, UNKNOWN, None),
            (2200, 2300, UNKNOWN, 1),
            (2300, 3000, BLOCKED, None),
            (3000, 4500, UNKNOWN, None),
            (4500, 4600, PREEMPTED, None),
            (4600, 9000, UNKNOWN, 1),
        ]


def test_a_switch_away_while_another_cpu_loses_events(tmp_path: Path) -> None:
    made = scene()
    host = made.host
    host.wake(1100, 0, OTHER)
    host.lose(1, 3)
    host.switch(2000, 0, 0, A)
    host.switch(3000, 0, A, 0, S)
    host.switch(4000, 0, 0, A)
    host.switch(5000, 0, A, 0, R)
    host.tick(6000, 1)
    with end(made).open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 2000, UNKNOWN, None),
            (2000, 3000, UNKNOWN, 0),
            (3000, 4000, UNKNOWN, None),
            (4000, 5000, UNKNOWN, 0),
            (5000, 9000, UNKNOWN, None),
        ]


def test_losses_at_the_start_and_the_end(tmp_path: Path) -> None:
    """Before the first record of a CPU, and behind its last one that counts."""
    made = Scene({"G": [A, B]})
    host = made.host
    host.tick(1000, 1)
    host.wake(1100, 1, A)
    host.switch(1200, 1, 0, A)
    host.switch(1300, 1, A, 0, R)
    host.lose(0)
    host.tick(2000, 0)
    host.switch(2100, 0, 0, B)
    host.switch(2200, 0, B, 0, R)
    host.switch(3000, 1, 0, A)
    host.switch(3100, 1, A, 0, R)
    host.tick(4000, 1)
    host.lose(1)
    host.tick(9000, 1)
    with made.open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 1200, UNKNOWN, None),
            (1200, 1300, UNKNOWN, 1),
            (1300, 3000, UNKNOWN, None),
            (3000, 3100, UNKNOWN, 1),
            (3100, 4000, PREEMPTED, None),
            (4000, 9000, UNKNOWN, None),
        ]
        assert [row[:4] for row in rows(session, vcpu=1)] == [
            (1000, 2100, UNKNOWN, None),
            (2100, 2200, UNKNOWN, 0),
            (2200, 4000, PREEMPTED, None),
            (4000, 9000, UNKNOWN, None),
        ]


def test_losses_in_a_guest(tmp_path: Path) -> None:
    made = scene()
    made.host.switch(2000, 0, 0, A)
    guest = made.guests["G"]
    guest.switch(1500, 0, 7, 8)
    guest.tick(3000, 0, 8)
    guest.lose(0)
    guest.tick(4000, 0, 9)
    guest.switch(5000, 0, 9, 10)
    guest.tick(8000, 0, 10)
    with end(made).open(tmp_path) as session:
        assert rows(session) == [
            (1000, 1500, UNKNOWN, None, None, None),  # the guest's records begin
            (1500, 2000, UNKNOWN, None, 8, None),
            (2000, 3000, UNKNOWN, 0, 8, None),
            (3000, 5000, UNKNOWN, 0, None, None),
            (5000, 8000, UNKNOWN, 0, 10, None),
            (8000, 9000, UNKNOWN, 0, None, None),
        ]


def test_what_a_guest_had_lost_before_its_first_switch(tmp_path: Path) -> None:
    made = scene()
    guest = made.guests["G"]
    guest.tick(1100, 0, 7)
    guest.lose(0)
    guest.switch(1500, 0, 8, 9)
    guest.tick(2000, 0, 9)
    with end(made).open(tmp_path) as session:
        assert [(*row[:2], row[4]) for row in rows(session)] == [
            (1000, 1500, None), (1500, 2000, 9), (2000, 9000, None),
        ]  # fmt: skip


def test_a_guest_on_a_clock_of_its_own(tmp_path: Path) -> None:
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.guests["G"].switch(1500, 0, 7, 8)
    made.guests["G"].tick(3000, 0, 8)
    made.synchronised = False
    with end(made).open(tmp_path) as session:
        assert all(row[4] is None for row in rows(session))
