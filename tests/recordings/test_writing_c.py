"""The writer without Python: sanitized, and on a machine of the other byte order."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import tracecmd

from .. import compiler
from . import corpus

PROGRAM = compiler.ROOT / "tests" / "c" / "rewrite.c"
COMPRESSIONS = ["none", "zlib", "zstd"]
FORMATS = [(6, "none"), (7, "none"), (7, "zlib"), (7, "zstd")]
# But one that has all kinds of events, and takes as long as the others together.
IN_TREE = [p for p in corpus.ALL if p.is_relative_to(corpus.DATA) and p.name != "k72-all.dat"]


@pytest.fixture(scope="module")
def rewrite(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    compiler.require_compiler(*compiler.SANITIZERS)
    built = tmp_path_factory.mktemp("rewrite") / "rewrite"
    return [compiler.compile_with_core(built, PROGRAM, "-O1", *compiler.SANITIZERS)]


@pytest.fixture(scope="module")
def rewrite_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """For an emulated big-endian machine, by a compiler with the libraries for it.

    TRACECMD_BIG_ENDIAN_CC is its command, ``s390x-linux-gnu-gcc -static`` with -I and -L for zlib
    and zstd; TRACECMD_BIG_ENDIAN_RUN what runs programs, ``qemu-s390x``.
    """
    command = shlex.split(os.environ.get("TRACECMD_BIG_ENDIAN_CC", ""))
    run = shlex.split(os.environ.get("TRACECMD_BIG_ENDIAN_RUN", "qemu-s390x"))
    if not command or shutil.which(run[0]) is None:
        pytest.skip("no compiler and emulator for a big-endian machine")
    built = tmp_path_factory.mktemp("rewrite") / "rewrite"
    core = [path for path in compiler.core_sources() if path.parent.name != "compat"]
    subprocess.run(
        [*command, "-O1", f"-I{compiler.CSRC}", "-o", built, PROGRAM, *core, *compiler.LIBRARIES],
        check=True,
    )
    return [*run, built]


def assert_same_bytes(program: list[str | Path], path: Path, tmp_path: Path) -> None:
    """In every format, whole and for a window of time."""
    with tracecmd.open(path) as trace:
        start, length = trace.start or 0, trace.duration or 0
        window = (start + length // 3, start + length // 2)
        for version, compression in FORMATS:
            format = [str(version), str(COMPRESSIONS.index(compression))]
            for bounds in [(), window]:
                ours, theirs = tmp_path / "ours.dat", tmp_path / "theirs.dat"
                options = dict(zip(("start", "end"), bounds, strict=False))
                count = trace.write(ours, version=version, compression=compression, **options)
                done = subprocess.run(
                    [*program, path, theirs, *format, *map(str, bounds)],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                assert (done.returncode, done.stderr) == (0, "")
                assert int(done.stdout) == count
                assert theirs.read_bytes() == ours.read_bytes()


@pytest.mark.parametrize("path", IN_TREE, ids=corpus.name_of)
def test_the_core_alone(path: Path, rewrite: list[str | Path], tmp_path: Path) -> None:
    assert_same_bytes(rewrite, path, tmp_path)


@pytest.mark.parametrize("path", IN_TREE, ids=corpus.name_of)
def test_a_big_endian_machine(
    path: Path, rewrite_elsewhere: list[str | Path], tmp_path: Path
) -> None:
    assert_same_bytes(rewrite_elsewhere, path, tmp_path)
