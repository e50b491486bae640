"""Stacks with weights, and what tools and browsers show them from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .._texts import one_line
from .._version import __version__
from .answer import Answer
from .flame_picture import Bar, draw, page

__all__ = ["Flame"]

_UNITS = {"self": "nanoseconds", "offcpu": "nanoseconds", "samples": "none"}
_TITLES = {"self": "Time in functions", "offcpu": "Time off the CPU", "samples": "Stacks"}
_NARROWEST = 1e-4  # of the picture's width


@dataclass
class _Node:
    name: str
    parent: int | None
    weight: int = 0
    count: int = 0
    total: int = 0
    children: dict[str, int] = field(default_factory=dict)


class Flame:
    """Stacks with weights: what :meth:`Trace.flame` and :meth:`Session.flame` give.

    Functions of one name that are called by the same ones are one.

    Attributes:
        weight: what it was asked for: ``self``, ``offcpu`` or ``samples``.
        total: all weights together, in ns or samples.
        count: how many calls, waits or samples that is of.
        lost: how many more there are, of which it is not known what they weigh.
    """

    def __init__(self, weight: str, nodes: list[_Node], lost: int) -> None:
        self.weight = weight
        self.lost = lost
        self._nodes = nodes
        self._roots = [place for place, node in enumerate(nodes) if node.parent is None]
        for node in reversed(nodes):  # those that are called come after those that call them
            node.total += node.weight
            if node.parent is not None:
                nodes[node.parent].total += node.total
        self.total = sum(nodes[root].total for root in self._roots)
        self.count = sum(node.count for node in nodes)

    @classmethod
    def of(cls, answer: Answer, weight: str) -> Flame:
        """Read the nodes of an answer, in one pass over the records."""
        nodes: list[_Node] = []
        roots: dict[str, int] = {}
        places: list[int] = []
        lost = 0

        def add(parent: int | None, name: str) -> int:
            known = roots if parent is None else nodes[parent].children
            place = known.setdefault(name, len(nodes))
            if place == len(nodes):
                nodes.append(_Node(name, parent))
            return place

        for _, parent, text, _, own, count, own_lost, *peer in answer.values():
            name = one_line(text)
            if parent is not None:
                place = add(places[parent], name)
            else:
                place = add(add(None, one_line(peer[0])) if peer and peer[0] else None, name)
            places.append(place)
            nodes[place].weight += own
            nodes[place].count += count
            lost += own_lost
        return cls(weight, nodes, lost)

    def stacks(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """All stacks that weigh something, the outermost function first."""
        for places, node in self._stacks():
            yield tuple(self._nodes[place].name for place in places), node.weight

    def _stacks(self) -> Iterator[tuple[list[int], _Node]]:
        path: list[int] = []
        todo = [(root, 0) for root in reversed(self._roots)]
        while todo:
            place, depth = todo.pop()
            node = self._nodes[place]
            path[depth:] = [place]
            if node.weight:
                yield list(path), node
            todo += [(child, depth + 1) for child in reversed(node.children.values())]

    def folded(self) -> str:
        """Folded stacks: a line for each, functions with ``;`` between them, and its weight.

        It is what ``flamegraph.pl`` and its like read. A ``;`` in a task's name becomes a ``:``.
        """
        return "".join(
            f"{';'.join(name.replace(';', ':') for name in names)} {weight}\n"
            for names, weight in self.stacks()
        )

    def to_speedscope(self) -> str:
        """JSON for https://www.speedscope.app: a sampled profile with weights."""
        frames: dict[str, int] = {}
        samples, weights = [], []
        for names, weight in self.stacks():
            samples.append([frames.setdefault(name, len(frames)) for name in names])
            weights.append(weight)
        profile: dict[str, Any] = {
            "type": "sampled",
            "name": _TITLES[self.weight],
            "unit": _UNITS[self.weight],
            "startValue": 0,
            "endValue": self.total,
            "samples": samples,
            "weights": weights,
        }
        return json.dumps(
            {
                "$schema": "https://www.speedscope.app/file-format-schema.json",
                "shared": {"frames": [{"name": name} for name in frames]},
                "profiles": [profile],
                "name": _TITLES[self.weight],
                "activeProfileIndex": 0,
                "exporter": f"tracecmd@{__version__}",
            }
        )

    def to_svg(self) -> str:
        """A picture for browsers, complete in itself: a click zooms in, Ctrl-F searches.

        What is narrower than a ten-thousandth of it is left out.
        """
        return draw(_TITLES[self.weight], self._bars())

    def to_html(self) -> str:
        """The same as a page."""
        return page(_TITLES[self.weight], self._bars())

    def _bars(self) -> Iterator[Bar]:
        whole = self.total or 1
        todo = []

        def lay(places: list[int], left: int, depth: int) -> None:
            for place in places:
                total = self._nodes[place].total
                if total >= whole * _NARROWEST and total:
                    todo.append((place, left, depth))
                left += total

        lay(self._roots, 0, 1)
        yield Bar("all", 0.0, 1.0, 0, self._text("all", self.total))
        while todo:
            place, left, depth = todo.pop()
            node = self._nodes[place]
            text = self._text(node.name, node.total)
            yield Bar(node.name, left / whole, node.total / whole, depth, text)
            lay(sorted(node.children.values(), key=lambda p: self._nodes[p].name), left, depth + 1)

    def _text(self, name: str, total: int) -> str:
        share = 100 * total / (self.total or 1)
        shown = f"{total} samples" if self.weight == "samples" else f"{total / 1000:.3f} us"
        return f"{name}: {shown}, {share:.2f} %"

    def __repr__(self) -> str:
        return f"<Flame {self.weight} total={self.total} count={self.count} lost={self.lost}>"
