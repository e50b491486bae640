from __future__ import annotations

import dataclasses
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine
from ..writer import Field
from .loss_oracle import gaps

pytest.importorskip("pyarrow")

CASES = [
    ("cpu_idle", "cpu_id", "state"),
    ("sched_waking", "comm", "target_cpu"),
    ("sched_wakeup", "pid", "prio"),
]
NAMES = ("key", "value", "start", "end", "duration", "cpu", "lost", "buffer")
Row = tuple[Any, ...]


def rows(answer: tracecmd.Answer) -> list[Row]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def oracle(trace: tracecmd.Trace, event: str, key: str, value: str, **window: int) -> list[Row]:
    start, end = window.get("start", 0), window.get("end", 1 << 64)
    losses = [gap for gap in gaps(trace) if gap.end >= start and (gap.begin or 0) < end]
    held: dict[Any, tracecmd.Event] = {}
    found: list[Row] = []

    def row(event: tracecmd.Event, after: tracecmd.Event | None) -> None:
        own = event.name == "cpu_idle"
        lost = any(
            gap.buffer == event.buffer
            and gap.end > event.ts
            and (not own or gap.cpu == event.cpu)
            and (after is None or (gap.begin or 0) < after.ts or gap.end <= after.ts)
            for gap in losses
        )
        ended = None if after is None else after.ts
        duration = None if after is None else after.ts - event.ts
        found.append((event[key], event[value], event.ts, ended, duration, event.cpu, lost,
                      event.buffer))  # fmt: skip

    for each in trace.iter(event, **window):
        before = held.get((each.buffer, each[key]))
        if before is not None:
            row(before, each)
        held[each.buffer, each[key]] = each
    for each in held.values():
        row(each, None)
    return found


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_recordings(path: Path, case: tuple[str, str, str]) -> None:
    event, key, value = case
    if path.stat().st_size > 20 << 20:
        return
    with tracecmd.open(path) as trace:
        if event not in trace.events:
            return
        given = rows(trace.residency(event, key=key, value=value, ts="uint64"))
        assert Counter(given) == Counter(oracle(trace, event, key, value))
        if trace.start is None or trace.end is None:
            return
        chance = random.Random(3)
        start, end = sorted(chance.randint(trace.start, trace.end) for _ in range(2))
        given = rows(
            trace.residency(event, key=key, value=value, ts="uint64", start=start, end=end)
        )
        assert Counter(given) == Counter(oracle(trace, event, key, value, start=start, end=end))


IDLE = writer.EventFormat(
    "power", "cpu_idle", 800, (Field("u32 state", 4), Field("u32 cpu_id", 4)), '"%u", REC->state'
)


def test_made(tmp_path: Path) -> None:
    machine = Machine()
    for ts, cpu, state in [(10, 0, 1), (20, 1, 2), (30, 0, 2**32 - 1), (40, 0, 3)]:
        machine.add(ts, cpu, IDLE.values(state=state, cpu_id=cpu))
    machine.lose(0)
    machine.add(60, 0, IDLE.values(state=0, cpu_id=0))
    machine.add(65, 1, IDLE.values(state=5, cpu_id=0))
    path = tmp_path / "t.dat"
    pages = machine.pages(writer.Machine())
    file = writer.Trace(events=(*writer.EVENTS, IDLE), buffers=[writer.Buffer(cpus=pages)])
    path.write_bytes(file.write().data)
    with tracecmd.open(path) as trace:
        answer = trace.residency("cpu_idle", key="cpu_id", value="state", ts="uint64")
        assert answer.column_names == ("cpu_id", "state", *NAMES[2:])
        assert rows(answer) == [
            (0, 1, 10, 30, 20, 0, False, ""),
            (0, 2**32 - 1, 30, 40, 10, 0, False, ""),
            (0, 3, 40, 60, 20, 0, True, ""),
            (0, 0, 60, 65, 5, 0, False, ""),
            (0, 5, 65, None, None, 1, False, ""),
            (1, 2, 20, None, None, 1, False, ""),
        ]
        part = trace.residency("cpu_idle", key="cpu_id", value="state", ts="uint64", start=40,
                               end=50, cpus=0)  # fmt: skip
        assert rows(part) == [(0, 3, 40, None, None, 0, True, "")]
        with pytest.raises(tracecmd.UnknownFieldError):
            trace.residency("cpu_idle", key="cpu", value="stat")
        with pytest.raises(tracecmd.UnknownEventError):
            trace.residency("cpu_idled", key="cpu_id", value="state")
        with pytest.raises(ValueError, match="another field"):
            trace.residency("cpu_idle", key="state", value="state")


@pytest.mark.parametrize("seed", range(20))
def test_what_losses_change_is_marked(tmp_path: Path, seed: int) -> None:
    """With records taken out, no unmarked row says what the whole recording does not."""
    chance = random.Random(seed)
    form = IDLE if seed % 2 else dataclasses.replace(IDLE, name="cpu_frequency")
    records = [(ts, chance.randrange(2)) for ts in range(10, 3000, 10)]
    made: list[tuple[int, int, writer.Values]] = []
    for ts, cpu in records:
        key = cpu if seed % 2 or chance.random() < 0.8 else 1 - cpu  # of frequencies: any CPU's
        made.append((ts, cpu, form.values(state=ts, cpu_id=key)))
    hidden: set[int] = set()
    for place in range(20, len(made) - 20):
        if chance.random() < 0.02:
            hidden.update(range(place, place + chance.randrange(1, 9)))
    answers = []
    for gone in (set(), hidden):
        machine = Machine()
        lost = [False, False]
        for place, (ts, cpu, values) in enumerate(made):
            if place in gone:
                lost[cpu] = True
                continue
            if lost[cpu]:
                machine.lose(cpu)
            lost[cpu] = False
            machine.add(ts, cpu, values)
        path = tmp_path / f"{len(gone)}.dat"
        pages = machine.pages(writer.Machine())
        file = writer.Trace(events=(*writer.EVENTS, form), buffers=[writer.Buffer(cpus=pages)])
        path.write_bytes(file.write().data)
        with tracecmd.open(path) as trace:
            answers.append(rows(trace.residency(form.name, key="cpu_id", value="state",
                                                ts="uint64")))  # fmt: skip
    whole, cut = answers
    assert not any(row[6] for row in whole)
    assert {row for row in cut if not row[6]} <= set(whole)
    assert not hidden or any(row[6] for row in cut)
