"""Files that have nothing to do with each other in one report, as trace-cmd 3.4 prints it.

tests/data/options/strangers.txt is what ``trace-cmd report -i i386-v6.dat -i armhf-marker.dat
--ts-offset -133821574991`` of 3.4 printed: the offset is the second file's.
"""

from __future__ import annotations

import pytest

import tracecmd
from tracecmd.cli import main

from . import corpus

FIRST, SECOND = corpus.DATA / "i386-v6.dat", corpus.DATA / "armhf-marker.dat"
OFFSET = -133821574991
EXPECTED = corpus.read_bytes(corpus.DATA / "options" / "strangers.txt")


@pytest.mark.parametrize("threads", [1, 3])
def test_session(threads: int) -> None:
    with tracecmd.open_session(
        FIRST, SECOND, strangers="include", offsets={SECOND: OFFSET}
    ) as session:
        assert b"".join(session.report(threads=threads)) == EXPECTED


def test_command(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    files = ["-i", str(FIRST), "-i", str(SECOND), "--ts-offset", str(OFFSET)]
    assert main(["report", "-q", *files]) == 0
    assert capfdbinary.readouterr().out == EXPECTED
