"""The architecture of the core: which of its folders may include which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

CSRC = Path(__file__).resolve().parents[2] / "csrc"

# Each knows only those above it: this table is docs/DESIGN.md's "floors".
FLOORS = (
    "base",
    "platform",
    "compress",
    "file",
    "metadata",
    "filter",
    "records",
    "arrow",
    "columns",
    "print_fmt",
    "report",
    "report/plugins",
    "compat",
    "python",
)
# The list of all parts, for those who include the core as one.
PUBLIC = "tracecmd.h"
# Folders that make use of the whole from outside.
OUTSIDE = ("compat", "python")

Includes = Mapping[str, list[str]]


def read_includes() -> dict[str, list[str]]:
    """Files of csrc/ and the files that each of them includes, by their paths there."""
    return {
        path.relative_to(CSRC).as_posix(): re.findall(
            r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE
        )
        for path in sorted(CSRC.glob("**/*.[ch]"))
    }


def floor_of(name: str) -> int:
    """Raises ValueError where a file is on no floor."""
    return FLOORS.index(name.rpartition("/")[0])


def faults(includes: Includes) -> list[str]:
    """Includes that point to a floor below, or to nothing."""
    wrong = []
    for name, targets in includes.items():
        if name == PUBLIC:
            continue
        for target in targets:
            if target == PUBLIC and name.startswith(OUTSIDE):
                continue
            if target not in includes or target == PUBLIC:
                wrong.append(f"{name} includes {target}, which is not a file of a floor")
            elif floor_of(target) > floor_of(name):
                wrong.append(f"{name} includes {target}, which is on a floor below")
    return wrong


def modules(includes: Includes) -> dict[str, set[str]]:
    """What a module, a header and the source of its name, includes of others."""
    found: dict[str, set[str]] = {}
    for name, targets in includes.items():
        module = name.rpartition(".")[0]
        found.setdefault(module, set()).update(target.rpartition(".")[0] for target in targets)
    return {module: targets - {module} for module, targets in found.items()}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A way from a module back to itself, or nothing."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph.get(module, ())):
            if way := visit(target, [*path, module]):
                return way
        done.add(module)
        return []

    return next((way for module in sorted(graph) if (way := visit(module, []))), [])


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
