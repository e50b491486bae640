"""Protobuf traces for Perfetto, read again with its own classes."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import cli
from tracecmd.export import perfetto
from tracecmd.export.perfetto import wire

from .. import writer
from ..conftest import Trace, Write
from ..recordings import corpus
from .timelines import A, B, end, perform, scene

pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")

KINDS = {"i": "TYPE_INT32", "I": "TYPE_INT64", "u": "TYPE_UINT32", "U": "TYPE_UINT64",
         "s": "TYPE_STRING"}  # fmt: skip
Found = dict[tuple[int, int], list[tuple[int, int, str, dict[str, Any]]]]


def parse(path: Path) -> Any:
    trace = pb2.Trace()
    trace.ParseFromString(path.read_bytes())
    return trace


def fields_of(event: Any) -> tuple[str, dict[str, Any]]:
    """Name and fields of a record."""
    which = [f.name for f, _ in event.ListFields() if f.message_type is not None]
    assert len(which) == 1
    body = getattr(event, which[0])
    if which[0] != "generic":
        fields = {}
        for field, value in body.ListFields():
            fields[field.name] = value if isinstance(value, (int, str)) else list(value)
        return which[0], fields
    fields = {}
    for field in body.field:
        kind = field.WhichOneof("value")
        fields[field.name] = getattr(field, kind)
    return body.event_name, fields


def records_of(trace: Any) -> Found:
    """By machine and CPU: time, PID, name and fields of each record."""
    found: Found = defaultdict(list)
    for packet in trace.packet:
        if packet.HasField("ftrace_events"):
            bundle = packet.ftrace_events
            for event in bundle.event:
                row = (event.timestamp, event.pid, *fields_of(event))
                found[packet.machine_id, bundle.cpu].append(row)
    return found


def expected_of(event: tracecmd.Event, native: bool) -> dict[str, Any]:
    """Fields as they come out: of typed messages, zeros and empty texts cannot be told apart."""
    fields: dict[str, Any] = {}
    form = event.format
    if form is None:
        return {"raw": event.raw.hex()}
    for name, value in event.fields.items():
        if isinstance(value, str):
            value = value.encode(errors="replace").decode()  # noqa: PLW2901
        elif isinstance(value, bytes):
            value = value.hex()  # noqa: PLW2901
        elif isinstance(value, list) and not native:
            value = ",".join(map(str, value))  # noqa: PLW2901
        fields[name] = value
    return fields


def compare(recording: tracecmd.Session | tracecmd.Trace, path: Path, ids: dict[str, int]) -> int:
    """Every record, in its CPU's order, with all of its fields; gives how many are typed."""
    count = perfetto.write(recording, path)
    found = records_of(parse(path))
    assert count == sum(map(len, found.values()))
    natives = {name.partition(":")[2] for name in perfetto.NATIVE}
    typed = 0
    expected: Found = defaultdict(list)
    for event in recording.iter():
        native = event.name in natives and not (event.format and "vcpu_id" in event.format.fields)
        name = event.name or f"id {event.id}"
        row = (event.ts, event.pid, name, expected_of(event, native))
        expected[ids[event.peer], event.cpu].append(row)
        typed += native
    assert set(found) == set(expected)
    several = isinstance(recording, tracecmd.Trace) and len(recording.buffers) > 1
    for key, rows in expected.items():
        if several:  # a CPU's records of one buffer stand together
            rows.sort(key=repr)
            found[key].sort(key=repr)
        assert found[key] == rows
    return typed


def test_table_is_the_schema() -> None:
    events = pb2.FtraceEvent.DESCRIPTOR.fields_by_name
    for name, (number, spec) in perfetto.NATIVE.items():
        field = events[name.partition(":")[2]]
        assert field.number == number
        wanted = {f.name: f for f in field.message_type.fields}
        listed = re.findall(r"(\w+):(\d+)(\w)", spec)
        assert {n for n, _, _ in listed} == set(wanted)
        for inner, place, kind in listed:
            assert wanted[inner].number == int(place)
            assert wanted[inner].type == getattr(wanted[inner], KINDS[kind])


