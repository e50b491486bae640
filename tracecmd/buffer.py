"""The trace buffers of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import _lowlevel, errors
from ._lazy import lazy
from ._reading import Excluded, Names, Numbers, ReadOptions, Selection, Time
from .event import Event
from .filter import Filter

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Buffer", "CpuArea"]


class CpuArea(NamedTuple):
    """Where one CPU's data lies in the file: offset and stored (compressed) size in bytes."""

    cpu: int
    offset: int
    size: int


class Buffer:
    """A trace buffer: the top one, or a named instance."""

    def __init__(self, trace: Trace, index: int, info: _lowlevel.BufferInfo) -> None:
        self._trace = trace
        self._file = trace._file
        self._index = index
        self._described = info

    @property
    def _info(self) -> _lowlevel.BufferInfo:
        self._file.require_open()
        return self._described

    @property
    def name(self) -> str:
        """The instance's name, "" for the top buffer."""
        return self._info.name

    @property
    def clock(self) -> str:
        """The clock of its time stamps, e.g. ``"local"``; "" if not recorded."""
        return self._info.clock

    @property
    def page_size(self) -> int:
        """Size of a sub-buffer in bytes."""
        return self._info.page_size

    @property
    def compressed(self) -> bool:
        """Whether its data is compressed."""
        return self._info.compressed

    @property
    def is_text(self) -> bool:
        """Whether it holds the text of a latency tracer instead of ring-buffer pages."""
        return self._info.kind == _lowlevel.BUFFER_TEXT

    @property
    def offset(self) -> int:
        """Place of its data in the file."""
        return self._info.offset

    @property
    def size(self) -> int:
        """Extent of its data in the file, in bytes, as stored."""
        return self._info.size

    @lazy
    def cpus(self) -> tuple[CpuArea, ...]:
        """The CPUs that have data, by number, with its place in the file."""
        return tuple(CpuArea(*row) for row in self._file.cpu_areas(self._index))

    @lazy
    def empty_cpus(self) -> tuple[CpuArea, ...]:
        """The CPUs that the file names without data (size 0), with the place that it gives."""
        return tuple(CpuArea(*row) for row in self._file.empty_areas(self._index))

    def text(self) -> str:
        """The text of a latency tracer: a copy of tracefs ``trace``.

        Raises:
            ValueError: the buffer holds ring-buffer pages (:attr:`is_text` is false).
        """
        if not self.is_text:
            raise ValueError(f"buffer {self.name!r} holds records, not text")
        return self._file.buffer_text(self._index).decode(errors="surrogateescape")

    def iter(
        self,
        events: Names = None,
        *,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        pids: Numbers = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
    ) -> Iterator[Event]:
        """Walk over this buffer's records; see :meth:`Trace.iter`."""
        selection = Selection(
            self._trace._recording,
            events,
            where=where,
            exclude=exclude,
            buffers=[self.name],
            cpus=cpus,
            start=start,
            end=end,
            pids=pids,
            order=order,
            reverse=reverse,
        )
        return self._trace._read(selection, ReadOptions(threads=threads))

    def _of_trace(self, trace: Trace) -> Buffer:
        return Buffer(trace, self._index, self._described)

    def __getitem__(self, window: slice) -> Buffer:
        """The part of it between two times; see :meth:`Trace.__getitem__`."""
        return self._of_trace(self._trace[window])

    def __iter__(self) -> Iterator[Event]:
        return self.iter()

    def __repr__(self) -> str:
        name = self._described.name
        try:
            kind = "text" if self.is_text else f"cpus={len(self.cpus)}"
            return f"<Buffer {name!r} {kind} clock={self.clock!r}>"
        except errors.ClosedError:
            return f"<Buffer {name!r} closed>"
