"""Spans between two events, from single events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tracecmd

from .loss_oracle import gaps

Key = str | tuple[str, str]


class Span(NamedTuple):
    start: int | None
    end: int | None
    inner: int | None
    """The duration without what is inside."""
    cpu: int
    pid: int
    fields: tuple[Any, ...]
    lost: bool
    buffer: str


@dataclass
class _Open:
    start: int
    cpu: int
    pid: int
    key: tuple[Any, ...]
    fields: list[Any]
    inside: list[tuple[int, int]] = field(default_factory=list)


def _key(event: tracecmd.Event, names: Sequence[Key], side: int) -> tuple[Any, ...]:
    own = {"cpu": event.cpu, "pid": event.pid}
    return tuple(
        own[name] if isinstance(name, str) and name in own
        else event[name if isinstance(name, str) else name[side]]
        for name in names
    )  # fmt: skip


def _length(pieces: list[tuple[int, int]]) -> int:
    """Of a union."""
    total, covered = 0, 0
    for begin, end in pieces:
        total += max(0, end - max(begin, covered))
        covered = max(covered, end)
    return total


def spans(
    trace: tracecmd.Trace,
    events: tuple[str, str],
    key: Sequence[Key],
    fields: Sequence[tuple[int, str]] = (),
    start: int | None = None,
    end: int | None = None,
) -> list[Span]:
    """All of them; fields with the side each is of."""
    losses = gaps(trace)
    scoped = [place for place, name in enumerate(key) if name in ("cpu", "pid")]
    shown = [place for place in range(len(key)) if place not in scoped]
    stacks: dict[Any, list[_Open]] = {}
    found: list[Span] = []
    first, last = trace.events[events[0]], trace.events[events[1]]

    def lost(buffer: str, cpu: int, since: int | None, till: int | None) -> bool:
        """Whether a loss that counts reaches into what lies between two records."""
        return any(
            gap.buffer == buffer
            and ("cpu" not in key or gap.cpu == cpu)
            and (start is None or gap.end >= start)
            and (end is None or gap.begin is None or gap.begin < end)
            and (since is None or gap.end > since)
            and (till is None or gap.begin is None or gap.begin < till or gap.end <= till)
            for gap in losses
        )

    for event in trace.iter([str(first), str(last)], start=start, end=end):
        begins = event.id == first.id
        value = _key(event, key, 0 if begins else 1)
        scope = event.buffer, tuple(value[i] for i in scoped) if scoped else value
        stack = stacks.setdefault(scope, [])
        own = [event[name] if side == (0 if begins else 1) else None for side, name in fields]
        if begins:
            stack.append(_Open(event.ts, event.cpu, event.pid, value, own))
            continue
        place = next((i for i in reversed(range(len(stack))) if stack[i].key == value), None)
        if place is None:
            flag = lost(event.buffer, event.cpu, None, event.ts)
            fields_shown = (*(value[i] for i in shown), *own)
            found.append(Span(None, event.ts, None, event.cpu, event.pid, fields_shown, flag,
                              event.buffer))  # fmt: skip
            continue
        span = stack.pop(place)
        if place:
            stack[place - 1].inside.append((span.start, event.ts))
        both = [
            mine if side == 0 else its
            for (side, _), mine, its in zip(fields, span.fields, own, strict=True)
        ]
        flag = lost(event.buffer, span.cpu, span.start, event.ts)
        inner = event.ts - span.start - _length(span.inside)
        found.append(Span(span.start, event.ts, inner, span.cpu, span.pid,
                          (*(value[i] for i in shown), *both), flag, event.buffer))  # fmt: skip
    for (buffer, _), stack in stacks.items():
        for span in stack:
            flag = lost(buffer, span.cpu, span.start, None)
            fields_shown = (*(span.key[i] for i in shown), *span.fields)
            found.append(Span(span.start, None, None, span.cpu, span.pid, fields_shown, flag,
                              buffer))  # fmt: skip
    return found
