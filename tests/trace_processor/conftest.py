"""Trace processor, where TRACECMD_TRACE_PROCESSOR names the folder that it is in.

.ci/trace-processor FOLDER puts it there. Without the variable, the tests that need it are skipped;
with it, what is missing is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    folder = os.environ.get("TRACECMD_TRACE_PROCESSOR")
    if not folder:
        pytest.skip("TRACECMD_TRACE_PROCESSOR names no folder with Perfetto's trace processor")
    started = Engine(Path(folder))
    yield started
    started.close()
