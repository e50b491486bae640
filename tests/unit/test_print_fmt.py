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


def text_of(write: Write, values: Values, *, kernel: bool = False, **shape: Any) -> str:
    """What the one event of a file says."""
    pages = [Page(1, [Event(0, values)])]
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})], **shape))) as trace:
        (event,) = trace
        return event.text(kernel=kernel)


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


def test_texts_of_trace_printk(write: Write) -> None:
    """They stand one after the other, each with its NUL; numbers after them are aligned."""
    formats = '0xffffffff82000030 : "%s-%s-%d"\n'
    arguments = b"ab\0cd\0\0\0" + struct.pack("<I", 7)
    values = BPRINT.values(ip=0xFFFFFFFF81000110, fmt=0xFFFFFFFF82000030, buf=arguments)
    said = text_of(
        write, values, ftrace_events=(*FTRACE_EVENTS, BPRINT), printk_formats=formats
    ).rstrip("\n")
    assert said == "do_one: ab-cd-7"


def test_fields_of_trace_printk(write: Write) -> None:
    """With -R they are bare: the conversions are those of the record's own format."""
    values = BPRINT.values(ip=0xFFFFFFFF81000104, fmt=0xFFFFFFFF82000010, buf=b"")
    pages = [Page(1, [Event(0, values)])]
    made = Trace(buffers=[Buffer(cpus={0: pages})], ftrace_events=(*FTRACE_EVENTS, BPRINT))
    with tracecmd.open(write(made)) as trace:
        raw = b"".join(trace.report(tracecmd.ReportOptions(raw=True)))
    assert raw.endswith(b" ip=0xffffffff81000104 fmt=0xffffffff82000010 buf=ARRAY[]\n")


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


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("5 - 1", 4),
        ("5 + 1", 6),
        ("(10 - 3) - 3", 4),
        ("-3 + 7", 4),
        ("~0 - -5", 4),
        ("1 << 3", 8),
        ("32 >> 2", 8),
        ("3 | 4", 7),
        ("7 & 12", 4),
    ],
)
def test_entries_that_are_expressions(write: Write, constant: str, value: int) -> None:
    """The values in a list are calculated once, and as 64-bit numbers."""
    shown = f'"%s", __print_symbolic(REC->a, {{ {constant}, "found" }})'
    for a in range(2, 9):
        assert printed(write, shown, a) == ("found" if a == value else f"0x{a:x}")


# As C has it -------------------------------------------------------------------------------------

WIDE = (Field("s64 a", 8, signed=True), Field("s64 b", 8, signed=True))
CASTS = {
    "u8": 0xF0, "s8": -16, "__u8": 0xF0, "__s8": -16, "char": -16, "signed char": -16,
    "unsigned char": 0xF0, "u16": 0xE1F0, "s16": -7696, "short": -7696, "unsigned short": 0xE1F0,
    "u32": 0xC3D2E1F0, "s32": -0x3C2D1E10, "int": -0x3C2D1E10, "unsigned int": 0xC3D2E1F0,
    "unsigned": 0xC3D2E1F0, "pid_t": -0x3C2D1E10, "gfp_t": 0xC3D2E1F0, "dev_t": 0xC3D2E1F0,
    "s64": -0x0123456789ABCDEF, "long": -0x0123456789ABCDEF, "loff_t": -0x0123456789ABCDEF,
    "ssize_t": -0x0123456789ABCDEF, "long long": -0x0123456789ABCDEF,
}  # fmt: skip


def in_c(write: Write, expression: str, a: int, b: int = 0) -> int:
    """The value of an expression, as the kernel's own text shows it."""
    event = EventFormat("made", "made", 1000, WIDE, f'"%lld", (s64)({expression})')
    values = event.values(a=a % (1 << 64), b=b % (1 << 64))
    return int(text_of(write, values, kernel=True, events=[event]))


@pytest.mark.parametrize("name", CASTS)
def test_casts(write: Write, name: str) -> None:
    """To narrower types and back, with the sign that the narrower type has."""
    a = -0x0123456789ABCDEF if CASTS[name] == -0x0123456789ABCDEF else 0x8000_0000_C3D2_E1F0
    assert in_c(write, f"({name})REC->a", a) == CASTS[name]


def test_casts_to_types_that_are_not_known(write: Write) -> None:
    """They change nothing: how wide such a type is nobody says."""
    event = EventFormat("made", "made", 1000, A, '"%d %u", (odd_t)REC->a, (odd_t)REC->a')
    values = event.values(a=(1 << 32) - 2)
    assert text_of(write, values, kernel=True, events=[event]) == "-2 4294967294"


