"""Call trees and stacks from single events."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import tracecmd

from .loss_oracle import gaps

ENTRIES = ("funcgraph_entry", "fgraph_retaddr_entry")
EXIT = "funcgraph_exit"
Place = tuple[int, str]  # address of the symbol, name


@dataclass(eq=False)
class Call:
    """A call, or what there is of it."""

    function: Place
    pid: int
    cpu: int
    start: int
    depth: int
    parent: Place | None
    path: tuple[str, ...]
    how: str = "unmatched"
    times: tuple[int, int] = (0, 0)
    self: int = 0
    callees: list[Call] = field(default_factory=list)
    caller: Call | None = None
    early: list[Call] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.times[1] - self.times[0]

    @property
    def level(self) -> int:
        """The depth that its callees have."""
        return self.depth + 1


@dataclass
class Sum:
    times: list[int] = field(default_factory=list)
    self: int = 0
    unmatched: int = 0
    lost: int = 0
    calls: int = 0

    def values(self) -> tuple[Any, ...]:
        """Without percentiles."""
        if not self.times:
            return (0, 0, 0, None, None, self.unmatched, self.lost)
        times = self.times
        return (
            len(times),
            sum(times),
            self.self,
            min(times),
            max(times),
            self.unmatched,
            self.lost,
        )

    def rank(self, percent: int) -> int:
        return sorted(self.times)[math.ceil(len(self.times) * percent / 100) - 1]


def place_of(trace: tracecmd.Trace, address: int) -> Place:
    symbol = trace.symbol(address)
    return (address - symbol.offset, symbol.name) if symbol else (address, f"0x{address:x}")


class Losses:
    """When what began may have lost something."""

    def __init__(self, trace: tracecmd.Trace, start: int | None, end: int | None) -> None:
        self.gaps = [
            gap for gap in gaps(trace)
            if (start is None or gap.end >= start)
            and (end is None or gap.begin is None or gap.begin < end)
        ]  # fmt: skip

    def reach(self, buffer: str, cpu: int | None, since: int, till: int) -> bool:
        return any(
            gap.buffer == buffer and (cpu is None or gap.cpu == cpu) and gap.end > since
            and (gap.begin is None or gap.begin < till or gap.end <= till)
            for gap in self.gaps
        )  # fmt: skip


def graph(trace: tracecmd.Trace, buffer: str, **window: Any) -> list[Call]:
    """All calls of function_graph, in the order in which they ended."""
    losses = Losses(trace, window.get("start"), window.get("end"))
    stacks: dict[tuple[int, int], list[Call]] = {}
    waiting: dict[int, list[Call]] = {}
    ended: list[Call] = []
    names = [name for name in (*ENTRIES, EXIT) if name in trace.events]

    def reach(call: Call, now: int) -> bool:
        return losses.reach(buffer, None if call.pid else call.cpu, call.start, now)

    def end(call: Call, caller: Call) -> None:
        caller.callees.append(call)
        caller.early = [c for c in caller.early if c.depth <= call.depth]
        if call.depth > caller.level:  # its own caller's entry comes later, if at all
            caller.early.append(call)
        ended.append(call)

    def drop(stack: list[Call], depth: int) -> None:
        while stack[-1].depth >= depth:
            call = stack.pop()
            call.times = call.start, (1 << 64) - 1
            end(call, stack[-1])

    def settle(call: Call, early: list[Call], caller: Call, event: tracecmd.Event) -> bool:
        """Give and take callees by their times; whether that all is known."""
        call.times = times_of(event, call.start)
        if not 0 <= call.total <= 1 << 56 or reach(call, event.ts):
            return False
        if any(c.how != "whole" for c in call.callees):
            return False
        late = [c for c in call.callees if c.times[0] >= call.times[1]]
        call.callees = [c for c in call.callees if c not in late]
        caller.callees += late
        if all(c.times[1] <= call.times[0] for c in early):
            return True
        call.callees += early
        caller.callees = [c for c in caller.callees if c not in early]
        return all(c.how == "whole" and c.times[0] >= call.times[0] for c in early)

    for event in trace.iter(names, buffers=buffer, **window):
        key = event.pid, 0 if event.pid else event.cpu
        bottom = Call((0, ""), event.pid, event.cpu, -1, -1, None, ())
        stack = stacks.setdefault(key, [bottom])
        place, depth = place_of(trace, event["func"]), event["depth"] & 0xFFFFFFFF
        if event.name == EXIT:
            drop(stack, depth + 1)
            if (stack[-1].depth, stack[-1].function) == (depth, place):
                call = stack.pop()
                known = settle(call, waiting.pop(id(call)), stack[-1], event)
                call.how = "whole" if known else "lost"
                call.self = max(0, call.total - sum(callee.total for callee in call.callees))
                call.early = []
                end(call, stack[-1])
                continue
        drop(stack, depth)
        caller = stack[-1]
        begins = event.name != EXIT
        around = caller.depth >= 0 and begins and not reach(caller, event.ts)
        known = around and depth == caller.level
        above = caller.path if around else ()
        if not known and (caller.depth >= 0 or depth):
            above = (*above, "[unknown]")
        call = Call(place, event.pid, event.cpu, event.ts, depth,
                    caller.function if known else None, (*above, place[1]))  # fmt: skip
        if begins:
            waiting[id(call)] = [c for c in caller.early if c.depth > depth]
            caller.early = [c for c in caller.early if c.depth <= depth]
            stack.append(call)
        else:
            call.times = times_of(event, event.ts)
            end(call, caller)
    for stack in stacks.values():
        drop(stack, 0)
    for stack in stacks.values():
        link(stack[0])
    return ended


def times_of(event: tracecmd.Event, start: int) -> tuple[int, int]:
    """When the call of an exit began and ended, as the kernel took it, or else by records."""
    if "calltime" in event.format.fields:
        return event["calltime"], event["rettime"]
    return start, event.ts


def link(bottom: Call) -> None:
    """Say who called whom."""
    todo = [bottom]
    while todo:
        caller = todo.pop()
        for call in caller.callees:
            call.caller = caller if caller.depth >= 0 else None
            todo.append(call)


def sums(
    trace: tracecmd.Trace, calls: Iterable[Call], by: Sequence[str] = ()
) -> dict[tuple[Any, ...], Sum]:
    """By function, and what else there is."""
    found: dict[tuple[Any, ...], Sum] = defaultdict(Sum)
    for call in calls:
        own = {"parent": call.parent, "task": (call.pid, trace.comm(call.pid)), "cpu": call.cpu}
        each = found[(call.function, *(own[name] for name in by))]
        if call.how == "whole":
            each.times.append(call.total)
            each.self += call.self
        each.unmatched += call.how == "unmatched"
        each.lost += call.how == "lost"
    return found


def function_calls(trace: tracecmd.Trace, buffer: str, **window: Any) -> list[Call]:
    """Those of the function tracer."""
    if "ftrace:function" not in trace.events:
        return []
    return [
        Call(place_of(trace, event["ip"]), event.pid, event.cpu, event.ts, 0,
             place_of(trace, event["parent_ip"]), ())
        for event in trace.iter("ftrace:function", buffers=buffer, **window)
    ]  # fmt: skip


# Stacks --------------------------------------------------------------------------------------


def stack_of(trace: tracecmd.Trace, event: tracecmd.Event) -> tuple[str, ...]:
    names = tuple(place_of(trace, address)[1] for address in reversed(event["caller"]))
    return names or ("[unknown]",)


def off_cpu(
    trace: tracecmd.Trace, buffer: str, **window: Any
) -> tuple[dict[tuple[str, ...], int], int]:
    """Weights by stack, and how many waits are not known."""
    losses = Losses(trace, window.get("start"), window.get("end"))
    away: dict[int, list[Any]] = {}
    left: dict[int, list[Any] | None] = {}
    weights: dict[tuple[str, ...], int] = defaultdict(int)
    lost = 0
    for event in trace.iter(buffers=buffer, **window):
        before = left.get(event.cpu)
        left[event.cpu] = None
        if (
            event.name == "kernel_stack"
            and before
            and not event.missed_events
            and away.get(event.pid) is before
        ):
            before[1] = stack_of(trace, event)
        if event.name != "sched_switch":
            continue
        back = away.pop(event["next_pid"], None)
        if back and losses.reach(buffer, None, back[0], event.ts):
            lost += 1
        elif back:
            weights[back[1]] += event.ts - back[0]
        pid = event["prev_pid"]
        if pid:
            lost += pid in away
            away[pid] = left[event.cpu] = [event.ts, (f"{trace.comm(pid)}-{pid}",)]
    return {stack: weight for stack, weight in weights.items() if weight}, lost + len(away)
