"""The commands that write files: convert, and what all of them do when something comes between.

A file is there as a whole or not at all: after a signal, on a full disk, from a damaged input.
"""

from __future__ import annotations

import dataclasses
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..raw_records import raw_records
from ..recordings import corpus
from ..writer import Buffer, Encoder, Page, RawOption, TextBuffer
from .conftest import COMMAND, KVM_SMALL, Result
from .test_attach import guest_of, host_of
from .test_split import MACHINE, ticks

# convert ------------------------------------------------------------------------------------------


@pytest.fixture
def path(write: Write) -> Path:
    pages = [Page(1000 * n, ticks(0, 5, 5), lost=n % 3) for n in range(1, 5)]
    return write(Trace(options=[RawOption(99, b"kept")], buffers=[Buffer(cpus={0: pages})]))


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ([], (7, "zstd")),
        (["--compression", "any"], (7, "zstd")),
        (["--compression", "zlib"], (7, "zlib")),
        (["--compression", "zstd:19", "--threads", "2"], (7, "zstd")),
        (["--compression", "none"], (7, "none")),
        (["--file-version", "6"], (6, "none")),
        (["--file-version", "6", "--compression", "none"], (6, "none")),
        (["--file-version", "7"], (7, "zstd")),
    ],
    ids=str,
)
def test_convert(run: Any, path: Path, words: list[str], form: tuple[int, str]) -> None:
    out = path.parent / "out"
    assert run("convert", *words, "-i", path, "-o", out) == Result(0, "", "")
    with tracecmd.open(path) as before, tracecmd.open(out, strict=True) as after:
        assert (after.version, after.compression) == form
        assert raw_records(after) == raw_records(before)
        assert after.outline().payloads(99) == [b"kept"]


def test_convert_by_position(run: Any, path: Path) -> None:
    """Names that -i and -o do not give come in their order."""
    one, two, three = (path.parent / name for name in ("one", "two", "three"))
    assert run("convert", path, one).code == 0
    assert run("convert", "-i", path, two).code == 0
    assert run("convert", "-o", three, path).code == 0
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()


def test_convert_texts(run: Any, write: Write) -> None:
    """A latency tracer's text goes through all versions."""
    path = write(Trace(buffers=[TextBuffer("a text\n")]))
    six, seven = path.parent / "six", path.parent / "seven"
    assert run("convert", path, six, "--file-version", "6").code == 0
    assert run("convert", six, seven).code == 0
    with tracecmd.open(seven) as trace:
        assert trace.buffers[0].text() == "a text\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a file to read and one to write are wanted"),
        (["FILE"], "a file to read and one to write are wanted"),
        (["FILE", "OUT", "x"], "a file to read and one to write are wanted"),
        (["FILE", "FILE"], "is the file that is read"),
        (["FILE", "OUT", "--file-version", "5"], "--file-version"),
        (["FILE", "OUT", "--compression", "lzma"], "'lzma' is not none, zlib or zstd"),
        (["FILE", "OUT", "--compression", "zstd:99"], "no level 99"),
        (["FILE", "OUT", "--file-version", "6", "--compression", "any"], "no compression"),
    ],
)
def test_wrong_usage(run: Any, path: Path, words: list[str], message: str) -> None:
    names = {"FILE": str(path), "OUT": str(path.parent / "out")}
    before = path.read_bytes()
    found = run("convert", *[names.get(word, word) for word in words])
    assert found[:2] == (2, "")
    assert message in found.err
    assert found.err.count("\n") == 1
    assert [each.name for each in path.parent.iterdir()] == ["trace.dat"]
    assert path.read_bytes() == before


# What comes between -------------------------------------------------------------------------------

Words = Sequence[str | Path]


def page_bytes() -> bytes:
    """A full page; many of them are made at once."""
    made = Encoder(MACHINE)
    Page(5, ticks(*[1] * 99)).encode(made, 4096)
    return bytes(made.data)


MANY = [Buffer("more", cpus={cpu: [page_bytes()] * 3000 for cpu in (0, 1)})]


def to_convert(folder: Path) -> Words:
    (folder / "in.dat").write_bytes(Trace(buffers=MANY).write().data)
    return ["convert", "-q", "in.dat", "out.dat", "--compression", "zstd:19"]


def to_split(folder: Path) -> Words:
    (folder / "in.dat").write_bytes(Trace(buffers=MANY).write().data)
    form = ["--compression", "zstd:19", "--where", "CPU < 9"]
    return ["split", "-q", "-o", "out.dat", *form, "in.dat"]


def to_restore(folder: Path) -> Words:
    (folder / "head.dat").write_bytes(Trace().write().data)
    (folder / "left.cpu0").write_bytes(page_bytes() * 6000)
    form = ["--compression", "zstd:19"]
    return ["restore", "-q", "-i", "head.dat", "-o", "out.dat", *form, "left.cpu0"]


