"""What each vCPU did all in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..._reading import Progress, reporter
from ._interval import STATES, State
from ._question import Question
from ._rows import rows_of

if TYPE_CHECKING:
    from ..session import Session, VCpu

_ROWS = 4096


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
) -> list[VCpuSummary]:
    """Sum up the timeline of every vCPU."""
    question = Question.of(session, buffers=buffers)
    asked = question.asked._replace(summary=True, raw_values=True)
    question = question._replace(asked=asked)
    sums: list[dict[tuple[str, str], int]] = [{} for _ in question.vcpus]
    exits: list[Counter[str]] = [Counter() for _ in question.vcpus]
    longest: dict[int, tuple[int, int]] = {}
    formats = question.schema().formats()
    for array in question.arrays(_ROWS, reporter(progress)):
        for of, what, name, value, since in rows_of(array, formats):
            if what == "longest":
                longest[of] = since, value
            elif what == "exit":
                exits[of][name] = value
            else:
                sums[of][what, name] = value
    return [
        VCpuSummary(
            vcpu,
            asked.end - asked.start,
            {state: sums[of]["state", state] for state in STATES},
            dict(exits[of].most_common()),
            longest.get(of),
            sums[of]["records", "inside"],
            sums[of]["records", "checkable"],
        )
        for of, vcpu in enumerate(question.vcpus)
    ]
