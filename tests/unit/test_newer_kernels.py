"""What print fmts of newer kernels use, and how trace-cmd 3.4 with libtraceevent 1.9 shows it."""

from __future__ import annotations

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, EventFormat, Field, Machine, Page, TraceClock

FIELDS = (
    Field("unsigned long a", 8),
    Field("unsigned long b", 8),
    Field("u8 r[8]", 8),
    Field("__be16 p", 2),
    Field("__data_loc u32[] d", 4),
    Field("int n", 4, signed=True),
    Field("u32 w", 4),
)
VALUES = {
    "a": 0xFFFFFFFF81000104, "b": 0x1000, "r": bytes(range(1, 9)), "p": 0x5000,
    "d": b"".join(x.to_bytes(4, "little") for x in (7, 8, 9)), "n": -2, "w": 0x01020304,
}  # fmt: skip
FAILED = "[FAILED TO PARSE]"


def said(write: Write, print_fmt: str, *, kernel: bool = False, plugins: bool = True) -> str:
    event = EventFormat("made", "made", 1000, FIELDS, print_fmt)
    values = event.values(pid=17, **VALUES)
    pages = [Page(1, [Event(0, values)])]
    made = write(Trace(buffers=[Buffer(cpus={0: pages})], events=[event]))
    with tracecmd.open(made) as trace:
        if plugins:
            (only,) = trace
            text = only.text(kernel=kernel)
        else:
            options = tracecmd.ReportOptions(no_plugins=True)
            text = b"".join(trace.report(options)).decode().split(": made: ")[1].strip()
    return FAILED if text.startswith(FAILED) else text


def symbolic(name: str) -> str:
    return f'"%s", __print_symbolic(REC->n, {{ 0xfffffffe, {name} }})'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("((void *)0)", "0"),
        ("(void *)0", "0"),
        ('(void *)"z"', "z"),
        ('((const char *)(void *)"z")', "z"),
        ('(("z"))', "z"),
        ("NULL", "NULL"),
        ("(3)", "3"),
        ("(1 + 2)", "3"),
        ("(~0)", "-1"),
        ("'x'", "120"),
        ("(sizeof(int))", "4"),
        ("1 + 2", FAILED),
        ("~0", FAILED),
        ("(REC->n)", FAILED),
        ("(1 + REC->a)", FAILED),
        ("__get_str(d)", FAILED),
    ],
)
def test_names_in_lists(write: Write, name: str, text: str) -> None:
    """A name may stand in casts and parentheses, and is what is left without them."""
    assert said(write, symbolic(name)) == text


@pytest.mark.parametrize(
    ("helper", "end", "text"),
    [
        ('__print_flags(REC->b, "|",', "{ 0, ((void *)0) }", "bit"),
        ('__print_flags(REC->b, "|",', "{ -1, ((void *)0) }", "bit0"),
        ("__print_symbolic(REC->b,", "{ 0, ((void *)0) }", "bit"),
        ("__print_symbolic(REC->b,", "{ -1, ((void *)0) }", "bit"),
        ("__print_symbolic(REC->b,", "{ -1, NULL }", "bit"),
    ],
)
def test_null_ends_the_list(write: Write, helper: str, end: str, text: str) -> None:
    """To the kernel; libtraceevent goes on behind it, and takes -1 for a value it does not know."""
    whole = f'"%s", {helper} {{ 0x1000, "bit" }}, {end})'
    assert said(write, whole) == text
    assert said(write, whole, kernel=True) == "bit"
    behind = f'"%s", {helper} {end}, {{ 0x1000, "bit" }})'
    assert said(write, behind) == "bit"
    assert said(write, behind, kernel=True) == "0x1000"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("d, 4", "{0x7,0x8,0x9}"),
        ("d, sizeof(u32)", "{0x7,0x8,0x9}"),
        ("d, 2 + 2", "{0x7,0x8,0x9}"),
        ("d, 2", "{0x7,0x0,0x8,0x0,0x9,0x0}"),
        ("d, 8", "{0x800000007}"),
        ("d, 3", "{BAD SIZE:3 0x7,0x0,0x0,0x0}"),
        ("d, 0", "{BAD SIZE:0 0x7,0x0,0x0,0x0,0x8,0x0,0x0,0x0,0x9,0x0,0x0,0x0}"),
        ("d, -4", "{}"),
        ("d, REC->p", "{}"),
        ("r, 4", "{}"),
        ("common_pid, 4", FAILED),
        ("nosuch, 4", FAILED),
        ("REC->d, 4", FAILED),
        ("(d), 4", FAILED),
        ("d", FAILED),
        ("d, 4, 5", FAILED),
    ],
)
def test_dynamic_arrays(write: Write, arguments: str, text: str) -> None:
    assert said(write, f'"%s", __print_dynamic_array({arguments})') == text


