"""A progress bar on stderr, for work that takes a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

BAR_WIDTH = 30
EVERY = 0.1  # seconds between two looks of the bar
HIDDEN = 0.3  # seconds: work that is over by then needs no bar


class Bar:
    """A line on stderr that shows how far the work has come, if somebody looks at it."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._next = time.monotonic() + HIDDEN
        self._label = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def label(self, text: str) -> None:
        """Begin another file."""
        self._label = text
        self._next = 0.0

    def show(self, done: int, total: int) -> None:
        """Show the share that is done, not more often than one can see."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + EVERY
        share = min(done / total, 1.0) if total else 1.0
        filled = round(share * BAR_WIDTH)
        bar = "#" * filled + " " * (BAR_WIDTH - filled)
        print(f"\r[{bar}] {share:4.0%} {self._label}\x1b[K", end="", file=sys.stderr, flush=True)

    def until_first(self, rows: Iterable[T]) -> Iterator[T]:
        """The same rows; the bar ends with the first one if they are printed beside it."""
        for place, row in enumerate(rows):
            if not place and sys.stdout.isatty():
                self.clear()
                self._shown = False
            yield row

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
