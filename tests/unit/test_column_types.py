"""Types of columns: each of the fields that kernels have, and of several events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import export

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, Values

pa = pytest.importorskip("pyarrow")
pytest.importorskip("numpy")


ZOO = EventFormat(
    "zoo",
    "all",
    800,
    (
        Field("u8 a", 1),
        Field("s8 b", 1, signed=True),
        Field("u16 c", 2),
        Field("short d", 2, signed=True),
        Field("unsigned int e", 4),
        Field("int f", 4, signed=True),
        Field("u64 g", 8),
        Field("s64 h", 8, signed=True),
        Field("void * where", "long"),
        Field("unsigned long i", "long"),
        Field("bool yes", 1),
        Field("enum kind j", 4),
        Field("char name[8]", 8),
        Field("u32 four[4]", 16),
        Field("u8 mac[6]", 6),
        Field("struct thing k[1]", 12),
        Field("__data_loc char[] text", 4),
        Field("__rel_loc char[] other", 4),
        Field("__data_loc u16[] list", 4),
        Field("__data_loc u8[] blob", 4),
        Field("__data_loc unsigned long[] mask", 4),
        Field("__data_loc struct thing[] things", 4),
    ),
    '"%s", __get_bitmask(mask)',
)


TYPES = {
    "a": "uint8", "b": "int8", "c": "uint16", "d": "int16", "e": "uint32", "f": "int32",
    "g": "uint64", "h": "int64", "where": "uint64", "i": "uint64", "yes": "bool", "j": "uint32",
    "name": "dictionary<values=string, indices=int32, ordered=0>",
    "four": "fixed_size_list<item: uint32>[4]", "mac": "fixed_size_binary[6]",
    "k": "fixed_size_binary[12]", "text": "string", "other": "string",
    "list": "list<item: uint16>", "blob": "binary", "mask": "list<item: uint32>",
    "things": "binary",
}  # fmt: skip


def zoo(machine: Machine) -> Values:
    pack = machine.pack
    return ZOO.values(
        pid=17, flags=3, preempt_count=2, a=255, b=0x80, c=65535, d=0x8000, e=2**32 - 1,
        f=2**32 - 2, g=2**64 - 1, h=2**63, where=0x80000000, i=5, yes=2, j=7, name="ab",
        four=b"".join(pack(4, n) for n in (1, 2, 3, 2**32 - 1)), mac=b"\1\2\3\4\5\6", k=b"k" * 12,
        text="t\u00fcr", other=b"bad \xff\xe2\x82 utf\0ignored", list=pack(2, 1) + pack(2, 65535),
        blob=b"\0\1", mask=pack(machine.long_size, 0b101) + pack(machine.long_size, 1 << 31),
        things=b"xyz",
    )  # fmt: skip


def zoo_row(machine: Machine) -> dict[str, Any]:
    return {
        "a": 255, "b": -128, "c": 65535, "d": -32768, "e": 2**32 - 1, "f": -2, "g": 2**64 - 1,
        "h": -(2**63), "where": 0x80000000, "i": 5, "yes": True, "j": 7, "name": "ab",
        "four": [1, 2, 3, 2**32 - 1], "mac": b"\1\2\3\4\5\6", "k": b"k" * 12, "text": "t\u00fcr",
        "other": "bad \ufffd\ufffd utf", "list": [1, 65535], "blob": b"\0\1",
        "mask": [0, 2, machine.long_size * 8 + 31], "things": b"xyz",
    }  # fmt: skip


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_types(write: Write, big_endian: bool, long_size: int, compression: Any) -> None:
    machine = Machine(big_endian=big_endian, long_size=long_size)
    whole = zoo(machine).encode(machine)
    short = whole[:24]  # the common fields, then up to and with f
    pages = [Page(1000, [Event(0, whole), Event(5, short), Event(1, whole)])]
    path = write(
        Trace(big_endian=big_endian, long_size=long_size, events=(ZOO,), compression=compression,
              buffers=(Buffer(cpus={0: pages}),))
    )  # fmt: skip
    with tracecmd.open(path) as trace:
        table = trace.table("all").to_arrow()
        binary = trace.table("all", columns=["name", "text", "other"], invalid_utf8="binary")
        raw = binary.to_arrow().to_pylist()
        arrays = trace.table("all").to_numpy()
    table.validate(full=True)
    types = {**TYPES, **({"i": "uint32"} if long_size == 4 else {})}
    assert {name: str(table.schema.field(name).type) for name in types} == types
    rows = table.to_pylist()
    common = {"cpu": 0, "common_pid": 17, "common_comm": "worker/0:1", "common_flags": 3,
              "common_preempt_count": 2}  # fmt: skip
    expected = {**common, **zoo_row(machine)}
    assert {k: v for k, v in rows[0].items() if k != "ts"} == expected
    assert {k: v for k, v in rows[2].items() if k != "ts"} == expected
    present = {*common, "a", "b", "c", "d", "e", "f"}
    assert {k for k, v in rows[1].items() if v is not None and k != "ts"} == present
    assert table["ts"].cast("int64").to_pylist() == [1000, 1005, 1006]
    assert raw[0] == {"name": b"ab", "text": "t\u00fcr".encode(), "other": b"bad \xff\xe2\x82 utf"}
    assert table.schema.field("f").metadata == {
        b"c_type": b"int", b"offset": b"20", b"size": b"4", b"signed": b"1",
    }  # fmt: skip
    assert table.schema.metadata[b"event"] == b"all"
    assert arrays["f"].tolist() == [-2, -2, -2]
    assert arrays["g"].tolist() == [2**64 - 1, None, 2**64 - 1]
    assert arrays["name"].tolist() == ["ab", None, "ab"]
    assert arrays["four"].tolist()[0] == [1, 2, 3, 2**32 - 1]
    assert arrays["mask"][0].tolist() == expected["mask"]
    assert arrays["yes"].tolist() == [True, None, True]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
def test_stacks(write: Write, big_endian: bool, long_size: int) -> None:
    """Addresses are uint64 whatever the kernel's long is: of its stack those before a -1."""
    machine = Machine(big_endian=big_endian, long_size=long_size)
    caller = Field("unsigned long caller[8]", 8 * long_size, align=long_size)
    kernel = EventFormat("ftrace", "kernel_stack", 4, (Field("int size", 4), caller), '"x"')
    user = EventFormat("ftrace", "user_stack", 12, (Field("unsigned int tgid", 4), caller), '"x"')
    other = EventFormat("zoo", "user_stack", 700, (caller,), '"x"')
    top = 2 ** (8 * long_size) - 1

    def pack(*values: int) -> bytes:
        return b"".join(machine.pack(long_size, value) for value in values)

    addresses = [5, top - 1, *range(20)]
    whole = user.values(caller=pack(7, top, top - 1))
    records: list[Any] = [
        kernel.values().encode(machine)[: -8 * long_size] + pack(*addresses),
        kernel.values(caller=pack(3, top, 4)),
        whole,
        whole.encode(machine)[:-4],
        user.values(),
        other.values(caller=pack(1)),
    ]
    pages = [Page(0, [Event(1, record) for record in records])]
    ftrace = (*writer.FTRACE_EVENTS, kernel, user)
    path = write(
        Trace(big_endian=big_endian, long_size=long_size, ftrace_events=ftrace, events=(other,),
              buffers=(Buffer(cpus={0: pages}),))
    )  # fmt: skip
    with tracecmd.open(path) as trace:

        def column(*names: str) -> tuple[str, list[Any]]:
            table = trace.table(list(names), columns=["caller"]).to_arrow()
            table.validate(full=True)
            return str(table.schema.field("caller").type), table["caller"].to_pylist()

        kernels = [addresses, [3]]
        users = [[7, top, top - 1, 0, 0, 0, 0, 0], None, [0] * 8]
        assert column("ftrace:kernel_stack") == ("list<item: uint64>", kernels)
        assert column("ftrace:user_stack") == ("list<item: uint64>", users)
        assert column("ftrace:*") == ("list<item: uint64>", kernels + users)
        arrays = trace.table("ftrace:user_stack").to_numpy()["caller"]
        assert [None if v is None else list(v) for v in arrays.tolist()] == users
        kind = {4: "uint32", 8: "uint64"}[long_size]
        assert column("zoo:user_stack") == (
            f"fixed_size_list<item: {kind}>[8]", [[1, 0, 0, 0, 0, 0, 0, 0]],
        )  # fmt: skip


