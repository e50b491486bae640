"""README's examples run as they stand there, on the recorded session of tests/data."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_attach import guest_of, host_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SESSION = ROOT / "tests" / "data" / "sessions" / "kvm-small"

if not README.exists():
    pytest.skip("the wheel is tested, without README", allow_module_level=True)


def blocks(language: str, page: Path = README) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def needed_packages(code: str) -> list[str]:
    """Packages that a block names, or that what it calls takes."""
    names = {"polars", "pyarrow", "pandas", "duckdb", "matplotlib"}
    called = {
        "to_pandas(": ("pandas", "pyarrow"), "to_polars(": ("polars",), "to_parquet(": ("pyarrow",),
        ".scan(": ("polars",), ".sql(": ("duckdb", "pyarrow"), ".lake(": ("pyarrow",),
    }  # fmt: skip
    found = {name for name in names if re.search(rf"\b{name}\b", code)}
    return sorted(found.union(*(each for call, each in called.items() if call in code)))


def commands(page: Path = README) -> list[list[str]]:
    """The commands of the console blocks; .ci/newcomer runs those that set up."""
    lines = [line[2:] for block in blocks("console", page) for line in block.splitlines()
             if line.startswith("$ ")]  # fmt: skip
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line[0] == "tracecmd"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the examples name."""
    for path in SESSION.glob("*.dat"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python(number: int, folder: Path) -> None:
    code = blocks("python")[number].replace('"FOLDER"', '"."')
    names: dict[str, object] = {}
    for package in needed_packages(code):
        names[package] = pytest.importorskip(package)
    exec("import tracecmd", names)
    exec(compile(code, f"README.md, Python block {number + 1}", "exec"), names)


def make_more(command: str, folder: Path) -> None:
    """The files that only one command's example names."""
    if command == "restore":
        shutil.copy(SESSION / "trace.dat", folder / "head.dat")
        for cpu in (0, 1):
            (folder / f"trace.dat.cpu{cpu}").write_bytes(bytes(4096))  # a page without records
    if command == "attach":
        (folder / "host.dat").write_bytes(host_of().write().data)
        (folder / "guest.dat").write_bytes(guest_of().write().data)


def test_there_are_examples() -> None:
    assert len(blocks("python")) >= 3
    assert len(commands()) >= 8


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_command(words: list[str], folder: Path) -> None:
    arguments = [word.replace("FOLDER", ".") for word in words[1:]]
    make_more(words[1], folder)
    if any(word.endswith((".parquet", ".arrow", "folder/")) for word in arguments):
        pytest.importorskip("pyarrow")
    if words[1] == "query":
        pytest.importorskip("duckdb")
    result = subprocess.run(
        [sys.executable, "-m", "tracecmd", *arguments],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_first_command_prints_what_it_says() -> None:
    command, expected = blocks("console")[0].split("\n", 1)
    arguments = shlex.split(command.partition(".venv/bin/tracecmd")[2])
    result = subprocess.run(
        [sys.executable, "-m", "tracecmd", *arguments],
        check=True, capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert result.stdout == expected
