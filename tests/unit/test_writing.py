"""Writing files: pages made anew, and what can go wrong on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracecmd
from tracecmd.writing import Outline, OutlineBuffer, RawPages, Stream, write_file

from ..conftest import Trace, Write
from ..raw_records import raw_records
from ..writer import (
    SCHED_SWITCH,
    TICK,
    Buffer,
    Event,
    Machine,
    Padding,
    Page,
    RawOption,
    RawRecord,
    Record,
    TextBuffer,
    TimeExtend,
    TimeStamp,
    TraceId,
)

IDS = [TICK.id, SCHED_SWITCH.id, 7]  # nothing has the last
DELTA = st.one_of(st.integers(0, 1000), st.integers(0, (1 << 27) - 1))
PART = (1 << 27, 1 << 58, (1 << 59) - 1)


@st.composite
def records(draw: Any) -> Sequence[Record]:
    """Records of a page, with times that go far ahead and back."""
    made: list[Record] = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 9))
        if kind == 0:
            made += [TimeExtend(draw(st.sampled_from(PART)))] * draw(st.integers(1, 3))
        elif kind == 1:
            made.append(TimeStamp(draw(st.integers(0, (1 << 59) - 1))))
        size = draw(st.sampled_from([8, 12, 28, 112, 116, 260]))
        number = draw(st.sampled_from(IDS))
        payload = number.to_bytes(2, "little") + bytes(2) + bytes([draw(st.integers(0, 3))]) * 4
        made.append(Event(draw(DELTA), payload.ljust(size, b"\x11"), long_form=draw(st.booleans())))
    return made


@st.composite
def streams(draw: Any) -> Sequence[Page]:
    """Pages one after the other in time, mostly."""
    now = draw(st.integers(0, 1 << 62))
    pages = []
    for _ in range(draw(st.integers(1, 8))):
        lost = draw(st.sampled_from([0, 0, 0, -1, 1, 77]))
        pages.append(Page(now, draw(records()), lost=lost))
        now += draw(st.sampled_from([0, 50, 1 << 20, 1 << 40, 1 << 60]))
    return pages


@given(
    pages=streams(),
    big_endian=st.booleans(),
    events=st.sampled_from([None, "tick", "sched_switch"]),
    window=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    compression=st.sampled_from(["none", "zlib"]),
    mmap=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_part_of_any_pages(
    tmp_path_factory: pytest.TempPathFactory,
    pages: Sequence[Page],
    big_endian: bool,
    events: str | None,
    window: tuple[int, int],
    compression: str,
    mmap: bool,
) -> None:
    """Whatever steps time makes, what is written is what reading gives: times and losses, too."""
    folder = tmp_path_factory.mktemp("any")
    path = folder / "in.dat"
    machine = Machine(big_endian, 8)
    swapped = [
        Page(
            page.timestamp % (1 << 64),
            [_swap(record, machine) for record in page.records],
            lost=page.lost,
        )
        for page in pages
    ]
    made = Trace(big_endian=big_endian, buffers=[Buffer(cpus={0: swapped, 2: swapped[1:]})])
    path.write_bytes(made.write().data)
    with tracecmd.open(path, mmap=mmap) as trace:
        times = sorted(row[3] for row in raw_records(trace))
        wanted: dict[str, Any] = {"events": events}
        if times and window[0] <= window[1]:
            wanted["start"] = times[len(times) * window[0] // 100]
            wanted["end"] = times[len(times) * window[1] // 100]
        else:
            wanted["where"] = "CPU == 2"
        expected = raw_records(trace, **wanted)
        trace.write(folder / "out.dat", compression=compression, **wanted)
    with tracecmd.open(folder / "out.dat") as written:
        assert raw_records(written) == expected


def _swap(record: Record, machine: Machine) -> Record:
    """The same event's id, and nothing else, in the other byte order."""
    if isinstance(record, Event) and machine.big_endian:
        payload = bytes(record.payload)  # type: ignore[arg-type]
        return Event(record.delta, payload[1::-1] + payload[2:], record.long_form)
    return record