def test_dynamic_array_as_a_number(write: Write) -> None:
    assert said(write, '"%d", __print_dynamic_array(d, 4)') == "0"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("__builtin_bswap16(REC->p)", "50"),
        ("__builtin_bswap16(REC->a)", "401"),
        ("__builtin_bswap32(REC->a)", "4010081"),
        ("__builtin_bswap64(REC->b)", "10000000000000"),
        ("__fswab16((REC->p + 1))", "150"),
        ("__fswab32(REC->w)", "4030201"),
        ("__fswab64(REC->b)", "10000000000000"),
        ("1 + __builtin_bswap16(REC->p)", "51"),
        ("__builtin_constant_p(REC->p) ? 3 : 4", "4"),
        ("__builtin_constant_p(3)", "0"),
    ],
)
def test_swapped_bytes(write: Write, expression: str, text: str) -> None:
    """Functions of a plugin, without which the print fmt is not understood."""
    print_fmt = f'"%lx", {expression}'
    assert said(write, print_fmt) == text
    assert said(write, print_fmt, plugins=False).startswith(FAILED)


STACK = EventFormat(
    "synthetic",
    "slow",
    1000,
    (Field("u64 delta", 8), Field("__data_loc unsigned long[] stack", 4)),
    '"delta=%llu stack=%s|", REC->delta, __get_stacktrace(stack)',
)


@pytest.mark.parametrize("machine", [Machine(False, 8), Machine(True, 8), Machine(False, 4)])
@pytest.mark.parametrize(
    ("numbers", "lines"),
    [
        ([2, 0xFFFFFFFF81000104, 0x1234], ["do_one+0x4", "1234"]),
        ([1, 0xFFFFFFFF81000104, 0xFFFFFFFF81000190], ["do_one+0x4", "do_two+0x10"]),
        ([9, -1, 0], ["ffffffffffffffff", "0"]),
        ([300], []),
        ([], []),
    ],
)
def test_stacks(write: Write, machine: Machine, numbers: list[int], lines: list[str]) -> None:
    """All numbers that the field holds but the first, which is how many there are."""
    size = machine.long_size
    values = [number % (1 << 8 * size) for number in numbers]
    stack = b"".join(machine.pack(size, value) for value in values)
    pages = [Page(1, [Event(0, STACK.values(delta=5, stack=stack))])]
    symbols = "81000100 t do_one\n81000180 t do_two\n81000200 t do_three\n"
    if size == 8:
        symbols = "".join(f"ffffffff{line}\n" for line in symbols.splitlines())
    made = Trace(
        buffers=[Buffer(cpus={0: pages})], events=[STACK], kallsyms=symbols,
        big_endian=machine.big_endian, long_size=size,
    )  # fmt: skip
    if size == 4:
        lines = [line.removeprefix("ffffffff") for line in lines]
    with tracecmd.open(write(made)) as trace:
        (event,) = trace
        shown = "".join(f"=> {line}\n" for line in lines)
        assert str(event) == f"delta=5 stack=\n{shown}|"


def test_flags(write: Write) -> None:
    """Interrupts off, reschedule: at once, or lazily, as kernels from 6.13 on record it."""
    events = []
    for flags in range(8):
        data = bytearray(TICK.values(pid=1, n=1).encode(Machine(False, 8)))
        data[2] = flags
        events.append(Event(1000, bytes(data)))
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: [Page(1, events)]})]))) as trace:
        lines = b"".join(trace.report()).decode().splitlines()[1:]
    assert [line.split("] ")[1][:5] for line in lines] == [
        ".....", "d....", ".L...", "dL...", ".N...", "dN...", ".N...", "dN...",
    ]  # fmt: skip


LONG = "unsigned long "
LACKING = {
    ("kvm", "kvm_entry", "rip"): "CAN'T FIND FIELD \"vcpu_id\" rip 0x3",
    ("kvm", "kvm_entry", "other"): "CAN'T FIND FIELD \"vcpu_id\"<CANT FIND FIELD rip>pf=17",
    ("kvm", "kvm_nested_vmexit", "exit_code"): "<CANT FIND FIELD rip>pf=17",
    ("kvm", "kvm_nested_vmexit", "rip exit_code isa exit_info1 exit_info2 exit_int_info"):
        " rip 3reason UNKNOWN-ISA info1 3 info2 3 int_info 3"
        "CAN'T FIND FIELD \"exit_int_info_err\"",
    ("timer", "hrtimer_start", "expires"):
        "hrtimer=CAN'T FIND FIELD \"hrtimer\" expires=3 softexpires="
        "CAN'T FIND FIELD \"softexpires\"",
    ("sched", "sched_wakeup", "prio"): "<CANT FIND FIELD pid>!pf=17",
    ("sched", "sched_wakeup", "pid"): "0<CANT FIND FIELD prio>",
    ("sched", "sched_switch", "prev_pid next_pid"):
        "3 <CANT FIND FIELD prev_prio> ==> 3<CANT FIND FIELD next_prio>",
    ("sched", "sched_switch", "prev_pid prev_prio"): "3 [3]  ==> <CANT FIND FIELD next_pid>!pf=17",
    ("tlb", "tlb_flush", "reason"):
        "pages=CAN'T FIND FIELD \"pages\" reason=local mm shootdown (3)",
    ("ftrace", "function", "ip"): "<CANT FIND FIELD parent_ip>!pf=17",
    ("ftrace", "func_repeats", "count"):
        "<CANT FIND FIELD ip>!<CANT FIND FIELD top_delta_ts>!pf=17",
    ("ftrace", "funcgraph_entry", "func depth"): "pf=17",
    ("ftrace", "funcgraph_exit", "calltime rettime"):
        "  0.000 us   |  <CANT FIND FIELD depth>!pf=17",
    ("ftrace", "funcgraph_exit", "calltime"): "<CANT FIND FIELD rettime>!pf=17",
    ("ftrace", "raw_data", "buf"): "<CANT FIND FIELD id>!pf=17",
    ("ftrace", "raw_data", "id"): "# 3<CANT FIND FIELD buf>",
}  # fmt: skip


