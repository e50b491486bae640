from __future__ import annotations

import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine
from ..writer import Field
from .span_oracle import spans
from .test_spans import rows

pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    if path.stat().st_size > 3 << 20:
        return
    with tracecmd.open(path) as trace:
        known = trace.events
        if "irq_handler_entry" in known and "irq_handler_exit" in known:
            given = rows(trace.irqs(ts="uint64"))
            pair = ("irq_handler_entry", "irq_handler_exit")
            assert Counter(given) == Counter(
                spans(trace, pair, ["cpu", "irq"], [(0, "name"), (1, "ret")])
            )
        if "raw_syscalls:sys_enter" in known and "raw_syscalls:sys_exit" in known:
            pair = ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")
            given = rows(trace.syscalls(ts="uint64"))
            names = {span.fields[0]: span.fields[2] for span in given}
            assert Counter(given) == Counter(
                span._replace(fields=(*span.fields, names[span.fields[0]]))
                for span in spans(trace, pair, ["pid", "id"], [(1, "ret")])
            )
        if "softirq_entry" in known and "softirq_exit" in known:
            given = rows(trace.softirqs(ts="uint64"))
            pair = ("softirq_entry", "softirq_exit")
            names = trace.events["softirq_entry"].symbols["vec"]
            assert Counter(given) == Counter(
                span._replace(fields=(*span.fields, names[span.fields[0]]))
                for span in spans(trace, pair, ["cpu", "vec"])
            )
        texts = []
        if "ftrace:print" in known:
            for event in trace.iter("ftrace:print"):
                raw = event["buf"].encode(errors="surrogateescape").rstrip(b"\r\n")
                texts.append(raw.decode(errors="replace"))
        if texts:
            marks = trace.markers().to_arrow().to_pylist()
            assert [m["name"] for m in marks if m["kind"] == "mark"] == [
                text for text in texts if text[1:2] != "|" and text != "E"]  # fmt: skip


NAMES = {"k72-sched.dat": {1: "write", 257: "openat"}, "i386-v6.dat": {4: "write", 295: "openat"},
         "s390x-tc331-v6.dat": {4: "write", 288: "openat"},
         "arm64-16k-subbuf64.dat": {64: "write", 56: "openat"}}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_raw_syscalls(name: str) -> None:
    """They differ from one architecture to the other."""
    pytest.importorskip("system_calls")
    with tracecmd.open(DATA / name) as trace:
        answer = trace.syscalls()
        assert answer.notes == ()
        given = {row["id"]: row["name"] for row in answer.to_arrow().to_pylist()}
        assert NAMES[name].items() <= given.items()
        unnamed = {number for number, name in given.items() if name is None}
        assert unnamed <= {-1, (1 << 32) - 1}  # what a task returns to that did not call anything


def test_names_need_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "system_calls", None)
    with tracecmd.open(DATA / "k72-sched.dat") as trace:
        answer = trace.syscalls()
        assert set(answer.to_arrow()["name"].to_pylist()) == {None}
        (note,) = answer.notes
        assert "pip install 'tracecmd[syscalls]'" in note
        assert answer.without_dictionaries().notes == answer.notes


def test_names_of_no_known_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("system_calls")
    fake.syscalls = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "system_calls", fake)
    fields = (Field("long id", "long", signed=True), Field("long ret", "long", signed=True))
    forms = [
        writer.EventFormat(
            "raw_syscalls", f"sys_{side}", 500 + i, fields[: 1 + i], '"%ld", REC->id'
        )
        for i, side in enumerate(("enter", "exit"))
    ]
    machine = Machine()
    machine.add(10, 0, forms[0].values(id=3, pid=7))
    machine.add(20, 0, forms[1].values(id=3, pid=7, ret=5))
    path = tmp_path / "t.dat"
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    path.write_bytes(writer.Trace(events=(*writer.EVENTS, *forms), buffers=buffers).write().data)
    with tracecmd.open(path) as trace:
        answer = trace.syscalls(ts="uint64")
        assert [span.fields for span in rows(answer)] == [(3, 5, None)]
        assert len(answer.notes) == 1
        assert "machine" in answer.notes[0] or "none are known of" in answer.notes[0]


