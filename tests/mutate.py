"""Changes a constant or an operator at a time, and shows the changes that no test notices.

Not part of the tests: it is for whoever wants to know how sharp they are.

    python -m tests.mutate                          # 40 changes, half of them in C
    python -m tests.mutate --count 100 --seed 7 --files 'csrc/print_fmt/*'
    python -m tests.mutate --change 'csrc/records/walk.c:151:<=:<'      # this one

The tree is copied to a scratch folder, built there (with ccache, if CC says so: a change takes
seconds), and for each change the nearest tests are run until the first fails, each under a limit of
time: a change that makes them hang is noticed. The same seed makes the same changes of the same
tree. What survives is printed as FILE:LINE, the line, and the change. A survivor is either a test
that is missing, or a change that makes no difference; the second should be the exception.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("csrc", "tracecmd", "tests", "fuzz", "docs", "pyproject.toml", "setup.py", "README.md",
          "LICENSE")  # fmt: skip

READING = ("unit/test_trace.py", "unit/test_options.py", "corrupt/test_recipes.py",
           "corrupt/test_small_files.py", "recordings/test_sessions.py")  # fmt: skip
TEXTS_OF_KERNEL = ("unit/test_page_header.py", "recordings/test_metadata.py",
                   "recordings/test_event_formats.py", "corrupt/test_recipes.py")  # fmt: skip
RECORDS = ("unit/test_records.py", "unit/test_time_stamps.py", "unit/test_walks.py",
           "recordings/test_records_written.py", "recordings/test_records.py")  # fmt: skip
ASKING = ("unit/test_selection.py", "unit/test_windows.py", "unit/test_cli_stat.py")
TABLES = ("unit/test_table.py", "unit/test_tables.py", "unit/test_column_types.py",
          "recordings/test_columns.py")  # fmt: skip
REPORTS = ("unit/test_print_fmt.py", "recordings/test_report_options.py",
           "recordings/test_report.py", "recordings/test_report_cli.py")  # fmt: skip
SESSIONS = ("unit/test_session.py", "recordings/test_sessions.py",
            "recordings/test_session_records.py")  # fmt: skip
VCPUS = ("unit/test_vcpu_core.py", "unit/test_vcpu_timeline.py", "unit/test_vcpu_losses.py",
         "unit/test_vcpu_schedules.py", "unit/test_join.py",
         "recordings/test_session_vcpus.py")  # fmt: skip

PERFETTO = ("unit/test_perfetto.py", "unit/test_perfetto_forms.py")

# The first that fits a file has its nearest tests.
NEAREST: Sequence[tuple[str, Sequence[str]]] = (
    ("csrc/print_fmt/*", REPORTS),
    ("csrc/report/kvm_exit_reason.c", ("unit/test_exit_reasons.py", *REPORTS)),
    ("csrc/report/*", (*REPORTS, "recordings/test_no_memory_c.py")),
    ("csrc/filter/*", (*TABLES, *REPORTS)),
    ("csrc/arrow/*", TABLES),
    ("csrc/columns/*", TABLES),
    ("csrc/records/*", (*RECORDS, "unit/test_page_times.py")),
    ("csrc/metadata/*", (*TEXTS_OF_KERNEL, *REPORTS)),
    ("csrc/compat/*", ("recordings/test_peers_c.py",)),
    *((f"csrc/base/{name}.*", REPORTS) for name in ("number", "output")),
    *((f"csrc/base/{name}.*", TABLES) for name in ("lookup_cache", "utf8")),
    *((f"csrc/base/{name}.*", (*TABLES, *REPORTS)) for name in ("glob", "pattern")),
    *((f"csrc/base/{name}.*", (*TEXTS_OF_KERNEL, *REPORTS)) for name in ("arena", "text")),
    ("csrc/platform/slab.*", TABLES),
    ("csrc/analysis/vcpu*", ("unit/test_exit_reasons.py", *VCPUS)),
    ("csrc/perfetto/*", PERFETTO),
    ("csrc/*", READING),
    ("tracecmd/cli/stat.py", ("unit/test_cli_stat.py",)),
    ("tracecmd/cli/*report*.py", REPORTS),
    ("tracecmd/cli/export.py", ("unit/test_export.py", "unit/test_cli.py")),
    ("tracecmd/cli/*", ("unit/test_cli.py", "unit/test_cli_output.py", "unit/test_cli_stat.py",
                        "unit/test_export.py")),
    *((f"tracecmd/{name}.py", VCPUS) for name in (
        "session/vcpu_timeline/*", "session/join")),
    *((f"tracecmd/{name}.py", ("unit/test_plot.py",)) for name in (
        "plot/*", "session/plot", "session/scene")),
    ("tracecmd/session/*", SESSIONS),
    ("tracecmd/export/perfetto/*", PERFETTO),
    ("tracecmd/export/*", ("unit/test_export.py",)),
    ("tracecmd/symbolic.py", ("unit/test_symbolic.py",)),
    *((f"tracecmd/{name}.py", REPORTS) for name in (
        "report/*", "_reading/event_texts", "_lowlevel/_report")),
    *((f"tracecmd/{name}.py", TABLES) for name in (
        "columns/*", "filter", "event*", "packages", "_lowlevel/_columns")),
    *((f"tracecmd/{name}.py", (*ASKING, *RECORDS)) for name in (
        "analysis/*", "_reading/*", "_lowlevel/_data")),
    ("tracecmd/*", (*READING, "unit/test_handles.py", "unit/test_lifetimes.py", *RECORDS)),
)  # fmt: skip

NOT_CHANGED = ("csrc/tracecmd.h", "csrc/*/api.h", "csrc/compat/trace-cmd.h", "tracecmd/_build.py",
               "tracecmd/_version.py", "tracecmd/__main__.py")  # fmt: skip

OPERATORS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    "+": "-", "-": "+", "+=": "-=", "-=": "+=", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
    "and": "or", "or": "and", "true": "false", "false": "true", "True": "False", "False": "True",
    "//": "*", "*": "+", "/": "*", "%": "/",
}  # fmt: skip
# Those that have another meaning in front of an operand, or in types.
BINARY = frozenset("+-*&|/%<>") | {"<<", ">>"}

C_TOKEN = re.compile(
    r"""(?P<skipped>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#\s*include[^\n]*)
    |(?P<number>\b(?:0[xX][0-9a-fA-F]+|\d+)(?=[uUlL]*\b))
    |(?P<word>[A-Za-z_]\w*)
    |(?P<operator>->|\+\+|--|<<=|>>=|[-+*/%&|^]=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|<>=!~^?:])
    """,
    re.VERBOSE | re.DOTALL,
)


class Change(NamedTuple):
    """Another text in place of some characters of a file."""

    file: str
    position: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The file's text with the change."""
        end = self.position + len(self.old)
        assert text[self.position : end] == self.old, self
        return text[: self.position] + self.new + text[end:]

    def describe(self, text: str) -> str:
        """FILE:LINE: the line, and what becomes of it."""
        line = text.count("\n", 0, self.position) + 1
        whole = text.splitlines()[line - 1].strip()
        column = self.position - text.rfind("\n", 0, self.position)
        return f"{self.file}:{line}:{column}: {self.old} -> {self.new}: {whole}"