def test_numbers_are_the_schema() -> None:
    def number(message: Any, name: str) -> int:
        found: int = message.DESCRIPTOR.fields_by_name[name].number
        return found

    assert number(pb2.Trace, "packet") == wire.TRACE_PACKET
    for prefix, message in {
        "PACKET": pb2.TracePacket, "BUNDLE": pb2.FtraceEventBundle, "EVENT": pb2.FtraceEvent,
        "VALUE": pb2.GenericFtraceEvent.Field, "PROCESS": pb2.ProcessTree.Process,
        "SYNC": pb2.RemoteClockSync, "SYNCED": pb2.RemoteClockSync.SyncedClocks,
        "SYSTEM": pb2.SystemInfo, "UTSNAME": pb2.Utsname, "TREE": pb2.ProcessTree,
    }.items():  # fmt: skip
        names = [name for name in vars(wire) if name.startswith(f"{prefix}_")]
        assert names
        for name in names:
            inner = name.partition("_")[2].lower()
            inner = {"sequence_id": "trusted_packet_sequence_id"}.get(inner, inner)
            inner = f"{inner}_value" if prefix == "VALUE" and inner != "name" else inner
            assert getattr(wire, name) == number(message, inner), name


@pytest.mark.parametrize("value", [0, 1, 127, 128, 4095, 4096, 1 << 32, (1 << 64) - 1, -1, -128])
def test_integers(value: int) -> None:
    message = pb2.ClockSnapshot.Clock()
    message.ParseFromString(wire.integer(wire.CLOCK_TIMESTAMP, value))
    assert message.timestamp == value & (1 << 64) - 1


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path, tmp_path: Path) -> None:
    with tracecmd.open_session(folder) as session:
        ids = perfetto.machine_ids(session)
        assert len(set(ids.values())) == len(ids)
        assert compare(session, tmp_path / "out.pftrace", ids) > 100
        packets = parse(tmp_path / "out.pftrace").packet
        for name, trace in ((peer.name, peer.trace) for peer in session.peers):
            own = [p for p in packets if p.machine_id == ids[name]]
            assert len({p.trusted_packet_sequence_id for p in own}) == 1
            clocks = [p.clock_snapshot for p in own if p.HasField("clock_snapshot")]
            assert [c.clocks[0].clock_id for c in clocks] == [wire.CLOCK_BOOTTIME]
            system = next(p.system_info for p in own if p.HasField("system_info"))
            assert system.machine_name == name
            assert system.utsname.release in trace.uname.split()
            assert system.num_cpus == trace.cpus
            syncs = [p.remote_clock_sync for p in own if p.HasField("remote_clock_sync")]
            shift = trace.time_shift
            on_clock = session.host is not None and name != "host" and shift is not None
            assert len(syncs) == on_clock
            for sync in syncs:
                first, second = sync.synced_clocks
                assert first == second  # any time in between would be halved for an offset
                for both in sync.synced_clocks:
                    assert both.client_clocks == both.host_clocks
                    assert both.client_clocks.clocks[0].clock_id == wire.CLOCK_BOOTTIME
            tasks = {task.pid: task.cmdline[0] for p in own for task in p.process_tree.processes}
            assert tasks
            assert all(trace.comm(pid) == comm for pid, comm in tasks.items())


@pytest.mark.parametrize("path", corpus.SINGLE, ids=lambda path: path.name)
def test_recorded_files(path: Path, tmp_path: Path) -> None:
    """Both byte orders, longs of 4 and 8 bytes, strings, arrays."""
    with tracecmd.open(path) as trace:
        if (trace.buffers and trace.buffers[0].is_text) or trace.stat().records > 50000:
            pytest.skip("no records, or too many for this test")
        compare(trace, tmp_path / "out.pftrace", {"": 0})


