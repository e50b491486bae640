"""A picture of a session: host CPUs, vCPUs and the guests' tasks on one time axis.

Drawn with matplotlib (the extra ``plot``), without a display and without the network: PNG, SVG, or
HTML, which is the SVG in a page that zooms with the wheel and moves with the mouse.
"""

from __future__ import annotations

import html
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import _arguments
from .._reading import Progress, Time
from ..export import replacing
from ..packages import package
from .vcpu_timeline import STATES, Interval, Timeline, recorded_span, unit_of

if TYPE_CHECKING:
    import os

    from .session import Session

__all__ = ["FORMATS", "Lane", "lanes_of", "write"]

FORMATS = (".html", ".png", ".svg")
COLUMNS = 2000  # of the time axis: what is shorter than one is drawn as its share of it
LANES = 200  # vCPUs at most: more cannot be told apart

STATE_COLOURS = {
    "running-in-guest": "#2ca02c",
    "running-in-host": "#1f77b4",
    "preempted": "#d62728",
    "blocked": "#d9d9d9",
    "unknown": "#fff3c4",
}
VCPU_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d", "#e45756", "#72b7b2",
                "#eeca3b", "#ff9da6", "#79706e", "#88d27a", "#d6a5c9")  # fmt: skip
TASK_COLOURS = ("#a6cee3", "#fdbf6f", "#b2df8a", "#cab2d6", "#fb9a99", "#ffff99", "#8dd3c7",
                "#bebada", "#fccde5")  # fmt: skip
OTHER = "#9e9e9e"
IDLE = "#f0f0f0"
LINE = 0.165  # inches of a line of a legend


class Lane:
    """One row of the picture: of each column, how long it showed what.

    Memory does not depend on the number of intervals.
    """

    def __init__(self, title: str, start: int, end: int, columns: int) -> None:
        self.title = title
        self.total: Counter[str] = Counter()
        self.columns: list[dict[str, int]] = [{} for _ in range(columns)]
        self._start = start
        self._span = end - start

    def edge(self, column: int) -> int:
        """The time at which a column begins."""
        return self._start + column * self._span // len(self.columns)

    def add(self, start: int, end: int, value: str) -> None:
        """Show a value for a time."""
        start, end = max(start, self._start), min(end, self._start + self._span)
        if end <= start:
            return
        self.total[value] += end - start
        count = len(self.columns)
        column = (start - self._start) * count // self._span
        while start < end:
            while column + 1 < count and self.edge(column + 1) <= start:
                column += 1
            stop = min(end, self.edge(column + 1)) if column + 1 < count else end
            shown = self.columns[column]
            shown[value] = shown.get(value, 0) + stop - start
            start = stop

    def shares(self, value: str) -> list[float]:
        """The part of each column that showed a value."""
        shares = []
        for column, shown in enumerate(self.columns):
            width = self.edge(column + 1) - self.edge(column)
            shares.append(shown.get(value, 0) / width if width else 0.0)
        return shares

    def runs(self, least: int) -> Iterable[tuple[int, int, str]]:
        """Stretches of at least so many columns that show one value most of the time."""
        begin, current = 0, ""
        for column in range(len(self.columns) + 1):
            shown = self.columns[column] if column < len(self.columns) else {}
            value = max(shown, key=shown.__getitem__, default="")
            if value != current or column == len(self.columns):
                if current and column - begin >= least:
                    yield begin, column, current
                begin, current = column, value


class Picture:
    """All lanes of a session."""

    def __init__(self, start: int, end: int, columns: int) -> None:
        self.start = start
        self.end = end
        self._columns = columns
        self.cpus: dict[int, Lane] = {}
        self.states: dict[tuple[str, int], Lane] = {}
        self.tasks: dict[tuple[str, int], Lane] = {}
        self.left_out = 0
        self.unit: Literal["ns", "cycles"] = "ns"

    def _lane(self, title: str) -> Lane:
        return Lane(title, self.start, self.end, self._columns)

    def add(self, row: Interval) -> None:
        """Draw an interval into its lanes."""
        key = row.guest, row.vcpu
        name = f"{row.guest}/{row.vcpu}"
        if key not in self.states:
            if len(self.states) >= LANES:
                self.left_out += 1
                return
            self.states[key] = self._lane(f"{name} state")
            self.tasks[key] = self._lane(f"{name} task")
        self.states[key].add(row.start, row.end, row.state)
        if row.guest_comm is not None:
            task = "idle" if row.guest_pid == 0 else row.guest_comm
            self.tasks[key].add(row.start, row.end, task)
        if row.host_cpu is not None:
            if row.host_cpu not in self.cpus:
                self.cpus[row.host_cpu] = self._lane(f"host CPU {row.host_cpu}")
            self.cpus[row.host_cpu].add(row.start, row.end, name)


