"""Records as Perfetto's messages: typed where its schema has the event, else generic."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ...event import Event
from ...events import EventFormat, Field
from ...trace import Trace
from .wire import (
    EVENT_GENERIC,
    GENERIC_FIELD,
    GENERIC_NAME,
    VALUE_INT,
    VALUE_NAME,
    VALUE_STR,
    VALUE_UINT,
    integer,
    nested,
    string,
    tag_bytes,
    tag_varint,
    varint,
)

__all__ = ["NATIVE", "Encode", "Peer", "encoder_of"]

NATIVE: dict[str, tuple[int, str]] = {
    "ftrace:print": (3, "ip:1U buf:2s"),
    "irq:irq_handler_entry": (36, "irq:1i name:2s handler:3u"),
    "irq:irq_handler_exit": (37, "irq:1i ret:2i"),
    "irq:softirq_entry": (24, "vec:1u"),
    "irq:softirq_exit": (25, "vec:1u"),
    "irq:softirq_raise": (26, "vec:1u"),
    "kvm:kvm_entry": (376, "vcpu_pc:1U"),  # arm64's; other machines have other fields
    "kvm:kvm_exit": (377, "esr_ec:1u ret:2i vcpu_pc:3U"),
    "power:cpu_frequency": (11, "state:1u cpu_id:2u"),
    "power:cpu_idle": (13, "state:1u cpu_id:2u"),
    "power:suspend_resume": (113, "action:1s val:2i start:3u"),
    "raw_syscalls:sys_enter": (329, "id:1I args:2U"),
    "raw_syscalls:sys_exit": (330, "id:1I ret:2I"),
    "sched:sched_process_exec": (237, "filename:1s pid:2i old_pid:3i"),
    "sched:sched_process_exit": (238, "comm:1s pid:2i tgid:3i prio:4i"),
    "sched:sched_process_fork": (239, "parent_comm:1s parent_pid:2i child_comm:3s child_pid:4i"),
    "sched:sched_process_free": (240, "comm:1s pid:2i prio:3i"),
    "sched:sched_process_hang": (241, "comm:1s pid:2i"),
    "sched:sched_process_wait": (242, "comm:1s pid:2i prio:3i"),
    "sched:sched_switch": (
        4,
        "prev_comm:1s prev_pid:2i prev_prio:3i prev_state:4I next_comm:5s next_pid:6i next_prio:7i",
    ),
    "sched:sched_wakeup": (17, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "sched:sched_wakeup_new": (114, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "sched:sched_waking": (20, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "signal:signal_deliver": (324, "code:1i sa_flags:2U sig:3i"),
    "signal:signal_generate": (325, "code:1i comm:2s group:3i pid:4i result:5i sig:6i"),
    "task:task_newtask": (235, "pid:1i comm:2s clone_flags:3U oom_score_adj:4i"),
    "task:task_rename": (236, "pid:1i oldcomm:2s newcomm:3s oom_score_adj:4i"),
    "workqueue:workqueue_execute_end": (57, "work:1U function:2U"),
    "workqueue:workqueue_execute_start": (58, "work:1U function:2U"),
}
"""Events that the schema has: number in FtraceEvent, and fields with their number and type.

``i`` int32, ``I`` int64, ``u`` uint32, ``U`` uint64, ``s`` string. A record is written so only if
the schema has all of the fields that the kernel gave it, in types that hold all of their values.
"""

Encode = Callable[[Event], bytes]


def _holds(field: Field, kind: str) -> bool:
    """Whether a type of the schema holds every value of a kernel's field."""
    if kind == "s":
        return field.is_string
    if field.is_string or (field.is_array and kind != "U"):
        return False
    size = field.element_size if field.is_array else field.size
    if size not in (1, 2, 4, 8):
        return False
    if field.is_signed:
        return kind == "I" or (kind == "i" and size <= 4)
    return kind == "U" or (kind == "u" and size <= 4) or (kind in "iI" and size < 4)


