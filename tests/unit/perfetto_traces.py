"""Traces for Perfetto, read with its own classes: what each record became."""

from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tracecmd
from tracecmd.export import perfetto

pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
empty_pb2 = pytest.importorskip("google.protobuf.empty_pb2")
unknown_fields = pytest.importorskip("google.protobuf.unknown_fields")

TYPED, GENERIC, COMPACT = "typed", "generic", "compact"
DRAWN = ("track_event_type", "slice_name", "track_name", "scope_instance")
"""Fields of generic events that no kernel has: what makes trace processor draw them."""
FUNCTIONS = {
    ("sched_blocked_reason", "caller"), ("workqueue_queue_work", "function"),
    ("workqueue_execute_start", "function"), ("workqueue_execute_end", "function"),
    ("funcgraph_entry", "func"), ("funcgraph_exit", "func"),
    ("mm_shrink_slab_start", "shrink"), ("hrtimer_expire_entry", "function"),
}  # fmt: skip


class Record(NamedTuple):
    """One record; ``drawn`` are those of its fields that are not the kernel's."""

    ts: int
    pid: int
    name: str
    fields: dict[str, Any]
    form: str
    drawn: dict[str, Any]


Found = dict[tuple[int, int], list[Record]]
"""By machine and CPU."""


def parse(path: Path) -> Any:
    trace = pb2.Trace()
    trace.ParseFromString(path.read_bytes())
    return trace


@dataclass
class _Machine:
    names: dict[int, str] = field(default_factory=dict)
    descriptors: dict[int, Any] = field(default_factory=dict)
    running: dict[int, tuple[str, int, int]] = field(default_factory=dict)


def _values(message: Any) -> dict[str, Any]:
    found = {}
    for each, value in message.ListFields():
        found[each.name] = value if isinstance(value, int | str) else list(value)
    return found


def _described(machine: _Machine, event: Any) -> tuple[str, dict[str, Any]]:
    """A generic event, of which pb2 knows nothing but its number."""
    (unknown,) = unknown_fields.UnknownFieldSet(event)
    descriptor = machine.descriptors[unknown.field_number]
    fields = {each.number: each for each in descriptor.field}
    values = {}
    for each in unknown_fields.UnknownFieldSet(_carrier(unknown.data)):
        known = fields[each.field_number]
        value = each.data
        if known.type == known.TYPE_STRING:
            value = value.decode()
        elif known.type == known.TYPE_INT64 and value >> 63:
            value -= 1 << 64
        values[known.name] = value
    return descriptor.name, values


def _carrier(data: bytes) -> Any:
    """A message whose fields are all unknown."""
    message = empty_pb2.Empty()
    message.ParseFromString(data)
    return message


def _record(machine: _Machine, event: Any) -> Record:
    known = [f.name for f, _ in event.ListFields() if f.message_type is not None]
    if not known:
        name, fields = _described(machine, event)
        drawn = {key: fields.pop(key) for key in DRAWN if key in fields}
        return Record(event.timestamp, event.pid, name, fields, GENERIC, drawn)
    (name,) = known
    body = getattr(event, name)
    if name == "generic":
        fields = {each.name: getattr(each, each.WhichOneof("value")) for each in body.field}
        return Record(event.timestamp, event.pid, body.event_name, fields, GENERIC, {})
    fields = _values(body)
    for key in fields:
        if (name, key) in FUNCTIONS and fields[key] in machine.names:
            fields[key] = machine.names[fields[key]]
    return Record(event.timestamp, event.pid, name, fields, TYPED, {})


