"""The kernel's types: what is told of them, and tables that are broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

import tracecmd
from tracecmd.errors import CorruptError, LimitError, TruncatedError, UnsupportedError

from ..recordings import made_arguments
from ..recordings.made_arguments import FUNCTION, NAMES, VALUES, address, entry, words
from ..writer import Btf, BtfKind, Machine

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def one(data: bytes) -> Path:
        path = tmp_path / "trace.dat"
        path.write_bytes(data)
        return path

    return one


def with_types(table: bytes, compression: str = "zlib") -> bytes:
    """One call of "integers", in a file with these types."""
    called = entry(address(NAMES, "integers"), 0, VALUES)
    return made_arguments.trace([(1000, called)], btf=table, compression=compression)


# What is told -----------------------------------------------------------------------------------


def kernel() -> Btf:
    """Types as they occur in prototypes."""
    btf = Btf()
    integer = btf.integer("int", 32, signed=True)
    text = btf.add(BtfKind.PTR, of=btf.add(BtfKind.CONST, of=btf.integer("char", 8, signed=True)))
    task = btf.structure("task_struct", 9000)
    pointer = btf.add(BtfKind.PTR, of=task)
    size = btf.add(BtfKind.TYPEDEF, "size_t", btf.integer("unsigned long", 64))
    nothing = btf.add(BtfKind.PTR)
    anonymous = btf.structure("", 8)
    union = btf.add(BtfKind.UNION, "u", 8)
    state = btf.enum("state")
    later = btf.add(BtfKind.PTR, of=btf.add(BtfKind.FWD, "later"))
    later_union = btf.add(BtfKind.PTR, of=btf.add(BtfKind.FWD, "later", flag=True))
    array = btf.add(BtfKind.PTR, of=btf.array(integer, size, 4))
    constant = btf.add(BtfKind.CONST, of=text)
    tagged = btf.add(BtfKind.PTR, of=btf.add(BtfKind.TYPE_TAG, "user", integer))
    unfit = btf.add(BtfKind.PTR, of=99)
    prototype = btf.add(
        BtfKind.FUNC_PROTO, of=integer, tail=btf.words(0, nothing, 0, size), count=2
    )
    callback = btf.add(BtfKind.PTR, of=prototype)
    btf.function(
        "kthread", [("work", callback), ("task", pointer), ("fmt", text), ("", 0)], pointer
    )
    btf.function("no_arguments", [])
    btf.function("parts", [("a", anonymous), ("b", union), ("c", state), ("d", later)], size)
    btf.function("more", [("a", later_union), ("b", array), ("c", constant), ("", tagged)], 0)
    btf.function("broken", [("a", unfit), ("b", 98)], 97)
    return btf


PROTOTYPES = {
    "kthread": "struct task_struct *kthread(int (*)(void *, size_t) work, "
    "struct task_struct *task, const char *fmt, ...)",
    "no_arguments": "void no_arguments(void)",
    "no_arguments.isra.0": "void no_arguments.isra.0(void)",
    "parts": "size_t parts(struct {...} a, union u b, enum state c, struct later *d)",
    "more": "void more(union later *a, int[4] *b, const char *const c, int *)",
    "broken": "? broken(? *a, ? b)",
}


def test_prototypes(write: Write) -> None:
    table = kernel().encode()
    with tracecmd.open(write(with_types(table))) as trace:
        assert trace.btf is not None
        assert {name: str(trace.btf.prototype(name)) for name in PROTOTYPES} == PROTOTYPES
        assert trace.btf.prototype("kthread").parameters[1] == ("task", "struct task_struct *")
        assert trace.btf.data == table
        assert "parts" in trace.btf
        assert "nosuch" not in trace.btf
        with pytest.raises(KeyError, match="nosuch"):
            trace.btf.prototype("nosuch")
        assert repr(trace.btf) == f"<Btf: {kernel().count} types>"
        assert trace.problems == ()
    with pytest.raises(tracecmd.ClosedError):
        len(trace.btf)


ARGS = {
    "none": {},
    "integers": {"a": -100, "b": 0x76543210, "c": 3, "d": 128},
    "odd_integers": {"a": -100, "b": 0x5432, "c": 3},
    "pointers": {"file": VALUES[0], "p": VALUES[1], "arg2": 3},
    "enums": {"s": 3, "t": VALUES[1]},
    "structures": {"pair": list(VALUES[:2]), "union": 3, "last": 128},
    "too_large": {"a": -100},
    "odd": {"real": VALUES[0], "later": VALUES[1], "array": 3},
    "variadic": {"format": VALUES[0]},
    "many": {"p0": -100, "p1": 0x76543210, "p2": 3, "p3": 128, "p4": 5, "p5": 6},
    "twice": {"second": -100},
    "optimised.part.0": {"a": -100},
    "optimised.isra.0": {"b": -100},
    "without": list(VALUES),
    "no_prototype": list(VALUES),
    "unknown_to_types": list(VALUES),
}


@pytest.mark.parametrize("machine", [Machine(), Machine(big_endian=True)])
def test_arguments_of_events(write: Write, machine: Machine) -> None:
    called = [
        form.values(pid=1, **{place: address(NAMES, name), "args": words(VALUES, machine)})
        for name in ARGS
        for form, place in ((FUNCTION, "ip"), (made_arguments.ENTRY, "func"))
    ]
    called.append(FUNCTION.values(pid=1, ip=address(NAMES, "integers")))
    called.append(FUNCTION.values(pid=1, ip=made_arguments.UNKNOWN, args=words(VALUES, machine)))
    events = [(1000 + at, values) for at, values in enumerate(called)]
    types = made_arguments.types(machine).encode()
    with tracecmd.open(write(made_arguments.trace(events, machine, btf=types))) as trace:
        found = [event.args for event in trace]
    assert found == [args for args in ARGS.values() for _ in range(2)] + [None, list(VALUES)]


def test_functions_at_one_address(write: Write) -> None:
    """Which name an address has decides how its function is called, not where that begins."""
    kallsyms = (
        "ffffffff80000000 T _text\nffffffff80000100 T none\nffffffff81000000 T integers\n"
        "ffffffff81000000 T pointers\nffffffff81000200 T _etext\n"
    )
    called = [
        (1000 + at, FUNCTION.values(pid=1, ip=0xFFFFFFFF81000000 + at, args=words(VALUES)))
        for at in (0, 4, 0, 4)
    ]
    types = made_arguments.types().encode()
    data = made_arguments.trace(called, kallsyms=kallsyms, btf=types)
    with tracecmd.open(write(data)) as trace:
        texts = b"".join(trace.report()).decode().splitlines()[1:]
    names = [text.split(": ")[-1].strip().partition("(")[::2] for text in texts]
    expected = {"integers": "a=4294967196, ", "pointers": "file=0xffffffffffffff9c, "}
    assert {name for name, _ in names} == set(expected)
    assert all(arguments.startswith(expected[name]) for name, arguments in names)


def test_arguments_without_types(write: Write) -> None:
    called = entry(address(NAMES, "integers"), 0, VALUES)
    exit_event = made_arguments.leave(address(NAMES, "integers"), 0)
    data = made_arguments.trace([(1000, called), (2000, exit_event)])
    with tracecmd.open(write(data)) as trace:
        assert trace.btf is None
        assert [event.args for event in trace] == [list(VALUES), None]


def test_arguments_in_tables(write: Write) -> None:
    pa = pytest.importorskip("pyarrow")
    called = entry(address(NAMES, "integers"), 0, VALUES)
    with tracecmd.open(write(made_arguments.trace([(1000, called)]))) as trace:
        table = pa.table(trace.table("funcgraph_entry"))
    assert table.schema.field("args").type == pa.list_(pa.uint64())
    assert table["args"].to_pylist() == [list(VALUES)]


def test_modules(write: Write) -> None:
    with tracecmd.open(write(made_arguments.former_boot())) as trace:
        assert trace.modules == (
            ("usb", 12345, 2, ("xhci_hcd", "usbhid"), "Live", 0xFFFFFFFFC0100000),
            ("ext4", 99, 0, (), "Live", 0xFFFFFFFFC0000000),
        )
        found = trace._reader.symbols.find(0xFFFFFFFFC0500010)
        assert found == ("usb_fn", "usb", 0xFFFFFFFFC0500000)  # where it lay then


# What is broken ---------------------------------------------------------------------------------


def header(table: bytes, at: int, value: int) -> bytes:
    """One of the header's numbers overwritten."""
    return table[:at] + Machine().pack(4, value) + table[at + 4 :]