def _native(form: EventFormat) -> Encode | None:
    """Make the encoder of an event that the schema has, if all of its fields fit."""
    if str(form) not in NATIVE:
        return None
    number, spec = NATIVE[str(form)]
    types = {name: (int(n), kind) for name, n, kind in re.findall(r"(\w+):(\d+)(\w)", spec)}
    parts: list[tuple[Field, bytes]] = []
    for name, field in form.fields.items():
        target, kind = types.get(name, (0, ""))
        if not target or not _holds(field, kind):
            return None
        parts.append((field, tag_bytes(target) if kind == "s" else tag_varint(target)))
    head = tag_bytes(number)

    def encode(event: Event) -> bytes:
        body = b""
        for field, tag in parts:
            value = event._read(field)
            if isinstance(value, int):
                body += tag + varint(value)
            elif isinstance(value, str):
                text = value.encode(errors="replace")
                body += tag + varint(len(text)) + text
            elif isinstance(value, list):
                body += b"".join([tag + varint(each) for each in value])
        return head + varint(len(body)) + body

    return encode


def _value(field: Field, value: int | str | bytes | list[int]) -> bytes:
    if isinstance(value, int):
        return integer(VALUE_INT if field.is_signed else VALUE_UINT, value)
    if isinstance(value, str):
        return string(VALUE_STR, value)
    if isinstance(value, bytes):
        return string(VALUE_STR, value.hex())
    return string(VALUE_STR, ",".join(map(str, value)))


def _generic(form: EventFormat) -> Encode:
    head = tag_bytes(EVENT_GENERIC)
    name = string(GENERIC_NAME, form.name)
    parts = [(field, string(VALUE_NAME, field.name)) for field in form.fields.values()]

    def encode(event: Event) -> bytes:
        body = name
        for field, title in parts:
            value = event._read(field)
            if value is not None:
                body += nested(GENERIC_FIELD, title + _value(field, value))
        return head + varint(len(body)) + body

    return encode


_MARK = re.compile(
    r"""(B\|{tgid}\|[^\n\0]*                        # a slice of the thread begins
       |E(\|[^\n\0]*)?                            # and ends
       |I\|{tgid}\|{name}                         # an instant of it
       |C\|{tgid}\|{name}\|{number}(\|{name})?    # a counter
       |[SF]\|{tgid}\|{name}\|{number}            # an asynchronous slice begins, and ends
       |N\|{tgid}\|{name}\|{name}                 # an instant on a track with a name
       |G\|{tgid}\|{name}\|{name}\|{number}       # an asynchronous slice begins there
       |H\|{tgid}\|{name}(\|{name})?\|{number}    # and ends
       )[\n\0]*""".format(tgid=r"\d{1,9}", name=r"[^|\n\0]+", number=r"-?\d{1,18}"),
    re.ASCII | re.VERBOSE,
)
"""Texts in trace_marker that stand for slices and counters, as Android's atrace writes them."""


def _print(form: EventFormat) -> Encode:
    """Make the encoder of texts: typed only if they are marks.

    Trace processor takes every typed one for a mark: one that is not a mark counts as an error, and
    one that begins with an E ends a slice.
    """
    native, generic = _native(form), _generic(form)
    if native is None:
        return generic
    typed, text = native, form.fields["buf"]

    def encode(event: Event) -> bytes:
        is_mark = _MARK.fullmatch(str(event._read(text)))
        return typed(event) if is_mark else generic(event)

    return encode


def _unknown(number: int) -> Encode:
    """Encode what the file has no format for: its bytes."""

    def encode(event: Event) -> bytes:
        value = string(VALUE_NAME, "raw") + string(VALUE_STR, event.raw.hex())
        name = string(GENERIC_NAME, f"id {number}")
        return nested(EVENT_GENERIC, name + nested(GENERIC_FIELD, value))

    return encode


class Peer(NamedTuple):
    """One machine: its packets' last fields, and encoders of events by buffer and id."""

    trace: Trace
    ending: bytes
    encoders: dict[tuple[str, int], Encode]


def encoder_of(peer: Peer, event: Event) -> Encode:
    """Make the encoder of an event in a buffer.

    Several buffers may have recorded the same: trace processor would count a time slice twice, or
    find that a CPU switches from a task that it does not run. An event is therefore typed in the
    buffer where it comes first, and in others generic.
    """
    form = event.format
    if form is None:
        return _unknown(event.id)
    if any(number == event.id for _, number in peer.encoders):
        return _generic(form)
    if str(form) == "ftrace:print":
        return _print(form)
    return _native(form) or _generic(form)
