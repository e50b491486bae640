"""Python objects that own C objects: see csrc/python/lifetime.h."""

from types import TracebackType
from typing import Any

class Handle:
    """Owns an object of the core, and destroys it once: never while a call on it runs."""

    def _own(self, destroy: int, /) -> int:
        """Where a function of the core is to put the object that the function at destroy destroys.

        The object is owned as soon as it is there. One that was there before is destroyed.
        """

    def _publish(self, pointer: Any, /) -> None:
        """The object is made: from now on ``with`` gives this pointer."""

    def _keep(self, memory: Any, /) -> Any:
        """Keep what the object points to, a cdata, until after it is destroyed; gives it back.

        An attribute would not do: those are gone before the deallocator comes.
        """

    def __enter__(self) -> Any: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def close(self) -> None:
        """Destroy the object now, or when the last call on it ends; a second close is fine."""

    @property
    def closed(self) -> bool:
        """Whether it was closed, or what it points into."""

    @property
    def parents(self) -> tuple[Any, ...]:
        """The handles of what it points into."""

def hold(child: Handle, parent: Handle, /) -> Any:
    """The parent's pointer, for the child's object to keep: the parent outlives it then."""

def schema() -> tuple[object, int]:
    """A capsule of an empty ArrowSchema, and the struct's address."""

def array() -> tuple[object, int]:
    """A capsule of an empty ArrowArray, and the struct's address."""

def move(capsule: object, address: int, /) -> None:
    """Move what is in the capsule of a schema or an array to a struct elsewhere."""

def stream(source: object, /) -> object:
    """A capsule of an ArrowArrayStream: csrc/python/stream.c has what it asks its source."""