def ticks(count: int, step: int = 10) -> list[Record]:
    machine = Machine(False, 8)
    return [Event(step, TICK.values(pid=5, n=n).encode(machine)) for n in range(count)]


def one_cpu(write: Write, *pages: Page, **options: Any) -> Path:
    return write(Trace(buffers=[Buffer(cpus={0: list(pages)})], **options), "in.dat")


def test_pages_that_are_wanted_as_a_whole_are_copied(write: Write, tmp_path: Path) -> None:
    """Byte for byte, with what lies unused in them; only those at the edges are made anew."""
    pages = [Page(1000 * n, [*ticks(3), Padding()]) for n in range(5)]
    path = one_cpu(write, *pages)
    with tracecmd.open(path) as trace:
        trace.write(tmp_path / "out.dat", start=1020, end=3020)
    before, after = path.read_bytes(), (tmp_path / "out.dat").read_bytes()
    pages_before = [before[at : at + 4096] for at in range(0, len(before), 4096)]
    kept = [page for page in pages_before if len(page) == 4096 and page in after]
    assert [int.from_bytes(page[:8], "little") for page in kept] == [2000]
    assert after.index(kept[0]) % 4096 == 0


def test_left_out_events_are_no_losses(write: Write, tmp_path: Path) -> None:
    pages = [Page(1000, ticks(4), lost=3), Page(2000, ticks(4)), Page(3000, ticks(4), lost=-1)]
    path = one_cpu(write, *pages)
    with tracecmd.open(path) as trace:
        trace.write(tmp_path / "out.dat", where="n == 2")
        expected = [(event.ts, event.missed_events) for event in trace.iter(where="n == 2")]
    with tracecmd.open(tmp_path / "out.dat") as written:
        assert [(event.ts, event.missed_events) for event in written] == expected
        assert expected == [(1030, 3), (2030, 0), (3030, -1)]


def test_what_is_excluded(write: Write, tmp_path: Path) -> None:
    """Names and filters leave events out of what is written as of what is read."""
    switch = SCHED_SWITCH.values(pid=9).encode(Machine(False, 8))
    path = one_cpu(write, Page(1000, [*ticks(3), Event(5, switch)]))
    out = tmp_path / "folder" / "in.dat"
    with tracecmd.open(path) as trace:
        for exclude in ("ti*", tracecmd.Filter("n == 1"), ["sched:*", tracecmd.Filter("n == 0")]):
            expected = raw_records(trace, exclude=exclude)
            assert 0 < len(expected) < 4
            trace.write(tmp_path / "out.dat", exclude=exclude)
            with tracecmd.open(tmp_path / "out.dat") as written:
                assert raw_records(written) == expected
    with tracecmd.open_session(path) as session:
        session.write(out.parent, exclude="ti*")
    with tracecmd.open(out) as written:
        assert [event.ts for event in written] == [1035]


def test_a_damaged_page_keeps_what_is_whole(write: Write, tmp_path: Path) -> None:
    """Its records up to the damage are written, the fault is told; strictly it is raised."""
    bad = RawRecord((28).to_bytes(4, "little"))
    path = one_cpu(write, Page(1000, [*ticks(3), bad]), Page(2000, ticks(2)))
    with tracecmd.open(path) as trace:
        assert trace.write(tmp_path / "out.dat") == 5
        assert any("damaged" in str(problem) for problem in trace.problems)
    with tracecmd.open(tmp_path / "out.dat", strict=True) as written:
        assert [event.ts for event in written] == [1010, 1020, 1030, 2010, 2020]
    strict = tracecmd.open(path, strict=True)
    with strict, pytest.raises(tracecmd.CorruptError, match="damaged"):
        strict.write(tmp_path / "strict.dat")
    assert not (tmp_path / "strict.dat").exists()
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_damaged_texts_do_not_shift_version_6(write: Write, tmp_path: Path) -> None:
    """There is no size around a text there but its own: one that lies is mended."""
    path = one_cpu(write, Page(1000, ticks(3)))
    with tracecmd.open(path) as trace:
        outline = trace.outline()
    for number in (17, 18, 19, 20, 21):
        outline.sections[number] = outline.sections[number][:-3]
    with tracecmd.open(path) as trace:
        trace.write(tmp_path / "six.dat", version=6, outline=outline)
    with tracecmd.open(tmp_path / "six.dat") as written:
        assert [event.ts for event in written] == [1010, 1020, 1030]
        assert "sched_switch" in written.events


