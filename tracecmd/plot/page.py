"""One page with all intervals in it: ``page/`` has what it is made of.

A page holds a script, a style and one block of data, in base64: deflated, a description in JSON of
what is to be drawn and then the columns. Columns of numbers are cut into planes, all lowest bytes
first, then all second bytes, as many as are needed; so they are packed well, and unpacked fast.
The block is a template's text, which browsers read faster than a script's. Nothing of a recording
is in the page as text but for the title; and the page's policy lets no script run but this one, and
nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import sys
import zlib
from array import array
from collections.abc import Iterable
from importlib import resources
from itertools import compress, repeat
from operator import sub
from typing import Any

from .colours import HATCHED, PALETTE
from .columns import Column
from .scene import Kind, Scene, Table

__all__ = ["page"]

INTERVALS = 3_000_000
"""More than browsers show with ease."""
LONGEST = 1 << 53
"""In ns: up to there a browser's numbers are exact."""
_LEVEL = 6

_SCRIPTS = ("unpack.js", "lanes.js", "times.js", "paint.js", "view.js", "panel.js", "search.js",
            "input.js", "main.js")  # fmt: skip


def page(scene: Scene) -> str:
    """Make the page.

    Raises:
        ValueError: there are too many intervals, or the time is too long.
    """
    if scene.end - scene.start >= LONGEST:
        raise ValueError(
            f"from the first time to the last there are {scene.end - scene.start} {scene.unit}, "
            "too much for a page; a start and an end make it less"
        )
    packer = _Packer(scene)
    tables = [packer.table(table) for table in scene.tables]
    told = json.dumps(_told(scene, tables), separators=(",", ":")).encode()
    whole = zlib.compress(b"".join([len(told).to_bytes(4, "little"), told, *packer.planes]), _LEVEL)
    script = "\n".join(_part(name) for name in _SCRIPTS)
    script = f'(function () {{\n"use strict";\n{script}}})();\n'
    style = _part("page.css")
    return _part("page.html").format(
        title=html.escape(scene.title.encode(errors="replace").decode()),
        policy="; ".join(
            [
                "default-src 'none'",
                f"script-src '{_digest(script)}'",
                f"style-src '{_digest(style)}'",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        style=style,
        data=base64.b64encode(whole).decode(),
        script=script,
    )


def _part(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """What a policy names a text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _told(scene: Scene, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """What is to be drawn, as JSON has it."""
    return {
        "title": scene.title,
        "start": str(scene.start),
        "span": scene.end - scene.start,
        "unit": scene.unit,
        "palette": {name: colour._asdict() for name, colour in PALETTE.items()},
        "hatched": HATCHED,
        "tables": tables,
        "kinds": [_kind(kind) for kind in scene.kinds],
        "sections": [
            {
                "title": section.title,
                "sifted": section.sifted,
                "lanes": [lane._asdict() for lane in section.lanes],
            }
            for section in scene.sections
        ],
        "names": scene.names,
    }


def _kind(kind: Kind) -> dict[str, Any]:
    parts = ("shades", "rules", "details")
    return kind._asdict() | {
        part: [each._asdict() for each in getattr(kind, part)] for part in parts
    }


class _Packer:
    """Collects the planes of all columns."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._left = INTERVALS
        self.planes: list[bytes] = []

    def table(self, table: Table) -> dict[str, Any]:
        """Read a table; gives what is told of it, in the order of its planes."""
        columns: dict[str, _Joined] = {}
        rows = 0
        for batch in table.batches():
            for name, column in batch.items():
                columns.setdefault(name, _Joined(column)).add(column)
            count = len(next(iter(batch.values())).values)
            rows += count
            self._left -= count
            if self._left < 0:
                raise ValueError(
                    f"there are more than {INTERVALS} intervals, too many for a page; "
                    "a start and an end make it less"
                )
        if not rows:
            return {"rows": 0, "columns": []}
        self._times(table, columns)
        return {
            "rows": rows,
            "columns": [self._pack(name, column) for name, column in columns.items()],
        }

    def _times(self, table: Table, columns: dict[str, _Joined]) -> None:
        """Make times relative to the beginning, and cut them to the scene."""
        start, end = columns.pop(table.start), columns.pop(table.end)
        least, most = self._scene.start, self._scene.end
        bounds = []
        for column, null in ((start, least), (end, most)):
            if column.valid is not None:
                column.values = array("Q", (
                    value if ok else null
                    for value, ok in zip(column.values, column.valid, strict=True)
                ))  # fmt: skip
            if min(column.values) < least or max(column.values) > most:
                column.values = array("Q", (min(max(v, least), most) for v in column.values))
            bounds.append(array("Q", map(sub, column.values, repeat(least))))
        starts, ends = bounds
        columns["end"] = _Joined.of(ends, rising=True)
        since = _since(starts, ends)
        if since is not None:
            columns["since"] = _Joined.of(since)
        else:
            columns["duration"] = _Joined.of(array("q", map(sub, ends, starts)))

    def _pack(self, name: str, column: _Joined) -> dict[str, Any]:
        values: Iterable[int] = column.values
        if column.rising:  # nearly: what comes to be known late ends earlier
            values = array("q", map(sub, column.values, [0, *column.values[:-1]]))
        base = min(values, default=0)
        packed = array("Q", map(sub, values, repeat(base)))
        if sys.byteorder == "big":
            packed.byteswap()
        count = max(1, (max(packed).bit_length() + 7) // 8)
        data = packed.tobytes()
        self.planes += [data[plane::8] for plane in range(count)]
        if column.valid is not None:
            self.planes.append(bytes(column.valid))
        return {
            "name": name,
            "planes": count,
            "base": base,
            "rising": column.rising,
            "nulls": column.valid is not None,
            "texts": None if column.codes is None else list(column.codes),
        }


def _since(starts: array[int], ends: array[int]) -> array[int] | None:
    """How many rows before an interval one ended where it begins; None: that is not so of all.

    What was before lies near, so this is a quarter of what durations would take. Those that begin
    with the scene are told to begin where the row before the first one ended.
    """
    rows = range(len(ends))
    last = dict(zip(ends, rows, strict=True))
    found = list(map(last.get, starts, repeat(-1)))
    begins = set(compress(starts, map((-1).__eq__, found)))
    return array("q", map(sub, rows, found)) if begins <= {0} else None


class _Joined:
    """A column of all batches; the texts of all become places in one list."""

    def __init__(self, like: Column) -> None:
        self.values = array(like.values.typecode)
        self.valid: bytearray | None = None
        self.codes: dict[str, int] | None = None if like.texts is None else {}
        self.rising = False

    @classmethod
    def of(cls, values: array[int], *, rising: bool = False) -> _Joined:
        """One that is whole already."""
        joined = cls(Column(values, None, None))
        joined.values, joined.rising = values, rising
        return joined

    def add(self, column: Column) -> None:
        """Add the rows of a batch."""
        if column.valid is not None and self.valid is None:
            self.valid = bytearray(b"\1" * len(self.values))
        if self.valid is not None:
            self.valid += column.valid or b"\1" * len(column.values)
        if self.codes is None:
            self.values += column.values
            return
        codes = self.codes
        places = [codes.setdefault(text, len(codes)) for text in column.texts or ("",)]
        self.values.extend(map(places.__getitem__, column.values))
