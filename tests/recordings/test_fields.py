"""Every field of every record: the event's, the table's, and what report -R shows of it."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import _lowlevel
from tracecmd._reading.event_texts import report_file

from . import corpus

pytest.importorskip("pyarrow")

LATENCY = {"v6-latency.dat", "v7-latency.dat", "v7-hwlat.dat"}  # texts of tracers, no records
_FIELD = os.environ.get("TRACECMD_FIELD")  # one more folder with recordings
PATHS = [path for path in corpus.SHORT if path.name not in LATENCY]
PATHS += sorted(Path(_FIELD).rglob("*.dat")) if _FIELD else []

OWN = ("ts", "cpu", "common_pid", "common_comm", "common_flags", "common_preempt_count", "event",
       "system", "buffer", "peer", "missed_events")  # fmt: skip


def as_in_table(value: Any) -> Any:
    """Arrow's texts are UTF-8, events' keep bytes that are not."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")
    return value


@pytest.mark.parametrize("path", PATHS, ids=corpus.name_of)
def test_events_are_as_tables(path: Path) -> None:
    with tracecmd.open(path) as trace:
        for name in trace.stat().events:
            if name not in trace.events:
                continue
            format = trace.events[name]
            fields = [f"{format.name}.{f}" if f in OWN else f for f in format.fields]
            common = [f.name for f in format.common_fields if f.name not in OWN]
            columns = [*OWN, *common, *fields]
            table = trace.table(name, columns=columns, ts="uint64")
            rows = [row for batch in table.batches() for row in batch.to_arrow().to_pylist()]
            events = list(trace.iter(name))
            assert len(rows) == len(events) > 0
            for column in columns:
                if column in OWN and column in format.fields:  # of two meanings: it has to be said
                    with pytest.raises(KeyError, match=f"{format.name}.{column}"):
                        events[0][column]
                    attribute = {"event": "name"}.get(column, column)
                    got = [getattr(event, attribute) for event in events]
                else:
                    got = [as_in_table(event[column]) for event in events]
                assert got == [row[column] for row in rows], (name, column)


WAKEUPS = ["sched_wakeup", "sched_wakeup_new"]


@pytest.mark.parametrize("path", PATHS, ids=corpus.name_of)
def test_the_wakee(path: Path) -> None:
    """pid of a table of several events is each event's own, and not the waker."""
    with tracecmd.open(path) as trace:
        if not all(f"sched:{name}" in trace.events for name in WAKEUPS):
            pytest.skip("without the events")
        rows = trace.table(WAKEUPS).to_arrow().to_pylist()
        events = list(trace.iter(WAKEUPS))
        assert [row["pid"] for row in rows] == [event["pid"] for event in events]
        assert [row["common_pid"] for row in rows] == [event.pid for event in events]


# Texts ---------------------------------------------------------------------------------------


def numbers(text: str, width: int) -> set[int]:
    """What a number in a text may stand for; an address comes in brackets after its symbol."""
    if text == "(nil)":
        return {0}
    symbol = re.fullmatch(r".*\((0x[0-9a-f]+)\)", text)
    found = set()
    for base in (10, 16, 8):
        try:
            found.add(int(symbol[1] if symbol else text, base) & (1 << 8 * width) - 1)
        except ValueError:
            continue
    return found


def shown_bytes(text: str) -> bytes | None:
    inside = re.fullmatch(r"ARRAY\[([0-9a-f, ]*)\]", text)
    return bytes.fromhex(inside[1].replace(", ", "")) if inside else None


def bits_of(data: bytes, order: str, long_size: int) -> list[int]:
    words = [data[i : i + long_size] for i in range(0, len(data), long_size)]
    return [
        8 * long_size * place + bit
        for place, word in enumerate(words)
        for bit in range(8 * len(word))
        if int.from_bytes(word, order) >> bit & 1  # type: ignore[arg-type]
    ]


def agrees(field: tracecmd.Field, value: Any, text: str, order: Any, long_size: int) -> bool | None:
    """Whether a text can be of a value; None: it does not tell."""
    data = shown_bytes(text)
    if isinstance(value, int):  # a name where the print fmt has one
        found = numbers(text, field.size)
        return value & (1 << 8 * field.size) - 1 in found if found else None
    if not field.is_array and isinstance(value, bytes):
        return None  # "u32 buf" of old kernels' bprint, which is no u32
    if data is None and isinstance(value, str | bytes):
        # As text, up to a NUL, be it after the field, and without the newline that ends a line.
        own = value if isinstance(value, bytes) else value.encode(errors="surrogateescape")
        shown_text = text.encode(errors="surrogateescape")
        return shown_text.startswith(own.split(b"\0")[0].removesuffix(b"\n"))
    if data is None or not field.size:
        return None  # libtraceevent looks at nothing of no size
    if isinstance(value, str):  # not printable
        return data.split(b"\0")[0] == value.encode(errors="surrogateescape")
    if isinstance(value, bytes):
        return data == value
    if field.is_dynamic and data and bits_of(data, order, long_size) == value:
        return True
    width = field.element_size or (len(data) // len(value) if value else 1)
    mask = (1 << 8 * width) - 1
    shown = [int.from_bytes(data[i : i + width], order) for i in range(0, len(data), width)]
    count = min(len(shown), len(value))  # stacks go on beyond their format, or end before
    whole = field.name == "caller" or len(shown) == len(value)
    return whole and shown[:count] == [v & mask for v in value[:count]]


@pytest.mark.parametrize("path", PATHS, ids=corpus.name_of)
def test_texts_show_the_same(path: Path) -> None:
    with tracecmd.open(path) as trace:
        reader = trace._reader
        flags = _lowlevel.REPORT_FLAGS["event_text"] | _lowlevel.REPORT_FLAGS["raw"]
        streams = [(0, stream.buffer, stream.cpu) for stream in reader.streams]
        report = _lowlevel.Report([report_file(reader)], streams, flags)
        long_size = reader.metadata.kernel_long_size() or 8
        told: Counter[bool | None] = Counter()
        for event in trace:
            format = event.format
            if format is None or not format.fields or format.fields_failed:
                continue
            stream = event._batch.stream_of(event._index)
            line = report.record(event.raw, stream, event.ts, 0).decode(errors="surrogateescape")
            line = re.sub(r"^(?: {3,5}|\S+: )(?= )", "", line)  # the instance
            names = "".join(f" {re.escape(name)}=(.*?)" for name in format.fields)
            shown = re.fullmatch(names + r"\n?", line, re.DOTALL)
            assert shown, line
            fields = format.fields.values()
            for field, text, value in zip(
                fields, shown.groups(), event.fields.values(), strict=True
            ):
                if value is None:  # not in the record: libtraceevent shows 0, or nothing
                    continue
                if field.is_dynamic and field.size == 8 and trace.byteorder == "big":
                    continue  # libtraceevent takes the last four bytes of eight, which are 0
                same = agrees(field, value, text, trace.byteorder, long_size)
                told[same] += 1
                assert same is not False, (format, field, value, text)
        report.close()
        assert told[None] <= 2 * told[True]  # names of functions and formats, arrays of no size
