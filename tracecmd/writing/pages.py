"""Where the pages of a CPU come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from .. import _lowlevel
from .._reading import Source

__all__ = ["CutPages", "Pages", "RawPages"]


class Pages(Protocol):
    """Whole pages of one CPU, block by block."""

    page_size: int

    def fill(self, block: _lowlevel.Block) -> bool | _lowlevel.GoOn:
        """Put the next ones into a block; False: there are no more.

        GO_ON says that they are not all there yet: the same block is to be filled again.
        """
        ...

    def progress(self) -> tuple[int, int]:
        """Work done and all work, in pages."""
        ...

    def close(self) -> None:
        """Give back what it keeps."""
        ...


class CutPages:
    """Those of a stream that hold what is wanted of it.

    Pages that are wanted as a whole stay as they were; of others the records that are wanted are
    written anew, with their times and with the losses that reading them shows.

    It takes memory for some pages from the first to the last of them, so that of many CPUs only the
    one that is being written does.
    """

    def __init__(self, source: Source, start: int, end: int | None) -> None:
        stream = source.reader.streams[source.stream]
        self.page_size = stream.page_size
        self._problems = source.reader.problems
        self._wanted = source.lowlevel(), start, end
        self._cut: _lowlevel.Cut | None = None
        self._limit: int | None = None
        self._known = 0
        self._records = 0
        self._progress = 0, stream.page_count

    def _opened(self) -> _lowlevel.Cut:
        if self._cut is None:
            self._cut = _lowlevel.Cut(*self._wanted)
            self._cut.limit(self._limit)
        return self._cut

    def fill(self, block: _lowlevel.Block) -> bool | _lowlevel.GoOn:
        """See :meth:`Pages.fill`; damage is noted, or raised where the file is read strictly."""
        cut = self._opened()
        try:
            return cut.next(block)
        finally:
            self._records, self._progress = cut.records, cut.progress()
            problems = cut.problems(self._known)
            self._known = max(self._known, len(problems))
            for problem in problems:
                self._problems.note(problem.problem)

    @property
    def records(self) -> int:
        """How many were written so far."""
        return self._records

    def limit(self, records: int | None) -> None:
        """So many may come from now on, then no pages until the next call; None: all."""
        self._limit = records
        if self._cut is not None:
            self._cut.limit(records)

    def progress(self) -> tuple[int, int]:
        """See :meth:`Pages.progress`."""
        return self._progress

    def close(self) -> None:
        """See :meth:`Pages.close`."""
        if self._cut is not None:
            self._cut.close()


class RawPages:
    """Pages from elsewhere: pieces of bytes, each of whole pages."""

    def __init__(
        self, page_size: int, pieces: Iterable[bytes | memoryview], pages: int = 0
    ) -> None:
        self.page_size = page_size
        self._pieces: Iterator[bytes | memoryview] = iter(pieces)
        self._done = 0
        self._pages = pages

    def fill(self, block: _lowlevel.Block) -> bool:
        """See :meth:`Pages.fill`.

        Raises:
            ValueError: a piece is not of whole pages.
        """
        for piece in self._pieces:
            if len(piece):
                block.set(self.page_size, piece)
                self._done += len(piece) // self.page_size
                return True
        return False

    def progress(self) -> tuple[int, int]:
        """See :meth:`Pages.progress`."""
        return self._done, max(self._pages, self._done)

    def close(self) -> None:
        """See :meth:`Pages.close`."""
