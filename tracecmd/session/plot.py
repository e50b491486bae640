"""Pictures of sessions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from .._reading import Names, Progress, Time
from ..plot import Plot
from ..plot.machine import Asked
from .scene import scene_of

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Pictured"]


class Pictured:
    """A session that can be drawn."""

    def plot(
        self,
        *,
        guests: Names = None,
        start: Time = None,
        end: Time = None,
        progress: Progress = None,
    ) -> Plot:
        """Draw host CPUs, vCPUs and the guests' tasks on one time axis.

        Each host CPU has a row that says which vCPU's thread it ran, or that there was none; each
        vCPU has two, its state and the guest's task, as :meth:`timeline` has them.

            >>> with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
            ...     session.plot()
            <Plot host, Guest1, Guest2>

        Args:
            guests: names of guests; None for all.
            start, end: times in ns between which to draw; None: of the host's records.
            progress: called now and then with work done and all work, in pages.

        Raises:
            ValueError: there is nothing to draw: no host, no records, or none at those times.
            UnknownGuestError: (a KeyError) there is no such guest.
            TraceError: the data cannot be read.
        """
        session = cast("Session", self)
        return Plot(partial(scene_of, session, guests, Asked(start, end, progress=progress)))
