"""Examples in docstrings do what they say; they run in the root of the repository."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracecmd

ROOT = Path(__file__).parent.parent.parent
NOT_IMPORTED = {"tracecmd.__main__", "tracecmd._build"}  # they do something when they are


def examples() -> Iterator[doctest.DocTest]:
    """The docstrings with examples, of all modules that can be imported here."""
    for module in pkgutil.walk_packages(tracecmd.__path__, "tracecmd."):
        if module.name in NOT_IMPORTED:
            continue
        try:
            imported = importlib.import_module(module.name)
        except ImportError:  # it needs a package that only some have
            continue
        names = {**vars(imported), "tracecmd": tracecmd}
        finder = doctest.DocTestFinder(exclude_empty=True)
        yield from (each for each in finder.find(imported, globs=names) if each.examples)


EXAMPLES = list(examples())


def needed_packages(example: doctest.DocTest) -> list[str]:
    """Packages that an example hands what it reads to."""
    source = "".join(each.source for each in example.examples)
    names = {
        "to_arrow": "pyarrow",
        "to_numpy": "numpy",
        "to_pandas": "pandas",
        "to_polars": "polars",
        "scan": "polars",
        "scan_answer": "polars",
        "duckdb": "duckdb",
        "sql": "duckdb",
    }
    return sorted(package for method, package in names.items() if f".{method}(" in source)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(example: doctest.DocTest, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in needed_packages(example):
        pytest.importorskip(package)
    monkeypatch.chdir(ROOT)
    output: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(example, out=output.append)
    assert not output, "".join(output)
    assert runner.summarize(verbose=False).attempted == len(example.examples)


def test_the_main_ways_in_have_examples() -> None:
    names = {example.name for example in EXAMPLES}
    assert names >= {
        "tracecmd.opening.open",
        "tracecmd.trace.Trace.iter",
        "tracecmd.trace.Trace.table",
        "tracecmd.session.opening.open_session",
        "tracecmd.session.session.Session.iter",
    }
