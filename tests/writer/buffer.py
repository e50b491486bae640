"""What was recorded: buffers of the ring buffer, and texts of latency tracers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .records import Page


@dataclass(frozen=True)
class Buffer:
    """Ring-buffer data: of each CPU its pages. Without a name it is the top buffer."""

    name: str = ""
    cpus: Mapping[int, Sequence[Page | bytes]] = field(default_factory=dict)
    page_size: int | None = None
    """If not the file's. Version 7 only."""
    cpu_count: int | None = None
    """Rows of an instance's table in version 6; announced by a CPUCOUNT option of its own."""
    clock: str = ""
    """If not the file's. Version 7 only."""


@dataclass(frozen=True)
class TextBuffer:
    """What a latency tracer leaves: a text. In version 6 it can only be the top buffer."""

    text: str
    name: str = ""
