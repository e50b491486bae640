"""struct trc_profile: where tasks spend their time, as text."""

from __future__ import annotations

from collections.abc import Sequence

from ._analysis import AnalysisSource, string
from ._base import GO_ON, GoOn, check, ffi, lib
from ._data import Walk
from ._handle import Handle
from ._hook import HookParts
from ._symbols import Symbols

ENOUGH = 1 << 18  # bytes of text a call


class Profile(Handle):
    """struct trc_profile. One thread at a time uses it."""

    def __init__(
        self,
        sources: Sequence[AnalysisSource],
        symbols: Sequence[Symbols],
        *,
        by_cpu: bool,
        by_comm: bool,
    ) -> None:
        """Make the profile of sources, whose symbols are given; by_cpu: of interrupts."""
        super().__init__(sources[0].data.path if sources else "")
        self._paths = [source.data.path for source in sources]
        array = self._keep(ffi.new("struct trc_analysis_source[]", len(sources)))
        for entry, source in zip(array, sources, strict=True):
            entry.data = self._hold(source.data)
            entry.stream = source.stream
        held = [self._hold(each) for each in symbols]
        options = self._keep(ffi.new("struct trc_profile_options *"))
        options.flags = lib.TRC_PROFILE_GLOBAL * by_cpu | lib.TRC_PROFILE_BY_COMM * by_comm
        options.symbols = self._keep(ffi.new("struct trc_symbols *[]", held))
        create = lib.trc_profile_create
        self._create("trc_profile", create, array, len(sources), options, sources=self._paths)

    def add_hook(self, source: int, hook: HookParts) -> None:
        """Join two events of a source's file.

        Raises:
            NotFoundError: (a ValueError) the file lacks one of them.
            ValueError: one of them lacks a field.
        """
        start, end, pid_field, flags = hook
        struct = ffi.new("struct trc_hook *")
        for side, parts in ((struct.start, start), (struct.end, end)):
            for name, text in zip(("system", "event", "field"), parts, strict=True):
                held = string(self, text)
                setattr(side, name, held)
                setattr(side, f"{name}_size", len(held) - 1)
        held = string(self, pid_field)
        struct.pid_field, struct.pid_field_size, struct.flags = held, len(held) - 1, flags
        with self as profile:
            err = ffi.new("struct trc_error *")
            code = lib.trc_profile_add_hook(profile, source, struct, err)
            check(code, err, self._paths[source])

    def next(self, walk: Walk) -> GoOn | None:
        """Take more of the walk's records; None: those were the last. Leaves the GIL."""
        with self as profile, walk as records:
            err = ffi.new("struct trc_error *")
            code = lib.trc_profile_next(profile, records, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, walk.paths)
            return None

    def text(self) -> bytes:
        """The next lines, after the last record; empty: there are no more."""
        with self as profile:
            text, size = ffi.new("const char **"), ffi.new("size_t *")
            err = ffi.new("struct trc_error *")
            check(lib.trc_profile_text(profile, ENOUGH, text, size, err), err, self.path)
            return bytes(ffi.buffer(text[0], size[0]))
