"""How a guest's clock is put on its host's, and how good that is."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..options import TimeSample
from ..trace import Trace

__all__ = ["PeerClock", "peer_clock"]


class PeerClock(NamedTuple):
    """What corrects the time stamps of one peer of a session.

    Attributes:
        name: the clock's name in the peer's file, e.g. ``"tsc2nsec"``.
        protocol: how it was compared with the host's while recording: ``"kvm"`` (offsets that the
            hypervisor knows exactly), ``"ptp"`` (offsets measured by messages, interpolated), or
            None: it was not, or the session was opened with ``sync=False``.
        samples: number of comparisons of each CPU.
        unit: what offsets are in: ``"ns"``, or ``"cycles"`` of the time stamp counter.
        spread: largest difference between two offsets of one CPU, in that unit: for kvm the
            steps that a vCPU's offset made, for ptp drift and the noise of the measurement.
        drift_ppb: by how many parts in a billion the peer's clock runs slower than the host's,
            between the first and the last sample (the median over its CPUs); None with less than
            two samples.
        tsc2nsec: whether cycles become ns by the file's TSC2NSEC option.
    """

    name: str
    protocol: Literal["kvm", "ptp"] | None
    samples: tuple[int, ...]
    unit: Literal["ns", "cycles"]
    spread: int
    drift_ppb: float | None
    tsc2nsec: bool


def _drift(samples: tuple[TimeSample, ...]) -> float | None:
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    return (last.offset - first.offset) / (last.time - first.time) * 1e9


def peer_clock(trace: Trace, *, synchronised: bool) -> PeerClock:
    """Describe the clock of one trace; see :class:`PeerClock`."""
    shift = trace.time_shift if synchronised else None
    cpus = shift.cpus if shift else ()
    drifts = sorted(drift for drift in map(_drift, cpus) if drift is not None)
    spreads = [max(s.offset for s in c) - min(s.offset for s in c) for c in cpus if c]
    cycles = trace.tsc2nsec is not None or trace.clock in ("x86-tsc", "tsc2nsec")
    return PeerClock(
        name=trace.clock,
        protocol=None if shift is None else "ptp" if shift.interpolate else "kvm",
        samples=tuple(map(len, cpus)),
        unit="cycles" if cycles else "ns",
        spread=max(spreads, default=0),
        drift_ppb=drifts[len(drifts) // 2] if drifts else None,
        tsc2nsec=trace.tsc2nsec is not None,
    )
