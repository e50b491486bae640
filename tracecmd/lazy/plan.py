"""The times that a query is about, from what DuckDB says it is going to do.

DuckDB does not hand times in ns on to what it reads from, but applies them itself, right behind
it; its plan shows them there. All that a query reads is of the same recordings: so if each of its
scans has such bounds, nothing outside of all of them is needed.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["EVER", "Bounds", "scan_bounds"]

_TIME = (
    r"'([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?'::TIMESTAMP_NS"
)
_COMPARED = re.compile(rf"\(ts (=|>=|>|<=|<) {_TIME}\)")
_BETWEEN = re.compile(rf"\(ts BETWEEN {_TIME} AND {_TIME}\)")
_PLAIN = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)  # cannot be taken for something else
_EPOCH = datetime.datetime(1970, 1, 1)

Bounds = tuple[int, int]
"""Times in ns, ``first <= ts < end``."""
EVER: Bounds = (0, 1 << 64)


def scan_bounds(plan: str) -> list[Bounds]:
    """The times that each scan of a plan is about; :data:`EVER` where it may need any.

    Args:
        plan: what ``EXPLAIN (FORMAT json)`` gives.
    """
    bounds = []
    for scan, above in _scans(json.loads(plan), []):
        own = EVER
        names = _listed(scan, "Projections")
        if "ts" in names and all(_PLAIN.fullmatch(name) for name in names):
            for text in above:
                own = _both(own, _filter_bounds(text))
        bounds.append(own)
    return bounds


def _scans(nodes: Any, filters: list[str]) -> Iterator[tuple[Any, list[str]]]:
    """The scans of Arrow data, each with the filters right behind it."""
    for node in nodes:
        name, children = node["name"].strip(), node["children"]
        if name.endswith("ARROW_SCAN"):
            yield node, filters
        behind = _listed(node, "Expression") if name == "FILTER" else []
        yield from _scans(children, behind)


def _listed(node: Any, key: str) -> list[str]:
    value = node.get("extra_info", {}).get(key, [])
    return value if isinstance(value, list) else [value]


def _both(one: Bounds, other: Bounds) -> Bounds:
    return max(one[0], other[0]), min(one[1], other[1])


def _filter_bounds(text: str) -> Bounds:
    """What of a filter bounds ``ts``."""
    bounds = EVER
    pending = [text]
    while pending:
        part = pending.pop()
        if compared := _COMPARED.fullmatch(part):
            how, ts = compared[1], _nanoseconds(compared[2], compared[3])
            first = ts + (how == ">") if how in ("=", ">", ">=") else EVER[0]
            end = ts + (how != "<") if how in ("=", "<", "<=") else EVER[1]
            bounds = _both(bounds, (first, end))
        elif between := _BETWEEN.fullmatch(part):
            first = _nanoseconds(between[1], between[2])
            bounds = _both(bounds, (first, _nanoseconds(between[3], between[4]) + 1))
        else:
            pending += _conjuncts(part)
    return bounds


def _nanoseconds(text: str, decimals: str | None) -> int:
    seconds = datetime.datetime.fromisoformat(text) - _EPOCH
    return (seconds.days * 86400 + seconds.seconds) * 10**9 + int((decimals or "").ljust(9, "0"))


def _conjuncts(text: str) -> list[str]:
    """What ``(a AND b)`` says; nothing if it is something else."""
    depth, first, quoted = 0, 1, ""
    parts = []
    if not text.startswith("("):
        return []
    for place, letter in enumerate(text):
        if letter in "'\"":
            quoted = letter if not quoted else "" if quoted == letter else quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if not depth and place < len(text) - 1:
                return []
        elif depth == 1 and letter == " ":
            if text.startswith((" OR ", " BETWEEN "), place):
                return []
            if text.startswith(" AND ", place):
                parts.append(text[first:place])
                first = place + len(" AND ")
    return [*parts, text[first:-1]] if parts else []
