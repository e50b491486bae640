"""Writes small inputs of every kind to start fuzzing from: python -m fuzz.seeds FOLDER.

FOLDER/files is for the targets that take whole files, FOLDER/texts for fuzz_event_format,
FOLDER/print_fmts for fuzz_print_fmt, and FOLDER/btf for fuzz_btf.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import tracecmd
from tests.corrupt import page_bases
from tests.corrupt.bases import NAMES, base
from tests.recordings import made, made_arguments
from tests.unit.test_btf import kernel
from tests.unit.test_event_format_hostile import TEXTS
from tests.unit.test_writer import SHAPES, everything, shape_id
from tests.writer import Btf, BtfKind, EventFormat, Field, Machine

RECORDINGS = Path(__file__).resolve().parents[1] / "tests" / "data"
RECORDING_MAX = 50_000  # bytes: larger ones take a fuzzer too long
FORMATS_OF = ("i386-v6.dat", "s390x-tc331-v6.dat", "s390x-k72-kprobe.dat", "armhf-marker.dat")

# Lists without entries, in a format that has no others.
EMPTY_LISTS = EventFormat(
    "made", "empty_lists", 1000, (Field("int a", 4, signed=True),),
    '"%s %s", __print_flags(REC->a, "|", ), __print_symbolic(REC->a, )',
)  # fmt: skip


def files() -> Iterator[tuple[str, bytes]]:
    """Whole files, by name."""
    for name in NAMES:
        yield name, base(name).data
    for shape in SHAPES:
        yield f"records-{shape_id(shape)}", everything(**shape).write().data
    for name, page_shape in page_bases.BASES.items():
        yield f"pages-{name}", page_bases.base(**page_shape).write().data
    for make in (
        made.functions,
        made.stacks,
        made.blktrace,
        made.print_fmts,
        made_arguments.arguments,
        made_arguments.former_boot,
    ):
        yield f"made-{make.__name__}", make()
    for path in sorted(RECORDINGS.glob("*.dat")):
        if path.stat().st_size <= RECORDING_MAX:
            yield f"recorded-{path.stem}", path.read_bytes()


def formats() -> dict[str, bytes]:
    """The formats of the events of some recordings, and an odd one."""
    found = {EMPTY_LISTS.name: EMPTY_LISTS.text(Machine()).encode()}
    for name in FORMATS_OF:
        with tracecmd.open(RECORDINGS / name) as trace:
            for text in trace.event_formats:
                event = text.text.partition("\n")[0].removeprefix("name: ")
                found[f"{text.system}-{event}"] = text.text.encode()
    return found


def tables() -> dict[str, bytes]:
    """Tables of types: of every kind, in both byte orders, and one of each kind alone."""
    found = {
        f"all-{order}": made_arguments.types(Machine(order == "big")).encode()
        for order in ("little", "big")
    }
    for kind in BtfKind:
        table = Btf()
        number = table.add(kind, "t", 1, bytes(12), count=1)
        table.function("f", [("a", number), ("", 0)], number)
        found[kind.name.lower()] = table.encode()
    found["prototypes"] = kernel().encode()
    return found


def print_fmt_input(number: int, text: bytes) -> bytes:
    """What fuzz_print_fmt takes: a mode, the length of a record, the record, the format."""
    record = bytes((number * 7 + at * at) % 256 if at % 3 else 0 for at in range(96))
    return bytes([number % 64, len(record)]) + record + text


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main(folder: Path) -> None:
    """Write all of them."""
    for name, data in files():
        write(folder / "files", f"{name}.dat", data)
    for name, text in TEXTS.items():
        write(folder / "texts", f"{name}.txt", text.encode())
    for number, (name, format_text) in enumerate(sorted(formats().items())):
        write(folder / "texts", f"{name}.txt", format_text)
        write(folder / "print_fmts", f"{name}.bin", print_fmt_input(number, format_text))
    for name, table in tables().items():
        write(folder / "btf", f"{name}.bin", table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
