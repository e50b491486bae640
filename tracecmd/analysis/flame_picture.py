"""Flame graphs as SVG: bars, and a script that zooms and searches."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

__all__ = ["Bar", "draw", "page"]

_WIDTH = 1200
_HEIGHT = 17  # of a bar
_TOP = 40
_LETTER = 7.0

# Neither "<" nor "&" is in it, so that it is the same to parsers of XML and of HTML.
_SCRIPT = """
(function () {
  var svg = document.currentScript.parentNode, shown = [0, 1];
  var bars = Array.prototype.slice.call(svg.querySelectorAll("g[data-x]"));
  var found = svg.querySelector(".found"), W = %(width)d, L = %(letter)s;
  function number(g, name) { return Number(g.getAttribute("data-" + name)); }
  function lay() {
    bars.forEach(function (g) {
      var x = number(g, "x"), w = number(g, "w"), rect = g.querySelector("rect");
      var left = Math.max(0, (x - shown[0]) / shown[1]);
      var right = Math.min(1, (x + w - shown[0]) / shown[1]);
      var wide = (right - left) * W, text = g.querySelector("text");
      g.style.display = wide > 0.1 ? "" : "none";
      if (wide > 0.1) {
        var name = g.getAttribute("data-name"), most = Math.floor((wide - 6) / L);
        rect.setAttribute("x", left * W);
        rect.setAttribute("width", wide);
        text.setAttribute("x", left * W + 3);
        if (name.length > most) { name = 3 > most ? "" : name.slice(0, most - 2) + ".."; }
        text.textContent = name;
      }
    });
  }
  function search() {
    var word = prompt("Search for functions (regular expression):", ""), share = 0, end = 0, wanted;
    if (word === null) { return; }
    try {
      wanted = new RegExp(word);
    } catch (fault) {
      found.textContent = String(fault);
      return;
    }
    var hits = bars.filter(function (g) {
      var hit = word !== "" ? wanted.test(g.getAttribute("data-name")) : false;
      g.querySelector("rect").style.fill = hit ? "#c3f" : "";
      return hit;
    });
    hits.sort(function (a, b) {
      return number(a, "x") - number(b, "x") || number(b, "w") - number(a, "w");
    });
    hits.forEach(function (g) {
      var x = number(g, "x"), w = number(g, "w");
      if (x + w > end) { share += x + w - Math.max(x, end); end = x + w; }
    });
    var part = (100 * share).toFixed(2) + " %%";
    found.textContent = word === "" ? "" : hits.length + " found, " + part;
  }
  bars.forEach(function (g) {
    g.addEventListener("click", function () { shown = [number(g, "x"), number(g, "w")]; lay(); });
  });
  svg.querySelector(".search").addEventListener("click", search);
  window.addEventListener("keydown", function (event) {
    var ctrl = event.ctrlKey ? event.key === "f" : false;
    if (ctrl || event.key === "/") { event.preventDefault(); search(); }
  });
  lay();
})();
"""


class Bar(NamedTuple):
    """A function in a stack: where, in parts of the width, and from the bottom up."""

    name: str
    left: float
    width: float
    depth: int
    text: str


def draw(title: str, bars: Iterable[Bar]) -> str:
    """The whole picture."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_svg(title, list(bars))}\n'


def page(title: str, bars: Iterable[Bar]) -> str:
    """The whole picture on a page."""
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">\n'
        f'<head><meta charset="utf-8"/><title>{escape(title)}</title></head>\n'
        f"<body>\n{_svg(title, list(bars))}\n</body>\n</html>\n"
    )


def _svg(title: str, bars: list[Bar]) -> str:
    height = _TOP + _HEIGHT * (1 + max((bar.depth for bar in bars), default=0)) + 5
    drawn = "\n".join(_bar(bar, height - 5 - _HEIGHT * (bar.depth + 1)) for bar in bars)
    script = _SCRIPT % {"width": _WIDTH, "letter": _LETTER}
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" '
        'font-family="monospace" font-size="11.5">\n'
        "<style>g[data-x] { cursor: pointer; } g[data-x]:hover rect { stroke: #000; }</style>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="{_WIDTH / 2:g}" y="20" font-size="16" text-anchor="middle">{escape(title)}'
        "</text>\n"
        '<text class="search" x="10" y="20" style="cursor: pointer">Search</text>\n'
        f'<text class="found" x="{_WIDTH - 10}" y="20" text-anchor="end"></text>\n'
        f"{drawn}\n<script>{script}</script>\n</svg>"
    )


def _bar(bar: Bar, y: int) -> str:
    left, width = bar.left * _WIDTH, bar.width * _WIDTH
    return (
        f'<g data-x="{bar.left:.9g}" data-w="{bar.width:.9g}" data-name={quoteattr(bar.name)}>'
        f"<title>{escape(bar.text)}</title>"
        f'<rect x="{left:.2f}" y="{y}" width="{width:.2f}" height="{_HEIGHT - 1}" '
        f'fill="{_colour(bar.name)}"/>'
        f'<text x="{left + 3:.2f}" y="{y + 12}">{escape(_fit(bar.name, width))}</text></g>'
    )


def _fit(name: str, width: float) -> str:
    """As much of a name as there is room for, as the script has it."""
    most = int((width - 6) // _LETTER)
    if most < 3:
        return ""
    return name if len(name) <= most else name[: most - 2] + ".."


def _colour(name: str) -> str:
    """A warm one, the same for the same name."""
    number = zlib.crc32(name.encode(errors="replace"))
    return f"rgb({205 + number % 50},{80 + number // 50 % 140},{number // 7000 % 60})"
