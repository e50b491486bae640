"""Timelines of sessions whose schedule is known, because it was made up here."""

from __future__ import annotations

import dataclasses
import itertools
import random
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import pytest

import tracecmd
from tracecmd._reading import lookahead
from tracecmd.session import vcpu_timeline
from tracecmd.session.vcpu_timeline import Interval, summarize

from . import scenes
from .scenes import RUNNING_PREEMPTED, R, S, Scene

A, B, C = 101, 102, 103  # host threads of vCPUs
OTHER = 50
GUEST, HOST, PREEMPTED, BLOCKED, UNKNOWN = vcpu_timeline.STATES

Row = tuple[int, int, str, int | None, int | None, str | None]
"""Start, end, state, host CPU, guest PID, exit reason."""


def rows(session: tracecmd.Session, guest: str = "G", vcpu: int = 0) -> list[Row]:
    """The timeline of one vCPU; and check what holds of every timeline."""
    found: dict[tuple[str, int], list[Interval]] = {}
    for row in session.timeline():
        found.setdefault((row.guest, row.vcpu), []).append(row)
    host = [e.ts for e in session.iter(peers=["host"])]
    assert set(found) == {(v.guest, v.vcpu) for v in session.vcpus}
    for one in found.values():
        assert one[0].start == min(host)
        assert one[-1].end == max(host)
        for before, after in itertools.pairwise(one):
            assert before.end == after.start
            assert before[3:4] + before[6:] != after[3:4] + after[6:]
        assert all(row.start < row.end for row in one)
    return [
        (r.start, r.end, r.state, r.host_cpu, r.guest_pid, r.exit_reason)
        for r in found[guest, vcpu]
    ]


def scene(threads: dict[str, list[int]] | None = None) -> Scene:
    """A scene from 1000 to 9000 on host CPUs 0 and 1, if a test does not add more."""
    made = Scene(threads or {"G": [A]})
    made.host.tick(1000, 0)
    made.host.tick(1000, 1)
    return made


def end(made: Scene, ts: int = 9000) -> Scene:
    made.host.tick(ts, 0)
    made.host.tick(ts, 1)
    return made


@pytest.mark.parametrize(
    ("version", "big_endian", "long_size"),
    [(6, False, 8), (7, False, 8), (7, True, 8), (6, True, 4), (7, False, 4)],
)
def test_every_state(tmp_path: Path, version: int, big_endian: bool, long_size: int) -> None:
    made = scene()
    made.version, made.big_endian, made.long_size = version, big_endian, long_size
    host, guest = made.host, made.guests["G"]
    host.switch(2000, 0, 0, A)
    host.entry(2100, 0, A)
    host.exit(2200, 0, A, 0x60)
    host.entry(2300, 0, A)
    host.exit(2400, 0, A, 120)
    host.switch(2500, 0, A, 0, S)
    host.wake(2800, 1, A)
    host.wake(2810, 1, A, name="wakeup")  # the same wake-up
    host.switch(3000, 0, 0, A)
    host.entry(3100, 0, A)
    host.exit(3200, 0, A, 0x60)
    host.switch(3300, 0, A, OTHER, RUNNING_PREEMPTED)
    host.switch(3400, 1, 0, A)  # on another CPU
    host.entry(3500, 1, A)
    host.exit(3600, 1, A, 12, isa=1)
    host.switch(3700, 1, A, 0, R)
    guest.tick(900, 0, 7)
    guest.switch(2150, 0, 7, 8, S, ("seven", "eight"))
    guest.switch(3150, 0, 8, 9, S, ("eight", "nine"))
    guest.tick(3650, 0, 9)
    with end(made).open(tmp_path) as session:
        assert rows(session) == [
            (1000, 2000, UNKNOWN, None, 7, None),
            (2000, 2100, UNKNOWN, 0, 7, None),
            (2100, 2150, GUEST, 0, 7, None),
            (2150, 2200, GUEST, 0, 8, None),
            (2200, 2300, HOST, 0, 8, "interrupt"),
            (2300, 2400, GUEST, 0, 8, None),
            (2400, 2500, HOST, 0, 8, "hlt"),
            (2500, 2800, BLOCKED, None, 8, None),
            (2800, 3000, PREEMPTED, None, 8, None),
            (3000, 3100, HOST, 0, 8, "hlt"),
            (3100, 3150, GUEST, 0, 8, None),
            (3150, 3200, GUEST, 0, 9, None),
            (3200, 3300, HOST, 0, 9, "interrupt"),
            (3300, 3400, PREEMPTED, None, 9, None),
            (3400, 3500, HOST, 1, 9, "interrupt"),
            (3500, 3600, GUEST, 1, 9, None),
            (3600, 3650, UNKNOWN, 1, 9, None),  # no entry tells when it was in the host
            (3650, 3700, UNKNOWN, 1, None, None),  # the guest's records end
            (3700, 9000, PREEMPTED, None, None, None),
        ]
        first = next(iter(session.timeline()))
        assert first.guest_comm == "seven"
        summary = summarize(session)[0]
        assert summary.traced == 8000 == sum(summary.states.values())
        assert summary.exits == {"interrupt": 2, "hlt": 1, "HLT": 1}
        assert summary.longest_preemption == (3700, 5300)
        cut = [(r.start, r.end, r.state) for r in session.timeline(start=2350, end=2600)]
        assert cut == [(2350, 2400, GUEST), (2400, 2500, HOST), (2500, 2600, BLOCKED)]


