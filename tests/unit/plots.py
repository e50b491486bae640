"""What tests of plots share: what a page holds, as another program would read it."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from typing import Any, NamedTuple


class Page(NamedTuple):
    """What was unpacked: the description, and the rows of each table by column."""

    told: dict[str, Any]
    tables: list[list[dict[str, Any]]]


def unpack(page: str) -> Page:
    """Read the block of data of a page, value by value."""
    (block,) = re.findall(r'<template id="data">(.*?)</template>', page)
    data = zlib.decompress(base64.b64decode(block))
    size = int.from_bytes(data[:4], "little")
    told = json.loads(data[4 : 4 + size])
    at = 4 + size
    tables = []
    for table in told["tables"]:
        columns = {}
        for column in table["columns"]:
            rows = table["rows"]
            planes = [data[at + p * rows : at + (p + 1) * rows] for p in range(column["planes"])]
            at += column["planes"] * rows
            values = [
                int.from_bytes(bytes(v), "little") + column["base"]
                for v in zip(*planes, strict=True)
            ]
            if column["rising"]:
                for row in range(1, rows):
                    values[row] += values[row - 1]
            shown: list[Any] = list(values)
            if column["texts"] is not None:
                shown = [column["texts"][value] if column["texts"] else None for value in values]
            if column["nulls"]:
                shown = [
                    v if ok else None for v, ok in zip(shown, data[at : at + rows], strict=True)
                ]
                at += rows
            columns[column["name"]] = shown
        if "since" in columns:
            ends = [*columns["end"], 0]  # what begins with the scene is told to follow row -1
            since = columns.pop("since")
            columns["duration"] = [ends[r] - ends[r - s] for r, s in enumerate(since)]
        names = list(columns)
        tables.append(
            [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        )
    assert at == len(data)
    return Page(told, tables)


def times(told: dict[str, Any], row: dict[str, Any]) -> tuple[int, int]:
    """Beginning and end of an interval."""
    end = int(told["start"]) + row["end"]
    return end - row["duration"], end


def framed(frame: str) -> str:
    """The page of a notebook's frame."""
    found = re.match(r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts" ', frame)
    assert found is not None
    return html.unescape(found.group(1))
