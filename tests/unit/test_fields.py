"""Fields of events: one name one meaning, one value on every route, also of odd ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, Values

pa = pytest.importorskip("pyarrow")

MACHINES = [(False, 8), (False, 4), (True, 8), (True, 4)]


def recording(
    write: Write, events: tuple[EventFormat, ...], records: list[Values | bytes], **options: Any
) -> Path:
    pages = [Page(0, [Event(1, record) for record in records])]
    return write(Trace(events=events, buffers=(Buffer(cpus={0: pages}),), **options))


# Names ---------------------------------------------------------------------------------------

WAKEUP_NEW = EventFormat(
    "sched", "sched_wakeup_new", 318, writer.SCHED_WAKEUP.fields, writer.SCHED_WAKEUP.print_fmt
)
QUEUE_WORK = EventFormat(
    "workqueue",
    "queue_work",
    400,
    (Field("unsigned int cpu", 4), Field("int event", 4, signed=True), Field("u8 pid[2]", 2)),
    '"cpu=%u", REC->cpu',
)


@pytest.fixture
def wakeups(write: Write) -> Path:
    """The waker has PID 17, is worker/0:1; 7, 8 and 9 are woken."""
    common: dict[str, Any] = {"pid": 17, "flags": 3, "preempt_count": 2}

    def record(form: EventFormat, pid: int) -> Values:
        made = form.values(**common, comm=f"task{pid}", prio=120)
        return Values(form, {**made.values, "pid": pid})

    return recording(
        write,
        (writer.SCHED_WAKEUP, WAKEUP_NEW, writer.TICK, QUEUE_WORK),
        [
            record(writer.SCHED_WAKEUP, 7),
            record(WAKEUP_NEW, 8),
            writer.TICK.values(**common, n=5),
            Values(QUEUE_WORK, {**QUEUE_WORK.values(**common, cpu=33, event=-3 & 0xFFFFFFFF).values,
                                "pid": b"\x01\x02"}),
            record(writer.SCHED_WAKEUP, 9),
        ],
    )  # fmt: skip


def test_payload_fields_keep_their_names(wakeups: Path) -> None:
    """pid is the wakee in a table of either event and of both, in filters and of an event."""
    both = ["sched_wakeup", "sched_wakeup_new"]
    with tracecmd.open(wakeups) as trace:
        for events, pids in ((both, [7, 8, 9]), (both[0], [7, 9]), (both[1], [8])):
            rows = trace.table(events).to_arrow().to_pylist()
            assert [row["pid"] for row in rows] == pids
            assert [row["comm"] for row in rows] == [f"task{pid}" for pid in pids]
            assert {row["common_pid"] for row in rows} == {17}
            assert {row["common_comm"] for row in rows} == {"worker/0:1"}
            assert [e["pid"] for e in trace.iter(events)] == pids
            assert {e.pid for e in trace.iter(events)} == {17}

        def chosen(where: str, events: Any = None) -> list[int]:
            table = trace.table(events, columns=["ts"], where=where, ts="uint64").to_arrow()
            return table["ts"].to_pylist()  # type: ignore[no-any-return]

        assert chosen("pid == 8") == chosen("pid == 8", both) == [2]
        assert (
            chosen("common_pid == 17") == chosen("common_comm == 'worker/0:1'") == [1, 2, 3, 4, 5]
        )
        assert chosen("comm == 'task9' && common_flags == 3") == [5]
        assert chosen("sched_wakeup.pid > 0") == [1, 5]
        assert chosen("sched_wakeup.pid == 7 || sched_wakeup_new.pid == 8") == [1, 2]


def test_columns_of_several_events(wakeups: Path) -> None:
    with tracecmd.open(wakeups) as trace:
        both = trace.table(["sched_wakeup", "sched_wakeup_new"])
        assert both.column_names == (
            "ts", "cpu", "common_pid", "common_comm", "common_flags", "common_preempt_count",
            "event", "comm", "pid", "prio", "target_cpu",
        )  # fmt: skip
        assert trace.table().column_names == both.column_names[:7]
        names = ["event", "pid", "n", "sched_wakeup.pid", "sched:sched_wakeup_new.pid"]
        events = ["sched_wakeup", "sched_wakeup_new", "tick"]
        rows = [tuple(row.values()) for row in
                trace.table(events, columns=names).to_arrow().to_pylist()]  # fmt: skip
        assert rows == [
            ("sched_wakeup", 7, None, 7, None),
            ("sched_wakeup_new", 8, None, None, 8),
            ("tick", None, 5, None, None),
            ("sched_wakeup", 9, None, 9, None),
        ]
        mixed = ["sched_wakeup", "queue_work"]
        with pytest.raises(
            ValueError, match=r"another type in event .*\.pid is a column of its own"
        ):
            trace.table(mixed, columns=["pid"])
        table = trace.table(mixed, columns=["sched_wakeup.pid", "workqueue/queue_work.pid"])
        assert [tuple(row.values()) for row in table.to_arrow().to_pylist()] == [
            (7, None), (None, b"\x01\x02"), (9, None),
        ]  # fmt: skip
        for name in ("pid", "comm", "flags", "preempt_count"):
            with pytest.raises(tracecmd.UnknownFieldError, match=f"own is 'common_{name}'"):
                trace.table("tick", columns=[name])
        with pytest.raises(KeyError, match=r"no event is named 'pid'$"):
            trace.events["pid"]
        for name in ("common_ts", "tick.m", "sched_wakeup.pid", "other:tick.n"):
            with pytest.raises(tracecmd.UnknownFieldError, match="no column of test:tick"):
                trace.table("tick", columns=[name])


def test_names_of_the_records_own(wakeups: Path) -> None:
    """The same in an event as in a table, whatever the event."""
    own = {
        "cpu": 0, "common_pid": 17, "common_comm": "worker/0:1", "common_flags": 3,
        "common_preempt_count": 2, "buffer": "", "peer": "", "missed_events": 0,
    }  # fmt: skip
    with tracecmd.open(wakeups) as trace:
        event = next(trace.iter("tick"))
        assert {name: event[name] for name in own} == own
        assert (event["ts"], event["event"], event["system"]) == (event.ts, "tick", "test")
        assert (event["n"], event["tick.n"], event["test:tick.n"]) == (5, 5, 5)
        assert (event.flags, event.preempt_count) == (3, 2)
        assert event["common_type"] == writer.TICK.id
        for name, says in (
            ("pid", "own is 'common_pid'"), ("sched_wakeup.pid", "no field"), ("m", "no field"),
        ):  # fmt: skip
            with pytest.raises(KeyError, match=says):
                event[name]


def test_fields_by_a_name_of_the_records_own(wakeups: Path) -> None:
    """Never one for the other: the column is the record's, and where it could be either, none."""
    with tracecmd.open(wakeups) as trace:
        table = trace.table("queue_work")
        assert table.column_names[-3:] == ("queue_work.cpu", "queue_work.event", "pid")
        row = table.to_arrow().to_pylist()[0]
        assert (row["cpu"], row["queue_work.cpu"], row["queue_work.event"]) == (0, 33, -3)
        event = next(trace.iter("queue_work"))
        assert (event.cpu, event["queue_work.cpu"], event.fields["cpu"]) == (0, 33, 33)
        for name in ("cpu", "event"):
            with pytest.raises(KeyError, match=f"ask for 'queue_work.{name}'"):
                event[name]
        columns = ["cpu", "queue_work.cpu"]
        for where in ("cpu == 33", "cpu == 0", "queue_work: cpu == 0"):
            with pytest.raises(tracecmd.FilterError, match="CPU for the record's"):
                trace.table(columns=columns, where=where)
        for where in ("queue_work.cpu == 33", "queue_work: CPU == 0"):
            assert trace.table(columns=columns, where=where).to_arrow().num_rows == 1
        assert trace.table("tick", columns=columns[:1], where="cpu == 0").to_arrow().num_rows == 1
        text = b"".join(trace.report(filters=["queue_work: cpu == 33"]))  # as in trace-cmd
        assert text.count(b"queue_work") == 1


