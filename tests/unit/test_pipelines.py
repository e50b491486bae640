"""The examples of docs/pipelines.md run as they stand there, as those of the README do."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import test_readme
from .test_readme import blocks, commands

PAGE = test_readme.ROOT / "docs" / "pipelines.md"

folder = test_readme.folder  # a fixture

pytest.importorskip("pandas")
pytest.importorskip("polars")
pytest.importorskip("duckdb")


@pytest.mark.parametrize("number", range(len(blocks("python", PAGE))))
def test_python(number: int, folder: Path) -> None:
    code = blocks("python", PAGE)[number].replace('"FOLDER"', '"."')
    names: dict[str, object] = {}
    exec("import tracecmd", names)
    exec(compile(code, f"{PAGE.name}, Python block {number + 1}", "exec"), names)
    for name in ("waking", "everywhere", "late"):
        if hasattr(names.get(name), "collect"):
            assert len(names[name].collect())  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", commands(PAGE), ids=" ".join)
def test_command(words: list[str], folder: Path) -> None:
    test_readme.test_command(words, folder)


def test_there_are_examples() -> None:
    assert len(blocks("python", PAGE)) >= 3
    assert len(commands(PAGE)) >= 4
