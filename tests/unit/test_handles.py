"""Handles of C objects: what is closed when, and once."""

from __future__ import annotations

import pytest

from tracecmd import ClosedError
from tracecmd._lowlevel._base import Handle


def test_parent_closed_meanwhile() -> None:
    """An object whose parent is closed is destroyed at once, and lets go only what it held."""
    destroyed: list[str] = []
    parent = Handle("parent", destroyed.append, "path")
    user = Handle("user", destroyed.append, "path", parent)
    parent.close()
    with pytest.raises(ClosedError):
        Handle("child", destroyed.append, "path", parent)
    assert destroyed == ["child"]  # the parent has a user still
    user.close()
    assert destroyed == ["child", "user", "parent"]
