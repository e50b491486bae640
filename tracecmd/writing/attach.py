"""Attach a guest's recording to its host's, where both were made apart: trace-cmd-attach(1).

The host's file gets an option GUEST, which names the guest's trace ID and the host's thread of each
vCPU; the guest's gets a TIME_SHIFT and the host's TSC2NSEC, which put it on the host's clock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .. import _arguments
from .._reading import Progress
from ..errors import SessionError
from ..opening import open as open_trace
from ..options import OptionId
from ..trace import Trace
from .cut import refuse_input
from .outline import Outline

__all__ = ["Attached", "Shift", "attach"]

KVM = ("kvm:kvm_entry", "kvm:kvm_exit")
VCPU = "vcpu_id"
CPUS_MAX = 1 << 16  # of any file
UNKNOWN_PID = (1 << 32) - 1


class Shift(NamedTuple):
    """How a guest's time becomes its host's: ``(time * scaling >> fraction) + offset``.

    All in cycles; KVM tells it in debugfs, ``kvm/PID-FD/vcpuN/``.

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
    """What :func:`attach` found.

    Attributes:
        vcpus: the PID of the host's thread that ran each vCPU, by the vCPU's number.
        known: whether the host's file named this guest before: then it was left as it was.
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

    Each file that changes is replaced once the new ones are whole; if anything fails before that,
    nothing has changed.

    Args:
        host: the host's file: with kvm_entry or kvm_exit events, of the clock ``tsc2nsec``.
        guest: the guest's file, of the clock ``x86-tsc``.
        pids: threads of the host among which are those that ran the guest's vCPUs. Which vCPU each
            ran is found from the host's events.
        cpus: how many CPUs the guest has; None: as many as its file says.
        shifts: how the guest's time becomes the host's, CPU by CPU; the last is that of all further
            CPUs. A number is an offset alone. None: the guest's file stays as it is.
        strict: refuse files that anything is wrong with.
        progress: called now and then with work done and all work, for each file by itself.

    Raises:
        SessionError: (a ValueError) they cannot be attached: no KVM events, no trace ID.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
        TraceError: one cannot be read.
        OSError: a new one cannot be written.
    """
    refuse_input(host, [os.fspath(guest)])
    wanted = _host_pids(pids)
    given = None if shifts is None else _checked(shifts)
    with contextlib.ExitStack() as parts:
        with (
            open_trace(host, strict=strict) as host_trace,
            open_trace(guest, strict=strict) as guest_trace,
        ):
            if not guest_trace.trace_id:
                raise SessionError(
                    "option TRACEID: a guest's file needs one", path=guest_trace.path
                )
            count = guest_trace.cpus if cpus is None else cpus
            count = _arguments.number("cpus", count, 1, CPUS_MAX)
            vcpus = find_vcpus(host_trace, wanted, count)
            known = any(each.trace_id == guest_trace.trace_id for each in host_trace.guests)
            changed: list[_Part] = []
            if not known:
                outline = _with_guest(host_trace, guest_trace.trace_id, vcpus)
                changed.append(parts.enter_context(_part(host_trace, outline, progress)))
            if given is not None:
                outline = _on_host_clock(guest_trace, host_trace, given, count)
                changed.append(parts.enter_context(_part(guest_trace, outline, progress)))
        with _unbroken():
            for part in changed:  # nobody has them open any more
                os.replace(part.path, part.target)
    return Attached(MappingProxyType(vcpus), known)


# Arguments -----------------------------------------------------------------------------------


def _host_pids(pids: Iterable[int]) -> tuple[int, ...]:
    found = _arguments.pids(pids)
    if not found:
        raise ValueError("pids: none of them is a PID")
    return found


