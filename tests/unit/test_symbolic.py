"""Names of enums and flags out of print fmts."""

from __future__ import annotations

import pytest

import tracecmd
from tracecmd.symbolic import symbols_of

from ..recordings import corpus


@pytest.mark.parametrize(("text", "expected"), [
    ('"%s", __print_symbolic(REC->a, { 0, "NONE" }, { 0x10, "SIXTEEN" }, { 010, "EIGHT" })',
     {"a": {0: "NONE", 16: "SIXTEEN", 8: "EIGHT"}}),
    ('"%s", __print_flags(REC->flags, "|", { (1UL << 3), "A" }, { 1 << 4 | 0x2, "B" })',
     {"flags": {8: "A", 18: "B"}}),
    ('"%s", REC->x ? __print_flags(REC->x & 0xff, "|", { (unsigned long)(((gfp_t)0x400u)), "G" }) '
     ': "none", __print_symbolic(REC->y, { -1, "a,b)\\"}" }, { -1, "later" })',
     {"x": {0x400: "G"}, "y": {-1: 'a,b)\\"}'}}),
    ('"%s", __print_symbolic(REC->a, { SOME_ENUM, "UNKNOWN" }, { sizeof(long), "x" })', {}),
    ('"%d", REC->a', {}),
    ('__print_symbolic(REC->a, { 1, "open', {}),
    ('__print_symbolic(REC->a, { 09, "bad octal" }, { 1 << 64, "wide" }, {(((), "odd"})', {}),
    ("__print_flags(", {}),
    ("", {}),
])  # fmt: skip
def test_symbols(text: str, expected: dict[str, dict[int, str]]) -> None:
    assert symbols_of(text) == expected


@pytest.mark.parametrize("text", [
    "__print_flags(REC->a, " * 20_000,
    "__print_symbolic(REC->a, " + "{ " * 100_000,
    "__print_symbolic(REC->a, {" + " " * 100_000 + ', "x" }',
    "__print_symbolic(REC->a, {" + "(" * 100_000 + ', "x" }',
    "__print_symbolic(REC->a, {" + "-" * 199 + ', "x" }' + "{ 1, \"" + "\\\\" * 50_000,
    "__print_symbolic(REC->a, " + '{ 1|1|1|1, "x' * 10_000,
], ids=range(6))  # fmt: skip
def test_hostile_texts_end(text: str) -> None:
    # Reading any of these again from each of its places would take minutes.
    assert symbols_of(text) == {}


def test_real_kernel() -> None:
    path = next(p for p in corpus.ALL if p.name == "v7-latency.dat")
    with tracecmd.open(path) as trace:
        softirq = trace.events["irq:softirq_entry"].symbols["vec"]
        assert softirq[0] == "HI"
        assert softirq[9] == "RCU"
        dependency = trace.events["timer:tick_stop"].symbols["dependency"]
        assert dependency[0] == "NONE"
        assert dependency[1] == "POSIX_TIMER"
        assert sum(len(event.symbols) for event in trace.events.values()) > 100
