"""What tests of all kinds share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import writer
from .writer import Buffer, TextBuffer


@dataclass(frozen=True)
class Trace(writer.Trace):
    """As most tests want it: with trace data, though it is empty."""

    buffers: Sequence[Buffer | TextBuffer] = (Buffer(),)


Write = Callable[..., Path]


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
    """Put a file made by writer.py into the test's folder."""

    def put(trace: writer.Trace | bytes, name: str = "trace.dat") -> Path:
        path = tmp_path / name
        path.write_bytes(trace.write().data if isinstance(trace, writer.Trace) else trace)
        return path

    return put
