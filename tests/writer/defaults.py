"""What a file holds when nothing else is said."""

from __future__ import annotations

from .encoder import Machine
from .event_format import EventFormat, Field

PRINT = EventFormat(
    "ftrace",
    "print",
    5,
    (Field("unsigned long ip", "long"), Field("char buf[]", 0)),
    '"%ps: %s", (void *)REC->ip, REC->buf',
)
FUNCTION = EventFormat(
    "ftrace",
    "function",
    1,
    (Field("unsigned long ip", "long"), Field("unsigned long parent_ip", "long")),
    '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip',
)
SCHED_SWITCH = EventFormat(
    "sched",
    "sched_switch",
    314,
    (
        Field("char prev_comm[16]", 16),
        Field("pid_t prev_pid", 4, signed=True),
        Field("int prev_prio", 4, signed=True),
        Field("long prev_state", "long", signed=True),
        Field("char next_comm[16]", 16),
        Field("pid_t next_pid", 4, signed=True),
        Field("int next_prio", 4, signed=True),
    ),
    '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d '
    'next_prio=%d", REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & 0xff) ? '
    '__print_flags(REC->prev_state & 0xff, "|", { 0x01, "S" }, { 0x02, "D" }, { 0x04, "T" }, '
    '{ 0x08, "t" }, { 0x10, "X" }, { 0x20, "Z" }, { 0x40, "P" }, { 0x80, "I" }) : "R", '
    'REC->prev_state & 0x100 ? "+" : "", REC->next_comm, REC->next_pid, REC->next_prio',
)
SCHED_WAKEUP = EventFormat(
    "sched",
    "sched_wakeup",
    317,
    (
        Field("char comm[16]", 16),
        Field("pid_t pid", 4, signed=True),
        Field("int prio", 4, signed=True),
        Field("int target_cpu", 4, signed=True),
    ),
    '"comm=%s pid=%d prio=%d target_cpu=%03d", REC->comm, REC->pid, REC->prio, REC->target_cpu',
)
IRQ_HANDLER_ENTRY = EventFormat(
    "irq",
    "irq_handler_entry",
    150,
    (Field("int irq", 4, signed=True), Field("__data_loc char[] name", 4)),
    '"irq=%d name=%s", REC->irq, __get_str(name)',
)
TICK = EventFormat(
    "test",
    "tick",
    900,
    (
        Field("u32 n", 4),
        Field("s16 small", 2, signed=True),
        Field("u8 bytes[6]", 6),
        Field("u64 wide", 8),
    ),
    '"n=%u small=%d wide=%llu", REC->n, REC->small, REC->wide',
)

FTRACE_EVENTS = (FUNCTION, PRINT)
EVENTS = (SCHED_SWITCH, SCHED_WAKEUP, IRQ_HANDLER_ENTRY, TICK)

KALLSYMS = (
    "ffffffff81000000 T _stext\n"
    "ffffffff81000100 T do_one\n"
    "ffffffff81000180 t do_two\n"
    "ffffffff81000200 T do_three\t[some_module]\n"
    "ffffffff81000300 T _etext\n"
)
PRINTK_FORMATS = '0xffffffff82000010 : "first %d\\n"\n0xffffffff82000020 : "a text"\n'
SAVED_CMDLINES = "1 init\n17 worker/0:1\n4711 some task\n"

HEADER_EVENT = (
    "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
    "\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
    "\ttime_stamp : type == 31\n\tdata max type_len  == 28\n"
)


def header_page(machine: Machine, page_size: int) -> str:
    """Tracefs ``events/header_page``: where in a sub-buffer things lie."""
    start = 8 + machine.long_size
    rows = (
        ("u64 timestamp", 0, 8, 0),
        ("local_t commit", 8, machine.long_size, 1),
        ("int overwrite", 8, 1, 1),
        ("char data", start, page_size - start, 1),
    )
    return "".join(
        f"\tfield: {name};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n"
        for name, offset, size, signed in rows
    )
