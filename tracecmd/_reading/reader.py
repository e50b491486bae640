"""One file made ready for reading."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Literal, TypeVar

from .. import _lowlevel
from .._lazy import lazy
from ..btf import Btf, read_btf
from ..events import Events
from ..text_makers import TextMakers
from .event_texts import EventTexts
from .problems import Problems

__all__ = ["Reader"]

H = TypeVar("H", bound=_lowlevel.Handle)


class Reader:
    """One file made ready for reading: formats, names of tasks, data, on one clock setting."""

    def __init__(self, file: _lowlevel.File, metadata: _lowlevel.Metadata, events: Events,
                 clock: _lowlevel.Clock, byteorder: Literal["little", "big"],
                 problems: Problems, symbols: Callable[[], _lowlevel.Symbols]) -> None:  # fmt: skip
        self.file = self._file = file
        self.problems = problems
        self._symbols = symbols
        self.path = file.path
        self.peer = ""  # name in a session
        self.metadata = metadata
        self.events = events
        self.byteorder = byteorder
        self.clock = clock
        self.data = _lowlevel.Data(file, metadata, clock)
        self.streams = self.data.streams()
        self.buffer_names = [buffer.name for buffer in file.buffers()]
        self._makers = TextMakers()
        self._comms: dict[int, str] = {}
        self._common: dict[str, _lowlevel.FieldReader] = {}
        self._parts: dict[int, weakref.ref[_lowlevel.Handle]] = {}  # by their number
        self._part_numbers = itertools.count()

    @lazy
    def outline_problems(self) -> tuple[Exception, ...]:
        """Faults of the file, its texts and the outline of its trace data."""
        parts = (self.file, self.metadata, self.data, self.symbols)
        return tuple(problem for part in parts for problem in part.problems())

    def require_sound(self) -> None:
        """Raise the first of these faults, if the file is read strictly."""
        if self.problems.strict and self.outline_problems:
            raise self.outline_problems[0]

    @property
    def symbols(self) -> _lowlevel.Symbols:
        """The kernel's symbols; read when first asked for."""
        return self._symbols()

    @lazy
    def btf(self) -> Btf | None:
        """The kernel's types; None if the file has none."""
        return read_btf(self.symbols, self.file, self.metadata)

    @lazy
    def _texts(self) -> EventTexts:
        return EventTexts(self)

    def text(self, payload: bytes, stream: int, ts: int, *, kernel: bool) -> str:
        """What trace-cmd report prints of one event after its name."""
        while (texts := self._texts).makers is not self.makers:
            self._drop_texts()
        return texts.text(payload, stream, ts, kernel=kernel)

    @property
    def makers(self) -> TextMakers:
        """The functions of Python that make texts, or parts of them, now."""
        makers = self._makers.latest()
        self._makers = makers  # or older ones, by another thread: they lead to the latest
        return makers

    def change_makers(self, change: Callable[[TextMakers], TextMakers]) -> None:
        """Let other functions make texts from now on; change makes them of those there are."""
        self._makers = self._makers.replace(change)
        self._drop_texts()

    def _drop_texts(self) -> None:
        texts = self.__dict__.pop("_texts", None)  # lazy; those in use go on with the old ones
        if texts is not None:
            texts.close()

    def common_field(self, kind: Literal["flags", "preempt_count"]) -> _lowlevel.FieldReader:
        """What all records have at one place, whatever their event."""
        reader = self._common.get(kind)
        if reader is None:
            reader = _lowlevel.FieldReader.of_common(self.metadata, kind)
        return self._common.setdefault(kind, reader)

    def own(self, part: H) -> H:
        """Close a filter or the like with the file, whoever may still refer to it then."""
        for number, known in self._parts.copy().items():
            if known() is None:
                self._parts.pop(number, None)
        self._parts[next(self._part_numbers)] = weakref.ref(part)
        if self.file.closed:  # perhaps before this one was there
            part.close()
        return part

    def comm(self, pid: int) -> str:
        """Name of a task, remembered."""
        try:
            return self._comms[pid]
        except KeyError:
            return self._comms.setdefault(pid, self.metadata.comm(pid))

    def close(self) -> None:
        """Close the data; a walk that still runs keeps it until then."""
        self._makers = self._makers.replace(lambda _: TextMakers())
        texts = self.__dict__.get("_texts")  # lazy: not there if nobody asked
        if texts is not None:
            texts.close()
        for known in self._parts.copy().values():
            own = known()
            if own is not None:
                own.close()
        self.data.close()
