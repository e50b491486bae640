"""What a vCPU can be doing, and for how long it did."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["running-in-guest", "running-in-host", "preempted", "blocked", "unknown"]

GUEST: State = "running-in-guest"
HOST: State = "running-in-host"
PREEMPTED: State = "preempted"
BLOCKED: State = "blocked"
UNKNOWN: State = "unknown"
STATES: tuple[State, ...] = (GUEST, HOST, PREEMPTED, BLOCKED, UNKNOWN)


class Interval(NamedTuple):
    """What one vCPU did for a time.

    Attributes:
        guest, vcpu: the vCPU.
        host_pid: the host thread that runs it.
        host_cpu: the CPU that the thread was on; None if on none, or not known.
        start, end: in ns on the session's clock, ``start <= t < end``.
        state: ``"running-in-guest"``; ``"running-in-host"``: KVM or the hypervisor's user space
            worked for it; ``"preempted"``: it could have run; ``"blocked"``: it had nothing to
            do; ``"unknown"``.
        guest_pid, guest_comm: the guest's task on that vCPU; None if not known.
        exit_reason: why it had left the guest, if running in the host.
    """

    guest: str
    vcpu: int
    host_pid: int
    host_cpu: int | None
    start: int
    end: int
    state: State
    guest_pid: int | None
    guest_comm: str | None
    exit_reason: str | None
