"""Arguments of functions, and symbols of a former boot, in the report: against trace-cmd 3.4.

Of each case tests/data/arguments/NAME.txt.xz is what trace-cmd 3.4.0 with libtraceevent 1.9.0
printed (Debian's packages).
"""

from __future__ import annotations

import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import tracecmd

from .. import writer
from . import corpus, made_arguments

ARGUMENTS = corpus.DATA / "arguments"


class Case(NamedTuple):
    """What is made, and the options of report."""

    make: Callable[[], bytes]
    options: str = ""


CASES = {
    "arguments": Case(made_arguments.arguments),
    "arguments-raw": Case(made_arguments.arguments, "-R -t"),
    "arguments-no-plugins": Case(made_arguments.arguments, "-N"),
    "arguments-all": Case(
        made_arguments.arguments, "-O parent -O ftrace:offset -O tailprint=true -O fgraph:depth"
    ),
    "plain-arguments": Case(made_arguments.plain_arguments),
    "former-boot": Case(made_arguments.former_boot),
    "former-boot-raw": Case(made_arguments.former_boot, "-R -t"),
    "former-boot-offsets": Case(made_arguments.former_boot, "-O parent -O ftrace:offset"),
    "former-boot-alone": Case(made_arguments.former_boot_alone, "-R"),
}


def ours(path: Path, options: str = "") -> bytes:
    command = [sys.executable, "-m", "tracecmd", "report", *options.split(), str(path)]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", CASES)
def test_as_trace_cmd(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / "trace.dat"
    path.write_bytes(case.make())
    expected = lzma.decompress((ARGUMENTS / f"{name}.txt.xz").read_bytes())
    assert ours(path, case.options) == expected


def text_of(data: bytes, tmp_path: Path) -> list[str]:
    """What the report says of each record, but for its head and the event's name."""
    path = tmp_path / "trace.dat"
    path.write_bytes(data)
    with tracecmd.open(path) as trace:
        return [event.text() for event in trace]


CALLED = made_arguments.address(made_arguments.NAMES, "integers")
VALUES = made_arguments.VALUES


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
def test_every_machine(tmp_path: Path, big_endian: bool, long_size: int) -> None:
    """trace-cmd 3.4 swaps bytes, and takes two words for one: docs/report-differences.md."""
    machine = writer.Machine(big_endian, long_size)
    address = CALLED & (1 << 8 * long_size) - 1
    kallsyms = made_arguments.kallsyms(made_arguments.NAMES)
    if long_size == 4:
        kallsyms = kallsyms.replace("ffffffff8", "8")
    args = made_arguments.words(VALUES[:4], machine)
    called = made_arguments.FUNCTION.values(pid=1, ip=address, args=args)
    data = made_arguments.trace(
        [(1000, called)], machine, kallsyms=kallsyms, btf=made_arguments.types(machine).encode()
    )
    expected = "integers(a=4294967196, b=0x76543210, c=0x3, d=128)"
    assert text_of(data, tmp_path) == [expected]


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
@pytest.mark.parametrize("other_order", [False, True])
def test_every_compression(tmp_path: Path, compression: str, other_order: bool) -> None:
    """Of a file without compression trace-cmd 3.4 shows nothing. Types tell their own order."""
    called = made_arguments.entry(CALLED, 0, VALUES)
    types = made_arguments.types(writer.Machine(other_order))
    data = made_arguments.trace([(1000, called)], compression=compression, btf=types.encode())
    (text,) = text_of(data, tmp_path)
    assert text.strip() == "|  integers(a=4294967196, b=0x76543210, c=0x3, d=128) {"


def test_function_of_no_name(tmp_path: Path) -> None:
    """trace-cmd 3.4 loses the address."""
    called = made_arguments.entry(made_arguments.UNKNOWN, 0, VALUES)
    (text,) = text_of(made_arguments.trace([(1000, called)]), tmp_path)
    assert text.strip() == "|  1234() {"


def test_several_boots(tmp_path: Path) -> None:
    """The last that can be read and was another one counts."""
    other = made_arguments.BOOT.replace("ffffffff91", "ffffffff92")
    boots = (other, made_arguments.BOOT, "broken:here is none\n", "own:# Current\n", "no colon")
    path = tmp_path / "trace.dat"
    path.write_bytes(made_arguments.former_boot(boots=boots))
    expected = lzma.decompress((ARGUMENTS / "former-boot-raw.txt.xz").read_bytes())
    assert ours(path, "-R -t") == expected
    with tracecmd.open(path) as trace:
        (problem,) = trace.problems
        assert "option LAST_BOOT_INFO: line 1 cannot be read" in str(problem)
        assert [boot.instance for boot in trace.last_boot] == [
            "boot_map", "boot_map", "broken", "own", "no colon",
        ]  # fmt: skip
        assert trace.last_boot[1].parts[0] == ("[kernel]", 0xFFFFFFFF91000000)
        assert trace.last_boot[3].parts == ()
