"""Recordings written anew, whole and in part, in every format, and read again."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.writing import Outline

from ..raw_records import raw_records
from . import corpus, reference

FORMATS = [(6, "none"), (7, "none"), (7, "zlib"), (7, "zstd:1")]
IN_VERSION_7_ONLY = (23, 25)  # BTF_FILE, MODULES_FILE


def open_sound(path: Path) -> tracecmd.Trace:
    try:
        trace = tracecmd.open(path)
        next(iter(trace), None)
    except tracecmd.TraceError as error:
        pytest.skip(f"cannot be read: {error}")
    return trace


def assert_same_outline(new: Outline, old: Outline, version: int) -> None:
    sections = dict(old.sections)
    if version == 6:
        for number in IN_VERSION_7_ONLY:
            sections.pop(number, None)
    assert new.sections.keys() >= sections.keys()
    assert {number: new.sections[number] for number in sections} == sections
    assert new.options == old.options
    assert (new.byteorder, new.long_size, new.page_size, new.cpus) == (
        old.byteorder, old.long_size, old.page_size, old.cpus
    )  # fmt: skip
    for buffer, before in zip(new.buffers, old.buffers, strict=True):
        # Version 6 has no place for a clock beside a text.
        clock = before.clock if version == 7 or before.text is None else buffer.clock
        assert buffer == before._replace(clock=clock, cpu_count=buffer.cpu_count)


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_a_whole_file_in_every_format(path: Path, tmp_path: Path) -> None:
    """Records, options, sections and buffers stay, whatever the version and the compression."""
    with open_sound(path) as trace:
        before, outline = raw_records(trace), trace.outline()
        formats = FORMATS if path.is_relative_to(corpus.DATA) else FORMATS[-1:]
        for version, compression in formats:
            new = tmp_path / f"{version}-{compression}.dat"
            count = trace.write(new, version=version, compression=compression, threads=2)
            with tracecmd.open(new, strict=not trace.problems) as written:
                assert raw_records(written) == before
                assert count == len(before)
                assert (written.version, written.compression) in [
                    (version, compression.split(":")[0]),
                    (version, "zstd"),  # sections that nothing but a compressed file may have
                ]
                assert_same_outline(written.outline(), outline, version)


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_parts(path: Path, tmp_path: Path) -> None:
    """A part by time, CPU, event, task and filter is what reading that part gives."""
    new = tmp_path / "part.dat"
    with open_sound(path) as trace:
        rows = raw_records(trace)
        if len(rows) < 8:
            pytest.skip("few records")
        names = {event.id: f"{event.system}:{event.name}" for event in trace.events.values()}
        often = Counter(row[4] for row in rows).most_common(2)
        first, second = rows[len(rows) // 4][3], rows[len(rows) // 2][3]
        pid = next(trace.iter(start=second)).pid
        parts: list[dict[str, Any]] = [
            {"start": first, "end": second},
            {"end": rows[1][3]},
            {"cpus": rows[len(rows) // 3][2]},
            {"pids": pid, "start": first},
            {"events": [names[number] for number, _ in often if number in names][:1] or None},
            {"where": "CPU > 0", "end": second},
            {"buffers": [rows[-1][1]]},
        ]
        for part in parts if path.is_relative_to(corpus.DATA) else parts[:1]:
            expected = raw_records(trace, **part)
            assert trace.write(new, compression="none", **part) == len(expected), part
            with tracecmd.open(new, strict=not trace.problems) as written:
                assert raw_records(written) == expected, part
                assert written.buffers[0].name == ""


@pytest.mark.parametrize("path", corpus.SINGLE, ids=corpus.name_of)
def test_writing_again_changes_nothing(path: Path, tmp_path: Path) -> None:
    """What this writer wrote it copies byte for byte: there and back is the same file."""
    if not path.is_relative_to(corpus.DATA):
        pytest.skip("those in the tree will do")
    with open_sound(path) as trace:
        trace.write(tmp_path / "first.dat", version=7, compression="none")
    with tracecmd.open(tmp_path / "first.dat") as first:
        first.write(tmp_path / "packed.dat", version=7, compression="zstd")
    with tracecmd.open(tmp_path / "packed.dat") as packed:
        packed.write(tmp_path / "second.dat", version=7, compression="none")
    assert (tmp_path / "second.dat").read_bytes() == (tmp_path / "first.dat").read_bytes()


def trace_cmd(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    done = reference.trace_cmd(*arguments)
    if done is None:
        pytest.skip("no trace-cmd here")
    return done


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_trace_cmd_reads_it(path: Path, tmp_path: Path) -> None:
    """Of what is written trace-cmd says just what it says of the original."""
    if not path.is_relative_to(corpus.DATA):
        pytest.skip("those in the tree will do")
    report = ["report", "-R", "-t", "-i"]
    known = b"none" + trace_cmd("list", "-c").stdout  # Debian 12's has no zlib
    before = trace_cmd(*report, path)
    if before.returncode or path.name == "s390x-tc331-broken-marker.dat":
        pytest.skip("trace-cmd cannot read the original")
    with open_sound(path) as trace:
        for version, compression in FORMATS:
            if compression.split(":")[0].encode() not in known:
                continue
            new = tmp_path / "new.dat"
            trace.write(new, version=version, compression=compression)
            after = trace_cmd(*report, new)
            assert (after.returncode, after.stdout) == (before.returncode, before.stdout)
            valid = trace_cmd("dump", "--validate", "-i", new)
            assert valid.returncode == 0, valid.stderr


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_sessions(folder: Path, tmp_path: Path) -> None:
    """Cut to one window on one clock, the files are a session still."""
    with tracecmd.open_session(folder) as session:
        start, length = session.start, session.duration
        assert start is not None
        assert length is not None
        window = {"start": start + length // 4, "end": start + length // 2}
        written = session.write(tmp_path / "new", **window)
        assert [file.name for file in written] == [
            Path(peer.trace.path).name for peer in session.peers
        ]
        expected = raw_records(session, **window)
        assert sum(written.values()) == len(expected)
        with tracecmd.open_session(tmp_path / "new") as new:
            assert raw_records(new) == expected
            assert new.vcpus == session.vcpus
            assert new.notes == session.notes
            for peer, before in zip(new.peers, session.peers, strict=True):
                assert (peer.name, peer.role) == (before.name, before.role)
                assert peer.trace.trace_id == before.trace.trace_id
                assert peer.trace.time_shift == before.trace.time_shift
