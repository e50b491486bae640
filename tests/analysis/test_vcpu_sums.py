"""Sums of vCPUs, from single events of the host."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..recordings.corpus import SESSIONS
from ..unit.scenes import Scene
from .call_oracle import Losses

Key = tuple[int, int]  # of the thread, and the reason


def exits_of(
    session: tracecmd.Session, buffer: str, **window: Any
) -> dict[Key, tuple[list[int], int, int]]:
    """Times, how many there are in all, and how many lost something."""
    host = session.host
    assert host is not None
    losses = Losses(host, window.get("start"), window.get("end"))
    names = [name for name in ("kvm:kvm_exit", "kvm:kvm_entry") if name in host.events]
    pids = {vcpu.host_pid for vcpu in session.vcpus}
    outside: dict[int, tuple[int, Key]] = {}
    times: dict[Key, list[int]] = defaultdict(list)
    counts: dict[Key, int] = defaultdict(int)
    lost: dict[Key, int] = defaultdict(int)
    for event in host.iter(names, buffers=buffer, **window):
        if event.pid not in pids:
            continue
        before = outside.pop(event.pid, None)
        if event.name == "kvm_entry" and before:
            if losses.reach(buffer, None, before[0], event.ts):
                lost[before[1]] += 1
            else:
                times[before[1]].append(event.ts - before[0])
        if event.name == "kvm_exit":
            fields: Any = event
            code = fields["exit_reason"]
            form = event.format
            if form and "isa" in form.fields:
                code |= fields["isa"] << 32
            counts[event.pid, code] += 1
            outside[event.pid] = event.ts, (event.pid, code)
    return {key: (times[key], counts[key], lost[key]) for key in counts}


def check(session: tracecmd.Session, **options: Any) -> list[tracecmd.VCpuExits]:
    given = session.exits(**options)
    expected = exits_of(session, **options)
    assert {(each.host_pid, each.code) for each in given} == set(expected)
    for each in given:
        assert session.vcpu(each.host_pid)[:2] == (each.guest, each.vcpu)
        times, count, lost = expected[each.host_pid, each.code]
        assert (each.exits, each.timed, each.lost) == (count, len(times), lost)
        assert each.total == sum(times)
        assert (each.min, each.max) == ((min(times), max(times)) if times else (None, None))
        for percent, value in ((50, each.p50), (90, each.p90), (99, each.p99)):
            if times:
                exact = sorted(times)[math.ceil(len(times) * percent / 100) - 1]
                assert value is not None
                assert abs(value - exact) <= exact / 128
            else:
                assert value is None
    return list(given)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    with tracecmd.open_session(path) as session:
        host = session.host
        if host is None or not session.vcpus:
            return
        if "kvm:kvm_exit" in host.events:
            given = check(session, buffer="")
            if given and host.start and host.end:
                middle = (host.start + host.end) // 2
                check(session, buffer="", start=middle)
                check(session, buffer="", end=middle)
        if "sched:sched_switch" in host.events:
            sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
            pids = [vcpu.host_pid for vcpu in session.vcpus]
            states = host.sched.states(pids=pids, ts="uint64")
            for values in states.values():
                row = dict(zip(states.column_names, values, strict=True))
                kinds = {"running": 0, "runnable": 1, "preempted": 1, "unknown": 3}
                sums[row["pid"]][kinds.get(row["state"], 2)] += row["duration"]
            assert {each.host_pid: list(each[3:]) for each in session.steal()} == sums


def test_made(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [100, 101], "Guest2": [200]})
    host = scene.host
    host.entry(5, 0, 100)
    host.exit(10, 0, 100, reason=12, isa=1)
    host.exit(12, 1, 999, reason=12, isa=1)  # of nobody's
    host.entry(30, 0, 100)
    host.exit(40, 0, 100, reason=12, isa=1)
    host.entry(45, 1, 100)
    host.exit(50, 1, 100, reason=1, isa=1)
    host.exit(60, 1, 100, reason=77, isa=2)
    host.exit(61, 0, 101, reason=0x60, isa=2)
    host.lose(1)
    host.entry(70, 1, 100)
    with scene.open(tmp_path) as session:
        assert session.exits() == (
            ("Guest1", 0, 100, "HLT", 1 << 32 | 12, 2, 2, 25, 5, 20, 5, 20, 20, 0),
            ("Guest1", 0, 100, "EXTERNAL_INTERRUPT", 1 << 32 | 1, 1, 0, 0, *[None] * 5, 0),
            ("Guest1", 0, 100, "77", 2 << 32 | 77, 1, 0, 0, *[None] * 5, 1),
            ("Guest1", 1, 101, "interrupt", 2 << 32 | 0x60, 1, 0, 0, *[None] * 5, 0),
        )
        check(session, buffer="")
        assert [each.exits for each in session.exits(start=40, end=61)] == [1, 1, 1]


def test_steal(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [100, 101]})
    host = scene.host
    host.switch(10, 0, 0, 100)
    host.switch(30, 0, 100, 7)  # preempted
    host.switch(70, 0, 7, 100)
    host.switch(90, 0, 100, 7, state=1)
    host.wake(100, 0, 100, by=7)
    host.switch(115, 0, 7, 100)
    host.switch(120, 0, 100, 0, state=1)
    with scene.open(tmp_path) as session:
        (given,) = session.steal()
        assert given == ("Guest1", 0, 100, 45, 55, 10, 0)
        assert session.steal(start=40, end=71)[0].steal == 0  # nobody knows in this window


@pytest.mark.parametrize("seed", range(10))
def test_losses(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    scene = Scene({"Guest1": [100, 101, 102]})
    for ts in range(10, 6000, 10):
        cpu, pid = chance.randrange(2), chance.choice([100, 101, 102])
        if chance.random() < 0.02:
            scene.host.lose(cpu)
        if chance.random() < 0.5:
            scene.host.entry(ts, cpu, pid)
        else:
            scene.host.exit(ts, cpu, pid, reason=chance.choice([1, 12]), isa=1)
    with scene.open(tmp_path) as session:
        check(session, buffer="")


def test_what_is_not_there(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [100]})
    scene.host.tick(10, 0)
    with scene.open(tmp_path) as session:
        assert session.exits() == ()
        assert session.steal() == ()
    with pytest.raises(tracecmd.ClosedError):
        session.exits()
