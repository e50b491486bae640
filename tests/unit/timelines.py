"""Scenes of a host and its guests, and the timelines of their vCPUs."""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

import tracecmd
from tracecmd.session import vcpu_timeline
from tracecmd.session.vcpu_timeline import Interval

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