def test_without_kvm_events(tmp_path: Path) -> None:
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.switch(2500, 0, A, 0, S)
    made.host.wake(2800, 1, A)
    made.host.switch(3000, 1, 0, A)
    with end(made).open(tmp_path) as session:
        assert rows(session) == [
            (1000, 2000, UNKNOWN, None, None, None),
            (2000, 2500, UNKNOWN, 0, None, None),
            (2500, 2800, BLOCKED, None, None, None),
            (2800, 3000, PREEMPTED, None, None, None),
            (3000, 9000, UNKNOWN, 1, None, None),
        ]


def test_without_wakeups(tmp_path: Path) -> None:
    """When a thread became runnable is not known, nor whether one blocked at last still is."""
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.exit(2100, 0, A)
    made.host.switch(2500, 0, A, 0, S)
    made.host.switch(3000, 0, 0, A)
    made.host.entry(3100, 0, A)
    made.host.exit(3200, 0, A)
    made.host.switch(3300, 0, A, 0, S)
    with end(made).open(tmp_path) as session:
        assert rows(session) == [
            (1000, 2000, UNKNOWN, None, None, None),
            (2000, 2100, UNKNOWN, 0, None, None),
            (2100, 2500, HOST, 0, None, "hlt"),
            (2500, 3000, UNKNOWN, None, None, None),
            (3000, 3100, HOST, 0, None, "hlt"),
            (3100, 3200, GUEST, 0, None, None),
            (3200, 3300, UNKNOWN, 0, None, None),
            (3300, 9000, UNKNOWN, None, None, None),
        ]


def test_a_wakeup_that_is_missing(tmp_path: Path) -> None:
    """Wake-ups are traced, but this one is not on record; one blocked at the end is blocked."""
    made = scene()
    made.host.wake(1500, 1, OTHER)
    made.host.switch(2000, 0, 0, A)
    made.host.switch(2500, 0, A, 0, S)
    made.host.switch(3000, 0, 0, A)
    made.host.switch(3500, 0, A, 0, S)
    with end(made).open(tmp_path) as session:
        assert [row[2] for row in rows(session)] == [UNKNOWN] * 4 + [BLOCKED]


def test_woken_on_the_way_to_sleep(tmp_path: Path) -> None:
    """Its waker was faster than the switch away: it was runnable all the time."""
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.wake(2490, 1, A)
    made.host.switch(2500, 0, A, 0, S)
    made.host.switch(3000, 0, 0, A)
    made.host.wake(3100, 1, A)  # but this one came before it went on
    made.host.exit(3200, 0, A)
    made.host.switch(3300, 0, A, 0, S)
    made.host.switch(3400, 0, 0, A)
    with end(made).open(tmp_path) as session:
        assert [row[:3] for row in rows(session)] == [
            (1000, 2000, UNKNOWN),
            (2000, 2500, UNKNOWN),
            (2500, 3000, PREEMPTED),
            (3000, 3300, UNKNOWN),
            (3300, 3400, UNKNOWN),
            (3400, 9000, UNKNOWN),
        ]


