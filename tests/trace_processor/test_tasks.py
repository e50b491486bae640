"""What tasks did, as trace processor tells it of what is written of a recording.

It guesses more than we do: a task that it has not seen before is runnable once woken. And where
a task is woken as it goes to sleep, it passes over the sched_wakeup that comes then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd
from tracecmd.export import perfetto

from ..recordings import corpus
from .engine import Engine

SIZE = 3 << 20
# Their clocks stood still, so that slices of no length are many; or records contradict each other.
ODD = ("i386-v7-zstd.dat",)
STATES = {"S": "sleeping", "I": "idle", "D": "blocked", "R+": "preempted"}

SLICES = "SELECT thread.tid, cpu, ts, dur FROM sched JOIN thread USING (utid)"
WAITS = """
    SELECT thread.tid, state, ts FROM thread_state JOIN thread USING (utid)
    WHERE thread.tid != 0 AND dur != 0
"""


@pytest.mark.parametrize("path", corpus.SINGLE, ids=lambda path: path.name)
def test_states(engine: Engine, path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pftrace"
    if path.stat().st_size > SIZE or path.name in ODD:
        return
    with tracecmd.open_session(path) as session:
        trace = session.peers[0].trace
        counted = trace.stat()
        lost = counted.missed_events or counted.missed_unknown
        if "sched:sched_switch" not in counted.events or lost or len(trace.buffers) > 1:
            return
        perfetto.write(session, out)
        rows = list(trace.sched.states(ts="uint64").values())
        end = trace.end
    assert end is not None
    ours = {(row[0], row[6], row[3], row[5]) for row in rows if row[2] == "running"}
    slices, waits = engine.query(out, SLICES, WAITS)
    theirs = set()
    for tid, cpu, ts, duration in (map(int, each) for each in slices):
        if duration:
            theirs.add((tid, cpu, ts, duration if duration > 0 else end - ts))
    theirs = {each for each in theirs if each[3]}
    assert theirs <= ours
    # What a CPU ran before its first switch, they do not tell.
    assert len(ours - theirs) <= len({row[6] for row in rows if row[6] is not None})
    begun = {(row[0], row[2], row[3]) for row in rows}
    for tid, state, ts in waits:
        if state in STATES and int(ts) < end:
            assert (int(tid), STATES[state], int(ts)) in begun