def _checked(shifts: Sequence[Shift | int]) -> list[Shift]:
    """Raises ValueError for what the option cannot hold."""
    checked = []
    for each in shifts:
        offset, scaling, fraction, time = each if isinstance(each, tuple) else Shift(each)
        checked.append(
            Shift(
                _arguments.number("offset", offset, -(1 << 63), (1 << 63) - 1),
                _arguments.number("scaling", scaling, 0, (1 << 63) - 1),
                _arguments.number("fraction", fraction, 0, 63),
                _arguments.number("time", time, 0, (1 << 63) - 1),
            )
        )
    if not checked:
        raise ValueError("shifts: there are none")
    return checked


# What the host's events say ------------------------------------------------------------------


def find_vcpus(host: Trace, pids: Iterable[int], cpus: int) -> dict[int, int]:
    """Which of some threads ran which vCPU, by the number of the vCPU.

    A thread runs the vCPU that its first record names; of several the first one has it. The file
    is read up to the first record of the last of them, or to its end.

    Raises:
        SessionError: the file has none of KVM's events that name a vCPU.
    """
    names = [name for name in KVM if name in host.events and VCPU in host.events[name].fields]
    if not names:
        raise SessionError("events kvm_entry, kvm_exit: a host's file needs one", path=host.path)
    left = set(pids)
    vcpus: dict[int, int] = {}
    ts = 0
    while left:
        event = host.at(ts, names, pids=left)
        if event is None:
            break
        vcpu = event[VCPU]
        if isinstance(vcpu, int) and 0 <= vcpu < cpus:
            vcpus.setdefault(vcpu, event.pid)
        left.discard(event.pid)
        ts = event.ts
    return dict(sorted(vcpus.items()))


# What the files get --------------------------------------------------------------------------


def _with_guest(host: Trace, trace_id: int, vcpus: Mapping[int, int]) -> Outline:
    """The host's outline with the option GUEST; its name is empty, as trace-cmd has it."""
    order = "<" if host.byteorder == "little" else ">"
    count = max(vcpus, default=-1) + 1
    rows = [
        struct.pack(order + "II", vcpu, vcpus.get(vcpu, UNKNOWN_PID) & UNKNOWN_PID)
        for vcpu in range(count)
    ]
    outline = host.outline()
    payload = b"\0" + struct.pack(order + "QI", trace_id, count) + b"".join(rows)
    outline.add(OptionId.GUEST, payload)
    return outline


def _on_host_clock(guest: Trace, host: Trace, shifts: Sequence[Shift], cpus: int) -> Outline:
    """The guest's outline with TIME_SHIFT, of a sample for each CPU, and the host's TSC2NSEC."""
    order = "<" if guest.byteorder == "little" else ">"
    of_cpus = [shifts[min(cpu, len(shifts) - 1)] for cpu in range(cpus)]
    payload = struct.pack(order + "QII", host.trace_id, 0, cpus)
    for each in of_cpus:
        payload += struct.pack(order + "Iqqq", 1, each.time, each.offset, each.scaling)
    for each in of_cpus:
        payload += struct.pack(order + "q", each.fraction)
    outline = guest.outline()
    outline.set(OptionId.TIME_SHIFT, payload)
    clock = host.tsc2nsec
    if clock is None:
        outline.drop(OptionId.TSC2NSEC)
    else:
        outline.set(OptionId.TSC2NSEC, struct.pack(order + "IIQ", *clock))
    return outline


# New files in place of the old ---------------------------------------------------------------


class _Part(NamedTuple):
    path: Path
    target: Path


@contextlib.contextmanager
def _unbroken() -> Iterator[None]:
    """Signals wait until the block has ended: both files are replaced, or neither."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _part(trace: Trace, outline: Outline, progress: Progress) -> Iterator[_Part]:
    """Write the new file beside the old one; it is gone at the end unless it took its place."""
    target = Path(os.path.realpath(trace.path))  # a symbolic link stays one
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        trace.write(path, outline=outline, progress=progress)
        shutil.copymode(target, path)
        yield _Part(path, target)
    finally:
        path.unlink(missing_ok=True)
