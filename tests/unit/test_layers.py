"""The architecture of the Python half: which modules may know which.

A module imports from its own layer and from lower ones, never from a higher one,
and no chain of imports leads back to where it began. What stands under ``TYPE_CHECKING`` is not
run, and may point anywhere; imports inside functions count like all others.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import tracecmd

PACKAGE = Path(tracecmd.__file__).parent

# From low to high. A name stands for a module, or for a package with all that is in it; where
# several fit, the longest counts.
LAYERS: Sequence[Sequence[str]] = (
    ("tracecmd._version", "tracecmd.errors", "tracecmd.packages", "tracecmd._times",
     "tracecmd._arguments", "tracecmd._texts", "tracecmd._html", "tracecmd._signature",
     "tracecmd.symbolic", "tracecmd._lazy"),
    ("tracecmd._lowlevel",),  # all that knows CFFI
    ("tracecmd.budget", "tracecmd.btf", "tracecmd.options", "tracecmd.events", "tracecmd.event",
     "tracecmd.filter", "tracecmd.text_makers"),
    ("tracecmd._reading",),  # from a selection to records
    ("tracecmd.export",),  # writers know Arrow's interface only, and take whatever speaks it
    ("tracecmd.columns", "tracecmd.analysis", "tracecmd.writing"),
    ("tracecmd.report", "tracecmd.plot", "tracecmd.lazy"),
    ("tracecmd._readable", "tracecmd._writable", "tracecmd.trace_file", "tracecmd.buffer",
     "tracecmd.text_functions"),
    ("tracecmd.trace",),
    ("tracecmd.opening",),
    ("tracecmd.writing.attach", "tracecmd.writing.restore"),  # they open what they write of
    ("tracecmd.session",),
    ("tracecmd.scanning",),
    ("tracecmd.export.perfetto", "tracecmd.export.lake"),  # of whole recordings, not of tables
    ("tracecmd.partitions",),
    ("tracecmd",),  # __init__: the names that users import
    ("tracecmd.dask",),
    ("tracecmd.cli",),
    ("tracecmd.__main__",),
)  # fmt: skip
BUILD = {"tracecmd._build"}  # run by setup.py, part of no layer
COMPILED = {"tracecmd._core", "tracecmd._lifetime"}  # extension modules, which import nothing
Sources = Mapping[str, tuple[str, bool]]  # by module: text, and whether it is a package


def sources_of(folder: Path) -> Sources:
    """All modules of the package but the one that builds it."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        if name not in BUILD:
            found[name] = path.read_text(), is_package
    return found


