"""Timelines and joins of recorded sessions."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import pytest

import tracecmd
from tracecmd import cli
from tracecmd.session.vcpu_timeline import Interval, summarize

from . import corpus

RECORDS = ("sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new", "kvm_entry",
           "kvm_exit")  # fmt: skip
"""What timelines are made from."""
WITH_HOST = [f for f in corpus.SESSIONS if (f / "trace.dat").exists()]


def by_vcpu(session: tracecmd.Session) -> dict[tuple[str, int], list[Interval]]:
    found: dict[tuple[str, int], list[Interval]] = defaultdict(list)
    for row in session.timeline():
        found[row.guest, row.vcpu].append(row)
    return found


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_states_add_up(folder: Path) -> None:
    """Each vCPU's intervals cover the host's records without a gap or an overlap."""
    with tracecmd.open_session(folder) as session:
        found = by_vcpu(session)
        assert set(found) == {(v.guest, v.vcpu) for v in session.vcpus}
        if session.host is None:
            return
        stat = session.host.stat()
        assert stat.first_ts is not None
        assert stat.last_ts is not None
        for rows in found.values():
            assert (rows[0].start, rows[-1].end) == (stat.first_ts, stat.last_ts)
            for before, after in itertools.pairwise(rows):
                assert before.end == after.start
        for summary in summarize(session):
            assert sum(summary.states.values()) == summary.traced == stat.last_ts - stat.first_ts
            rows = found[summary.vcpu.guest, summary.vcpu.vcpu]
            for state, time in summary.states.items():
                assert time == sum(r.end - r.start for r in rows if r.state == state)
            assert summary.states["preempted"] > summary.traced / 10


@pytest.mark.parametrize("folder", WITH_HOST, ids=lambda folder: folder.name)
def test_on_a_cpu_as_the_switches_say(folder: Path) -> None:
    """No record is lost there, so each thread is on a CPU from switch to switch."""
    with tracecmd.open_session(folder) as session:
        assert session.host is not None
        assert session.host.stat().missed_events == 0
        ours: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row in session.timeline():
            if row.host_cpu is not None:
                spans = ours[row.host_pid]
                if spans and spans[-1][1:] == (row.start, row.host_cpu):
                    spans[-1] = (spans[-1][0], row.end, row.host_cpu)
                else:
                    spans.append((row.start, row.end, row.host_cpu))
        threads = {vcpu.host_pid for vcpu in session.vcpus}
        since: dict[int, int] = {}
        expected: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        end = 0
        for event in session.iter(peers=["host"]):
            end = event.ts
            if event.pid in threads and event.name in RECORDS:
                since.setdefault(event.pid, event.ts)  # it was there before the first switch
            if event.name != "sched_switch":
                continue
            prev, following = event["prev_pid"], event["next_pid"]
            assert isinstance(prev, int)
            assert isinstance(following, int)
            if prev in threads:
                begin = since.pop(prev)
                if event.ts > begin:
                    expected[prev].append((begin, event.ts, event.cpu))
            if following in threads:
                since[following] = event.ts
        assert all(begin <= end for begin in since.values())
        for pid in threads:
            known = expected[pid]
            assert ours[pid][: len(known)] == known
            assert len(ours[pid]) - len(known) == (pid in since and since[pid] < end)


def test_causality(capsys: pytest.CaptureFixture[str]) -> None:
    """A guest's record cannot be made but between kvm_entry and kvm_exit of its vCPU's thread."""
    folder = next((f for f in corpus.SESSIONS if f.name == "kvm-entries"), None)
    if folder is None:
        pytest.skip("only where TRACECMD_TRACES has the session kvm-entries")
    with tracecmd.open_session(folder) as session:
        summaries = summarize(session)
        inside = sum(summary.inside for summary in summaries)
        checkable = sum(summary.checkable for summary in summaries)
        with capsys.disabled():
            print(f"\nkvm-entries: {inside} of {checkable} guest records lie inside an entry")
        assert inside == checkable == 282
        # The same by the timeline: none where the vCPU is known not to be in the guest.
        states = defaultdict(int)
        found = by_vcpu(session)
        for joined in session.join(peers=session.guests):
            row = next(
                (
                    row
                    for row in found[joined.guest, joined.vcpu]
                    if row.start <= joined.event.ts < row.end
                ),
                None,
            )
            if row is not None:
                states[row.state] += 1
                assert joined.host_cpu == row.host_cpu
        assert states["running-in-guest"] >= 282
        assert states["running-in-host"] == states["preempted"] == states["blocked"] == 0


@pytest.mark.parametrize("folder", WITH_HOST, ids=lambda folder: folder.name)
def test_joins(folder: Path) -> None:
    """Every record of a guest, and every one that a vCPU's thread made, joined to the timeline."""
    with tracecmd.open_session(folder) as session:
        found = by_vcpu(session)
        threads = {v.host_pid: v for v in session.vcpus}
        expected = sorted(
            (e.peer, e.cpu, e.ts, e.id)
            for e in session.iter()
            if e.peer != "host" or e.pid in threads
        )
        got: list[tuple[str, int, int, int]] = []
        place: dict[tuple[str, int], int] = defaultdict(int)
        last = {key: rows[-1].end for key, rows in found.items()}
        for joined in session.join():
            event = joined.event
            got.append((event.peer, event.cpu, event.ts, event.id))
            key = joined.guest, joined.vcpu
            rows = found.get(key, [])
            while place[key] < len(rows) and rows[place[key]].end <= event.ts:
                place[key] += 1
            if event.peer == "host":
                assert (joined.host_cpu, joined.host_pid) == (event.cpu, event.pid)
                if place[key] < len(rows):
                    assert joined.guest_pid == rows[place[key]].guest_pid
            else:
                assert joined.guest_pid == event.pid
                inside = rows and rows[0].start <= event.ts < last[key]
                assert joined.host_cpu == (rows[place[key]].host_cpu if inside else None)
                assert (joined.host_pid is None) == (joined.host_cpu is None)
        assert sorted(got) == expected


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    """TSC2NSEC makes nanoseconds of its cycles; only exits for HLT were recorded."""
    folder = corpus.DATA / "sessions" / "kvm-small"
    assert cli.main(["session", str(folder), "--vcpus"]) == 0
    text = capsys.readouterr().out
    assert text.count(": traced 9.431245163 s\n") == 3
    assert "Guest1 vCPU 0 (host PID 187)" in text
    assert "  exits: 804 (hlt 804)\n" in text
    assert "  running-in-guest    0.00%  0.000000000 s\n" in text
