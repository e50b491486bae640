"""Things that are read each by itself, on threads, and given out one after the other."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

from .progress import Report
from .workers import workers

__all__ = ["one_after_another"]

T = TypeVar("T")
Make = Callable[[Callable[[int, int], None]], Generator[T, None, None]]

AHEAD = 4  # parts of each that wait to be taken
WAIT = 0.2  # seconds between reports of progress


class _Feed(Generic[T]):
    """What came of one of them, and was not taken yet."""

    def __init__(self, changed: threading.Condition) -> None:
        self.parts: deque[T] = deque()
        self.ended = False
        self.stopped = False
        self.error: BaseException | None = None
        self.done = (0, 0)
        self._changed = changed

    def note(self, done: int, total: int) -> None:
        """Work done, and all work."""
        self.done = (done, total)

    def run(self, make: Make[T]) -> None:
        """Read all of it, as far ahead as there is room."""
        try:
            with contextlib.closing(make(self.note)) as parts:
                for part in parts:
                    if not self._put(part):
                        return
        except BaseException as error:
            self.error = error
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _put(self, part: T) -> bool:
        with self._changed:
            self.parts.append(part)
            self._changed.notify_all()
            while len(self.parts) >= AHEAD and not self.stopped:
                self._changed.wait()
            return not self.stopped

    def take(self, report: Callable[[], None]) -> Generator[T, None, None]:
        """All parts, as they come."""
        while True:
            report()
            with self._changed:
                while not self.parts and not self.ended:
                    if not self._changed.wait(WAIT):
                        break
                part = self.parts.popleft() if self.parts else None
                over = part is None and self.ended
                self._changed.notify_all()
            if part is not None:
                yield part
            elif over:
                break
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Let whoever waits for room end."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()


def one_after_another(
    threads: int, makes: Sequence[Make[T]], progress: Report = None
) -> Generator[T, None, None]:
    """All parts of the first, then all of the second and so on, while threads read those to come.

    Each is a generator, made of what it is to tell of its progress. No part is None. Of each
    a few parts wait at most, so memory does not follow their number.
    """
    changed = threading.Condition()  # its lock is one that the collector may take again
    feeds: list[_Feed[T]] = [_Feed(changed) for _ in makes]

    def report() -> None:
        if progress is not None:
            done, total = zip(*(feed.done for feed in feeds), strict=True)
            progress(sum(done), sum(total))

    with workers(threads) as pool:
        try:
            for feed, make in zip(feeds, makes, strict=True):
                pool.submit(feed.run, make)
            for feed in feeds:
                yield from feed.take(report)
        finally:
            for feed in feeds:
                feed.stop()
