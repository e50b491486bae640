"""A picture of limited size, drawn with matplotlib (the extra ``plot``), without a display.

The time axis has so many columns; of each lane and column it is summed up how long it showed which
shade, batch by batch, so that memory follows neither the number of intervals nor the time.
"""

from __future__ import annotations

import io
import itertools
import threading
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..packages import package
from .colours import HATCHED, PALETTE, TASKS
from .columns import Batch, Column
from .scene import Kind, Lane, Rule, Scene

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray[Any, Any]

__all__ = ["COLUMNS", "ROWS", "picture", "sums_of"]

COLUMNS = 2000
LINE = 0.165  # inches of a line of a legend
ROW = 0.32  # of a lane
ROWS = 256  # of a section, at most: each takes some 200 KB of an SVG
ROOM = 150  # letters from the left to the right
STRIPES = "#6d6d6d"
_SETTINGS = threading.Lock()
"""Matplotlib's are those of all threads: two that change them would not put back what was."""


class Row(NamedTuple):
    """A lane of the picture.

    Attributes:
        lane: which it is.
        shares: of each shade and column the part of the column that showed it.
        strip: the same of the strip along it, or None.
    """

    lane: Lane
    shares: Values
    strip: Values | None


def picture(scene: Scene, form: Literal["png", "svg"]) -> bytes:
    """Draw it.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    matplotlib = package("matplotlib", "plot")
    figures = package("matplotlib.figure", "plot")
    drawn = _figure(figures, scene)
    target = io.BytesIO()
    with (
        _SETTINGS,
        matplotlib.rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": "tracecmd", "hatch.linewidth": 0.6}
        ),
    ):
        drawn.savefig(target, format=form, metadata={"Date": None} if form == "svg" else None)
    return target.getvalue()


# Sums ------------------------------------------------------------------------------------------


def sums_of(scene: Scene, columns: int = COLUMNS) -> list[list[Row]]:
    """The lanes of each section, as far as they have a place in the picture."""
    shown = [section.lanes[: min(section.first or ROWS, ROWS)] for section in scene.sections]
    wanted: list[dict[tuple[Any, ...], int]] = [{} for _ in scene.kinds]
    for lane in (lane for lanes in shown for lane in lanes):
        for kind in (lane.kind, lane.strip):
            if kind is not None:
                wanted[kind].setdefault(lane.key, len(wanted[kind]))
    sums = [
        _Sums(scene, kind, lanes, columns) for kind, lanes in zip(scene.kinds, wanted, strict=True)
    ]
    for place, table in enumerate(scene.tables):
        concerned = [each for each in sums if each.kind.table == place and each.lanes]
        for batch in table.batches() if concerned else ():
            for each in concerned:
                each.add(batch, table.start, table.end)
    made = [each.shares() for each in sums]

    def row(lane: Lane) -> Row:
        strip = None if lane.strip is None else made[lane.strip][wanted[lane.strip][lane.key]]
        return Row(lane, made[lane.kind][wanted[lane.kind][lane.key]], strip)

    return [[row(lane) for lane in lanes] for lanes in shown]


class _Sums:
    """How long the lanes of one kind showed which shade, column by column."""

    def __init__(
        self, scene: Scene, kind: Kind, lanes: dict[tuple[Any, ...], int], columns: int
    ) -> None:
        self._np = package("numpy", "plot")
        self.kind = kind
        self.lanes = lanes
        self._start, self._end = scene.start, scene.end
        self._columns = columns
        self._width = (scene.end - scene.start) / columns
        shape = len(lanes), len(kind.shades), columns + 1
        self._parts = self._np.zeros(shape)  # of a column: where an interval begins or ends
        self._whole = self._np.zeros(shape)  # how many more cover a column whole than the last one

    def add(self, batch: Batch, start: str, end: str) -> None:
        """Add the intervals of a batch."""
        np = self._np
        lane, shade = self._lanes_of(batch), self._shades_of(batch)
        keep = (lane >= 0) & (shade >= 0)
        begins = self._times(batch[start], self._start)[keep]
        ends = self._times(batch[end], self._end)[keep]
        lane, shade = lane[keep], shade[keep]
        first = np.minimum(begins.astype(np.int64), self._columns - 1)
        last = np.minimum(ends.astype(np.int64), self._columns)
        one = first == last
        until = np.where(one, ends, first + 1.0)
        np.add.at(self._parts, (lane, shade, first), until - begins)
        more = ~one
        lane, shade, first, last = lane[more], shade[more], first[more], last[more]
        np.add.at(self._whole, (lane, shade, first + 1), 1)
        np.add.at(self._whole, (lane, shade, last), -1)
        np.add.at(self._parts, (lane, shade, last), ends[more] - last)

    def shares(self) -> Values:
        """Of each lane, shade and column the part of the column; what is left is the rest's."""
        shares = (self._parts + self._np.cumsum(self._whole, axis=2))[:, :, : self._columns]
        if self.kind.rest is not None:
            left = 1 - shares.sum(axis=1)
            shares[:, self.kind.rest] += self._np.where(left > 1e-6, left, 0)
        return shares.clip(0, 1)  # type: ignore[no-any-return]

    def _times(self, column: Column, null: int) -> Values:
        """Times in columns, as far as they are of the scene."""
        np = self._np
        values = np.frombuffer(column.values, f"u{column.values.itemsize}")
        values = values.clip(self._start, self._end)
        times = (values - np.uint64(self._start)).astype(float) / self._width
        if column.valid is not None:
            valid = np.frombuffer(column.valid, bool)
            times = np.where(valid, times, (null - self._start) / self._width)
        return times  # type: ignore[no-any-return]

    def _lanes_of(self, batch: Batch) -> Values:
        """Of each row the place of its lane; -1: it has none."""
        np = self._np
        keys = [batch[name] for name in self.kind.keys]
        values = [np.frombuffer(key.values, key.values.typecode) for key in keys]
        lanes = np.full(len(values[0]), -1)
        for wanted, place in self.lanes.items():
            fits = np.ones(len(lanes), bool)
            for key, own, value in zip(keys, values, wanted, strict=True):
                fits &= own == (value if key.texts is None else key.place(value))
            lanes[fits] = place
        for key in keys:
            if key.valid is not None:
                lanes[~np.frombuffer(key.valid, bool)] = -1
        if self.kind.only is not None:
            name, texts = self.kind.only
            lanes[~np.frombuffer(batch[name].among(texts), bool)] = -1
        return lanes  # type: ignore[no-any-return]

    def _shades_of(self, batch: Batch) -> Values:
        """Of each row its shade, by the first rule that has one."""
        np = self._np
        count = len(next(iter(batch.values())).values)
        shades = np.full(count, -1)
        for rule in self.kind.rules:
            shades = np.where(shades < 0, self._by_rule(rule, batch[rule.column]), shades)
        return shades  # type: ignore[no-any-return]

    def _by_rule(self, rule: Rule, column: Column) -> Values:
        np = self._np
        rest = -1 if rule.rest is None else rule.rest
        values = np.frombuffer(column.values, column.values.typecode)
        of = dict(rule.of)
        if column.texts is not None:
            shades = np.array([of.get(text, rest) for text in column.texts] or [rest])[values]
        else:
            shades = np.full(len(values), rest)
            for value, shade in of.items():
                if value is not None:
                    shades[values == value] = shade
        if column.valid is not None:
            shades[~np.frombuffer(column.valid, bool)] = of.get(None, rest)
        return shades  # type: ignore[no-any-return]


