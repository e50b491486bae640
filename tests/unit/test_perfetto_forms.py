"""In which form a record is written for Perfetto: compact, typed or generic."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import tracecmd
from tracecmd.export import perfetto

from ..conftest import Trace, Write
from ..writer import (
    FTRACE_EVENTS,
    SCHED_SWITCH,
    TICK,
    Buffer,
    Event,
    EventFormat,
    Field,
    Machine,
    Page,
    Values,
    fill_pages,
)
from .perfetto_traces import COMPACT, GENERIC, TYPED, Record, parse, records_of
from .test_print_fmt import BPRINT

INT = ("pid_t pid", "int prio", "int target_cpu")
WAKING = EventFormat(
    "sched",
    "sched_waking",
    950,
    (Field("char comm[16]", 16), *(Field(each, 4, signed=True) for each in INT)),
    '"comm=%s", REC->comm',
)


def switch(prev: int, after: int, **more: Any) -> Values:
    names = {"prev_comm": f"t{prev}".encode(), "next_comm": f"t{after}".encode()}
    return SCHED_SWITCH.values(
        **{"pid": prev, "prev_pid": prev, "next_pid": after, "prev_prio": 9, "next_prio": 9}
        | names
        | more
    )


def waking(by: int, pid: int, target_cpu: int = 1) -> Values:
    common = WAKING.values(pid=by, flags=1, comm=b"w", prio=5, target_cpu=target_cpu)
    return Values(WAKING, {**common.values, "pid": pid})


def written(
    write: Write, tmp_path: Path, *records: tuple[int, Values], cpu: int = 0, **shape: Any
) -> list[Record]:
    """What the records of a CPU become."""
    pages = list(fill_pages(list(records), Machine()))
    out = tmp_path / "out.pftrace"
    shape.setdefault("events", [WAKING, SCHED_SWITCH, TICK])
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={cpu: pages})], **shape))) as trace:
        assert perfetto.write(trace, out) == len(records)
    (found,) = records_of(parse(out)).values()
    return found


def tick() -> Values:
    return TICK.values(pid=1)


def forms(rows: list[Record]) -> list[tuple[int, str]]:
    return [(row.ts, row.form) for row in rows]


def test_what_follows_is_compact(write: Write, tmp_path: Path) -> None:
    """The first says what runs; of the last it is not known what comes after it."""
    rows = written(
        write,
        tmp_path,
        (10, switch(1, 2)),
        (20, switch(2, 3)),
        (30, switch(3, 1)),
        (40, switch(1, 2)),
    )
    assert forms(rows) == [(10, TYPED), (20, COMPACT), (30, COMPACT), (40, TYPED)]
    assert [row.fields["prev_pid"] for row in rows] == [1, 2, 3, 1]


def test_switches_that_do_not_follow_are_whole(write: Write, tmp_path: Path) -> None:
    """Another task, priority, name, or PID of the record than the last one says."""
    odd = (
        switch(7, 2),
        switch(2, 3, prev_prio=8),
        switch(3, 4, prev_comm=b"renamed"),
        switch(4, 5, pid=99),
        switch(5, 6, next_comm=b"\xff"),
    )
    rows = written(write, tmp_path, (1, switch(1, 2)), *((10 * i, e) for i, e in enumerate(odd, 1)))
    assert {form for _, form in forms(rows)} == {TYPED}


def test_records_of_one_time_are_whole(write: Write, tmp_path: Path) -> None:
    """Trace processor does not keep the order of compact ones and others."""
    rows = written(
        write,
        tmp_path,
        (10, switch(1, 2)),
        (20, switch(2, 3)),
        (20, switch(3, 4)),
        (30, switch(4, 5)),
        (40, switch(5, 6)),
        (50, switch(6, 7)),
    )
    assert forms(rows) == [
        (10, TYPED), (20, TYPED), (20, TYPED), (30, COMPACT), (40, COMPACT), (50, TYPED),
    ]  # fmt: skip


def test_wake_ups(write: Write, tmp_path: Path) -> None:
    """Compact where the waker is what runs, and the switches around are of other times."""
    rows = written(
        write,
        tmp_path,
        (5, waking(1, 8)),  # what runs is not known
        (10, switch(1, 2)),
        (10, waking(2, 8)),
        (20, waking(2, 8)),
        (30, waking(9, 8)),  # an interrupt's record, maybe: not of what runs
        (40, waking(2, 8, target_cpu=-1)),
        (50, waking(2, 8)),
        (50, switch(2, 3)),
        (60, tick()),
    )
    assert forms(rows) == [
        (5, TYPED), (10, TYPED), (10, TYPED), (20, COMPACT), (30, TYPED), (40, TYPED), (50, TYPED),
        (50, TYPED), (60, GENERIC),
    ]  # fmt: skip
    assert [row.pid for row in rows if row.name == "sched_waking"] == [1, 2, 2, 9, 2, 2]
    flags = [
        list(packet.ftrace_events.compact_sched.waking_common_flags)
        for packet in parse(tmp_path / "out.pftrace").packet
        if packet.HasField("ftrace_events")
    ]
    assert [1] in flags  # trace processor tells interrupts from tasks by them


def test_extra_fields_do_not_make_an_event_generic(write: Write, tmp_path: Path) -> None:
    """What the schema does not have is left out; an event of which it has nothing is generic."""
    more = EventFormat(
        "irq",
        "softirq_entry",
        901,
        (Field("unsigned int vec", 4), Field("unsigned int novel", 4)),
        '"%u", REC->vec',
    )
    other = EventFormat("kvm", "kvm_entry", 902, (Field("unsigned int vcpu_id", 4),), '""')
    probe = EventFormat("kprobes", "sched_wakeup", 903, (Field("int pid", 4, signed=True),), '""')
    rows = written(
        write,
        tmp_path,
        (10, more.values(vec=3, novel=4)),
        (20, other.values(vcpu_id=1)),
        (30, probe.values(pid=4)),
        events=[more, other, probe],
    )
    assert [(row.name, row.form) for row in rows] == [
        ("softirq_entry", TYPED), ("kvm_entry", GENERIC), ("sched_wakeup", GENERIC),
    ]  # fmt: skip
    assert rows[0].fields == {"vec": 3}
    assert rows[1].fields == {"vcpu_id": 1}


def test_events_of_many_fields(write: Write, tmp_path: Path) -> None:
    """More than trace processor takes in a descriptor: each field then has its name beside it."""
    names = [f"field{i}" for i in range(40)]
    form = EventFormat("made", "large", 904, tuple(Field(f"u8 {n}", 1) for n in names), '""')
    values = {name: i for i, name in enumerate(names)}
    (row,) = written(write, tmp_path, (10, form.values(**values)), events=[form])
    assert (row.name, row.fields, row.form) == ("large", values, GENERIC)


def test_texts_of_trace_printk(write: Write, tmp_path: Path) -> None:
    """Drawn with what a report says of them."""
    values = BPRINT.values(ip=0xFFFFFFFF81000110, fmt=0xFFFFFFFF82000030, buf=struct.pack("<I", 7))
    (row,) = written(
        write,
        tmp_path,
        (10, values),
        ftrace_events=(*FTRACE_EVENTS, BPRINT),
        printk_formats='0xffffffff82000030 : "seen %d\\n"\n',
    )
    assert row.drawn == {"track_event_type": ord("I"), "slice_name": "do_one: seen 7"}


def test_names_that_are_no_text(write: Write, tmp_path: Path) -> None:
    """Perfetto's strings are UTF-8, whatever an instance is called."""
    pages = list(fill_pages([(10, tick())], Machine()))
    path = write(Trace(buffers=[Buffer(), Buffer("iXst", cpus={0: pages})]))
    path.write_bytes(path.read_bytes().replace(b"iXst", b"i\xffst"))
    with tracecmd.open(path) as trace:
        perfetto.write(trace, tmp_path / "out.pftrace")
    ((row,),) = records_of(parse(tmp_path / "out.pftrace")).values()
    assert row.drawn == {
        "track_event_type": ord("I"),
        "slice_name": "tick",
        "track_name": "i\ufffdst",
        "scope_instance": 1,
    }


