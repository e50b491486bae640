"""Which events of a session would tell more about its vCPUs, had they been recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ._question import SWITCH, WAKES
from ._span import recorded

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["NotRecorded", "not_recorded"]

_OF_HOST = (
    ((SWITCH,), "when vCPUs had a CPU, and when they were preempted or blocked"),
    (WAKES, "whether a vCPU without a CPU was preempted or blocked"),
    (("kvm:kvm_entry",), "when vCPUs were in their guests, and how long exits took"),
    (("kvm:kvm_exit",), "when and why vCPUs left their guests"),
)
_OF_GUEST = (((SWITCH,), "which of its tasks ran"),)


class NotRecorded(NamedTuple):
    """Events that a file has no record of.

    Attributes:
        peer: ``"host"`` or the guest's name.
        events: their names; one of them would do.
        tells: what is not known without them.
    """

    peer: str
    events: tuple[str, ...]
    tells: str


def not_recorded(session: Session) -> list[NotRecorded]:
    """What the host and the guests with known vCPUs did not record."""
    if session.host is None or not session.vcpus:
        return []
    known = {guest for guest, _, _ in session.vcpus}
    asked = [("host", session.host, wanted) for wanted in _OF_HOST]
    for name, trace in session.guests.items():
        asked += [(name, trace, wanted) for wanted in _OF_GUEST if name in known]
    return [
        NotRecorded(peer, events, tells)
        for peer, trace, (events, tells) in asked
        if not recorded(trace, events, None)
    ]
