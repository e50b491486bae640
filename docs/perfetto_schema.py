"""The events that Perfetto's schema has, as csrc/perfetto/schema.c.

    python -m docs.perfetto_schema       # writes it anew

Read from the descriptors of the package ``perfetto``. Its numbers never change, so that an
older table stays right; ``tests/unit/test_perfetto_schema.py`` compares it with the package.
"""

from __future__ import annotations

import importlib.metadata
import textwrap
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[1] / "csrc" / "perfetto" / "schema.c"

# How values are written: letters of csrc/perfetto/schema.h by the numbers of field types.
LETTERS = {3: "I", 4: "U", 5: "i", 8: "u", 9: "s", 12: "s", 13: "u", 14: "i"}
MESSAGE, REPEATED = 11, 3
WIDTH = 109
# Not events of the kernel: messages of Perfetto's own that stand in their place.
NOT_EVENTS = ("generic", "kprobe_event")

HEAD = """\
/* SPDX-License-Identifier: MIT */
/* Written by docs/perfetto_schema.py out of the package perfetto {version}. */
#include "perfetto/schema.h"

/* clang-format off */
static const char *const events[] = {{
"""
TAIL = """\
};
/* clang-format on */

const struct schema_table schema_table = { events, countof(events) };
"""


def is_repeated(field: Any) -> bool:
    """Whether a field of a message may be there several times, whatever release of protobuf."""
    known = getattr(field, "is_repeated", None)
    return bool(field.label == REPEATED if known is None else known)


def spec_of(message: Any) -> str:
    """The fields of an event: "NAME=NUMBER" and a letter, "*" where there may be several."""
    return " ".join(
        f"{field.name}={field.number}{LETTERS[field.type]}{'*' if is_repeated(field) else ''}"
        for field in message.fields
        if field.type != MESSAGE
    )


def schema() -> dict[str, tuple[int, str]]:
    """Number in FtraceEvent and fields of each event, by its name."""
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2  # noqa: PLC0415

    return {
        field.name: (field.number, spec_of(field.message_type))
        for field in perfetto_trace_pb2.FtraceEvent.DESCRIPTOR.fields
        if field.message_type is not None and field.name not in NOT_EVENTS
    }


def version() -> str:
    """That of the package."""
    return importlib.metadata.version("perfetto")


def draw() -> str:
    """The text of the file: an event a string, as many in a line as it holds."""
    words = [
        f'"{name}={number} {fields}",'.replace(' ",', '",').replace(" ", "\0")
        for name, (number, fields) in sorted(schema().items())
    ]
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += " " + word
        else:
            lines += _pieces(word)
    body = "\n".join(lines).replace("\0", " ")
    return HEAD.format(version=version()) + body + "\n" + TAIL


def _pieces(word: str) -> list[str]:
    """A string that is longer than a line, as several that C joins."""
    if len(word) <= WIDTH:
        return [word]
    parts = textwrap.wrap(word[1:-2].replace("\0", " "), WIDTH - 4)
    quoted = [f'"{part} "' for part in parts[:-1]]
    return [*quoted, f'"{parts[-1]}",']


if __name__ == "__main__":
    TABLE.write_text(draw(), encoding="utf-8")
