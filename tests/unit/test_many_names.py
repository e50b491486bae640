"""Formats with more fields, print fmts with more names, than any kernel has: all are found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pytest

import tracecmd
from tracecmd._texts import near_names

from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page

MACHINE = Machine(False, 8)
MANY = 300  # above that fields, arguments and symbols are looked for in sorted lists


def record(event: EventFormat, **values: int) -> Trace:
    page = Page(1000, [Event(0, event.values(**values).encode(MACHINE))])
    return Trace(events=[event], buffers=[Buffer(cpus={0: [page]})])


def many(print_fmt: str, count: int = MANY) -> EventFormat:
    fields = tuple(Field(f"u16 f{i}", 2) for i in range(count))
    return EventFormat("test", "many", 900, fields, print_fmt)


VALUES = {f"f{i}": 1000 + i for i in range(MANY)}


@pytest.mark.parametrize("count", [32, 33, MANY])
def test_every_field_is_found(write: Write, count: int) -> None:
    pytest.importorskip("pyarrow")
    names = [f"f{i}" for i in range(count)]
    values = {name: VALUES[name] for name in names}
    with tracecmd.open(write(record(many('"x"', count), **values))) as trace:
        (event,) = trace.iter()
        assert event.fields == values
        columns = trace.table("many", columns=names[::-1]).to_arrow().to_pylist()
        assert columns == [dict(reversed(values.items()))]
        assert not trace.table("many", where=f"f{count - 1} == 1").to_arrow().to_pylist()
        assert (
            trace.table("many", columns=["f0"], where=f"f{count - 1} == {999 + count}")
            .to_arrow()
            .to_pylist()
        )


def test_first_of_one_name_is_found(write: Write) -> None:
    """Also where the fields are sorted by name."""
    pytest.importorskip("pyarrow")
    fields = [Field(f"u16 f{i}", 2) for i in range(MANY)]
    fields[200:200] = [Field("u16 f100", 2), Field("u16 common_pid", 2)]
    event = EventFormat("test", "many", 900, tuple(fields), '"%d %d", REC->f100, REC->common_pid')
    raw = bytearray(event.values(**VALUES).encode(MACHINE))
    at = 8 + 2 * 200
    raw[at : at + 4] = b"\1\0\2\0"
    page = Page(1000, [Event(0, bytes(raw))])
    with tracecmd.open(write(Trace(events=[event], buffers=[Buffer(cpus={0: [page]})]))) as trace:
        (found,) = trace.iter()
        assert str(found) == "1100 0"
        assert trace.table("many", columns=["f100"]).to_arrow().to_pylist() == [{"f100": 1100}]


def shown(trace: tracecmd.Trace, **options: bool) -> str:
    text = b"".join(bytes(piece) for piece in trace.report(tracecmd.ReportOptions(**options)))
    return text.decode().splitlines()[-1].partition("many:")[2].strip()


def test_every_argument_is_found(write: Write) -> None:
    formats = " ".join(["%x"] * MANY)
    arguments = ", ".join(f"REC->f{i}" for i in range(MANY))
    with tracecmd.open(write(record(many(f'"{formats}", {arguments}'), **VALUES))) as trace:
        assert shown(trace) == " ".join(f"{value:x}" for value in VALUES.values())


@pytest.mark.parametrize("step", [1, -1, 7])
def test_raw_fields_find_their_conversion(write: Write, step: int) -> None:
    """Whatever the order of arguments, with many of them as with few: by turns %x and %d."""

    def text(count: int) -> list[str]:
        order = [i * step % count for i in range(count)]
        formats = " ".join("%x" if i % 2 else "%d" for i in order)
        event = many(f'"{formats} ", {", ".join(f"REC->f{i}" for i in order)}', count)
        with tracecmd.open(write(record(event, **dict(list(VALUES.items())[:count])))) as trace:
            return shown(trace, raw=True).split()

    few, lots = text(60), text(MANY)
    assert lots[: len(few)] == few
    if step == 1:
        assert lots == [f"f{i}={1000 + i:{'x' if i % 2 else 'd'}}" for i in range(MANY)]


def test_every_symbol_is_found(write: Write) -> None:
    """Names in a print fmt stand for addresses; of several of one name the lowest counts."""
    symbols = "".join(f"{0x1000 + i:x} T name{i}\n" for i in range(MANY)) + "999 T name7\n"
    arguments = ", ".join(f"name{i}" for i in reversed(range(MANY)))
    event = EventFormat(
        "test", "many", 900, (Field("u8 a", 1),), f'"{"%lx " * MANY}%lx", {arguments}, nothing'
    )
    trace = record(event)
    path = write(Trace(events=trace.events, buffers=trace.buffers, kallsyms=symbols))
    with tracecmd.open(path) as opened:
        expected = [0x999 if i == 7 else 0x1000 + i for i in reversed(range(MANY))]
        assert shown(opened).split() == [f"{value:x}" for value in [*expected, 0]]


# Suggestions --------------------------------------------------------------------------------


def test_near_names() -> None:
    names = ["sched_switch", "sched_wakeup", "sched_waking", "irq_handler_entry"]
    assert near_names("sched_swich", names)[0] == "sched_switch"
    assert near_names("sched_wakeing", names)[0] == "sched_waking"
    assert near_names("nothing_like_it", names) == []


def test_few_names_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def count(word: str, known: Iterable[str], n: int) -> list[str]:
        known = list(known)
        compared.append(len(word) * sum(map(len, known)))
        return []

    monkeypatch.setattr(difflib, "get_close_matches", count)
    near_names("event_5", [f"event_{i}" for i in range(1_000_000)])
    near_names("e" * 10_000, ["e" * 10_000] * 10_000)
    near_names("e" * 10, ["e" * 10_000] * 10_000)
    assert max(compared) < 2_000_000


def test_asking_makes_no_suggestions(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> list[str]:
        raise AssertionError("nobody sees them")

    monkeypatch.setattr(difflib, "get_close_matches", refuse)
    with tracecmd.open(write(Trace(buffers=[Buffer()]))) as trace:
        assert "no_such" not in trace.events
        assert "sched:no_such" not in trace.events
        assert 5 not in trace.events
        assert trace.events.get("no_such") is None
        assert trace.events.get("no_such", 5) == 5
        assert "tick" in trace.events
        assert trace.events.get("tick") is trace.events["test:tick"]
        assert list(trace.tables()) == []
        list(trace.report(filters=["tick"]))
