"""The questions that a file and a session answer alike."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _lowlevel
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask, by_cpu

__all__ = ["Analyses"]


class Analyses:
    """Answers that take a state: one pass over the records, in the core.

    All take a window of time, CPUs and tasks, and give an :class:`~tracecmd.Answer`. Those of a
    session have one column more, ``peer``: text.
    """

    _recording: Recording

    def _readers(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def losses(
        self,
        *,
        start: int | None = None,
        end: int | None = None,
        cpus: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        progress: Progress = None,
    ) -> Answer:
        """Where events were lost.

            >>> with tracecmd.open("tests/data/i386-lost.dat") as trace:
            ...     losses = trace.losses(ts="uint64").to_numpy()
            >>> for name in ("cpu", "from", "to", "count"):
            ...     print(name, losses[name].tolist())
            cpu [0, 1, 0, 1]
            from [179601877736, 179793974408, 179803058460, 180015467548]
            to [179632145118, 179829577043, 179827058646, 180041168392]
            count [1223, 138, 2308, 3538]

        Rows come in the order in which they began.

        Columns:
            ``cpu`` uint32; ``from`` time of the last record before, null: there is none (or none
            was read: of a window that begins after it); ``to`` time of the first record after;
            ``count`` uint64 events, null: the kernel did not say how many;
            ``buffer`` text, the trace instance.

        Args:
            start, end: times in ns; losses that reach into ``start <= ts < end``, whole. None for
                no bound.
            cpus: numbers of CPUs; None for all.
            buffers: names of buffers, "" for the top one; None for all.
            ts: type of the columns of times: ``timestamp[ns]`` or ``uint64``.
            batch_rows: about how many rows a batch has.
            progress: called now and then with work done and all work, in pages.

        Raises:
            KeyError: no buffer of that name.
            TypeError, ValueError: an argument cannot be what it is; the message names it.
            TraceError: the data cannot be read.
        """
        asked = Asked(start, end, cpus, None, buffers, ts, batch_rows, progress)
        selection = by_cpu(asked.selection(self._recording), asked)
        readers = self._readers(selection)
        sources = all_sources(readers, selection)
        return ask(readers, sources, selection, asked, "losses", _lowlevel.analyses.losses)
