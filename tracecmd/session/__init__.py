"""A traced session: a host and the guest virtual machines recorded together, one file each."""

from .clock import PeerClock
from .join import Joined
from .opening import SessionRecording, open_session
from .session import Peer, Session, VCpu
from .vcpu_sums import VCpuExits, VCpuSteal
from .vcpu_timeline import Interval, Timeline, VCpuSummary, VCpuUnknown

__all__ = [
    "Interval",
    "Joined",
    "Peer",
    "PeerClock",
    "Session",
    "SessionRecording",
    "Timeline",
    "VCpu",
    "VCpuExits",
    "VCpuSteal",
    "VCpuSummary",
    "VCpuUnknown",
    "open_session",
]
