"""Functions with their arguments, as kernels since 6.15 and trace-cmd 3.4 record them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

MACHINE = writer.Machine()
STEP = 0x100
FIRST = 0xFFFFFFFF81000000
UNKNOWN = 0x1234


def words(values: Sequence[int], machine: writer.Machine = MACHINE) -> bytes:
    """Arguments as a record has them."""
    return b"".join(machine.pack(machine.long_size, value) for value in values)


def kallsyms(names: Sequence[str]) -> str:
    """A function in each 256 bytes."""
    lines = [f"{FIRST + STEP * at:x} T {name}\n" for at, name in enumerate([*names, "_etext"])]
    return "".join(lines)


def address(names: Sequence[str], name: str) -> int:
    """Somewhere in the function of this name."""
    return FIRST + STEP * names.index(name) + 4


def types(machine: writer.Machine = MACHINE) -> writer.Btf:
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


NAMES = (
    "none", "integers", "odd_integers", "pointers", "enums", "structures", "too_large", "odd",
    "variadic", "many", "twice", "optimised.part.0", "optimised.isra.0", "without", "no_prototype",
    "unknown_to_types", "caller",
)  # fmt: skip
VALUES = (0xFFFFFFFFFFFFFF9C, 0xFEDCBA9876543210, 3, 0x80, 5, 6)


def entry(func: int, depth: int, values: Sequence[int]) -> writer.Values:
    """The function graph tracer: a function is called."""
    return ENTRY.values(pid=17, func=func, depth=depth, args=words(values))


def call(func: int, depth: int, retaddr: int) -> writer.Values:
    """The same, by whom."""
    return RETADDR_ENTRY.values(pid=17, func=func, depth=depth, retaddr=retaddr, args=words(VALUES))


def leave(func: int, depth: int) -> writer.Values:
    """And returns."""
    return made.FUNCGRAPH_EXIT.values(
        pid=17, func=func, depth=depth, calltime=1000, rettime=2500, retval=7
    )


def events() -> list[tuple[int, writer.Values]]:
    """Each function called alone, as a leaf, around others, and with fewer arguments."""
    found: list[writer.Values] = []
    caller = address(NAMES, "caller")
    for name in NAMES:
        ip = address(NAMES, name)
        for count in (0, 1, 2, 3, 4, 6):
            found.append(
                FUNCTION.values(pid=17, ip=ip, parent_ip=caller, args=words(VALUES[:count]))
            )
        found += [entry(ip, 0, VALUES), entry(caller, 1, ()), leave(caller, 1)]
        found += [entry(ip, 1, VALUES[:2]), leave(ip, 1), leave(ip, 0)]
    found.append(FUNCTION.values(pid=17, ip=UNKNOWN, parent_ip=caller, args=words(VALUES)))
    found += [entry(UNKNOWN, 1, VALUES), leave(UNKNOWN, 1)]
    for back in (address(NAMES, "none"), UNKNOWN):
        found += [call(caller, 0, back), call(caller, 1, back), leave(caller, 1)]
        found += [call(UNKNOWN, 1, back), leave(UNKNOWN, 1), leave(caller, 0)]
    found.append(call(UNKNOWN, 0, caller))
    return [(1_000_000 + 1000 * at, event) for at, event in enumerate(found)]


def trace(
    events: Sequence[tuple[int, writer.Values]], machine: writer.Machine = MACHINE, **more: Any
) -> bytes:
    """A file of some such events on one CPU."""
    shape: dict[str, Any] = {
        "big_endian": machine.big_endian,
        "long_size": machine.long_size,
        "compression": "zlib",
        "ftrace_events": FORMATS,
        "kallsyms": kallsyms(NAMES),
        "buffers": [writer.Buffer(cpus={0: writer.fill_pages(events, machine)})],
    }
    return writer.Trace(**{**shape, **more}).write().data


def arguments() -> bytes:
    """All of them."""
    return trace(events(), btf=types().encode())


def plain_arguments() -> bytes:
    """The same without types."""
    return trace(events())


# A module and the kernel have moved since the boot that filled the buffer.
BOOT = "boot_map:ffffffff91000000\t[kernel]\nffffffffc0500000\tusb\nffffffffc0600000\tgone\n"
MODULES = (
    "usb 12345 2 xhci_hcd,usbhid, Live 0xffffffffc0100000\next4 99 0 - Live 0xffffffffc0000000\n"
)
BOOT_KALLSYMS = (
    "ffffffff81000000 T _text\nffffffff81000200 T vfs_read\nffffffff81000800 T caller\n"
    "ffffffff81f00000 T _etext\nffffffffc0000000 t ext4_fn\t[ext4]\n"
    "ffffffffc0100000 t usb_fn\t[usb]\nffffffffc0100800 t usb_end\t[usb]\n"
)
BOOT_PLACES = (
    0xFFFFFFFF91000210, 0xFFFFFFFF91000804, 0xFFFFFFFF81000210, 0xFFFFFFFFC0500010,
    0xFFFFFFFFC0500900, 0xFFFFFFFFC0600010, 0xFFFFFFFFC0100010, 0xFFFFFFFFC0000004,
)  # fmt: skip


def former_boot(*, modules: str | None = MODULES, boots: Sequence[str] = (BOOT,)) -> bytes:
    """Functions of a boot before the one that recorded the symbols."""
    found = [
        (1_000_000 + 1000 * at, FUNCTION.values(pid=17, ip=ip, parent_ip=parent))
        for at, (ip, parent) in enumerate((a, b) for a in BOOT_PLACES for b in BOOT_PLACES[:4])
    ]
    options = [writer.LastBootInfo(boot) for boot in boots]
    return trace(found, kallsyms=BOOT_KALLSYMS, options=options, modules=modules)


def former_boot_alone() -> bytes:
    """The same where modules were not recorded: everything has moved as the kernel has."""
    return former_boot(modules=None)