@pytest.mark.parametrize(("system", "name", "fields"), LACKING)
def test_events_that_lack_fields(write: Write, system: str, name: str, fields: str) -> None:
    """What a plugin says of a field that it does not find, and whether it goes on."""
    event = EventFormat(
        system, name, 1000, tuple(Field(LONG + field, 8) for field in fields.split()),
        '"pf=%d", REC->common_pid',
    )  # fmt: skip
    numbers = {field: 3 for field in fields.split() if field != "pid"}
    values = event.values(**numbers, common_pid=17)
    made = Trace(
        buffers=[Buffer(cpus={0: [Page(1, [Event(0, values)])]})],
        **{"ftrace_events" if system == "ftrace" else "events": [event]},
    )
    with tracecmd.open(write(made)) as trace:
        (only,) = trace
        assert only.text() == LACKING[system, name, fields]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("REC->b == 0x1000 ? 1 : REC->b == 0x1000 ? 2 : 3", "1"),
        ("(REC->b == 0x1000) ? 1 : (REC->b == 0x1000) ? 2 : 3", "1"),
        ("(REC->b == 0x1001) ? 1 : (REC->b == 0x1000) ? 2 : 3", "2"),
        ("!REC->b ? 1 : 0 ? 3 : 4 ? 5 : 6", "5"),
        ("REC->b ? 1 : 2 + 5", "1"),
        ("!REC->b ? 1 : 2 + 5", "7"),
        ("(!REC->b ? 1 : 0 ? 3 : 4 ? 5 : 6) * 2 + 1", "11"),
        ("7 + (!REC->b ? 1 : 0 ? 3 : 4)", "1"),
        ("REC->b ? (REC->n ? 1 : 2) : 3", "1"),
        ("REC->b ? REC->n ? 1 : 2 : 3", FAILED),
    ],
)
def test_conditionals(write: Write, expression: str, text: str) -> None:
    """All that stands behind the colon is the other choice; before 1.9 it was one operand."""
    assert said(write, f'"%d", {expression}') == text


@pytest.mark.parametrize("expression", ["REC->n + REC->r[3]", "-2 + ((u8 *)REC->r)[3]"])
def test_elements_on_the_right(write: Write, expression: str) -> None:
    """Libtraceevent 1.9 gives such a print fmt up; its forerunners had the value."""
    assert said(write, f'"%d", {expression}') == "2"


@pytest.mark.parametrize(
    ("version", "clock", "option", "ticks"),
    [
        (7, "x86-tsc", None, False),
        (7, "x86-tsc", "local [x86-tsc]", True),
        (7, "x86-tsc", "[local] x86-tsc", False),
        (7, "local", "local [x86-tsc]", True),
        (7, "mono", "local [mono]", False),
        (6, "counter", None, False),
        (6, "counter", "local [counter]", True),
        (6, "counter", "[local] counter", True),
        (6, "local", "local [counter]", True),
        (6, "local", "[local] counter", False),
    ],
)
def test_clocks(write: Write, version: int, clock: str, option: str | None, ticks: bool) -> None:
    """Whether time stamps are seconds the option TRACECLOCK says, not the buffer's clock alone."""
    pages = [Page(1_000_002_000, [Event(0, TICK.values(pid=1, n=1))])]
    made = Trace(
        version=version, buffers=[Buffer(cpus={0: pages})], clock=clock,
        options=[TraceClock(option)] if option else [],
    )  # fmt: skip
    with tracecmd.open(write(made)) as trace:
        line = b"".join(trace.report()).decode().splitlines()[1]
    assert (" 1000002000: tick" in line or ".1000002000: tick" in line) == ticks
    assert (" 1.000002: tick" in line) != ticks
