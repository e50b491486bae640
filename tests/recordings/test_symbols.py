"""Columns of symbols of every recording, beside single look-ups and the text of reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from . import corpus

pytest.importorskip("pyarrow")

GIVES_UP = {"v6-latency.dat", "v7-latency.dat", "v7-hwlat.dat", "v7-head-only.dat"}
READABLE = [path for path in corpus.ALL if path.name not in GIVES_UP]


def name_of(trace: tracecmd.Trace, address: Any) -> Any:
    if address is None:
        return None
    if isinstance(address, list):
        return [name_of(trace, each) for each in address]
    symbol = trace.symbol(address % (1 << 64))
    return symbol and symbol.name


@pytest.mark.parametrize("path", READABLE, ids=corpus.name_of)
def test_names_are_those_of_single_look_ups(path: Path) -> None:
    with tracecmd.open(path) as trace:
        for event in trace.stat().events:
            form = trace.events.get(event)
            if form is None or not form.symbol_fields:
                continue
            table = trace.table(event, symbols=True).to_arrow()
            for field in form.symbol_fields:
                names = {str(a): name_of(trace, a) for a in table[field].to_pylist()}
                expected = [names[str(a)] for a in table[field].to_pylist()]
                assert table[f"{field}_symbol"].to_pylist() == expected


@pytest.mark.parametrize("path", READABLE, ids=corpus.name_of)
def test_names_are_those_of_reports(path: Path) -> None:
    """Of stacks, functions and what has one %ps or %pS alone."""
    with tracecmd.open(path) as trace:
        counted = trace.stat().events
        for event in ("ftrace:kernel_stack", "ftrace:function", "timer:hrtimer_expire_entry"):
            if event not in counted or event not in trace.events:
                continue
            field = "caller" if "stack" in event else "ip" if "ftrace" in event else "function"
            names = trace.table(event, symbols=True).to_arrow()[f"{field}_symbol"].to_pylist()
            for record, name in zip(trace.iter(event), names, strict=True):
                text = record.text().lstrip().removeprefix(f"{record.buffer}: ")
                if isinstance(name, list):
                    shown = re.findall(r"^=> ([^\s+]+) \(", text, re.MULTILINE)
                    assert shown == [each for each in name if each is not None]
                else:
                    found = re.search(r"function=([^\s/]+)", text)
                    assert (found[1] if found else text.split()[0]) == (
                        name or f"0x{record[field]:x}"
                    )
