"""The kernel's texts as the core reads them, beside libtraceevent: one print, two C programs."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Container, Iterable
from pathlib import Path

import pytest

import tracecmd

from .. import compiler
from ..writer import Trace
from . import corpus, reference

PROGRAMS = compiler.ROOT / "tests" / "c"


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("formats") / "formats_core"
    return compiler.compile_with_core(program, PROGRAMS / "formats_core.c", "-O1")


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("formats") / "formats_libtraceevent"
    return compiler.compile_with_library(program, PROGRAMS / "formats_libtraceevent.c")


def run(program: Path, what: str, path: Path, asked: Iterable[str] = ()) -> list[str]:
    """Lines of output; the library's complaints on stderr are its own affair."""
    result = subprocess.run(
        [program, what, path], input="\n".join(asked).encode(), capture_output=True, check=False
    )
    output = result.stdout.decode("utf-8", "surrogateescape")
    assert result.returncode == 0, output
    return output.splitlines()


def events(program: Path, path: Path) -> list[str]:
    """What is printed of each event, sorted: the core has them in the order of the file,
    libtraceevent by their id."""
    output = "\n".join(run(program, "events", path))
    return sorted(output.split("\nevent "))


def unread(path: Path) -> set[str]:
    """The events, SYSTEM:NAME, of which a field cannot be read."""
    with tracecmd.open(path) as trace:
        return {str(event) for event in trace.events.values() if event.fields_failed}


def opens(theirs: Path, path: Path) -> bool:
    """Whether the library can open the file: not all are built with zlib, and none reads the
    zeros that trace-cmd 3.3.1 wrote for lengths on 64-bit big-endian machines."""
    if subprocess.run([theirs, "", path], capture_output=True, check=False).returncode == 0:
        return True
    assert b"zlib\0" in path.read_bytes()[:64] or "tc331-broken" in path.name
    return False


def addresses(symbols: Iterable[str]) -> list[str]:
    """Places at, next to and between the symbols, and far from all."""
    choice = random.Random(7)
    known = sorted({int(line.split()[0], 16) for line in symbols})
    if len(known) > 20_000:
        known = sorted({*choice.sample(known, 20_000), *known[:20], *known[-20:]})
    near = (
        at + step for at in known for step in (-1, 0, 1, choice.randrange(1 << 12))
    )  # fmt: skip
    every = [*(at for at in near if 0 <= at < 1 << 64), 0, 1 << 63, (1 << 64) - 1]
    return [f"{at:x}" for at in every]


def same_symbols(ours: Path, theirs: Path, path: Path) -> int:
    listed = run(ours, "symbols", path)
    asked = addresses(listed)
    assert run(ours, "symbols", path, asked) == run(theirs, "symbols", path, asked)
    return len(listed)


@pytest.fixture(params=corpus.ALL, ids=corpus.name_of)
def recording(request: pytest.FixtureRequest, theirs: Path) -> Path:
    path: Path = request.param
    if not opens(theirs, path):
        pytest.skip("libtracecmd cannot open this recording")
    return path


def test_events(recording: Path, ours: Path, theirs: Path) -> None:
    got = events(ours, recording)
    assert got == events(theirs, recording)
    function = next(event for event in got if event.startswith("ftrace:function "))
    assert " common common_pid|int|4|4|0|4|4\n" in function


def test_comms(recording: Path, ours: Path, theirs: Path) -> None:
    listed = run(ours, "pids", recording)
    assert listed
    asked = [*listed, *map(str, range(-3, 5000))]
    got = run(ours, "comms", recording, asked)
    assert got == run(theirs, "comms", recording, asked)
    assert "0 <idle>" in got
    assert "-3 <...>" in got


def test_symbols(recording: Path, ours: Path, theirs: Path) -> None:
    assert same_symbols(ours, theirs, recording) >= corpus.least_symbols(recording)


def test_printk_formats(recording: Path, ours: Path, theirs: Path) -> None:
    got = run(ours, "printk", recording)
    assert got == run(theirs, "printk", recording)
    assert len(got) > 50


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_every_recording_is_readable(path: Path, ours: Path) -> None:
    """Also without the library, and what it cannot open."""
    assert len(run(ours, "events", path)) > 100
    assert len(run(ours, "symbols", path)) >= corpus.least_symbols(path)
    assert len(run(ours, "printk", path)) > 50
    assert run(ours, "pids", path)


