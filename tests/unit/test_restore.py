"""What a killed recorder left, put together: files of CPUs with a head, or a tracing directory."""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.writing import restore as restoring

from .. import writer
from ..conftest import Trace
from ..raw_records import Row, raw_records
from ..recordings import reference
from ..writer import Buffer, Event, Machine, Page, Record, TraceClock, TraceId
from .conftest import Result, spawn

PAGE = 4096


def ticks(first: int, count: int, machine: Machine, size: int = 0) -> list[Record]:
    payload = [writer.TICK.values(pid=5, n=first + n).encode(machine) for n in range(count)]
    return [Event(7, each.ljust(size, b"\0")) for each in payload]


class Left:
    """What was left behind: files of CPUs, a head, and the kernel's tracing directory."""

    def __init__(self, folder: Path, **kinds: Any) -> None:
        self.folder = folder
        self.machine = Machine(kinds.get("big_endian", False), kinds.get("long_size", 8))
        pages = {
            cpu: [
                Page(1000 * n + cpu, ticks(10 * n, 40, self.machine), lost=(0, 5, -1)[n % 3])
                for n in range(6)
            ]
            for cpu in (0, 1, 3)
        }
        self.whole = Trace(buffers=[Buffer(cpus=pages)], **{**kinds, "compression": "none"})
        self.head = folder / "head.dat"
        self.head.write_bytes(Trace(**kinds).write().data)
        self.cpus: dict[int, Path] = {}
        written = folder / "whole.dat"
        written.write_bytes(self.whole.write().data)
        with tracecmd.open(written) as trace:
            self.rows = raw_records(trace)
            data = written.read_bytes()
            for area in trace.buffers[0].cpus:
                self.cpus[area.cpu] = folder / f"killed.dat.cpu{area.cpu}"
                self.cpus[area.cpu].write_bytes(data[area.offset : area.offset + area.size])

    def of(self, *cpus: int) -> list[Row]:
        return [row for row in self.rows if row[2] in cpus]

    def tracing(self) -> tuple[Path, Path]:
        """A tracing directory, and the kernel's symbols."""
        root = self.folder / "tracing"
        with tracecmd.open(self.head) as trace:
            texts = {
                "events/header_page": trace.header_page,
                "events/header_event": trace.header_event,
                "events/enable": "X\n",
                "events/sched/enable": "X\n",
                "events/sched/filter": "none\n",
                "printk_formats": trace.printk_formats,
                "saved_cmdlines": trace.saved_cmdlines,
                "trace_clock": "local [mono] boot\n",
                "kallsyms": trace.kallsyms,
            }
            for form in trace.event_formats:
                name = form.text.partition("\n")[0].removeprefix("name: ")
                texts[f"events/{form.system}/{name}/format"] = form.text
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root, root / "kallsyms"


@pytest.fixture
def left(tmp_path: Path) -> Left:
    folder = tmp_path / "left"
    folder.mkdir()
    return Left(folder)


def read(path: Path) -> list[Row]:
    with tracecmd.open(path, strict=True) as trace:
        return raw_records(trace)


@pytest.mark.parametrize(
    "kinds",
    [
        {},
        {"version": 6},
        {"compression": "zstd"},
        {"big_endian": True},
        {"big_endian": True, "version": 6},
        {"long_size": 4},
    ],
    ids=str,
)
def test_with_a_head(tmp_path: Path, kinds: dict[str, Any]) -> None:
    """All records with their losses; and the new file is laid out as the head is."""
    left = Left(tmp_path, **kinds)
    out = tmp_path / "out.dat"
    restored = tracecmd.restore(left.cpus.values(), out, head=left.head)
    assert restored == (len(left.rows), ())
    assert read(out) == left.rows
    with tracecmd.open(out) as trace, tracecmd.open(left.head) as head:
        assert (trace.version, trace.compression) == (head.version, head.compression)
        assert (trace.cpus, trace.byteorder) == (4, head.byteorder)
        assert trace.saved_cmdlines == head.saved_cmdlines