def test_pairs_of_kvm_events(tmp_path: Path) -> None:
    made = scene()
    host = made.host
    host.switch(2000, 0, 0, A)
    host.entry(2100, 0, A)
    host.entry(2200, 0, A)  # entry, entry
    host.exit(2300, 0, A)
    host.exit(2400, 0, A)  # exit, exit
    host.entry(2500, 0, A)
    host.switch(2600, 0, A, OTHER, R)  # entry, switch
    host.switch(2700, 0, OTHER, A, R)
    host.exit(2800, 0, A)
    host.switch(2900, 0, A, OTHER, R)
    host.switch(3000, 0, OTHER, A, R)
    host.exit(3100, 0, A)  # exit, exit, with a switch between
    host.entry(3200, 0, A)
    with end(made).open(tmp_path) as session:
        assert rows(session) == [
            (1000, 2000, UNKNOWN, None, None, None),
            (2000, 2200, UNKNOWN, 0, None, None),
            (2200, 2300, GUEST, 0, None, None),
            (2300, 2400, UNKNOWN, 0, None, None),
            (2400, 2500, HOST, 0, None, "hlt"),
            (2500, 2600, UNKNOWN, 0, None, None),
            (2600, 2700, PREEMPTED, None, None, None),
            (2700, 2900, UNKNOWN, 0, None, None),
            (2900, 3000, PREEMPTED, None, None, None),
            (3000, 3100, UNKNOWN, 0, None, None),
            (3100, 3200, HOST, 0, None, "hlt"),
            (3200, 9000, UNKNOWN, 0, None, None),
        ]


def test_names_of_exit_reasons(tmp_path: Path) -> None:
    made = scene()
    made.host.switch(2000, 0, 0, A)
    cases = [(0x60, 2, "interrupt"), (12, 1, "HLT"), (1 << 31 | 12, 1, "HLT"),
             (0xFFFFFFFF, 2, "invalid"), (77, 2, "77")]  # fmt: skip
    for number, (reason, isa, _) in enumerate(cases):
        made.host.exit(2100 + 100 * number, 0, A, reason, isa)
        made.host.entry(2150 + 100 * number, 0, A)
    with end(made).open(tmp_path) as session:
        found = [row[5] for row in rows(session) if row[2] == HOST]
    assert found == [name for _, _, name in cases]


@pytest.mark.parametrize(
    ("print_fmt", "name"),
    [
        ('__print_symbolic(REC->exit_reason, { 0170, "octal" })', "octal"),
        ('__print_symbolic(REC->exit_reason, { 089, "none" }, { 120UL, "long" })', "long"),
        ('__print_symbolic(REC->exit_reason, { 0X78, "a \\"b\\"" })', 'a \\"b\\"'),
        ('__print_symbolic(REC->nothing, { 120, "other" })', "120"),
        ("REC->exit_reason", "120"),
        ('__print_symbolic(REC->exit_reason, { %s, "" })' % ("9" * 5000), "120"),
    ],
)
def test_tables_of_exit_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, print_fmt: str, name: str
) -> None:
    form = dataclasses.replace(scenes.KVM_EXIT, print_fmt=f'"%s", {print_fmt}')
    monkeypatch.setattr(scenes, "FORMATS", (*scenes.FORMATS[:-2], form, scenes.SCHED_WAKING))
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.exit(2100, 0, A, 120)
    made.host.entry(2200, 0, A)
    with end(made).open(tmp_path) as session:
        assert [row[5] for row in rows(session) if row[2] == HOST] == [name]


def test_edges(tmp_path: Path) -> None:
    """Runnable at the start is who is woken and then switched to; blocked who is never woken."""
    made = scene({"G": [A, B, C]})
    host = made.host
    host.wake(2000, 1, A)
    host.switch(2500, 0, 0, A)
    host.wake(3000, 1, B)  # was it asleep, or going to sleep on a CPU?
    host.exit(3500, 1, B)  # the latter
    host.switch(4000, 1, B, 0, S)
    host.switch(5000, 1, OTHER, 0, S)
    with end(made).open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 2000, UNKNOWN, None),
            (2000, 2500, PREEMPTED, None),
            (2500, 9000, UNKNOWN, 0),
        ]
        assert [row[:4] for row in rows(session, vcpu=1)] == [
            (1000, 3500, UNKNOWN, None),
            (3500, 4000, UNKNOWN, 1),
            (4000, 9000, BLOCKED, None),
        ]
        assert rows(session, vcpu=2) == [(1000, 9000, UNKNOWN, None, None, None)]


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


