"""struct trc_exit_reasons: why a vCPU left its guest, in words."""

from __future__ import annotations

from ._base import ffi, lib
from ._handle import Handle
from ._metadata import Metadata

__all__ = ["ExitReasons"]


class ExitReasons(Handle):
    """struct trc_exit_reasons: what an event like kvm_exit calls the reasons for it."""

    def __init__(self, metadata: Metadata, event: int) -> None:
        super().__init__(metadata.path)
        of = self._hold(metadata)
        self._create("trc_exit_reasons", lib.trc_exit_reasons_create, of, event)
        with self as reasons:
            names = [lib.trc_exit_reasons_field(reasons, index) for index in range(2)]
        self.fields = tuple(ffi.string(name).decode() for name in names if name)

    def text(self, value: int, second: int) -> str:
        """The text of a reason, by the values of :attr:`fields`; those that are not there are 0."""
        room = ffi.new("char[]", 256)
        with self as reasons:
            size = lib.trc_exit_reasons_text(reasons, value, second, room, len(room))
            if size > len(room):
                room = ffi.new("char[]", size)
                lib.trc_exit_reasons_text(reasons, value, second, room, size)
        return bytes(ffi.buffer(room, size)).decode(errors="surrogateescape")
