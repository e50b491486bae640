"""Interrupts, idle states and frequencies, as trace processor tells them of what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd
from tracecmd.export import perfetto

from .. import writer
from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import Buffer, Field, Machine, fill_pages
from .compare import Recording, machines
from .engine import Engine
from .test_recordings import open_any

RECORDINGS = [
    corpus.DATA / "k72-power.dat",
    corpus.DATA / "arm64-16k-subbuf64.dat",
    corpus.DATA / "s390x-tc331-v6.dat",
    corpus.DATA / "sessions" / "kvm-small",
]

SLICES = """
    SELECT machine.raw_id, extract_arg(track.dimension_arg_set_id, 'cpu'), slice.ts, slice.dur
    FROM slice
    JOIN track ON track.id = slice.track_id
    LEFT JOIN machine ON machine.id = track.machine_id
    WHERE track.type = '{}'
"""
COUNTERS = """
    SELECT extract_arg(track.dimension_arg_set_id, 'cpu'), counter.ts, counter.value
    FROM counter
    JOIN track ON track.id = counter.track_id
    WHERE track.type = '{}'
    ORDER BY 1, 2
"""
Slice = tuple[int, int, int, int]


def theirs(engine: Engine, path: Path, kind: str) -> set[Slice]:
    (rows,) = engine.query(path, SLICES.format(kind))
    return {(machine or 0, cpu, ts, duration) for machine, cpu, ts, duration in rows}


def ours(recording: Recording, answer: tracecmd.Answer) -> tuple[set[Slice], set[Slice]]:
    """Those that began and ended, and those that began."""
    ids = {name: number for name, (number, _) in machines(recording).items()}
    whole, open_ones = set(), set()
    for values in answer.values():
        row = dict(zip(answer.column_names, values, strict=True))
        key = ids[row.get("peer", recording.peer if isinstance(recording, tracecmd.Trace) else "")]
        if row["end"] is not None and row["start"] is not None:
            whole.add((key, row["cpu"], row["start"], row["duration"]))
        elif row["start"] is not None:
            open_ones.add((key, row["cpu"], row["start"], -1))
    return whole, open_ones


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_interrupts(engine: Engine, path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pftrace"
    with open_any(path) as recording:
        perfetto.write(recording, out)
        asked = {"cpu_irq": recording.irqs, "cpu_softirq": recording.softirqs}
        for kind, ask in asked.items():
            whole, open_ones = ours(recording, ask(ts="uint64"))
            assert whole
            assert theirs(engine, out, kind) == whole | open_ones


def power(name: str, number: int) -> writer.EventFormat:
    fields = (Field("u32 state", 4), Field("u32 cpu_id", 4))
    return writer.EventFormat("power", name, number, fields, '"%u %u", REC->state, REC->cpu_id')


IDLE, FREQUENCY = power("cpu_idle", 800), power("cpu_frequency", 801)


def counters(recording: tracecmd.Trace, event: str) -> list[tuple[int, int, int]]:
    """What each row of a residency begins with."""
    answer = recording.residency(event, key="cpu_id", value="state", ts="uint64")
    return sorted((row[0], row[2], row[1]) for row in answer.values())


def check(engine: Engine, recording: tracecmd.Trace, out: Path, event: str, kind: str) -> int:
    perfetto.write(recording, out)
    (rows,) = engine.query(out, COUNTERS.format(kind))
    found = sorted((int(cpu), int(ts), int(value)) for cpu, ts, value in rows)
    assert found == counters(recording, event)
    return len(found)


def test_idle_states(engine: Engine, tmp_path: Path) -> None:
    with tracecmd.open(corpus.DATA / "k72-power.dat") as trace:
        assert check(engine, trace, tmp_path / "out.pftrace", "cpu_idle", "cpu_idle") == 24


def test_frequencies(engine: Engine, write: Write, tmp_path: Path) -> None:
    """A CPU's frequency may be set by another."""
    cpus = {
        cpu: list(
            fill_pages(
                [
                    (ts, FREQUENCY.values(state=khz, cpu_id=of))
                    for ts, by, of, khz in (
                        (1000, 0, 0, 800_000), (2000, 0, 1, 1_200_000), (2500, 1, 0, 2_100_000),
                        (3000, 1, 1, 800_000), (4000, 0, 0, 2_100_000),
                    )
                    if by == cpu
                ],
                Machine(),
            )
        )
        for cpu in (0, 1)
    }  # fmt: skip
    path = write(Trace(events=(*writer.EVENTS, IDLE, FREQUENCY), buffers=(Buffer(cpus=cpus),)))
    with tracecmd.open(path) as trace:
        out = tmp_path / "out.pftrace"
        assert check(engine, trace, out, "cpu_frequency", "cpu_frequency") == 5


RUNS = """
    SELECT machine.raw_id, thread.tid, cpu.cpu, sched.ts, sched.dur
    FROM sched
    JOIN thread USING (utid)
    JOIN cpu USING (ucpu)
    LEFT JOIN machine ON machine.id = cpu.machine_id
"""


def test_tasks_of_a_session(engine: Engine, tmp_path: Path) -> None:
    """What ran on the CPUs of host and guests, until each file's last record."""
    out = tmp_path / "out.pftrace"
    with tracecmd.open_session(RECORDINGS[-1]) as session:
        perfetto.write(session, out)
        ids = {name: number for name, (number, _) in machines(session).items()}
        last = {ids[peer.name]: peer.trace.end for peer in session.peers}
        states = session.sched.states(ts="uint64").values()
        mine = {(ids[r[-1]], r[0], r[6], r[3], r[5]) for r in states if r[2] == "running"}
    (rows,) = engine.query(out, RUNS)
    found = set()
    for machine, tid, cpu, ts, duration in rows:
        end = last[machine or 0]
        assert end is not None
        # A slice that is open at the end goes on to that of the whole trace there.
        length = end - ts if duration < 0 or ts + duration > end else duration
        if length > 0:
            found.add((machine or 0, tid, cpu, ts, length))
    assert found <= mine
    # What a CPU ran before its first switch, they do not tell.
    assert len(mine - found) <= len({(machine, cpu) for machine, _, cpu, _, _ in mine})
    assert {machine for machine, *_ in found} == set(ids.values())