def to_attach(folder: Path) -> Words:
    host = host_of()
    more = dataclasses.replace(host, buffers=[*host.buffers, *MANY])
    (folder / "in.dat").write_bytes(more.write().data)
    (folder / "guest.dat").write_bytes(guest_of().write().data)
    return ["attach", "-q", "-s", "5", "in.dat", "guest.dat", "147", "148"]


COMMANDS = [to_convert, to_split, to_restore, to_attach]


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
@pytest.mark.parametrize("make", COMMANDS)
def test_signals(make: Callable[[Path], Words], number: signal.Signals, tmp_path: Path) -> None:
    """Told to end while a part is there, it takes it away, and dies of that signal."""
    (tmp_path / "whole").mkdir()
    subprocess.run([*COMMAND, *make(tmp_path / "whole")], cwd=tmp_path / "whole", check=True)
    whole = contents(tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
    words = make(tmp_path)
    before = contents(tmp_path)
    for delay in (0.0, 0.05):
        process = subprocess.Popen([*COMMAND, *words], cwd=tmp_path, stderr=subprocess.PIPE)
        while process.poll() is None and not any(
            each.name.endswith(".part") for each in tmp_path.iterdir()
        ):
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        if process.returncode == 0 or b"Traceback" in err:  # it was done before, or not begun
            break
        assert (process.returncode, err) == (-number, b"")
        if contents(tmp_path) == whole:  # it had just been done
            break
        assert contents(tmp_path) == before
    else:
        return
    assert not any(each.name.endswith(".part") for each in tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files' sizes")
@pytest.mark.parametrize("room", [100, 20_000, 60_000])
@pytest.mark.parametrize("make", COMMANDS)
def test_a_disk_that_is_full(make: Callable[[Path], Words], room: int, tmp_path: Path) -> None:
    words = make(tmp_path)
    before = contents(tmp_path)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [*COMMAND, *words], cwd=tmp_path, capture_output=True, check=False, preexec_fn=limit
    )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"File too large" in done.stderr
    assert contents(tmp_path) == before


def test_a_folder_that_is_not_there(run: Any, path: Path) -> None:
    for words in (["convert", path, path.parent / "no" / "out"],
                  ["split", "-o", path.parent / "no" / "out", path]):  # fmt: skip
        found = run(*words)
        assert found[:2] == (1, "")
        assert "No such file or directory" in found.err


# Damaged input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["i386-lost.dat", "i386-v6.dat", "s390x-tc331-inst-none.dat"])
def test_damaged_files(run: Any, name: str, tmp_path: Path) -> None:
    """Cut or overwritten: a clear error, or a file in which nothing is wrong."""
    chance = random.Random(name)
    whole = (corpus.DATA / name).read_bytes()
    source, out = tmp_path / "in.dat", tmp_path / "out.dat"
    for turn in range(24):
        data = bytearray(whole)
        if turn % 2:
            for _ in range(chance.choice((1, 10, 100))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        else:
            del data[chance.randrange(len(data)) :]
        source.write_bytes(data)
        for words in (
            ["convert", "-q", source, out],
            ["split", "-q", "-e", "99", "-o", out, source],
        ):
            code, text, err = run(*words)
            assert (code, text) in ((0, ""), (1, ""), (2, "")), err
            assert "Traceback" not in err
            if code == 0:
                with tracecmd.open(out) as written:  # texts of the kernel are taken as they are
                    list(written)
                    assert not written._reader.data.problems()
                    assert not written._problems.all()
                out.unlink()
            else:
                assert err.startswith("tracecmd: ")
            assert [each.name for each in tmp_path.iterdir()] == ["in.dat"]


def test_problems_are_told(run: Any, write: Write) -> None:
    """What is whole is written; with --strict nothing is."""
    broken = b"\xff" * 4096
    path = write(Trace(buffers=[Buffer(cpus={0: [Page(5, ticks(1, 1)), broken]})]))
    out = path.parent / "out"
    for words in (["convert", path, out], ["split", "-o", out, path]):
        found = run(*words)
        assert found[:2] == (0, "")
        assert "warning: " in found.err
        assert "sub-buffer 1 of CPU 0" in found.err
        with tracecmd.open(out, strict=True) as written:
            assert len(list(written)) == 2
        out.unlink()
        found = run(words[0], "--strict", *words[1:])
        assert found[:2] == (1, "")
        assert "sub-buffer 1 of CPU 0" in found.err
        assert not out.exists()


def test_a_session_goes_through_all(run: Any, tmp_path: Path) -> None:
    """Converted and split file by file it stays a session."""
    for file in KVM_SMALL.glob("*.dat"):
        assert run("convert", file, tmp_path / file.name, "--file-version", "6").code == 0
        cut = tmp_path / "cut"
        cut.mkdir(exist_ok=True)
        words = ["split", "-o", cut / file.name, tmp_path / file.name, "205", "207"]
        assert run(*words).code == 0
    with tracecmd.open_session(KVM_SMALL) as session, tracecmd.open_session(cut) as part:
        assert part.vcpus == session.vcpus
        assert raw_records(part) == raw_records(session, start=205 * 10**9, end=207 * 10**9 + 1)
    assert os.listdir(cut)
