"""What notebooks show of our objects: small tables, in which no text of a file is markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from ._texts import valid_utf8

__all__ = ["grid", "type_name"]

ROWS_MOST = 30  # of a table; more would fill a notebook

_TYPES = {"c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32",
          "l": "int64", "L": "uint64", "b": "bool", "u": "text", "z": "binary",
          "tsn:": "timestamp[ns]", "tsn:UTC": "timestamp[ns, UTC]",
          "tDn": "duration[ns]"}  # fmt: skip


def _text(value: object) -> str:
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_utf8(str(value)))
    import html  # noqa: PLC0415 - scripts start faster without

    return html.escape(plain)


def _row(kind: str, cells: Iterable[object]) -> str:
    style = ' style="text-align: left"'
    return f"<tr>{''.join(f'<{kind}{style}>{_text(cell)}</{kind}>' for cell in cells)}</tr>"


def grid(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table below a title: at most :data:`ROWS_MOST` rows, and a line that says so if more."""
    some = list(islice(rows, ROWS_MOST + 1))
    lines = [_row("td", row) for row in some[:ROWS_MOST]]
    if len(some) > ROWS_MOST:
        lines.append(_row("td", ["...", *[""] * (len(some[0]) - 1)]))
    head = f"<thead>{_row('th', header)}</thead>" if header else ""
    return f"<b>{_text(title)}</b><table>{head}<tbody>{''.join(lines)}</tbody></table>"


def type_name(form: str) -> str:
    """A column's type, in words, of Arrow's format string and that of its elements."""
    kind, _, element = form.partition(" ")
    if kind.startswith("+"):
        return f"list of {type_name(element)}"
    return _TYPES.get(kind, "binary")
