"""Perfetto's trace processor, run by Node; see engine.mjs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

Rows = list[list[Any]]


class EngineError(Exception):
    """The trace or the query is refused."""


class Engine:
    """One process for any number of traces: to start it takes longer than most of them."""

    def __init__(self, folder: Path) -> None:
        node = shutil.which("node") or shutil.which("nodejs")
        assert node is not None, "Node.js is needed to run trace processor"
        assert (folder / "trace_processor.wasm").is_file(), f"{folder} has no trace processor"
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [node, str(Path(__file__).with_name("engine.mjs")), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def query(self, trace: Path, *queries: str) -> list[Rows]:
        """Open a trace, and give the rows of each query."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = json.dumps({"trace": str(trace), "queries": queries})
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise EngineError("trace processor has ended: " + self._log.read()[-4000:])
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        results: list[Rows] = answer["results"]
        return results

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._log.close()
