"""What libtraceevent's own tests check of reading: formats, fields and texts, on our side.

Each case checks four things: that the format is read, that its event has the field, the field's
value (with -R as the library shows it), and the event's text.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd
from tracecmd.report import ReportOptions

from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, Values

ORDERS = pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
IRQ_TEXT = '"irq=%d handler=%s", REC->irq, __get_str(name)'
IRQ = EventFormat(
    "irq", "irq_handler_entry", 1001,
    (Field("int irq", 4, signed=True), Field("__data_loc char[] name", 4, signed=True)), IRQ_TEXT,
)  # fmt: skip
MASK = EventFormat(
    "ipi", "ipi_send_cpumask", 1003, (Field("__data_loc cpumask_t *[] cpumask", 4),),
    '"cpumask=%s", __get_cpumask(cpumask)',
)  # fmt: skip
WORDS = {"int": 4, "unsigned": 4, "unsigned int": 4, "long": 0, "unsigned long": 0, "long long": 8,
         "unsigned long long": 8}  # fmt: skip
FIELDS = {"s4": 4, "u4": 4, "s8": 8, "u8": 8}
SIZES = EventFormat(
    "made", "sizes", 1023,
    (Field("int s4", 4, signed=True), Field("unsigned int u4", 4),
     Field("long long s8", 8, signed=True), Field("unsigned long long u8", 8)),
    '"' + " ".join(f"{name}=%d" for name in (*WORDS, *FIELDS)) + '", '
    + ", ".join(f"sizeof({name})" for name in (*WORDS, *(f"REC->{name}" for name in FIELDS))),
)  # fmt: skip


def write_event(
    write: Write, form: EventFormat, values: Values | bytes, big_endian: bool, long_size: int = 8
) -> Path:
    pages = [Page(1, [Event(0, values)])]
    return write(
        Trace(big_endian=big_endian, long_size=long_size, events=(form,),
              buffers=[Buffer(cpus={0: pages})])
    )  # fmt: skip


def text_of(path: Path, options: ReportOptions | None = None) -> str:
    """What a report has after the event's name."""
    with tracecmd.open(path) as trace:
        line = list(trace.report(options=options))[-1].decode()
        assert not trace.problems
    return line.rstrip("\n").partition(": ")[2].partition(":")[2].strip()


@ORDERS
def test_text_of_any_length(write: Write, big_endian: bool) -> None:
    path = write_event(write, IRQ, IRQ.values(irq=0, name="hello"), big_endian)
    with tracecmd.open(path) as trace:
        (event,) = trace
        assert "name" in trace.events["irq_handler_entry"].fields
        assert (event["irq"], event["name"]) == (0, "hello")
    assert text_of(path) == "irq=0 handler=hello"
    assert text_of(path, ReportOptions(raw=True)) == "irq=0 name=hello"


OLD = EventFormat(
    "irq", "irq_handler_entry", 1002,
    (Field("int irq", 4, signed=True), Field("__data_loc name", 2)), IRQ_TEXT,
)  # fmt: skip


@ORDERS
def test_text_of_any_length_as_in_2009(write: Write, big_endian: bool) -> None:
    """Its place has two bytes, and it is of no type; it ends with its NUL."""
    machine = Machine(big_endian, 8)
    head = OLD.values(irq=0).encode(machine)[:12]
    path = write_event(write, OLD, head + machine.pack(2, 16) + b"\0\0hello\0\0\0", big_endian)
    with tracecmd.open(path) as trace:
        (event,) = trace
        assert "name" in trace.events["irq_handler_entry"].fields
        assert event["name"] == "hello"
    assert text_of(path) == "irq=0 handler=hello"
    assert text_of(path, ReportOptions(raw=True)) == "irq=0 name=hello"


MASKS = {
    "full": (b"\xff" * 8, "0-63"),
    "empty": (bytes(8), ""),
    "half": (b"\x55" * 8, ",".join(str(cpu) for cpu in range(0, 64, 2))),
    "two-bytes": (b"\x01\x80" + bytes(6), "0,15"),
    "three-bytes": (b"\x01\0\x80" + bytes(5), "0,23"),
    "all-bytes": (b"\x01" + bytes(6) + b"\x80", "0,63"),
}


@ORDERS
@pytest.mark.parametrize("name", MASKS)
def test_cpumasks(write: Write, name: str, big_endian: bool) -> None:
    """Of one machine word, in the machine's byte order."""
    little, shown = MASKS[name]
    data = little[::-1] if big_endian else little
    path = write_event(write, MASK, MASK.values(cpumask=data), big_endian)
    number = int.from_bytes(little, "little")
    with tracecmd.open(path) as trace:
        (event,) = trace
        assert "cpumask" in trace.events["ipi_send_cpumask"].fields
        assert event["cpumask"] == [cpu for cpu in range(64) if number >> cpu & 1]
    assert text_of(path) == f"cpumask={shown}".strip()
    raw = ", ".join(f"{byte:02x}" for byte in data)
    assert text_of(path, ReportOptions(raw=True)) == f"cpumask=ARRAY[{raw}]"


@ORDERS
@pytest.mark.parametrize("long_size", [4, 8])
def test_sizes(write: Write, long_size: int, big_endian: bool) -> None:
    """sizeof() of types and of fields; only long is of the kernel's size."""
    path = write_event(write, SIZES, SIZES.values(), big_endian, long_size)
    with tracecmd.open(path) as trace:
        fields = trace.events["sizes"].fields
        assert {name: fields[name].size for name in FIELDS} == FIELDS
    shown = [f"{name}={size or long_size}" for name, size in {**WORDS, **FIELDS}.items()]
    assert text_of(path) == " ".join(shown)