def test_events_without_a_format(write: Write) -> None:
    path = recording(write, (writer.TICK,), [QUEUE_WORK.values(pid=17, flags=1)])
    with tracecmd.open(path) as trace:
        event = next(iter(trace))
        row = trace.table(columns=list(tracecmd.event.RECORD_NAMES), ts="uint64").to_arrow()
        assert row.to_pylist() == [{name: event[name] for name in tracecmd.event.RECORD_NAMES}]
        assert (event["event"], event["system"], event["common_flags"]) == (None, None, 1)
        with pytest.raises(KeyError, match="no format"):
            event["cpus"]


# Values --------------------------------------------------------------------------------------


def both_ways(path: Path, name: str, column: str) -> list[Any]:
    """What event and table have; where they agree."""
    with tracecmd.open(path) as trace:
        table = trace.table(name, columns=[column]).to_arrow()
        table.validate(full=True)
        found: list[Any] = table[column].to_pylist()
        assert [event[column] for event in trace.iter(name)] == found
        assert [event.fields[column] for event in trace.iter(name)] == found
        field, order = trace.events[name].fields[column], trace.byteorder
        assert [field.read(event.raw, order) for event in trace.iter(name)] == found
    return found


@pytest.mark.parametrize(("big_endian", "long_size"), MACHINES)
def test_kernel_stacks_are_whole(write: Write, big_endian: bool, long_size: int) -> None:
    """The format declares 8 addresses, the record has what there were."""
    machine = Machine(big_endian=big_endian, long_size=long_size)
    caller = Field("unsigned long caller[8]", 8 * long_size, align=long_size)
    stack = EventFormat("ftrace", "kernel_stack", 4, (Field("int size", 4), caller), '"x"')
    addresses = list(range(100, 113))
    whole = stack.values().encode(machine)[: -8 * long_size]
    whole += b"".join(machine.pack(long_size, address) for address in addresses)
    pages = [Page(0, [Event(1, whole)])]
    path = write(
        Trace(big_endian=big_endian, long_size=long_size, buffers=(Buffer(cpus={0: pages}),),
              ftrace_events=(*writer.FTRACE_EVENTS, stack))
    )  # fmt: skip
    assert both_ways(path, "kernel_stack", "caller") == [addresses]
    with tracecmd.open(path) as trace:
        event = next(iter(trace))
        event["caller"].append(1)  # type: ignore[union-attr]  # a list of the caller's own
        assert event["caller"] == addresses


