"""What each vCPU of a session did when, seen from both sides: host scheduler, KVM and guest tasks.

The host's records are followed thread by thread. What they do not say is ``unknown``; no state is
made up. The rules:

- A thread is on a CPU from the switch to it until the switch away from it. Any record of the
  scheduler or KVM that a thread makes shows it on that CPU.
- Time on a CPU is known from pairs of successive KVM events of the thread. From kvm_entry to
  kvm_exit, without a switch between, it was in the guest. From kvm_exit to kvm_entry it was in the
  host for that exit's reason, also where it was switched out meanwhile. Any other pair (some events
  were filtered away or lost), and the time before the first and after the last, say nothing.
- A thread that was switched out while it could run, or was woken up, is preempted until it is
  switched to. One that was switched out otherwise is blocked until it is woken up; if it is
  switched to without a wake-up on record (these are not traced), when it became runnable is not
  known.
- Where a host CPU lost events a thread known to be on another CPU is not concerned. All others
  are unknown from there until the next record that places them.
- Records that contradict what was known (one between was filtered away) leave the time since the
  last record about the thread unknown.
- If the host recorded no switches at all, only the time from kvm_entry to kvm_exit is known.

The core follows the threads (csrc/analysis/vcpu.h); ``_question`` finds what it takes.
"""

from __future__ import annotations

from ._interval import STATES, Interval, State
from ._question import EVENTS, Question
from ._recorded import NotRecorded, not_recorded
from ._rows import rows_of
from ._span import on_one_clock, recorded_span, unit_of
from ._summary import VCpuSummary, summarize
from ._timeline import Timeline
from ._unknown import VCpuUnknown

__all__ = [
    "EVENTS", "STATES", "Interval", "NotRecorded", "Question", "State", "Timeline", "VCpuSummary",
    "VCpuUnknown",
    "not_recorded", "on_one_clock", "recorded_span", "rows_of", "summarize", "unit_of",
]  # fmt: skip
