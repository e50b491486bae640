"""Format texts read without a file: as in files."""

from __future__ import annotations

import gc
import itertools
from pathlib import Path

import pytest

import tracecmd

DATA = Path(__file__).parent.parent / "data"
FILES = [DATA / "sessions" / "kvm-small" / "trace.dat", *sorted(DATA.glob("*.dat"))]


def described(form: tracecmd.EventFormat) -> tuple[object, ...]:
    every = (*form.common_fields, *form.fields.values())
    fields = [
        (f.name, f.type, f.offset, f.size, f.array_length, f.element_size, f._flags) for f in every
    ]
    return str(form), form.id, form.print_fmt, form.fields_failed, form.symbols, fields


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_as_in_files(path: Path) -> None:
    with tracecmd.open(path) as trace:
        long_size = trace._metadata.kernel_long_size() or trace.long_size
        alone = [
            tracecmd.parse_format(each.text, system=each.system, long_size=long_size)
            for each in trace.event_formats
        ]
        assert list(map(described, alone)) == list(map(described, trace.events.values()))
        by_id = {form.id: form for form in alone}
        for event in itertools.islice(trace, 0, None, 101):
            form = by_id[event.id]
            read = {name: f.read(event.raw, trace.byteorder) for name, f in form.fields.items()}
            assert read == event.fields


TEXT = """name: work
ID: 930
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:unsigned long n;\toffset:8;\tsize:4;\tsigned:0;

print fmt: "n=%lu", REC->n
"""


def test_its_own() -> None:
    form = tracecmd.parse_format(TEXT, long_size=4)
    assert (form.system, form.name, form.id) == ("", "work", 930)
    field = tracecmd.parse_format(TEXT.encode(), system="test", long_size=4).field("n")
    gc.collect()
    assert field.read(bytes(8) + b"\0\0\0\7", "big") == 7
    assert field.read(bytes(8) + b"\7\0\0\0", "little") == 7
    assert field.read(bytes(8), "little") is None


def test_cut_short() -> None:
    """At any byte: a format, or an error that says what is missing."""
    for size in range(len(TEXT)):
        try:
            form = tracecmd.parse_format(TEXT[:size])
        except tracecmd.CorruptError:
            continue
        assert form.name == "work"
        dict(form.fields)


def test_wrong_ones() -> None:
    for text in ("", "\0" * 100, "name: x\n", "ID: 5\n", b"\xff" * 50):
        with pytest.raises(tracecmd.CorruptError, match="no line"):
            tracecmd.parse_format(text)
    with pytest.raises(TypeError, match="text=3; it is a text, or bytes"):
        tracecmd.parse_format(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="system=3; it is a text"):
        tracecmd.parse_format(TEXT, system=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="long_size=5; it is 4 or 8"):
        tracecmd.parse_format(TEXT, long_size=5)
