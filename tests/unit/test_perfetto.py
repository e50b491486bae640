"""Protobuf traces for Perfetto, read again with its own classes."""

from __future__ import annotations

import gzip
from collections import Counter
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
from .perfetto_traces import (
    COMPACT,
    GENERIC,
    TYPED,
    Record,
    expected_of,
    parse,
    pb2,
    records_of,
    typed_name,
)
from .timelines import A, end, scene

SESSIONS = [path for path in corpus.SESSIONS if path.name in ("kvm-small", "named", "guest-only")]


def compare(
    recording: tracecmd.Session | tracecmd.Trace, path: Path, ids: dict[str, int]
) -> Counter[tuple[str, str]]:
    """Every record of each CPU with all of its fields; gives how many of which name and form."""
    count = perfetto.write(recording, path)
    found = records_of(parse(path))
    assert count == sum(map(len, found.values()))
    if isinstance(recording, tracecmd.Session):
        traces = {peer.name: peer.trace for peer in recording.peers}
    else:
        traces = {recording.peer: recording}
    forms: Counter[tuple[str, str]] = Counter()
    left = {key: Counter(map(_key, rows)) for key, rows in found.items()}
    for event in recording.iter():
        name = typed_name(event)
        rest = left[ids[event.peer], event.cpu]
        for form in (COMPACT, TYPED, GENERIC):
            if form == COMPACT and name not in ("sched_switch", "sched_waking"):
                continue
            if form == TYPED and (name not in perfetto.NATIVE or event.format is None):
                continue
            if form == GENERIC:
                name = event.name or f"id {event.id}"
            fields = expected_of(traces[event.peer], event, form)
            row = Record(event.ts, event.pid & 0xFFFFFFFF, name, fields, form, {})
            key = _key(row)
            if rest[key]:
                rest[key] -= 1
                forms[name, form] += 1
                break
        else:
            raise AssertionError(f"{event}: {event.fields}")
    assert not any(rest.total() for rest in left.values())
    return forms


def _key(record: Record) -> str:
    return repr((*record[:3], sorted(record.fields.items()), record.form))


def test_numbers_are_the_schema() -> None:
    def number(message: Any, name: str) -> int:
        found: int = message.DESCRIPTOR.fields_by_name[name].number
        return found

    assert number(pb2.Trace, "packet") == wire.TRACE_PACKET
    for prefix, message in {
        "PACKET": pb2.TracePacket, "PROCESS": pb2.ProcessTree.Process,
        "TRACK": pb2.TrackEvent, "DESCRIPTOR": pb2.TrackDescriptor,
        "SYNC": pb2.RemoteClockSync, "SYNCED": pb2.RemoteClockSync.SyncedClocks,
        "SYSTEM": pb2.SystemInfo, "UTSNAME": pb2.Utsname, "TREE": pb2.ProcessTree,
    }.items():  # fmt: skip
        names = [name for name in vars(wire) if name.startswith(f"{prefix}_")]
        assert names
        for name in names:
            inner = name.partition("_")[2].lower()
            inner = {"sequence_id": "trusted_packet_sequence_id"}.get(inner, inner)
            assert getattr(wire, name) == number(message, inner), name


@pytest.mark.parametrize("value", [0, 1, 127, 128, 4095, 4096, 1 << 32, (1 << 64) - 1, -1, -128])
def test_integers(value: int) -> None:
    message = pb2.ClockSnapshot.Clock()
    message.ParseFromString(wire.integer(wire.CLOCK_TIMESTAMP, value))
    assert message.timestamp == value & (1 << 64) - 1