@pytest.mark.parametrize(("version", "compression"), [(6, None), (7, "zlib"), (7, "zstd:1")])
def test_in_another_form(left: Left, tmp_path: Path, version: int, compression: str | None) -> None:
    out = tmp_path / "out.dat"
    tracecmd.restore(left.cpus.values(), out, head=left.head, version=version,
                     compression=compression, threads=2)  # fmt: skip
    assert read(out) == left.rows
    with tracecmd.open(out) as trace:
        assert (trace.version, trace.compression) == (
            version, (compression or "none").partition(":")[0]
        )  # fmt: skip


def test_with_a_tracing_directory(left: Left, tmp_path: Path) -> None:
    """Straight from there, or by way of a head made of it."""
    tracing, kallsyms = left.tracing()
    tracecmd.write_head(tmp_path / "made.dat", tracing=tracing, kallsyms=kallsyms)
    with tracecmd.open(tmp_path / "made.dat") as made, tracecmd.open(left.head) as head:
        for name in ("header_page", "header_event", "kallsyms", "printk_formats", "saved_cmdlines"):
            assert getattr(made, name) == getattr(head, name)
        assert sorted(made.event_formats) == sorted(head.event_formats)
        assert (made.page_size, made.long_size) == (head.page_size, head.long_size)
        assert made.trace_clock == "local [mono] boot\n"
    for origin in ({"head": tmp_path / "made.dat"}, {"tracing": tracing, "kallsyms": kallsyms}):
        tracecmd.restore(left.cpus.values(), tmp_path / "out.dat", **origin)
        assert read(tmp_path / "out.dat") == left.rows
        with tracecmd.open(tmp_path / "out.dat") as trace:
            assert trace.clock == "mono"


@pytest.mark.parametrize(
    "gone",
    [
        "printk_formats",
        "saved_cmdlines",
        "trace_clock",
        "events/ftrace/print/format",
        "events/enable",
    ],
)
def test_what_the_directory_may_lack(left: Left, tmp_path: Path, gone: str) -> None:
    tracing, kallsyms = left.tracing()
    (tracing / gone).unlink()
    tracecmd.restore(left.cpus.values(), tmp_path / "out", tracing=tracing, kallsyms=kallsyms)
    assert read(tmp_path / "out") == left.rows


@pytest.mark.parametrize("gone", ["events/header_page", "events/header_event", "kallsyms"])
def test_what_it_may_not(left: Left, tmp_path: Path, gone: str) -> None:
    tracing, kallsyms = left.tracing()
    (tracing / gone).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        tracecmd.write_head(tmp_path / "made.dat", tracing=tracing, kallsyms=kallsyms)
    assert gone in str(caught.value)
    (tracing / "events" / "header_page").write_text("nothing of the kind")
    (tracing / "events" / "header_event").write_text("")
    with pytest.raises(tracecmd.CorruptError, match="header_page"):
        tracecmd.write_head(tmp_path / "made.dat", tracing=tracing, kallsyms=kallsyms)
    assert not (tmp_path / "made.dat").exists()


def test_a_head_that_is_a_recording(left: Left, tmp_path: Path) -> None:
    """Its formats and options serve, its records are not taken over."""
    options = [TraceId(7), TraceClock("[mono] local")]
    whole = Trace(options=options, buffers=[*left.whole.buffers, Buffer("a")], clock="mono")
    left.head.write_bytes(whole.write().data)
    tracecmd.restore([left.cpus[1]], tmp_path / "out", head=left.head)
    assert read(tmp_path / "out") == left.of(1)
    with tracecmd.open(tmp_path / "out") as trace:
        assert (trace.trace_id, trace.clock, len(trace.buffers)) == (7, "mono", 1)


# Which CPU a file is of ------------------------------------------------------------------------


def test_names_say_the_cpu(left: Left, tmp_path: Path) -> None:
    """Trace-cmd goes by the order alone, and mixes CPUs up: cpu1, cpu10, cpu11, cpu2 ..."""
    files = [left.cpus[3], left.cpus[0], left.cpus[1]]
    tracecmd.restore(files, tmp_path / "out", head=left.head)
    assert read(tmp_path / "out") == left.rows