NAMES = (
    '"%s %s", __print_symbolic(REC->kind, { 0, "NO\\"NE" }, { -1, "ALL" }), '
    '__print_flags(REC->mask, "|", { 1UL << 3, "A" })'
)


def test_names_of_values(write: Write, tmp_path: Path) -> None:
    """Names are in the metadata of the columns of every table, and of the files it goes to."""
    import pyarrow.feather
    import pyarrow.parquet as pq

    fields = (Field("int kind", 4, signed=True), Field("u64 mask", 8), Field("int plain", 4))
    named, alike = (EventFormat("zoo", f"n{i}", 800 + i, fields, NAMES) for i in (0, 1))
    other = EventFormat("zoo", "n2", 802, fields, NAMES.replace('"A"', '"B"'))
    records = [Event(1, event.values(kind=2**32 - 1, mask=8)) for event in (named, alike, other)]
    path = write(
        Trace(events=(named, alike, other), buffers=(Buffer(cpus={0: [Page(0, records)]}),))
    )

    def names(schema: Any) -> dict[str, dict[int, str]]:
        found = {field.name: (field.metadata or {}).get(b"symbols") for field in schema}
        return {
            name: {int(value): text for value, text in json.loads(table).items()}
            for name, table in found.items()
            if table
        }

    with tracecmd.open(path) as trace:
        symbols = trace.events["n0"].symbols
        assert set(symbols) == {"kind", "mask"}
        assert symbols["mask"] == {8: "A"}
        assert set(symbols["kind"]) == {0, -1}
        table = trace.table("n0")
        arrow = table.to_arrow()
        assert names(arrow.schema) == symbols
        row = arrow.to_pylist()[0]
        assert (symbols["kind"][row["kind"]], symbols["mask"][row["mask"]]) == ("ALL", "A")
        assert names(pa.schema(table)) == symbols
        assert names(trace.tables()["zoo:n0"].to_arrow().schema) == symbols
        assert names(next(trace.batches("n0")).to_arrow().schema) == symbols
        assert names(next(table.without_dictionaries().batches()).to_arrow().schema) == symbols
        table.to_parquet(tmp_path / "n.parquet")
        assert names(pq.read_schema(tmp_path / "n.parquet")) == symbols
        export.write_table(table, tmp_path / "n.arrow")
        assert names(pyarrow.feather.read_table(tmp_path / "n.arrow").schema) == symbols
        columns = ["kind", "mask", "plain"]
        assert names(pa.schema(trace.table(["n0", "n1"], columns=columns))) == symbols
        some = names(pa.schema(trace.table(["n0", "n2"], columns=columns)))
        assert some == {"kind": symbols["kind"]}


