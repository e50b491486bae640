"""What each vCPU did all in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..._reading import Progress
from ._interval import PREEMPTED, STATES, Interval, State
from ._machine import Machine

if TYPE_CHECKING:
    from ..session import Session, VCpu


class VCpuSummary(NamedTuple):
    """What one vCPU did all in all.

    Attributes:
        vcpu: which it is.
        traced: ns between the first and the last record of the host.
        states: ns in each state; they add up to ``traced``.
        exits: number of kvm_exit events by reason, the most frequent first.
        longest_preemption: when the longest one began, and how long it was in ns; None: none.
        inside, checkable: of the guest's records on that vCPU between two KVM events of its
            thread, one of them an entry and the other an exit, those that lie after the entry;
            and all of them. On one clock that is right they are equal.
    """

    vcpu: VCpu
    traced: int
    states: Mapping[State, int]
    exits: Mapping[str, int]
    longest_preemption: tuple[int, int] | None
    inside: int
    checkable: int


def summarize(
    session: Session,
    *,
    buffers: Iterable[str] | None = None,
    progress: Progress = None,
    each: Callable[[Interval], None] | None = None,
) -> list[VCpuSummary]:
    """Sum up the timeline of every vCPU; ``each`` is called with its intervals on the way."""
    machine = Machine(session, buffers=buffers, count_guest_records=True, progress=progress)
    threads = {(t.vcpu.guest, t.vcpu.vcpu): t for t in machine.threads}
    states: dict[tuple[str, int], Counter[State]] = {key: Counter() for key in threads}
    open_since: dict[tuple[str, int], tuple[int, int]] = {}  # preemption: start, end
    longest: dict[tuple[str, int], tuple[int, int]] = {}
    for _ in machine.run():
        for row in machine.done:
            key = row.guest, row.vcpu
            states[key][row.state] += row.end - row.start
            if row.state == PREEMPTED:  # rows of several tasks may be one preemption
                began, ended = open_since.get(key, (row.start, row.start))
                began = began if ended == row.start else row.start
                open_since[key] = began, row.end
                if key not in longest or row.end - began > longest[key][1]:
                    longest[key] = began, row.end - began
            if each is not None:
                each(row)
        machine.done.clear()
    return [
        VCpuSummary(
            thread.vcpu,
            machine.end - machine.start,
            {state: states[key][state] for state in STATES},
            dict(thread.exits.most_common()),
            longest.get(key),
            thread.inside,
            thread.checkable,
        )
        for key, thread in threads.items()
    ]
