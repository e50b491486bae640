"""What Perfetto's UI draws of a recording, beside this package's own answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.export import perfetto

from .. import writer
from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import Buffer, Machine, Uname, fill_pages
from .compare import FAULTS
from .engine import Engine

SLICES = """
    SELECT slice.ts, slice.dur, slice.name, track.type, track.name
    FROM slice JOIN track ON track.id = slice.track_id
    ORDER BY slice.ts
"""
CALLS = """
    SELECT slice.name, parent.name, count(*)
    FROM slice JOIN track ON track.id = slice.track_id
    LEFT JOIN slice parent ON parent.id = slice.parent_id
    WHERE track.type LIKE '%funcgraph' AND slice.dur >= 0
    GROUP BY 1, 2
"""
OF_THREADS = """
    SELECT slice.ts, slice.dur, slice.name, thread.tid
    FROM slice JOIN thread_track ON thread_track.id = slice.track_id JOIN thread USING (utid)
    WHERE slice.dur >= 0
"""
OF_CPUS = """
    SELECT slice.ts, slice.dur, slice.name, track.cpu
    FROM slice JOIN cpu_track track ON track.id = slice.track_id
    WHERE slice.dur >= 0 AND track.type = 'cpu_softirq'
"""
NOTES = """
    SELECT slice.name FROM slice JOIN track ON track.id = track_id WHERE track.name = 'Notes'
"""


def rows(answer: tracecmd.Answer) -> list[dict[str, Any]]:
    return [dict(zip(answer.column_names, row, strict=True)) for row in answer.values()]


def export(name: str, tmp_path: Path, suffix: str = "") -> tuple[Path, list[str]]:
    """A recording of tests/data for Perfetto, and what is not right about it."""
    out = tmp_path / f"out.pftrace{suffix}"
    told: list[str] = []
    with tracecmd.open(corpus.DATA / name) as trace:
        perfetto.write(trace, out, warn=told.append)
    return out, told


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_calls(engine: Engine, tmp_path: Path, suffix: str) -> None:
    """Each function by its name, called as often and by whom the call trees say."""
    out, _ = export("k72-fgraph.dat", tmp_path, suffix)
    calls, faults = engine.query(out, CALLS, FAULTS)
    assert not faults
    with tracecmd.open(corpus.DATA / "k72-fgraph.dat") as trace:
        ours = {
            (row["name"], row["parent"]): row["calls"]
            for row in rows(trace.functions(by="parent"))
            if row["calls"]
        }
    assert {(name, parent): count for name, parent, count in calls} == ours
    assert sum(ours.values()) > 100


def _plain(name: str) -> str:
    """Trace processor leaves out that a call is the newer of two in some names."""
    return name.replace("sys_new", "sys_")


def test_system_calls(engine: Engine, tmp_path: Path) -> None:
    """Those that were recorded by their names are drawn by them."""
    out, _ = export("k72-syscalls.dat", tmp_path)
    (found,) = engine.query(out, OF_THREADS)
    with tracecmd.open(corpus.DATA / "k72-syscalls.dat") as trace:
        ours = {
            (row["start"], row["duration"], _plain(f"sys_{row['name']}"), row["pid"])
            for row in rows(trace.syscalls(ts="uint64"))
            if row["duration"] is not None
        }
    assert {(ts, dur, _plain(name), tid) for ts, dur, name, tid in found} == ours
    assert len(ours) > 150


def test_instances(engine: Engine, tmp_path: Path) -> None:
    """What two instances recorded is drawn once, and the rest on a track of its instance's name."""
    out, _ = export("k72-instances.dat", tmp_path)
    softirqs, slices = engine.query(out, OF_CPUS, SLICES)
    with tracecmd.open(corpus.DATA / "k72-instances.dat") as trace:
        ours = [row for row in rows(trace.softirqs(ts="uint64")) if row["duration"] is not None]
        buffers = Counter((event.buffer, event.name) for event in trace)
    assert {row["buffer"] for row in ours} == {"a"}
    assert sorted((ts, dur, cpu) for ts, dur, _, cpu in softirqs) == sorted(
        (row["start"], row["duration"], row["cpu"]) for row in ours
    )
    drawn = Counter((track, name) for _, _, name, kind, track in slices if "custom" in kind)
    assert drawn
    for (track, name), count in drawn.items():
        assert buffers[track, name] == count