def of_kind(kind: int) -> bytes:
    btf = Btf()
    btf.add(kind)
    return btf.encode()


GOOD = made_arguments.types().encode()
BROKEN = {
    "empty": (b"", TruncatedError, "0 bytes left, need 24"),
    "short": (GOOD[:23], TruncatedError, "23 bytes left, need 24"),
    "magic": (b"xx" + GOOD[2:], CorruptError, "begins with 0x7878, 0xeb9f expected"),
    "header": (header(GOOD, 4, 23), CorruptError, "header of 23 bytes, 24 expected"),
    "long header": (header(GOOD, 4, 0xFFFFFFFF), TruncatedError, "types pass its end"),
    "types": (header(GOOD, 12, 0xFFFFFFFF), TruncatedError, "types pass its end"),
    "types' place": (header(GOOD, 8, 0xFFFFFFFF), TruncatedError, "types pass its end"),
    "names": (header(GOOD, 20, 0xFFFFFFFF), TruncatedError, "names pass its end"),
    "names' place": (header(GOOD, 16, 0xFFFFFFFF), TruncatedError, "names pass its end"),
    "half a type": (header(GOOD, 12, 17), TruncatedError, "type 2: 1 bytes left, need 12"),
    "half a tail": (header(GOOD, 12, 13), TruncatedError, "type 1: 13 bytes left, need 16"),
    "no kind": (of_kind(0), UnsupportedError, "type 1: kind 0 is not known"),
    "a later kind": (of_kind(20), UnsupportedError, "type 1: kind 20 is not known"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_broken(write: Write, name: str, compression: str) -> None:
    """A broken table is as good as none, and a problem."""
    table, kind, message = BROKEN[name]
    path = write(with_types(table, compression))
    with tracecmd.open(path) as trace:
        (problem,) = trace.problems
        assert type(problem) is kind
        assert message in str(problem)
        assert trace.btf is None
        (event,) = trace
        assert event.args == list(VALUES)
        assert event.text().strip().startswith("|  integers(ffffffffffffff9c, ")
    with tracecmd.open(path, strict=True) as trace, pytest.raises(kind):
        next(iter(trace))


def test_place_of_a_fault(write: Write) -> None:
    """Of a table that is not packed the very byte."""
    data = with_types(GOOD, "none")
    start = data.index(GOOD)
    broken = data[: start + 16] + b"\xff\xff\xff\xff" + data[start + 20 :]
    with tracecmd.open(write(broken)) as trace:
        (problem,) = trace.problems
        assert isinstance(problem, TruncatedError)
        assert problem.offset == start + 16


def test_every_cut(write: Write) -> None:
    """Wherever a table ends: it is told, and nothing else is lost."""
    for size in range(0, len(GOOD), 7):
        with tracecmd.open(write(with_types(GOOD[:size], "none"))) as trace:
            assert len(trace.problems) == 1
            assert [event.args for event in trace] == [list(VALUES)]


def test_circles(write: Write) -> None:
    """Types that lead round and round, or nowhere."""
    btf = Btf()
    itself = btf.add(BtfKind.TYPEDEF, "itself", 1)
    first = btf.add(BtfKind.CONST, of=3)
    btf.add(BtfKind.VOLATILE, of=first)
    void = btf.add(BtfKind.TYPEDEF, "void_t", 0)
    btf.add(BtfKind.PTR, of=6)
    pointer = btf.add(BtfKind.PTR, of=5)
    parameters = [("a", itself), ("b", first), ("c", 1 << 20), ("d", void), ("e", pointer)]
    btf.function("integers", parameters, 1 << 31)
    with tracecmd.open(write(with_types(btf.encode()))) as trace:
        (event,) = trace
        assert "integers(a=?0xffffffffffffff9c, b=?0xfedcba9876543210, c=?0x3, d=?0x80, e=0x5)" in (
            event.text()
        )
        assert event.args == {"a": VALUES[0], "b": VALUES[1], "c": 3, "d": 128, "e": 5}
        assert trace.btf is not None
        text = str(trace.btf.prototype("integers"))
        assert text.startswith("? integers(itself a, ")
        assert trace.problems == ()


def test_names_without_an_end(write: Write) -> None:
    """Many functions of one endless name take no time, and no name is longer than a kernel's."""
    btf = Btf()
    name = "integers" + "x" * 2_000_000
    for _ in range(20_000):
        btf.add(BtfKind.FUNC, name, 1)
    table = btf.encode()[:-1]  # the NUL
    table = header(table, 20, len(table) - int.from_bytes(table[16:20], "little") - 24)
    with tracecmd.open(write(with_types(table))) as trace:
        assert trace.btf is not None
        assert "integers" not in trace.btf
        assert trace.problems == ()


def test_too_many_types(write: Write) -> None:
    one = Btf()
    one.add(BtfKind.PTR)
    single = one.encode()[24:36]
    count = (1 << 22) + 1
    words_ = [24, 0, 12 * count, 12 * count, 1]
    table = GOOD[:4] + b"".join(Machine().pack(4, word) for word in words_) + single * count + b"\0"
    with tracecmd.open(write(with_types(table))) as trace:
        (problem,) = trace.problems
        assert isinstance(problem, LimitError)
        assert "more than 4194304 types" in str(problem)


def test_names_in_any_order(write: Write) -> None:
    """Each function is found by its own name."""
    btf = Btf()
    names = ["".join(letters) for letters in itertools.product("cab_", repeat=3)]
    for name in names:
        btf.function(name, [(f"of_{name}", 0)])
    with tracecmd.open(write(with_types(btf.encode()))) as trace:
        assert trace.btf is not None
        for name in names:
            assert trace.btf.prototype(name).parameters == ((f"of_{name}", "..."),)
        assert "cabx" not in trace.btf
        assert "" not in trace.btf
