"""What was found wrong in a file and passed over, or raised where it is read strictly."""

from __future__ import annotations

__all__ = ["Problems"]

PROBLEMS_MAX = 64  # a file of nothing but faults must not fill memory with them


class Problems:
    """Faults of one file that reading its records found; any thread may add to them."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._found: dict[str, Exception] = {}  # by text: what is read twice is found twice

    def note(self, problem: Exception) -> None:
        """Remember a fault, or raise it."""
        if self.strict:
            raise problem
        if len(self._found) < PROBLEMS_MAX:
            self._found.setdefault(str(problem), problem)

    def found(self) -> tuple[Exception, ...]:
        """All so far, in the order they were found."""
        return tuple(self._found.copy().values())
