"""Functions of Python for a trace's texts: in the place of print formats, or called by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _arguments
from ._reading import Names, Reader
from .event import Event
from .text_makers import TextMakers

if TYPE_CHECKING:
    from .events import Events

__all__ = ["TextFunctions"]


class TextFunctions:
    """What a :class:`~tracecmd.Trace` lets its user say about texts."""

    events: Events
    _reader: Reader

    def _require_open(self) -> None:
        """Raise ClosedError after the trace was closed."""
        raise NotImplementedError

    def set_text(self, events: Names, function: Callable[[Event], str] | None) -> None:
        """Let a function make the text of events: in reports, and of ``str(event)``.

        As tep_register_event_handler(3) does: what it gives stands behind the event's name, in
        the place of what the print format or a plugin says.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.set_text("sched_waking", lambda event: f"wakes {event['comm']}")
            ...     str(trace.at(0, "sched_waking"))
            'wakes rcu_preempt'

        It is called by the thread that reads the text, event by event in the report's order, and
        what it raises is raised there. Reports that run already go on without it. Events shown
        raw (``raw``, ``raw_events``) or plain (``plain_events``) stay as they are.

        Args:
            events: names of events, as for :meth:`iter`.
            function: is given the :class:`~tracecmd.Event` and gives its text, of which
                ``event.text(custom=False)`` is the usual one. None: no function any more.

        Raises:
            UnknownEventError: (a KeyError) no event of that name.
        """
        self._require_open()
        places = {
            event.place
            for name in _arguments.names("events", events) or tuple(self.events)
            for event in self.events.select(name)
        }
        own = {}
        if function is not None:
            own = dict.fromkeys(places, _arguments.function("function", function))

        def change(makers: TextMakers) -> TextMakers:
            texts = {place: made for place, made in makers.texts.items() if place not in places}
            return TextMakers(texts | own, makers.functions)

        self._reader.change_makers(change)

    def set_print_function(self, name: str, function: Callable[..., int | str] | None) -> None:
        """Make a function known that print formats call: tep_register_print_function(3).

        Without it the format of such an event cannot be evaluated, and its fields are shown.

        Args:
            name: as the print format has it. Functions that are known anyway (plugins',
                ``__fswab16``) can be replaced as well.
            function: is given the arguments as unsigned 64-bit numbers, 8 at most, and gives a
                whole number, or a text for ``%s``. None: it is not known any more.
        """
        self._require_open()
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"name={name!r}; it is the name of a function")
        own = {}
        if function is not None:
            own = {name: _arguments.function("function", function)}

        def change(makers: TextMakers) -> TextMakers:
            functions = {known: f for known, f in makers.functions.items() if known != name}
            return TextMakers(makers.texts, functions | own)

        self._reader.change_makers(change)