# --- texts written for the purpose --------------------------------------------------------------

COMMON = (
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
)


def line(declaration: str, size: int = 8, key: str = "field") -> str:
    return f"\t{key}:{declaration};\toffset:8;\tsize:{size};\tsigned:0;\n"


def text(name: str, number: int | str, fields: str, common: str = COMMON) -> str:
    return f'name: {name}\nID: {number}\nformat:\n{common}{fields}\nprint fmt: "x"\n'


def trace(folder: Path, **parts: object) -> Path:
    path = folder / "trace.dat"
    path.write_bytes(Trace(**parts).write().data)  # type: ignore[arg-type]
    return path


DECLARATIONS = """
unsigned int x|__data_loc char[] x|__rel_loc char[] x|__data_loc unsigned long[] x|__data_loc u8[] x
__data_loc s64[] x|__data_loc unsigned short[] x|__data_loc cpumask_t * x|__data_loc cpumask_t *[] x
__data_loc struct foo[] x|const char * x|const char *x|void ** x|long x[4]|unsigned long x[]
u32 x[]|char x[]|u8 x[6]|s8 x[6]|__u8 x[16]|u16 x[3]|long x|unsigned long long x|enum foo x
unsigned int __attribute__((aligned(4))) x|u64 x[FOO]|u64 x[4 * 2]|u64 x[(4)]|u64 x[sizeof(x)]
u64 x[0x10]|u64 x[010]|int x[3]|unsigned long*x|u32 x[0]|charter x[3]|__data_loc x|__data_loc char x
__data_loc long[] x|__data_loc __u32[] x|__data_loc u32[] x|const __data_loc char[] x|int 3x
const  char   *  const  x|char name[16]x|unsigned char[] x|unsigned char *[4] x|u64 x[u8]|char *x[2]
u64 x[2 long]|__data_loc char[4] x|__data_loc s8[] x|__data_loc u16 x|__data_loc u16[2] x|int x y
int __attribute__((a(b))) x[3]|u64 a x[3]|u64 x[-1]|u64 x[1,2]|u64 x[3u]|u64 x[+3]|__data_locx x
__rel_loc long[] x|__data_loc __rel_loc u8[] x|int x\tx|volatile unsigned long x|__data_loc char x[]
__data_loc char * x[]|char x[0]|long x[A]|int __attribute__((a)) *x|struct a b c d * e * * x
enum { A, B } x|int x[2][3]|char[] x|char[16] x|x|int|int x : 4|int (*x)(void)|u64 x[|u64 x[]]
int timestamp.x|int x-y|int x->y|u64 a[3] b c|"char" x|int x!|* x|__data_loc char[][3] x
""".strip().replace("\n", "|").split("|")  # fmt: skip


@pytest.mark.parametrize("commit_size", [4, 8])
@pytest.mark.parametrize("version", [6, 7])
def test_declarations(
    tmp_path: Path, version: int, commit_size: int, ours: Path, theirs: Path
) -> None:
    """Each as the second of three fields, as libtraceevent stops at a fault; in both systems."""
    formats = [
        text(f"event{i}", 1000 + i, line("int first") + line(declaration) + line("int last"))
        for i, declaration in enumerate(DECLARATIONS)
    ]

    def write(left_out: Container[str]) -> Path:
        kept = {
            system: [f for i, f in enumerate(formats) if f"{system}:event{i}" not in left_out]
            for system in ("ftrace", "crafted")
        }
        return trace(
            tmp_path,
            version=version,
            long_size=commit_size,
            ftrace_events=[f.replace("ID: ", "ID: 1") for f in kept["ftrace"]],
            extra_formats={"crafted": kept["crafted"]},
        )

    path = write(())
    got, expected = events(ours, path), events(theirs, path)
    if reference.drops_events():
        left_out = unread(path)
        assert len(DECLARATIONS) > len(left_out) > 10
        assert events(ours, write(left_out)) == expected
    else:
        assert got == expected
    assert len(got) > 2 * len(DECLARATIONS)
    assert sum(f" field x|long[A]|8|8|0|{commit_size}|21\n" in event for event in got) == 2


