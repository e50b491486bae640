"""header_page: where time stamp, commit and data lie in a sub-buffer, and what cannot be."""

from __future__ import annotations

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Page

USUAL = {"timestamp": (0, 8), "commit": (8, 8), "data": (16, 4080)}


def header_page(**places: tuple[int, int]) -> str:
    """With offset and size of its fields, those not named as usual."""
    return "".join(
        f"\tfield: u64 {name};\toffset:{offset};\tsize:{size};\tsigned:0;\n"
        for name, (offset, size) in {**USUAL, **places}.items()
    )


def file_with(write: Write, text: str) -> tracecmd.Trace:
    pages = [Page(1000, [Event(5, TICK.values(n=1))])]
    return tracecmd.open(write(Trace(header_page=text, buffers=[Buffer(cpus={0: pages})])))


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"data": (16, 4000)},  # a page may hold less than it could
        {"overwrite": (8, 1)},
        {"overwrite": (16, 4080)},
    ],
    ids=str,
)
def test_pages_as_they_are(write: Write, places: dict[str, tuple[int, int]]) -> None:
    with file_with(write, header_page(**places)) as trace:
        assert [event.ts for event in trace] == [1005]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"timestamp": (1, 8)}, "time stamp at 1, commit at 8 and data at 16 overlap"),
        ({"timestamp": (8, 8)}, "time stamp at 8, commit at 8"),
        ({"timestamp": (1 << 20, 8)}, "time stamp at 1048576, commit at 8"),
        ({"commit": (7, 8)}, "time stamp at 0, commit at 7"),
        ({"commit": (9, 8)}, "commit at 9 and data at 16 overlap"),
        ({"data": (15, 4080)}, "data at 15 overlap"),
        ({"timestamp": (0, 4)}, "time stamp of 4 bytes, expected 8"),
        ({"timestamp": (0, 16)}, "time stamp of 16 bytes, expected 8"),
        ({"commit": (8, 2)}, "commit of 2 bytes, expected 4 or 8"),
        ({"commit": (8, 0)}, "commit of 0 bytes, expected 4 or 8"),
        ({"data": (16, 0)}, "0 bytes of data at 16 are not a sub-buffer"),
        ({"data": ((16 << 20) + 1, 16)}, "16 bytes of data at 16777217 are not a sub-buffer"),
        ({"data": (16, (16 << 20) - 15)}, "16777201 bytes of data at 16 are not a sub-buffer"),
    ],
    ids=str,
)
def test_pages_that_cannot_be(write: Write, places: dict[str, tuple[int, int]], said: str) -> None:
    with file_with(write, header_page(**places)) as trace:
        with pytest.raises(tracecmd.CorruptError, match=f"header_page: .*{said}"):
            list(trace)
        with pytest.raises(tracecmd.CorruptError, match="header_page"):
            trace.stat()
