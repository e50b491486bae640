"""The architecture of the core: which of its folders may include which. docs/floors.py reads it."""

from __future__ import annotations

from docs.floors import (
    FLOORS,
    PICTURE,
    PUBLIC,
    circle,
    draw,
    faults,
    floor_of,
    modules,
    read_includes,
)


def test_no_include_points_down() -> None:
    assert not faults(read_includes())


def test_no_circle() -> None:
    assert not circle(modules(read_includes()))


def test_each_file_is_on_a_floor() -> None:
    names = set(read_includes())
    assert {name for name in names if "/" not in name} == {PUBLIC}
    assert {name.rpartition("/")[0] for name in names} == {*FLOORS, ""}


def test_the_public_header_lists_the_floors_in_order() -> None:
    """The declarations that Python is given are concatenated in this order."""
    includes = read_includes()
    parts = includes[PUBLIC]
    assert parts == sorted(parts, key=floor_of)
    assert set(parts) == {name for name in includes if name.endswith("/api.h")}


def test_faults_are_seen() -> None:
    """The checks above are no use if they see nothing."""
    sound = {"base/a.h": [], "file/b.c": ["base/a.h"], "python/p.c": ["tracecmd.h"], PUBLIC: []}
    assert not faults(sound)
    assert not circle(modules(sound))
    upward = {**sound, "base/a.h": ["file/b.h"], "file/b.h": []}
    assert faults(upward) == ["base/a.h includes file/b.h, which is on a floor below"]
    assert faults({"file/b.c": ["b.h"], "file/b.h": []}) != []
    assert faults({"file/b.c": [PUBLIC], PUBLIC: []}) != []
    round_trip = {"file/a.c": ["file/b.h"], "file/b.h": ["file/c.h"], "file/c.h": ["file/a.h"]}
    assert circle(modules(round_trip)) == ["file/a", "file/b", "file/c", "file/a"]


def test_the_picture_is_of_today() -> None:
    """Python -m docs.floors draws it."""
    assert PICTURE.read_text(encoding="utf-8") == draw(read_includes())
