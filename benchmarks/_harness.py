# SPDX-License-Identifier: MIT
"""What the benchmarks share: build, run side by side, and tell.

Contenders answer the same question about the same file in one run, turn by turn, so that a busy
moment of the machine falls on all of them; whoever gives another answer than the first ends the
run. A contender is a process that prints the lines described in measure.h; of a command that does
not (`timed_outside`), the whole run is one round.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import grow

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
DATA = BENCHMARKS / "data"  # git-ignored: grown files, built programs

# What is grown where no recording is given: a host's, with a trace ID and guests.
RECORDING = ROOT / "tests" / "data" / "sessions" / "kvm-small" / "trace.dat"

PEER_PACKAGES = ("libtracecmd", "libtraceevent")
PEER_ROOT = os.environ.get("PEER_ROOT", "")  # see build_peer()
CORE_PACKAGES = ("zlib", "libzstd")


def stop(message: str) -> NoReturn:
    raise SystemExit(f"{Path(sys.argv[0]).name}: {message}")


# --- build -------------------------------------------------------------------------------


def pkg_config(*arguments: str) -> str:
    try:
        run = subprocess.run(["pkg-config", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        stop("pkg-config is needed to build the C programs")
    except subprocess.CalledProcessError as error:
        stop(error.stderr.strip() or f"pkg-config {shlex.join(arguments)} failed")
    return run.stdout.strip()


def _build(name: str, sources: list[Path], headers: list[Path], flags: list[str]) -> Path:
    """One compiler call; a program already built from the same bytes is taken as it is."""
    command = [os.environ.get("CC", "cc"), "-O2", *map(str, sources), *flags]
    key = hashlib.sha256(shlex.join(command).encode())
    for path in [*sources, *headers]:
        key.update(path.read_bytes())
    program = DATA / "bin" / f"{name}-{key.hexdigest()[:12]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        partial = program.with_suffix(".partial")
        subprocess.run([*command, "-o", str(partial)], check=True)
        partial.replace(program)
    return program


def _peer_libraries(root: Path) -> Path:
    compiler = os.environ.get("CC", "cc")
    run = subprocess.run([compiler, "-print-multiarch"], capture_output=True, text=True, check=True)
    libraries = root / "usr" / "lib" / run.stdout.strip()
    if not (libraries / "libtracecmd.so.1").exists():
        stop(f"PEER_ROOT: there is no libtracecmd.so.1 in {libraries}")
    return libraries


def _peer_loader(root: Path) -> list[str | Path]:
    """What starts a program with the libraries of another system's tree."""
    loaders = sorted(root.glob("lib*/ld-linux*.so*"))
    if not loaders:
        stop(f"PEER_ROOT: there is no dynamic loader in {root}/lib*")
    return [loaders[0], "--library-path", _peer_libraries(root)]


def build_peer(name: str) -> list[str | Path]:
    """peer/NAME.c, with libtracecmd and libtraceevent: the command that starts it.

    They are the installed ones or, with the environment's PEER_ROOT, those under this folder: a
    tree of another, newer system (made by debootstrap, say), whose C library is used as well.
    """
    source, headers = BENCHMARKS / "peer" / f"{name}.c", sorted(BENCHMARKS.glob("*.h"))
    if not PEER_ROOT:
        flags = pkg_config("--cflags", "--libs", *PEER_PACKAGES).split()
        return [_build(f"peer-{name}", [source], headers, flags)]
    root = Path(PEER_ROOT)
    libraries = _peer_libraries(root)
    flags = [f"-I{root}/usr/include/{part}" for part in ("trace-cmd", "traceevent", "tracefs")]
    flags += pkg_config("--cflags", "libtracefs").split()  # its header, if root has none
    flags += [f"-L{libraries}", f"-Wl,-rpath-link,{libraries}", "-Wl,--allow-shlib-undefined"]
    program = _build(f"peer-{name}", [source], headers, [*flags, "-ltracecmd", "-ltraceevent"])
    return [*_peer_loader(root), program]


def peer_tool(name: str) -> list[str | Path]:
    """The peer's command line program NAME, of PEER_ROOT if that is set."""
    if PEER_ROOT:
        root = Path(PEER_ROOT)
        return [*_peer_loader(root), root / "usr" / "bin" / name]
    path = shutil.which(name)
    if not path:
        stop(f"{name} is not installed")
    return [path]


