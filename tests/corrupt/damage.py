"""The damaged files: which bytes are changed how, and which answers that may change.

Every case follows from the name of a base, a kind and a number, so that a failure can be had again:

    python -m tests.corrupt.worker BASE KIND FIRST LAST
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from ..writer import File, Mark
from .bases import base

EVERYTHING = frozenset({"everything"})
RANDOM_CUTS = 500


class Case(NamedTuple):
    """A damaged file; ``changed`` is where (a cut has changed all that is missing)."""

    data: bytes
    what: str
    may_change: frozenset[str]


def places(file: File) -> list[int]:
    """Every offset at which something begins or ends."""
    ends = {mark.offset for mark in file.marks} | {mark.end for mark in file.marks}
    return sorted(ends - {len(file.data)})


@cache
def cut_places(name: str) -> Sequence[int]:
    file = base(name)
    rng = random.Random(f"cuts of {name}")
    return places(file) + [rng.randrange(len(file.data)) for _ in range(RANDOM_CUTS)]


def cut(name: str, number: int) -> Case:
    at = cut_places(name)[number]
    return Case(base(name).cut(at), f"cut at {at:#x}", EVERYTHING)


def flip(name: str, number: int) -> Case:
    """Mostly a number overwritten with one that hurts; else bits flipped anywhere."""
    file = base(name)
    rng = random.Random(f"flip {number} of {name}")
    if rng.random() < 0.6:
        mark = rng.choice(numbers(name))
        value = rng.choice([0, 1, -1, -2, 1 << (8 * mark.size - 1), file.read(mark.name) + 1,
                            file.read(mark.name) - 1, len(file.data), rng.getrandbits(64),
                            rng.randrange(len(file.data))])  # fmt: skip
        data = file.change(mark.name, value)
        return Case(data, f"{mark.name} = {value:#x}", may_change(name, mark.offset))
    at = interesting(rng, file)
    data = file.replace(at, bytes([file.data[at] ^ 1 << rng.randrange(8)]))
    return Case(data, f"bit flipped at {at:#x}", may_change(name, at))


def interesting(rng: random.Random, file: File) -> int:
    """Any byte, but rarely one of the many that are nothing but padding of pages."""
    mark = rng.choice([mark for mark in file.marks if mark.kind != "structure" and mark.size])
    if rng.random() < 0.1:
        return rng.randrange(len(file.data))
    return rng.randrange(mark.offset, mark.end)


@cache
def numbers(name: str) -> list[Mark]:
    return [mark for mark in base(name).marks if mark.kind == "number"]


# Which answers come from where. What is not listed can change nothing but itself and `options`.
OPTION_FACTS = {
    "TRACECLOCK": {"trace_clock", "clock"},
    "UNAME": {"uname"},
    "VERSION": {"recorder"},
    "TRACEID": {"trace_id"},
    "CPUSTAT": {"cpu_stats"},
    "HOOK": {"hooks"},
    "PROCMAPS": {"proc_maps"},
    "GUEST": {"guests"},
    "TIME_SHIFT": {"time_shift", "records"},
    "TSC2NSEC": {"tsc2nsec", "records"},
    "DATE": {"date_offset", "records"},
    "OFFSET": {"ts_offset", "records"},
    "CPUCOUNT": {"cpus", "records"},
    "BUFFER": {"buffers", "clock", "cpus", "records"},
    "BUFFER_TEXT": {"buffers", "clock", "records"},
    "HEADER_INFO": {"header_page", "header_event", "records"},
    "FTRACE_EVENTS": {"event_formats", "records"},
    "EVENT_FORMATS": {"event_formats", "records"},
    "KALLSYMS": {"kallsyms"},
    "PRINTK": {"printk_formats"},
    "CMDLINES": {"saved_cmdlines", "records"},
    "BTF_FILE": {"btf"},
    "LAST_BOOT_INFO": {"last_boot"},
    "MODULES_FILE": {"modules"},
}
PART_FACTS = {
    "headers": {"header_page", "header_event", "records"},
    "ftrace events": {"event_formats", "records"},
    "event formats": {"event_formats", "records"},
    "kallsyms": {"kallsyms"},
    "printk": {"printk_formats"},
    "cmdlines": {"saved_cmdlines", "records"},
}


@cache
def leaves(name: str) -> list[Mark]:
    return [mark for mark in base(name).marks if mark.kind != "structure" and mark.size]


def may_change(name: str, offset: int) -> frozenset[str]:
    """The answers that a change of the byte at offset may change."""
    found = [mark for mark in leaves(name) if mark.offset <= offset < mark.end]
    if not found:
        return frozenset()  # padding
    path = found[0].name
    last = re.sub(r"\[\d+\]$", "", path.split("/")[-1])
    if option := re.search(r"option (\w+)[^/]*/", path):
        if last in ("id", "size") or option[1] not in OPTION_FACTS:
            return EVERYTHING if option[1] == "DONE" or last != "payload" else options_only()
        return frozenset(OPTION_FACTS[option[1]]) | options_only()
    if re.search(r"/CPU \d+/|/chunk", path) or path.endswith("/chunks"):
        return frozenset({"records"})  # page data, and how it is packed
    if section := re.match(r"section ([A-Z_]+)(\[\d+\])?/", path):
        return frozenset(OPTION_FACTS[section[1]]) | ({"problems"})
    if last == "description" or re.match(r"section strings/(texts|stream)", path):
        return frozenset()
    part = path.split("/")[0]
    if part in PART_FACTS and last == "text":
        return frozenset(PART_FACTS[part])
    if last == "text" and "latency" in path:
        return frozenset()
    return EVERYTHING


def options_only() -> frozenset[str]:
    return frozenset({"options", "problems"})
