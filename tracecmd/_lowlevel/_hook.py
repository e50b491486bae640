"""struct trc_hook: a pair of events to be joined."""

from __future__ import annotations

from typing import Any

from ._base import decode, ffi, lib

_Side = tuple[str, str, str]  # system, "" for any, event, field
HookParts = tuple[_Side, _Side, str, int]  # start, end, field of the pid, flags


def hook_parts(hook: Any) -> HookParts:
    """A struct trc_hook as plain values."""

    def side(s: Any) -> _Side:
        return (
            decode(s.system, s.system_size),
            decode(s.event, s.event_size),
            decode(s.field, s.field_size),
        )

    return side(hook.start), side(hook.end), decode(hook.pid_field, hook.pid_field_size), hook.flags


def parse_hook(text: str) -> HookParts:
    """trc_hook_parse().

    Raises:
        ValueError: it does not have the form of a hook.
    """
    raw = text.encode(errors="surrogateescape")
    held = ffi.from_buffer("char[]", raw)
    out = ffi.new("struct trc_hook *")
    if lib.trc_hook_parse(held, len(raw), out, ffi.NULL):
        raise ValueError(
            f"{text!r} is not a hook: [SYSTEM:]EVENT,FIELD[,PID]/[SYSTEM:]EVENT,FIELD[,FLAGS]"
        )
    return hook_parts(out)