def test_else_the_order_says_it(left: Left, tmp_path: Path) -> None:
    other = left.cpus[3].rename(left.folder / "some pages")
    tracecmd.restore([left.cpus[1], other], tmp_path / "out", head=left.head)
    expected = [(*row[:2], {1: 0, 3: 1}[row[2]], *row[3:]) for row in left.of(1, 3)]
    assert read(tmp_path / "out") == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "there are none"),
        (["a.cpu1", "b.cpu1"], "two are of one CPU"),
        (["a.cpu1", "b.cpu01"], "two are of one CPU"),
        (["a.cpu65536"], "no CPU has the number 65536"),
    ],
)
def test_names_that_cannot_be(left: Left, tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tracecmd.restore(names, tmp_path / "out", head=left.head)


# What is damaged -------------------------------------------------------------------------------


def test_a_last_page_that_is_cut_short(left: Left, tmp_path: Path) -> None:
    """Of it is kept what is whole; no record is made up, and the reader finds no fault."""
    path, out = left.cpus[0], tmp_path / "out"
    data, rows = path.read_bytes(), left.of(0)
    lengths = []
    for end in [*range(len(data) - PAGE, len(data) - PAGE + 900, 7), len(data) - 1]:
        path.write_bytes(data[:end])
        restored = tracecmd.restore([path], out, head=left.head)
        found = read(out)
        assert found == rows[: len(found)]
        assert restored.records == len(found)
        assert bool(restored.problems) == (end % PAGE != 0)
        for problem in restored.problems[:1]:
            assert isinstance(problem, tracecmd.TruncatedError)
            assert (problem.path, problem.offset) == (str(path), len(data) - PAGE)
        lengths.append(len(found))
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (len(rows) - 40, len(rows))


def test_pages_of_garbage(left: Left, tmp_path: Path) -> None:
    """All other pages are there; the fault is told, with strict=True it is raised."""
    path, out = left.cpus[1], tmp_path / "out"
    data = bytearray(path.read_bytes())
    data[2 * PAGE : 3 * PAGE] = b"\xa5" * PAGE
    path.write_bytes(data)
    restored = tracecmd.restore(left.cpus.values(), out, head=left.head)
    expected = [row for row in left.rows if row[2] != 1 or not 2000 <= row[3] < 3000]
    assert read(out) == expected
    assert restored.records == len(expected)
    assert [str(problem) for problem in restored.problems] == [
        f"{out}: sub-buffer 2 of CPU 1: its header is damaged"
    ]
    out.unlink()
    with pytest.raises(tracecmd.CorruptError, match="sub-buffer 2"):
        tracecmd.restore(left.cpus.values(), out, head=left.head, strict=True)
    assert sorted(tmp_path.iterdir()) == [left.folder]


def test_any_bytes(left: Left, tmp_path: Path) -> None:
    """Whatever is in the files, what comes out can be read strictly."""
    chance = random.Random(5)
    path = left.cpus[0]
    data = path.read_bytes()
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 3, 20))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken[: chance.choice((len(data), chance.randrange(len(data))))])
        restored = tracecmd.restore([path], tmp_path / "out", head=left.head)
        assert len(read(tmp_path / "out")) == restored.records
    path.write_bytes(b"")
    assert tracecmd.restore([path], tmp_path / "out", head=left.head) == (0, ())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["left", "out"]


def test_heads_that_are_cut(left: Left, tmp_path: Path) -> None:
    """A file, or an error that says why not, and then no file."""
    data = left.head.read_bytes()
    for end in range(0, len(data), 331):
        left.head.write_bytes(data[:end])
        try:
            tracecmd.restore([left.cpus[0]], tmp_path / "out", head=left.head)
        except (tracecmd.TraceError, ValueError):
            assert sorted(tmp_path.iterdir()) == [left.folder]
        else:
            (tmp_path / "out").unlink()


# Reading only ----------------------------------------------------------------------------------


