"""Why it is unknown what vCPUs did: time by reason."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

import tracecmd

from . import scenes
from .test_vcpu_core import THREADS, damage
from .timelines import OTHER, A, B, end, perform, scene

Reasons = dict[str, tuple[int, int]]
"""Time and stretches by reason."""

NOTHING = "no record had told of its thread"
NO_KVM = "no KVM event had told of its thread"
NO_TASKS = "no records of it on the host's clock"


def why(session: tracecmd.Session, what: str = "state", vcpu: int = 0, **window: int) -> Reasons:
    return {
        row.reason: (row.time, row.stretches)
        for row in session.timeline(**window).unknown()
        if (row.what, row.vcpu) == (what, vcpu)
    }


def test_kvm_events_that_are_not_there(tmp_path: Path) -> None:
    made = scene()
    made.host.switch(1100, 0, 0, A)
    made.host.exit(1300, 0, A)
    made.host.exit(1700, 0, A)  # kvm_entry is missing between
    made.host.entry(1800, 0, A)
    made.host.entry(2000, 0, A)  # kvm_exit is
    made.host.exit(2100, 0, A)
    made.host.entry(2200, 0, A)
    made.host.switch(2600, 0, A, 0, scenes.S)  # so here
    made.host.wake(3000, 1, A)
    made.host.switch(3100, 0, 0, A)
    made.host.exit(3200, 0, A)
    made.host.entry(3300, 0, A)
    with end(made).open(tmp_path) as session:
        assert why(session) == {
            NOTHING: (100, 1),
            NO_KVM: (200, 1),
            "kvm_entry was not recorded": (400, 1),
            "kvm_exit was not recorded": (200 + 400 + 100, 3),
            "the recording of the host ended": (9000 - 3300, 1),
        }
        assert why(session, start=1250, end=1500) == {
            NO_KVM: (50, 1),
            "kvm_entry was not recorded": (200, 1),
        }
        assert why(session, "task") == {NO_TASKS: (8000, 1)}


def test_losses_and_ends(tmp_path: Path) -> None:
    """The first that is lost counts, until a record tells more."""
    made = scene({"G": [A, B]})
    made.host.switch(1100, 0, 0, A)
    made.host.exit(1200, 0, A)
    made.host.entry(1300, 0, A)
    made.host.lose(0)
    made.host.tick(1500, 0)
    made.host.tick(1500, 1)
    made.host.lose(1)  # A may be anywhere, and it is known of already that it is not known
    made.host.tick(1900, 1)
    made.host.switch(2000, 0, 0, A)
    made.host.exit(2100, 0, A)
    made.host.entry(2200, 0, A)
    made.host.exit(2300, 0, A)
    made.host.entry(2400, 0, A)
    made.host.switch(2500, 0, OTHER, 0)  # where A has to be: it left without a record
    guest = made.guests["G"]
    guest.switch(1200, 0, 7, 8)
    guest.lose(0)
    guest.switch(1450, 0, 8, 9)
    guest.tick(5000, 0)
    with end(made).open(tmp_path) as session:
        assert why(session) == {
            NOTHING: (100, 1),
            NO_KVM: (100, 1),
            "events were lost on host CPU 0": (2100 - 1300, 1),
            "records contradict each other": (9000 - 2400, 1),
        }
        assert why(session, vcpu=1) == {NOTHING: (8000, 1)}
        assert why(session, "task") == {
            "the recording of the guest had not begun": (200, 1),
            "events were lost on guest CPU 0": (250, 1),
            "the recording of the guest ended": (4000, 1),
        }
        assert why(session, "task", vcpu=1) == {NO_TASKS: (8000, 1)}


@pytest.mark.parametrize("missing", ["wake", "switch", "dead"])
def test_the_scheduler(tmp_path: Path, missing: str) -> None:
    made = scene()
    if missing == "wake":
        made.host.wake(1050, 1, OTHER)
    if missing != "switch":
        made.host.switch(1100, 0, 0, A)
    made.host.exit(1200, 0, A)
    made.host.entry(1300, 0, A)
    made.host.exit(1400, 0, A)
    if missing != "switch":
        made.host.switch(1500, 0, A, 0, scenes.S if missing == "wake" else 0x20)
        made.host.switch(2000, 0, 0, A)
    made.host.entry(2100, 0, A)
    made.host.exit(2200, 0, A)
    with end(made).open(tmp_path) as session:
        found = why(session)
    for reason in (NOTHING, NO_KVM, "the recording of the host ended"):
        found.pop(reason, None)
    if missing == "wake":
        assert found == {"the wake-up was not recorded": (500, 1)}
    elif missing == "switch":
        assert found == {"sched_switch was not recorded": (100 + 700 + 6800, 3)}
    else:  # and the next KVM event says nothing of the time before
        assert found == {"its thread had ended": (700, 1)}


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_the_timelines(tmp_path: Path, seed: int) -> None:
    """In any window, whatever is missing."""
    made, _, _ = perform(seed, THREADS, steps=200)
    chance = random.Random(seed)
    for machine in (made.host, *made.guests.values()):
        damage(machine, chance, 100, True)
    with made.open(tmp_path) as session:
        for window in ({}, {"start": 20_000, "end": 31_111}):
            expected: Counter[tuple[str, int, str]] = Counter()
            for row in session.timeline(**window):
                if row.state == "unknown":
                    expected[row.guest, row.vcpu, "state"] += row.end - row.start
                if row.guest_comm is None:
                    expected[row.guest, row.vcpu, "task"] += row.end - row.start
            found: Counter[tuple[str, int, str]] = Counter()
            for each in session.timeline(**window).unknown():
                assert each.time >= each.stretches > 0
                found[each.guest, each.vcpu, each.what] += each.time
            assert found == expected != Counter()


def test_a_recorded_session() -> None:
    """It has kvm_exit, but no kvm_entry."""
    with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        missing = [u for u in session.timeline().unknown() if u.reason.startswith("kvm_entry was")]
        host = session.host
        assert host is not None
        assert "kvm:kvm_entry" not in host.stat().events
        assert [u[:3] for u in missing] == list(session.vcpus)
