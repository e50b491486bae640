"""Reading by time where a page's time is damaged: searches go by the times pages begin with."""

from __future__ import annotations

import itertools

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page, Tsc2Nsec

PAGES = 60
STEP = 1000  # ns from page to page
EVENTS = 4
MACHINE = Machine(False, 8)


def page(ts: int, number: int) -> Page:
    """A page with a few events, 10 ns apart; in a sound file their numbers are their times."""
    return Page(
        ts,
        [
            Event(0 if i == 0 else 10, TICK.values(n=number * STEP + 10 * i).encode(MACHINE))
            for i in range(EVENTS)
        ],
    )


def damaged(write: Write, index: int, ts: int, compression: str) -> tracecmd.Trace:
    """One page begins at another time than it should; so its records are at other times, too."""
    pages = [page(ts if n == index else n * STEP, n) for n in range(PAGES)]
    return tracecmd.open(write(Trace(compression=compression, buffers=[Buffer(cpus={0: pages})])))


WRONG = [0, 1, 15_500, 30_005, 44_000, 59_500, 1 << 50]


@pytest.mark.parametrize("compression", ["none", "zlib"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("index", [0, 1, 14, 29, 30, 45, 58, 59])
def test_records_of_sound_pages_are_found(
    write: Write, index: int, reverse: bool, compression: str
) -> None:
    """Whichever page the search meets, no window of time loses what lies in the others."""
    for ts in WRONG:
        with damaged(write, index, ts, compression) as trace:
            for start, end in [(0, 2500), (14_000, 16_000), (29_000, 31_000), (44_010, 60_000)]:
                numbers = [e["n"] for e in trace.iter(start=start, end=end, reverse=reverse)]
                wanted = [
                    n * STEP + 10 * i
                    for n in range(PAGES)
                    for i in range(EVENTS)
                    if n != index and start <= n * STEP + 10 * i < end
                ]
                assert sorted(set(numbers) & set(wanted)) == wanted, (index, ts, start, end)


@pytest.mark.parametrize("compression", ["none", "zlib"])
@pytest.mark.parametrize("index", [0, 1, 14, 29, 30, 45, 58, 59])
def test_windows_join_up_or_say_why_not(write: Write, index: int, compression: str) -> None:
    """Records of the page itself may be in no window of time: that is a problem of the file."""
    silent = 0
    for ts in WRONG:
        with damaged(write, index, ts, compression) as trace:
            bounds = [None, *range(4_500, 60_000, 5_000), None]
            numbers = [
                e["n"]
                for start, end in itertools.pairwise(bounds)
                for e in trace.iter(start=start, end=end)
            ]
            whole = {e["n"] for e in trace}
            assert len(whole) == PAGES * EVENTS
            if set(numbers) != whole:
                assert "its times are not in order" in str(trace.problems[0]), (index, ts)
            silent += not trace.problems
    assert silent < len(WRONG)


def test_sound_times_are_no_problem(write: Write) -> None:
    """Neither end of a window is taken for a step back."""
    with damaged(write, 0, 0, "none") as trace:
        for reverse in (False, True):
            for start in range(0, 60_000, 777):
                assert len(list(trace.iter(start=start, end=start + 1000, reverse=reverse))) <= 4
        assert not trace.problems


def test_strict_reading_refuses(write: Write) -> None:
    """As any problem of a file is then an error."""
    pages = [page(1 if n == 30 else n * STEP, n) for n in range(PAGES)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages})]))
    with tracecmd.open(path, strict=True) as trace:
        assert len(list(trace)) == PAGES * EVENTS
        with pytest.raises(tracecmd.CorruptError, match=r"sub-buffer 30 .* not in order"):
            list(trace.iter(start=20_000, end=40_000))


@pytest.mark.parametrize(
    ("mult", "shift", "searched"),
    [
        (3, 40, True), (1, 63, True), (3, 1, False), (5, 0, False), (1 << 20, 20, False),
        (1, 64, False), (1 << 31, 40, False),
    ],
)  # fmt: skip
def test_times_that_may_wrap_are_not_searched(
    write: Write, mult: int, shift: int, searched: bool
) -> None:
    """Where ticks make times of more than 64 bits a later page may have an earlier time."""
    trace = Trace(options=[Tsc2Nsec(mult, shift)], buffers=[Buffer(cpus={0: [page(1, 0)]})])
    with tracecmd.open(write(trace)) as opened:
        assert opened._reader.data.is_monotone(0) is searched
