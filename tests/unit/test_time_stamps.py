"""What becomes of raw time stamps: clock options, offsets, counters that step back."""

from __future__ import annotations

from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import (
    SCHED_SWITCH,
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Date,
    Event,
    Machine,
    Page,
    Tsc2Nsec,
    fill_pages,
)

FORMATS = [TICK, SCHED_WAKEUP, SCHED_SWITCH]
PIDS = [0, 7, 8, 4711, -3]


def test_clock_options(write: Write) -> None:
    pages = [Page(1 << 40, [Event(0, TICK.values(n=1)), Event(1000, TICK.values(n=2))])]
    options = [Tsc2Nsec(1 << 30, 31), Date(1000)]
    path = write(Trace(options=options, buffers=[Buffer(cpus={0: pages})]))

    def times(**how: Any) -> list[int]:
        with tracecmd.open(path, **how) as trace:
            return [event.ts for event in trace]

    half = 1 << 39
    assert times() == [half + 1_000_000, half + 1_000_500]
    assert times(date=False) == [half, half + 500]
    assert times(raw_ts=True) == times(raw_ts=True, ts_offset=5) == [1 << 40, (1 << 40) + 1000]
    assert times(ts_offset=-7) == [half + 999_993, half + 1_000_493]
    assert times(ts2secs=500_000_000, date=False) == [1 << 41, (1 << 41) + 2000]


@pytest.mark.parametrize("shift", [31, 32, 36])
@pytest.mark.parametrize("mult", [1 << 31, (1 << 31) + 5, (1 << 32) - 1])
def test_cycles_that_count_backwards(write: Write, mult: int, shift: int) -> None:
    """TSC2NSEC's factor is an int there: a large one makes time fall; windows bear it."""
    pages = fill_pages(((i << 20, TICK.values(n=i)) for i in range(1000)), Machine(False, 8))
    path = write(Trace(options=[Tsc2Nsec(mult, shift)], buffers=[Buffer(cpus={0: pages})]))
    with tracecmd.open(path) as trace:
        whole = [event.ts for event in trace]
        assert len(whole) == 1000
        middle = sorted(whole)[500]
        for start, end in [(0, middle), (middle, None), (whole[-1], whole[700]), (1, 1 << 63)]:
            expected = [ts for ts in whole if start <= ts < (end or 1 << 64)]
            assert [e.ts for e in trace.iter(start=start, end=end)] == expected
            assert [e.ts for e in trace.iter(start=start, end=end, reverse=True)] == expected[::-1]


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_offsets_below_zero_wrap(write: Write, compression: Any) -> None:
    """Times before zero are unsigned, as they are there; windows have to find them all the same."""
    pages = fill_pages(((i * 10, TICK.values(n=i)) for i in range(1000)), Machine(False, 8))
    shape: dict[str, Any] = {"compression": compression}
    path = write(Trace(buffers=[Buffer(cpus={0: pages})], **shape))
    for offset in (-5000, -9990, -100_000, -3):
        with tracecmd.open(path, ts_offset=offset) as trace:
            whole = list(trace)
            assert [e.ts for e in whole] == [(i * 10 + offset) % (1 << 64) for i in range(1000)]
            for start, end in [(0, 1000), (0, None), (1 << 63, None), (77, 5000), (0, 1 << 63)]:
                expected = [e.ts for e in whole if start <= e.ts < (end or 1 << 64)]
                assert [e.ts for e in trace.iter(start=start, end=end)] == expected
            found = trace.at(0)
            expected_first = next((e.ts for e in whole), None)
            assert (found and found.ts) == expected_first


def test_short_payloads_have_no_task(write: Write) -> None:
    pages = [Page(5, [Event(0, b"\x84\3\0\0"), Event(0, TICK.values(pid=3))])]
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})]))) as trace:
        short, event = trace
        assert (short.id, short.name, short.pid, short.size) == (900, "tick", -1, 4)
        assert event.pid == 3
        assert [e.pid for e in trace.iter(pids=[3])] == [3]
