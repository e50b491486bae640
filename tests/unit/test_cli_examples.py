"""The help of every command: it fits 80 columns, and its examples do what they say."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tracecmd.cli import COMMANDS

from ..conftest import Trace
from ..recordings import corpus
from ..writer import SCHED_SWITCH, TICK, Buffer, fill_pages
from .conftest import KVM_SMALL
from .test_attach import guest_of, host_of
from .test_restore import Left
from .test_split import MACHINE

NAMES = [module.__name__.rpartition(".")[2] for module in COMMANDS]


def examples() -> Iterator[tuple[str, str]]:
    """Commands by the lines of their examples."""
    for name, module in zip(NAMES, COMMANDS, strict=True):
        for line in getattr(module, "EXAMPLES", "").splitlines()[1:]:
            yield name, line.strip()


def session(folder: Path) -> None:
    shutil.copy(KVM_SMALL / "trace.dat", folder / "trace.dat")
    shutil.copy(KVM_SMALL / "trace-Guest1.dat", folder / "trace-guest.dat")


def recording(name: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copy(corpus.DATA / name, folder / "trace.dat")


def instances(folder: Path) -> None:
    """With records at 4057.6 s."""
    start = 4_057_600_000_000
    records = [
        (start + n, SCHED_SWITCH.values(next_pid=n) if n % 2 else TICK.values(n=n))
        for n in range(50)
    ]
    pages = {0: fill_pages(records, MACHINE)}
    buffers = [Buffer(name=name, cpus=pages) for name in ("", "timer", "sched")]
    (folder / "trace.dat").write_bytes(Trace(buffers=buffers).write().data)


def apart(folder: Path) -> None:
    (folder / "trace.dat").write_bytes(host_of().write().data)
    (folder / "trace-guest.dat").write_bytes(guest_of().write().data)


def left(folder: Path) -> None:
    made = Left(folder)
    _, kallsyms = made.tracing()
    shutil.copy(kallsyms, folder)
    for cpu in (0, 1):
        (folder / f"trace.dat.cpu{cpu}").write_bytes(made.cpus[cpu].read_bytes())


FILES: dict[str, Callable[[Path], object]] = {
    "attach": apart,
    "flame": recording("k72-fgraph.dat"),
    "functions": recording("k72-fgraph.dat"),
    "idle": recording("k72-power.dat"),
    "losses": recording("i386-lost.dat"),
    "restore": left,
    "syscalls": recording("k72-syscalls.dat"),
    "split": instances,
}
NEEDS = {"export": "pyarrow", "query": "duckdb"}


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_examples(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    if "-o" in line or name == "query":
        pytest.importorskip(NEEDS.get(name, "tracecmd"))
    FILES.get(name, session)(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    program, *words = shlex.split(line, comments=True)
    assert (program, words[0]) == ("tracecmd", name)
    code, out, err = run(*words)
    assert code == 0, err
    assert "no records" not in err
    written = [p for p in tmp_path.iterdir() if before.get(p) != p.stat().st_mtime_ns]
    assert out or written
    for path in written:
        assert list(path.iterdir()) if path.is_dir() else path.stat().st_size


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits(run: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In 80 columns, however wide the terminal is, and no word is cut."""
    texts = {}
    for columns in ("80", "300", "50"):
        monkeypatch.setenv("COLUMNS", columns)
        code, texts[columns], _ = run(*([name] if name else []), "--help")
        assert code == 0
    assert texts["80"] == texts["300"]
    assert max(map(len, texts["80"].splitlines())) <= 80
    words = {text.partition("\n\n")[2].replace("\n", " ") for text in texts.values()}
    assert len({tuple(each.split()) for each in words}) == 1  # behind the usage
    if name:
        assert f"\nexamples:\n  tracecmd {name} " in texts["80"]
