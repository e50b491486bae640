"""What a file is apart from its records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .. import _lowlevel
from .._lowlevel import OutlineBuffer

__all__ = ["Outline", "OutlineBuffer"]


class Outline:
    """Header, options, sections and buffers of a file that is to be written.

    All of it is plain values to be looked at and changed. What only says where something lies (the
    options BUFFER and CPUCOUNT, and those of sections) is the writer's, and not in it.

        >>> outline = Outline(cpus=2)
        >>> outline.add(5, b"Linux box 6.12 x86_64\\0")
        >>> outline.buffers.append(OutlineBuffer("", "local", outline.page_size))
        >>> outline
        <Outline little cpus=2 options=1 sections=0 buffers=1>

    Attributes:
        byteorder: ``"little"`` or ``"big"``: of all numbers in the file.
        long_size: bytes of a ``long`` where it was recorded, 4 or 8.
        page_size: bytes of a sub-buffer of the top buffer; each buffer says its own, too.
        cpus: CPUs of the recording machine; 0 if not known.
        options: numbers and payloads, in the order in which they are written.
        sections: plain bytes of the kernel's texts by their number, 16 (HEADER_INFO) to 21
            (CMDLINES), 23 (BTF_FILE) and 25 (MODULES_FILE).
        buffers: the top buffer, named "", first if there is one; then the instances.
        problems: what of a recording could not be read, and is left out.
    """

    def __init__(
        self,
        *,
        cpus: int = 0,
        page_size: int = 4096,
        long_size: int = 8,
        byteorder: str = "little",
    ) -> None:
        self.byteorder = byteorder
        self.long_size = long_size
        self.page_size = page_size
        self.cpus = cpus
        self.options: list[tuple[int, bytes]] = []
        self.sections: dict[int, bytes] = {}
        self.buffers: list[OutlineBuffer] = []
        self.problems: Sequence[Exception] = ()

    def __repr__(self) -> str:
        return (
            f"<Outline {self.byteorder} cpus={self.cpus} options={len(self.options)} "
            f"sections={len(self.sections)} buffers={len(self.buffers)}>"
        )

    @classmethod
    def of_file(cls, file: _lowlevel.File) -> Outline:
        """That of an open file of the core's."""
        made = _lowlevel.Outline(file)
        try:
            header = made.header()
            outline = cls(
                cpus=header.cpu_count,
                page_size=header.page_size,
                long_size=header.long_size,
                byteorder="big" if header.big_endian else "little",
            )
            outline.options = [(option.id, option.data) for option in made.options()]
            sections = {number: made.section(number) for number in _lowlevel.KERNEL_SECTIONS}
            outline.sections = {
                number: data for number, data in sections.items() if data is not None
            }
            outline.buffers = made.buffers()
            outline.problems = made.problems()
        finally:
            made.close()
        return outline

    def add(self, number: int, payload: bytes) -> None:
        """Add an option after those that are there."""
        self.options.append((number, payload))

    def set(self, number: int, payload: bytes) -> None:
        """Add an option in place of the first with this number; others with it are dropped."""
        place = next(
            (at for at, (known, _) in enumerate(self.options) if known == number),
            len(self.options),
        )
        self.drop(number)
        self.options.insert(place, (number, payload))

    def drop(self, number: int) -> None:
        """Drop all options with this number; none need be there."""
        self.options = [option for option in self.options if option[0] != number]

    def payloads(self, number: int) -> list[bytes]:
        """Payloads of all options with this number."""
        return [payload for known, payload in self.options if known == number]

    def lowlevel(self, buffers: Iterable[OutlineBuffer] | None = None) -> _lowlevel.Outline:
        """The same for the core; buffers: these instead of its own.

        Raises:
            ValueError: no file can be like this; the message says what is wrong.
        """
        if self.byteorder not in ("little", "big"):
            raise ValueError(f'byteorder={self.byteorder!r}; it is "little" or "big"')
        header = _lowlevel.OutlineHeader(
            self.byteorder == "big", self.long_size, self.page_size, self.cpus
        )
        made = _lowlevel.Outline(header)
        try:
            made.set_options(self.options)
            for number, data in self.sections.items():
                made.set_section(number, data)
            made.set_buffers(list(self.buffers if buffers is None else buffers))
        except BaseException:
            made.close()
            raise
        return made
