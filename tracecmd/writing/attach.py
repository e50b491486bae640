"""Attach a guest's recording to its host's, where both were made apart: trace-cmd-attach(1).

The host's file gets a GUEST option, which names the guest's trace ID and the host thread of each
vCPU; the guest's gets a TIME_SHIFT and the host's TSC2NSEC, which put it on the host's clock.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .. import _arguments, errors
from ..opening import open as open_trace
from ..options import OptionId
from ..trace import Trace
from .files import Outline, beside, whole_streams, write_file

__all__ = ["Attached", "Shift", "attach"]

KVM = ("kvm:kvm_entry", "kvm:kvm_exit")
VCPU_FIELD = "vcpu_id"
CPUS_MAX = 1 << 16  # as of a file
UNKNOWN_PID = (1 << 32) - 1

Progress = Callable[[int, int], None] | None


class Shift(NamedTuple):
    """What makes host time of a CPU's time in a guest: ``(time * scaling >> fraction) + offset``.

    KVM says it in debugfs, ``kvm/PID-FD/vcpuN/``; all in cycles.

    Attributes:
        offset: the negative of ``tsc-offset``.
        scaling: ``tsc-scaling-ratio``.
        fraction: ``tsc-scaling-ratio-frac-bits``.
        time: the guest's time from which on that holds.
    """

    offset: int
    scaling: int = 1
    fraction: int = 0
    time: int = 0


class Attached(NamedTuple):
    """What :func:`attach` found out.

    Attributes:
        vcpus: the host's PID of each vCPU, by its number.
        known: whether the host's file named this guest before; it was left as it was then.
    """

    vcpus: Mapping[int, int]
    known: bool


def attach(
    host: str | os.PathLike[str],
    guest: str | os.PathLike[str],
    pids: Iterable[int],
    *,
    cpus: int | None = None,
    shifts: Sequence[Shift | int] | None = None,
    strict: bool = False,
    progress: Progress = None,
) -> Attached:
    """Make one session of two files that were recorded apart, as trace-cmd-attach(1) does.

    Both files are replaced when the new ones are whole; nothing is changed if that fails.

    Args:
        host: the host's file: with kvm_entry or kvm_exit events, of clock ``tsc2nsec``.
        guest: the guest's file: of clock ``x86-tsc``.
        pids: threads of the host that ran the guest's vCPUs; others may be among them. Which vCPU
            each ran is found from the host's events.
        cpus: how many CPUs the guest has; None: as many as its file says.
        shifts: how the guest's time becomes the host's, CPU by CPU; the last one is that of all
            further CPUs. A number is an offset alone. None: what the guest's file says of its
            time stays as it is.
        strict: refuse files that anything is wrong with.
        progress: called now and then with work done and all work.

    Raises:
        SessionError: (a ValueError) the files cannot be attached: no KVM events, no trace ID, or
            one is the other.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
        TraceError: one of the files cannot be read.
        OSError: one of them cannot be written.
    """
    wanted = _pids(pids)
    given = None if shifts is None else _checked(shifts)
    with open_trace(host, strict=strict) as host_trace, open_trace(guest, strict=strict) as guest_trace:
        _require_fit(host_trace, guest_trace)
        count = guest_trace.cpus if cpus is None else _arguments.number("cpus", cpus, 1, CPUS_MAX)
        known = any(each.trace_id == guest_trace.trace_id for each in host_trace.guests)
        vcpus = find_vcpus(host_trace, wanted, count)
        changed: list[tuple[Trace, Outline]] = []
        if not known:
            outline = Outline.of(host_trace)
            outline.options.add(
                OptionId.GUEST,
                guest_payload(guest_trace.trace_id, vcpus, host_trace.byteorder),
            )
            changed.append((host_trace, outline))
        if given is not None:
            outline = Outline.of(guest_trace)
            _set_clock(outline, host_trace, guest_trace, [given[min(i, len(given) - 1)] for i in range(count)])
            changed.append((guest_trace, outline))
        _replace_all(changed, progress)
    return Attached(MappingProxyType(vcpus), known)