def test_vcpus(engine: Engine, tmp_path: Path) -> None:
    out = tmp_path / "out.pftrace"
    with tracecmd.open_session(corpus.DATA / "sessions" / "kvm-small") as session:
        perfetto.write(session, out)
        ours = [
            (
                row.start,
                row.end - row.start,
                row.state,
                f"{row.guest} vCPU {row.vcpu} (host thread {row.host_pid})",
                row.host_cpu,
                row.guest_pid,
            )
            for row in session.timeline()
        ]
        notes = [*session.notes]
        peers = sorted((peer.trace.end, peer.name) for peer in session.peers)
    found, told = engine.query(
        out,
        "SELECT ts, dur, category, track.name, "
        "EXTRACT_ARG(slice.arg_set_id, 'debug.host_cpu'), "
        "EXTRACT_ARG(slice.arg_set_id, 'debug.guest_pid') "
        "FROM slice JOIN track ON track.id = track_id WHERE category IS NOT NULL "
        "AND track.name LIKE '%vCPU%'",
        f"{NOTES} ORDER BY ts, slice.id",
    )
    assert sorted(map(str, map(tuple, found))) == sorted(map(str, ours))
    assert len(ours) > 9000
    texts = [text for (text,) in told]
    assert texts[: len(notes)] == notes
    assert all("on the host's clock by kvm" in text for text in texts[len(notes) : -3])
    assert texts[-3:] == [f"{peer}: the last of its records" for _, peer in peers]
    assert len(texts) == len(notes) + 2 + 3


def test_losses(engine: Engine, tmp_path: Path) -> None:
    out, _ = export("i386-lost.dat", tmp_path)
    (slices,) = engine.query(out, SLICES)
    with tracecmd.open(corpus.DATA / "i386-lost.dat") as trace:
        ours = {
            (row["from"], row["to"] - row["from"], f"lost events: {row['count']}", row["cpu"])
            for row in rows(trace.losses(ts="uint64"))
        }
    assert {
        (ts, dur, name, int(track.removeprefix("CPU ")))
        for ts, dur, name, _, track in slices
        if name and name.startswith("lost events")
    } == ours


def test_what_is_not_right_is_said(engine: Engine, tmp_path: Path) -> None:
    out, told = export("k72-split-tsc.dat", tmp_path)
    assert told == ["this file: times are cycles, not ns"]
    (found,) = engine.query(out, NOTES)
    assert [text for (text,) in found] == told
    out, told = export("v7-latency.dat", tmp_path)
    assert told == ["no records are selected: the trace is empty"]
    (found,) = engine.query(out, NOTES)
    assert [text for (text,) in found] == told


@pytest.mark.parametrize(
    ("uname", "state", "drawn"),
    [
        ("", 0x100, "R+"),  # by the print format, of 4.14 and newer kernels
        ("", 0x80, "I"),
        ("Linux host 4.4.0 x86_64", 0x800, "R+"),
        ("Linux host 6.12.0 x86_64", 0x100, "R+"),
    ],
)
def test_states_by_release(
    engine: Engine, write: Write, tmp_path: Path, uname: str, state: int, drawn: str
) -> None:
    """Of a file that does not say its kernel, the bits of states are those of its print format."""
    switch = writer.SCHED_SWITCH.values
    page = fill_pages(
        [
            (100, switch(pid=1, prev_pid=1, next_pid=2)),
            (200, switch(pid=2, prev_pid=2, next_pid=3, prev_state=state)),
            (300, switch(pid=3, prev_pid=3, next_pid=1)),
        ],
        Machine(),
    )
    made = Trace(options=[Uname(uname)] if uname else [], buffers=(Buffer(cpus={0: list(page)}),))
    out = tmp_path / "out.pftrace"
    with tracecmd.open(write(made)) as trace:
        assert trace.uname == uname
        perfetto.write(trace, out)
    (found,) = engine.query(out, "SELECT end_state FROM sched WHERE ts = 100")
    assert found == [[drawn]]