def test_unknown_options_stay(write: Write, tmp_path: Path) -> None:
    options = [TraceId(0x77), RawOption(200, b"what is this"), RawOption(201, b"")]
    path = one_cpu(write, Page(1, ticks(1)), options=options)
    with tracecmd.open(path) as trace:
        trace.write(tmp_path / "six.dat", version=6)
    with tracecmd.open(tmp_path / "six.dat") as six:
        six.write(tmp_path / "seven.dat", version=7, compression="zstd")
    with tracecmd.open(tmp_path / "seven.dat") as seven:
        assert seven.trace_id == 0x77
        assert seven.outline().payloads(200) == [b"what is this"]
        assert seven.outline().payloads(201) == [b""]


def test_an_outline_is_changed(write: Write, tmp_path: Path) -> None:
    path = one_cpu(write, Page(1, ticks(1)), options=[TraceId(0x77), RawOption(200, b"a")])
    with tracecmd.open(path) as trace:
        outline = trace.outline()
        outline.set(11, (0x99).to_bytes(8, "little"))
        outline.drop(200)
        outline.add(5, b"Linux made 6.12 x86_64\0")
        outline.sections[21] = (5).to_bytes(8, "little") + b"5 tom"
        trace.write(tmp_path / "out.dat", outline=outline)
    with tracecmd.open(tmp_path / "out.dat") as written:
        assert written.trace_id == 0x99
        assert written.outline().payloads(200) == []
        assert written.uname == "Linux made 6.12 x86_64"
        assert next(iter(written)).comm == "tom"


def test_the_outline_stays_the_callers(write: Write, tmp_path: Path) -> None:
    """Buffers that are not written stay in it; others than the file's are refused, not dropped."""
    pages = {0: [Page(1, ticks(1))]}
    path = write(Trace(buffers=[Buffer(cpus=pages), Buffer("two", cpus=pages)]), "in.dat")
    with tracecmd.open(path) as trace:
        outline = trace.outline()
        before = list(outline.buffers)
        for name in ("", "two"):
            assert trace.write(tmp_path / "out.dat", buffers=name, outline=outline) == 1
            assert outline.buffers == before
        for buffers in (before[:1], [before[0], before[1]._replace(name="three")]):
            outline.buffers = buffers
            with pytest.raises(ValueError, match="not those of the file"):
                trace.write(tmp_path / "out.dat", outline=outline)


