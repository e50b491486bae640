"""A property that is read once, and not at all from a closed file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from . import _lowlevel

__all__ = ["lazy"]

T = TypeVar("T")
Self = TypeVar("Self", bound="lazy[Any]")


class lazy(Generic[T]):
    """Like ``functools.cached_property``, but read-only and bound to its file's life.

    For classes with a ``_file``: what was read before :meth:`close` is not given out after it. A
    part of an object (``_of`` is the whole) has what the whole one has. Two threads may both read;
    they then read the same, and get what the first one has stored.

    A value that can be closed is closed with the file, by whoever closes that. If the file was
    closed while the value was read it may have been too early for that, so it is done here: either
    the file's closed state is seen here after the value is stored, or the value is seen there.
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self: Self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        file: _lowlevel.File = instance._file
        file.require_open()
        whole = instance.__dict__.get("_of")
        if whole is not None:
            instance = whole
        values = instance.__dict__
        try:
            return values[self._name]
        except KeyError:
            value = values.setdefault(self._name, self._read(instance))
        if file.closed:
            close = getattr(value, "close", None)
            if close is not None:
                close()
            file.require_open()
        return value

    def __set__(self, instance: object, value: T) -> None:
        raise AttributeError(f"{self._name} is read-only")
