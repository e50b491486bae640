"""Splitting files: whatever is counted, the parts make the whole; and the command's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracecmd
from tracecmd._reading import Selection
from tracecmd.writing import KeptBuffer, Limit, split_selection

from .. import writer
from ..conftest import Trace, Write
from ..raw_records import Row, raw_records
from ..writer import (
    Buffer,
    CpuStat,
    Event,
    Machine,
    Page,
    RawOption,
    Record,
    Sample,
    TextBuffer,
    TimeShift,
    TraceId,
)
from .conftest import Result
from .test_writing import streams

MACHINE = Machine()


def ticks(*deltas: int) -> list[Record]:
    values = [writer.TICK.values(pid=5, n=n).encode(MACHINE) for n in range(len(deltas))]
    return [Event(delta, value) for delta, value in zip(deltas, values, strict=True)]


def split(path: Path, limit: Limit | None, folder: Path, **options: Any) -> list[list[Row]]:
    """The records of each file, by buffer and CPU."""
    with tracecmd.open(path) as trace:
        selection = Selection(trace._recording, **options.pop("wanted", {}))
        options.setdefault("repeat", True)
        names = split_selection(folder / "part", trace._reader, selection, limit=limit, **options)
    found = []
    for name in names:
        with tracecmd.open(name, strict=True) as part:
            found.append(raw_records(part, order="cpu"))
    return found


def by_stream(rows: Sequence[Row]) -> dict[tuple[str, int], list[Row]]:
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        found.setdefault(row[1:3], []).append(row)
    return found


@given(
    pages=streams(),
    unit=st.sampled_from(["events", "pages"]),
    count=st.integers(1, 30),
    per_cpu=st.booleans(),
    events=st.sampled_from([None, "tick"]),
    compression=st.sampled_from(["none", "zlib"]),
)
@settings(max_examples=150, deadline=None)
def test_counted_parts_make_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    pages: Sequence[Page],
    unit: Literal["events", "pages"],
    count: int,
    per_cpu: bool,
    events: str | None,
    compression: str,
) -> None:
    """Whatever steps time makes: each record is in one file, with what was lost before it."""
    folder = tmp_path_factory.mktemp("any")
    path = folder / "in.dat"
    made = Trace(buffers=[Buffer(cpus={0: pages, 2: pages[1:]}), Buffer("a", cpus={1: pages[:2]})])
    path.write_bytes(made.write().data)
    with tracecmd.open(path) as trace:
        whole = raw_records(trace, events=events, order="cpu")
    parts = split(path, Limit(unit, count), folder, per_cpu=per_cpu, compression=compression,
                  wanted={"events": events})  # fmt: skip
    assert by_stream([row for part in parts for row in part]) == by_stream(whole)
    if unit == "events":
        for part in parts[:-1]:
            lanes = [len(rows) for rows in by_stream(part).values()]
            assert max(lanes) <= count
            if not per_cpu:
                assert (
                    sum(len(rows) for key, rows in by_stream(part).items() if not key[0]) <= count
                )


def test_records_of_one_time_are_parted(write: Write, tmp_path: Path) -> None:
    """A count ends between them, on one CPU or on several: nothing is lost or doubled."""
    path = write(Trace(buffers=[Buffer(cpus={
        0: [Page(1000, ticks(*[0] * 50)), Page(1000, ticks(*[0] * 50))],
        1: [Page(1000, ticks(*[0] * 30))],
    })]), "in.dat")  # fmt: skip
    parts = split(path, Limit("events", 20), tmp_path)
    assert [len(part) for part in parts] == [20, 20, 20, 20, 20, 20, 10]
    assert [{row[2] for row in part} for part in parts[:5]] == [{0}] * 5
    both = split(path, Limit("events", 20), tmp_path, per_cpu=True)
    assert [len(part) for part in both] == [40, 30, 20, 20, 20]


def test_time_counts_from_the_first_record(write: Write, tmp_path: Path) -> None:
    """Or from the start, in the first file; its end is part of it."""
    path = write(Trace(buffers=[Buffer(cpus={
        0: [Page(1000, ticks(0, 10, 90, 1, 899, 100, 1))],
        1: [Page(5000, ticks(0))],
    })]), "in.dat")  # fmt: skip

    def times(limit: int, per_cpu: bool = False, **wanted: int) -> list[list[int]]:
        parts = split(path, Limit("ns", limit), tmp_path, per_cpu=per_cpu, wanted=wanted)
        return [[row[3] for row in part] for part in parts]

    assert times(100) == [[1000, 1010, 1100], [1101], [2000, 2100], [2101], [5000]]
    assert times(100, per_cpu=True)[0] == [1000, 1010, 1100, 5000]
    assert times(100, start=950)[:2] == [[1000, 1010], [1100, 1101]]
    # A file has its first record even if it comes too late for that.
    assert times(10, start=950)[:2] == [[1000], [1010]]
    assert times(10_000, end=2000) == [[1000, 1010, 1100, 1101]]
    assert times(10_000, start=9000) == [[]]


def test_pages_are_filled_as_by_trace_cmd(write: Write, tmp_path: Path) -> None:
    """A page takes 170 records of 24 bytes; what was lost begins another."""
    pages = [Page(100 * n, ticks(*[1] * 50), lost=5 * (n == 12)) for n in range(20)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages})]), "in.dat")
    with tracecmd.open(path) as trace:
        size = 4 + len(raw_records(trace)[0][6])
    a_page = 4080 // size
    counts = [len(part) for part in split(path, Limit("pages", 1), tmp_path)]
    before, after = divmod(600, a_page), divmod(400, a_page)
    assert counts == [*[a_page] * before[0], before[1], *[a_page] * after[0], after[1]]


# Buffers ------------------------------------------------------------------------------------------


def with_instances(*options: writer.Option) -> Trace:
    return Trace(
        options=options,
        buffers=[
            Buffer(cpus={0: [Page(1000, ticks(1, 1))]}),
            Buffer("a", cpus={1: [Page(2000, ticks(1, 1, 1))]}),
            Buffer("b", cpus={0: [Page(3000, ticks(1))]}),
        ],
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"": 2, "a": 3, "b": 1}),
        (["-B", "a"], {"": 0, "a": 3}),
        (["-B", "b", "-B", "a"], {"": 0, "b": 1, "a": 3}),
        (["-B", "a", "-t"], {"": 3}),
        (["-B", "a", "-t", "-B", "b"], {"": 3, "b": 1}),
        (["-B", "b", "-B", "a", "-t"], {"": 3, "b": 1}),
        (["--top"], {"": 2}),
        (["-B", "b", "--top"], {"": 2, "b": 1}),
        (["--top", "-b", "old"], {"": 0, "old": 2}),
        (["-B", "a", "-t", "--top", "-b", "old"], {"": 3, "old": 2}),
    ],
    ids=str,
)
@pytest.mark.parametrize("version", ["6", "7"])
def test_buffers(
    run: Any, write: Write, tmp_path: Path, words: list[str], expected: dict[str, int], version: str
) -> None:
    path = write(with_instances(CpuStat("CPU: 0\nentries: 2\n")), "in.dat")
    out = tmp_path / "out.dat"
    assert run("split", "-o", out, "--file-version", version, *words, path) == Result(0, "", "")
    with tracecmd.open(out, strict=True) as trace:
        assert {buffer.name: len(list(buffer)) for buffer in trace.buffers} == expected
        assert list(expected) == [buffer.name for buffer in trace.buffers]


def test_a_time_shift_is_of_the_top_buffer(write: Write, tmp_path: Path) -> None:
    """Instances have none; so it goes when one of them takes the top one's place."""
    path = write(with_instances(TraceId(5), TimeShift(9, [[Sample(0, 500)]] * 2)), "in.dat")
    with tracecmd.open(path) as trace:
        times = {buffer.name: [event.ts for event in buffer] for buffer in trace.buffers}
        assert times["a"] == [2001, 2002, 2003]
        whole = Selection(trace._recording)

        def kept(*buffers: KeptBuffer) -> dict[str, list[int]]:
            split_selection(tmp_path / "out", trace._reader, whole, buffers=buffers)
            with tracecmd.open(tmp_path / "out") as new:
                return {b.name: [event.ts for event in b] for b in new.buffers if list(b)}

        assert kept(KeptBuffer("", ""), KeptBuffer("a", "a")) == {k: times[k] for k in ("", "a")}
        assert kept(KeptBuffer("a", ""), KeptBuffer("b", "b")) == {"": times["a"], "b": times["b"]}
        with pytest.raises(ValueError, match="time shift"):
            kept(KeptBuffer("", "old"))
        with pytest.raises(ValueError, match="only one"):
            kept(KeptBuffer("a", ""), KeptBuffer("b", ""))