def is_for_types(node: ast.AST) -> bool:
    """Whether it is ``if TYPE_CHECKING:``."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports that can be run, wherever they stand."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
    for child in (
        node.orelse
        if isinstance(node, ast.If) and is_for_types(node)
        else (ast.iter_child_nodes(node))
    ):
        yield from statements(child)


def imports(name: str, sources: Sources) -> set[str]:
    """The modules of the package that a module imports."""
    text, is_package = sources[name]
    found: set[str] = set()
    for statement in statements(ast.parse(text)):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        here = name.split(".") if is_package else name.split(".")[:-1]
        base = here[: len(here) - statement.level + 1] if statement.level else []
        target = ".".join([*base, *(statement.module or "").split(".")]).strip(".")
        for alias in statement.names:
            inside = f"{target}.{alias.name}"
            found.add(inside if inside in sources or inside in COMPILED else target)
    return {each for each in found if each.partition(".")[0] == "tracecmd" and each != name}


def layer_of(module: str) -> int | None:
    """The place of its layer; None: it is in none."""
    while module:
        for place, names in enumerate(LAYERS):
            # The package itself is its __init__ alone, or every new module would be in a layer.
            if module in names:
                return place
        module = module.rpartition(".")[0]
        if module == "tracecmd":
            return None
    return None


def upward(sources: Sources) -> list[str]:
    """What points up, and what has no place."""
    wrong = [f"{name} is in no layer" for name in sources if layer_of(name) is None]
    for name in sources:
        for other in sorted(imports(name, sources) - COMPILED):
            mine, its = layer_of(name), layer_of(other)
            if mine is not None and its is not None and its > mine:
                wrong.append(f"{name} imports {other}, which is above it")
            if other not in sources:
                wrong.append(f"{name} imports {other}, which is not there")
    return wrong


def circle(sources: Sources) -> list[str]:
    """The modules of a circle of imports, in order; none if there is none.

    A package's own modules may import from each other past its ``__init__``, which imports them
    all: it counts where it is named from outside.
    """
    graph = {name: sorted(imports(name, sources) & set(sources)) for name in sources}
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in graph[name]:
            around = visit(other, [*path, name])
            if around:
                return around
        done.add(name)
        return []

    return next((around for name in sorted(graph) if (around := visit(name, []))), [])


def test_imports_point_down() -> None:
    assert upward(sources_of(PACKAGE)) == []


def test_imports_make_no_circle() -> None:
    assert circle(sources_of(PACKAGE)) == []


def test_only_one_package_knows_cffi() -> None:
    """CFFI, and the two modules in C."""
    for name, (text, _) in sources_of(PACKAGE).items():
        outside = {
            alias.name.partition(".")[0]
            for statement in statements(ast.parse(text))
            if isinstance(statement, ast.Import)
            for alias in statement.names
        }
        knows = "cffi" in outside or imports(name, sources_of(PACKAGE)) & COMPILED
        assert not knows or name.startswith("tracecmd._lowlevel."), name


def test_layers_name_what_is_there() -> None:
    names = [name for layer in LAYERS for name in layer]
    assert len(set(names)) == len(names)
    assert set(names) <= set(sources_of(PACKAGE))


# The checker itself, with sources that are made up ------------------------------------------------


def made(**texts: str) -> Sources:
    """Modules of tracecmd by name, ``__`` for a dot; packages end with ``__``."""
    return {
        "tracecmd." + name.rstrip("_").replace("__", "."): (text, name.endswith("__"))
        for name, text in texts.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "from .trace import Trace",
        "from . import trace",
        "import tracecmd.trace",
        "import tracecmd.trace as t",
        "from tracecmd import trace",
        "def f():\n    from .trace import Trace",
        "try:\n    pass\nfinally:\n    from .trace import Trace",
        "if TYPE_CHECKING:\n    pass\nelse:\n    from .trace import Trace",
        "class A:\n    if True:\n        from .trace import Trace",
    ],
)
def test_upward_imports_are_seen(text: str) -> None:
    assert upward({**made(errors=text, trace="")}) == [
        "tracecmd.errors imports tracecmd.trace, which is above it"
    ]


def test_upward_imports_of_packages_are_seen() -> None:
    inside = made(columns__="", columns__scan="from ..trace import open", trace="")
    assert upward(inside) == ["tracecmd.columns.scan imports tracecmd.trace, which is above it"]
    inside = made(columns__="from ..trace import open", trace="")
    assert upward(inside) == ["tracecmd.columns imports tracecmd.trace, which is above it"]
    inside = made(export__="from . import perfetto", export__perfetto="")
    assert upward(inside) == ["tracecmd.export imports tracecmd.export.perfetto, which is above it"]


def test_imports_for_types_may_point_anywhere() -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .trace import Trace"
    assert upward(made(errors=text, trace="from . import errors")) == []
    assert circle(made(errors=text, trace="from . import errors")) == []


def test_modules_in_no_layer_are_seen() -> None:
    assert upward(made(novel="")) == ["tracecmd.novel is in no layer"]
    assert upward(made(trace="from .gone import x")) == [
        "tracecmd.trace imports tracecmd.gone, which is not there"
    ]


def test_circles_are_seen() -> None:
    """Also those inside one layer, and through a package's __init__."""
    names = made(events="from . import event", event="from .filter import f", filter="")
    assert circle(names) == []
    names |= made(filter="def f():\n    from .events import Events")
    assert circle(names) == [
        "tracecmd.event", "tracecmd.filter", "tracecmd.events", "tracecmd.event"
    ]  # fmt: skip
    names = made(columns__="from .table import Table", columns__table="from ..columns import x")
    assert circle(names) == ["tracecmd.columns", "tracecmd.columns.table", "tracecmd.columns"]
