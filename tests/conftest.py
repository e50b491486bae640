"""What tests of all kinds share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .writer import Trace

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a file made by writer.py into the test's folder."""

    def put(trace: Trace | bytes, name: str = "trace.dat") -> Path:
        path = tmp_path / name
        path.write_bytes(trace.write().data if isinstance(trace, Trace) else trace)
        return path

    return put