def other_number(digits: str) -> str:
    """One more; of a mask one less."""
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
    if digits[:2] in ("0x", "0X"):
        return hex(value - 1 if value & (value + 1) == 0 and value else value + 1)
    return str(value + 1)


def is_binary(text: str, position: int, operator: str) -> bool:
    """Has it an operand, a blank and another blank around it, as this tree writes operators?"""
    before, behind = text[:position], text[position + len(operator) :]
    return before[-1:] == " " and behind[:1] in (" ", "\n") and before.rstrip(" ")[-1:] not in (
        "", "(", ",", "=", "\n", "{")  # fmt: skip


def changes_of_c(file: str, text: str) -> Iterator[Change]:
    """Numbers and operators, comments and texts left out."""
    for token in C_TOKEN.finditer(text):
        found = token.group()
        if token.lastgroup == "number":
            if found.isdigit() and found != "0" and found[0] == "0":
                continue
            yield Change(file, token.start(), found, other_number(found))
        elif token.lastgroup in ("operator", "word") and found in OPERATORS:
            if found in ("and", "or", "True", "False"):
                continue
            if found not in BINARY or is_binary(text, token.start(), found):
                yield Change(file, token.start(), found, OPERATORS[found])


def changes_of_python(file: str, text: str) -> Iterator[Change]:
    """Numbers and operators, types left out as far as can be seen."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        position = starts[token.start[0] - 1] + token.start[1]
        if token.type == tokenize.NUMBER and re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", token.string):
            yield Change(file, position, token.string, other_number(token.string))
        elif token.type in (tokenize.OP, tokenize.NAME) and token.string in OPERATORS:
            if token.string in ("true", "false", "|"):  # | is mostly of types
                continue
            if token.string not in BINARY or is_binary(text, position, token.string):
                yield Change(file, position, token.string, OPERATORS[token.string])


def changes_of(file: str) -> list[Change]:
    """All that can be done to a file."""
    text = (ROOT / file).read_text()
    return list((changes_of_python if file.endswith(".py") else changes_of_c)(file, text))


def choose(files: Sequence[str], count: int, seed: int) -> list[Change]:
    """Spread over the two languages, and over their files."""
    rng = random.Random(seed)
    chosen: list[Change] = []
    kinds = [
        [f for f in files if not f.endswith(".py")],
        [f for f in files if f.endswith(".py")],
    ]
    kinds = [kind for kind in kinds if kind]
    for number, kind in enumerate(kinds):
        all_changes = [change for file in kind for change in changes_of(file)]
        wanted = count // len(kinds) + (number < count % len(kinds))
        chosen += rng.sample(all_changes, min(wanted, len(all_changes)))
    return chosen


def given(text: str) -> Change:
    """FILE:LINE:OLD:NEW, the first OLD of that line."""
    file, line, old, new = text.split(":", 3)
    whole = (ROOT / file).read_text()
    start = sum(len(part) for part in whole.splitlines(keepends=True)[: int(line) - 1])
    position = whole.find(old, start)
    if position < 0 or whole.count("\n", start, position):
        raise SystemExit(f"{file}:{line}: there is no {old!r}")
    return Change(file, position, old, new)


def nearest(file: str) -> Sequence[str]:
    """Tests of a file, relative to tests/."""
    return next(tests for pattern, tests in NEAREST if fnmatch.fnmatchcase(file, pattern))


class Scratch:
    """A copy of the tree, where changes are made and tests run."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "_core.*", "build")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "CCACHE_BASEDIR": str(folder),
            "CCACHE_NOHASHDIR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.environment.pop("TRACECMD_TRACES", None)  # more recordings would take too long

    def run(self, *command: str) -> bool:
        """false: it fails, or takes too long."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                return process.wait(self.limit) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return False

    def build(self) -> bool:
        """The extension, in place."""
        return self.run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--force")

    def test(self, tests: Sequence[str]) -> bool:
        """Do they pass?"""
        return self.run(
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
            *(f"tests/{name}" for name in tests),
        )  # fmt: skip

    def outcome(self, change: Change, tests: Sequence[str]) -> str:
        """What becomes of a change: "survives", "noticed" or "does not compile"."""
        path = self.folder / change.file
        text = path.read_text()
        in_c = not change.file.endswith(".py")
        path.write_text(change.apply(text))
        try:
            if in_c and not self.build():
                return "does not compile"
            return "survives" if self.test(tests) else "noticed"
        finally:
            path.write_text(text)
            if in_c:
                self.build()


def files_of(pattern: str) -> list[str]:
    """What is changed, of all files that fit."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder, suffixes in (("csrc", (".c", ".h")), ("tracecmd", (".py",)))
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in suffixes
    ]
    return [
        f
        for f in found
        if fnmatch.fnmatchcase(f, pattern) and f not in NOT_CHANGED and not f.endswith("/api.h")
    ]