def lanes_of(
    session: Session,
    *,
    start: Time = None,
    end: Time = None,
    columns: int = COLUMNS,
    progress: Progress = None,
) -> Picture:
    """Read a session's timeline into the lanes of a picture.

    Raises:
        ValueError: there is nothing to draw: no host, no records, or none at those times.
    """
    begin, stop = _arguments.window(start, end)
    span = None if session.host is None else recorded_span(session.host)
    if span is None or not session.vcpus:
        raise ValueError("nothing to draw: no records of a host that knows its guests' vCPUs")
    first = max(begin, span[0])
    last = span[1] if stop is None else min(stop, span[1])
    if last <= first:
        raise ValueError("nothing to draw: the host has no records at that time")
    picture = Picture(first, last, max(1, min(columns, last - first)))
    if session.host is not None:
        picture.unit = unit_of(session.host)
    for row in Timeline(session, start=first, end=last, progress=progress):
        picture.add(row)
    return picture


# Drawing ---------------------------------------------------------------------------------------


def _stack(axes: Any, place: float, lane: Lane, colours: dict[str, str]) -> None:
    """Draw a lane's columns, of each as much in a colour as it showed of it."""
    edges = [(lane.edge(c) - lane.edge(0)) / 1e9 for c in range(len(lane.columns) + 1)]
    bottom = [place - 0.4] * len(lane.columns)
    grouped: dict[str, list[float]] = {}
    for value in lane.total:
        colour = colours.get(value, OTHER)
        shares = lane.shares(value)
        known = grouped.get(colour)
        grouped[colour] = [a + b for a, b in zip(known, shares, strict=True)] if known else shares
    for colour in sorted(grouped, key=[*colours.values(), OTHER].index):
        top = [b + 0.8 * share for b, share in zip(bottom, grouped[colour], strict=True)]
        axes.fill_between(
            edges,
            [*bottom, bottom[-1]],
            [*top, top[-1]],
            where=_shown(grouped[colour]),
            step="post",
            color=colour,
            linewidth=0,
        )
        bottom = top


def _shown(shares: list[float]) -> list[bool]:
    """Say at which edges something is filled: matplotlib fills between two that are."""
    left = [False, *(share > 0 for share in shares)]
    right = [*(share > 0 for share in shares), False]
    return [a or b for a, b in zip(left, right, strict=True)]


