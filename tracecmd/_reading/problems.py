"""Faults of a file that reading passed over, or raised where it is read strictly."""

from __future__ import annotations

__all__ = ["Problems"]

PROBLEMS_MAX = 64  # a file of nothing but faults must not fill memory with them


class Problems:
    """Faults of one file that were met while its records were read; any thread may add to them."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._by_text: dict[str, Exception] = {}  # what is read twice is met twice

    def note(self, problem: Exception) -> None:
        """Remember a fault, or raise it."""
        if self.strict:
            raise problem
        if len(self._by_text) < PROBLEMS_MAX:
            self._by_text.setdefault(str(problem), problem)

    def all(self) -> tuple[Exception, ...]:
        """All so far, in the order they were met."""
        return tuple(self._by_text.copy().values())
