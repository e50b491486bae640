"""Names of enums and flags out of print fmts."""

from __future__ import annotations

import dataclasses

import pytest

import tracecmd
from tracecmd import _lowlevel
from tracecmd.symbolic import value_of

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import EventFormat, Field

MAX64 = (1 << 64) - 1
FORM = EventFormat(
    "test",
    "names",
    700,
    (
        Field("u32 a", 4),
        Field("int s", 4, signed=True),
        Field("u64 wide", 8),
        Field("u8 isa", 1),
        Field("u8 bytes[4]", 4),
    ),
    "",
)


def symbols(write: Write, print_fmt: str) -> dict[str, dict[int, str]]:
    form = dataclasses.replace(FORM, print_fmt=print_fmt)
    with tracecmd.open(write(Trace(events=(form,)))) as trace:
        return {name: dict(names) for name, names in trace.events["names"].symbols.items()}


@pytest.mark.parametrize(("text", "expected"), [
    ('"%s", __print_symbolic(REC->a, { 0, "NONE" }, { 0x10, "SIXTEEN" }, { 010, "EIGHT" })',
     {"a": {0: "NONE", 16: "SIXTEEN", 8: "EIGHT"}}),
    ('"%s", __print_flags(REC->wide, "|", { (1UL << 3), "A" }, { 1 << 4 | 0x2, "B" })',
     {"wide": {8: "A", 18: "B"}}),
    # arm64's, of older and of newer kernels
    ('"%s", __print_symbolic(REC->a, { (0x24), "DABT_LOW" }, { ((0x3CUL)), "BRK64" })',
     {"a": {0x24: "DABT_LOW", 0x3C: "BRK64"}}),
    # GFP names, with & and ~
    ('"%s", (REC->wide) ? __print_flags(REC->wide, "|", { (unsigned long)(((((gfp_t)0x400u)|'
     '((gfp_t)0x800u)) | ((gfp_t)0x40u)) & ~((gfp_t)(0x400u|0x800u))), "GFP_LIGHT" }, '
     '{ (unsigned long)((gfp_t)0x400u), "DIRECT" }) : "none"',
     {"wide": {0x40: "GFP_LIGHT", 0x400: "DIRECT"}}),
    ('"%s", REC->a ? __print_flags(REC->a & 0xff, "|", { 0x4u, "G" }) : "none", '
     '__print_symbolic(REC->s, { -1, "a,b)\\"}" }, { -1, "later" })',
     {"a": {4: "G"}, "s": {-1: 'a,b)\\"}'}}),
    # what kernels end their lists with, and names that their compilers did not replace
    ('"%s", __print_symbolic(REC->a, { 1, "one" }, { -1, ((void *)0) })', {"a": {1: "one"}}),
    ('"%s", __print_symbolic(REC->a, { NET_RX_SOFTIRQ, "rx" }, { SOME_ENUM, "what" })',
     {"a": {3: "rx"}}),
    ('"%s", __print_symbolic(REC->wide, { sizeof(long), "x" })', {"wide": {8: "x"}}),
    # values that the field cannot have, as it has them, or as libtraceevent does
    ('"%s", __print_symbolic(REC->a, { -1, "minus" }, { 1UL << 32, "wide" })',
     {"a": {0xFFFFFFFF: "minus"}}),
    ('"%s", __print_symbolic(REC->s, { 0xffffffff, "minus" })', {"s": {-1: "minus"}}),
    # what is worked out from a field is not the field
    ('"%s", __print_symbolic(REC->a >> 4, { 1, "one" })', {}),
    ('"%s", __print_flags((1 << REC->a), "|", { 1 << 0, "REALTIME" })', {}),
    ('"%s", __print_flags(REC->isa ? REC->a : 0, "|", { 1, "W" })', {}),
    # two meanings
    ('"%s", (REC->isa == 1) ? __print_symbolic(REC->a & 0xffff, { 1, "VMX" }, { 2, "SAME" }) : '
     '__print_symbolic(REC->a, { 1, "SVM" }, { 2, "SAME" }, { 3, "THREE" })',
     {"a": {2: "SAME", 3: "THREE"}}),
    # a part that is not understood does not take the others along
    ('"%s %s", unknown_function(REC->a, 1), __print_symbolic(REC->s, { 1, "one" })',
     {"s": {1: "one"}}),
    ('"%s %s", __print_symbolic(REC->a, { 1, "one" }), REC->a ~ 3', {"a": {1: "one"}}),
    ('"%s", __print_symbolic(REC->bytes, { 1, "x" }), __print_symbolic(REC->no, { 1, "x" })', {}),
    ('"%d", REC->a', {}),
    ('"%s", __print_symbolic(REC->a, { 1, "open', {}),
    ('"%s", __print_symbolic(REC->a, { 09, "bad octal" }, { 1 << 64, "shifted out" })', {}),
    ("__print_flags(", {}),
    ("", {}),
])  # fmt: skip
def test_symbols(write: Write, text: str, expected: dict[str, dict[int, str]]) -> None:
    assert symbols(write, text) == expected