def test_contradictions(tmp_path: Path) -> None:
    """Switches that are not on record (filtered away) are found out, and nothing made up."""
    made = scene({"G": [A, B]})
    host = made.host
    host.wake(1100, 0, OTHER)
    host.switch(2000, 0, 0, A)
    host.exit(2500, 0, A)
    host.entry(2600, 0, A)
    host.entry(3000, 1, A)  # it moved to CPU 1, unseen
    host.exit(3100, 1, A)
    host.switch(3200, 1, OTHER, B)  # nobody saw A leave
    host.switch(3500, 1, B, 0, R)
    host.exit(3700, 1, B)  # nor B come
    host.switch(4000, 1, B, 0, S)
    host.switch(4500, 0, B, 0, S)  # nor here
    with end(made).open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 2000, UNKNOWN, None),
            (2000, 2500, UNKNOWN, 0),
            (2500, 2600, HOST, 0),
            (2600, 3000, UNKNOWN, None),
            (3000, 3100, GUEST, 1),
            (3100, 9000, UNKNOWN, None),
        ]
        assert [row[:4] for row in rows(session, vcpu=1)] == [
            (1000, 3200, UNKNOWN, None),
            (3200, 3500, UNKNOWN, 1),
            (3500, 3700, UNKNOWN, None),
            (3700, 4000, UNKNOWN, 1),
            (4000, 4500, UNKNOWN, None),
            (4500, 9000, BLOCKED, None),
        ]


def test_without_any_switches(tmp_path: Path) -> None:
    """A recording of KVM events alone tells when the vCPU was in the guest, and nothing else."""
    made = scene()
    host = made.host
    host.exit(2000, 0, A)
    host.entry(2100, 0, A)
    host.exit(2200, 0, A)
    host.entry(2300, 1, A)
    host.entry(2350, 1, OTHER)
    host.exit(2400, 1, A)
    with end(made).open(tmp_path) as session:
        assert [row[:4] for row in rows(session)] == [
            (1000, 2100, UNKNOWN, None),
            (2100, 2200, GUEST, 0),
            (2200, 9000, UNKNOWN, None),
        ]


def test_a_thread_that_ended(tmp_path: Path) -> None:
    made = scene()
    made.host.wake(1100, 0, OTHER)
    made.host.switch(2000, 0, 0, A)
    made.host.switch(3000, 0, A, 0, 0x20)
    with end(made).open(tmp_path) as session:
        assert [row[:3] for row in rows(session)] == [
            (1000, 2000, UNKNOWN), (2000, 3000, UNKNOWN), (3000, 9000, UNKNOWN),
        ]  # fmt: skip


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vcpu_timeline._thread, "PENDING_LIMIT", 4)
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.host.entry(2100, 0, A)
    for number in range(7):
        made.guests["G"].switch(2200 + 100 * number, 0, number, number + 1)
    made.host.exit(3000, 0, A)
    made.host.entry(3100, 0, A)
    made.host.exit(3200, 0, A)
    made.guests["G"].tick(9500, 0, 7)
    with end(made).open(tmp_path) as session:
        found = [row[2] for row in rows(session) if row[0] >= 2100]
    assert found == [UNKNOWN] * 7 + [HOST, GUEST, UNKNOWN]


def peak(folder: Path, rounds: int) -> int:
    """Python's memory while a timeline and a join of a session are read."""
    folder.mkdir()
    made = scene({"G": [A, B]})
    ts = 2000
    for _ in range(rounds):
        for cpu, pid in enumerate((A, B)):
            made.host.switch(ts, cpu, 0, pid)
            made.host.entry(ts + 10, cpu, pid)
            made.guests["G"].switch(ts + 15, cpu, ts % 7, (ts + 100) % 7)
            made.host.exit(ts + 20, cpu, pid)
            made.host.switch(ts + 30, cpu, pid, 0, S)
            made.host.wake(ts + 40, cpu, pid)
            ts += 50
    with end(made, ts).open(folder) as session:
        tracemalloc.start()
        try:
            assert sum(1 for _ in session.timeline()) > 10 * rounds
            assert sum(1 for _ in session.join()) == 2 * rounds * 4
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "BATCH_ROWS", 256)
    monkeypatch.setattr(vcpu_timeline._machine, "DONE_ROWS", 16)
    peak(tmp_path / "first", 100)  # what is made once and kept
    assert peak(tmp_path / "long", 1600) < 1.1 * peak(tmp_path / "short", 400)