def _peer_versions() -> list[str]:
    if not PEER_ROOT:
        return [f"{name} {pkg_config('--modversion', name)}" for name in PEER_PACKAGES]
    libraries = _peer_libraries(Path(PEER_ROOT))
    found = [(libraries / f"{name}.so.1").resolve().name for name in PEER_PACKAGES]
    return [name.replace(".so.", " ") for name in found]


def build_core(name: str) -> Path:
    """core/NAME.c, with all of csrc/, at the same optimisation as the peer."""
    csrc = ROOT / "csrc"
    core = [path for path in sorted(csrc.glob("**/*.c")) if path.parent.name != "python"]
    sources = [BENCHMARKS / "core" / f"{name}.c", *core]
    headers = [*sorted(BENCHMARKS.glob("*.h")), *sorted(csrc.glob("**/*.h"))]
    flags = ["-std=c11", "-D_GNU_SOURCE", "-pthread", "-pthread", f"-I{csrc}"]
    flags += pkg_config("--cflags", "--libs", *CORE_PACKAGES).split()
    return _build(f"core-{name}", sources, headers, flags)


# --- files -------------------------------------------------------------------------------


def grown(source: Path, size: str, compression: str = "none") -> Path:
    """The recording grown to a size such as "4G": made when first asked for, then kept.

    It is in the page cache as reading it from the disk leaves it: in large folios, which are mapped
    at a tenth of what the small ones take that writing in small pieces leaves.
    """
    if not source.is_file():
        stop(f"{source}: no such recording; name one as argument")
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    target = DATA / f"{source.stem}-{key}-{size}-{compression}.dat"
    if not target.exists():
        DATA.mkdir(exist_ok=True)
        print(f"growing {source} to {size} ({compression}) ...", file=sys.stderr, flush=True)
        try:
            grow.grow(source, target, grow.parse_size(size), compression)
        except grow.GrowError as error:
            stop(f"{source}: {error}")
    forget(target)
    with target.open("rb", buffering=0) as file:
        piece = bytearray(1 << 20)
        while file.readinto(piece):
            pass
    return target


# --- run ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contender:
    name: str
    command: Sequence[str | Path]
    timed_outside: bool = False
    environment: dict[str, str] = field(default_factory=dict)  # besides our own

    @property
    def words(self) -> list[str]:
        return [str(word) for word in self.command]

    @property
    def whole_environment(self) -> dict[str, str]:
        """Python may keep what it compiled, as it does where a package is installed."""
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **self.environment}


def python_contender(name: str, program: str, *arguments: str | Path) -> Contender:
    """python/PROGRAM.py, with this tree's package if it is built in place."""
    command = [sys.executable, BENCHMARKS / "python" / f"{program}.py", *arguments]
    built = any((ROOT / "tracecmd").glob("_core*.so"))
    return Contender(name, command, environment={"PYTHONPATH": str(ROOT)} if built else {})


@dataclass
class Measured:
    """All rounds of one contender. Times in ns; memory in KiB, the largest of all rounds."""

    ns: list[int] = field(default_factory=list)
    first_ns: list[int] = field(default_factory=list)  # first round of each process
    cpu_ns: list[int] = field(default_factory=list)  # processor time of a round, where told
    base_kib: int = 0  # before the first round: program and libraries
    peak_kib: int = 0
    anon_kib: int = 0  # not backed by a file, after the last round
    check: str = ""

    @property
    def median_ns(self) -> float:
        return statistics.median(self.ns)

    @property
    def best_ns(self) -> int:
        return min(self.ns)

    @property
    def median_cpu_ns(self) -> float:
        return statistics.median(self.cpu_ns)

    @property
    def median_first_ns(self) -> float:
        return statistics.median(self.first_ns)

    def as_json(self) -> dict[str, object]:
        return {
            "median_ns": self.median_ns,
            "min_ns": min(self.ns),
            "max_ns": max(self.ns),
            "median_first_ns": self.median_first_ns,
            "median_cpu_ns": self.median_cpu_ns if self.cpu_ns else None,
            "rounds": len(self.ns),
            "base_kib": self.base_kib,
            "peak_kib": self.peak_kib,
            "anon_kib": self.anon_kib,
            "check": self.check,
        }


