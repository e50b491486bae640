"""Packages that only some uses need: extras of this one."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["MissingPackageError", "package"]


class MissingPackageError(ImportError):
    """A package that only some want is not installed; the message says how to get it."""


def package(name: str, extra: str) -> Any:
    """Import a module, or say which extra brings it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        reason = f"{top} is not installed; get it with: pip install 'tracecmd[{extra}]'"
        raise MissingPackageError(reason, name=top) from error
