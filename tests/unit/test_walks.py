"""Walks whose file is closed, shrinks or is damaged meanwhile, and events that outlive it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import ClosedError, CorruptError, TruncatedError

from ..conftest import Trace, Write
from ..writer import (
    SCHED_SWITCH,
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Event,
    Machine,
    Page,
    fill_pages,
)

FORMATS = [TICK, SCHED_WAKEUP, SCHED_SWITCH]
PIDS = [0, 7, 8, 4711, -3]


def many(write: Write, **shape: Any) -> Path:
    pages = fill_pages(((i * 10, TICK.values(n=i)) for i in range(30000)), Machine(False, 8))
    return write(Trace(buffers=[Buffer(cpus={0: pages, 1: pages})], **shape))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("begun", [False, True])
def test_closed_while_walking(
    write: Write, begun: bool, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read already comes out, then a ClosedError."""
    monkeypatch.setattr("tracecmd._reading.records.WINDOW_BYTES", 1 << 17)
    trace = tracecmd.open(many(write))
    events = trace.iter(threads=threads)
    got = [next(events)] if begun else []
    trace.close()
    with pytest.raises(ClosedError):
        got += events  # type: ignore[arg-type]
    assert len(got) < 60000
    assert next(events, None) is None
    assert [e.size for e in got] == [32] * len(got)
    for use in (trace.iter, trace.stat, lambda: trace.at(0), lambda: trace.comm(1)):
        with pytest.raises(ClosedError):
            use()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_shrunk_while_walking(
    write: Write, compression: Any, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bus error, but a TruncatedError with the next batch.

    Between batches, that is: nothing helps while the core is reading. Threads read ahead, so theirs
    must not have begun.
    """
    monkeypatch.setattr("tracecmd._reading.records.WINDOW_BYTES", 1 << 17)
    path = many(write, compression=compression)
    with tracecmd.open(path) as trace:
        events = trace.iter(threads=threads)
        got = [next(events)] if threads == 1 else []
        backwards = trace.iter(reverse=True)
        next(backwards)
        os.truncate(path, 5000)
        for walk in (events, backwards):
            with pytest.raises(TruncatedError) as caught:
                got += walk  # type: ignore[arg-type]
            assert caught.value.path == str(path)
        assert len(got) < 60000
        for use in (trace.stat, lambda: trace.at(0), lambda: list(trace)):
            with pytest.raises(TruncatedError):
                use()


def test_events_outlive_their_trace(write: Write) -> None:
    with tracecmd.open(many(write)) as trace:
        event = next(iter(trace))
        assert (event.name, event.comm, event["n"]) == ("tick", "<idle>", 0)
    assert (event.ts, event.cpu, event.size, len(event.raw)) == (0, 0, 32, 32)
    assert event.buffer == ""


def test_strict_raises_at_damage(write: Write) -> None:
    good = Page(1000, [Event(0, TICK.values(n=1))])
    bad = Page(2000, [Event(0, TICK.values(n=2))], commit=5000)
    path = write(Trace(buffers=[Buffer(cpus={0: [good, bad, good]})]))
    with tracecmd.open(path) as trace:
        assert trace.problems == ()
        assert len(list(trace)) == 2
        assert trace.stat().records == 2
        (problem,) = trace.problems
        assert type(problem) is CorruptError
        assert problem.offset is not None
        assert "sub-buffer 1 of CPU 0" in str(problem)
    with tracecmd.open(path, strict=True) as trace:
        for use in (lambda: list(trace), trace.stat, lambda: list(trace.iter(reverse=True))):
            with pytest.raises(CorruptError):
                use()
