"""Who woke whom, and the chain of wake-ups that led to what a task does at some time."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial

from .. import _arguments, _lowlevel
from .answer import Answer

__all__ = ["Chain", "Link", "Wakers"]

_DEPTH = 1000


@dataclass(frozen=True)
class Link:
    """A task that was awake.

    Attributes:
        pid, name: which.
        start: time in ns of its wake-up, or from which on it is known to be awake.
        run: time when it first ran then; None: not, or nobody knows when.
        until: time up to which it counts: when it woke the task of the link before this, or, of
            the first link, the time that was asked for.
        waker: PID of the task that ran where it was woken; None: not known.
        waker_name: that task's name.
        context: in what it was woken: "task", "softirq", "hardirq" or "nmi"; None: not known.
    """

    pid: int
    name: str
    start: int
    run: int | None
    until: int
    waker: int | None
    waker_name: str | None
    context: str | None


@dataclass(frozen=True)
class Chain:
    """Tasks that woke each other, the last one first: :meth:`Wakers.chain`.

    Attributes:
        links: these tasks; empty: it is not known that the first was awake then.
        ends: why it goes no further back: "interrupt", the last was woken by one; "idle", by the
            idle task; "unknown", nobody knows by whom, or the waker is not known to have been
            awake; "depth", it was followed as far as was asked for.
    """

    links: tuple[Link, ...]
    ends: str


class Wakers(Answer):
    """Each time that a task was awake, and who woke it: :meth:`Sched.wakers`."""

    def chain(self, pid: int, time: int, *, depth: int = _DEPTH, peer: str | None = None) -> Chain:
        """Walk back from a task to the one that woke it, from when on that was awake, and so on.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     chain = trace.sched.wakers().chain(238, 31_104_000_000, depth=3)
            >>> [link.name for link in chain.links], chain.ends
            (['work.sh', 'cat', 'work.sh'], 'depth')

        Each link is a task and the time that it took until it woke the one before: the critical
        path to ``time``. It goes back only over what is known: a link without a waker, or one
        that an interrupt woke, is the last. The task that was interrupted is no part of it.

        The window is read up to ``time``, and all wake-ups in it are kept while that lasts, about
        60 bytes each; which tasks and CPUs the answer was asked for does not matter.

        Args:
            pid: the task.
            time: a time in ns at which it is awake.
            depth: how many links at most.
            peer: whose task it is, in a session; None: there is one file.

        Raises:
            TypeError, ValueError: an argument cannot be what it is; ``peer`` is none of the
                session's, or not given where there are several.
            LimitError, TraceError: as for the answer.
        """
        pid = _arguments.number("pid", pid, -(1 << 31), (1 << 31) - 1)
        time = _arguments.number("time", time, 0, _arguments.TIME_LIMIT - 1)
        depth = _arguments.number("depth", depth, 1, 1_000_000)
        return _Periods(self._before(time, self._peer(peer))).chain(pid, time, depth)

    def _peer(self, peer: str | None) -> str:
        peers = {source.reader.peer for source in self._question.request.sources}
        if peer is None:
            if len(peers) > 1:
                raise ValueError(f"peer=None; it is one of {sorted(peers)}")
            return next(iter(peers), "")
        if peer not in peers:
            raise ValueError(f"peer={peer!r}; it is one of {sorted(peers)}")
        return peer

    def _before(self, time: int, peer: str) -> Answer:
        """All wake-ups of a peer up to a time."""
        question = self._question
        end = min(question.options.end, time + 1, _arguments.TIME_LIMIT - 1)
        options = question.options._replace(
            end=end,
            to_last=question.options.to_last and question.options.end <= time,
            cpus=None,
            pids=None,
            ts="uint64",
            peer=False,
        )
        sources = tuple(s for s in question.request.sources if s.reader.peer == peer)
        request = question.request._replace(sources=sources)
        make = partial(_lowlevel.analyses.sched, kind="wakers")
        return Answer(question._replace(request=request, options=options, make=make), "wakers")


_NEVER = (1 << 64) - 1  # no time: those are before the end of a window
_NOBODY = 1 << 32  # no PID


class _Periods:
    """When tasks were awake: numbers in arrays, as there may be many."""

    def __init__(self, answer: Answer) -> None:
        names = answer.column_names
        wanted = ("pid", "start", "run", "end", "waker", "name", "waker_name", "context")
        places = [names.index(name) for name in wanted]
        self._texts: list[str | None] = [None]
        self._numbers: dict[str | None, int] = {None: 0}
        self._by_pid: dict[int, tuple[array[int], ...]] = {}
        for row in answer.values():
            pid, start, run, end, waker, *texts = (row[place] for place in places)
            if pid not in self._by_pid:
                self._by_pid[pid] = (*(array("Q") for _ in range(3)), array("q"),
                                     *(array("L") for _ in texts))  # fmt: skip
            numbers = (
                start,
                _NEVER if run is None else run,
                _NEVER if end is None else end,
                _NOBODY if waker is None else waker,
                *map(self._number, texts),
            )
            for column, number in zip(self._by_pid[pid], numbers, strict=True):
                column.append(number)

    def _number(self, text: str | None) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return self._numbers[text]

    def chain(self, pid: int, time: int, depth: int) -> Chain:
        """Links from the last task to the first."""
        links: list[Link] = []
        seen: dict[int, int] = {}  # by task: only what is before has not been a link
        while (place := self._find(pid, time, seen)) is not None:
            if len(links) == depth:
                return Chain(tuple(links), "depth")
            seen[pid] = place
            link = self._link(pid, place, time)
            links.append(link)
            if link.waker is None or link.context is None:
                break
            if link.context != "task":
                return Chain(tuple(links), "interrupt")
            if not link.waker:
                return Chain(tuple(links), "idle")
            pid, time = link.waker, link.start
        return Chain(tuple(links), "unknown")

    def _find(self, pid: int, time: int, seen: dict[int, int]) -> int | None:
        """The place of what a task is awake in at a time; times of a coarse clock may be equal."""
        own = self._by_pid.get(pid)
        if own is None:
            return None
        place = min(bisect_right(own[0], time), seen.get(pid, len(own[0]))) - 1
        return place if place >= 0 and own[2][place] >= time else None

    def _link(self, pid: int, place: int, until: int) -> Link:
        start, run, _, waker, name, waker_name, context = (c[place] for c in self._by_pid[pid])
        return Link(
            pid,
            self._texts[name] or "",
            start,
            None if run == _NEVER or run > until else run,
            until,
            None if waker == _NOBODY else waker,
            self._texts[waker_name],
            self._texts[context],
        )
