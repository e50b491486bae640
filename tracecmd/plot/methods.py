"""How a file is drawn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from .._reading import Progress, Time
from .machine import Asked, scene_of
from .plot import Plot

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["Pictured"]


class Pictured:
    """A file that can be drawn."""

    def plot(
        self,
        *,
        start: Time = None,
        end: Time = None,
        buffer: str | None = None,
        progress: Progress = None,
    ) -> Plot:
        """Draw what each CPU ran, and what each task did, on one time axis.

        What is drawn is what :meth:`Sched.states` and :meth:`losses` say: what was not recorded
        is shown as that.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     trace.plot()
            <Plot i386-v6.dat>

        Args:
            start, end: times in ns between which to draw; None: of the records.
            buffer: name of the buffer whose events count, "" for the top one; None: the first
                that has a ``sched_switch``.
            progress: called now and then with work done and all work, in pages.

        Raises:
            ValueError: there is nothing to draw at that time.
            MissingEventError: (a KeyError) ``sched_switch`` was not recorded.
            KeyError: no buffer of that name.
            TraceError: the data cannot be read.
        """
        trace = cast("Trace", self)
        return Plot(partial(scene_of, trace, Asked(start, end, buffer, progress)))
