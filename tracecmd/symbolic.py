"""Names of values: what print fmts tell of enums and flags, __print_symbolic() and its like."""

from __future__ import annotations

import itertools
import re

__all__ = ["symbols_of"]

CALLS_MAX = 64  # in one print fmt, and characters of one: real ones have 6, and 7000
CALL_MAX = 32_000

_CALL = re.compile(r"__print_(?:symbolic|symbolic64|flags|flags_u64)\s*\(")
_FIELD = re.compile(r"REC->([\w.]+)")
_PAIR = re.compile(r'\{([^{}"]{1,200}),\s*"((?:[^"\\]|\\.)*)"\s*\}')
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*$")
_CAST = re.compile(r"\(\s*(?:__force\s+)?[a-z_][\w ]*\)")


def _end_of_call(text: str, start: int) -> int:
    """Where the parenthesis opened before start closes; the text's end if it does not."""
    depth, quoted, place = 1, False, start
    while place < len(text):
        c = text[place]
        if quoted and c == "\\":
            place += 1
        elif c == '"':
            quoted = not quoted
        elif not quoted and c in "()":
            depth += 1 if c == "(" else -1
            if not depth:
                return place
        place += 1
    return place


def _value(text: str) -> int | None:
    """A constant as kernels write them: numbers, shifts, sums of bits; None for anything else."""
    text = _CAST.sub("", text).strip()
    while text.startswith("(") and _end_of_call(text, 1) == len(text) - 1:
        text = text[1:-1].strip()
    if text.startswith("-"):
        value = _value(text[1:])
        return None if value is None else -value
    for operator in ("|", "<<"):
        place = _top_level(text, operator)
        if place is None:
            continue
        left, right = _value(text[:place]), _value(text[place + len(operator) :])
        if left is None or right is None or (operator == "<<" and not 0 <= right < 64):
            return None
        return left | right if operator == "|" else left << right
    found = _NUMBER.match(text)
    if not found:
        return None
    digits = found[1]
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
    return int(digits, 8 if octal else 0) if not octal or max(digits) < "8" else None


def _top_level(text: str, operator: str) -> int | None:
    """Where the last such operator stands outside of parentheses."""
    depth = 0
    for place in range(len(text) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if not depth and text.startswith(operator, place):
            return place
    return None


def symbols_of(print_fmt: str) -> dict[str, dict[int, str]]:
    """The names of values by field, as far as a print fmt tells them with constants.

    A field that several lists name has the values of all of them; of a value with two names the
    first counts, as when it is printed.
    """
    found: dict[str, dict[int, str]] = {}
    for call in itertools.islice(_CALL.finditer(print_fmt), CALLS_MAX):
        arguments = print_fmt[call.end() : call.end() + CALL_MAX]
        arguments = arguments[: _end_of_call(arguments, 0)]
        head, brace, _ = arguments.partition("{")
        field = _FIELD.search(head)
        if not brace or not field:
            continue
        names = found.setdefault(field[1], {})
        for expression, name in _PAIR.findall(arguments):
            value = _value(expression)
            if value is not None:
                names.setdefault(value, name)
    return {field: names for field, names in found.items() if names}
