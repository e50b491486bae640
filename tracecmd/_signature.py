"""Signatures of methods whose ``**options`` are those of another: what notebooks complete."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["options_of"]

F = TypeVar("F", bound=Callable[..., Any])


def options_of(model: Callable[..., Any]) -> Callable[[F], F]:
    """Say that ``**options`` of a method are the keywords of another one."""

    def tell(method: F) -> F:
        own = inspect.signature(method)
        keywords = [
            parameter
            for parameter in inspect.signature(model).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in own.parameters
        ]
        others = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        signature = own.replace(parameters=[*others, *keywords])
        method.__signature__ = signature  # type: ignore[attr-defined]
        return method

    return tell