@pytest.mark.parametrize("folder", SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path, tmp_path: Path) -> None:
    with tracecmd.open_session(folder) as session:
        ids = perfetto.machine_ids(session)
        assert len(set(ids.values())) == len(ids)
        forms = compare(session, tmp_path / "out.pftrace", ids)
        assert sum(n for (_, form), n in forms.items() if form != GENERIC) > 100
        packets = parse(tmp_path / "out.pftrace").packet
        for name, trace in ((peer.name, peer.trace) for peer in session.peers):
            of_records = {
                p.trusted_packet_sequence_id
                for p in packets
                if p.machine_id == ids[name] and p.HasField("ftrace_events")
            }
            assert len(of_records) == 1
            own = [p for p in packets if p.trusted_packet_sequence_id in of_records]
            clocks = [p.clock_snapshot for p in own if p.HasField("clock_snapshot")]
            assert [c.clocks[0].clock_id for c in clocks] == [wire.CLOCK_BOOTTIME]
            system = next(p.system_info for p in own if p.HasField("system_info"))
            assert system.machine_name.split(" (")[0] == name
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


@pytest.mark.parametrize("path", sorted(corpus.DATA.glob("*.dat")), ids=lambda path: path.name)
def test_recorded_files(path: Path, tmp_path: Path) -> None:
    """Both byte orders, longs of 4 and 8 bytes, strings, arrays."""
    with tracecmd.open(path) as trace:
        compare(trace, tmp_path / "out.pftrace", {"": 0})


def on_track(trace: Any, name: str) -> list[tuple[int, int, str]]:
    """Time, type and name of the events of a track."""
    (uuid,) = (p.track_descriptor.uuid for p in trace.packet if p.track_descriptor.name == name)
    return [
        (p.timestamp, p.track_event.type, p.track_event.name)
        for p in trace.packet
        if p.track_event.track_uuid == uuid
    ]


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
    trace = parse(tmp_path / "out.pftrace")
    bundles = [p.ftrace_events for p in trace.packet if p.ftrace_events.event]
    seen = [(b.cpu, b.lost_events, [e.timestamp for e in b.event]) for b in bundles]
    assert sorted(seen) == [
        (0, False, [1000, 2000]),
        (0, True, [3000, 3100, 9000]),
        (1, False, [1000, 9000]),
    ]
    lost = next(b for b in bundles if b.lost_events)
    assert lost.event[0].pid == 0xFFFFFFFF
    assert not lost.event[1].HasField("common_flags")  # would be taken for an event
    assert lost.event[1].sched_switch.prev_comm == "\ufffd\ufffd"
    assert on_track(trace, "CPU 0") == [(2000, 1, "lost events: 5"), (3000, 2, "")]
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
    ((record,),) = records_of(parse(out)).values()
    assert (record.name, record.fields, record.form) == (
        "print",
        {"ip": 1, "buf": text},
        TYPED if typed else GENERIC,
    )
    drawn = {} if typed else {"track_event_type": ord("I"), "slice_name": text.rstrip("\n")}
    assert record.drawn == drawn


def test_packets_stay_small(write: Write, tmp_path: Path) -> None:
    """A bundle ends at 32 KB, so that what is held of it does not follow the number of records."""
    texts = [(10 * i, writer.PRINT.values(pid=1, ip=1, buf="x" * 1000)) for i in range(100)]
    pages = list(writer.fill_pages(texts, writer.Machine()))
    with tracecmd.open(write(Trace(buffers=[writer.Buffer(cpus={0: pages})]))) as trace:
        assert perfetto.write(trace, tmp_path / "out.pftrace") == 100
    packets = parse(tmp_path / "out.pftrace").packet
    sizes = [p.ByteSize() for p in packets if p.ftrace_events.event]
    assert len(sizes) > 5
    assert 32000 < max(sizes) < 36000


def test_compressed(tmp_path: Path) -> None:
    with tracecmd.open(corpus.DATA / "k72-sched.dat") as trace:
        perfetto.write(trace, tmp_path / "out.pftrace")
        perfetto.write(trace, tmp_path / "out.pftrace.gz")
    plain, packed = ((tmp_path / f"out.pftrace{end}").read_bytes() for end in ("", ".gz"))
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) // 2


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
    packed = tmp_path / "out.pftrace.gz"
    assert cli.main(["export", *files, "-o", str(packed), "-e", "tick", "-q"]) == 0
    assert gzip.decompress(packed.read_bytes()) == out.read_bytes()
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
