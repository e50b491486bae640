"""Print fmts of made events, and texts of trace_printk(): what lies at the edges of the rules."""

from __future__ import annotations

import struct
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import FTRACE_EVENTS, Buffer, Event, EventFormat, Field, Page, Values

A = (Field("int a", 4, signed=True),)
BPRINT = EventFormat(
    "ftrace",
    "bprint",
    6,
    (Field("unsigned long ip", "long"), Field("const char * fmt", "long"), Field("u32 buf[]", 0)),
    '"%ps: %s", (void *)REC->ip, REC->fmt',
)


def text_of(write: Write, values: Values, **shape: Any) -> str:
    """What the one event of a file says."""
    pages = [Page(1, [Event(0, values)])]
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})], **shape))) as trace:
        (event,) = trace
        return str(event)


def printed(write: Write, print_fmt: str, a: int) -> str:
    """An event with one field."""
    event = EventFormat("made", "made", 1000, A, print_fmt)
    return text_of(write, event.values(a=a % (1 << 32)), events=[event])


def test_numbers_of_less_than_an_int(write: Write) -> None:
    """h and hh cut a number to 16 and 8 bits, and the sign is that of what is left."""
    shown = '"%hd %hi %hu %hx %hhd %hhu %hhx", ' + ", ".join(["REC->a"] * 7)
    assert printed(write, shown, 0x1FFFE) == "-2 -2 65534 fffe -2 254 fe"
    assert printed(write, shown, 0x18000) == "-32768 -32768 32768 8000 0 0 0"
    assert printed(write, shown, -0x12345) == "-9029 -9029 56507 dcbb -69 187 bb"


def test_numbers_of_less_than_an_int_padded(write: Write) -> None:
    shown = '"%8hd|%-8hd|%06hhd|%+hd", REC->a, REC->a, REC->a, REC->a'
    assert printed(write, shown, 0x1FFFE) == "      -2|-2      |-00002|-2"


def test_numbers_of_trace_printk(write: Write) -> None:
    """Its arguments take 4 bytes each, however few are shown."""
    formats = '0xffffffff82000030 : "%hd %hu %hhd %hhu %d"\n'
    arguments = struct.pack("<5I", 0x1FFFE, 0x1FFFE, 0x1FFFE, 0x1FFFE, 0x1FFFE)
    values = BPRINT.values(ip=0xFFFFFFFF81000110, fmt=0xFFFFFFFF82000030, buf=arguments)
    said = text_of(
        write, values, ftrace_events=(*FTRACE_EVENTS, BPRINT), printk_formats=formats
    ).rstrip("\n")
    assert said == "do_one: -2 65534 -2 254 131070"


@pytest.mark.parametrize(("depth", "understood"), [(150, True), (199, True), (200, False)])
def test_depth_of_brackets(write: Write, depth: int, understood: bool) -> None:
    """Deeper than 200 an expression is not read, and the fields are shown instead."""
    print_fmt = '"%d", ' + "(" * depth + "REC->a" + ")" * depth
    assert printed(write, print_fmt, 7) == ("7" if understood else "[FAILED TO PARSE] a=7")


@pytest.mark.parametrize("opened", ["(", "-", "!", "~", "(int)", "1 ? 2 : (", "REC->a + ("])
def test_depth_that_is_out_of_all_reason(write: Write, opened: str) -> None:
    """No recursion takes a stack for each of so many."""
    assert printed(write, '"%d", ' + opened * 200_000 + "REC->a", 7) == "[FAILED TO PARSE] a=7"


@pytest.mark.parametrize("a", [0, 5])
def test_lists_without_entries(write: Write, a: int) -> None:
    """Nothing has a name then."""
    shown = '"%s, %s", __print_flags(REC->a, "|", ), __print_symbolic(REC->a, )'
    assert printed(write, shown, a) == f"{f'0x{a:x}' if a else ''}, 0x{a:x}"