@pytest.mark.parametrize("text", [
    "__print_flags(REC->a, " * 20_000,
    "__print_symbolic(REC->a, " + "{ " * 100_000,
    "__print_symbolic(REC->a, {" + " " * 100_000 + ', "x" }',
    "__print_symbolic(REC->a, {" + "(" * 100_000 + ', "x" }',
    "__print_symbolic(REC->a, {" + "-" * 199 + ', "x" }' + "{ 1, \"" + "\\\\" * 50_000,
    "__print_symbolic(REC->a, " + '{ 1|1|1|1, "x' * 10_000,
], ids=range(6))  # fmt: skip
def test_hostile_texts_end(write: Write, text: str) -> None:
    # Reading any of these again from each of its places would take minutes.
    assert symbols(write, text) == {}
    assert symbols(write, f'"%s", {text}') == {}


def test_many_names(write: Write) -> None:
    entries = ", ".join(f'{{ {value}, "n{value}" }}' for value in range(20_000))
    (names,) = symbols(write, f'"%s", __print_symbolic(REC->a, {entries})').values()
    assert len(names) == 20_000
    assert names[19_999] == "n19999"


@pytest.mark.parametrize(("number", "size", "signed", "value"), [
    (5, 1, False, 5), (255, 1, False, 255), (255, 1, True, -1), (256, 1, False, None),
    (MAX64, 1, False, 255), (MAX64 - 127, 1, True, -128), (MAX64 - 128, 1, True, None),
    (MAX64, 8, False, MAX64), (MAX64, 8, True, -1), (1 << 63, 8, True, -1 << 63),
])  # fmt: skip
def test_values(number: int, size: int, signed: bool, value: int | None) -> None:
    assert value_of(number, size, signed=signed) == value


def test_lists(write: Write) -> None:
    text = ('"%s", (REC->isa == 1) ? __print_symbolic(REC->a & 0xffff, { 1, "VMX" }) : '
            '__print_flags((u8)REC->a, "|", { 2, "B" }, { WHAT, "left out" })')  # fmt: skip
    form = dataclasses.replace(FORM, print_fmt=text)
    with tracecmd.open(write(Trace(events=(form,)))) as trace:
        place = trace.events["names"]._info.place
        lists = trace._metadata.value_lists(place)
    assert lists == [
        _lowlevel.ValueList("a", 0xFFFF, ("isa", 1), False, [(1, "VMX")]),
        _lowlevel.ValueList("a", 0xFF, None, True, [(2, "B")]),
    ]


def test_real_kernel() -> None:
    path = next(p for p in corpus.ALL if p.name == "v7-latency.dat")
    with tracecmd.open(path) as trace:
        softirq = trace.events["irq:softirq_entry"].symbols["vec"]
        assert softirq[0] == "HI"
        assert softirq[9] == "RCU"
        dependency = trace.events["timer:tick_stop"].symbols["dependency"]
        assert dependency[0] == "NONE"
        assert dependency[1] == "POSIX_TIMER"
        assert trace.events["kmem:kmalloc"].symbols["gfp_flags"][1843402] == "GFP_TRANSHUGE_LIGHT"
        assert sum(len(event.symbols) for event in trace.events.values()) > 100
