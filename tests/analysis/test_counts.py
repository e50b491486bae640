"""Page faults, counted; frequencies."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import tracecmd

from .. import writer
from ..unit.scenes import Machine
from ..writer import Field
from .test_jobs import made

pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
EVENTS = ("page_fault_user", "page_fault_kernel")
USER = writer.EventFormat(
    "exceptions",
    "page_fault_user",
    720,
    tuple(Field(f"unsigned long {name}", "long") for name in ("address", "ip", "error_code")),
    '"%lx", REC->ip',
)


def test_page_faults() -> None:
    with tracecmd.open(DATA / "k72-all.dat") as trace:
        by_task: Counter[object] = Counter()
        by_function: Counter[object] = Counter()
        times = defaultdict(list)
        for event in trace.iter(EVENTS):
            symbol = trace.symbol(event["ip"])
            where = (symbol.name, event["ip"] - symbol.offset) if symbol else (None, event["ip"])
            by_task[event.pid, event.comm, event.name] += 1
            by_function[(event.pid, event.comm, event.name, *where)] += 1
            times[event.pid, event.comm, event.name].append(event.ts)
        tasks = list(trace.page_faults(by="task", ts="uint64").values())
        assert [(*row[:3], row[5]) for row in tasks] == [(*k, n) for k, n in by_task.most_common()]
        assert [row[6:8] for row in tasks] == [(times[row[:3]][0], times[row[:3]][-1])
                                               for row in tasks]  # fmt: skip
        given = list(trace.page_faults(ts="uint64").values())
        assert {row[:5]: row[5] for row in given} == by_function
        assert [row[5] for row in given] == sorted((row[5] for row in given), reverse=True)
        assert not any(row[8] for row in given)
        pid = tasks[0][0]
        some = trace.page_faults(by="task", pids=pid, cpus=[0, 1], end=times[tasks[0][:3]][1])
        assert [row[5] for row in some.values()] == [1]
        with pytest.raises(ValueError, match="by='address'"):
            trace.page_faults(by="address")  # type: ignore[arg-type]


def test_losses_and_missing_events(tmp_path: Path) -> None:
    machine = Machine()
    machine.add(10, 0, USER.values(pid=5, ip=77))
    machine.lose(0, 3)
    machine.add(20, 0, USER.values(pid=5, ip=77))
    with made(tmp_path / "t.dat", machine, (USER,)) as trace:
        ((*_, address, count, first, last, lost, buffer),) = trace.page_faults(ts="uint64").values()
        assert (address, count, first, last, lost, buffer) == (77, 2, 10, 20, True, "")
        with pytest.raises(tracecmd.MissingEventError, match="-e power:cpu_frequency"):
            trace.frequencies()
    bare = dataclasses.replace(USER, name="other")
    with (
        made(tmp_path / "u.dat", machine, (bare,)) as trace,
        pytest.raises(tracecmd.MissingEventError, match="-e exceptions:page_fault_user"),
    ):
        trace.page_faults()


def test_frequencies(tmp_path: Path) -> None:
    fields = (Field("u32 state", 4), Field("u32 cpu_id", 4))
    form = writer.EventFormat("power", "cpu_frequency", 801, fields, '"%u", REC->state')
    machine = Machine()
    machine.add(10, 0, form.values(state=800_000, cpu_id=1))
    machine.add(30, 1, form.values(state=3_000_000, cpu_id=1))
    with made(tmp_path / "t.dat", machine, (form,)) as trace:
        answer = trace.frequencies(ts="uint64")
        assert answer.column_names[:2] == ("cpu_id", "frequency")
        assert [row[:5] for row in answer.values()] == [
            (1, 800_000, 10, 30, 20), (1, 3_000_000, 30, None, None)]  # fmt: skip