# Drawing ---------------------------------------------------------------------------------------


def _figure(figures: Any, scene: Scene) -> Any:
    columns = max(1, min(COLUMNS, scene.end - scene.start))
    sections = sums_of(scene, columns)
    rows = [row for section in sections for row in section]
    lines = sum(len(kind.shades) + 2 for kind in scene.kinds)
    height = max(LINE * lines, ROW * len(rows)) + 1.2
    figure = figures.Figure(figsize=(16, height), dpi=120)
    axes = figure.add_axes((0.11, 0.6 / height, 0.73, 1 - 1.1 / height))
    unit = 1e9 if scene.unit == "ns" else 1.0
    edges = [(scene.end - scene.start) * c / columns / unit for c in range(columns + 1)]
    for place, row in enumerate(rows):
        kind = scene.kinds[row.lane.kind]
        _stack(axes, edges, kind, row.shares, place - 0.4, 0.76)
        if kind.text in kind.found_by:  # the legend has names
            _names(axes, edges, kind, row.shares, place - 0.02)
        if row.strip is not None and row.lane.strip is not None:
            _stack(axes, edges, scene.kinds[row.lane.strip], row.strip, place + 0.38, 0.1)
    for label in axes.set_yticks(range(len(rows)), [_plain(row.lane.label) for row in rows]):
        label.label1.set(fontsize=8, parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlim(0, edges[-1])
    axes.set_xlabel(_since(scene), fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    place = 0
    for section in sections[:-1]:
        place += len(section)
        axes.axhline(place - 0.5, color="#999999", linewidth=0.5)
    axes.set_title(_plain(_title(scene, sections)), fontsize=10, parse_math=False)
    top = 1.0
    for kind in scene.kinds:
        _legend(axes, kind, top)
        top -= LINE * (len(kind.shades) + 2) / (height - 1.1)
    return figure


def _title(scene: Scene, sections: list[list[Row]]) -> str:
    left_out = [
        f"{len(shown)} of {len(section.lanes)} rows of {section.title}"
        for section, shown in zip(scene.sections, sections, strict=True)
        if len(shown) < len(section.lanes)
    ]
    return scene.title + (f" ({', '.join(left_out)})" if left_out else "")


def _since(scene: Scene) -> str:
    if scene.unit == "cycles":
        return f"cycles since {scene.start}"
    seconds, ns = divmod(scene.start, 10**9)
    return f"seconds since {seconds}.{ns:09d}"


def _stack(
    axes: Any, edges: list[float], kind: Kind, shares: Values, bottom: float, high: float
) -> None:
    """Draw a lane's columns, of each as much in a colour as it showed of it."""
    low = [bottom + high] * shares.shape[1]
    for shade, own in zip(kind.shades, shares, strict=True):
        if not own.any():
            continue
        top = [at - high * float(share) for at, share in zip(low, own, strict=True)]
        axes.fill_between(
            edges, [*low, low[-1]], [*top, top[-1]], where=_shown(own), step="post",
            facecolor=PALETTE[shade.colour].light, edgecolor=STRIPES, linewidth=0,
            hatch="//////" if shade.colour == HATCHED else None,
        )  # fmt: skip
        low = top


def _names(axes: Any, edges: list[float], kind: Kind, shares: Values, place: float) -> None:
    """Write a name where it has most of so many columns that there is room for it."""
    np = package("numpy", "plot")
    columns = shares.shape[1]
    most = np.where(shares.max(axis=0) > 0.5, shares.argmax(axis=0), -1)
    begins = [0, *(np.flatnonzero(np.diff(most)) + 1).tolist(), columns]
    for begin, stop in itertools.pairwise(begins):
        shade = kind.shades[most[begin]]
        room = (stop - begin) * ROOM // columns
        if most[begin] >= 0 and room >= 4 and shade.colour in TASKS:
            text = shade.label if len(shade.label) <= room else shade.label[: room - 1] + "…"
            light = shade.colour in ("sky", "yellow", "green", "vermillion")
            axes.text(
                (edges[begin] + edges[stop]) / 2, place, text, ha="center", va="center",
                fontsize=7, color="black" if light else "white", parse_math=False, clip_on=True,
            )  # fmt: skip


def _shown(shares: Values) -> list[bool]:
    """Say at which edges something is filled: matplotlib fills between two that are."""
    parts = [bool(share > 0) for share in shares]
    return [a or b for a, b in zip([False, *parts], [*parts, False], strict=True)]


def _legend(axes: Any, kind: Kind, place: float) -> None:
    patch = package("matplotlib.patches", "plot").Patch
    handles = [
        patch(
            facecolor=PALETTE[shade.colour].light,
            edgecolor=STRIPES,
            linewidth=0.4 if shade.colour == "idle" else 0,
            hatch="//////" if shade.colour == HATCHED else None,
            label=_plain(shade.label),
        )
        for shade in kind.shades
    ]
    legend = package("matplotlib.legend", "plot").Legend(
        axes, handles, [handle.get_label() for handle in handles], title=kind.title,
        loc="upper left", bbox_to_anchor=(1.005, place), bbox_transform=axes.transAxes, fontsize=7,
        title_fontsize=8, borderaxespad=0, frameon=False, alignment="left",
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
    axes.add_artist(legend)


def _plain(text: str) -> str:
    # Matplotlib leaves names that begin with an underscore out of legends.
    return f" {text}" if text.startswith("_") else text