@pytest.mark.parametrize(("big_endian", "long_size"), MACHINES)
@pytest.mark.parametrize("size", [2, 4, 8])
def test_dynamic_fields_of_all_sizes(
    write: Write, big_endian: bool, long_size: int, size: int
) -> None:
    """Of 2 bytes as in 2009 there is no length: a text ends at its NUL, others do not tell."""
    fields = (Field("int irq", 4), Field("__data_loc char[] name", size),
              Field("__data_loc u16[] list", size),
              Field("__data_loc char[] last", size))  # fmt: skip
    form = EventFormat("irq", "entry", 150, fields, '"irq=%d name=%s", REC->irq, __get_str(name)')
    machine = Machine(big_endian=big_endian, long_size=long_size)
    numbers = machine.pack(2, 1) + machine.pack(2, 515)
    record = form.values(name="eth0", list=numbers, last="end")
    cut = form.values(name="eth0", list=numbers, last=b"end")
    short = record.encode(machine)[:12]
    path = recording(
        write, (form,), [record, cut, short], big_endian=big_endian, long_size=long_size
    )
    assert both_ways(path, "entry", "name")[:2] == ["eth0", "eth0"]
    assert both_ways(path, "entry", "last")[0] == "end"
    lists = both_ways(path, "entry", "list")
    assert lists == ([None] * 3 if size == 2 else [[1, 515], [1, 515], None])
    with tracecmd.open(path) as trace:
        assert trace.table(columns=["ts"], where="name == 'eth0'").to_arrow().num_rows == 2
        wrong = big_endian and size == 8  # trace-cmd takes the last four bytes
        assert str(next(iter(trace))) == ("irq=0 name=" if wrong else "irq=0 name=eth0")