def main() -> int:
    """1: something survives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="how many changes")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--files", default="*", help="in files that fit this pattern")
    parser.add_argument("--change", action="append", default=[], metavar="FILE:LINE:OLD:NEW",
                        help="this one, instead")  # fmt: skip
    parser.add_argument("--tests", nargs="+", metavar="FILE",
                        help="these tests, instead of the nearest")  # fmt: skip
    parser.add_argument("--limit", type=float, default=600, help="seconds for the tests of one")
    parser.add_argument("--list", action="store_true", help="show the changes, make none")
    options = parser.parse_args()
    changes = [given(text) for text in options.change] or choose(
        files_of(options.files), options.count, options.seed
    )
    described = [change.describe((ROOT / change.file).read_text()) for change in changes]
    if options.list:
        print("\n".join(described))
        return 0
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        scratch = Scratch(Path(folder), options.limit)
        tests = [options.tests or nearest(change.file) for change in changes]
        used = sorted(set(itertools.chain.from_iterable(tests)))
        if not scratch.build():
            raise SystemExit("the tree cannot be built")
        failing = [test for test in used if not scratch.test([test])]
        if failing:
            raise SystemExit(f"without a change these fail or take too long: {' '.join(failing)}")
        for change, said, own in zip(changes, described, tests, strict=True):
            outcome = scratch.outcome(change, own)
            print(f"{outcome}: {said}", flush=True)
            survivors += [said] if outcome == "survives" else []
    print(f"{len(survivors)} of {len(changes)} survive", *survivors, sep="\n")
    return bool(survivors)


if __name__ == "__main__":
    raise SystemExit(main())
