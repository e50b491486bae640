"""What vCPUs did altogether: why they left their guests, and how long they waited for a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from .. import _lowlevel, errors
from .._reading import Progress, Recording, Selection, Time
from ..analysis.answer import Asked, all_sources, ask
from ..analysis.needs import of_one_buffer
from ..trace import Trace

__all__ = ["VCpuExits", "VCpuSteal", "VCpuSums"]

_EXIT, _ENTRY = "kvm:kvm_exit", "kvm:kvm_entry"


class VCpuExits(NamedTuple):
    """How often a vCPU left its guest for one reason, and for how long: of :meth:`Session.exits`.

    Attributes:
        guest, vcpu, host_pid: the vCPU, and its thread.
        reason: its name, as reports show it, or its number.
        code: what ``kvm_exit`` says; on x86 with the instruction set in the upper 32 bits, on arm64
            with the syndrome's class.
        exits: how many there are.
        timed: those of which the next ``kvm_entry`` is known, and nothing was lost between.
        total, min, max, p50, p90, p99: ns from the exits to the entries, of these; percentiles are
            within 1/128 of the exact ones. None: there are none.
        lost: those in which events may have been lost. What remains has no entry.
    """

    guest: str
    vcpu: int
    host_pid: int
    reason: str
    code: int
    exits: int
    timed: int
    total: int
    min: int | None
    max: int | None
    p50: int | None
    p90: int | None
    p99: int | None
    lost: int


class VCpuSteal(NamedTuple):
    """What a vCPU's thread did in the host, in ns: of :meth:`Session.steal`.

    Attributes:
        guest, vcpu, host_pid: the vCPU, and its thread.
        running: it had a CPU.
        steal: it could have run, and did not: woken, or preempted.
        waiting: it had nothing to run.
        unknown: nobody knows; the four together are the window.
    """

    guest: str
    vcpu: int
    host_pid: int
    running: int
    steal: int
    waiting: int
    unknown: int


class VCpuSums:
    """Questions to the host about all vCPUs of a session."""

    host: Trace | None
    _recording: Recording

    @property
    def vcpus(self) -> Sequence[tuple[str, int, int]]:
        """Guest, number and host thread of those that are known."""
        raise NotImplementedError

    def exits(
        self,
        *,
        start: Time = None,
        end: Time = None,
        buffer: str | None = None,
        progress: Progress = None,
    ) -> tuple[VCpuExits, ...]:
        """Why vCPUs left their guests, from the host's ``kvm_exit`` and ``kvm_entry``.

        In the order of :attr:`vcpus`, of each vCPU the reason of the most time first. Without
        ``kvm_entry`` in the recording exits are counted alone.

        Args:
            start, end: times in ns, the window that is looked at; None for no bound.
            buffer: name of the buffer whose events count, "" for the top one; None: the first that
                has any.
            progress: called now and then with work done and all work, in pages.

        Raises:
            MissingEventError: (a KeyError) the host did not record ``kvm_exit``.
            SessionError: there is no file of the host.
            TypeError, ValueError, TraceError: as for :meth:`spans`.
        """
        host = self._host("exits()")
        form = host.events.get(_EXIT)
        reasons = _lowlevel.ExitReasons(host._metadata, form.place) if form else None
        if reasons is None or not reasons.fields:
            raise errors.MissingEventError(
                "exits(): kvm_exit was not recorded; trace-cmd record -e kvm:kvm_exit "
                "-e kvm:kvm_entry does that",
                path=host.path,
            )
        vcpus = {vcpu[2]: vcpu for vcpu in self.vcpus}
        asked = Asked(start, end, None, list(vcpus), buffer, progress=progress)
        selection = Selection(host._recording, buffers=buffer, start=start, end=end)
        readers = [host._reader]
        sources = of_one_buffer(all_sources(readers, selection), f"{_EXIT},{_ENTRY}", selection)
        make = partial(_lowlevel.analyses.calls, kind="exits", by=("task",), reason=reasons.fields)
        found: dict[int, list[VCpuExits]] = {pid: [] for pid in vcpus}
        for row in ask(readers, sources, selection, asked, "exits", make).values():
            code, pid, timed, unmatched, lost = row[1], row[2], row[4], *row[12:14]
            guest, number, _ = vcpus[pid]
            exits, reason = timed + unmatched + lost, _reason(reasons, code)
            known = (guest, number, pid, reason, code, exits, timed, row[5], *row[7:12], lost)
            found[pid].append(VCpuExits._make(known))
        return tuple(each for pid in vcpus for each in found[pid])

    def steal(
        self,
        *,
        start: Time = None,
        end: Time = None,
        buffer: str | None = None,
        progress: Progress = None,
    ) -> tuple[VCpuSteal, ...]:
        """How long vCPUs could have run, but had no CPU, from the host's scheduler.

        It is what :meth:`Sched.tasks` tells of their threads, in the order of :attr:`vcpus`; see
        :class:`Sched` for what is known when. Threads that no record tells of have no row.

        Args:
            start, end, buffer, progress: as for :meth:`exits`.

        Raises:
            MissingEventError: (a KeyError) the host did not record ``sched_switch``.
            SessionError: there is no file of the host.
            TypeError, ValueError, TraceError: as for :meth:`spans`.
        """
        host = self._host("steal()")
        pids = [pid for _, _, pid in self.vcpus]
        tasks = host.sched.tasks(start=start, end=end, pids=pids, buffer=buffer, progress=progress)
        found = {}
        for values in tasks.values():
            row = dict(zip(tasks.column_names, values, strict=True))
            found[row["pid"]] = (
                row["running"],
                row["runnable"] + row["preempted"],
                row["sleeping"] + row["blocked"] + row["other"],
                row["unknown"],
            )
        return tuple(
            VCpuSteal(guest, vcpu, pid, *found[pid])
            for guest, vcpu, pid in self.vcpus
            if pid in found
        )

    def _host(self, what: str) -> Trace:
        self.vcpus  # noqa: B018 - the session is open
        if self.host is None:
            raise errors.SessionError(f"{what}: there is no file of the host")
        return self.host


def _reason(reasons: _lowlevel.ExitReasons, code: int) -> str:
    """The name of a reason, as reports show it, or its number."""
    if len(reasons.fields) == 1:
        return reasons.text(code, 0)
    return reasons.text(code & 0xFFFFFFFF, code >> 32)
