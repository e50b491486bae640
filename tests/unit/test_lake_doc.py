"""The examples of docs/lake.md run as they stand there, one after the other, in a folder."""

from __future__ import annotations

import glob
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tracecmd

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "lake.md"
SESSION = ROOT / "tests" / "data" / "sessions" / "kvm-small"
PACKAGES = {"duckdb": "duckdb", "polars": "polars", "pandas": "pandas", "tracecmd.dask": "dask"}

if not PAGE.exists():
    pytest.skip("the wheel is tested, without the page", allow_module_level=True)

pytest.importorskip("pyarrow")


def run_command(line: str) -> str:
    """As a shell would: with wildcards."""
    words = [
        found
        for word in shlex.split(line)[1:]
        for found in (sorted(glob.glob(word)) if word.endswith("*.dat") else [word])
    ]
    result = subprocess.run(
        [sys.executable, "-m", "tracecmd", *words], check=False, capture_output=True, text=True,
        timeout=120, env={**os.environ, "PYTHONPATH": str(Path(tracecmd.__file__).parents[1])},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SESSION, tmp_path / "day", ignore=lambda _, names: [
        name for name in names if not name.endswith(".dat")
    ])  # fmt: skip
    monkeypatch.chdir(tmp_path)
    multiprocessing.get_context("spawn").set_executable(sys.executable)
    blocks = re.findall(r"^```(console|python)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.M)
    assert [language for language, _ in blocks].count("python") >= 5
    printed = []
    for number, (language, code) in enumerate(blocks):
        if language == "console":
            for line in code.splitlines():
                printed.append(run_command(line.removeprefix("$ ")))
            continue
        imported = re.findall(r"^import ([\w.]+)", code, re.M)
        try:
            for name in imported:
                __import__(PACKAGES.get(name, name))
        except ImportError:
            continue  # of a package that is not there
        names: dict[str, object] = {}
        exec(compile(code, f"lake.md, block {number + 1}", "exec"), names)
        out = capsys.readouterr().out
        assert ("print(" in code) == bool(out)
        if "tables" in names:
            assert sum(map(len, names["tables"])) > 14760  # type: ignore[call-overload]
    assert len(printed[0].splitlines()) > 4000
    assert printed[1].startswith('"ts","cpu"')
    assert len(list((tmp_path / "lake" / "losses").iterdir())) == 3
