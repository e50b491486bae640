"""C programs of the tests: with the core compiled into them, or with the reference's libraries."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
BUILT = ROOT / "build" / "tests"
CC = shlex.split(os.environ.get("CC", "cc"))
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
LIBRARIES = ("-lz", "-lzstd", "-lm")


def core_sources() -> list[Path]:
    """All of the core; what is in csrc/python is another extension module."""
    return [path for path in sorted(CSRC.glob("**/*.c")) if path.parent.name != "python"]


def require_compiler(*options: str) -> None:
    """Skip the test where there is no C compiler, or none that knows these options."""
    if shutil.which(CC[0]) is None:
        pytest.skip("no C compiler")
    if options and not _knows(options):
        pytest.skip(f"this compiler does not know {' '.join(options)}")


@lru_cache
def _knows(options: Sequence[str]) -> bool:
    command = [*CC, *options, "-x", "c", "-o", os.devnull, "-"]
    source = "int main(void) { return 0; }\n"
    run = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return run.returncode == 0


def compile_program(program: Path, sources: Sequence[Path], *options: str) -> Path:
    """Compile and link; what the compiler says becomes the failure."""
    require_compiler()
    command = [*CC, "-Wall", "-Wextra", "-o", program, *sources, *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return program


def core_objects(options: Sequence[str]) -> list[Path]:
    """Compile the core with these options, once for all programs and processes that want it so."""
    sources = core_sources()
    state = [(str(path), path.stat().st_mtime_ns) for path in sorted(CSRC.glob("**/*.[ch]"))]
    key = hashlib.sha256(repr((CC, options, state)).encode()).hexdigest()[:16]
    folder = BUILT / key
    folder.mkdir(parents=True, exist_ok=True)
    objects = [folder / f"{'-'.join(path.relative_to(CSRC).parts)}.o" for path in sources]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(functools.partial(_compile, options=options), sources, objects))
    return objects


def _compile(source: Path, built: Path, options: Sequence[str]) -> None:
    if built.exists():
        return
    unfinished = built.with_suffix(".tmp")
    command = [*CC, "-Wall", "-Wextra", *options, f"-I{CSRC}", "-c", "-o", unfinished, source]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    unfinished.rename(built)


def compile_with_core(
    program: Path, source: Path, *options: str, own: Sequence[str] = (),
    core: Sequence[Path] | None = None, more: Sequence[Path] = (),
) -> Path:  # fmt: skip
    """Compile a program with the core, all of it or some of its files.

    Args:
        program, source: where it is to be, and what it is made of.
        options: of the program and of the core.
        own: of the program alone, so that programs which differ in these share the core.
        core: files of csrc/; None for all of them.
        more: further files that the program is made of.
    """
    require_compiler()
    with_core = core_objects(options) if core is None else list(core)
    sources = [source, *more, *with_core]
    return compile_program(program, sources, f"-I{CSRC}", *options, *own, *LIBRARIES)


def library_flags() -> list[str] | None:
    """How to build with libtracecmd; None where that cannot be done."""
    if shutil.which(CC[0]) is None or shutil.which("pkg-config") is None:
        return None
    command = ["pkg-config", "--cflags", "--libs", "libtracecmd"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if run.returncode else shlex.split(run.stdout)


def compile_with_library(program: Path, source: Path, *options: str) -> Path:
    """Compile a program with the installed libtracecmd, or skip the test."""
    flags = library_flags()
    if flags is None:
        pytest.skip("libtracecmd is not installed, or there is no C compiler")
    return compile_program(program, [source], "-O1", *options, *flags)
