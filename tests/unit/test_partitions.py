"""Partitions for other processes: joined they are what one reader gets."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.partitions import Partition, make_partitions

from .. import writer
from ..conftest import Trace
from ..writer import Buffer, Event, Page, Sample, TimeShift, TraceId

pa = pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
HOST, LOST = SESSION / "trace.dat", DATA / "i386-lost.dat"
COMPRESSED = DATA / "k72-sched.dat"


def joined(parts: list[Partition]) -> list[dict[str, Any]]:
    return pa.concat_tables([part.to_arrow() for part in parts]).to_pylist()  # type: ignore[no-any-return]


def whole(path: Path, events: Any = None, **options: Any) -> list[dict[str, Any]]:
    with tracecmd.open(path) as trace:
        return trace.table(events, **options).to_arrow().to_pylist()


def check_borders(parts: list[Partition]) -> None:
    """Each has the times that it says, and no other has them."""
    edges = [(part.start, part.end) for part in parts]
    assert edges == sorted(edges)
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        assert part.start is not None
        assert part.end is not None
        assert after is None or part.end <= after.start  # type: ignore[operator]
        times = part.to_arrow()["ts"].cast(pa.int64()).to_pylist()
        assert all(part.start <= ts < part.end for ts in times)


@pytest.mark.parametrize(
    "path",
    [LOST, COMPRESSED, DATA / "s390x-tc331-v6.dat", DATA / "k72-instances.dat"],
    ids=lambda path: path.stem,
)
def test_joined_they_are_the_whole(path: Path) -> None:
    if path == COMPRESSED:
        with tracecmd.open(path) as trace:
            assert trace.compression != "none"
    columns = ["ts", "cpu", "common_pid", "event", "buffer", "missed_events"]
    every = whole(path, columns=columns)
    for size in (1 << 30, 1 << 17, 4096):
        parts = make_partitions(path, columns=columns, size=size)
        assert joined(parts) == every
        check_borders(parts)
    assert len(parts) > 1
    parts = make_partitions(path, "sched_switch", size=1 << 14, cpus=0)
    assert joined(parts) == whole(path, "sched_switch", cpus=0)


def test_losses_across_many_borders() -> None:
    """Also where a CPU has no row for several partitions after it lost something."""
    columns = ["ts", "cpu", "missed_events"]
    for where in ("common_pid == 0", "next_comm ~ 'k*'", "next_pid < 20"):
        every = whole(LOST, "sched_switch", columns=columns, where=where)
        for size in (3000, 30_000):
            options: dict[str, Any] = {"columns": columns, "where": where, "size": size}
            parts = make_partitions(LOST, "sched_switch", **options)
            assert joined(parts) == every
            late = [row for row in every if row["ts"].value >= parts[len(parts) // 2].start]
            part_of_it = make_partitions(
                LOST, "sched_switch", start=parts[len(parts) // 2].start, **options
            )
            assert [row["ts"] for row in joined(part_of_it)] == [row["ts"] for row in late]
        assert sum(row["missed_events"] for row in every) > 0


def test_equal_times_stay_together(write: Any) -> None:
    """Of many records that share a time none is lost or doubled, whatever the page."""

    def page(ts: int, first: int, count: int, delta: int) -> Page:
        return Page(ts, [
            Event(delta if i else 0, writer.TICK.values(pid=1, n=first + i)) for i in range(count)
        ])  # fmt: skip

    cpu0 = [page(1000, 0, 50, 1), page(1049, 50, 60, 0), page(1049, 110, 60, 0),
            page(1049, 170, 60, 1)]  # fmt: skip
    cpu1 = [page(1049, 1000, 60, 0), page(1050, 1060, 60, 2)]
    path = write(Trace(buffers=(Buffer(cpus={0: cpu0, 1: cpu1}),)))
    columns = ["ts", "cpu", "n"]
    parts = make_partitions(path, "tick", columns=columns, size=1)
    assert joined(parts) == whole(path, "tick", columns=columns)
    assert len(parts) == 2  # other cuts would part them
    check_borders(parts)


def test_time_that_steps_back(write: Any) -> None:
    """What comes before the first record is in a partition, too."""
    pages = [Page(ts, [Event(1, writer.TICK.values(pid=1, n=ts))]) for ts in (5000, 1000, 9000)]
    path = write(Trace(buffers=(Buffer(cpus={0: pages}),)))
    parts = make_partitions(path, "tick", columns=["n"], size=1)
    assert len(parts) == 2
    assert joined(parts) == whole(path, "tick", columns=["ts", "n"])
    assert [row["n"] for row in joined(parts)] == [5000, 1000, 9000]


def test_a_clock_that_does_not_rise(write: Any) -> None:
    """Windows would not hold what lies between their times: a partition, and no promise."""
    pages = [Page(ts, [Event(1, writer.TICK.values(pid=1, n=ts))]) for ts in (1000, 5000, 9000)]
    shift = TimeShift(7, [[Sample(0, 0), Sample(5000, -4000)]])
    path = write(Trace(options=[TraceId(5), shift], buffers=(Buffer(cpus={0: pages}),)))
    parts = make_partitions([path, HOST], ["tick", "kvm_exit"], size=1)
    assert [(part.start, part.end) for part in parts] == [(None, None)] * 2
    assert [row["n"] for row in joined(parts)[:3]] == [1000, 5000, 9000]
    assert len(joined(parts)) == 3 + len(whole(HOST, "kvm_exit"))


def test_files_that_overlap() -> None:
    """Guests' clocks are the host's here: their partitions are common windows of time."""
    paths = sorted(SESSION.glob("*.dat"))
    columns = ["ts", "cpu", "common_pid", "missed_events"]
    expected = [
        {**row, "file": str(path)}
        for path in paths
        for row in whole(path, "sched_switch", columns=columns)
    ]
    expected.sort(key=lambda row: row["ts"].value)  # it is stable
    for size in (1 << 30, 1 << 17):
        parts = make_partitions(paths, "sched_switch", columns=columns[1:], size=size)
        check_borders(parts)
        assert joined(parts) == expected
        assert max(len(part.pieces) for part in parts) == 3
    with tracecmd.open_session(SESSION) as session:
        table = session.table("sched_switch", columns=[*columns, "peer"]).to_arrow()
        parts = make_partitions(session, "sched_switch", columns=[*columns, "peer"], size=1 << 18)
    assert joined(parts) == table.to_pylist()
    assert len(parts) > 3


def test_types_of_all_files() -> None:
    """prev_state has 32 bits in one and 64 in the other; one does not have the other's event."""
    parts = make_partitions([LOST, HOST], ["sched_switch"])
    assert {str(part.to_arrow().schema.field("prev_state").type) for part in parts} == {"int64"}
    parts = make_partitions([LOST, HOST], "kvm_exit")
    assert len(joined(parts)) == len(whole(HOST, "kvm_exit"))
    some = make_partitions([LOST, HOST], ["kvm_exit", "sched_switch"], exclude="kvm_ent*")
    with tracecmd.open(LOST) as lost, tracecmd.open(HOST) as host:
        counted = [*lost.stat().events.items(), *host.stat().events.items()]
    assert len(joined(some)) == sum(
        count for name, count in counted if name in ("sched:sched_switch", "kvm:kvm_exit")
    )
    with pytest.raises(tracecmd.UnknownEventError, match="no_such"):
        make_partitions([LOST, HOST], ["sched_switch", "no_such"])