def test_open_raw(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files as a trace, of which nothing stays behind."""
    temporary = left.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(restoring.tempfile, "tempdir", str(temporary))
    data = left.cpus[0].read_bytes()
    left.cpus[0].write_bytes(data[:-10])
    with tracecmd.open_raw(left.cpus.values(), head=left.head) as trace:
        assert raw_records(trace) == left.rows
        assert any("cut short" in str(problem) for problem in trace.problems)
    del trace
    gc.collect()
    assert list(temporary.iterdir()) == []
    with pytest.raises(tracecmd.TruncatedError):
        tracecmd.open_raw(left.cpus.values(), head=left.head, strict=True)
    with pytest.raises(FileNotFoundError):
        tracecmd.open_raw(["nothing"], head=left.head)
    assert list(temporary.iterdir()) == []


# Beside trace-cmd ------------------------------------------------------------------------------


def test_as_trace_cmd(left: Left, tmp_path: Path) -> None:
    """The same records as of its file, and the same report of its own over both."""
    files = [left.cpus[0], left.cpus[1]]
    ours, theirs = tmp_path / "ours.dat", tmp_path / "theirs.dat"
    done = reference.trace_cmd("restore", "-i", left.head, "-o", theirs, *files)
    if done is None or not theirs.exists():
        pytest.skip("no trace-cmd here")
    tracecmd.restore(files, ours, head=left.head)
    assert read(ours) == read(theirs) == left.of(0, 1)
    reports = [reference.trace_cmd("report", "-R", "-t", "-i", path) for path in (ours, theirs)]
    assert reports[0] is not None
    assert reports[1] is not None
    assert reports[0].returncode == reports[1].returncode == 0
    assert reports[0].stdout == reports[1].stdout


def test_a_head_as_trace_cmd_s(left: Left, tmp_path: Path) -> None:
    tracing, kallsyms = left.tracing()
    theirs = tmp_path / "theirs.dat"
    done = reference.trace_cmd("restore", "-c", "-t", tracing, "-k", kallsyms, "-o", theirs)
    if done is None or not theirs.exists():
        pytest.skip("no trace-cmd here")
    tracecmd.write_head(tmp_path / "ours.dat", tracing=tracing, kallsyms=kallsyms)
    with tracecmd.open(tmp_path / "ours.dat") as ours, tracecmd.open(theirs) as other:
        for number in (16, 19, 20, 21):
            assert ours.outline().sections[number] == other.outline().sections[number]
        assert sorted(ours.event_formats) == sorted(other.event_formats)


# The command -----------------------------------------------------------------------------------


def test_command(run: Any, left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tracing, kallsyms = left.tracing()
    assert run("restore", "-c", "-t", tracing, "-k", kallsyms) == Result(0, "", "")
    assert run("restore", "-i", "trace-partial.dat", *left.cpus.values()) == Result(0, "", "")
    assert read(Path("trace.dat")) == left.rows
    with left.cpus[0].open("ab") as file:
        file.write(b"more")
    words = ["restore", "-q", "-t", tracing, "-k", kallsyms, "-o", "o", "--compression", "any"]
    found = run(*words, left.cpus[0])
    assert found[:2] == (0, "")
    assert "the last one is cut short" in found.err
    assert read(Path("o")) == left.of(0)
    os.unlink("o")
    found = run(*words, "--strict", left.cpus[0])
    assert found[:2] == (1, "")
    assert not Path("o").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the files of CPUs are wanted"),
        (["-c", "x.cpu0"], "-c takes no CPU files"),
        (["-i", "h", "-c"], "-i is the head itself"),
        (["-i", "h", "-t", "d", "x.cpu0"], "-i is the head itself"),
        (
            ["--file-version", "6", "--compression", "zstd", "x.cpu0"],
            "version 6 has no compression",
        ),
        (["-i", "HEAD", "-o", "HEAD", "CPU"], "is the file that is read"),
        (["-i", "HEAD", "-o", "CPU", "CPU"], "is the file that is read"),
        (["-i", "HEAD", "CPU", "CPU"], "two are of one CPU"),
    ],
)
def test_wrong_usage(run: Any, left: Left, words: list[str], message: str) -> None:
    names = {"HEAD": str(left.head), "CPU": str(left.cpus[0])}
    before = {path: path.read_bytes() for path in left.folder.iterdir()}
    found = run("restore", *[names.get(word, word) for word in words])
    assert found[:2] == (2, "")
    assert message in found.err
    assert {path: path.read_bytes() for path in left.folder.iterdir()} == before


def test_files_that_are_not_there(left: Left) -> None:
    for words in (["-i", "nothing", "a.cpu0"], ["-i", left.head, "nothing.cpu0"],
                  ["-c", "-t", "nothing"]):  # fmt: skip
        done = spawn("restore", *words, cwd=left.folder)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert b"nothing" in done.stderr