def test_what_does_not_lie_in_the_record(write: Write) -> None:
    fields = (Field("u32 a", 4), Field("u32 b", 4), Field("char c[16]", 16), Field("u32 d[2]", 8))
    form = EventFormat("zoo", "short", 800, fields, '"x"')
    machine = Machine()
    whole = form.values(a=1, b=2, c="text", d=machine.pack(4, 3) * 2).encode(machine)
    path = recording(write, (form,), [whole, whole[:32], whole[:12]])
    assert both_ways(path, "short", "a") == [1, 1, 1]
    assert both_ways(path, "short", "b") == [2, 2, None]
    assert both_ways(path, "short", "c") == ["text", "text", None]
    assert both_ways(path, "short", "d") == [[3, 3], None, None]


# Declarations that cannot be read ------------------------------------------------------------

ODD = {
    "int (*x)(void)": 8,
    "int (*x)[2]": 8,
    "u8 x[2][3]": 6,
    "__typeof__(int) x": 4,
    "typeof(*(int *)0) x[2][2]": 16,
    "struct { int a; int b; } x": 8,
    "const char *(* const x)(int, char [4])": 8,
    "__data_loc char[][3] x": 12,
    "int x : 3": 4,
}


def odd_format(machine: Machine, declaration: str, size: int) -> EventFormat:
    return EventFormat(
        "t", "odd", 100,
        (Field("u32 first", 4), Field(f"u8 x[{size}]", size), Field("u32 last", 4),
         Field("__data_loc u8[] mask", 4)),
        '"%u %s", REC->last, __get_bitmask(mask)',
    )  # fmt: skip


@pytest.mark.parametrize(("declaration", "size"), ODD.items(), ids=ODD)
@pytest.mark.parametrize("system", ["t", "ftrace"])
def test_unreadable_fields_are_bytes(
    write: Write, declaration: str, size: int, system: str
) -> None:
    """By their offset and size; all others of the event are there as ever."""
    machine = Machine()
    form = odd_format(machine, declaration, size)
    text = form.text(machine).replace(f"u8 x[{size}];", f"{declaration};")
    content = bytes(range(1, size + 1))
    records = [form.values(pid=1, first=1, x=content, last=9, mask=b"\x05")] * 2
    pages = [Page(0, [Event(1, record) for record in records])]
    options: dict[str, Any] = {"extra_formats": {"t": [text]}}
    if system == "ftrace":
        options = {"ftrace_events": (*writer.FTRACE_EVENTS, text)}
    path = write(Trace(events=(), buffers=(Buffer(cpus={0: pages}),), **options))
    assert both_ways(path, "odd", "x") == [content] * 2
    assert both_ways(path, "odd", "first") == [1, 1]
    assert both_ways(path, "odd", "last") == [9, 9]
    assert both_ways(path, "odd", "mask") == [[0, 2]] * 2
    with tracecmd.open(path) as trace:
        event = trace.events["odd"]
        assert event.fields_failed
        assert [event.fields[name].is_opaque for name in event.fields] == [
            False,
            True,
            False,
            False,
        ]
        assert event.fields["x"].type == declaration
        assert event.print_fmt == form.print_fmt
        assert "cannot be read" in str(trace.problems[0])
        assert str(pa.schema(trace.table("odd")).field("x").type) == f"fixed_size_binary[{size}]"
        assert trace.table("odd", where="last == 9").to_arrow().num_rows == 2
        with pytest.raises(tracecmd.UnknownFieldError):
            trace.table("odd", where="x == 1")
        # As trace-cmd report, which knows the fields before it.
        plain, raw = (b"".join(trace.report(tracecmd.ReportOptions(raw=r))) for r in (False, True))
        assert plain.splitlines()[1].endswith(b"odd:                  [FAILED TO PARSE] first=1")
        assert raw.splitlines()[1].endswith(b"odd:                   first=1")


