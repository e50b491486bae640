"""A traced session: a host and the guest virtual machines recorded together, one file each."""

from .clock import PeerClock
from .join import Joined
from .opening import SessionRecording, open_session
from .session import Peer, Session, VCpu
from .vcpu_timeline import Interval, Timeline, VCpuSummary

__all__ = [
    "Interval",
    "Joined",
    "Peer",
    "PeerClock",
    "Session",
    "SessionRecording",
    "Timeline",
    "VCpu",
    "VCpuSummary",
    "open_session",
]
