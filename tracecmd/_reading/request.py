"""What is to be read, resolved: streams of open files instead of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .. import _lowlevel
from .progress import Report
from .reader import Reader
from .selection import EVENT_ROWS, ReadOptions, Selection
from .sources import Source

__all__ = ["Request"]


class Request(NamedTuple):
    """What is to be read, in which order.

    Attributes:
        sources: the streams, in the order of the merge.
        start, end: times in ns, ``start <= ts < end``; an end of None is no bound.
        backwards, by_cpu: the order.
        threads: windows of time to read side by side.
        batch_size: rows in a batch, at most.
        on_problem: called with damage that is met; None: each file notes its own.
        on_progress: called now and then with work done and all work.
    """

    sources: Sequence[Source]
    start: int = 0
    end: int | None = None
    backwards: bool = False
    by_cpu: bool = False
    threads: int = 1
    batch_size: int = EVENT_ROWS
    on_problem: Callable[[Exception], None] | None = None
    on_progress: Report = None

    @classmethod
    def of(
        cls,
        readers: Iterable[Reader],
        sources: Sequence[Source],
        selection: Selection,
        options: ReadOptions,
    ) -> Request:
        """Ask for what a selection says of streams that were chosen by it.

        Raises:
            TraceError: a file that is read strictly is at fault, whether or not that is read.
        """
        for reader in readers:
            reader.require_sound()
        return cls(
            sources,
            selection.start,
            selection.end,
            selection.reverse,
            selection.order == "cpu",
            options.threads,
            options.batch_rows,
            on_progress=options.report,
        )

    def note(self, problems: Iterable[_lowlevel.SourceProblem]) -> None:
        """Report damage that was met; a file that is read strictly raises it."""
        for source, problem in problems:
            (self.on_problem or self.sources[source].reader.problems.note)(problem)