def test_a_file_of_nothing_but_an_outline(tmp_path: Path) -> None:
    """Made without any recording, with pages from elsewhere."""
    page = (1000).to_bytes(8, "little") + (0).to_bytes(8, "little")
    outline = Outline(cpus=2)
    outline.buffers.append(OutlineBuffer("", "mono", 4096))
    header = (
        b"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
        b"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
        b"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n"
    )
    outline.sections[16] = (
        b"header_page\0" + len(header).to_bytes(8, "little") + header
        + b"header_event\0" + bytes(8)
    )  # fmt: skip
    pages = RawPages(4096, [page.ljust(4096, b"\0")] * 3)
    write_file(tmp_path / "out.dat", outline, [Stream(0, 1, pages)], compression="zlib")
    with tracecmd.open(tmp_path / "out.dat") as written:
        assert (written.cpus, written.clock, written.compression) == (2, "mono", "zlib")
        assert list(written) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 5}, "version=5; it is a number from 6 to 7"),
        ({"compression": "lz4"}, "none, zlib"),
        ({"compression": "zstd:x"}, "a level is a whole number"),
        ({"compression": "zstd:99"}, "no level 99"),
        ({"compression": "zlib:-1"}, "no level -1"),
        ({"compression": "none:1"}, "none, zlib"),
        ({"version": 6, "compression": "zlib"}, "version 6 has no compression"),
        ({"threads": 0}, "threads=0"),
        ({"start": "x"}, "start='x'"),
    ],
)
def test_what_cannot_be(
    write: Write, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = one_cpu(write, Page(1, ticks(1)))
    with tracecmd.open(path) as trace, pytest.raises((ValueError, TypeError)) as caught:
        trace.write(tmp_path / "out.dat", **options)
    assert message in str(caught.value)
    assert not (tmp_path / "out.dat").exists()


def test_not_over_itself(write: Write, tmp_path: Path) -> None:
    path = one_cpu(write, Page(1, ticks(1)))
    before = path.read_bytes()
    (tmp_path / "link.dat").symlink_to(path)
    with tracecmd.open(path) as trace:
        for same in (path, tmp_path / "link.dat"):
            with pytest.raises(ValueError, match="is the file that is read"):
                trace.write(same)
    assert path.read_bytes() == before


def test_texts_of_instances_do_not_go_into_version_6(write: Write, tmp_path: Path) -> None:
    path = write(Trace(buffers=[TextBuffer("a text\n"), TextBuffer("another\n", "two")]), "in.dat")
    with tracecmd.open(path) as trace:
        for compression in ("none", "zstd"):
            trace.write(tmp_path / "out.dat", compression=compression)
            with tracecmd.open(tmp_path / "out.dat") as written:
                assert [buffer.text() for buffer in written.buffers] == ["a text\n", "another\n"]
        with pytest.raises(tracecmd.UnsupportedError, match="version 6"):
            trace.write(tmp_path / "six.dat", version=6, compression="none")
    assert not (tmp_path / "six.dat").exists()


def test_progress_and_giving_up(write: Write, tmp_path: Path) -> None:
    """Progress rises to all of it; what it raises ends the writing, and leaves no file."""
    path = one_cpu(write, *[Page(1000 * n, ticks(100)) for n in range(1000)])
    seen: list[tuple[int, int]] = []

    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with tracecmd.open(path) as trace:
        trace.write(tmp_path / "out.dat", compression="zlib",
                    progress=lambda done, total: seen.append((done, total)))  # fmt: skip
        assert seen == sorted(seen)
        assert seen[-1][0] == 1000
        with pytest.raises(KeyboardInterrupt):
            trace.write(tmp_path / "none.dat", threads=3, progress=give_up, compression="zlib")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.dat", "out.dat"]


@pytest.mark.parametrize("mmap", [True, False])
def test_a_file_that_shrinks(write: Write, tmp_path: Path, mmap: bool) -> None:
    """Before a call, and between two of them: the error says so, and nothing is left."""
    size = 4096 * 6000
    for at_once in (True, False):
        path = one_cpu(write, *[Page(1000 * n, ticks(1)) for n in range(6000)])
        with tracecmd.open(path, mmap=mmap) as trace:
            trace.outline()
            next(iter(trace))

            def cut(done: int, total: int, path: Path = path) -> None:
                os.truncate(path, size // 2 if done < 5000 else size // 4)

            if at_once:
                os.truncate(path, size // 2)
            with pytest.raises(tracecmd.TruncatedError):
                trace.write(tmp_path / "out.dat", progress=None if at_once else cut)
        assert [each.name for each in tmp_path.iterdir()] == ["in.dat"]


SCRIPT = """
import resource, sys, tracecmd
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tracecmd.open(sys.argv[1]).write(sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_disk_that_is_full(write: Write, tmp_path: Path) -> None:
    path = one_cpu(write, *[Page(1000 * n, ticks(100)) for n in range(100)])
    out = tmp_path / "out.dat"
    out.write_bytes(b"what was there before")
    for limit in (10, 5000, 100_000):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, path, out, str(limit)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "OSError" in done.stderr
    assert out.read_bytes() == b"what was there before"
    assert len(os.listdir(tmp_path)) == 2
