"""A progress bar on stderr, for work that takes a while."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

__all__ = ["Progress"]

SHOW_AFTER = 0.3  # seconds: who has the answer by then saw no bar
EVERY = 0.1
WIDTH = 30


class Progress:
    """Called with work done and all work; draws only on a terminal, and leaves the line empty.

    A context manager::

        with Progress("counting") as progress:
            trace.stat(progress=progress)
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self._what = what
        self._stream = stream or sys.stderr
        self._wanted = self._stream.isatty()
        self._start = time.monotonic()
        self._next = self._start + SHOW_AFTER
        self._drawn = 0

    def __call__(self, done: int, total: int) -> None:
        """Draw, unless that was done a moment ago."""
        now = time.monotonic()
        if self._wanted and now >= self._next:
            self._next = now + EVERY
            self._draw(self._line(done, total, now - self._start))

    def _line(self, done: int, total: int, seconds: float) -> str:
        part = min(done / total, 1.0) if total > 0 else 1.0
        full = int(part * WIDTH)
        left = f" {seconds / part - seconds:.0f} s left" if part > 0 else ""
        return f"{self._what} [{'#' * full}{' ' * (WIDTH - full)}] {part:4.0%}{left}"

    def _draw(self, line: str) -> None:
        self._stream.write("\r" + line.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(line)

    def clear(self) -> None:
        """Take the bar off the line, so that something else can be written there."""
        if self._drawn:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()
