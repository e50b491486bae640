"""Functions of Python that make texts of events, or parts of them.

They are called by whoever asks for a text, never by the core, so that what they raise is raised
there, and what they hold is held by objects of Python alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import _lowlevel

if TYPE_CHECKING:
    from .event import Event

__all__ = ["PrintFunction", "TextFunction", "TextMakers", "text_of"]

TextFunction = Callable[["Event"], str]
"""Makes the text of an event."""
PrintFunction = Callable[..., "int | str"]
"""A function that print fmts call, with unsigned numbers."""


class TextMakers:
    """Those of one file; never changed, so that whoever reads has all of one time.

    Others take their place, each that of the ones before it and of no others: so threads that
    change them at once lose nothing, and wait for no lock (a finalizer may be one that changes
    them). The latest are at the end of a chain.

    Attributes:
        texts: by the place of the event's format.
        functions: by the name that print fmts call them by.
    """

    def __init__(
        self,
        texts: Mapping[int, TextFunction] | None = None,
        functions: Mapping[str, PrintFunction] | None = None,
    ) -> None:
        self.texts = dict(texts or {})
        self.functions = dict(functions or {})
        self._after: dict[str, TextMakers] = {}

    def latest(self) -> TextMakers:
        """Those that took the place of these, or these."""
        makers = self
        while (after := makers._after.get("")) is not None:
            makers = after
        return makers

    def replace(self, change: Callable[[TextMakers], TextMakers]) -> TextMakers:
        """Put others in the place of the latest; gives them.

        Args:
            change: makes the new ones of the latest; again, where another thread was faster.
        """
        while True:
            before = self.latest()
            made = change(before)
            if before._after.setdefault("", made) is made:  # one step, whatever the threads
                return made

    def prepare(self, report: _lowlevel.Report, file: int) -> None:
        """Have a report leave to these what they make, of one of its files."""
        for place in self.texts:
            report.leave_out(file, place)
        if self.functions:
            report.set_functions(file, list(self.functions))

    def print(self, report: _lowlevel.Report, payload: bytes, source: int, ts: int) -> bytes | None:
        """The text of a record by its print fmt; None if that calls none of the functions."""
        named = list(self.functions.items())
        values: list[int | bytes] = []
        while True:
            answer = report.left_text(payload, source, ts, values)
            if not isinstance(answer, tuple):
                return answer
            name, function = named[answer[0]]
            values.append(_value_of(name, function(*answer[1])))


def _value_of(name: str, given: object) -> int | bytes:
    if isinstance(given, str):
        return given.encode(errors="surrogateescape")
    try:
        number = operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}() gave {given!r}; it gives a whole number or a text") from None
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"{name}() gave {number}, which has more than 64 bits")
    return number


def text_of(function: TextFunction, event: Event) -> str:
    """What a function makes of an event.

    Raises:
        TypeError: it is no text.
    """
    text = function(event)
    if not isinstance(text, str):
        raise TypeError(f"the function for {event.name} gave {text!r}; it gives a text")
    return text.removesuffix("\n")