def test_time_that_steps_back_is_said(write: Write, tmp_path: Path) -> None:
    """Perfetto sorts by time: what is drawn is not what happened."""
    pages = [Page(ts, [Event(0, TICK.values(pid=1))]) for ts in (10, 30, 20, 40, 35)]
    told: list[str] = []
    with tracecmd.open(write(Trace(buffers=[Buffer(cpus={0: pages})]))) as trace:
        assert perfetto.write(trace, tmp_path / "out.pftrace", warn=told.append) == 5
    (text,) = told
    assert text.startswith("this file: time steps back 2 times")


def test_the_buffer_with_most_of_an_event_is_drawn(write: Write, tmp_path: Path) -> None:
    """Not the one that has it first."""
    early = list(fill_pages([(5, switch(1, 2))], Machine()))
    whole = list(fill_pages([(10, switch(1, 2)), (20, switch(2, 1)), (30, tick())], Machine()))
    made = Trace(buffers=[Buffer(cpus={0: whole}), Buffer("early", cpus={0: early})])
    with tracecmd.open(write(made)) as trace:
        perfetto.write(trace, tmp_path / "out.pftrace")
    (found,) = records_of(parse(tmp_path / "out.pftrace")).values()
    assert [(row.ts, row.form) for row in found if row.name == "sched_switch"] == [
        (5, GENERIC),
        (10, TYPED),
        (20, TYPED),
    ]
