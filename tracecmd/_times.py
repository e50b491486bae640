"""Times as callers have them, in nanoseconds: numbers, texts, and what other packages give out.

No float is on the way: a time of this century in ns has 61 bits, a float holds 53.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    import datetime

    import numpy

    Time = (
        SupportsIndex | str | datetime.timedelta | datetime.datetime
        | numpy.datetime64 | numpy.timedelta64 | None
    )  # fmt: skip
else:
    Time = Any

__all__ = ["UNITS", "Time", "nanoseconds", "of_text", "seconds"]

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ns": 1}
"""Nanoseconds of each unit that a text can have."""

_TEXT = re.compile(r"([+-]?)([0-9]{0,40})(?:\.([0-9]{0,40}))?(s|ms|us|\u00b5s|\u03bcs|ns)?")
_FORMS = "'19.5s', '20ms', '3us', '17ns'"
_NUMPY_UNITS = {"W": 604_800 * 10**9, "D": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9,
                **{unit: UNITS[unit] for unit in ("s", "ms", "us", "ns")}}  # fmt: skip
_NUMPY_PARTS = {"ps": 10**3, "fs": 10**6, "as": 10**9}  # of a nanosecond


def of_text(text: str, unit: str = "") -> int:
    """Read a time such as ``"19.5s"`` or ``"17ns"``; exact, as decimals are.

    Args:
        text: a decimal number and its unit: s, ms, us or ns.
        unit: of a number without one; "": it has to have one.

    Raises:
        ValueError: it is no such text, or not a whole number of ns.
    """
    match = _TEXT.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"not a time, such as {_FORMS}")
    sign, whole, decimals, given = match.groups(default="")
    if not (given or unit):
        raise ValueError(f"a time has a unit; write '{text}s', or a number of ns")
    digits = decimals.rstrip("0")
    factor: int = UNITS[given or unit]
    value, rest = divmod(int(whole + digits or "0") * factor, 10 ** len(digits))
    if rest:
        raise ValueError("not a time in whole nanoseconds")
    return int(-value if sign == "-" else value)


def seconds(ns: int) -> str:
    """A time in seconds with all nine decimals: what :func:`of_text` reads with ``s`` behind it."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // 10**9}.{ns % 10**9:09d}"


def nanoseconds(name: str, value: object) -> int:
    """A time in ns: of an integer, a text with its unit, or what other packages have for times.

    Those are ``timedelta`` and ``datetime`` (without a time zone it is UTC, as in pandas and
    Arrow), ``numpy.datetime64`` and ``timedelta64``, ``pandas.Timestamp`` and ``Timedelta``, and
    scalars of pyarrow.

    Args:
        name: of the argument, for messages.
        value: the time.

    Raises:
        TypeError: it is something else; a float, for one, cannot hold ns.
        ValueError: it is no time (NaT), or not a whole number of ns.
    """
    try:
        return _nanoseconds(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}={value!r}; {error}") from None


def _nanoseconds(value: Any) -> int:
    if isinstance(value, str):
        return of_text(value)
    convert = getattr(value, "to_numpy", None)  # pandas' are exact there only, and have a NaT
    if convert is not None:
        value = convert()
    elif hasattr(value, "as_py"):
        return _of_arrow(value)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind and kind in "mM":
        return _of_numpy(value, kind)
    if isinstance(value, float) or kind == "f":
        raise TypeError(f"a float cannot hold nanoseconds; write a text ({_FORMS}) or whole ns")
    try:
        return operator.index(value)
    except TypeError:
        length = _of_datetime(value)
        if length is not None:
            return length
        raise TypeError(
            f"a time is whole ns, a text ({_FORMS}), or a time of datetime, NumPy, pandas or Arrow"
        ) from None


def _of_datetime(value: Any) -> int | None:
    """A datetime or timedelta; None: it is neither."""
    import datetime  # noqa: PLC0415 - scripts start faster without

    if isinstance(value, datetime.datetime):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        value = (value if value.tzinfo else value.replace(tzinfo=epoch.tzinfo)) - epoch
    if not isinstance(value, datetime.timedelta):
        return None
    return 1000 * ((86_400 * value.days + value.seconds) * 10**6 + value.microseconds)


def _of_numpy(value: Any, kind: str) -> int:
    """A datetime64 or timedelta64; an array of none or several is not one."""
    if getattr(value, "shape", ()):
        raise TypeError("an array, not a time")
    unit, count = _numpy_unit(value)
    if kind == "M" and unit in ("Y", "M"):  # a point of the calendar
        value, unit, count = value.astype("M8[D]"), "D", 1
    number = int(value.astype("i8"))
    if number == -(1 << 63):
        raise ValueError("no time")
    if unit in _NUMPY_UNITS:
        return number * count * _NUMPY_UNITS[unit]
    if unit not in _NUMPY_PARTS:
        raise ValueError(f"a time in units of {unit or 'nothing'} has no length in ns")
    whole, rest = divmod(number * count, _NUMPY_PARTS[unit])
    if rest:
        raise ValueError("not a time in whole nanoseconds")
    return whole


def _numpy_unit(value: Any) -> tuple[str, int]:
    """Unit and factor of a dtype, of what NumPy says for others: ``[25s]`` of ``<M8[25s]``."""
    inside = str(value.dtype.str).partition("[")[2].rstrip("]")
    unit = inside.lstrip("0123456789")
    return unit, int(inside[: len(inside) - len(unit)] or 1)


def _of_arrow(value: Any) -> int:
    """A scalar of pyarrow: as_py() of one in ns would want pandas, or fail."""
    number = getattr(value, "value", None)
    unit = getattr(value.type, "unit", None)
    if number is not None and unit in UNITS:
        return int(number) * UNITS[unit]
    plain = value.as_py()
    if plain is None:
        raise ValueError("no time")
    return _nanoseconds(plain)
