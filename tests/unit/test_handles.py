"""Handles, with objects of our own: closed once, and never in use."""

from __future__ import annotations

import ctypes
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from tracecmd import ClosedError
from tracecmd._lowlevel._handle import Handle


class Owned(Handle):
    """Notes when its object is destroyed."""

    def __init__(self, name: str, log: list[str], *parents: Handle, fail: bool = False) -> None:
        super().__init__(name)
        for parent in parents:
            self._hold(parent)

        def destroy(address: int) -> None:
            log.append(name)

        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(destroy)
        self._keep(function)
        place = self._own(ctypes.cast(function, ctypes.c_void_p).value or 0)
        ctypes.c_void_p.from_address(place).value = 1
        if fail:
            raise ZeroDivisionError
        self._publish(name)


def test_closed_once() -> None:
    log: list[str] = []
    owned = Owned("a", log)
    with owned as pointer:
        assert pointer == "a"
    for _ in range(3):
        owned.close()
        assert owned.closed
        assert log == ["a"]
    with pytest.raises(ClosedError, match="a: the trace is closed"), owned:
        pass
    del owned
    assert log == ["a"]


def test_dropped() -> None:
    log: list[str] = []
    Owned("a", log)
    assert log == ["a"]


def test_closed_in_use() -> None:
    """The last one to leave destroys; nobody comes in any more."""
    log: list[str] = []
    owned = Owned("a", log)
    with owned:
        with owned:
            owned.close()
            with pytest.raises(ClosedError):
                owned.__enter__()
        assert log == []
    assert log == ["a"]


def test_left_with_an_exception() -> None:
    log: list[str] = []
    owned = Owned("a", log)
    with pytest.raises(ZeroDivisionError), owned:
        owned.close() or 1 / 0
    assert log == ["a"]


def test_children_keep_parents() -> None:
    log: list[str] = []
    parent = Owned("parent", log)
    child = Owned("child", log, parent)
    grandchild = Owned("grandchild", log, child, parent, child)
    assert grandchild.parents == (child, parent)
    assert child.parents == (parent,)
    parent.close()
    child.close()
    assert child.closed
    assert grandchild.closed
    with pytest.raises(ClosedError, match="grandchild"), grandchild:
        pass
    assert log == []
    grandchild.close()
    assert log == ["grandchild", "child", "parent"]


def test_parents_that_nobody_else_refers_to() -> None:
    log: list[str] = []
    child = Owned("child", log, Owned("a", log), Owned("b", log))
    assert log == []
    del child
    assert log == ["child", "b", "a"]


def test_parent_closed_before() -> None:
    """What it held until then it lets go."""
    log: list[str] = []
    first, closed = Owned("first", log), Owned("closed", log)
    closed.close()
    with pytest.raises(ClosedError, match="closed: the trace is closed"):
        Owned("child", log, first, closed)
    gc.collect()
    assert log == ["closed"]
    first.close()
    assert log == ["closed", "first"]


def test_half_made() -> None:
    """An object is owned as soon as there is one, and so are its parents."""
    log: list[str] = []
    parent = Owned("parent", log)
    with pytest.raises(ZeroDivisionError):
        Owned("child", log, parent, fail=True)
    gc.collect()
    assert log == ["child"]
    parent.close()
    assert log == ["child", "parent"]


def test_never_made() -> None:
    empty = Handle("nothing")
    with pytest.raises(ValueError, match="nothing is in this handle yet"), empty:
        pass
    with pytest.raises(ValueError, match="nothing is in this handle yet"):
        Owned("child", [], empty)
    with pytest.raises(ValueError, match="published once"):
        empty._publish("pointer")
    with pytest.raises(ValueError, match="nothing destroys"):
        empty._own(0)
    empty.close()
    with pytest.raises(ClosedError), empty:
        pass


def test_made_wrongly() -> None:
    log: list[str] = []
    owned, other = Owned("a", log), Owned("b", log)
    with owned, pytest.raises(ValueError, match="in use or closed"):
        owned._hold(other)
    with pytest.raises(ValueError, match="published once"):
        owned._publish("again")
    with owned, pytest.raises(ValueError, match="in use or closed"):
        owned._own(1)
    with pytest.raises(TypeError):
        owned._hold("no handle")  # type: ignore[arg-type]
    assert log == []


def test_made_again() -> None:
    """What was made first is destroyed (a filter finds out that it wants symbols)."""
    log: list[str] = []
    owned = Owned("a", log)
    owned.__init__("b", log, Owned("parent", log))  # type: ignore[misc]
    assert log == ["a"]
    with owned as pointer:
        assert pointer == "b"
    del owned
    assert log == ["a", "b", "parent"]


def test_never_left() -> None:
    """An interrupt can come before a block begins: then its object goes with the last reference."""
    log: list[str] = []
    parent = Owned("parent", log)
    child = Owned("child", log, parent)
    child.__enter__()
    parent.__enter__()
    child.close()
    parent.close()
    assert log == []
    del parent
    assert log == []
    del child
    assert log == ["child", "parent"]


def test_garbage() -> None:
    """Of a cycle the collector clears parts in any order; children still go before parents."""
    for backwards in (False, True):
        log: list[str] = []
        parent = Owned("parent", log)
        child = Owned("child", log, parent)
        cycle: list[Any] = [child, parent] if backwards else [parent, child]
        child.cycle = parent.cycle = cycle  # type: ignore[attr-defined]
        cycle.append(cycle)
        known = weakref.ref(child)
        del parent, child, cycle
        assert known() is not None
        if log:
            raise AssertionError(log)
        gc.collect()
        assert log in ([], ["child", "parent"])  # [] where a handle refers to its own child
        found = known()
        if found is not None:
            found.cycle.clear()  # type: ignore[attr-defined]
            del found
            gc.collect()
        assert log == ["child", "parent"]


def test_used_by_garbage() -> None:
    """A generator that the collector closes may use what is garbage with it."""
    log: list[str] = []
    told: list[object] = []

    def use(owned: Owned) -> Iterator[None]:
        try:
            with owned:
                yield
        finally:
            with owned as pointer:
                told.append(pointer)

    owned = Owned("a", log)
    cycle: list[Any] = [use(owned), owned]
    next(cycle[0])
    cycle.append(cycle)
    del owned, cycle
    gc.collect()
    assert (told, log) == (["a"], ["a"])
