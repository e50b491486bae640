"""The answers that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._texts import unknown_name
from ..columns import Rows

if TYPE_CHECKING:
    from .._readable import Readable

__all__ = ["ANSWERS", "READY", "answer_method"]

# By name, where each is found; those that take nothing else are views of a database as well.
READY: Mapping[str, str] = {
    "tasks": "sched.tasks",
    "states": "sched.states",
    "latency": "sched.latency",
    "nr_running": "sched.nr_running",
    "irqs": "irqs",
    "softirqs": "softirqs",
    "syscalls": "syscalls",
    "markers": "markers",
    "functions": "functions",
    "losses": "losses",
}
ANSWERS: Mapping[str, str] = {**READY, "spans": "spans", "residency": "residency"}


def answer_method(readable: Readable, name: str) -> Callable[..., Rows]:
    """What gives an answer of a file or session.

    Raises:
        TypeError: that is no name.
        ValueError: there is no such answer; near names are suggested.
    """
    if not isinstance(name, str):
        raise TypeError(f"answer={name!r}; it is a name")
    if name not in ANSWERS:
        raise ValueError(
            unknown_name("answer", name, ANSWERS) + f"; there are {', '.join(ANSWERS)}"
        )
    found: Any = readable
    for part in ANSWERS[name].split("."):
        found = getattr(found, part)
    method: Callable[..., Rows] = found
    return method
