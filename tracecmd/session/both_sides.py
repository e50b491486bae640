"""Questions to a session that only host and guests together can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from .. import _arguments, errors
from .._reading import Excluded, Names, Progress, Selection, Time
from ..analysis.answer import BATCH_ROWS, Answer, Times
from ..filter import Filter
from .join import Joined, join
from .join_table import join_table
from .vcpu_sums import VCpuSums
from .vcpu_timeline import Timeline
from .wakeups import wakeups

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
        start: Time = None,
        end: Time = None,
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
        names = _guests(session, guests)
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
        start: Time = None,
        end: Time = None,
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
        start: Time = None,
        end: Time = None,
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

    def wakeups(
        self,
        *,
        guests: Names = None,
        buffers: Names = None,
        start: Time = None,
        end: Time = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        progress: Progress = None,
    ) -> Answer:
        """How long guests' tasks waited to run, from what woke their vCPU in the host.

        A row for each task of a guest that began to run after it was woken. The chain into the
        host is told where each link of it was recorded: the vCPU's thread slept while the guest
        was idle on it; it was woken; it got a CPU; and the guest's idle task then woke the task,
        before anything else ran there. It begins with the interrupt whose handler the waking
        CPU was in, else with the first interrupt that KVM put to a guest there, in the same task
        and directly before; else with the wake-up itself. Otherwise ``unknown`` says why not.

        Columns:
            ``guest`` text; ``vcpu`` int32, that it ran on; ``pid`` int32 and ``name`` text of the
            task; ``woken``, ``run`` times in the guest; ``latency`` uint64 ns until ``run``, from
            ``begun`` if that is known, else from ``woken``; ``source`` text, the host's event that
            the chain begins with: ``irq_handler_entry``, ``kvm_set_irq``, ``kvm_msi_set_irq``,
            ``kvm_apic_accept_irq`` or ``sched_waking`` (also for sched_wakeup); ``begun`` its
            time; ``host_cpu``, ``waker`` int32, where that was and the task that the CPU ran;
            ``vcpu_woken``, ``vcpu_run`` times at which the vCPU's thread was woken, and got a
            CPU; ``entry`` time of its next ``kvm_entry``, null where there is none until then;
            ``unknown`` text: why all from ``source`` on is null; else null.

            Waits in which the guest lost events are not among them.

        Args:
            guests: names of guests; None for all.
            buffers: as for :meth:`timeline`.
            start, end: times in ns; waits that end in ``start <= run < end``. None for no bound.
            ts: type of the columns of times: ``timestamp[ns]`` or ``uint64``.
            batch_rows: about how many rows a batch has.
            progress: called now and then with work done and all work, in pages.

        Raises:
            MissingEventError: (a KeyError) the host or no guest recorded ``sched_switch``, or
                neither ``sched_waking`` nor ``sched_wakeup``.
            UnknownGuestError: (a KeyError) there is no such guest.
            SessionError: there is no file of the host, or nobody compared a guest's clock with
                the host's.
            TypeError, ValueError: an argument cannot be what it is; the message names it.
        """
        session = cast("Session", self)
        return wakeups(
            session,
            guests=_guests(session, guests),
            buffers=buffers,
            start=start,
            end=end,
            ts=ts,
            batch_rows=batch_rows,
            progress=progress,
        )


def _guests(session: Session, guests: Names) -> tuple[str, ...] | None:
    session._require_open()
    names = _arguments.names("guests", guests)
    for name in names or ():
        if name not in session.guests:
            known = ", ".join(map(repr, session.guests)) or "none"
            raise errors.UnknownGuestError(f"no guest {name!r} in this session; there are {known}")
    return names
