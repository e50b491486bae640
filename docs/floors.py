"""The floors of the core, read from its includes, and docs/floors.svg, a picture of them.

    python -m docs.floors       # draws it anew

``tests/unit/test_includes.py`` fails where an include points to a floor below, where a module leads
back to itself, and where the picture is out of date.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PICTURE = Path(__file__).with_suffix(".svg")

# Each knows only those above it. What it is, in a few words.
FLOORS: Mapping[str, str] = {
    "base": "bytes, numbers, texts, memory, faults",
    "platform": "the operating system: mapping, memory",
    "compress": "zlib and zstd blocks",
    "file": "what a trace.dat says of itself",
    "metadata": "the kernel's texts as tables",
    "filter": "trace-cmd's filter language",
    "records": "pages to one stream in time",
    "arrow": "the Arrow C data interface",
    "columns": "fields of records as Arrow arrays",
    "print_fmt": "print formats, compiled once",
    "report": "lines of text",
    "report/plugins": "texts of single events",
    "analysis": "answers that take a state, as Arrow arrays",
    "analysis/profile": "trace-cmd's profile, as text",
    "perfetto": "records as packets of Perfetto's traces",
    "write": "trace.dat files out",
    "compat": "libtracecmd's names",
    "python": "owners of the core's objects",
}
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
    return list(FLOORS).index(name.rpartition("/")[0])


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


# --- the picture -------------------------------------------------------------------------------

ROW, TOP, LEFT, WIDTH = 34, 30, 20, 400  # pixels


def edges(includes: Includes) -> Counter[tuple[str, str]]:
    """How many includes lead from a floor to another one."""
    return Counter(
        (name.rpartition("/")[0], target.rpartition("/")[0])
        for name, targets in includes.items()
        for target in targets
        if PUBLIC not in (name, target)
        if name.rpartition("/")[0] != target.rpartition("/")[0]
    )


def draw(includes: Includes) -> str:
    """SVG: floors from top to bottom, and arcs from each to those that it includes."""
    sizes = Counter(name.rpartition("/")[0] for name in includes)
    middle = {floor: TOP + ROW * i + ROW // 2 for i, floor in enumerate(FLOORS)}
    height = TOP + ROW * len(FLOORS) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="620" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="620" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18" fill="#555">csrc/: a floor includes only those above it; '
        "the wider the line, the more includes</text>",
    ]
    for (source, target), count in sorted(edges(includes).items()):
        start, end = middle[source], middle[target]
        reach = (
            LEFT + WIDTH + 12 + 20 * abs(list(FLOORS).index(source) - list(FLOORS).index(target))
        )
        parts.append(
            f'<path d="M{LEFT + WIDTH} {start - 4}C{reach} {start - 4} {reach} {end + 4} '
            f'{LEFT + WIDTH} {end + 4}" fill="none" stroke="#3465a4" stroke-opacity="0.55" '
            f'stroke-width="{min(0.6 + count / 8, 6):.1f}"><title>{source} includes {target}: '
            f"{count}</title></path>"
        )
    for floor, what in FLOORS.items():
        y = middle[floor]
        parts.append(
            f'<rect x="{LEFT}" y="{y - 13}" width="{WIDTH}" height="26" rx="4" fill="#eef3fa" '
            f'stroke="#3465a4"/><text x="{LEFT + 10}" y="{y + 5}" font-weight="bold">{floor}</text>'
            f'<text x="{LEFT + 120}" y="{y + 5}">{what}</text>'
            f'<text x="{LEFT + WIDTH - 10}" y="{y + 5}" text-anchor="end" fill="#777">'
            f"{sizes[floor]}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(read_includes()), encoding="utf-8")