# The command --------------------------------------------------------------------------------------


@pytest.fixture
def path(write: Write) -> Path:
    pages = [Page(10**9 * n, ticks(0, 5, 5)) for n in range(1, 5)]
    return write(Trace(options=[RawOption(99, b"kept")], buffers=[Buffer(cpus={0: pages})]))


def test_names_of_files(run: Any, path: Path) -> None:
    """FILE.1, or with -r FILE.0001 and so on; -o changes the first part."""
    assert run("split", path, "2", "3").code == 0
    assert run("split", "-r", "-e", "5", path).code == 0
    assert run("split", "-r", "-o", path.parent / "x", path).code == 0
    found = sorted(each.name for each in path.parent.iterdir())
    assert found == [
        "trace.dat", "trace.dat.0001", "trace.dat.0002", "trace.dat.0003", "trace.dat.1", "x.0001"
    ]  # fmt: skip
    with tracecmd.open(f"{path}.1") as part:
        assert [event.ts for event in part] == [2 * 10**9, 2 * 10**9 + 5, 2 * 10**9 + 10, 3 * 10**9]
        assert part.outline().payloads(99) == [b"kept"]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["1", "3.000000005"], 8),
        (["0.0", "2000000005ns"], 5),
        (["--where", "n == 2"], 4),
        (["--events", "sched_switch,tick"], 12),
        (["--exclude", "ti*,sched_switch"], 0),
        (["--exclude", "sched:*"], 12),
        (["--pids", "5-7", "-C", "0"], 12),
        (["--pids", "6"], 0),
        (["-s", "2"], 7),
        (["-m", "1000"], 4),
        (["-u", "1000000"], 4),
        (["-e", "5"], 5),
    ],
    ids=str,
)
def test_selection(run: Any, path: Path, words: list[str], count: int) -> None:
    out = path.parent / "out"
    assert run("split", "-i", path, "-o", out, *words) == Result(0, "", "")
    with tracecmd.open(out, strict=True) as part:
        assert len(list(part)) == count


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "FILE, and perhaps START and END, are wanted"),
        (["FILE", "1", "2", "3"], "FILE, and perhaps START and END, are wanted"),
        (["FILE", "x"], "x: not a time"),
        (["FILE", "3", "2"], "no time is from 3 to 2"),
        (["FILE", "--", "-3"], "no time is from -3"),
        (["-e", "0", "FILE"], "argument -e"),
        (["-e", "1", "-p", "1", "FILE"], "not allowed with argument -e"),
        (["-t", "FILE"], "argument -t: has to follow -B"),
        (["-b", "x", "FILE"], "argument -b: has to follow --top"),
        (["-B", "a", "-b", "x", "FILE"], "argument -b: has to follow --top"),
        (["-B", "nope", "FILE"], "no buffer is named 'nope'"),
        (["--top", "--top", "FILE"], "only one buffer can be the top one"),
        (["-C", "x", "FILE"], "-C x: not a number"),
        (["--pids", "5-99999999", "FILE"], "--pids 5-99999999"),
        (["--events", "nope", "FILE"], "no event is named 'nope'"),
        (["--where", "n = 1", "FILE"], "filter: "),
        (["--where", "nope == 1", "FILE"], "nope"),
        (["--compression", "lz4", "FILE"], "'lz4' is not none, zlib or zstd"),
        (["--file-version", "6", "--compression", "zlib", "FILE"], "version 6 has no compression"),
        (["-o", "FILE", "FILE"], "is the file that is read"),
    ],
)
def test_wrong_usage(run: Any, path: Path, words: list[str], message: str) -> None:
    before = path.read_bytes()
    found = run("split", *[str(path) if word == "FILE" else word for word in words])
    assert found[:2] == (2, "")
    assert message in found.err
    assert found.err.count("\n") == 1
    assert [each.name for each in path.parent.iterdir()] == ["trace.dat"]
    assert path.read_bytes() == before


def test_the_second_file_is_not_the_input_either(run: Any, path: Path) -> None:
    source = path.rename(path.parent / "x.0002")
    before = source.read_bytes()
    assert run("split", "-r", "-e", "5", "-o", path.parent / "x", source).code == 2
    assert source.read_bytes() == before


def test_a_latency_text(run: Any, write: Write) -> None:
    path = write(Trace(buffers=[TextBuffer("a text\n")]))
    found = run("split", path)
    assert found[:2] == (1, "")
    assert "no records" in found.err
