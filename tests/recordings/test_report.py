"""Reports of all recordings, byte for byte those of the reference (trace-cmd 3.4).

Where they are not, the difference is one of docs/report-differences.md, and asserted to be exactly
that.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .. import compiler
from . import corpus

FLAGS = {"report": 0, "reportN": 8, "reportR": 1 | 2}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = compiler.ROOT / "tests" / "c" / "report_core.c"
    return compiler.compile_with_core(
        tmp_path_factory.mktemp("report") / "report_core", source, "-O2"
    )


def write(program: Path, flags: int, *paths: Path, stretches: int = 1) -> bytes:
    command: list[str | Path] = [program, str(flags), str(stretches), *paths]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


LAZY = {
    "v7-timerlat.dat": re.compile(rb"^(.{16,}\] d)\.(?=h\.\. +214\.5995(77|85):)", re.MULTILINE)
}
"""Where trace-cmd before 3.4, whose text that is, did not know of lazy rescheduling yet."""


def reference(path: Path, kind: str) -> bytes | None:
    text = corpus.oracle_bytes(path, kind)
    if text is not None and path.name in LAZY and kind != "reportR":
        text = LAZY[path.name].sub(rb"\1L", text)
    return text


def first_difference(ours: bytes, theirs: bytes) -> str:
    lines = zip(ours.split(b"\n"), theirs.split(b"\n"), strict=False)
    for number, (our, their) in enumerate(lines, 1):
        if our != their:
            return f"line {number}:\nours   {our!r}\ntheirs {their!r}"
    return f"{len(ours)} bytes, the reference {len(theirs)}"


def assert_same(ours: bytes, theirs: bytes) -> None:
    if ours != theirs:
        pytest.fail(first_difference(ours, theirs), pytrace=False)


def with_bytes_behind_the_record(ours: bytes) -> re.Pattern[bytes]:
    """Match what the reference makes of "name=", an empty text at the very end of a record.

    It prints the bytes behind, whatever they are, up to a zero byte.
    """
    pieces = [re.escape(piece) for piece in re.split(rb"(?<=name=)(?=[ \n])", ours)]
    return re.compile(rb"[^\0]{0,64}?".join(pieces), re.DOTALL)


def assert_same_but_for_ends(ours: bytes, theirs: bytes, ending: re.Pattern[bytes]) -> None:
    """Some bytes behind, up to a zero byte, may follow our lines that end in such a text."""
    place = behind = 0
    lines = ours.splitlines(keepends=True)
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        assert theirs.startswith(line[:-1], place), first_difference(line, theirs[place:])
        place += len(line) - 1
        if ending.search(line) and not theirs.startswith(b"\n" + following, place):
            end = theirs.index(b"\n" + following, place)
            assert end - place < 64
            assert b"\0" not in theirs[place:end]
            place = end
            behind += 1
        assert theirs.startswith(b"\n", place)
        place += 1
    assert behind
    assert place == len(theirs)


BUFFER = re.compile(rb"__buf_val=[^\n]+\n\Z")
"""What a system call wrote is a text without a zero byte, at the end of the record."""


def cut_stacks(theirs: bytes, ours: bytes) -> bytes:
    """Cut the reference's kernel_stack lines where the record, and so our line, ends."""
    lines = []
    for their, our in zip(theirs.split(b"\n"), ours.split(b"\n"), strict=True):
        if b"kernel_stack:" in our and their.startswith(our[:-1] + b", "):
            lines.append(our)
        else:
            lines.append(their)
    return b"\n".join(lines)


@pytest.mark.parametrize("kind", FLAGS)
@pytest.mark.parametrize("path", corpus.SINGLE, ids=corpus.name_of)
def test_single_file(program: Path, path: Path, kind: str) -> None:
    theirs = reference(path, kind)
    if theirs is None:
        pytest.skip("no text of the reference")
    ours = write(program, FLAGS[kind], path)
    if path.name == "s390x-tc331-broken-marker.dat":
        assert theirs == b""
        repaired = reference(path.with_name("s390x-tc331-repaired-marker.dat"), kind)
        assert repaired is not None
        theirs = repaired
    elif path.name == "v6-cut.dat":
        assert b" [001]" not in theirs
        ours = b"".join(s for s in ours.splitlines(keepends=True) if b" [001]" not in s)
    elif path.name == "v7n-cut.dat":
        assert theirs == b"cpus=2\n"
        ours = ours[: ours.index(b"\n") + 1]
    elif kind == "reportR" and path.name in (
        "v7-kprobes.dat",
        "s390x-k72-kprobe.dat",
        "s390x-tc331-kprobe-none.dat",
    ):
        assert ours != theirs
        assert with_bytes_behind_the_record(ours).fullmatch(theirs)
        return
    elif kind == "reportR" and path.name == "v7-k72-lost.dat":
        assert_same_but_for_ends(ours, theirs, BUFFER)
        return
    elif kind == "reportR" and path.name in ("v7-stack.dat", "v7-k72-stack.dat"):
        assert ours != theirs
        theirs = cut_stacks(theirs, ours)
    assert_same(ours, theirs)


def files_of(session: Path) -> list[Path]:
    host = session / "trace.dat"
    return [host, *sorted(p for p in session.glob("*.dat") if p != host)]


@pytest.mark.parametrize("kind", ["report", "reportR"])
@pytest.mark.parametrize("session", corpus.SESSIONS, ids=lambda p: p.name)
def test_session(program: Path, session: Path, kind: str) -> None:
    theirs = corpus.read_bytes(session / f"session.{kind}.txt")
    if theirs is None:
        pytest.skip("no text of the reference")
    ours = write(program, FLAGS[kind], *files_of(session))
    if theirs.endswith(b"# exit 255\n"):  # the reference gives up on guests without vCPUs
        start = theirs.removesuffix(b"# exit 255\n")
        assert ours.startswith(start)
        assert len(ours) > len(start)
        return
    assert_same(ours, theirs)


@pytest.mark.parametrize("kind", FLAGS)
@pytest.mark.parametrize("path", corpus.SHORT[::2], ids=corpus.name_of)
def test_stretches_join_to_the_same(program: Path, path: Path, kind: str) -> None:
    whole = write(program, FLAGS[kind], path)
    times = [float(t) for t in re.findall(rb"^.{20,60}? +(\d+\.\d+): ", whole, re.MULTILINE)]
    if times != sorted(times):
        pytest.skip("time steps back in it: cut by time, it is put into another order")
    assert_same(write(program, FLAGS[kind], path, stretches=7), whole)
