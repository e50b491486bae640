"""What programs marked, as windows of time to ask everything else about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .answer import Answer

__all__ = ["Markers", "Window"]


@dataclass(frozen=True)
class Window:
    """A stretch of time that a program marked.

    Attributes:
        name: of the slice, or the text of the mark that it begins with.
        start, end: times in ns; as bounds they leave the record that ends it out.
        pid: the task that marked the beginning.
        lost: events were lost meanwhile; of marks: not known, None.
        peer: whose it is, in a session, else "".
    """

    name: str
    start: int
    end: int
    pid: int
    lost: bool | None
    peer: str

    @property
    def bounds(self) -> dict[str, int]:
        """``start`` and ``end`` for whatever takes these: ``trace.irqs(**window.bounds)``."""
        return {"start": self.start, "end": self.end}


class Markers(Answer):
    """What programs wrote into ``trace_marker``: :meth:`Trace.markers`."""

    def windows(self, name: str | None = None, last: str | None = None) -> Iterator[Window]:
        """The marked stretches of time, in the order in which they ended.

            >>> with tracecmd.open("tests/data/armhf-marker.dat") as trace:
            ...     window = next(trace.markers().windows("marker number 1", "marker number 2"))
            ...     trace.sched.tasks(**window.bounds).column_names[:3]
            ('pid', 'name', 'running')

        Args:
            name: slices, also async ones, of this name that have both ends; None: of any.
            last: instead stretches between marks, from each whose text is ``name`` to the next
                whose text is ``last``, whoever wrote it; of several beginnings before one end the
                last counts.

        Raises:
            TypeError: a name is not a text, or there is ``last`` without ``name``.
            LimitError, TraceError: as for the answer.
        """
        for each in (name, last):
            if each is not None and not isinstance(each, str):
                raise TypeError(f"name={each!r}; it is a text")
        if last is not None and name is None:
            raise TypeError("last without a name that it ends")
        return self._slices(name) if last is None else self._between(name or "", last)

    def _marks(self) -> Iterator[dict[str, Any]]:
        options = self._question.options._replace(ts="uint64")
        answer = Answer(self._question._replace(options=options), self._what)
        for row in answer.values():
            yield dict(zip(answer.column_names, row, strict=True))

    def _slices(self, name: str | None) -> Iterator[Window]:
        for mark in self._marks():
            if mark["kind"] not in ("slice", "async") or mark["duration"] is None:
                continue
            if name is None or mark["name"] == name:
                yield _window(mark, mark["end"], mark["lost"])

    def _between(self, first: str, last: str) -> Iterator[Window]:
        open_marks: dict[tuple[str, str], dict[str, Any]] = {}
        for mark in self._marks():
            if mark["kind"] != "mark":
                continue
            where = mark["buffer"], mark.get("peer", "")
            begun = open_marks.pop(where, None) if mark["name"] == last else None
            if begun is not None:
                yield _window(begun, mark["start"], None)
            if mark["name"] == first:
                open_marks[where] = mark


def _window(mark: dict[str, Any], end: int, lost: bool | None) -> Window:
    peer = mark.get("peer", "")
    return Window(mark["name"], mark["start"], end, mark["pid"], lost, peer)
