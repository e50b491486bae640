"""Make a recording of what a killed recorder left: trace-cmd-restore(1).

A recorder keeps the pages of each CPU in a file of its own, ``trace.dat.cpu0`` and so on, and puts
them together at its end. What it did not come to write, formats and symbols, is taken from a head
file, or from the kernel that is running.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from .._reading import Progress
from ..errors import TraceError, TruncatedError, os_error
from ..opening import open as open_trace
from ..options import OptionId
from ..trace import Trace
from .cut import refuse_input
from .file import Stream, write_file
from .outline import Outline, OutlineBuffer
from .pages import RawPages
from .tracing import commit_place, current_clock, outline_of_tracing

__all__ = ["Restored", "open_raw", "restore", "write_head"]

FileName = str | os.PathLike[str]

CPUS_MAX = 1 << 16  # of any file
PIECE_BYTES = 1 << 20
COMMIT_SIZE = (1 << 27) - 1  # bits of a page's commit: bytes of data,
COMMIT_MISSED = 1 << 31  # and whether events were lost before


class Restored(NamedTuple):
    """What :func:`restore` wrote.

    Attributes:
        records: how many there are in the new file.
        problems: what of the CPUs' files, or of the head, could not be taken over.
    """

    records: int
    problems: tuple[Exception, ...]


def write_head(
    path: FileName,
    *,
    tracing: FileName | None = None,
    kallsyms: FileName | None = None,
    version: int = 7,
    compression: str = "none",
) -> None:
    """Write a file without records, to restore others with: ``trace-cmd restore -c``.

    Args:
        path: its name.
        tracing: the tracing directory, or a copy of one; None: that of the running system.
        kallsyms: the kernel's symbols, or a copy; None: /proc/kallsyms.
        version, compression: as for :meth:`Trace.write`.

    Raises:
        OSError: something cannot be read or written.
        CorruptError: (a ValueError) the directory does not say how pages are laid out.
    """
    outline = outline_of_tracing(tracing, kallsyms)
    outline.buffers = []
    write_file(path, outline, [], version=version, compression=compression)


def restore(
    cpu_files: Iterable[FileName],
    path: FileName,
    *,
    head: FileName | None = None,
    tracing: FileName | None = None,
    kallsyms: FileName | None = None,
    version: int | None = None,
    compression: str | None = None,
    strict: bool = False,
    threads: int = 1,
    progress: Progress = None,
) -> Restored:
    """Make a trace.dat file of the files of its CPUs, as trace-cmd-restore(1) does.

    Files that are all named ``….cpuN`` are of CPU N, others of CPU 0, 1 and so on in their order.
    Pages that are damaged are left out, and so is a last one that is not whole.

    Args:
        cpu_files: the files.
        path: the new file; it appears when it is whole.
        head: a file of the same kernel: what :func:`write_head` made, or any recording; None: what
            the tracing directory has.
        tracing, kallsyms: as for :func:`write_head`, where there is no head.
        version, compression: as for :meth:`Trace.write`; None: those of the head.
        strict: raise instead of leaving something out.
        threads: blocks to compress side by side.
        progress: called now and then with work done and all work, in pages.

    Raises:
        ValueError: there are no files, two are of one CPU, or one is the new file.
        TraceError: the head cannot be read; with ``strict``, something is damaged.
        OSError: something cannot be read or written.
    """
    files = _numbered(cpu_files)
    refuse_input(path, [*files.values(), *([] if head is None else [os.fspath(head)])])
    origin = _Origin.of(head, tracing, kallsyms, strict=strict)
    made = _Format.of(origin, version, compression, threads)
    target = Path(path)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        problems = [*origin.problems, *_write(part, origin.outline, files, made, progress)]
        if strict and problems:
            raise problems[0]
        with open_trace(part) as trace:
            records = trace.stat(threads=threads).records
            damage = _damage(trace, os.fspath(path))
            if damage and strict:
                raise damage[0]
            if damage:  # leave it out
                records = trace.write(target, threads=threads)
        if not damage:
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Restored(records, (*problems, *damage))


def open_raw(
    cpu_files: Iterable[FileName],
    *,
    head: FileName | None = None,
    tracing: FileName | None = None,
    kallsyms: FileName | None = None,
    strict: bool = False,
) -> Trace:
    """Open the files of a killed recorder's CPUs as one recording, to read them only.

    It is put together in a temporary file without a name, which goes with the trace. What was left
    out of it is in :attr:`Trace.problems`.

    Args:
        cpu_files, head, tracing, kallsyms, strict: as for :func:`restore`.

    Raises:
        ValueError, TraceError, OSError: as :func:`restore` does.
    """
    files = _numbered(cpu_files)
    origin = _Origin.of(head, tracing, kallsyms, strict=strict)
    number, name = tempfile.mkstemp(prefix="tracecmd-", suffix=".dat")
    os.close(number)
    try:
        problems = _write(Path(name), origin.outline, files, _Format(7, "none", 1), None)
        if strict and problems:
            raise problems[0]
        trace = open_trace(name, strict=strict)
    except BaseException:
        _remove(name)
        raise
    try:
        os.unlink(name)  # what is open stays
    except OSError:  # not so on Windows
        weakref.finalize(trace, _remove, name)
    for problem in (*origin.problems, *problems):
        trace._problems.note(problem)
    return trace


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


# Where the rest comes from -------------------------------------------------------------------


class _Origin(NamedTuple):
    """All but the records, and how the file it is from is laid out."""

    outline: Outline
    version: int
    compression: str
    problems: tuple[Exception, ...]

    @classmethod
    def of(
        cls, head: FileName | None, tracing: FileName | None, kallsyms: FileName | None,
        *, strict: bool,
    ) -> _Origin:  # fmt: skip
        if head is None:
            return cls(outline_of_tracing(tracing, kallsyms), 7, "none", ())
        with open_trace(head) as trace:
            outline = trace.outline()
            problems = tuple(outline.problems)
            if strict and problems:
                raise problems[0]
            outline.drop(OptionId.CPUSTAT)  # of that recording's own CPUs
            clocks = [buffer.clock for buffer in outline.buffers[:1] if buffer.clock]
            texts = outline.payloads(OptionId.TRACECLOCK)
            clock = clocks[0] if clocks else current_clock(texts[-1] if texts else b"")
            outline.buffers = [OutlineBuffer("", clock, outline.page_size)]
            return cls(outline, trace.version, trace.compression, problems)


class _Format(NamedTuple):
    """How the new file is laid out, and on how many threads."""

    version: int
    compression: str
    threads: int

    @classmethod
    def of(
        cls, origin: _Origin, version: int | None, compression: str | None, threads: int
    ) -> _Format:
        version = origin.version if version is None else version
        if compression is None:
            compression = origin.compression if version == 7 else "none"
        return cls(version, compression, threads)


# The files of the CPUs -----------------------------------------------------------------------


def _numbered(files: Iterable[FileName]) -> dict[int, str]:
    """The files by their CPUs.

    Raises:
        ValueError: there are none, or two are of one CPU.
    """
    names = [os.fspath(file) for file in files]
    if not names:
        raise ValueError("cpu_files: there are none")
    found = [re.search(r"\.cpu([0-9]{1,9})$", name) for name in names]
    numbers = [int(match[1]) for match in found if match]
    if len(numbers) != len(names):
        numbers = list(range(len(names)))
    if len(set(numbers)) != len(numbers):
        raise ValueError("cpu_files: two are of one CPU")
    if max(numbers) >= CPUS_MAX:
        raise ValueError(f"cpu_files: no CPU has the number {max(numbers)}")
    return dict(sorted(zip(numbers, names, strict=True)))


def _write(
    path: Path, outline: Outline, files: dict[int, str], made: _Format, progress: Progress
) -> list[Exception]:
    """Write all pages as they are; gives what was left out."""
    page_size = outline.page_size
    outline.cpus = max(files) + 1
    problems: list[Exception] = []
    streams = []
    for cpu, name in files.items():
        pages, rest = divmod(_size(name), page_size)
        if rest:
            reason = f"pages of CPU {cpu}: the last one is cut short; what is whole of it is kept"
            problems.append(TruncatedError(reason, path=name, offset=pages * page_size))
        pages += bool(rest)
        if pages:
            pieces = _pieces(name, page_size, pages, partial(_mended, outline))
            streams.append(Stream(0, cpu, RawPages(page_size, pieces, pages)))
    write_file(path, outline, streams, version=made.version, compression=made.compression,
               threads=made.threads, progress=progress)  # fmt: skip
    return problems


def _size(name: str) -> int:
    try:
        with open(name, "rb") as file:
            return file.seek(0, os.SEEK_END)
    except OSError as error:
        raise _named(error, name) from None


def _pieces(
    name: str, page_size: int, pages: int, mend: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    """So many pages of a file, chunk by chunk as compression wants them."""
    at_once = max(1, PIECE_BYTES // (10 * page_size)) * 10  # trace-cmd's chunks are of 10
    with open(name, "rb") as file:
        while pages:
            try:
                piece = file.read(min(at_once, pages) * page_size)
            except OSError as error:
                raise _named(error, name) from None
            if not piece:
                raise TruncatedError("pages: the file has shrunk", path=name)
            rest = len(piece) % page_size
            if rest:
                piece = piece[:-rest] + mend(piece[-rest:])
            pages = 0 if rest else pages - len(piece) // page_size
            yield piece


def _mended(outline: Outline, page: bytes) -> bytes:
    """A page that is cut short, made to say so: it has as much data as is there; b"" for none."""
    order: Literal["little", "big"] = "little" if outline.byteorder == "little" else "big"
    commit, size, data = commit_place(outline.sections.get(OptionId.HEADER_INFO, b""))
    if len(page) <= data:
        return b""
    whole = bytearray(page.ljust(outline.page_size, b"\0"))
    word = int.from_bytes(whole[commit : commit + size], order)
    room = (len(page) - data) & ~3
    if word & COMMIT_SIZE > room:
        word = (word & COMMIT_MISSED) | room  # the number of lost events lay after the data
        whole[commit : commit + size] = word.to_bytes(size, order)
    return bytes(whole)


def _named(error: OSError, name: str) -> TraceError:
    number = error.errno or errno.EIO
    return os_error(number, f"read: {os.strerror(number)}", name)


def _damage(trace: Trace, path: str) -> list[Exception]:
    """What reading the pages met; said of the new file, which is the one that people know."""
    found: Sequence[Exception] = (*trace._reader.data.problems(), *trace._problems.all())
    for problem in found:
        if isinstance(problem, TraceError):
            problem.path, problem.offset = path, None
    return list(found)
