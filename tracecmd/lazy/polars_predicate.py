"""The filter of a Polars query, taken apart.

Polars has no public way to look into an expression, but two that do without: its operands can be
taken off (``meta.pop``), and two expressions can be compared (``meta.eq``). So each form that is
known is made anew of the operands: where that gives the same expression, it is that form. What is
the same as none of them is left to Polars.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..packages import package
from .conditions import OPERATORS, Condition, How

if TYPE_CHECKING:
    import polars

__all__ = ["read_predicate"]

_SWAPPED: dict[str, How] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CLOSED: tuple[tuple[Literal["both", "left", "right", "none"], How, How], ...] = (
    ("both", ">=", "<="),
    ("left", ">=", "<"),
    ("right", ">", "<="),
    ("none", ">", "<"),
)
_DYNAMIC = "dynamic_pred"  # a hint of Polars 1 to itself, which cannot be applied here


def read_predicate(
    predicate: polars.Expr, schema: polars.Schema
) -> tuple[list[Condition], polars.Expr | None]:
    """The conditions that are in a predicate, and what of it can be applied to rows."""
    conditions: list[Condition] = []
    applied: polars.Expr | None = predicate
    parts = _conjuncts(predicate)
    known = [part for part in parts if not str(part).startswith(_DYNAMIC)]
    if len(known) < len(parts):
        applied = package("polars", "polars").all_horizontal(known) if known else None
    for part in known:
        conditions += _conditions(part, schema)
    return conditions, applied


def _conjuncts(predicate: polars.Expr) -> list[polars.Expr]:
    found: list[polars.Expr] = []
    pending = [predicate]
    while pending:
        expression = pending.pop()
        parts = _operands(expression)
        if len(parts) == 2 and _same(lambda a, b: a & b, parts, expression):
            pending += parts[::-1]
        else:
            found.append(expression)
    return found


def _operands(expression: polars.Expr) -> list[polars.Expr]:
    """What an expression is made of, in order; nothing of a column or a value."""
    try:
        if expression.meta.is_column() or expression.meta.is_literal():
            return []
        return expression.meta.pop()[::-1]
    except Exception:  # Polars' own, of expressions that it has for itself
        return []


def _same(
    make: Callable[..., polars.Expr], parts: list[polars.Expr], expression: polars.Expr
) -> bool:
    try:
        return bool(make(*parts).meta.eq(expression))
    except Exception:  # these operands do not go with it
        return False


def _conditions(expression: polars.Expr, schema: polars.Schema) -> list[Condition]:
    """All that an expression says of a column; nothing if it is not known what it says."""
    parts = _operands(expression)
    if len(parts) == 3:
        return _between(expression, parts, schema)
    one = _comparison(expression, parts, schema)
    return [one] if one else []


def _between(
    expression: polars.Expr, parts: list[polars.Expr], schema: polars.Schema
) -> list[Condition]:
    for closed, first, last in _CLOSED:
        if _same(lambda a, b, c, closed=closed: a.is_between(b, c, closed), parts, expression):
            made = (_compared(parts[0], first, parts[1], schema),
                    _compared(parts[0], last, parts[2], schema))  # fmt: skip
            return [each for each in made if each]
    return []


def _comparison(
    expression: polars.Expr, parts: list[polars.Expr], schema: polars.Schema
) -> Condition | None:
    """An expression that one condition says all of."""
    if len(parts) != 2:
        return None
    left, right = parts
    for how, compare in OPERATORS.items():
        if _same(compare, parts, expression):
            return _compared(left, how, right, schema) or _compared(  # type: ignore[arg-type]
                right, _SWAPPED[how], left, schema
            )
    if _same(lambda a, b: a.is_in(b), parts, expression):
        return _compared(left, "in", right, schema)
    if _same(lambda a, b: a | b, parts, expression):
        return _either(left, right, schema)
    return None


def _either(left: polars.Expr, right: polars.Expr, schema: polars.Schema) -> Condition | None:
    """One column that has one of several values."""
    sides = [_comparison(side, _operands(side), schema) for side in (left, right)]
    values: list[int | str] = []
    for side in sides:
        if side is None or side.how not in ("==", "in") or side.column != sides[0].column:  # type: ignore[union-attr]
            return None
        values += side.values
    assert sides[0] is not None
    return Condition(sides[0].column, "in", tuple(values))


def _compared(
    column: polars.Expr, how: How, value: polars.Expr, schema: polars.Schema
) -> Condition | None:
    """The condition that compares a column with a value; None where they are no such thing."""
    if not column.meta.is_column():
        return None
    name = column.meta.output_name()
    values = _values(value, schema.get(name))
    if values is None or (how != "in" and len(values) != 1):
        return None
    return Condition(name, how, values)


def _values(expression: polars.Expr, dtype: Any) -> tuple[int | str, ...] | None:
    """The values of a literal, without nulls; times as their numbers. None: others than these."""
    pl = package("polars", "polars")
    bare = expression.meta.undo_aliases()
    if not bare.meta.is_literal():
        return None
    values: polars.Series = pl.select(bare).to_series()
    if isinstance(values.dtype, pl.List):
        if len(values) != 1 or values.has_nulls():
            return None
        values = values[0]
    if isinstance(dtype, pl.Datetime):
        return tuple(values.to_physical().drop_nulls()) if values.dtype == dtype else None
    if values.dtype.is_integer() or values.dtype == pl.String:
        return tuple(values.drop_nulls())
    return None