def _run_outside(contender: Contender, into: Measured) -> None:
    """Memory is what getrusage() says, which is at least what this process uses itself."""
    environment = contender.whole_environment
    start = time.perf_counter_ns()
    with subprocess.Popen(contender.words, stdout=subprocess.DEVNULL, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter_ns() - start
    if process.returncode:
        stop(f"{contender.name}: exit code {process.returncode}")
    into.ns.append(took)
    into.first_ns.append(took)
    into.base_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    into.peak_kib = max(into.peak_kib, usage.ru_maxrss)


def _run_inside(contender: Contender, into: Measured) -> None:
    run = subprocess.run(
        contender.words,
        stdout=subprocess.PIPE,
        env=contender.whole_environment,
        text=True,
        check=False,
    )
    if run.returncode:
        stop(f"{contender.name}: exit code {run.returncode}")
    rounds = []
    for line in run.stdout.splitlines():
        key, _, value = line.partition(" ")
        if key == "ns":
            rounds.append(int(value))
        elif key == "cpu_ns":
            into.cpu_ns.append(int(value))
        elif key == "check":
            if into.check and into.check != value:
                stop(f"{contender.name}: first {into.check!r}, then {value!r}")
            into.check = value
        elif key in ("base_kib", "peak_kib", "anon_kib"):
            setattr(into, key, max(getattr(into, key), int(value)))
        else:
            stop(f"{contender.name}: unknown line {line!r}")
    if not rounds:
        stop(f"{contender.name}: no times")
    into.ns += rounds
    into.first_ns.append(rounds[0])


def forget(path: Path) -> None:
    """Drop a file from the page cache, so that the next reader waits for the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run_in_turns(
    contenders: Sequence[Contender], turns: int, before: Callable[[], None] | None = None
) -> dict[str, Measured]:
    """Every contender once per turn, one after the other; the order is reversed each turn.

    before is called ahead of each run.
    """
    results = {contender.name: Measured() for contender in contenders}
    for turn in range(turns):
        for contender in contenders if turn % 2 == 0 else reversed(contenders):
            if before:
                before()
            run = _run_outside if contender.timed_outside else _run_inside
            run(contender, results[contender.name])
    answers = {name: result.check for name, result in results.items() if result.check}
    if len(set(answers.values())) > 1:
        stop("the answers differ: " + "; ".join(f"{k}: {v}" for k, v in answers.items()))
    return results


# --- tell --------------------------------------------------------------------------------


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.machine()


def machine() -> str:
    versions = [f"Python {platform.python_version()}", f"Linux {platform.release()}"]
    versions += _peer_versions()
    return f"{os.cpu_count()} cores, {_cpu_model()}; " + ", ".join(versions)


def human_ns(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 100 * size else f"{ns / size:.0f} {unit}"
    return f"{ns:.0f} ns"


def human_size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def human_kib(kib: int) -> str:
    return f"{kib / 1024:.1f} MiB"


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """As Markdown, to be pasted into README.md as it is."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = [f"{'-' * (width - 1)}:" if i else "-" * width for i, width in enumerate(widths)]
    for row in [head, line, *rows]:
        cells = (
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        print(f"| {' | '.join(cells)} |")


def rerun_line() -> str:
    root = f"PEER_ROOT={shlex.quote(PEER_ROOT)} " if PEER_ROOT else ""
    return "rerun: " + root + shlex.join(["python", *sys.orig_argv[1:]])


def arguments(description: str, *, turns: int) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "recording", type=Path, nargs="?", default=RECORDING, help=f"to grow; {RECORDING}"
    )
    parser.add_argument("--size", default="4G", help="of the grown file's pages (%(default)s)")
    parser.add_argument("--turns", type=int, default=turns, help=f"of each contender ({turns})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return parser


def write_json(path: Path | None, benchmark: str, figures: dict[str, object]) -> None:
    if path:
        whole = {"benchmark": benchmark, "machine": machine(), **figures}
        path.write_text(json.dumps(whole, indent=1) + "\n")
