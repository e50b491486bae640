"""The colours, of which any two that can stand side by side are told apart.

They are those of Okabe and Ito without orange and reddish purple, which are too near to vermillion,
sky blue and blue for eyes that lack a kind of cones. The greys are chosen to stand apart from these
and from each other. A test computes how far.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HATCHED", "IDLE", "OTHER", "PALETTE", "REST", "TASKS", "Colour", "Shade"]


class Colour(NamedTuple):
    """A colour on a light ground and on a dark one, as ``#rrggbb``."""

    light: str
    dark: str


class Shade(NamedTuple):
    """What an entry of a legend stands for, and the name of its colour in :data:`PALETTE`."""

    label: str
    colour: str


PALETTE = {
    "blue": Colour("#0072b2", "#0072b2"),
    "vermillion": Colour("#d55e00", "#d55e00"),
    "green": Colour("#009e73", "#009e73"),
    "sky": Colour("#56b4e9", "#56b4e9"),
    "yellow": Colour("#f0e442", "#f0e442"),
    "ink": Colour("#000000", "#ffffff"),
    "other": Colour("#555555", "#b8b8b8"),
    "idle": Colour("#f0f0f0", "#2b2f36"),
    "unknown": Colour("#b0b0b0", "#5c5f66"),
}
TASKS = ("blue", "vermillion", "green", "sky", "yellow", "ink")
"""Of what has no colour by its nature."""
HATCHED = "unknown"
"""The colour that is drawn with stripes across."""

IDLE = Shade("idle", "idle")
OTHER = Shade("other tasks", "other")
REST = Shade("not recorded", HATCHED)
