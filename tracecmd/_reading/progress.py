"""How far work has come, for whoever wants to see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from ..packages import package

__all__ = ["Progress", "Report", "reporter"]

Report = Callable[[int, int], None] | None
"""Called now and then with work done and all work; None: nobody looks."""
Progress = Callable[[int, int], None] | bool | None
"""What callers give: the same; or True for a bar of tqdm's, False for none."""


def reporter(progress: Progress) -> Report:
    """What to call: the caller's own function, or a bar.

    Raises:
        MissingPackageError: a bar is wanted, and tqdm is not there.
    """
    if progress is True:
        return _Bar()
    return progress if _is_function(progress) else None


def _is_function(progress: Progress) -> TypeGuard[Callable[[int, int], None]]:
    return progress is not None and progress is not False


class _Bar:
    """A bar of tqdm's: a widget in notebooks, a line on stderr elsewhere; one for each pass."""

    def __init__(self) -> None:
        self._make = package("tqdm.auto", "progress").tqdm
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show the share that is done; all done, the bar ends."""
        if self._bar is None:
            self._bar = self._make(total=total, leave=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None
