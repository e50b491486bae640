"""What reading a file may take."""

from __future__ import annotations

from dataclasses import dataclass

from . import _lowlevel

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """What one operation on a file may take beyond what the file's size accounts for.

    A small file can be made so that it unpacks to gigabytes. Each operation - opening, reading the
    events' formats or the kernel's symbols, finding the pages of the CPUs, one pass over records -
    has all of the budget; one that needs more raises :class:`~tracecmd.LimitError`, which says how
    much. No recording of a real system is known to come near the defaults.

    Attributes:
        memory: bytes that an operation keeps at once.
        work: bytes that it unpacks, beyond 16 times those they are packed in.
    """

    memory: int = _lowlevel.BUDGET_MEMORY
    work: int = _lowlevel.BUDGET_WORK

    def __post_init__(self) -> None:
        for name in ("memory", "work"):
            if not 0 < getattr(self, name) < 1 << 64:
                raise ValueError(f"budget: {name} is a number of bytes, not {getattr(self, name)}")
