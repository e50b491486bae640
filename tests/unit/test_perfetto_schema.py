"""The table of events of Perfetto's schema, beside the package that it was made of."""

from __future__ import annotations

import pytest

from docs import perfetto_schema
from tracecmd.export.perfetto import NATIVE

pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")


def test_the_table_is_the_schema() -> None:
    """To the letter if the package is of one release with it, else as far as both know an event."""
    text = perfetto_schema.TABLE.read_text(encoding="utf-8")
    if f"perfetto {perfetto_schema.version()}." in text:
        assert text == perfetto_schema.draw()
    installed = perfetto_schema.schema()
    both = installed.keys() & NATIVE.keys()
    assert len(both) > 300
    for name in both:
        assert NATIVE[name][0] == installed[name][0]
        known, there = (
            dict(field.split("=") for field in fields.split())
            for fields in (NATIVE[name][1], installed[name][1])
        )
        assert {key: known[key] for key in known.keys() & there.keys()} == {
            key: there[key] for key in known.keys() & there.keys()
        }


def test_names_rise() -> None:
    """They are looked up by bisection."""
    assert list(NATIVE) == sorted(NATIVE)
    assert all(number < 65536 for number, _ in NATIVE.values())  # others are generic events'
