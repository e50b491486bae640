"""Flags that few kernels have: common_lock_depth of 2.6.33 to 38, common_migrate_disable of some.

As trace-cmd 3.4 shows them: if at all, what the first line of the output says.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import COMMON_FIELDS, Buffer, Event, EventFormat, Field, Page

LOCK = Field("int common_lock_depth", 4, signed=True)
MIGRATE = Field("unsigned char common_migrate_disable", 1)
NONE = (1 << 32) - 1


def made(fields: Sequence[Field], numbers: Sequence[Sequence[int]]) -> Trace:
    event = EventFormat(
        "old", "tick", 1000, (Field("int n", 4, signed=True),), '"n=%d", REC->n',
        common=(*COMMON_FIELDS, *fields),
    )  # fmt: skip
    pages = []
    for n, values in enumerate(numbers):
        named = {field.name: value for field, value in zip(fields, values, strict=True)}
        pages.append(Page(1000 * n, [Event(0, event.values(pid=1, n=n, **named))]))
    return Trace(events=[event], ftrace_events=[], buffers=[Buffer(cpus={0: pages})])


def flags(text: bytes) -> list[str]:
    return [line.split("] ")[1].split()[0] for line in text.decode().splitlines() if "tick" in line]


@pytest.mark.parametrize(
    ("fields", "numbers", "shown"),
    [
        ([LOCK], [[NONE], [0], [3]], [".....", ".....", "....."]),
        ([LOCK], [[0], [NONE], [3]], [".....00", ".......", ".....33"]),
        ([LOCK], [[12], [NONE], [0]], [".....1212", ".......", ".....00"]),
        ([MIGRATE], [[0], [255], [3]], [".....0", ".....255", ".....3"]),
        ([MIGRATE, LOCK], [[0, NONE], [3, 2]], [".....", "....."]),
        ([MIGRATE, LOCK], [[0, 1], [3, 2], [4, NONE]], [".....11", ".....22", "......."]),
    ],
)
def test_rare_flags(
    write: Write,
    fields: list[Field],
    numbers: list[list[int]],
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1)
    with tracecmd.open(write(made(fields, numbers))) as trace:
        alone = b"".join(trace.report())
        assert flags(alone) == shown
        assert b"".join(trace.report(threads=3)) == alone
        latency = tracecmd.ReportOptions(latency_format=True)
        lines = b"".join(trace.report(latency)).decode().splitlines()[1:]
        assert [line.split()[1][1:] for line in lines] == shown


def test_the_first_line_decides(write: Write) -> None:
    """The first that is shown, whatever the records before it say."""
    with tracecmd.open(write(made([LOCK], [[NONE], [0], [3]]))) as trace:
        assert flags(b"".join(trace.report(filters=["tick:n>0"]))) == [".....00", ".....33"]