FORMATS = {
    "special": text("e", 5, line("int x", key="field special")),
    "unknown-key": text("e", 5, line("int x", key="field foo")),
    "not-signed": text("e", 5, "\tfield:int x;\toffset:8;\tsize:4;\n"),
    "place-of-two-bytes": text("e", 5, "\tfield:__data_loc x;\toffset:8;\tsize:2;\n"),
    "place-of-two-bytes-typed": text("e", 5, "\tfield:__data_loc int x;\toffset:8;\tsize:2;\n"),
    "no-offset": text("e", 5, "\tfield:int x;\tsize:4;\tsigned:1;\n"),
    "no-size": text("e", 5, "\tfield:int x;\toffset:8;\tsigned:1;\n"),
    "sign-without-end": text("e", 5, "\tfield:int x;\toffset:8;\tsize:4;\tsigned:1\n"),
    "cut-behind-size": text("e", 5, "\tfield:int x;\toffset:8;\tsize:4;"),
    "bases": text("e", 5, "\tfield:int x;\toffset:0x8;\tsize:010;\tsigned:0x1;\n"),
    "negative": text("e", 5, "\tfield:int x;\toffset:-8;\tsize:4;\tsigned:0;\n"),
    "more-keys": text("e", 5, "\tfield:int x;\toffset:8;\tsize:4;\tsigned:0;\tfoo:1;\n"),
    "good-then-bad": text("e", 5, line("int x") + line("int") + line("int y")),
    "no-common": text("e", 5, line("int x"), common=""),
    "empty-common": text("e", 5, line("int x"), common="\n"),
    "bad-common": text("e", 5, line("int x"), common=line("int")),
    "carriage-returns": text("e", 5, line("int x")).replace("\n", "\r\n"),
    "blank-lines": text("e", 5, line("int x") + "\n\n\n"),
    "no-print-fmt": text("e", 5, line("int x")).partition("print")[0],
    "junk-for-print-fmt": text("e", 5, line("int x")).replace("print", "foo"),
    "no-name": text("e", 5, line("int x")).partition("\n")[2],
    "empty-name": text("", 5, line("int x")),
    "dash-in-name": text("a-b", 5, line("int x")),
    "blank-in-name": text("a b", 5, line("int x")),
    "digits-for-name": text("12", 5, line("int x")),
    "id-hex": text("e", "0x10", line("int x")),
    "id-octal": text("e", "010", line("int x")),
    "id-negative": text("e", -1, line("int x")),
    "id-with-letters": text("e", "12abc", line("int x")),
    "id-largest": text("e", 2147483647, line("int x")),
    "id-too-large": text("e", 2147483648, line("int x")),
    "no-id": text("e", 5, line("int x")).replace("ID: 5\n", ""),
    "no-format": text("e", 5, line("int x")).replace("format:\n", ""),
    "format-not-alone": text("e", 5, line("int x")).replace("format:\n", "format:"),
    "line-before-name": "\n" + text("e", 5, line("int x")),
    "lines-between": text("e", 5, line("int x")).replace("ID", "\n\nID"),
    "nothing": "",
    "no-blanks": text("e", 5, line("int x")).replace(": ", ":").replace("\t", ""),
    "nul": text("e", 5, line("int x")).replace("print", "\0print"),
    "foreign-letters": text("e", 5, line("int \u00e4\u00f6")),
}


# Before 1.9 sound to libtraceevent, too.
NO_EVENTS_TODAY = {"cut-behind-size", "no-common"}


@pytest.mark.parametrize("system", ["crafted", "ftrace"])
@pytest.mark.parametrize("name", FORMATS)
def test_formats(tmp_path: Path, name: str, system: str, ours: Path, theirs: Path) -> None:
    path = trace(tmp_path, extra_formats={system: [FORMATS[name]]})
    expected = events(theirs, path)
    if reference.drops_events() and (unread(path) or name in NO_EVENTS_TODAY):
        path = trace(tmp_path)
    assert events(ours, path) == expected


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize("seed", range(20))
def test_doubles(tmp_path: Path, seed: int, version: int, ours: Path, theirs: Path) -> None:
    """Ids, names, pids and addresses many times over: which one is found."""
    choice = random.Random(seed)
    formats = [
        text(f"e{choice.randrange(9)}", choice.randrange(100, 112), line(f"int field{i}"))
        for i in range(choice.randrange(1, 40))
    ]
    cuts = sorted(choice.randrange(len(formats) + 1) for _ in range(2))
    pids = [f"{choice.randrange(5)} comm {i}\n" for i in range(choice.randrange(1, 30))]
    lines = [f"{choice.randrange(9):x}0 t s{i}\n" for i in range(choice.randrange(2, 50))]
    printk = [f'0x{choice.randrange(9):x} : "t{i}"\n' for i in range(choice.randrange(1, 30))]
    path = trace(
        tmp_path,
        version=version,
        ftrace_events=formats[: cuts[0]],
        extra_formats={"b": formats[cuts[0] : cuts[1]], "a": formats[cuts[1] :]},
        saved_cmdlines="".join(pids),
        kallsyms="".join(lines),
        printk_formats="".join(printk),
    )
    assert events(ours, path) == events(theirs, path)
    asked = [str(pid) for pid in range(6)]
    assert run(ours, "comms", path, asked) == run(theirs, "comms", path, asked)
    assert same_symbols(ours, theirs, path) == len(lines)
    assert run(ours, "printk", path) == run(theirs, "printk", path)


