"""Windows of time on the command line, and what is said of one that no record lies in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import KVM_SMALL, TRACE_DAT

SPAN = "from 204.910756448 to 214.342001611"


@pytest.mark.parametrize(
    ("window", "asked"),
    [
        (("--start", "1000"), "from 1000.000000000"),
        (("--end", "20ms"), "to 0.020000000"),
        (("--start", "5", "--end", "7ns"), "from 5.000000000 to 0.000000007"),
        (("--start", "206", "--end", "206"), "from 206.000000000 to 206.000000000"),
        (("--end", "204910756448ns"), "to 204.910756448"),
        (("--start", "214.342001612"), "from 214.342001612"),
    ],
)
def test_a_window_without_records_is_told(run: Any, window: tuple[str, ...], asked: str) -> None:
    code, out, err = run("losses", "--csv", TRACE_DAT, *window)
    assert (code, out) == (0, "cpu,from,to,count,buffer\n")
    assert err == f"tracecmd: warning: {TRACE_DAT}: has no records {asked}, but {SPAN}\n"


@pytest.mark.parametrize(
    "window",
    [("--start", "204910756448ns"), ("--end", "204910756449ns"), ("--start", "214342001611ns"), ()],
)
def test_one_record_is_enough(run: Any, window: tuple[str, ...]) -> None:
    code, _, err = run("losses", "--csv", TRACE_DAT, *window)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("split", "-o", "{out}.dat", TRACE_DAT, "5", "6"), 0),
        (("export", "-o", "{out}.pftrace", TRACE_DAT, "--end", "5us"), 0),
        (("flame", "-o", "{out}.svg", "--weight", "offcpu", TRACE_DAT, "--end", "5us"), 1),
        (("session", KVM_SMALL, "--plot", "{out}.svg", "--end", "5us"), 1),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else str(given),
)
def test_every_command_with_a_window_tells(
    run: Any, tmp_path: Path, arguments: tuple[Any, ...], code: int
) -> None:
    given = [str(each).format(out=tmp_path / "out") for each in arguments]
    result = run(*given)
    assert result.code == code
    assert "has no records" in result.err
    assert "to 214.342001611" in result.err
