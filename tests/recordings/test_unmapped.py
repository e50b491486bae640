"""Every recording gives the same, whether it is mapped or read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..corrupt.touch import facts
from . import corpus


def everything(trace: tracecmd.Trace) -> dict[str, Any]:
    found = facts(trace)
    for reverse in (False, True):
        found[f"records {reverse}"] = [
            (e.buffer, e.ts, e.cpu, e.pid, e.id, e.raw, e.missed_events)
            for e in trace.iter(reverse=reverse)
        ]
    found["stat"] = trace.stat(threads=2)
    rows = found["records False"]
    if rows:
        start, end = rows[len(rows) // 3][1], rows[len(rows) // 2][1]
        found["window"] = [e.raw for e in trace.iter(start=start, end=end)]
        if importlib.util.find_spec("pyarrow"):
            found["tables"] = {
                name: [(batch.schema, batch.to_pydict()) for batch in table.to_arrow().to_batches()]
                for name, table in trace.tables().items()
            }
        found["report"] = b"".join(map(bytes, trace.report()))
    found["texts"] = [b.text() for b in trace.buffers if b.is_text]
    found["problems"] = [str(problem) for problem in trace.problems]
    return found


@pytest.mark.parametrize("path", corpus.SHORT, ids=corpus.name_of)
def test_read_as_mapped(path: Path) -> None:
    with tracecmd.open(path) as mapped, tracecmd.open(path, mmap=False) as read:
        assert everything(mapped) == everything(read)


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda path: path.name)
def test_sessions_read_as_mapped(folder: Path) -> None:
    answers = []
    for mmap in (True, False):
        with tracecmd.open_session(folder, strangers="skip", mmap=mmap) as session:
            records = [(e.peer, e.ts, e.cpu, e.id, e.raw, e.missed_events) for e in session.iter()]
            report = b"".join(map(bytes, session.report()))
            answers.append((records, report, session.vcpus, session.notes))
    assert answers[0] == answers[1]
    assert answers[0][0]