def test_read_by_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From relative names as well: nothing but plain values goes there."""
    shutil.copy(HOST, tmp_path / "a.dat")
    monkeypatch.chdir(tmp_path)
    parts = make_partitions("*.dat", "sched_switch", size=1 << 20)
    with tracecmd.open("a.dat") as trace, tracecmd.open_session("a.dat") as session:
        for opened in (trace, session):
            (again,) = make_partitions(opened, "sched_switch")
            assert str(tmp_path / "a.dat") in repr(again.pieces)
    monkeypatch.undo()
    assert pickle.loads(pickle.dumps(parts)) == parts
    assert len(pickle.dumps(parts[0])) < 6000
    spawn = multiprocessing.get_context("spawn")
    spawn.set_executable(sys.executable)
    with ProcessPoolExecutor(2, spawn) as pool:
        tables = list(pool.map(Partition.to_arrow, parts))
    assert pa.concat_tables(tables).to_pylist() == whole(HOST, "sched_switch")
    pytest.importorskip("polars")
    assert parts[0].to_polars().height == tables[0].num_rows


def test_urls(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    shutil.copy(HOST, tmp_path / "a.dat")
    cached = {"simplecache": {"cache_storage": str(tmp_path / "cache")}}
    parts = make_partitions(
        f"simplecache::file://{tmp_path}/*.dat", "sched_switch", storage_options=cached,
        size=1 << 20,
    )  # fmt: skip
    assert len(list((tmp_path / "cache").iterdir())) == 1
    os.remove(tmp_path / "a.dat")  # it is the copy that is read
    assert joined(pickle.loads(pickle.dumps(parts))) == whole(HOST, "sched_switch")
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/b.dat", LOST.read_bytes())
    assert joined(make_partitions("memory://b.dat", "sched_switch")) == whole(LOST, "sched_switch")


def test_what_cannot_be_cut(tmp_path: Path) -> None:
    (tmp_path / "none.dat").write_text("no recording")
    with pytest.raises(tracecmd.NotATraceError):
        make_partitions(tmp_path / "none.dat")
    with pytest.raises(ValueError, match="no recordings"):
        make_partitions([])
    with pytest.raises(ValueError, match="size=0"):
        make_partitions(HOST, size=0)
    with open(HOST, "rb") as file, tracecmd.open(file.fileno()) as trace, pytest.raises(TypeError):
        make_partitions(trace)
    (part,) = make_partitions(HOST, "sched_switch", end=0)
    assert part.to_arrow().num_rows == 0
    assert part.to_arrow().schema.names == list(whole(HOST, "sched_switch")[0])
