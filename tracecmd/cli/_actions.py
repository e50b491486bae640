"""What argparse does when it meets some of report's options."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from ._common import complain

__all__ = ["ENDS_BOTH", "InOrder", "LeftOut", "ListAction"]

ENDS = {"first-event", "last-event"}
ENDS_BOTH = "first-event --last-event"


class _Met(NamedTuple):
    """An option on the command line, and its value."""

    parser: argparse.ArgumentParser
    namespace: argparse.Namespace
    option: str | None
    value: Any


class _Action(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        self.meet(_Met(parser, namespace, option_string, values))

    def meet(self, met: _Met) -> None:
        raise NotImplementedError


class InOrder(_Action):
    """Keeps options that concern the file named before them, in order."""

    def meet(self, met: _Met) -> None:
        """Add it to those before it."""
        met.namespace.in_order = [*(met.namespace.in_order or []), (self.dest, met.value)]


class ListAction(_Action):
    """One list only; but the first and the last events make one together."""

    def meet(self, met: _Met) -> None:
        """Note which list it is."""
        before, asked = met.namespace.listing, self.const
        if {before, asked} == ENDS or (before == ENDS_BOTH and asked in ENDS):
            asked = ENDS_BOTH
        elif before not in (None, asked):
            met.parser.error(f"argument {met.option}: not allowed with argument --{before}")
        met.namespace.listing = asked
        if self.const == "event":
            met.namespace.event = met.value


class LeftOut(_Action):
    """Refuses an option of trace-cmd's in one line."""

    def meet(self, met: _Met) -> None:
        """Say why, and end."""
        complain(f"report: trace-cmd's option {met.option} is not supported: {self.const}")
        met.parser.exit(2)
