"""What is to be read, and how: two small values that replace long lists of arguments.

A :class:`Selection` says which records, of which recording. It holds plain values only - names,
numbers, paths - so that it can be compared, stored, and sent to another process, which opens the
recording for itself. :class:`ReadOptions` says how the reading goes about it: what changes neither
the records nor their order.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .. import _arguments
from .._html import grid
from .._times import Time, seconds
from ..filter import Filter
from .progress import Progress, Report, reporter

if TYPE_CHECKING:
    from .._readable import Readable

__all__ = [
    "EVENT_ROWS",
    "Excluded",
    "Names",
    "Numbers",
    "ReadOptions",
    "Recording",
    "RecordingPart",
    "Selection",
    "Time",
    "split_part",
]

EVENT_ROWS = 4096  # in a batch, where it becomes events
THREADS_MAX = 1024

Names = str | Iterable[str] | None
Excluded = str | Filter | Iterable[str | Filter] | None
Numbers = int | Iterable[int] | None


class Recording(Protocol):
    """A file, or the files of a session, and how they are opened: plain values again."""

    @property
    def name(self) -> str:
        """What it is called: the file, or the files."""
        ...

    def open(self) -> Readable:
        """Open it: a :class:`~tracecmd.Trace` or a :class:`~tracecmd.Session`."""
        ...

    def absolute(self) -> Recording:
        """The same for processes that are in other folders.

        Raises:
            TypeError: it was opened by a file descriptor, which means nothing there.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """A recording as if it held no more than a window of time: all selections of it are narrowed.

    Attributes:
        whole: the recording, which is none of these itself.
        window: first time in ns, and the first one after; None for no bound.
    """

    whole: Recording
    window: _arguments.Window

    @classmethod
    def of(cls, recording: Recording, start: Time, end: Time) -> RecordingPart:
        """A part of a recording, or of a part of one."""
        whole, before = split_part(recording)
        return cls(whole, _arguments.common_window(before, _arguments.window(start, end)))

    @property
    def name(self) -> str:
        """That of the whole."""
        return self.whole.name

    def absolute(self) -> RecordingPart:
        """The same for processes that are in other folders."""
        return RecordingPart(self.whole.absolute(), self.window)

    def open(self) -> Readable:
        """Open it, and give that part."""
        return self.whole.open()[slice(*self.window)]


def split_part(recording: Recording) -> tuple[Recording, _arguments.Window]:
    """A whole recording, and the window that is taken of it."""
    if isinstance(recording, RecordingPart):
        return recording.whole, recording.window
    return recording, (0, None)


