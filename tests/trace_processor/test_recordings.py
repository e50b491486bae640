"""Recordings and sessions, as trace processor reads what is written of them."""

from __future__ import annotations

import itertools
from bisect import bisect
from collections import defaultdict
from pathlib import Path

import pytest

import tracecmd
from tracecmd.export import perfetto
from tracecmd.session.vcpu_timeline import summarize

from ..recordings import corpus
from .compare import Recording, check, machines, names_of_tasks
from .engine import Engine

LIMIT = 300_000
"""Records compared of one recording, so that the tests do not take minutes for the largest."""

ENTRIES = """
    SELECT thread.tid AS tid, event.ts AS ts, event.name AS name
    FROM ftrace_event event
    JOIN thread USING (utid)
    JOIN machine ON machine.id = thread.machine_id
    WHERE machine.raw_id = 0 AND event.name IN ('kvm_entry', 'kvm_exit')
    ORDER BY event.ts
"""
OF_GUESTS = """
    SELECT machine.raw_id AS machine, cpu.cpu AS cpu, event.ts AS ts
    FROM ftrace_event event
    JOIN cpu USING (ucpu)
    JOIN machine ON machine.id = cpu.machine_id
    WHERE machine.raw_id != 0
"""


def open_any(path: Path) -> Recording:
    return tracecmd.open_session(path) if path.is_dir() else tracecmd.open(path)


def renamed(recording: Recording) -> set[tuple[str, int]]:
    """Tasks that records give another name than the file's table."""
    found = set()
    for name in ("task_newtask", "task_rename"):
        try:
            found |= {(event.peer, event["pid"]) for event in recording.iter(name)}
        except KeyError:
            continue
    return found


def check_names(recording: Recording, names: dict[tuple[int, int], tuple[str, str]]) -> None:
    """Tasks, and processes of the same number, have the names that the files' tables give."""
    peers = {number: (peer, trace) for peer, (number, trace) in machines(recording).items()}
    others = renamed(recording)
    for (machine, tid), found in names.items():
        if machine not in peers:  # without a host, there is a machine 0 all the same
            assert tid == 0
            continue
        peer, trace = peers[machine]
        name = trace.comm(tid)
        if tid and name != "<...>" and (peer, tid) not in others:
            assert found == (name, name)


@pytest.mark.parametrize("path", corpus.SINGLE + corpus.SESSIONS, ids=lambda path: path.name)
def test_records_and_names(engine: Engine, path: Path, tmp_path: Path) -> None:
    """Every record once, on its machine and CPU, at its time; every task by its name."""
    out = tmp_path / "out.pftrace"
    with open_any(path) as recording:
        beyond = next(itertools.islice(recording.iter(), LIMIT, None), None)
        found = check(engine, recording, out, beyond and beyond.ts)
        assert all(name for _, _, name, _ in found.groups)
        check_names(recording, names_of_tasks(engine, out))


def test_causality(engine: Engine, tmp_path: Path) -> None:
    """A guest's record cannot be made but between kvm_entry and kvm_exit of its vCPU's thread."""
    folder = next((f for f in corpus.SESSIONS if f.name == "kvm-entries"), None)
    if folder is None:
        pytest.skip("only where TRACECMD_TRACES has the session kvm-entries")
    out = tmp_path / "out.pftrace"
    with tracecmd.open_session(folder) as session:
        perfetto.write(session, out)
        ids = perfetto.machine_ids(session)
        threads = {(ids[v.guest], v.vcpu): v.host_pid for v in session.vcpus}
        expected = sum(summary.checkable for summary in summarize(session))
    entries, records = engine.query(out, ENTRIES, OF_GUESTS)
    times: dict[int, list[int]] = defaultdict(list)
    names: dict[int, list[str]] = defaultdict(list)
    for tid, ts, name in entries:
        times[tid].append(ts)
        names[tid].append(name)
    around = []
    for machine, cpu, ts in records:
        tid = threads[machine, cpu]
        place = bisect(times[tid], ts)
        if 0 < place < len(times[tid]):
            around.append((names[tid][place - 1], names[tid][place]))
    assert around == [("kvm_entry", "kvm_exit")] * expected
    assert expected == 282