def test_sessions_without_vcpus(tmp_path: Path) -> None:
    empty = Scene({"G": [A]})
    with empty.open(tmp_path) as session:
        assert list(session.timeline()) == []
    (tmp_path / "trace.dat").unlink()
    with tracecmd.open_session(tmp_path) as session:
        assert list(session.timeline()) == []


def test_arguments(tmp_path: Path) -> None:
    made = end(scene({"G": [A], "H": [B]}))
    made.host.switch(9500, 0, 0, A)
    with made.open(tmp_path) as session:
        assert {row.guest for row in session.timeline()} == {"G", "H"}
        assert {row.guest for row in session.timeline(guests="H")} == {"H"}
        assert [r.host_cpu for r in session.timeline(guests="G", buffers=[])] == []
        calls: list[tuple[int, int]] = []
        list(session.timeline(progress=lambda done, total: calls.append((done, total))))
        assert calls[-1][0] == calls[-1][1] > 0
        with pytest.raises(tracecmd.UnknownGuestError, match="no guest 'X'"):
            session.timeline(guests=["X"])
    with pytest.raises(tracecmd.ClosedError):
        session.timeline()


def test_columns(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = scene()
    made.host.switch(2000, 0, 0, A)
    made.guests["G"].switch(1500, 0, 7, 8, comms=("a", "b"))
    made.guests["G"].tick(3000, 0, 8)
    with end(made).open(tmp_path) as session:
        timeline = session.timeline()
        expected = [row._asdict() for row in timeline]
        assert timeline.to_arrow().to_pylist() == expected
        assert [batch.num_rows for batch in timeline.batches(rows=3)] == [3, 1]
        pandas = pytest.importorskip("pandas")
        assert timeline.to_pandas()["end"].tolist() == [row["end"] for row in expected]
        assert pandas.isna(timeline.to_pandas()["host_cpu"][0])
        polars = pytest.importorskip("polars")
        assert timeline.to_polars().to_dicts() == expected
        assert polars.DataFrame(timeline).to_dicts() == expected


# Schedules by chance ----------------------------------------------------------------------------


class Truth(NamedTuple):
    start: int
    state: str
    cpu: int | None
    reason: str | None
    task: int


def perform(seed: int, threads: dict[str, list[int]], cpus: int = 3, steps: int = 600) -> tuple[
    Scene, dict[int, list[Truth]], int
]:  # fmt: skip
    """Let chance schedule some vCPUs; gives the scene, what was so of each thread, and the end."""
    chance = random.Random(seed)
    made = Scene(threads)
    pids = [pid for own in threads.values() for pid in own]
    where = {pid: (name, v) for name, own in threads.items() for v, pid in enumerate(own)}
    state = dict.fromkeys(pids, "asleep")
    cpu: dict[int, int | None] = dict.fromkeys(pids)
    reason: dict[int, str | None] = dict.fromkeys(pids)
    task = dict.fromkeys(pids, 7)
    running = dict.fromkeys(range(cpus), 0)
    truth: dict[int, list[Truth]] = {pid: [] for pid in pids}
    now = 1000
    for number in range(cpus):
        made.host.tick(now, number)

    def note(pid: int) -> None:
        truth[pid].append(Truth(now, state[pid], cpu[pid], reason[pid], task[pid]))

    for pid in pids:
        note(pid)
        name, vcpu = where[pid]
        made.guests[name].tick(900, vcpu, 7)
    for _ in range(steps):
        now += chance.randint(1, 500)
        pid = chance.choice(pids)
        name, vcpu = where[pid]
        on = cpu[pid]
        dice = chance.random()
        if state[pid] == "asleep":
            by = chance.randrange(cpus)
            made.host.wake(now, by, pid, by=running[by])
            state[pid] = "runnable"
        elif state[pid] == "runnable":
            on = chance.randrange(cpus)
            if running[on]:
                if state[running[on]] != "host":
                    continue
                out = running[on]
                made.host.switch(now, on, out, pid, RUNNING_PREEMPTED)
                state[out], cpu[out] = "runnable", None
                note(out)
            else:
                made.host.switch(now, on, 0, pid)
            running[on], cpu[pid], state[pid] = pid, on, "host"
        elif state[pid] == "guest":
            assert on is not None
            if dice < 0.4:
                task[pid] += 1
                made.guests[name].switch(now, vcpu, task[pid] - 1, task[pid])
            else:
                code = chance.choice([0x60, 120, 77])
                made.host.exit(now, on, pid, code)
                state[pid], reason[pid] = "host", {0x60: "interrupt", 120: "hlt", 77: "77"}[code]
        elif dice < 0.6:
            assert on is not None
            made.host.entry(now, on, pid)
            state[pid] = "guest"
        else:
            assert on is not None
            sleeps = dice < 0.8
            made.host.switch(now, on, pid, 0, S if sleeps else R)
            state[pid], cpu[pid] = ("asleep" if sleeps else "runnable"), None
            running[on] = 0
        note(pid)
    now += 1000
    for number in range(cpus):
        made.host.tick(now, number)
    for name, own in threads.items():
        for vcpu in range(len(own)):
            made.guests[name].tick(now + 1, vcpu)
    return made, truth, now


def expected_rows(truth: list[Truth], last: int) -> list[Row]:
    """What the rules make of a schedule that is wholly on record."""
    names = {"guest": GUEST, "host": HOST, "asleep": BLOCKED, "runnable": PREEMPTED}
    first_kvm = next((i for i, t in enumerate(truth) if t.state == "guest"), len(truth))
    last_kvm = first_kvm
    for i, (a, b) in enumerate(itertools.pairwise(truth)):
        if {a.state, b.state} == {"guest", "host"}:
            last_kvm = i + 1
    made: list[Row] = []
    for i, (now, after) in enumerate(zip(truth, [*truth[1:], None], strict=True)):
        state = names[now.state]
        if now.cpu is not None and (i < first_kvm or i >= last_kvm):
            state = UNKNOWN
        if i == 0:  # asleep, but no record says so
            state = UNKNOWN
        row = (now.start, after.start if after else last, state, now.cpu, now.task,
               now.reason if state == HOST else None)  # fmt: skip
        if made and made[-1][2:] == row[2:]:
            row = (made.pop()[0], *row[1:])
        made.append(row)
    return made


@pytest.mark.parametrize("seed", range(12))
def test_a_schedule_by_chance(tmp_path: Path, seed: int) -> None:
    threads = {"G": [A, B], "H": [C, 104, 105]}
    made, truth, last = perform(seed, threads)
    with made.open(tmp_path) as session:
        for name, pids in threads.items():
            for vcpu, pid in enumerate(pids):
                assert rows(session, name, vcpu) == expected_rows(truth[pid], last)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_made_up_where_events_are_lost(tmp_path: Path, seed: int) -> None:
    """Take stretches of a CPU's records away: what is still said to be known is right."""
    threads = {"G": [A, B], "H": [C, 104]}
    made, truth, last = perform(seed, threads)
    chance = random.Random(seed)
    for machine in (made.host, *made.guests.values()):
        for cpu, items in machine.cpus.items():
            kept: list[tuple[int, scenes.writer.Values] | int] = []
            left = 0
            for number, item in enumerate(items):
                if not left and chance.random() < 0.05:
                    left = chance.randint(1, 8)
                    kept.append(-1)
                if left and 0 < number < len(items) - 1:
                    left -= 1
                else:
                    kept.append(item)
                    left = 0
            machine.cpus[cpu] = kept
    names = {"guest": GUEST, "host": HOST, "asleep": BLOCKED, "runnable": PREEMPTED}
    known = 0
    with made.open(tmp_path) as session:
        for name, pids in threads.items():
            for vcpu, pid in enumerate(pids):
                for start, end, state, cpu, task, reason in rows(session, name, vcpu):
                    for now, after in zip(truth[pid], [*truth[pid][1:], None], strict=True):
                        until = after.start if after else last
                        if until <= start or now.start >= end:
                            continue
                        assert state in (UNKNOWN, names[now.state])
                        assert cpu in (None, now.cpu)
                        assert task in (None, now.task)
                        assert state != HOST or reason == now.reason
                    known += (end - start) * (state != UNKNOWN)
    assert known > last / 10
