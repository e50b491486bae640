"""Residencies: what event and fields they are of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .. import _lowlevel
from .._reading import Reader, Selection
from .._texts import unknown_field
from ..events import UnknownFieldError
from .answer import Answer, Asked, all_sources, ask

__all__ = ["make_residency"]

# Where the kernel records on the very CPU that the key names.
_OF_ITSELF = {("power:cpu_idle", "cpu_id")}

_OWN = {"start", "end", "duration", "cpu", "lost", "buffer", "peer"}


def make_residency(
    readers: Sequence[Reader],
    selection: Selection,
    asked: Asked,
    event: str,
    key: str,
    value: str,
    called: str | None = None,
) -> Answer:
    """Do the work of :meth:`Analyses.residency`; called: the column of the value."""
    known = [reader for reader in readers if event in reader.events]
    form = (known or readers)[0].events[event]
    for name in (key, value):
        if name not in form.fields:
            raise UnknownFieldError(unknown_field(f"field of {form}", name, list(form.fields)))
    if key == value:
        raise ValueError(f"value={value!r}; it is another field than the key")
    names = [name if name not in _OWN else f"{form.name}.{name}" for name in (key, value)]
    make = partial(
        _lowlevel.analyses.residency,
        event=str(form),
        key=(key, names[0]),
        value=(value, called or names[1]),
        of_itself=(str(form), key) in _OF_ITSELF,
    )
    return ask(readers, all_sources(readers, selection), selection, asked, form.name, make)
