"""Timelines of sessions whose schedule is known, because it was made up here."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path

import pytest

import tracecmd
from tracecmd.session import join, vcpu_timeline
from tracecmd.session.vcpu_timeline import summarize

from . import scenes
from .scenes import RUNNING_PREEMPTED, R, S, Scene
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
    monkeypatch.setattr(vcpu_timeline._question, "PENDING_LIMIT", 4)
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
    monkeypatch.setattr(join, "BATCH_ROWS", 256)
    monkeypatch.setattr(vcpu_timeline._timeline, "ITERATED_ROWS", 256)
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