def _names(axes: Any, place: float, lane: Lane) -> None:
    """Write a task's name where it ran long enough for its name to fit."""
    for begin, stop, value in lane.runs(len(lane.columns) // 25 + 1):
        room = (stop - begin) * 110 // len(lane.columns)  # letters
        middle = (lane.edge(begin) + lane.edge(stop)) / 2 - lane.edge(0)
        if room >= 3:
            text = value if len(value) <= room else value[: room - 1] + "…"
            text = "".join(c if c.isprintable() else "?" for c in text)
            axes.text(
                middle / 1e9, place, text, ha="center", va="center", fontsize=7,
                parse_math=False, clip_on=True,
            )  # fmt: skip


def _legend(axes: Any, patch: Any, title: str, colours: dict[str, str], place: float) -> None:
    handles = [patch(color=colour, label=_plain(name)) for name, colour in colours.items()]
    legend = package("matplotlib.legend", "plot").Legend(
        axes, handles, [handle.get_label() for handle in handles], title=title, loc="upper left",
        bbox_to_anchor=(1.005, place), bbox_transform=axes.transAxes, fontsize=7,
        title_fontsize=8, borderaxespad=0, frameon=False,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
    axes.add_artist(legend)


def _plain(text: str) -> str:
    # Matplotlib leaves names that begin with an underscore out of legends.
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f" {text}" if text.startswith("_") else text


def figure(picture: Picture, title: str) -> Any:
    """Draw a picture; gives a matplotlib Figure."""
    figures = package("matplotlib.figure", "plot")
    patch = package("matplotlib.patches", "plot").Patch
    cpus = [picture.cpus[cpu] for cpu in sorted(picture.cpus)]
    order = sorted(picture.states)
    vcpus = [lane for key in order for lane in (picture.states[key], picture.tasks[key])]
    threads = [f"{guest}/{vcpu}" for guest, vcpu in order]
    thread_colours = {n: VCPU_COLOURS[i % len(VCPU_COLOURS)] for i, n in enumerate(threads)}
    ran: Counter[str] = Counter()
    for lane in picture.tasks.values():
        ran.update({name: ns for name, ns in lane.total.items() if name != "idle"})
    task_colours = {
        name: TASK_COLOURS[i] for i, (name, _) in enumerate(ran.most_common(len(TASK_COLOURS)))
    }
    task_colours["idle"] = IDLE
    lanes = [*cpus, *vcpus]
    legends = {
        "vCPU state": {str(s): STATE_COLOURS[s] for s in STATES},
        "vCPU on a host CPU": dict(list(thread_colours.items())[: len(VCPU_COLOURS)]),
        "guest task": task_colours | ({"others": OTHER} if len(ran) > len(TASK_COLOURS) else {}),
    }
    rows = sum(len(legend) + 2 for legend in legends.values())
    height = max(LINE * rows, 0.34 * len(lanes)) + 1.2
    drawn = figures.Figure(figsize=(16, height), dpi=120)
    axes = drawn.add_axes((0.09, 0.6 / height, 0.77, 1 - 1.1 / height))
    for place, lane in enumerate(lanes):
        own = thread_colours
        if lane.title.endswith(" state"):
            own = {str(state): STATE_COLOURS[state] for state in STATES}
        elif lane.title.endswith(" task"):
            own = task_colours
        _stack(axes, place, lane, own)
        if own is task_colours:
            _names(axes, place, lane)
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.set_yticks(range(len(lanes)), [_plain(lane.title) for lane in lanes], fontsize=8)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_xlim(0, (picture.end - picture.start) / 1e9)
    whole, rest = divmod(picture.start, 10**9)
    since = f"seconds since {whole}.{rest:09d}"
    if picture.unit == "cycles":
        since = f"billions of cycles since {picture.start}"
    axes.set_xlabel(f"{since} on the host's clock", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_axisbelow(False)
    for place in range(1, len(lanes)):
        edge = place == len(cpus) or (place > len(cpus) and (place - len(cpus)) % 2 == 0)
        axes.axhline(place - 0.5, color="black" if edge else "#cccccc", linewidth=0.5)
    axes.set_title(_plain(title), fontsize=10, parse_math=False)
    top = 1.0
    for name, colours in legends.items():
        _legend(axes, patch, name, colours, top)
        top -= LINE * (len(colours) + 2) / (height - 1.1)
    return drawn


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{margin:0;font-family:sans-serif}}svg{{width:100vw;height:94vh;cursor:grab}}
p{{margin:4px 12px;font-size:12px}}</style></head>
<body><p>Wheel: zoom the time axis. Drag: move. Double click: all of it.</p>
{svg}
<script>
"use strict";
const svg = document.querySelector("svg");
const all = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
let view = all.slice(), held = null;
svg.setAttribute("preserveAspectRatio", "none");
function show(left, width) {{
  width = Math.min(width, all[2]);
  left = Math.max(all[0], Math.min(left, all[0] + all[2] - width));
  view = [left, all[1], width, all[3]];
  svg.setAttribute("viewBox", view.join(" "));
}}
svg.addEventListener("wheel", e => {{
  e.preventDefault();
  const box = svg.getBoundingClientRect(), at = (e.clientX - box.left) / box.width;
  const width = Math.min(all[2], view[2] * (e.deltaY < 0 ? 0.8 : 1.25));
  show(view[0] + at * (view[2] - width), width);
}}, {{passive: false}});
svg.addEventListener("mousedown", e => {{ held = [e.clientX, view[0]]; e.preventDefault(); }});
window.addEventListener("mouseup", () => {{ held = null; }});
window.addEventListener("mousemove", e => {{
  if (held) show(held[1] - (e.clientX - held[0]) * view[2] / svg.clientWidth, view[2]);
}});
svg.addEventListener("dblclick", () => show(all[0], all[2]));
</script></body></html>
"""


def _render(drawn: Any, kind: Literal["png", "svg"]) -> bytes:
    target = io.BytesIO()
    matplotlib = package("matplotlib", "plot")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "tracecmd"}):
        drawn.savefig(target, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return target.getvalue()


def write(
    session: Session,
    path: str | os.PathLike[str],
    *,
    start: Time = None,
    end: Time = None,
    progress: Progress = None,
) -> None:
    """Draw a session into a file, which appears when it is whole.

    The upper rows are host CPUs, in the colour of the vCPU whose thread runs; below, each vCPU
    has its state and the guest's task. What is shorter than a two-thousandth of the time axis is
    drawn as its share of that.

    Args:
        session: the session.
        path: what its name ends with says what it becomes: ``.html``, ``.png`` or ``.svg``.
        start, end: times in ns between which to draw; None for all.
        progress: called now and then with work done and all work, in pages.

    Raises:
        ValueError: the name ends otherwise, or there is nothing to draw.
        MissingPackageError: (an ImportError) matplotlib is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"a picture's name ends with {', '.join(FORMATS)}, not {suffix!r}")
    package("matplotlib.figure", "plot")  # before the work, not after it
    picture = lanes_of(session, start=start, end=end, progress=progress)
    title = "host and vCPUs of " + ", ".join(session.guests)
    if picture.left_out:
        title += f" (the first {LANES} of {len(session.vcpus)} vCPUs)"
    drawn = figure(picture, title)
    if suffix == ".html":
        text = _render(drawn, "svg").decode()
        page = _PAGE.format(title=html.escape(_plain(title)), svg=text[text.index("<svg") :])
        data = page.encode(errors="replace")
    else:
        data = _render(drawn, "png" if suffix == ".png" else "svg")
    with replacing(path) as file:
        file.write(data)