LEAST = -(1 << 63)


@pytest.mark.parametrize(
    ("expression", "a", "b", "value"),
    [
        ("REC->a / REC->b", -7, 2, -3),
        ("REC->a / REC->b", 7, -1, -7),
        ("REC->a / REC->b", 7, -2, -3),
        ("REC->a / REC->b", LEAST, -1, LEAST),  # no number of 64 bits is that
        ("REC->a / REC->b", LEAST, -2, 1 << 62),
        ("REC->a / REC->b", 7, 0, 0),
        ("REC->a % REC->b", -7, 2, -1),
        ("REC->a % REC->b", LEAST, -1, 0),
        ("REC->a % REC->b", 7, -2, 1),
        ("REC->a % REC->b", 7, 0, 0),
        ("REC->a >> REC->b", -8, 1, -4),
        ("REC->a >> REC->b", -8, 65, -4),
        ("REC->a < REC->b", -8, 1, 1),
        ("(u64)REC->a < (u64)REC->b", -8, 1, 0),
        ("REC->a > REC->b", -8, 1, 0),
        ("REC->a >= REC->b", 1, 1, 1),
        ("REC->a <= REC->b", 1, 1, 1),
        ("7 - 2 + REC->a", 1, 0, 6),
        ("7 * 2 - 20 / 3 % 4", 0, 0, 12),
        ("1 << 4 >> 2 | 1", 0, 0, 5),
        ("-3 / 2", 0, 0, -1),
        ("-8 >> 1", 0, 0, -4),
        ("3 < 3", 0, 0, 0),
        ("3 <= 3", 0, 0, 1),
        ("4 > 4", 0, 0, 0),
        ("4 >= 4", 0, 0, 1),
    ],
)
def test_operators(write: Write, expression: str, a: int, b: int, value: int) -> None:
    assert in_c(write, expression, a, b) == value


# Rare conversions and handlers -------------------------------------------------------------------


def test_octal(write: Write) -> None:
    shown = '"%o %#o %8o", REC->a, REC->a, REC->a'
    assert printed(write, shown, 0o1234567) == "1234567 01234567  1234567"
    assert printed(write, '"%o", REC->a', 0) == "0"


SCSI = EventFormat(
    "scsi",
    "scsi_dispatch_cmd_start",
    1000,
    (Field("unsigned int cmd_len", 4), Field("__data_loc unsigned char[] cmnd", 4)),
    '"cmnd=(%s)", scsi_trace_parse_cdb(p, __get_dynamic_array(cmnd), REC->cmd_len)',
)


@pytest.mark.parametrize(
    ("cdb", "said"),
    [
        ("08 1f 23 45 67 00", "lba=2040645 txlen=103"),
        ("0a e1 02 03 04 00", "lba=66051 txlen=4"),
        ("28 40 01 02 03 04 00 05 06 00", "lba=16909060 txlen=1286 protect=2"),
        ("a8 20 01 02 03 04 05 06 07 08 00 00", "lba=16909060 txlen=84281096 protect=1"),
    ],
)
def test_scsi_commands(write: Write, cdb: str, said: str) -> None:
    command = bytes.fromhex(cdb)
    values = SCSI.values(cmd_len=len(command), cmnd=command)
    assert text_of(write, values, events=[SCSI]) == f"cmnd=({said})"


ADDRESS = (Field("u8 address[16]", 16),)
ADDRESSES = {
    "::ffff:1.2.3.4": (0, 0, 0, 0, 0, 0xFFFF, 0x0102, 0x0304),
    "1::ffff:102:304": (1, 0, 0, 0, 0, 0xFFFF, 0x0102, 0x0304),
    "0:1::ffff:102:304": (0, 1, 0, 0, 0, 0xFFFF, 0x0102, 0x0304),
    "fe80::5efe:1.2.3.4": (0xFE80, 0, 0, 0, 0, 0x5EFE, 0x0102, 0x0304),
}


@pytest.mark.parametrize("said", ADDRESSES)
def test_addresses_that_hold_one_of_ipv4(write: Write, said: str) -> None:
    """Only after five groups of zeros, or where ISATAP has it."""
    form = EventFormat("made", "made", 1000, ADDRESS, '"%pI6c", REC->address')
    values = form.values(address=struct.pack(">8H", *ADDRESSES[said]))
    assert text_of(write, values, events=[form]) == said
