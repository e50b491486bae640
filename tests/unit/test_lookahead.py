"""Streams read one record ahead: where losses begin and end, between records that are wanted."""

from __future__ import annotations

import tracecmd
from tracecmd._reading import Selection, choose, lookahead

from ..conftest import Trace, Write
from ..writer import SCHED_WAKEUP, TICK, Buffer, Event, Page, Values

UNWANTED = SCHED_WAKEUP.values()
WANTED = TICK.values()


def losses(write: Write, pages: list[Page]) -> list[tuple[int, int]]:
    """Of the one CPU of a file, between its ticks: beginning and end."""
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})]))) as trace:
        selection = Selection(trace._recording, "tick")
        (source,) = choose([trace._reader], selection).sources()
        rows = list(lookahead.merge([lookahead.Stream(source, 1, 9000)]))
        begins = [row[0] for row in rows if row[3] == lookahead.LOSS_BEGINS]
        ends = [row[0] for row in rows if row[3] == lookahead.LOSS_ENDS]
        assert [row[0] for row in rows if row[3] == TICK.id] == [
            event.ts for event in trace.iter("tick")
        ]
    return list(zip(begins, ends, strict=True))


def page(ts: int, *payloads: Values, lost: int = 0) -> Page:
    """Records 100 ns apart, the first at the page's time."""
    return Page(ts, [Event(100 if n else 0, p) for n, p in enumerate(payloads)], lost=lost)


def test_loss_before_a_wanted_record(write: Write) -> None:
    pages = [page(100, WANTED, UNWANTED), page(1000, WANTED, lost=3)]
    assert losses(write, pages) == [(200, 1000)]


def test_losses_between_unwanted_records(write: Write) -> None:
    pages = [
        page(100, WANTED, UNWANTED),
        page(1000, UNWANTED, UNWANTED, lost=3),
        page(2000, UNWANTED, lost=-1),
        page(3000, WANTED),
    ]
    assert losses(write, pages) == [(200, 1000), (1100, 2000)]


def test_loss_at_the_lower_bound_is_of_the_gap_before(write: Write) -> None:
    """What was lost in front of a wanted record is not lost again behind it."""
    pages = [
        page(100, WANTED),
        page(1000, WANTED, UNWANTED, lost=3),
        page(2000, UNWANTED, lost=4),
        page(3000, WANTED),
    ]
    assert losses(write, pages) == [(100, 1000), (1100, 2000)]


def test_losses_at_both_ends(write: Write) -> None:
    """Before the first wanted record, and behind the last one."""
    pages = [
        page(500, UNWANTED, lost=2),
        page(1000, WANTED, UNWANTED),
        page(2000, UNWANTED, lost=4),
    ]
    assert losses(write, pages) == [(1, 500), (1100, 2000)]
