"""A traced session: a host and the guest virtual machines recorded together, one file each."""

from .clock import PeerClock
from .join import Joined
from .opening import SessionRecording, open_session
from .session import Peer, Session, VCpu

__all__ = ["Joined", "Peer", "PeerClock", "Session", "SessionRecording", "VCpu", "open_session"]
