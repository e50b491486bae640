"""Walking over records: every filter is the filter of the whole list, every order is defined."""

from __future__ import annotations

import bisect
import itertools
import os
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracecmd
from tracecmd import TruncatedError

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import (
    SCHED_SWITCH,
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Date,
    Event,
    Machine,
    Page,
    RawRecord,
    Tsc2Nsec,
    fill_pages,
)

FORMATS = [TICK, SCHED_WAKEUP, SCHED_SWITCH]
PIDS = [0, 7, 8, 4711, -3]


def payload(rng: random.Random, n: int) -> Any:
    which = rng.choice(FORMATS)
    if which is TICK:
        return TICK.values(pid=rng.choice(PIDS), n=n)
    return which.values(pid=rng.choice(PIDS))


def stream(seed: str, count: int, step: int, page_size: int = 4096) -> list[Page]:
    """Times that rise, often by nothing; pages with losses, empty pages, between them."""
    rng = random.Random(seed)
    now = rng.randrange(1000)
    events = []
    for n in range(count):
        now += rng.choice([0, 0, 1, step, rng.randrange(step * 4)])
        events.append((now, payload(rng, n)))
    pages: list[Page] = []
    for page in fill_pages(events, Machine(False, 8), page_size):
        lost = rng.choice([0, 0, 0, -1, 5, 1000]) if len(page.records) < 90 else 0
        pages.append(Page(page.timestamp, page.records[:-1] if lost else page.records, lost=lost))
        if not rng.randrange(8):
            pages.append(Page(page.timestamp, []))
    return pages


def trace_of(seed: str, **shape: Any) -> Trace:
    return Trace(
        buffers=[
            Buffer(cpus={0: stream(f"{seed} 0", 1500, 10), 1: stream(f"{seed} 1", 900, 16), 3: []}),
            Buffer("one", cpus={0: stream(f"{seed} 2", 700, 20), 2: stream(f"{seed} 3", 5, 4000)}),
            Buffer("two", cpus={1: stream(f"{seed} 4", 800, 18)}),
        ],
        **shape,
    )


Row = tuple[str, int, int, int, int, bytes, int]


def rows(events: Iterable[tracecmd.Event]) -> list[Row]:
    return [(e.buffer, e.cpu, e.ts, e.pid, e.id, e.raw, e.missed_events) for e in events]


def without_missed(found: Iterable[Row]) -> list[tuple[Any, ...]]:
    return [row[:6] for row in found]


def filtered(
    whole: Sequence[Row], wanted: Callable[[Row], bool], start: int, end: int
) -> list[Row]:
    """The filter of the list. What was lost before a record that is not wanted is lost before the
    next one of its stream; what was lost before a record outside of the time is not told of."""
    owed: Counter[tuple[str, int]] = Counter()
    unknown: set[tuple[str, int]] = set()
    found = []
    for row in whole:
        stream, missed = row[:2], row[6]
        if not start <= row[2] < end:
            continue
        if missed < 0:
            unknown.add(stream)
        else:
            owed[stream] += missed
        if wanted(row):
            found.append((*row[:6], -1 if stream in unknown else owed[stream]))
            owed[stream] = 0
            unknown.discard(stream)
    return found


FULL = {
    "plain": trace_of("plain"),
    "zstd": trace_of("plain", compression="zstd"),
    "v6": trace_of("v6", version=6),
    "cycles": trace_of("plain", options=[Tsc2Nsec(878162697, 31), Date(55)]),
}


@pytest.fixture(scope="module", params=FULL, ids=str)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("filters") / "trace.dat"
    path.write_bytes(FULL[request.param].write().data)
    with tracecmd.open(path) as trace:
        whole = rows(trace)
        assert len(whole) > 3000
        yield trace, whole
        assert trace.problems == ()


def merge(streams: Sequence[Sequence[Row]], *, latest: bool = False) -> list[Row]:
    """At each step the earliest head; of equal ones, the first stream's. Or the latest, last."""
    heads = [list(rows) for rows in streams]
    found = []
    while any(heads):
        left = [index for index, rows in enumerate(heads) if rows]
        if latest:
            best = max(left, key=lambda index: (heads[index][0][2], index))
        else:
            best = min(left, key=lambda index: (heads[index][0][2], index))
        found.append(heads[best].pop(0))
    return found


