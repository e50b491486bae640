"""The filter of a scan of Arrow data, taken apart.

DuckDB hands a data set its filters as an expression of pyarrow, which can be applied but not
looked into: all that there is of it is its text. Only forms whose text can mean one thing are
read, and only where all columns have plain names; the rest is applied to what was read, as is all.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

from .conditions import Condition, How

__all__ = ["read_expression"]

_PLAIN = re.compile(r"[A-Za-z_]\w*([.:][A-Za-z_]\w*)*", re.ASCII)
_NAME = rf"({_PLAIN.pattern})"
_NUMBER = r"-?[0-9]+"
_TEXT = r'"[^"\\]*"'
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}"
_COMPARED = re.compile(rf"\({_NAME} (==|!=|<=|>=|<|>) ({_NUMBER}|{_TEXT}|{_TIME})\)", re.ASCII)
_MEMBER = re.compile(
    rf"(?:if_else\(is_valid\([\w.:]+\), )?is_in\({_NAME}, \{{value_set=(?:u?int[0-9]+|string):"
    rf"\[\s*((?:{_NUMBER}|{_TEXT})(?:,\s*(?:{_NUMBER}|{_TEXT}))*)\s*\],"
    r" null_matching_behavior=[A-Z]+\}\)(?:, null\[bool\]\))?",
    re.ASCII,
)
_EPOCH = datetime.datetime(1970, 1, 1)


def read_expression(expression: Any, names: Iterable[str]) -> list[Condition]:
    """The conditions in a pyarrow.compute.Expression over columns of these names."""
    if expression is None or not all(_PLAIN.fullmatch(name) for name in names):
        return []
    conditions = []
    pending = [str(expression)]
    while pending:
        text = pending.pop()
        parts = _joined(text, " and ")
        if parts:
            pending += parts
        elif one := _condition(text):
            conditions.append(one)
    return conditions


def _condition(text: str) -> Condition | None:
    """What one condition says all of."""
    if compared := _COMPARED.fullmatch(text):
        return Condition(compared[1], _how(compared[3]), (_value(compared[4]),))
    if member := _MEMBER.fullmatch(text):
        values = re.findall(rf"{_NUMBER}|{_TEXT}", member[3])
        return Condition(member[1], "in", tuple(map(_value, values)))
    sides = [_condition(part) for part in _joined(text, " or ")]
    values = []
    for side in sides:
        if side is None or side.how not in ("==", "in") or side.column != sides[0].column:  # type: ignore[union-attr]
            return None
        values += side.values
    return Condition(sides[0].column, "in", tuple(values)) if sides and sides[0] else None


def _how(text: str) -> How:
    how: Any = text
    checked: How = how
    return checked


def _value(text: str) -> int | str:
    if text.startswith('"'):
        return text[1:-1]
    if " " not in text:
        return int(text)
    seconds = datetime.datetime.fromisoformat(text[:19]) - _EPOCH
    return (seconds.days * 86400 + seconds.seconds) * 10**9 + int(text[20:])


def _joined(text: str, word: str) -> list[str]:
    """Both sides of ``(a and b)``; nothing if it is something else."""
    depth, place, quoted = 0, 0, False
    while place < len(text):
        letter = text[place]
        if quoted:
            place += letter == "\\"
            quoted = letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if not depth and place < len(text) - 1:
                return []
        elif depth == 1 and text.startswith(word, place) and text.startswith("("):
            return [text[1:place], text[place + len(word) : -1]]
        place += 1
    return []