def _exclusions(value: object) -> tuple[str | Filter, ...] | None:
    if value is None:
        return None
    if isinstance(value, str | Filter):
        return (value,)
    given = tuple(value) if isinstance(value, Iterable) else (value,)
    for each in given:
        if not isinstance(each, str | Filter):
            raise TypeError(f"exclude={value!r}; it is a name or a Filter, or several")
    return given


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Selection:
    """Which records of a recording, in which order.

    Arguments are checked and brought into one form here and nowhere else; what the files know by
    these names is found out when they are read (:func:`~tracecmd._reading.sources.choose`).

        >>> from tracecmd.opening import OpenOptions, TraceRecording
        >>> recording = TraceRecording("trace.dat", OpenOptions())
        >>> whole = Selection(recording, "sched:*", cpus=[2, 0], start=1000, end=9000)
        >>> part = whole.between(end=5000)
        >>> part.events, sorted(part.cpus), part.start, part.end
        (('sched:*',), [0, 2], 1000, 5000)

    Attributes:
        recording: what they are of.
        events: names of events, as given; None for all.
        buffers: names of buffers, "" for the top one; None for all.
        cpus: numbers of CPUs; None for all.
        start, end: times in ns, ``start <= ts < end``; an end of None is no bound. Of a part of a
            recording they lie in its window.
        pids: tasks that recorded (``common_pid``), rising; None for all.
        where: a filter: a text in the language of trace-cmd report -F, or a Filter; None: none.
        exclude: what is left out of that: names of events, which may have wildcards
            (``"sched_stat_*"``, ``"rcu:*"``), and Filters; None: nothing.
        peers: names of a session's peers; None for all. Of a single file it is None.
        order: ``"time"`` merges all CPUs, ``"cpu"`` has one after the other.
        reverse: whether the last record comes first.

    Raises:
        TypeError, ValueError: an argument cannot be what it is; the message names it.
    """

    recording: Recording
    events: tuple[str, ...] | None
    buffers: tuple[str, ...] | None
    cpus: frozenset[int] | None
    start: int
    end: int | None
    pids: tuple[int, ...] | None
    where: str | Filter | None
    exclude: tuple[str | Filter, ...] | None
    peers: tuple[str, ...] | None
    order: Literal["time", "cpu"]
    reverse: bool

    def __init__(
        self,
        recording: Recording,
        events: Names = None,
        *,
        buffers: Names = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        pids: Numbers = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        peers: Names = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
    ) -> None:
        if order not in ("time", "cpu"):
            raise ValueError(f'order={order!r}; it is "time" or "cpu"')
        if where is not None and not isinstance(where, str | Filter):
            raise TypeError(f"where={where!r}; it is a text or a Filter")
        _, part = split_part(recording)
        first, last = _arguments.common_window(_arguments.window(start, end), part)
        values = {
            "recording": recording,
            "events": _arguments.names("events", events),
            "buffers": _arguments.names("buffers", buffers),
            "cpus": _arguments.numbers("cpus", cpus),
            "start": first,
            "end": last,
            "pids": _arguments.pids(pids),
            "where": where,
            "exclude": _exclusions(exclude),
            "peers": _arguments.names("peers", peers),
            "order": order,
            "reverse": bool(reverse),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _asked(self) -> dict[str, str]:
        """What it does not leave open, as texts."""
        found = {"events": ", ".join(self.events)} if self.events is not None else {}
        for name in ("buffers", "cpus", "pids", "where", "exclude", "peers"):
            value = getattr(self, name)
            if value is not None:
                found[name] = repr(sorted(value) if name == "cpus" else value)
        found |= {"start": seconds(self.start)} if self.start else {}
        found |= {} if self.end is None else {"end": seconds(self.end)}
        found |= {} if self.order == "time" else {"order": self.order}
        return found | ({"reverse": "True"} if self.reverse else {})

    def __repr__(self) -> str:
        asked = (f"{name}={text}" for name, text in self._asked().items())
        return f"<{' '.join(['Selection of', repr(self.recording.name), *asked])}>"

    def _repr_html_(self) -> str:
        return grid(f"Selection of {self.recording.name!r}", (), self._asked().items())

    @property
    def excluded_names(self) -> tuple[str, ...]:
        """The names among what is left out."""
        return tuple(each for each in self.exclude or () if isinstance(each, str))

    @property
    def excluded_filter(self) -> Filter | None:
        """The filters among it, as one."""
        filters = [each for each in self.exclude or () if isinstance(each, Filter)]
        return functools.reduce(operator.or_, filters) if filters else None

    @property
    def condition(self) -> str | Filter | None:
        """What a record has to fulfil: ``where``, and none of the filters that are left out."""
        excluded = self.excluded_filter
        if excluded is None:
            return self.where
        if self.where is None:
            return ~excluded
        return (Filter(self.where) if isinstance(self.where, str) else self.where) & ~excluded

    def replace(self, **changes: Any) -> Selection:
        """The same with other values; they are checked like those of a new one."""
        return dataclasses.replace(self, **changes)

    def between(self, start: Time = None, end: Time = None) -> Selection:
        """Narrow it to the part of its time that also lies in ``start <= ts < end``, in ns."""
        window = _arguments.window(start, end)
        first, last = _arguments.common_window((self.start, self.end), window)
        return self.replace(start=first, end=last)

    def open(self) -> Readable:
        """Open what it is of, in whatever process: gives a Trace or a Session.

        Its own trace or session need not be open for that. A relative path is taken from the
        working directory, and a file descriptor means nothing elsewhere.
        """
        return self.recording.open()


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what is selected; none of it changes what comes out, but in how large pieces.

    Attributes:
        threads: windows of time to read side by side, 1 to 1024.
        batch_rows: rows in a batch, at most.
        progress: called now and then with work done and all work, in pages or windows; True: a
            bar of tqdm's shows it; None: no calls.

    Raises:
        TypeError, ValueError: one is not such a number.
    """

    threads: int = 1
    batch_rows: int = EVENT_ROWS
    progress: Progress = None

    def __post_init__(self) -> None:
        threads = _arguments.number("threads", self.threads, 1, THREADS_MAX)
        batch_rows = _arguments.number("batch_rows", self.batch_rows, 1, sys.maxsize)
        object.__setattr__(self, "threads", threads)
        object.__setattr__(self, "batch_rows", batch_rows)
        object.__setattr__(self, "progress", reporter(self.progress))

    @property
    def report(self) -> Report:
        """What to call with work done and all work; None: nothing."""
        return reporter(self.progress)