def test_the_order_is_a_merge_of_heads(opened: Any) -> None:
    trace, whole = opened
    by_cpu = rows(trace.iter(order="cpu"))
    streams = [list(group) for _, group in itertools.groupby(by_cpu, key=lambda row: row[:2])]
    assert [s[0][:2] for s in streams] == [("", 0), ("", 1), ("one", 0), ("one", 2), ("two", 1)]
    assert merge(streams) == whole
    assert rows(trace.iter(order="cpu", reverse=True)) == by_cpu[::-1]
    assert rows(trace.iter(reverse=True)) == whole[::-1]
    assert rows(trace) == rows(trace.iter(threads=2)) == rows(trace.iter(threads=3)) == whole


def windows(whole: Sequence[Row]) -> list[tuple[int | None, int | None]]:
    times = sorted({row[2] for row in whole})
    rng = random.Random(len(times))
    some = rng.sample(times, 12) + times[:2] + times[-2:]
    found: list[tuple[int | None, int | None]] = [(None, None), (0, 0), (5, 3), (-5, None)]
    for ts in some:
        found += [(ts, ts + 1), (ts - 1, ts), (ts + 1, ts + 2), (ts, None), (None, ts), (ts, ts)]
    for _ in range(12):
        a, b = sorted(rng.sample(times, 2))
        found += [(a, b), (a + 1, b + 1)]
    return [*found, (times[-1] + 1, None), (None, times[0]), (None, 1 << 64), (1 << 63, 1 << 65)]


def test_time_windows(opened: Any) -> None:
    trace, whole = opened
    for start, end in windows(whole):
        low, high = start or 0, 1 << 64 if end is None else end
        expected = filtered(whole, lambda row: True, low, high)
        for threads in (1, 2):
            assert rows(trace.iter(start=start, end=end, threads=threads)) == expected, (start, end)
        backwards = rows(trace.iter(start=start, end=end, reverse=True))
        assert backwards == expected[::-1], (start, end)


