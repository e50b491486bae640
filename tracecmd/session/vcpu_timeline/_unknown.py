"""How long it is not known what each vCPU did, and why."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..._reading import Progress, reporter
from ._question import Question
from ._rows import rows_of

__all__ = ["VCpuUnknown", "sum_up_unknown"]

_ROWS = 4096


class VCpuUnknown(NamedTuple):
    """How long something of a vCPU was unknown for one reason: of :meth:`Timeline.unknown`.

    Attributes:
        guest, vcpu, host_pid: the vCPU, and its thread.
        what: ``"state"``, what it did; or ``"task"``, what the guest ran on it.
        reason: what was missing, in plain words: ``"kvm_entry was not recorded"``, ``"events were
            lost on host CPU 3"``, ``"the recording of the guest ended"``. What was unknown for one
            reason stays so for that until a record tells more, whatever else happens meanwhile.
        time: ns, all in all.
        stretches: of time without a gap.
    """

    guest: str
    vcpu: int
    host_pid: int
    what: Literal["state", "task"]
    reason: str
    time: int
    stretches: int


def sum_up_unknown(question: Question, progress: Progress) -> tuple[VCpuUnknown, ...]:
    """Do the work of :meth:`Timeline.unknown`."""
    asked = question.asked._replace(unknown=True, raw_values=True)
    question = question._replace(asked=asked)
    formats = question.schema().formats()
    rows = [
        row
        for array in question.arrays(_ROWS, reporter(progress))
        for row in rows_of(array, formats)
    ]
    rows.sort(key=lambda row: (row[0], row[1], -row[3], row[2]))
    return tuple(
        VCpuUnknown._make((*question.vcpus[of], what, reason, time, stretches))
        for of, what, reason, time, stretches in rows
    )