def test_losses_and_names(tmp_path: Path) -> None:
    made = scene({"G": [A]})
    made.host.tick(2000, 0, A)
    made.host.lose(0, 5)
    made.host.tick(3000, 0, -1)
    made.host.add(3100, 0, writer.SCHED_SWITCH.values(pid=1, flags=5, prev_comm=b"\xff\xfe"))
    with end(made).open(tmp_path) as session:
        perfetto.write(session, tmp_path / "out.pftrace", events=["tick", "sched_switch"])
        only = perfetto.write(session, tmp_path / "few.pftrace", start=2500, end=3050)
    assert only == 1
    bundles = [p.ftrace_events for p in parse(tmp_path / "out.pftrace").packet
               if p.HasField("ftrace_events")]  # fmt: skip
    seen = [(b.cpu, b.lost_events, [e.timestamp for e in b.event]) for b in bundles]
    assert sorted(seen) == [
        (0, False, [1000, 2000]),
        (0, True, [3000, 3100, 9000]),
        (1, False, [1000, 9000]),
    ]
    lost = next(b for b in bundles if b.lost_events)
    assert lost.event[0].pid == 0xFFFFFFFF
    assert not lost.event[1].HasField("common_flags")  # would be taken for an event
    assert lost.event[1].sched_switch.prev_comm == "??"
    assert not [p for p in tmp_path.iterdir() if "part" in p.name]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("B|1|a name | of \u00e9", True), ("B|1|", True), ("B|1", False), ("B|x|name", False),
        ("E", True), ("E\n", True), ("E|", True), ("E|1", True), ("End", False), ("", False),
        ("C|1|load|5", True), ("C|1|load|-5|category\n", True), ("C|1|load", False),
        ("C|1|load|x", False), ("C|1||5", False), ("S|1|io|7", True), ("F|1|io|7", True),
        ("F|1|io", False), ("I|1|now", True), ("I|1|", False), ("N|1|track|now", True),
        ("N|1|track", False), ("G|1|track|io|7", True), ("G|1|track|io", False),
        ("H|1|track|io|7", True), ("H|1|track|7", True), ("H|1|track|io", False),
        ("B|4294967296|name", False), ("C|1|load|9999999999999999999", False),
        ("a text", False), ("first\nB|1|second", False),
    ],
)  # fmt: skip
def test_marks(write: Write, tmp_path: Path, text: str, typed: bool) -> None:
    """Only those are written as what trace processor takes for slices and counters."""
    page = writer.Page(10, [writer.Event(0, writer.PRINT.values(pid=1, ip=1, buf=text))])
    out = tmp_path / "out.pftrace"
    with tracecmd.open(write(Trace(buffers=[writer.Buffer(cpus={0: [page]})]))) as trace:
        perfetto.write(trace, out)
    (event,) = (e for packet in parse(out).packet for e in packet.ftrace_events.event)
    assert event.HasField("print") == typed
    name, fields = fields_of(event)
    assert (name, fields["buf"]) == ("print", text)


def test_packets_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracecmd.export.perfetto.packets.FLUSH_BYTES", 500)
    made, _, _ = perform(3, {"G": [A], "H": [B]}, steps=500)
    with made.open(tmp_path) as session:
        ids = perfetto.machine_ids(session)
        compare(session, tmp_path / "out.pftrace", ids)
    packets = parse(tmp_path / "out.pftrace").packet
    assert max(p.ByteSize() for p in packets) < 800
    assert len(packets) > 30


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    with end(scene()).open(tmp_path) as session:
        before = sorted(tmp_path.iterdir())

        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            perfetto.write(session, tmp_path / "out.pftrace", progress=stop)
        with pytest.raises(KeyError):
            perfetto.write(session, tmp_path / "out.pftrace", events="tic")
    assert sorted(tmp_path.iterdir()) == before


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    end(scene({"G": [A]})).open(tmp_path).close()
    out = tmp_path / "out.pftrace"
    files = [str(tmp_path / "trace-G.dat"), str(tmp_path / "trace.dat")]
    assert cli.main(["export", *files, "-o", str(out), "--end", "0.000002"]) == 0
    assert sum(map(len, records_of(parse(out)).values())) == 2
    out.unlink()
    assert cli.main(["export", str(tmp_path), "-o", str(out), "-e", "tick", "-q"]) == 0
    assert sum(map(len, records_of(parse(out)).values())) == 4
    assert capsys.readouterr().err == ""
    for more, message in (
        (["--where", "n == 1"], "not for .pftrace"),
        (["-e", "tic"], "did you mean 'tick'"),
        (["--start", "now"], "not a time"),
    ):
        assert cli.main(["export", *files, "-o", str(tmp_path / "x.pftrace"), *more]) == 2
        assert message in capsys.readouterr().err
    assert cli.main(["export", *files, "-o", str(tmp_path / "x.csv")]) == 2
    assert "several go to OUT.pftrace" in capsys.readouterr().err
    assert not list(tmp_path.glob("x.*"))
