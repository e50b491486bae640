"""Questions to a session that only host and guests together can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from .. import _arguments, errors
from .._reading import Excluded, Names, Progress, Selection
from ..analysis.answer import BATCH_ROWS, Answer, Times
from ..filter import Filter
from .join import Joined, join
from .join_table import join_table
from .vcpu_sums import VCpuSums
from .vcpu_timeline import Timeline

if TYPE_CHECKING:
    from .session import Session

__all__ = ["BothSides"]


class BothSides(VCpuSums):
    """What vCPUs did, seen from the host and from inside."""

    def timeline(
        self,
        *,
        guests: Names = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Progress = None,
    ) -> Timeline:
        """What every vCPU did when: in the guest, in the host, preempted, blocked, unknown.

        Made from the host's sched_switch, sched_wakeup, sched_wakeup_new, sched_waking, kvm_entry
        and kvm_exit, as far as they were recorded, and the guests' sched_switch; see
        :mod:`tracecmd.session.vcpu_timeline` for the rules. Nothing is guessed.

        Args:
            guests: names of guests; None for all.
            buffers: names of the buffers whose records count; None: in each peer those on the
                clock of its top buffer.
            start, end: times in ns to cut the intervals to; None for no bound.
            progress: called now and then with work done and all work, in pages.

        Raises:
            UnknownGuestError: (a KeyError) there is no such guest.
        """
        session = cast("Session", self)
        session._require_open()
        names = _arguments.names("guests", guests)
        for name in names or ():
            if name not in session.guests:
                known = ", ".join(map(repr, session.guests)) or "none"
                raise errors.UnknownGuestError(
                    f"no guest {name!r} in this session; there are {known}"
                )
        return Timeline(
            session, guests=names, buffers=buffers, start=start, end=end, progress=progress
        )

    def join(
        self,
        events: Names = None,
        *,
        peers: Names = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Progress = None,
    ) -> Iterator[Joined]:
        """Walk over records with what the other side did at that instant.

        Gives the guests' records with the host CPU and thread that ran the vCPU, and the records
        that vCPUs' threads made in the host with the guest's current task. What is known at an
        instant follows the rules of :meth:`timeline`.

        Args:
            events, where, exclude, start, end, progress: as for :meth:`iter`. The filter is for the
                records that come out, not for what is known of the other side.
            peers: ``"host"`` and names of guests; None for all.
            buffers: as for :meth:`timeline`.

        Raises:
            KeyError: no such event or peer.
            FilterError: (a ValueError) ``where`` is not a filter.
        """
        session = cast("Session", self)
        session._require_open()
        return join(
            session,
            events,
            peers=peers,
            where=where,
            exclude=exclude,
            buffers=buffers,
            start=start,
            end=end,
            progress=progress,
        )

    def join_table(
        self,
        events: Names = None,
        *,
        fields: str | Iterable[str] = (),
        peers: Names = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Names = None,
        start: int | None = None,
        end: int | None = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        progress: Progress = None,
    ) -> Answer:
        """The same rows as those of :meth:`join`, as columns.

            >>> with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
            ...     switches = session.join_table(
            ...         "sched_switch", fields="next_comm", peers="Guest1", ts="uint64"
            ...     )
            ...     next(switches.values())[3:]
            (1, 239, 'Guest1', 1, None, None, 239, '<...>', 'trace-cmd')

        Columns:
            ``ts`` time; ``event`` text, its name; ``peer`` text, whose record it is; ``cpu``
            uint32 and ``pid`` int32 of the record, on that side; ``guest`` text and ``vcpu``
            int32; ``host_cpu``, ``host_pid``, ``guest_pid`` int32, ``guest_comm`` text, each
            null where :meth:`join` has None; the fields by name, null in rows of events that have
            no such field (``event.field`` where a column of another kind has that name).

        Args:
            events, peers, where, exclude, buffers, start, end, progress: as for :meth:`join`.
            fields: more columns: fields of the events, numbers or texts.
            ts: type of the column of times: ``timestamp[ns]`` or ``uint64``.
            batch_rows: about how many rows a batch has.

        Raises:
            KeyError: no such event or peer.
            UnknownFieldError: (a KeyError) none of the events has a field of that name.
            FilterError: (a ValueError) ``where`` is not a filter.
            TypeError, ValueError: an argument cannot be what it is; a field is neither a number
                nor a text, or of another type elsewhere.
        """
        session = cast("Session", self)
        session._require_open()
        names = _arguments.names("peers", peers)
        if names is None:
            names = tuple(peer.name for peer in session.peers)
        selection = Selection(
            session._recording,
            events,
            peers=names,
            where=where,
            exclude=exclude,
            start=start,
            end=end,
        )
        return join_table(
            session,
            selection,
            fields=fields,
            buffers=buffers,
            ts=ts,
            batch_rows=batch_rows,
            progress=progress,
        )
