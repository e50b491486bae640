"""What is to be drawn: intervals as columns, lanes that show some of them, and their colours.

It is plain values, so that the page and the picture draw the same. Nothing is read before
somebody takes batches of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from .colours import Shade
from .columns import Batch

__all__ = ["Detail", "Kind", "Lane", "Rule", "Scene", "Section", "Table"]

Value = int | str | None


class Table(NamedTuple):
    """Intervals, read anew whenever they are asked for.

    Attributes:
        batches: gives them; those that one lane shows come in order of time.
        start, end: names of the columns of times; null: the beginning or the end of the scene.
    """

    batches: Callable[[], Iterator[Batch]]
    start: str = "start"
    end: str = "end"


class Rule(NamedTuple):
    """Which shade an interval has, by a column.

    Attributes:
        column: the column.
        of: shades by values, as places in the kind's; of no value there: the next rule counts.
        rest: the shade of all other values; None: the next rule counts.
    """

    column: str
    of: tuple[tuple[Value, int], ...]
    rest: int | None = None


class Detail(NamedTuple):
    """A line of what is said about an interval: ``task`` shows the name of a PID, too."""

    title: str
    column: str
    show: Literal["text", "task"] = "text"


class Kind(NamedTuple):
    """How some lanes show some intervals.

    Attributes:
        title: heads the legend.
        table: place of the table in the scene.
        keys: columns whose values say the lane, one or two.
        only: the texts of a column that are shown; None: all. What has no key is not shown.
        shades: the legend.
        rules: which interval has which shade; one of them fits each.
        rest: the shade of time without an interval; None: nothing is drawn.
        text: the column that is written on what is wide enough; "" for none.
        details: what is said about an interval, beside its times.
        found_by: columns, of texts or PIDs, that a search looks at.
        strip: drawn as a strip along lanes of another kind.
    """

    title: str
    table: int
    keys: tuple[str, ...]
    only: tuple[str, tuple[str, ...]] | None
    shades: tuple[Shade, ...]
    rules: tuple[Rule, ...]
    rest: int | None = None
    text: str = ""
    details: tuple[Detail, ...] = ()
    found_by: tuple[str, ...] = ()
    strip: bool = False


class Lane(NamedTuple):
    """A row of the drawing: one kind's intervals of one key, perhaps strips along it."""

    label: str
    kind: int
    key: tuple[int | str, ...]
    strip: int | None = None
    """The kind whose intervals, of the same key, lie along it."""


class Section(NamedTuple):
    """Lanes under a heading.

    Attributes:
        title: the heading.
        lanes: from top to bottom.
        first: how many of them a picture of limited height shows; None: as many as it can.
        sifted: a search leaves only the lanes whose label has it.
    """

    title: str
    lanes: tuple[Lane, ...]
    first: int | None = None
    sifted: bool = False


class Scene(NamedTuple):
    """All of it.

    Attributes:
        title: what it is of.
        start, end: times between which it is drawn, on the recording's clock.
        unit: what times count.
        tables, kinds, sections: what there is, how it is shown, and where.
        names: tasks' names by PID.
    """

    title: str
    start: int
    end: int
    unit: Literal["ns", "cycles"]
    tables: tuple[Table, ...]
    kinds: tuple[Kind, ...]
    sections: tuple[Section, ...]
    names: tuple[tuple[int, str], ...] = ()
