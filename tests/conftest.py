"""What tests of all kinds share."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import writer
from .recordings import reference
from .writer import Buffer, TextBuffer


@dataclass(frozen=True)
class Trace(writer.Trace):
    """As most tests want it: with trace data, though it is empty."""

    buffers: Sequence[Buffer | TextBuffer] = (Buffer(),)


Write = Callable[..., Path]

if "TRACECMD_SANITIZED_PYTHON" in os.environ:
    # The sanitizers' libraries are preloaded for Python's sake. Compilers and the reference's
    # programs are to run without, other Pythons with them.
    os.environ.pop("LD_PRELOAD", None)
    sys.executable = os.environ["TRACECMD_SANITIZED_PYTHON"]


def pytest_report_header() -> str:
    """Say which reference the tests compare with."""
    return f"compared with: {reference.described()}"


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: be somebody else for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a file made by the writer into the test's folder."""

    def put(trace: writer.Trace | bytes, name: str = "trace.dat") -> Path:
        path = tmp_path / name
        path.write_bytes(trace.write().data if isinstance(trace, writer.Trace) else trace)
        return path

    return put


@pytest.fixture(scope="session")
def reference_walk(tmp_path_factory: pytest.TempPathFactory) -> reference.Walk:
    """Libtracecmd's walk, where it is installed."""
    return reference.Walk(tmp_path_factory.mktemp("reference"))
