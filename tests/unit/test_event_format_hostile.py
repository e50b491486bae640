"""The parsers of the kernel's texts, under sanitizers: cut at every byte, then mutated."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .. import compiler, writer

SOURCE = compiler.ROOT / "fuzz" / "fuzz_event_format.c"
# No open file, nor its bytes: what parses the kernel's texts takes nothing else.
MODULES = (
    *(f"base/{name}" for name in ("arena", "array", "digits", "error", "problem")),
    *(f"metadata/{name}" for name in (
        "event_format", "field", "former_boot", "kallsyms", "page_header", "printk_formats",
        "saved_cmdlines", "scanner",
    )),
)  # fmt: skip
MUTATIONS = os.environ.get("TRACECMD_MUTATIONS", "500")

ODD_FIELDS = """name: odd
ID: 0x10
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;
\tfield:__rel_loc u8[] bytes;\toffset:12;\tsize:4;\tsigned:0;
\tfield:char *argv[2 * 3];\toffset:16;\tsize:48;
\tfield:int __attribute__((btf_type_tag("user"))) * where;\toffset:64;\tsize:8;\tsigned:0;
\tfield:int (*call)(void *, u8 [2]);\toffset:80;\tsize:8;\tsigned:0;
\tfield:struct { int a; u8 b[2][3]; } pair[2];\toffset:88;\tsize:16;\tsigned:0;
\tfield:u8 grid[2][3];\toffset:104;\tsize:6;\tsigned:0;
\tfield:int nowhere(;
\tfield special:int stamp.tv_sec;\toffset:72;\tsize:4;\tsigned:0;

print fmt: "%s", __get_str(name)
"""
TEXTS = {
    "sched_switch": writer.SCHED_SWITCH.text(writer.Machine()),
    "print": writer.PRINT.text(writer.Machine(big_endian=True, long_size=4)),
    "odd": ODD_FIELDS,
    "odd-ftrace": ODD_FIELDS.replace("field special", "field"),
    "header_page": writer.header_page(writer.Machine(), 4096),
    "kallsyms": "".join(f"{i // 2:x}0 T s{i}\t[m]\n{i:x}8 a n\n{i:x} t $d\n" for i in range(20)),
    "printk_formats": '0xffffffffa158c2b8 : "a"\n0xb : "b: %d \\"x\\"\\n"\n' * 5,
    "saved_cmdlines": "179 work.sh\n18 with blanks\n0 idle\n-3 negative\n18 again\n" * 3,
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ["-std=c11", "-O1", "-g", *compiler.SANITIZERS, "-DFUZZ_MAIN"]
    compiler.require_compiler(*options)
    program = tmp_path_factory.mktemp("fuzz") / "fuzz_event_format"
    core = [compiler.CSRC / f"{module}.c" for module in MODULES]
    return compiler.compile_with_core(program, SOURCE, *options, core=core)


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize("name", TEXTS)
def test_cut_and_mutated(name: str, seed: str, driver: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name])
    command = [driver, MUTATIONS, seed, path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