WANTED: dict[str, tuple[dict[str, Any], Callable[[Row], bool]]] = {
    "cpu": ({"cpus": [1]}, lambda row: row[1] == 1),
    "cpus": ({"cpus": {0, 2, 99}}, lambda row: row[1] in (0, 2)),
    "no cpu": ({"cpus": []}, lambda row: False),
    "top": ({"buffers": [""]}, lambda row: row[0] == ""),
    "buffers": ({"buffers": ["two", "one"]}, lambda row: row[0] in ("one", "two")),
    "event": ({"events": "tick"}, lambda row: row[4] == 900),
    "events": ({"events": ["sched:sched_switch", "test/tick"]}, lambda row: row[4] in (314, 900)),
    "system": ({"events": "sched:*"}, lambda row: row[4] in (314, 317)),
    "none of them": ({"events": "irq_handler_entry"}, lambda row: False),
    "pid": ({"pids": 7}, lambda row: row[3] == 7),
    "pids": ({"pids": [4711, -3, 0, 12]}, lambda row: row[3] in (4711, -3, 0)),
    "all": (
        {"cpus": [0, 1], "buffers": ["", "two"], "events": ["tick"], "pids": [7, 8]},
        lambda row: row[1] in (0, 1) and row[0] in ("", "two") and row[4] == 900
        and row[3] in (7, 8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WANTED)
def test_filters(opened: Any, name: str) -> None:
    trace, whole = opened
    how, wanted = WANTED[name]
    for start, end in [(None, None), *windows(whole)[10:60:9]]:
        low, high = start or 0, 1 << 64 if end is None else end
        expected = filtered(whole, wanted, low, high)
        assert rows(trace.iter(start=start, end=end, **how)) == expected
        assert rows(trace.iter(start=start, end=end, threads=2, **how)) == expected
        backwards = rows(trace.iter(start=start, end=end, reverse=True, **how))
        assert without_missed(backwards) == without_missed(expected[::-1])
        by_cpu = rows(trace.iter(start=start, end=end, order="cpu", **how))
        assert sorted(by_cpu) == sorted(expected)
        assert [row[:2] for row in by_cpu] == sorted(row[:2] for row in by_cpu)


def test_buffers_have_their_own_records(opened: Any) -> None:
    trace, whole = opened
    for buffer in trace.buffers:
        expected = [row for row in whole if row[0] == buffer.name]
        assert rows(buffer) == rows(buffer.iter(threads=2)) == expected
        assert rows(buffer.iter("tick", cpus=[0], reverse=True, start=5, end=9000, pids=7)) == rows(
            trace.iter("tick", buffers=[buffer.name], cpus=[0], reverse=True, start=5, end=9000,
                       pids=7)
        )  # fmt: skip


def test_at(opened: Any) -> None:
    trace, whole = opened
    times = [row[2] for row in whole]
    assert times == sorted(times)
    for ts in [*random.Random(1).sample(times, 60), 0, times[0], times[-1]]:
        for asked in (ts - 1, ts, ts + 1):
            index = bisect.bisect_left(times, asked)
            found = trace.at(asked)
            assert (rows([found])[0][:6] if found else None) == (
                whole[index][:6] if index < len(whole) else None
            )
    assert trace.at(times[-1] + 1) is None
    first = next(row for row in whole if row[1] == 2)
    found = trace.at(0, buffers=["one"], cpus=[2], pids=first[3])
    assert found is not None
    assert rows([found])[0][:6] == first[:6]


def test_stat(opened: Any) -> None:
    trace, whole = opened
    stat = trace.stat()
    assert trace.stat(threads=2) == trace.stat(threads=3) == stat
    assert (stat.records, stat.first_ts, stat.last_ts) == (
        len(whole),
        min(row[2] for row in whole),
        max(row[2] for row in whole),
    )
    names = {900: "test:tick", 314: "sched:sched_switch", 317: "sched:sched_wakeup"}
    assert stat.events == Counter(names[row[4]] for row in whole)
    assert list(stat.events.values()) == sorted(stat.events.values(), reverse=True)
    for cpu in stat.cpus:
        own = [row for row in whole if row[:2] == (cpu.buffer, cpu.cpu)]
        assert cpu.records == len(own)
        assert cpu.events == Counter(names[row[4]] for row in own)
        assert cpu.missed_events == sum(row[6] for row in own if row[6] > 0)
        assert cpu.missed_unknown == sum(row[6] < 0 for row in own)
        assert (cpu.first_ts, cpu.last_ts) == (own[0][2], own[-1][2])
    assert stat.missed_events == sum(row[6] for row in whole if row[6] > 0) > 0
    assert stat.missed_unknown == sum(row[6] < 0 for row in whole) > 0


@pytest.mark.parametrize("path", corpus.SINGLE[:6], ids=corpus.name_of)
def test_filters_of_recordings(path: Path) -> None:
    with tracecmd.open(path) as trace:
        whole = rows(trace)
        if not whole:
            pytest.skip("no records")
        for start, end in windows(whole)[::5]:
            low, high = start or 0, 1 << 64 if end is None else end
            expected = filtered(whole, lambda row: True, low, high)
            assert rows(trace.iter(start=start, end=end)) == expected
        assert rows(trace.iter(reverse=True)) == whole[::-1]
        assert rows(trace.iter(threads=3)) == whole
        assert trace.stat().records == len(whole)


# Threads read windows that are cut at pages -------------------------------------------------------


@pytest.mark.parametrize("window", [1, 1 << 14, 1 << 15])
def test_windows_join_up(opened: Any, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of these tests are small: windows are made small, too."""
    trace, whole = opened
    monkeypatch.setattr("tracecmd._reading.records.WINDOW_BYTES", window)
    for threads in (2, 3):
        assert rows(trace.iter(threads=threads)) == whole
        assert rows(trace.iter(threads=threads, reverse=True)) == whole[::-1]
        for how, wanted in WANTED.values():
            expected = filtered(whole, wanted, 300, 9000)
            assert rows(trace.iter(threads=threads, start=300, end=9000, **how)) == expected
    partly = trace.iter(threads=2)
    assert rows(itertools.islice(partly, 7)) == whole[:7]
    partly.close()


# Merging random streams -------------------------------------------------------------------------

TIMES = st.lists(st.integers(0, 30), max_size=12)


def pages_of(times: Sequence[int], size: int) -> list[Page]:
    """So many events a page; where time steps back, a page ends."""
    pages: list[Page] = []
    for n, ts in enumerate(times):
        event = TICK.values(pid=1, n=n)
        last = pages[-1] if pages else None
        if last and len(last.records) < size and ts >= times[n - 1]:
            pages[-1] = Page(last.timestamp, [*last.records, Event(ts - times[n - 1], event)])
        else:
            pages.append(Page(ts, [Event(0, event)]))
    return pages


@settings(max_examples=300, deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 31))
def test_random_streams_merge_as_heads(
    streams: list[list[int]], page_events: int, start: int
) -> None:
    cpus = {cpu: pages_of(times, page_events) for cpu, times in enumerate(streams)}
    fd = os.memfd_create("trace")
    try:
        os.write(fd, Trace(buffers=[Buffer(cpus=cpus)]).write().data)
        with tracecmd.open(fd) as trace:
            listed = [rows(trace.iter(cpus=[cpu])) for cpu in cpus]
            assert [[row[2] for row in found] for found in listed] == streams
            whole = rows(trace)
            assert whole == merge(listed)
            backwards = rows(trace.iter(reverse=True))
            assert backwards == merge([found[::-1] for found in listed], latest=True)
            assert rows(trace.iter(threads=2)) == whole
            if all(times == sorted(times) for times in streams):
                assert backwards == whole[::-1]
                window = [row for row in whole if start <= row[2] < start + 3]
                assert rows(trace.iter(start=start, end=start + 3)) == window
    finally:
        os.close(fd)


# Limits and lost tables -------------------------------------------------------------------------


def test_chunks_that_claim_to_fill_memory(write: Write) -> None:
    """One is let pass; what all streams of a walk would keep unpacked has a limit, too."""
    cpus = {cpu: [Page(1000, [Event(cpu, TICK.values(n=cpu))])] for cpu in range(400)}
    file = Trace(compression="zstd", buffers=[Buffer(cpus=cpus)]).write()
    data = bytearray(file.data)
    for cpu in cpus:
        chunk = f"section buffer flyrecord /CPU {cpu}/chunk"
        claimed = file.read(f"{chunk}/stored size") * (128 << 10) & -4096
        struct.pack_into("<I", data, file.mark(f"{chunk}/plain size").offset, claimed)
    with tracecmd.open(write(bytes(data))) as trace:
        with pytest.raises(tracecmd.LimitError):
            list(trace)
        with pytest.raises(tracecmd.LimitError):
            b"".join(trace.report())
        assert list(trace.iter(cpus=[])) == []


@pytest.mark.parametrize("wrong", [1, 1 << 62], ids=["early", "late"])
def test_windows_beside_damaged_pages(write: Write, wrong: int) -> None:
    """A page none of whose records can be read says nothing about when the others were written."""
    pages = fill_pages(((i * 10, TICK.values(n=i)) for i in range(1, 2000)), Machine(False, 8))
    damaged = Page(wrong, [RawRecord(struct.pack("<II", 0, 0xFFFFFFF0))])
    for places in ([len(pages) // 2], [0, 1, 2], range(4, 12), [len(pages) - 1]):
        made = [damaged if n in places else page for n, page in enumerate(pages)]
        with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: made})]))) as trace:
            whole = [event.ts for event in trace]
            assert len(pages) > 12
            assert 1000 < len(whole) < 1999
            for start, end in itertools.pairwise([0, 50, 4000, 9990, 10_010, 17_000, 30_000]):
                expected = [ts for ts in whole if start <= ts < end]
                assert [e.ts for e in trace.iter(start=start, end=end)] == expected
                backwards = trace.iter(start=start, end=end, reverse=True)
                assert [e.ts for e in backwards] == expected[::-1]


def test_areas_that_no_table_tells_of_end_where_time_steps_back(write: Write) -> None:
    """A recorder that was stopped wrote CPU after CPU: each begins with an earlier time."""
    areas = [
        fill_pages(((ts, TICK.values(n=ts)) for ts in range(start, start + 900, step)), Machine())
        for start, step in ((50_000, 3), (700, 2), (600, 5))
    ]
    trace = Trace(version=6, cpu_count=4, buffers=[Buffer(cpus=dict(enumerate(areas)))])
    file = trace.write()
    assert all(len(pages) > 1 for pages in areas)
    # The table tells of CPU 0 alone.
    data = bytearray(file.data)
    for cpu in (1, 2, 3):
        row = file.mark(f"buffer /row {cpu}")
        data[row.offset : row.end] = bytes(row.size)
    with tracecmd.open(write(bytes(data))) as cut, tracecmd.open(write(trace, "w")) as whole:
        assert rows(cut) == rows(whole)
        assert {event.cpu for event in cut} == {0, 1, 2}
        assert [type(problem) for problem in cut.problems] == [TruncatedError, TruncatedError]


def test_what_does_not_exist(opened: Any) -> None:
    trace, _ = opened
    for wrong in ({"events": "tikc"}, {"buffers": ["three"]}, {"events": ["tick", "a:b"]}):
        with pytest.raises(KeyError):
            trace.iter(**wrong)
    with pytest.raises(ValueError, match="order"):
        trace.iter(order="size")
    with pytest.raises(KeyError, match="did you mean 'tick'"):
        trace.iter("tikc")
    with pytest.raises(ValueError, match="holds records"):
        trace.buffer("").text()


def test_progress(opened: Any) -> None:
    trace, whole = opened
    told: list[tuple[int, int]] = []
    for threads, reverse in itertools.product((1, 2), (False, True)):
        told.clear()
        walk = trace.iter(progress=lambda *at: told.append(at), threads=threads, reverse=reverse)
        assert len(list(walk)) == len(whole)
        assert told
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1] > 0
    told.clear()
    trace.stat(progress=lambda *at: told.append(at))
    assert told[-1][0] == told[-1][1] > 0
