"""Traces made by code, of what the recordings have not."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from .. import writer
from ..writer import Field

FUNC = Field("unsigned long func", "long")
DEPTH = Field("int depth", 4, signed=True)
FUNCGRAPH_ENTRY = writer.EventFormat(
    "ftrace", "funcgraph_entry", 11, (FUNC, DEPTH),
    '"--> %ps (%d)", (void *)REC->func, REC->depth',
)  # fmt: skip
FUNCGRAPH_EXIT = writer.EventFormat(
    "ftrace",
    "funcgraph_exit",
    10,
    (
        FUNC,
        Field("unsigned long retval", "long"),
        DEPTH,
        Field("unsigned int overrun", 4),
        Field("unsigned long long calltime", 8),
        Field("unsigned long long rettime", 8),
    ),
    '"<-- %ps (%d) (start: %llx  end: %llx) over: %d", (void *)REC->func, REC->depth, '
    "REC->calltime, REC->rettime, REC->depth",
)
FUNC_REPEATS = writer.EventFormat(
    "ftrace",
    "func_repeats",
    18,
    (
        Field("unsigned long ip", "long"),
        Field("unsigned long parent_ip", "long"),
        Field("u16 count", 2),
        Field("u16 top_delta_ts", 2),
        Field("u32 bottom_delta_ts", 4),
    ),
    '" %ps <-%ps\\t(repeats:%u)", (void *)REC->ip, (void *)REC->parent_ip, REC->count',
)

# Within functions of writer.KALLSYMS; the last is none.
ONE, TWO, THREE, NOWHERE = 0xFFFFFFFF81000110, 0xFFFFFFFF810001A0, 0xFFFFFFFF81000210, 0x1234


def one_cpu(
    events: Sequence[tuple[int, writer.Values]],
    ftrace_events: Sequence[writer.EventFormat | str] = writer.FTRACE_EVENTS,
) -> bytes:
    pages = writer.fill_pages(events, writer.Machine(False, 8))
    buffers = [writer.Buffer(cpus={0: pages})]
    return writer.Trace(ftrace_events=ftrace_events, buffers=buffers).write().data


def functions() -> bytes:
    """Functions that call each other, known and unknown, and what they return."""

    def called(ip: int, parent: int) -> writer.Values:
        return writer.FUNCTION.values(pid=17, ip=ip, parent_ip=parent)

    def entry(func: int, depth: int) -> writer.Values:
        return FUNCGRAPH_ENTRY.values(pid=17, func=func, depth=depth)

    def leave(func: int, depth: int, calltime: int, rettime: int, retval: int) -> writer.Values:
        return FUNCGRAPH_EXIT.values(
            pid=17, func=func, depth=depth, calltime=calltime, rettime=rettime,
            retval=retval % (1 << 64),
        )  # fmt: skip

    repeated = FUNC_REPEATS.values(pid=17, ip=TWO, parent_ip=ONE, count=3, bottom_delta_ts=500)
    events = [
        (1000, called(ONE, 0xFFFFFFFF81000004)),
        (2000, called(TWO, ONE + 2)),
        (3000, called(THREE, TWO + 9)),
        (4000, called(NOWHERE, THREE)),
        (5000, called(ONE, NOWHERE)),
        (6000, called(TWO, ONE)),
        (7000, repeated),
        (10_000, entry(ONE, 0)),
        (11_000, entry(TWO, 1)),
        (12_000, leave(TWO, 1, 11_000, 12_000, 5)),
        (13_000, entry(NOWHERE, 1)),
        (14_000, entry(THREE, 2)),
        (2_000_000, leave(THREE, 2, 14_000, 1_999_000, -22)),
        (2_100_000, leave(NOWHERE, 1, 13_000, 2_099_000, 0)),
        (2_200_000, leave(ONE, 0, 10_000, 2_200_001, 1 << 40)),
        (2_300_000, leave(ONE, -1 % (1 << 32), 0, 12_000, -4095)),
        (2_400_000, leave(ONE, 3, 0, 123_000, -4096)),
        (2_500_000, leave(ONE, 3, 0, 2_000_000_000, 1 << 63)),
    ]
    formats = (writer.FUNCTION, writer.PRINT, FUNCGRAPH_ENTRY, FUNCGRAPH_EXIT, FUNC_REPEATS)
    return one_cpu(events, formats)


PRINT_FMTS = {
    "good": '"a=%d", REC->a',
    "text": '"%s", __get_str(s)',
    "unknown_field": '"%d", REC->nosuch',
    "unknown_function": '"%s", some_function(REC->a)',
    "plugin_function": '"%s", jbd2_dev_to_name(REC->a)',
    "address": '"%d", &REC->a',
    "nothing": "",
    "no_quotes": "a=%d, REC->a",
    "too_few": '"%d %d", REC->a',
    "too_many": '"%d", REC->a, REC->a',
    "sizeof_struct": '"%d", sizeof(struct x)',
    "unclosed": '"%d", (REC->a',
    "statement": '"%d", ({ int x = 1; x; })',
}


def print_fmts(extra: Sequence[str] = ()) -> bytes:
    """An event for each of PRINT_FMTS, of system "fmts", one record of each; more format files."""
    fields = (Field("int a", 4, signed=True), Field("__data_loc char[] s", 4))
    events = [
        writer.EventFormat("fmts", name, 1000 + number, fields, fmt)
        for number, (name, fmt) in enumerate(PRINT_FMTS.items())
    ]
    records = [
        (1000 * number, event.values(pid=1, a=5, s="xy")) for number, event in enumerate(events)
    ]
    pages = writer.fill_pages(records, writer.Machine(False, 8))
    buffers = [writer.Buffer(cpus={0: pages})]
    return writer.Trace(events=events, extra_formats={"more": extra}, buffers=buffers).write().data


KERNEL_STACK = writer.EventFormat(
    "ftrace",
    "kernel_stack",
    4,
    (Field("int size", 4, signed=True), Field("unsigned long caller[8]", 64, align=8)),
    '"\\t=> %ps\\n\\t=> %ps\\n", (void *)REC->caller[0], (void *)REC->caller[1]',
)


def stacks() -> bytes:
    """Events of two CPUs, most of them with a stack behind."""

    def stack(*addresses: int) -> writer.Values:
        callers = b"".join(address.to_bytes(8, "little") for address in addresses)
        return KERNEL_STACK.values(pid=17, size=len(addresses), caller=callers.ljust(64, b"\xff"))

    def tick(n: int) -> writer.Values:
        return writer.TICK.values(pid=17, n=n)

    def switch(next_pid: int) -> writer.Values:
        return writer.SCHED_SWITCH.values(pid=17, prev_pid=17, next_pid=next_pid)

    first = [
        (1000, tick(1)), (1100, stack(ONE)), (2000, switch(1)), (2100, stack(ONE, TWO)),
        (3000, tick(2)), (3100, tick(3)), (3200, stack(TWO)), (4000, switch(17)),
        (5000, stack(ONE, TWO, THREE)), (6000, stack(TWO, THREE)), (7000, tick(1)),
    ]  # fmt: skip
    second = [
        (1050, stack(THREE)), (2050, tick(2)), (3050, switch(1)), (4050, stack(NOWHERE, ONE)),
        (5050, tick(1)), (6050, stack(ONE, ONE, ONE)), (6150, switch(17)), (7050, stack(TWO)),
    ]  # fmt: skip
    machine = writer.Machine(False, 8)
    cpus = {0: writer.fill_pages(first, machine), 1: writer.fill_pages(second, machine)}
    formats = (*writer.FTRACE_EVENTS, KERNEL_STACK)
    return writer.Trace(ftrace_events=formats, buffers=[writer.Buffer(cpus=cpus)]).write().data


USER_STACK = writer.EventFormat(
    "ftrace",
    "user_stack",
    12,
    (Field("unsigned int tgid", 4), Field("unsigned long caller[8]", 64)),
    '"tgid=%d", REC->tgid',
)


def blktrace() -> bytes:
    """Records of the blk tracer: struct blk_io_trace, of which the kernel has no format."""

    def record(action: int, pid: int, sector: int, data: bytes = b"") -> bytes:
        common = struct.pack("<HBBi", USER_STACK.id + 1, 1, 2, 17)
        magic_and_sequence = struct.pack("<II", 0x65617407, 1)
        rest = struct.pack(
            "<QQIIIIIHH", 12_345, sector, 4096, action, pid, 8 << 20, 1, 0, len(data)
        )
        return common + magic_and_sequence + rest + data

    events = [
        (1000, record(0x10001, 17, 2048)),
        (2000, record(0x800002, -3 % (1 << 32), 1 << 40, b"some data   ")),
        (3000, writer.FUNCTION.values(pid=17, ip=ONE, parent_ip=TWO)),
    ]
    return one_cpu(events, (writer.FUNCTION, writer.PRINT, USER_STACK))


NEWER = (
    writer.EventFormat(
        "kmem", "kmalloc", 1000,
        (Field("unsigned long call_site", 8), Field("unsigned long gfp_flags", 8),
         Field("bool accounted", 1)),
        '"call_site=%pS gfp_flags=%s accounted=%s", (void *)REC->call_site, (REC->gfp_flags) ? '
        '__print_flags(REC->gfp_flags, "|", {( unsigned long)((((( gfp_t)(((((1UL))) << (10))|'
        '((((1UL))) << (11)))) | (( gfp_t)((((1UL))) << (6))) | (( gfp_t)((((1UL))) << (7))))) | '
        '(( gfp_t)0)), "GFP_KERNEL"}, {( unsigned long)(( gfp_t)((((1UL))) << (8))), '
        '"__GFP_ZERO"}, { 0, ((void *)0) } ) : "none", REC->accounted ? "true" : "false"',
    ),
    writer.EventFormat(
        "xdp", "xdp_exception", 1001, (Field("int prog_id", 4, signed=True), Field("u32 act", 4)),
        '"prog_id=%d action=%s", REC->prog_id, __print_symbolic(REC->act, { 0, "ABORTED" }, '
        '{ 2, "PASS" }, { -1, ((void *)0) })',
    ),
    writer.EventFormat(
        "syscalls", "sys_enter_write", 1002,
        (Field("int __syscall_nr", 4, signed=True), Field("unsigned int fd", 8, align=8),
         Field("__data_loc char[] __buf_val", 4)),
        '"fd: 0x%08lx (%s)", ((unsigned long)(REC->fd)), __print_dynamic_array(__buf_val, 1)',
    ),
    writer.EventFormat(
        "synthetic", "block_lat", 1003,
        (Field("u64 delta", 8), Field("__data_loc unsigned long[] stack", 4)),
        '"delta=%llu stack=%s", REC->delta, __get_stacktrace(stack)',
    ),
    writer.EventFormat(
        "net", "port", 1004, (Field("__be16 port", 2), Field("u16 kind", 2)),
        '"port=%u kind=%s", __builtin_bswap16(REC->port), REC->kind == 1 ? "tcp" : '
        'REC->kind == 2 ? "udp" : "other"',
    ),
)  # fmt: skip


def newer_kernels() -> bytes:
    """What kernels from 6.13 on write, and libtraceevent 1.9 was the first to read."""
    kmalloc, xdp, write, lat, port = NEWER
    stack = b"".join(address.to_bytes(8, "little") for address in (3, ONE, NOWHERE, TWO))
    events = [
        (1000, kmalloc.values(pid=17, flags=2, call_site=ONE, gfp_flags=0xDC0, accounted=1)),
        (2000, kmalloc.values(pid=17, flags=3, call_site=NOWHERE)),
        (3000, kmalloc.values(pid=17, flags=6, call_site=TWO, gfp_flags=0x1000)),
        (4000, xdp.values(pid=17, flags=0x13, prog_id=7, act=2)),
        (5000, xdp.values(pid=17, prog_id=7, act=9)),
        (6000, write.values(pid=17, fd=2, __buf_val=b"hello")),
        (7000, lat.values(pid=17, delta=7, stack=stack)),
        (8000, lat.values(pid=17, delta=8, stack=b"")),
        (9000, port.values(pid=17, port=0x5000, kind=1)),
        (10_000, port.values(pid=17, port=0x5000, kind=2)),
        (11_000, port.values(pid=17, port=0x5000, kind=3)),
    ]
    pages = writer.fill_pages(events, writer.Machine(False, 8))
    return writer.Trace(events=NEWER, buffers=[writer.Buffer(cpus={0: pages})]).write().data
