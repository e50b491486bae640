"""Work items, timers and block requests, beside single events and made ones."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..unit.scenes import Machine
from ..writer import Field
from .job_oracle import BLOCK, HRTIMERS, TIMERS, WORK, Job, Kind, jobs

pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
KINDS = {"workqueues": WORK, "timers": TIMERS, "hrtimers": HRTIMERS, "block_io": BLOCK}

_DEV = (Field("dev_t dev", 4), Field("sector_t sector", 8), Field("unsigned int nr_sector", 4))
_WHAT = (Field("char rwbs[10]", 10), Field("char comm[16]", 16))
BLOCK_EVENTS = tuple(
    writer.EventFormat("block", f"block_rq_{name}", number, fields, '"%u", REC->dev')
    for name, number, fields in (
        ("insert", 700, (*_DEV, Field("unsigned int bytes", 4), *_WHAT)),
        ("issue", 701, (*_DEV, Field("unsigned int bytes", 4), *_WHAT)),
        ("complete", 702, (*_DEV, Field("int error", 4, signed=True), _WHAT[0])),
    )
)
_TIMER = Field("void * timer", "long")
_CALL = Field("void * function", "long")
TIMER_EVENTS = tuple(
    writer.EventFormat("timer", name, number, fields, '"%p", REC->timer')
    for name, number, fields in (
        ("timer_start", 710, (_TIMER, _CALL, Field("unsigned long expires", "long"))),
        ("timer_expire_entry", 711, (_TIMER, Field("unsigned long now", "long"), _CALL)),
        ("timer_expire_exit", 712, (_TIMER,)),
        ("timer_cancel", 713, (_TIMER,)),
    )
)


def given(answer: tracecmd.Answer, kind: Kind) -> list[Job]:
    found = []
    for row in answer.to_arrow().to_pylist():
        values = tuple(row[name] for name in (*kind.keys, *(name for name, _ in kind.fields)))
        for name, begin, end in (("waited", "queued", "start"), ("duration", "start", "end")):
            known = row[begin] is not None and row[end] is not None
            assert row[name] == (row[end] - row[begin] if known else None)
        found.append(Job(*(row.get(name) for name in Job._fields[:8]), values, row["lost"],
                         row["buffer"]))  # fmt: skip
    return found


@pytest.mark.parametrize("name", ["k72-sched.dat", "k72-workqueue.dat", "i386-lost.dat",
                                  "arm64-16k-inst.dat", "s390x-tc331-v6.dat"])  # fmt: skip
def test_recordings(name: str) -> None:
    with tracecmd.open(DATA / name) as trace:
        asked = 0
        for method, kind in KINDS.items():
            if next(trace.iter([n for n in kind[:3] if n in trace.events] or ["-"])
                    if kind.start in trace.events else iter(()), None) is None:  # fmt: skip
                continue
            asked += 1
            rows = given(getattr(trace, method)(ts="uint64"), kind)
            right = jobs(trace, kind)
            if not gaps_in(trace):
                assert Counter(rows) == Counter(right)
            else:
                assert Counter(r._replace(lost=False) for r in rows) == Counter(
                    r._replace(lost=False) for r in right
                )
                marked = {r._replace(lost=True) for r in rows if r.lost}
                assert {r for r in right if r.lost} <= marked
        assert asked


def gaps_in(trace: tracecmd.Trace) -> bool:
    return next(trace.losses().values(), None) is not None


def made(path: Path, machine: Machine, events: tuple[writer.EventFormat, ...]) -> tracecmd.Trace:
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    file = writer.Trace(events=(*writer.EVENTS, *events), buffers=buffers)
    path.write_bytes(file.write().data)
    return tracecmd.open(path)


def test_block_io(tmp_path: Path) -> None:
    insert, issue, complete = BLOCK_EVENTS
    of: dict[str, Any] = {"dev": 8, "nr_sector": 8}
    start: dict[str, Any] = {**of, "bytes": 4096, "rwbs": "WS", "comm": "dd", "pid": 7}
    machine = Machine()
    machine.add(10, 0, insert.values(sector=100, **start))
    machine.add(15, 0, issue.values(sector=300, **{**start, "rwbs": "R"}))
    machine.add(20, 1, issue.values(sector=100, **{**start, "pid": 9, "comm": "kworker"}))
    machine.add(40, 0, complete.values(sector=100, error=-5, rwbs="WS", **of))
    machine.add(50, 0, complete.values(sector=108, rwbs="WS", **of))
    machine.add(60, 0, insert.values(sector=300, **start))
    with made(tmp_path / "t.dat", machine, BLOCK_EVENTS) as trace:
        rows = given(trace.block_io(ts="uint64"), BLOCK)
        assert Counter(rows) == Counter(jobs(trace, BLOCK))
        assert rows == [
            Job(10, 20, 40, None, 1, 9, 0, 7, (8, 100, 8, 4096, "WS", "dd", -5), False, ""),
            Job(None, None, 50, None, 0, 0, None, None, (8, 108, 8, None, "WS", None, 0), False,
                ""),
            Job(None, 15, None, None, 0, 7, None, None, (8, 300, 8, 4096, "R", "dd", None), False,
                ""),
            Job(60, None, None, None, 0, 7, 0, 7, (8, 300, 8, 4096, "WS", "dd", None), False, ""),
        ]  # fmt: skip
        assert len(given(trace.block_io(ts="uint64", cpus=1, pids=9), BLOCK)) == 1
    with made(tmp_path / "u.dat", machine, BLOCK_EVENTS[1:]) as trace:
        assert [row.queued for row in given(trace.block_io(ts="uint64"), BLOCK)] == [None] * 3
    with (
        made(tmp_path / "v.dat", machine, BLOCK_EVENTS[:2]) as trace,
        pytest.raises(tracecmd.MissingEventError, match="block_rq_complete was not recorded") as e,
    ):
        trace.block_io()
    assert "record -e block:block_rq_insert -e block:block_rq_issue -e block:bl" in str(e.value)


def test_timers(tmp_path: Path) -> None:
    """A cancel that is one, that comes with setting it anew, and that comes with its expiry."""
    begin, entry, leave, cancel = TIMER_EVENTS
    machine = Machine()
    for ts, form, values in (
        (10, begin, {"function": 5, "expires": 3}), (20, cancel, {}),
        (21, begin, {"function": 5, "expires": 4}), (30, cancel, {}),
        (31, entry, {"function": 5, "now": 4}), (33, begin, {"function": 6, "expires": 9}),
        (36, leave, {}), (50, begin, {"function": 6, "expires": 10}), (60, cancel, {}),
    ):  # fmt: skip
        machine.add(ts, 0, form.values(timer=77, **values))
    with made(tmp_path / "t.dat", machine, TIMER_EVENTS) as trace:
        rows = given(trace.timers(ts="uint64"), TIMERS)
        assert [(r.queued, r.start, r.end, r.cancelled) for r in rows] == [
            (10, None, None, 20), (21, 31, 36, None), (33, None, None, 50), (50, None, None, 60),
        ]  # fmt: skip
        assert rows[1].values == (77, "0x5", 4, 4)
        assert Counter(rows) == Counter(jobs(trace, TIMERS))


@pytest.mark.parametrize("seed", range(12))
def test_what_losses_change_is_marked(tmp_path: Path, seed: int) -> None:
    """With records taken out, no unmarked row says what the whole schedule does not."""
    chance = random.Random(seed)
    begin, entry, leave, cancel = TIMER_EVENTS
    states = dict.fromkeys(range(4), "")
    records: list[tuple[int, int, writer.Values]] = []
    for ts in range(10, 4000, 10):
        key = chance.randrange(4)
        steps = {"": [begin], "q": [begin, entry, entry, cancel], "s": [leave], "qs": [leave]}
        form = chance.choice(steps[states[key]])
        if states[key] == "s" and chance.random() < 0.3:
            form = begin
        after = {begin: "q" + states[key].replace("q", ""), entry: "s", cancel: "",
                 leave: states[key].replace("s", "")}  # fmt: skip
        states[key] = after[form]
        values = {f.name: ts for f in form.fields if f.name in ("expires", "now")}
        records.append((ts, chance.randrange(2), form.values(timer=key, **values)))
    whole, cut = Machine(), Machine()
    hidden: set[int] = set()
    for place in range(len(records) - 20):
        if chance.random() < 0.02:
            hidden.update(range(place, place + chance.randrange(1, 8)))
    gone = {0: False, 1: False}
    for place, (ts, cpu, record) in enumerate(records):
        whole.add(ts, cpu, record)
        if place in hidden:
            gone[cpu] = True
            continue
        if gone[cpu]:
            cut.lose(cpu)
        gone[cpu] = False
        cut.add(ts, cpu, record)
    assert not any(gone.values())
    with made(tmp_path / "a.dat", whole, TIMER_EVENTS) as trace:
        right = set(given(trace.timers(ts="uint64"), TIMERS))
        assert right == set(jobs(trace, TIMERS))
        assert not any(row.lost for row in right)
    with made(tmp_path / "b.dat", cut, TIMER_EVENTS) as trace:
        rows = given(trace.timers(ts="uint64"), TIMERS)
        assert {row for row in rows if not row.lost} <= right
        assert sum(not row.lost for row in rows) > 0


def test_keys_are_forgotten(tmp_path: Path) -> None:
    """A disk has more sectors than fit in memory: those without requests take none."""
    _, issue, complete = BLOCK_EVENTS
    machine = Machine()
    ts = itertools.count(1)
    machine.add(next(ts), 0, issue.values(dev=1, sector=9))
    for sector in range(10, 4_010):
        machine.add(next(ts), 0, issue.values(dev=1, sector=sector))
        machine.add(next(ts), 0, complete.values(dev=1, sector=sector))
    machine.add(next(ts), 0, complete.values(dev=1, sector=9))
    made(tmp_path / "t.dat", machine, BLOCK_EVENTS).close()
    with tracecmd.open(tmp_path / "t.dat", budget=tracecmd.Budget(memory=128 << 10)) as trace:
        table = trace.block_io(ts="uint64").to_arrow()
        assert table["end"].null_count == table["start"].null_count == 0
        assert table["start"][4_000].as_py() == 1
        assert len(table) == 4_001