def test_named_syscalls(tmp_path: Path) -> None:
    number = Field("int __syscall_nr", 4, signed=True)
    ret = Field("long ret", "long", signed=True)
    forms = {}
    for place, name in enumerate(("read", "write")):
        forms[name] = [
            writer.EventFormat(
                "syscalls", f"sys_{side}_{name}", 500 + 2 * place + i, fields, '"%d", REC->x'
            )
            for i, (side, fields) in enumerate((("enter", (number,)), ("exit", (number, ret))))
        ]
    machine = Machine()
    call: dict[str, Any] = {"__syscall_nr": 3, "pid": 7}
    machine.add(10, 0, forms["read"][0].values(**call))
    machine.add(20, 0, forms["write"][0].values(__syscall_nr=4, pid=8))
    machine.add(30, 0, forms["read"][1].values(ret=-4, **call))
    machine.add(40, 0, forms["write"][1].values(ret=-1, __syscall_nr=4, pid=9))
    path = tmp_path / "t.dat"
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    events = (*writer.EVENTS, *forms["read"], *forms["write"])
    path.write_bytes(writer.Trace(events=events, buffers=buffers).write().data)
    with tracecmd.open(path) as trace:
        answer = trace.syscalls(ts="uint64")
        assert answer.column_names[6:] == ("__syscall_nr", "ret", "name", "lost", "buffer")
        given = [(s.start, s.end, s.pid, s.fields) for s in rows(answer)]
        assert given == [
            (10, 30, 7, (3, -4, "read")),
            (None, 40, 9, (4, -1, "write")),
            (20, None, 8, (4, None, "write")),
        ]
        with pytest.raises(tracecmd.MissingEventError, match="-e irq:irq_handler_exit"):
            trace.irqs()
        with pytest.raises(tracecmd.MissingEventError, match="-e irq:softirq_entry"):
            trace.softirqs()


def test_markers(tmp_path: Path) -> None:
    machine = Machine()
    texts = [
        (10, 7, "B|70|outer\n"), (20, 7, "B|70|in|ner"), (22, 8, "E"), (25, 8, "hello world\n"),
        (30, 7, "E|70"), (35, 7, "C|70|fill|-12"), (40, 7, "S|70|job|1"), (45, 9, "S|70|job|2"),
        (50, 9, "F|70|job|1"), (60, 7, "E\n"), (65, 7, "B|x|y"), (66, 7, "C|1|a|b"), (67, 7, ""),
        (68, 7, "I|70|now"), (69, 7, "F|70|job|9"), (70, 7, "B|70|open"),
    ]  # fmt: skip
    for ts, pid, text in texts:
        machine.add(ts, 0, writer.PRINT.values(pid=pid, buf=text))
    path = tmp_path / "t.dat"
    buffers = [writer.Buffer(cpus=machine.pages(writer.Machine()))]
    path.write_bytes(writer.Trace(buffers=buffers).write().data)
    with tracecmd.open(path) as trace:
        given = [
            tuple(row[k] for k in ("start", "end", "pid", "kind", "process", "name", "value"))
            for row in trace.markers(ts="uint64").to_arrow().to_pylist()
        ]
        assert given == [
            (None, 22, 8, "slice", None, None, None),
            (25, 25, 8, "mark", None, "hello world", None),
            (20, 30, 7, "slice", 70, "in|ner", None),
            (35, 35, 7, "counter", 70, "fill", -12),
            (40, 50, 7, "async", 70, "job", None),
            (10, 60, 7, "slice", 70, "outer", None),
            (65, 65, 7, "mark", None, "B|x|y", None),
            (66, 66, 7, "mark", None, "C|1|a|b", None),
            (67, 67, 7, "mark", None, "", None),
            (68, 68, 7, "mark", 70, "now", None),
            (None, 69, 7, "async", 70, "job", None),
            (70, None, 7, "slice", 70, "open", None),
            (45, None, 9, "async", 70, "job", None),
        ]
        marks = trace.markers(pids=9).to_arrow().to_pylist()
        assert [row["name"] for row in marks] == ["job"]