KALLSYMS = {
    "modules": "1000 T a\t[m]\n2000 t b [n]\n3000 d c\t[bpf]\n4000 T last\n",
    "numbers-and-marks": "0 A fixed\n10 a other\n20 T $x\n30 T b\n40 t $d.1\n50 T c\n",
    "not-sorted": "3000 T a\n1000 T b\n2000 T c\n",
    "prefix": "0x1000 T a\n2000 T b\n",
    "more-blanks": " 1000  T   a\n2000\tT\tb\n",
    "bad-address": "1000 T a\nzz T b\n3000 T c\n",
    "no-name": "1000 T a\n2000 T\n3000 T c\n",
    "no-type": "1000 T a\n2000\n3000 T c\n",
    "blank-lines": "1000 T a\n\n3000 T c\n",
    "one": "1000 T a\n",
    "cut-short": "1000 T a\n2000 T b\n3000 T",
    "no-last-newline": "1000 T a\n2000 T b",
    "ends-of-the-world": "0 T a\nffffffffffffffff T b\n",
}


@pytest.mark.parametrize("case", KALLSYMS.values(), ids=KALLSYMS.keys())
def test_kallsyms(tmp_path: Path, case: str, ours: Path, theirs: Path) -> None:
    assert same_symbols(ours, theirs, trace(tmp_path, kallsyms=case))


COMMS = {
    "blanks": "1 init\n2 a b c\n3  two\n7 x\t y \n8\tq\n  9 r\n",
    "numbers": "-3 neg\n03 octal\n4 x\n",
    "idle": "0 swapper\n1 init\n",
    "blank-lines": "1 init\n\n2 a\n",
    "no-last-newline": "1 init\n2 a",
}


@pytest.mark.parametrize("case", COMMS.values(), ids=COMMS.keys())
def test_saved_cmdlines(tmp_path: Path, case: str, ours: Path, theirs: Path) -> None:
    path = trace(tmp_path, saved_cmdlines=case)
    asked = [str(pid) for pid in range(-4, 12)]
    assert run(ours, "comms", path, asked) == run(theirs, "comms", path, asked)


def test_comm_behind_a_bad_line(tmp_path: Path, ours: Path) -> None:
    """A process may call itself nothing. libtraceevent then drops all that come later."""
    path = trace(tmp_path, saved_cmdlines="1 init\n5 \nx y\n12345678901 big\n4\n2 sh\n")
    got = run(ours, "comms", path, ["1", "5", "4", "2"])
    assert got == ["1 init", "5 ", "4 <...>", "2 sh"]


def test_printk_texts(tmp_path: Path, ours: Path, theirs: Path) -> None:
    lines = ['0x1 : "a"', '0x2 : "a\\n"', '0x3 : "a:b \\"q\\" \\n"', '0x4 : ""', '0x5:"x"',
             '6 : "no prefix"', "0x8 : no quotes", '0x9 : "a\\n\\n"', "0xa : \\n", '0xb : "\\n',
             '0xc : ""x""', '0xd : "x" ', '0xe : "\\n"']  # fmt: skip
    path = trace(tmp_path, printk_formats="\n".join(lines) + "\n")
    got = run(ours, "printk", path)
    assert got == run(theirs, "printk", path)
    assert len(got) == len(lines)


def test_printk_bad_lines(tmp_path: Path, ours: Path) -> None:
    path = trace(tmp_path, printk_formats='junk\n0x1 "x"\nzz : "y"\n0x2 : "b"\n0x3 : "c')
    assert run(ours, "printk", path) == ["0000000000000002 b", "0000000000000003 c"]