def _compact(compact: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """Time, name and fields, as far as these are said."""
    found = []
    ts = 0
    for index, step in enumerate(compact.switch_timestamp):
        ts = (ts + step) % (1 << 64)
        fields = {
            "prev_state": compact.switch_prev_state[index],
            "next_comm": compact.intern_table[compact.switch_next_comm_index[index]],
            "next_pid": compact.switch_next_pid[index],
            "next_prio": compact.switch_next_prio[index],
        }
        found.append((ts, "sched_switch", fields))
    ts = 0
    for index, step in enumerate(compact.waking_timestamp):
        ts = (ts + step) % (1 << 64)
        fields = {
            "comm": compact.intern_table[compact.waking_comm_index[index]],
            "pid": compact.waking_pid[index],
            "prio": compact.waking_prio[index],
            "target_cpu": compact.waking_target_cpu[index],
        }
        found.append((ts, "sched_waking", fields))
    return found


def _bundle(machine: _Machine, bundle: Any) -> list[Record]:
    """In order of time: what a compact record leaves out is what the CPU runs."""
    whole = [(event.timestamp, _record(machine, event)) for event in bundle.event]
    short = [(ts, (name, fields)) for ts, name, fields in _compact(bundle.compact_sched)]
    rows: list[Record] = []
    for ts, found in sorted([*whole, *short], key=lambda each: each[0]):
        if isinstance(found, Record):
            record = found
        else:
            name, fields = found
            comm, pid, prio = machine.running[bundle.cpu]
            if name == "sched_switch":
                fields |= {"prev_comm": comm, "prev_pid": pid, "prev_prio": prio}
            record = Record(ts, pid, name, fields, COMPACT, {})
        if record.name == "sched_switch" and record.form != GENERIC:
            f = record.fields
            machine.running[bundle.cpu] = f["next_comm"], f["next_pid"], f["next_prio"]
        rows.append(record)
    return rows


def records_of(trace: Any) -> Found:
    """Every record of a trace."""
    found: Found = defaultdict(list)
    machines: dict[int, _Machine] = defaultdict(_Machine)
    for packet in trace.packet:
        machine = machines[packet.machine_id]
        if packet.sequence_flags & 1 and packet.HasField("trusted_packet_sequence_id"):
            machine.names.clear()
        for symbol in packet.interned_data.kernel_symbols:
            assert symbol.iid not in machine.names
            machine.names[symbol.iid] = symbol.str.decode()
        if not packet.HasField("ftrace_events"):
            continue
        bundle = packet.ftrace_events
        for each in bundle.generic_event_descriptors:
            assert each.field_id not in machine.descriptors
            descriptor = descriptor_pb2.DescriptorProto()
            descriptor.ParseFromString(each.event_descriptor)
            machine.descriptors[each.field_id] = descriptor
        found[packet.machine_id, bundle.cpu] += _bundle(machine, bundle)
    return {key: rows for key, rows in found.items() if rows}


# What is expected -----------------------------------------------------------------------------


def _clean(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def name_of(trace: tracecmd.Trace, address: int) -> str:
    """A function's name, or its address."""
    symbol = trace.symbol(address)
    return hex(address) if symbol is None else symbol.name


def _generic(trace: tracecmd.Trace, event: tracecmd.Event) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in event.fields.items():
        if isinstance(value, str):
            fields[name] = _clean(value)
        elif isinstance(value, bytes):
            fields[name] = value.hex()
        elif isinstance(value, list):
            stack = (event.name, name) == ("kernel_stack", "caller")
            fields[name] = ",".join(name_of(trace, v) if stack else str(v) for v in value)
        elif value is not None:
            fields[name] = int(value)
    return fields


def _typed(event: tracecmd.Event, schema: dict[str, str]) -> dict[str, Any]:
    """Those fields that the schema has, in types that fit."""
    fields: dict[str, Any] = {}
    for name, value in event.fields.items():
        kind = schema.get(name, "")
        if isinstance(value, str) and kind == "s":
            fields[name] = _clean(value)
        elif isinstance(value, list) and kind.endswith("*"):
            fields[name] = value
        elif isinstance(value, int) and kind in ("i", "I", "u", "U"):
            bits = 32 if kind in "iu" else 64
            value = int(value) % (1 << bits)  # noqa: PLW2901
            fields[name] = value - (1 << bits) if kind in "iI" and value >> bits - 1 else value
    return fields


@functools.cache
def _schema(name: str) -> dict[str, str]:
    """Fields of an event of the schema, and the letters of their types."""
    pairs = (each.partition("=") for each in perfetto.NATIVE[name][1].split())
    return {field: kind.lstrip("0123456789") for field, _, kind in pairs}


def typed_name(event: tracecmd.Event) -> str:
    """The name of the schema's event that a record may become."""
    name = event.name or ""
    if event.system == "syscalls":
        return "_".join(name.split("_")[:2])
    return "funcgraph_entry" if name == "fgraph_retaddr_entry" else name


def _syscall(event: tracecmd.Event) -> dict[str, Any]:
    """One system call's event as that of all of them."""
    values = {k: v for k, v in event.fields.items() if isinstance(v, int)}
    number = values.pop("__syscall_nr")
    if typed_name(event) == "sys_exit":
        return {"id": number, **values}
    arguments = [value % (1 << 64) for value in values.values()]
    return {"id": number} | ({"args": arguments} if arguments else {})


def expected_of(trace: tracecmd.Trace, event: tracecmd.Event, form: str) -> dict[str, Any]:
    """A record's fields in one of the forms."""
    if event.format is None:
        return {"raw": event.raw.hex()}
    if form == GENERIC:
        return _generic(trace, event)
    name = typed_name(event)
    if event.system == "syscalls":
        return _syscall(event)
    fields = _typed(event, _schema(name))
    for key in fields:
        if (name, key) in FUNCTIONS and trace.kallsyms:
            fields[key] = name_of(trace, fields[key])
    if form == COMPACT:
        fields.pop("success", None)
    return fields
