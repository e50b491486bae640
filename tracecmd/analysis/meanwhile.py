"""Who held the CPU while tasks waited for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from .. import _arguments, _lowlevel
from .._reading import watch
from .answer import Answer

__all__ = ["Meanwhile"]

_AFTER = 100_000_000  # ns: a CPU that the task was moved from may run on for so long
_NO_WAIT = _lowlevel.Wait(0, 0, "", 0, 0, 0, 0)


class Meanwhile(Answer):
    """Of the longest waits who held the CPU: :meth:`Latencies.worst`.

    The waits are found in one pass over the window; each is then a pass of its own, over the
    records from its beginning to its end, of its own file.
    """

    def __init__(self, worst: Answer) -> None:
        self._worst = worst
        make = partial(_lowlevel.analyses.sched, kind="holders", wait=_NO_WAIT)
        super().__init__(worst._question._replace(make=make), f"{worst._what} meanwhile")

    def _waits(self) -> Iterator[tuple[_lowlevel.Wait, str]]:
        """The longest ones, and whose they are."""
        question = self._worst._question
        plain = question.options._replace(ts="uint64")
        answer = Answer(question._replace(options=plain), self._worst._what)
        for rank, row in enumerate(answer.values(), 1):
            wait = dict(zip(answer.column_names, row, strict=True))
            peer = wait.pop("peer", "")
            del wait["latency"]
            yield _lowlevel.Wait(rank=rank, **wait), peer

    def _arrays(self) -> Iterator[_lowlevel.Array]:
        for wait, peer in self._waits():
            question = self._question
            sources = [s for s in question.request.sources if s.reader.peer == peer]
            options = question.options._replace(
                start=wait.woken,
                end=min(wait.run + _AFTER, _arguments.TIME_LIMIT - 1),
                to_last=False,
                cpus=None,
                pids=None,
            )
            make = partial(_lowlevel.analyses.sched, kind="holders", wait=wait)
            request = question.request._replace(sources=sources, on_progress=None)
            part = question._replace(request=request, options=options, make=make)
            with contextlib.closing(part.open()) as analysis:
                yield from watch(request, analysis, partial(analysis.next, request.batch_size))

    def without_dictionaries(self) -> Meanwhile:
        """The same with all texts plain."""
        return Meanwhile(self._worst.without_dictionaries())
