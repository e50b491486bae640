"""Functions with their arguments, as kernels since 6.15 and trace-cmd 3.4 record them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import writer
from ..writer import BtfKind, Field
from . import made

ARGS = Field("unsigned long args[]", 0)
FUNCTION = writer.EventFormat(
    "ftrace",
    "function",
    1,
    (Field("unsigned long ip", "long"), Field("unsigned long parent_ip", "long"), ARGS),
    '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip',
)
DEPTH = Field("unsigned long depth", "long")
ENTRY = writer.EventFormat(
    "ftrace", "funcgraph_entry", 11, (made.FUNC, DEPTH, ARGS),
    '"--> %ps (%u)", (void *)REC->func, REC->depth',
)  # fmt: skip
RETADDR_ENTRY = writer.EventFormat(
    "ftrace", "fgraph_retaddr_entry", 17,
    (made.FUNC, DEPTH, Field("unsigned long retaddr", "long"), ARGS),
    '"--> %ps (%u) <- %ps", (void *)REC->func, REC->depth, (void *)REC->retaddr',
)  # fmt: skip
FORMATS = (FUNCTION, writer.PRINT, ENTRY, made.FUNCGRAPH_EXIT, RETADDR_ENTRY)

STEP = 0x100
FIRST = 0xFFFFFFFF81000000
UNKNOWN = 0x1234


def words(values: Sequence[int], machine: writer.Machine = writer.Machine()) -> bytes:
    """Arguments as a record has them."""
    return b"".join(machine.pack(machine.long_size, value) for value in values)


def kallsyms(names: Sequence[str]) -> str:
    """A function in each 256 bytes."""
    lines = [f"{FIRST + STEP * at:x} T {name}\n" for at, name in enumerate([*names, "_etext"])]
    return "".join(lines)


def address(names: Sequence[str], name: str) -> int:
    """Somewhere in the function of this name."""
    return FIRST + STEP * names.index(name) + 4


def types(machine: writer.Machine = writer.Machine()) -> writer.Btf:
    """A small kernel's types: functions with parameters of every kind."""
    btf = writer.Btf(machine)
    integer = btf.integer("int", 32, signed=True)
    unsigned = btf.integer("unsigned int", 32)
    wide = btf.integer("unsigned long", 64)
    long = btf.integer("long", 64, signed=True)
    small = btf.integer("char", 8, signed=True)
    shifted = btf.integer("shifted", 16, shift=8)
    file = btf.structure("file", 200)
    constant = btf.add(BtfKind.CONST, of=file)
    pointer = btf.add(BtfKind.PTR, of=constant)
    nothing = btf.add(BtfKind.PTR)  # void *
    size = btf.add(BtfKind.TYPEDEF, "size_t", wide)
    tagged = btf.add(BtfKind.TYPE_TAG, "user", btf.add(BtfKind.VOLATILE, of=size))
    state = btf.enum("state", [("ON", 1), ("OFF", 0)])
    pair = btf.structure("pair", 16, [("a", wide, 0), ("b", wide, 64)])
    huge = btf.structure("huge", 64)
    union = btf.add(BtfKind.UNION, "both", 8)
    real = btf.add(BtfKind.FLOAT, "double", 8)
    circle = btf.count + 1
    btf.add(BtfKind.TYPEDEF, "circle", circle)
    enum64 = btf.add(BtfKind.ENUM64, "wide_state", 8, btf.words(btf.name("X"), 1, 0), count=1)
    forward = btf.add(BtfKind.FWD, "later")
    array = btf.array(small, wide, 8)
    btf.function("none", [])
    btf.function("integers", [("a", integer), ("b", unsigned), ("c", wide), ("d", long)], integer)
    btf.function("odd_integers", [("a", small), ("b", shifted), ("c", tagged)])
    btf.function("pointers", [("file", pointer), ("p", nothing), ("", size)])
    btf.function("enums", [("s", state), ("t", enum64), ("s", state)])
    btf.function("structures", [("pair", pair), ("union", union), ("last", integer)])
    btf.function("too_large", [("a", integer), ("huge", huge), ("b", integer)])
    btf.function("odd", [("real", real), ("later", forward), ("array", array)])
    btf.function("variadic", [("format", pointer), ("", 0)])
    btf.function("many", [(f"p{at}", integer) for at in range(9)])
    btf.function("twice", [("first", integer)])
    btf.function("twice", [("second", integer)])
    btf.function("twice", [("third", integer)])
    btf.function("optimised", [("a", integer)])
    btf.function("optimised.isra.0", [("b", integer)])
    btf.add(BtfKind.FUNC, "without", 0)
    btf.add(BtfKind.FUNC, "no_prototype", integer)
    btf.add(BtfKind.VAR, "variable", integer, btf.words(1))
    btf.add(BtfKind.DATASEC, ".data", 4, btf.words(integer, 0, 4), count=1)
    btf.add(BtfKind.DECL_TAG, "tag", integer, btf.words(0))
    return btf


CRASHES = ("circle",)
"""What the reference cannot show."""

NAMES = (
    "none", "integers", "odd_integers", "pointers", "enums", "structures", "too_large", "odd",
    "variadic", "many", "twice", "optimised.part.0", "optimised.isra.0", "without", "no_prototype",
    "unknown_to_types", "caller",
)  # fmt: skip
VALUES = (0xFFFFFFFFFFFFFF9C, 0xFEDCBA9876543210, 3, 0x80, 5, 6)


def events() -> list[tuple[int, writer.Values]]:
    """Each function called alone, as a leaf, around others, and with fewer arguments."""
    made_events: list[writer.Values] = []
    caller = address(NAMES, "caller")

    def entry(func: int, depth: int, values: Sequence[int]) -> writer.Values:
        return ENTRY.values(pid=17, func=func, depth=depth, args=words(values))

    def leave(func: int, depth: int) -> writer.Values:
        return made.FUNCGRAPH_EXIT.values(
            pid=17, func=func, depth=depth, calltime=1000, rettime=2500, retval=7
        )

    for name in NAMES:
        ip = address(NAMES, name)
        for count in (0, 1, 2, 3, 4, 6):
            made_events.append(
                FUNCTION.values(pid=17, ip=ip, parent_ip=caller, args=words(VALUES[:count]))
            )
        made_events += [entry(ip, 0, VALUES), entry(caller, 1, ()), leave(caller, 1)]
        made_events += [entry(ip, 1, VALUES[:2]), leave(ip, 1), leave(ip, 0)]
    made_events.append(FUNCTION.values(pid=17, ip=UNKNOWN, parent_ip=caller, args=words(VALUES)))
    made_events += [entry(UNKNOWN, 1, VALUES), leave(UNKNOWN, 1)]
    for func in (caller, UNKNOWN):
        for back in (address(NAMES, "none"), UNKNOWN):
            call = RETADDR_ENTRY.values(pid=17, func=func, depth=2, retaddr=back, args=words(VALUES))
            if func == UNKNOWN and back == UNKNOWN:
                continue
            made_events += [call, leave(func, 2), call, leave(func, 3)]
    return [(1_000_000 + 1000 * at, event) for at, event in enumerate(made_events)]


def arguments(*, btf: bool = True) -> bytes:
    """All of them, with or without types."""
    pages = writer.fill_pages(events(), writer.Machine())
    return (
        writer.Trace(
            compression="zlib",
            ftrace_events=FORMATS,
            kallsyms=kallsyms(NAMES),
            btf=types().encode() if btf else None,
            buffers=[writer.Buffer(cpus={0: pages})],
        )
        .write()
        .data
    )


