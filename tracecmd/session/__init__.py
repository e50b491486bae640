"""A traced session: a host and the guest virtual machines recorded together, one file each."""

from .clock import PeerClock
from .join import Joined
from .session import Peer, Session, VCpu, open_session

__all__ = ["Joined", "Peer", "PeerClock", "Session", "VCpu", "open_session"]
