"""The core runs out of memory at each of its allocations in turn; built from csrc and sanitized."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from . import corpus, made

ROOT = Path(__file__).resolve().parents[2]
CC = shlex.split(os.environ.get("CC", "cc"))
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
WRAP = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which(CC[0]) is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("no_memory")
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    command = [*CC, *SANITIZERS, WRAP, "-o", folder / "probe", probe]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this compiler has no sanitizers, or cannot wrap functions")
    built = folder / "no_memory"
    core = sorted((ROOT / "csrc").glob("*.c"))
    command = [*CC, "-std=gnu11", "-O1", "-g", *SANITIZERS, WRAP, f"-I{ROOT / 'csrc'}", "-o", built,
               ROOT / "tests" / "c" / "no_memory.c", *core, "-lz", "-lzstd", "-lm"]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return built


@pytest.mark.parametrize(
    "name", ["functions", "armhf-marker.dat", "s390x-tc331-inst-none.dat", "i386-lost.dat"]
)
def test_each_allocation_fails(name: str, program: Path, tmp_path: Path) -> None:
    path = corpus.DATA / name
    if name == "functions":
        path = tmp_path / name
        path.write_bytes(made.functions())
    result = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    counts = dict(line.split(": ") for line in result.stdout.splitlines())
    assert len(counts) == 9
    assert all(int(count) > 20 for count in counts.values())
