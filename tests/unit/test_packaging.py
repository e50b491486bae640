"""What a user gets: the package's metadata, types and surface, whether installed or in the tree."""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
import sysconfig
import types
import typing
from pathlib import Path
from types import ModuleType

import pytest

import tracecmd
from tracecmd import _core, _lifetime
from tracecmd.plot import page

PACKAGE = Path(tracecmd.__file__).parent
installed = pytest.mark.skipif(
    not list(importlib.metadata.Distribution.discover(name="tracecmd")),
    reason="built in place, not installed",
)


@installed
def test_version_is_that_of_the_distribution() -> None:
    assert importlib.metadata.version("tracecmd") == tracecmd.__version__


@installed
def test_metadata() -> None:
    metadata = importlib.metadata.metadata("tracecmd")
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    required = importlib.metadata.requires("tracecmd") or []
    assert [line for line in required if "extra ==" not in line] == ["cffi>=1.17"]


@installed
def test_command_is_installed() -> None:
    (entry,) = (
        e for e in importlib.metadata.entry_points(group="console_scripts") if e.name == "tracecmd"
    )
    assert entry.value == "tracecmd.cli:main"
    script = Path(sysconfig.get_path("scripts")) / "tracecmd"
    result = subprocess.run(
        [script, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"tracecmd {tracecmd.__version__}\n")


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_parts_of_pages_are_shipped() -> None:
    """All that a page is made of, and nothing else."""
    parts = {path.name for path in (PACKAGE / "plot" / "page").iterdir()}
    assert parts == {"page.html", "page.css", *page._SCRIPTS}


@pytest.mark.parametrize("module", [_core, _lifetime])
def test_modules_are_built_for_every_python(module: ModuleType) -> None:
    """Two abi3 modules; free-threaded builds have no limited API."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    name = Path(module.__file__ or "").name
    assert name.startswith(module.__name__.rpartition(".")[2] + ".")
    assert (".abi3." in name) != free_threaded


def test_nothing_heavy_is_imported() -> None:
    """Importing takes CFFI and the standard library, nothing that is only perhaps there."""
    code = (
        "import sys; before = set(sys.modules); import tracecmd.cli; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    new = set(result.stdout.split()) - sys.stdlib_module_names
    assert new <= {"tracecmd", "cffi", "_cffi_backend", "pycparser"}


def test_everything_public_is_there_and_told() -> None:
    assert tracecmd.__all__ == sorted(set(tracecmd.__all__))
    for name in tracecmd.__all__:
        thing = getattr(tracecmd, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name
            assert thing.__module__.startswith("tracecmd."), name


@pytest.mark.parametrize("name", ["Trace", "Session", "Buffer", "Options"])
def test_public_members_have_docstrings_and_types(name: str) -> None:
    kinds = [k for k in getattr(tracecmd, name).__mro__ if k.__module__.startswith("tracecmd.")]
    for member, value in (item for kind in kinds for item in vars(kind).items()):
        if member.startswith("_"):
            continue
        assert inspect.getdoc(value), f"{name}.{member}"
        function = value.fget if isinstance(value, property) else getattr(value, "_read", value)
        # Optional packages are imported for type checkers alone.
        extras = {"duckdb": types.SimpleNamespace(DuckDBPyConnection=object)}
        hints = typing.get_type_hints(function, localns=extras)
        assert "return" in hints, f"{name}.{member}"
