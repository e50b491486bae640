"""The answers beside their oracles over a larger folder: TRACECMD_ANSWERS names it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

import tracecmd

from .job_oracle import jobs
from .sched_oracle import Sched
from .test_jobs import KINDS, gaps_in, given
from .test_meanwhile import ask, holders
from .test_sched import first_buffer
from .test_wakers import check

pytest.importorskip("pyarrow")

_FOLDER = os.environ.get("TRACECMD_ANSWERS")
MORE = sorted(Path(_FOLDER).rglob("*.dat")) if _FOLDER else []
LARGEST = 1_300_000  # bytes; the oracles are slow, above all on hosts of sessions


@pytest.mark.skipif(not MORE, reason="TRACECMD_ANSWERS is not set")
def test_more_recordings() -> None:
    asked: Counter[str] = Counter()
    for path in MORE:
        if path.stat().st_size > LARGEST or path.name == "trace.dat":
            continue
        with tracecmd.open(path) as trace:
            for method, kind in KINDS.items():
                if kind.start in trace.events and kind.end in trace.events:
                    rows = given(getattr(trace, method)(ts="uint64"), kind)
                    right = jobs(trace, kind)
                    if not gaps_in(trace):
                        assert Counter(rows) == Counter(right), (path, method)
                    asked[method] += len(rows)
            if not {"sched_switch", "sched_waking"} <= set(map(bare, trace.stat().events)):
                continue
            oracle = Sched(trace, first_buffer(trace))
            if oracle.contradictions:
                continue
            asked["wakers"] += check(trace)
            for wait, found in ask(trace, 20):
                right_holders = holders(oracle, wait)
                known = {pid: held for pid, held in found if pid is not None}
                assert all(right_holders[pid] == held for pid, held in known.items()), path
                asked["waits"] += 1
    assert asked["wakers"] > 100
    assert asked["waits"] > 20


def bare(name: str) -> str:
    return name.rpartition(":")[2]
