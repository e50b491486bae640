"""What the caller says of a session, and its files do not: threads of vCPUs, and offsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import _arguments, errors
from ..trace import Trace

__all__ = ["Claims", "VCpu", "add_vcpus", "check_vcpus", "claim_notes"]


class VCpu(NamedTuple):
    """A vCPU of a guest and the host thread that ran it: tracecmd_map_find_by_host_pid(3).

    Attributes:
        guest: the guest's name, a key of :attr:`Session.guests`.
        vcpu: number of the vCPU, the CPU number in the guest's file.
        host_pid: PID of the thread in the host's file.
    """

    guest: str
    vcpu: int
    host_pid: int


class Claims(NamedTuple):
    """What the caller vouches for.

    Attributes:
        offsets: of files, by path: ns that are added to their times.
        vcpus: host threads of vCPUs.
    """

    offsets: Mapping[str, int]
    vcpus: tuple[VCpu, ...]


def check_vcpus(vcpus: Mapping[str, Mapping[int, int]] | None) -> tuple[VCpu, ...]:
    """Bring ``vcpus=`` into one form.

    Raises:
        TypeError, ValueError: a number cannot be one of a vCPU, or of a thread.
    """
    checked = []
    for guest, threads in (vcpus or {}).items():
        if not isinstance(threads, Mapping):
            raise TypeError(f"vcpus[{guest!r}]={threads!r}; it is a thread by vCPU")
        for vcpu, pid in threads.items():
            number = _arguments.number(f"vcpus[{guest!r}]: a vCPU", vcpu, 0, (1 << 31) - 1)
            thread = _arguments.number(f"vcpus[{guest!r}][{vcpu}]", pid, 1, (1 << 31) - 1)
            checked.append(VCpu(guest, number, thread))
    return tuple(checked)


def add_vcpus(
    mapped: Iterable[VCpu], guests: Mapping[str, Trace], claimed: Iterable[VCpu]
) -> tuple[VCpu, ...]:
    """Those that the files map, and those that the caller does, guest by guest.

    Raises:
        UnknownGuestError: (a KeyError) there is no such guest.
        ValueError: it has no such vCPU; the files have another thread for it; or one thread is
            said to run two.
    """
    threads = {vcpu[:2]: vcpu.host_pid for vcpu in mapped}
    for vcpu in claimed:
        if vcpu.guest not in guests:
            known = ", ".join(map(repr, guests)) or "none"
            raise errors.UnknownGuestError(f"vcpus: no guest {vcpu.guest!r}; there are {known}")
        where = f"vcpus[{vcpu.guest!r}][{vcpu.vcpu}]"
        if vcpu.vcpu >= guests[vcpu.guest].cpus:
            raise ValueError(f"{where}: that guest has {guests[vcpu.guest].cpus} CPUs")
        recorded = threads.get(vcpu[:2], vcpu.host_pid)
        if recorded != vcpu.host_pid:
            raise ValueError(f"{where}: {vcpu.host_pid}; the host's file says {recorded}")
        others = (key for key, pid in threads.items() if pid == vcpu.host_pid and key != vcpu[:2])
        for guest, number in others:
            raise ValueError(f"{where}: thread {vcpu.host_pid} runs vCPU {number} of {guest!r}")
        threads[vcpu[:2]] = vcpu.host_pid
    order = list(guests)
    rows = (VCpu(guest, number, pid) for (guest, number), pid in threads.items())
    return tuple(sorted(rows, key=lambda row: (order.index(row.guest), row.vcpu)))


def claim_notes(traces: Iterable[Trace], claims: Claims) -> list[str]:
    """What rests on the caller's word, in plain sentences."""
    names: dict[str, Any] = {trace.path: Path(trace.path).name for trace in traces}
    return [
        *(
            f"{names[path]}: by the caller's word {offset:+d} ns are added to its times"
            for path, offset in claims.offsets.items()
        ),
        *(
            f"guest {guest!r}: by the caller's word host thread {pid} runs its vCPU {vcpu}"
            for guest, vcpu, pid in claims.vcpus
        ),
    ]