def test_types_of_several_events(write: Write) -> None:
    """Integers become as wide as all need; what cannot be one column is an error."""
    kinds = ["u8 x", "s8 x", "u32 x", "u64 x", "char x[8]", "u32 x[2]"]
    sizes = [1, 1, 4, 8, 8, 8]
    events = tuple(
        EventFormat("zoo", f"e{i}", 800 + i, (Field(kind, size, signed=kind[0] == "s"),), '"x"')
        for i, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
    )
    content: list[Any] = [200, 0xFF, 2**32 - 1, 2**64 - 1, "text", b"\1\0\0\0\2\0\0\0"]
    records = [Event(1, e.values(x=value)) for e, value in zip(events, content, strict=True)]
    path = write(Trace(events=events, buffers=(Buffer(cpus={0: [Page(0, records)]}),)))
    with tracecmd.open(path) as trace:

        def column(*names: str) -> tuple[str, list[Any]]:
            table = trace.table(list(names), columns=["x"]).to_arrow()
            return str(table.schema.field("x").type), table["x"].to_pylist()

        assert column("e0", "e1") == ("int16", [200, -1])
        assert column("e0", "e1", "e2") == ("int64", [200, -1, 2**32 - 1])
        assert column("e2", "e3") == ("uint64", [2**32 - 1, 2**64 - 1])
        assert column("e5")[1] == [[1, 2]]
        for names in (["e1", "e3"], ["e0", "e4"], ["e4", "e5"]):
            with pytest.raises(ValueError, match="field x is of another type in event"):
                trace.table(names, columns=["x"])


BYTES = ("u8", "__u8", "s8", "__s8", "uint8_t", "int8_t", "unsigned char")


@pytest.mark.parametrize("name", BYTES)
def test_arrays_of_bytes(write: Write, name: str) -> None:
    """Whatever their type is called they are bytes, and neither numbers nor texts."""
    fields = (Field(f"__data_loc {name}[] some", 4), Field(f"{name} few[2]", 2))
    form = EventFormat("made", "bytes", 900, fields, '"x"')
    pages = [Page(1, [Event(0, form.values(some=b"\1\0\2", few=b"\3\4"))])]
    with tracecmd.open(write(Trace(events=(form,), buffers=[Buffer(cpus={0: pages})]))) as trace:
        table = trace.table("bytes", columns=["some", "few"]).to_arrow()
    assert [str(field.type) for field in table.schema] == ["binary", "fixed_size_binary[2]"]
    assert table.to_pylist() == [{"some": b"\1\0\2", "few": b"\3\4"}]
