"""How a guest's clock is put on its host's, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from .. import errors
from ..options import TimeSample
from ..trace import Trace

if TYPE_CHECKING:
    from .session import Peer, Session

__all__ = ["PeerClock", "peer_clock", "require_one_clock"]


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


def _clock_of(session: Session, peer: Peer) -> int | str:
    """What a peer's times are on: the clock of the host with that trace ID, or its own."""
    shift = peer.trace.time_shift
    if peer.role == "host":
        return peer.trace.trace_id or "host"
    if peer.role == "guest" and session._sync and shift is not None:
        return shift.peer_trace_id
    return f"of {peer.name}"


def require_one_clock(session: Session, peers: Sequence[Peer], *, of_host: bool) -> None:
    """Refuse peers whose times cannot be compared, or, of_host, not with the host's.

    Raises:
        SessionError: nobody compared the clock of one of them with that of the first.
    """
    if of_host and session.host is not None:
        peers = (session.peers[0], *peers)
    compared = [peer for peer in peers if peer.trace.path not in session._claimed]
    for peer in compared:
        if _clock_of(session, peer) != _clock_of(session, compared[0]):
            raise errors.SessionError(
                f"{peer.name!r}: its times are not on the clock of {compared[0].name!r}; choose "
                "others by peers=, or say by offsets= of open_session() how they differ",
                path=peer.trace.path,
            )
