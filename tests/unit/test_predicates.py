"""What is read out of filters of pyarrow and out of DuckDB's plans, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracecmd.lazy.arrow_predicate import read_expression
from tracecmd.lazy.conditions import Condition
from tracecmd.lazy.plan import EVER, scan_bounds

NAMES = ["a", "b", "wakeup.pid"]


def test_expressions() -> None:
    arrow = pytest.importorskip("pyarrow")
    compute = pytest.importorskip("pyarrow.compute")
    a, b = compute.field("a"), compute.field("b")
    time = arrow.scalar(1_577_836_800_000_000_001, arrow.timestamp("ns"))
    null = arrow.scalar(None, arrow.bool_())
    texts = 'x) and (y == "1")', "it's", 'q"\\', "", "ä"
    for expression, conditions in [
        (a == 1, [("a", "==", 1)]),
        ((a >= -1) & (b < time), [("a", ">=", -1), ("b", "<", 1_577_836_800_000_000_001)]),
        (compute.field("wakeup.pid") != 3, [("wakeup.pid", "!=", 3)]),
        (a.isin([1, 2]) & b.isin(["x", "y z"]), [("a", "in", 1, 2), ("b", "in", "x", "y z")]),
        (compute.if_else(a.is_valid(), a.isin([7]), null), [("a", "in", 7)]),
        ((a == 1) | ((a == 2) | a.isin([3])), [("a", "in", 1, 2, 3)]),
        ((b == texts[0]) & (a == 1), [("b", "==", texts[0].replace('"', "?")), ("a", "==", 1)]),
        ((b == texts[1]) & (b == texts[3]), [("b", "==", "it's"), ("b", "==", "")]),
        # Not understood, or not all of it.
        (b == texts[2], []),
        ((a == 1) | (b == 2), []),
        ((a == 1) | (a > 2), []),
        (~(a == 1), []),
        (a.is_null(), []),
        (a == 1.5, []),
        (compute.field("a") + 1 == 2, []),
        (a.isin(list(range(1000))), []),
        (None, []),
    ]:
        read = {
            (each.column, each.how, *each.values) for each in read_expression(expression, NAMES)
        }
        expected = {each for each in conditions if "?" not in str(each)}
        assert read >= expected, expression
        assert len(read) <= len(conditions), expression


def test_names_that_may_be_taken_for_something_else() -> None:
    """An event's fields can have any name: no condition is read where one is not plain."""
    compute = pytest.importorskip("pyarrow.compute")
    odd = "(a == 1) and b"
    expression = compute.field(odd) == 2
    assert read_expression(expression, ["a", "b"]) != []
    assert read_expression(expression, ["a", "b", odd]) == []


def test_conditions() -> None:
    assert Condition("a", "in", (1, 2)).holds(2)
    assert not Condition("a", "<", (2,)).holds(2)
    assert Condition("a", "<", (2,)).holds("text")  # whatever the engine makes of that
    assert not Condition("a", "==", (2,)).holds("2")


# Plans --------------------------------------------------------------------------------------------


def scan(*names: str) -> dict[str, Any]:
    info = {"Projections": list(names) if len(names) > 1 else names[0]}
    return {"name": "PYTHON_ARROW_SCAN", "children": [], "extra_info": info}


def filtered(text: str | list[str], *children: dict[str, Any]) -> dict[str, Any]:
    return {"name": "FILTER", "children": list(children), "extra_info": {"Expression": text}}


def node(name: str, *children: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "children": list(children), "extra_info": {}}


AFTER = "(ts >= '1970-01-01 00:00:05'::TIMESTAMP_NS)"
BEFORE = "(ts < '1970-01-01 00:00:09.000000001'::TIMESTAMP_NS)"
FROM_5, UNTIL_9 = 5_000_000_000, 9_000_000_001
ANY_END = EVER[1]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        (AFTER, (FROM_5, ANY_END)),
        (f"({AFTER} AND {BEFORE})", (FROM_5, UNTIL_9)),
        (f"(({AFTER} AND (cpu = 1)) AND {BEFORE})", (FROM_5, UNTIL_9)),
        (f"({AFTER} AND (cpu = 1) AND {BEFORE})", (FROM_5, UNTIL_9)),
        (f"({AFTER} AND contains(comm, ' AND (ts > x)'))", (FROM_5, ANY_END)),
        (f"({AFTER} AND (comm = 'it''s) AND (ts = '))", (FROM_5, ANY_END)),
        ("(ts BETWEEN '1970-01-01 00:00:05'::TIMESTAMP_NS AND '1970-01-01 00:00:09'::TIMESTAMP_NS)",
         (FROM_5, UNTIL_9)),
        ("(ts = '1970-01-01 00:00:05'::TIMESTAMP_NS)", (FROM_5, FROM_5 + 1)),
        ("(ts > '1960-01-01 00:00:00'::TIMESTAMP_NS)", EVER),
        # Not understood.
        (f"({AFTER} OR (cpu = 1))", EVER),
        (f"(NOT {AFTER})", EVER),
        (f"(x BETWEEN false AND {AFTER})", EVER),
        (f"(({AFTER}) = true)", EVER),
        ("((ts + '1 day') >= '1970-01-01 00:00:05'::TIMESTAMP_NS)", EVER),
        ("(ts >= '1970-01-01 00:00:05'::TIMESTAMP)", EVER),
        ("(ts <> '1970-01-01 00:00:05'::TIMESTAMP_NS)", EVER),
        ("", EVER),
    ],
)  # fmt: skip
def test_bounds_in_plans(text: str, bounds: tuple[int, int]) -> None:
    for plan in (
        [filtered(text, scan("ts", "cpu"))],
        [node("LIMIT", filtered([text], scan("ts")))],
    ):
        assert scan_bounds(json.dumps(plan)) == [bounds]


def test_scans_in_plans() -> None:
    both = node("HASH_JOIN", filtered(AFTER, scan("ts")), scan("ts", "pid"))
    assert scan_bounds(json.dumps([both])) == [(FROM_5, ANY_END), EVER]
    # Only what stands right behind a scan is about its columns.
    assert scan_bounds(json.dumps([filtered(AFTER, node("PROJECTION", scan("ts")))])) == [EVER]
    assert scan_bounds(json.dumps([filtered(AFTER, scan("start"))])) == [EVER]
    assert scan_bounds(json.dumps([filtered(AFTER, scan("ts", "x) AND (y"))])) == [EVER]
    assert scan_bounds(json.dumps([node("DUMMY_SCAN")])) == []