def test_lines_that_tell_no_place(write: Write) -> None:
    """They are missing, and nothing else is."""
    machine = Machine()
    form = odd_format(machine, "u8 x[4]", 4)
    lost = ("\tfield:u8 x[2][2];\n", "\tfield:u8 x[4];\toffset:q;\tsize:4;\tsigned:0;\n",
            "\tfield:(;\toffset:12;\tsize:4;\tsigned:0;\n")  # fmt: skip
    line = next(line for line in form.text(machine).splitlines(keepends=True) if " x[" in line)
    for text in (form.text(machine).replace(line, odd) for odd in lost):
        records = [Event(1, form.values(first=1, last=9))]
        path = write(
            Trace(events=(), extra_formats={"t": [text]},
                  buffers=(Buffer(cpus={0: [Page(0, records)]}),))
        )  # fmt: skip
        with tracecmd.open(path) as trace:
            assert [*trace.events["odd"].fields] == ["first", "last", "mask"]
            assert trace.events["odd"].fields_failed
        assert both_ways(path, "odd", "last") == [9]


def test_unreadable_common_fields(write: Write) -> None:
    """The places of the others are known even so."""
    machine = Machine()
    text = writer.TICK.text(machine).replace(
        "unsigned char common_flags;", "u8 (*common_flags)[1];"
    )
    records = [Event(1, writer.TICK.values(pid=17, flags=3, n=5))]
    path = write(
        Trace(events=(), ftrace_events=(), extra_formats={"test": [text]},
              buffers=(Buffer(cpus={0: [Page(0, records)]}),))
    )  # fmt: skip
    with tracecmd.open(path) as trace:
        event = next(iter(trace))
        assert (event.name, event.pid, event["n"]) == ("tick", 17, 5)
        assert event["common_flags"] is None
        row = trace.table("tick").to_arrow().to_pylist()[0]
        assert (row["common_pid"], row["common_flags"], row["n"]) == (17, None, 5)


def test_fields_asked_for_before_stay(wakeups: Path) -> None:
    with tracecmd.open(wakeups) as trace:
        events = list(trace.iter("sched_wakeup"))
        assert events[0]["pid"] == 7
    assert [event["pid"] for event in events] == [7, 9]
    with pytest.raises(tracecmd.ClosedError):
        events[0]["prio"]


def test_what_declarations_say(write: Write) -> None:
    """Each of a field's properties, by one field that has it and others that do not."""
    form = EventFormat(
        "made", "kinds", 900,
        (Field("int number", 4, signed=True), Field("char text[8]", 8), Field("u32 list[2]", 8),
         Field("void * where", 8), Field("__data_loc char[] name", 4)), '"x"',
    )  # fmt: skip
    with tracecmd.open(write(Trace(events=(form,)))) as trace:
        fields = trace.events["kinds"].fields

        def those(of: str) -> set[str]:
            own = ("number", "text", "list", "where", "name")
            return {name for name in own if getattr(fields[name], of)}

        assert those("is_signed") == {"number"}
        assert those("is_array") == {"text", "list", "name"}
        assert those("is_string") == {"text", "name"}
        assert those("is_pointer") == {"where"}
        assert those("is_dynamic") == {"name"}
        assert those("is_opaque") == set()
