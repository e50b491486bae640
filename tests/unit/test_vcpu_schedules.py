"""Timelines of schedules by chance, compared with what they are."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from . import scenes
from .timelines import (
    BLOCKED,
    GUEST,
    HOST,
    PREEMPTED,
    UNKNOWN,
    A,
    B,
    C,
    Row,
    Truth,
    perform,
    rows,
)


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
