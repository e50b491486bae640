"""struct trc_file and what belongs to it: options, peers, buffers, sections."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ._base import decode, decode_string, exception, ffi, lib
from ._handle import Handle
from ._hook import HookParts, hook_parts


class Header(NamedTuple):
    """struct trc_header."""

    file_size: int
    version: int
    big_endian: bool
    long_size: int
    page_size: int
    compression: str
    compression_version: str


class Option(NamedTuple):
    """struct trc_option."""

    id: int
    offset: int
    data: bytes


class Guest(NamedTuple):
    """struct trc_guest."""

    name: str
    trace_id: int
    cpu_pid: tuple[int, ...]


class BufferInfo(NamedTuple):
    """struct trc_buffer."""

    name: str
    clock: str
    kind: int
    compressed: bool
    page_size: int
    cpu_count: int
    offset: int
    size: int


class Text(NamedTuple):
    """struct trc_text."""

    system: str
    text: str


BUDGET_MEMORY: int = lib.TRC_BUDGET_MEMORY
BUDGET_WORK: int = lib.TRC_BUDGET_WORK
BUFFER_TEXT: int = lib.TRC_BUFFER_TEXT
BTF_FILE: int = lib.TRC_OPTION_BTF_FILE
SECTION_IDS: range = range(lib.TRC_OPTION_HEADER_INFO, lib.TRC_OPTION_CMDLINES + 1)
OPTION_NAMES: dict[int, str] = {
    getattr(lib, name): name.removeprefix("TRC_OPTION_")
    for name in dir(lib)
    if name.startswith("TRC_OPTION_")
}


class File(Handle):
    """struct trc_file: one open trace.dat."""

    def __init__(
        self,
        source: str | bytes | os.PathLike[str] | os.PathLike[bytes] | int,
        *,
        mmap: bool = True,
        memory: int = 0,
        work: int = 0,
    ) -> None:
        flags = 0 if mmap else lib.TRC_OPEN_READ
        options = ffi.new("struct trc_open_options *", [flags, memory, work])
        if isinstance(source, int):
            super().__init__(f"<fd {source}>")
            number = source if abs(source) < 1 << 31 else -1
            self._create("trc_file", lib.trc_open_fd, number, options, destroy="trc_close")
            return
        encoded = os.fsencode(source)
        if b"\0" in encoded:
            raise ValueError("embedded null byte in a file name")
        super().__init__(os.fsdecode(encoded))
        self._create("trc_file", lib.trc_open, encoded, options, destroy="trc_close")

    def _check(self, code: int, err: Any) -> None:
        if code:
            raise exception(err, self.path)

    def _checked(self, pointer: Any) -> Any:
        """Ask whether the file is still as long as its mapping; the error struct to go on with."""
        err = ffi.new("struct trc_error *")
        self._check(lib.trc_check(pointer, err), err)
        return err

    def header(self) -> Header:
        with self as file:
            self._checked(file)
            out = ffi.new("struct trc_header *")
            lib.trc_header(file, out)
            return Header(
                out.file_size,
                out.version,
                bool(out.big_endian),
                out.long_size,
                out.page_size,
                decode_string(out.compression),
                decode_string(out.compression_version),
            )

    def problems(self) -> Sequence[Exception]:
        """What is wrong in it and was passed over."""
        return self._own_problems(lib.trc_problem_count, lib.trc_problem)

    def trace_id(self) -> int:
        with self as file:
            return int(lib.trc_trace_id(file))

    def cpu_count(self) -> int:
        with self as file:
            return int(lib.trc_cpu_count(file))

    def clock_name(self) -> str:
        with self as file:
            self._checked(file)
            name, size = ffi.new("const char **"), ffi.new("size_t *")
            lib.trc_clock_name(file, name, size)
            return decode(name[0], size[0])

    def ts_offset(self) -> tuple[int, int]:
        with self as file:
            out = ffi.new("struct trc_ts_offset *")
            lib.trc_ts_offset(file, out)
            return out.date, out.offset

    def tsc2nsec(self) -> tuple[int, int, int] | None:
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_tsc2nsec *")
            code = lib.trc_tsc2nsec(file, out, err)
            if code == lib.TRC_NOT_FOUND:
                return None
            self._check(code, err)
            return out.mult, out.shift, out.offset

    def time_shift(self) -> tuple[int, int, list[list[tuple[int, int, int, int]]]] | None:
        """Peer's trace ID, flags, and per CPU the samples (time, offset, scaling, fraction).

        CPUs that share their samples (as in files of trace-cmd 2.9) share one list, too.
        """
        with self as file:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_time_shift *")
            if lib.trc_time_shift(file, out, err) == lib.TRC_NOT_FOUND:
                return None
            cpus = []
            lists: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
            samples, count = ffi.new("const struct trc_time_sample **"), ffi.new("size_t *")
            for cpu in range(out.cpu_count):
                self._check(lib.trc_time_samples(file, cpu, samples, count, err), err)
                key = int(ffi.cast("uintptr_t", samples[0])), count[0]
                if key not in lists:
                    lists[key] = [
                        (s.time, s.offset, s.scaling, s.fraction) for s in samples[0][0 : count[0]]
                    ]
                cpus.append(lists[key])
            return out.peer_trace_id, out.flags, cpus

    # Options ------------------------------------------------------------------------------

    def option_count(self) -> int:
        with self as file:
            return int(lib.trc_option_count(file))

    def option_count_id(self, number: int) -> int:
        with self as file:
            return int(lib.trc_option_count_id(file, number))

    def option(self, index: int) -> Option:
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_option *")
            self._check(lib.trc_option(file, index, out, err), err)
            return Option(out.id, out.offset, bytes(ffi.buffer(out.data, out.size)))

    def option_find(self, number: int, occurrence: int) -> Option | None:
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_option *")
            code = lib.trc_option_find(file, number, occurrence, out, err)
            if code == lib.TRC_NOT_FOUND:
                return None
            self._check(code, err)
            return Option(out.id, out.offset, bytes(ffi.buffer(out.data, out.size)))

    def option_text(self, number: int) -> str:
        with self as file:
            self._checked(file)
            text, size = ffi.new("const char **"), ffi.new("size_t *")
            lib.trc_option_text(file, number, text, size)
            return decode(text[0], size[0])

    def cpu_stats(self) -> Iterator[tuple[str, str]]:
        """Instance name and text of each CPU's statistics."""
        position = ffi.new("struct trc_cpu_stat_position *")
        out = ffi.new("struct trc_cpu_stat *")
        while True:
            with self as file:
                err = self._checked(file)
                if lib.trc_cpu_stat(file, position, out, err) == lib.TRC_NOT_FOUND:
                    return
                stat = decode(out.buffer, out.buffer_size), decode(out.text, out.size)
            yield stat

    def hook(self, index: int) -> HookParts:
        """Start and end as (system, event, field), the start's PID field, flags."""
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_hook *")
            self._check(lib.trc_hook(file, index, out, err), err)
            return hook_parts(out)

    def proc_map(self, index: int) -> tuple[int, str, list[tuple[int, int, str]]]:
        """PID, comm, and the regions as (start, end, path)."""
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_proc_map *")
            self._check(lib.trc_proc_map(file, index, out, err), err)
            position = ffi.new("size_t *")
            region = ffi.new("struct trc_proc_map_region *")
            regions = []
            while True:
                code = lib.trc_proc_map_region(out, position, region, err)
                if code == lib.TRC_NOT_FOUND:
                    break
                self._check(code, err)
                path = decode(region.path, region.path_size)
                regions.append((region.start, region.end, path))
            return out.pid, decode(out.comm, out.comm_size), regions

    # Peers --------------------------------------------------------------------------------

    @staticmethod
    def _guest(out: Any) -> Guest:
        pids = ffi.unpack(out.cpu_pid, out.vcpu_count) if out.vcpu_count else ()
        return Guest(decode(out.name, out.name_size), out.trace_id, tuple(pids))

    def guests(self) -> list[Guest]:
        with self as file:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_guest *")
            guests = []
            for index in range(lib.trc_guest_count(file)):
                self._check(lib.trc_guest(file, index, out, err), err)
                guests.append(self._guest(out))
            return guests

    def guest_find(self, trace_id: int) -> Guest | None:
        with self as file:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_guest *")
            code = lib.trc_guest_find(file, trace_id, out, err)
            return None if code == lib.TRC_NOT_FOUND else self._guest(out)

    # Buffers ------------------------------------------------------------------------------

    def buffers(self) -> list[BufferInfo]:
        with self as file:
            err = self._checked(file)
            out = ffi.new("struct trc_buffer *")
            buffers = []
            for index in range(lib.trc_buffer_count(file)):
                self._check(lib.trc_buffer(file, index, out, err), err)
                buffers.append(
                    BufferInfo(
                        decode(out.name, out.name_size),
                        decode(out.clock, out.clock_size),
                        out.kind,
                        bool(out.compressed),
                        out.page_size,
                        out.cpu_count,
                        out.offset,
                        out.size,
                    )
                )
            return buffers

    def cpu_areas(self, buffer: int) -> list[tuple[int, int, int]]:
        """(CPU, offset, stored size) of the CPUs with data, by CPU."""
        with self as file:
            err = ffi.new("struct trc_error *")
            info = ffi.new("struct trc_buffer *")
            area = ffi.new("struct trc_cpu_area *")
            self._check(lib.trc_buffer(file, buffer, info, err), err)
            areas = []
            for index in range(info.cpu_count):
                self._check(lib.trc_cpu_area(file, buffer, index, area, err), err)
                areas.append((area.cpu, area.offset, area.size))
            return areas

    def empty_areas(self, buffer: int) -> list[tuple[int, int, int]]:
        """(CPU, offset, 0) of the CPUs that the buffer's table has without data."""
        with self as file:
            area = ffi.new("struct trc_cpu_area *")
            areas: list[tuple[int, int, int]] = []
            while not lib.trc_cpu_empty(file, buffer, len(areas), area, ffi.NULL):
                areas.append((area.cpu, area.offset, area.size))
            return areas

    def buffer_text(self, buffer: int) -> bytes:
        """The whole text of a latency tracer's buffer."""
        with self as file:
            err = ffi.new("struct trc_error *")
            loaded = ffi.new("struct trc_bytes *")
            self._check(lib.trc_buffer_text(file, buffer, loaded, err), err)
            try:
                return bytes(ffi.buffer(loaded.data, loaded.size))
            finally:
                lib.trc_bytes_free(loaded)

    # Sections -----------------------------------------------------------------------------

    def section(self, number: int) -> tuple[int, int, bool] | None:
        """Offset and stored size of a section's payload, and whether it is compressed."""
        with self as file:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_section *")
            if lib.trc_section_find(file, number, out, err) == lib.TRC_NOT_FOUND:
                return None
            return out.offset, out.size, bool(out.compressed)

    def section_bytes(self, number: int) -> bytes:
        """All of a section, unpacked; empty if the file does not have it."""
        with self as file:
            err = ffi.new("struct trc_error *")
            loaded = ffi.new("struct trc_bytes *")
            code = lib.trc_section_load(file, number, loaded, err)
            if code == lib.TRC_NOT_FOUND:
                return b""
            self._check(code, err)
            try:
                return bytes(ffi.buffer(loaded.data, loaded.size))
            finally:
                lib.trc_bytes_free(loaded)

    def section_texts(self, number: int) -> list[Text]:
        """All texts of a section; none if the file does not have it."""
        with self as file:
            err = ffi.new("struct trc_error *")
            loaded = ffi.new("struct trc_bytes *")
            code = lib.trc_section_load(file, number, loaded, err)
            if code == lib.TRC_NOT_FOUND:
                return []
            self._check(code, err)
            try:
                return self._texts(file, number, loaded, err)
            finally:
                lib.trc_bytes_free(loaded)

    def _texts(self, file: Any, number: int, loaded: Any, err: Any) -> list[Text]:
        position = ffi.new("struct trc_text_position *")
        out = ffi.new("struct trc_text *")
        texts: list[Text] = []
        while True:
            code = lib.trc_section_text(file, number, loaded, position, out, err)
            if code == lib.TRC_NOT_FOUND:
                return texts
            self._check(code, err)
            texts.append(Text(decode(out.system, out.system_size), decode(out.text, out.size)))
