"""Objects of the core that are closed once, whatever threads, signals and the collector do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _lifetime, errors
from ._base import SourceProblem, check, exception, ffi, lib

__all__ = ["Handle"]

Count = Callable[[Any], int]


class Handle(_lifetime.Handle):
    """A C object that is closed once, and never while a call on it is running.

    ``with handle as pointer:`` surrounds each call. :meth:`close` does not wait for calls in other
    threads: the last of them to end closes the object. Objects whose C side points into others
    (parents) keep those alive: a file is unmapped when the last walk through it is gone.

    There is one way to a pointer that outlasts a call, :meth:`_hold`, so that none can be kept
    without its owner being kept as well. What makes all of that hold is described in
    ``csrc/python/handle.c``.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def require_open(self) -> None:
        """Raise ClosedError if close() was called."""
        if self.closed:
            raise errors.ClosedError("the trace is closed", path=self.path)

    def _hold(self, parent: Handle) -> Any:
        """The pointer of another object, for this one's C side to keep.

        Raises:
            ClosedError: that one is closed.
        """
        return _lifetime.hold(self, parent)

    def _create(self, struct: str, create: Callable[..., int], *arguments: Any,
                destroy: str = "", sources: Sequence[str] = ()) -> None:  # fmt: skip
        """Make the C object, after all that it points into is held.

        Args:
            struct: its type, ``trc_walk``.
            create: a function of the core that takes the arguments, where to put the object, and
                an error to fill.
            destroy: name of the function that destroys it, where that is not ``trc_walk_destroy``.
            sources: paths of its sources' files, where an error may be about one of several.

        Raises:
            TraceError, ValueError, OSError, MemoryError: as the core says.
        """
        function = ffi.addressof(lib, destroy or f"{struct}_destroy")
        place = self._own(int(ffi.cast("uintptr_t", function)))
        out = ffi.cast(f"struct {struct} **", place)
        err = ffi.new("struct trc_error *")
        check(create(*arguments, out, err), err, self.path, sources)
        self._publish(out[0])

    # What is wrong ------------------------------------------------------------------------

    def _own_problems(self, count: Count, get: Callable[..., int]) -> list[Exception]:
        """All that the core lists as wrong in the one file that this object is of."""
        return [each.problem for each in self._source_problems(count, get, [self.path])]

    def _source_problems(
        self, count: Count, get: Callable[..., int], paths: Sequence[str], known: int = 0
    ) -> list[SourceProblem]:
        """The same of several files, by their paths; none if there are as many as known."""
        with self as pointer:
            number = count(pointer)
            if number == known:
                return []
            err = ffi.new("struct trc_error *")
            problems = []
            for index in range(number):
                get(pointer, index, err)
                source = err.source if err.source < len(paths) else 0
                problems.append(SourceProblem(source, exception(err, paths[source])))
            return problems
