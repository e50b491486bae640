"""Times on the command line."""

from __future__ import annotations

import re

__all__ = ["UsageError", "nanoseconds"]


class UsageError(Exception):
    """What is asked for does not fit together."""


def nanoseconds(text: str | None) -> int | None:
    """Read a time: seconds with up to nine decimals, or an integer with the unit ``ns``."""
    if text is None:
        return None
    match = re.fullmatch(r"([+-]?)(?:([0-9]{1,40})ns|([0-9]{0,40})(?:\.([0-9]{0,9}))?)", text)
    if match is None or not any(match.group(2, 3, 4)):
        raise UsageError(f"{text}: not a time")
    sign, ns, whole, decimals = match.groups(default="")
    value = int(ns) if ns else int(whole or "0") * 10**9 + int(decimals.ljust(9, "0"))
    return -value if sign == "-" else value
