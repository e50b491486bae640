"""What the picture shows where many intervals share a column, and where rows come out of order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import tracecmd
from tracecmd.plot.colours import PALETTE
from tracecmd.session.scene import STATES

from ..recordings import corpus
from ..unit.timelines import A, B, end, scene
from .conftest import Open
from .view import View


def test_columns_show_shares(session: Path, show: Open) -> None:
    """Of each column every state has its share of the time, and what is short can be seen."""
    with tracecmd.open_session(corpus.DATA / "sessions" / "kvm-small") as opened:
        rows = [r for r in opened.timeline() if (r.guest, r.vcpu) == ("Guest1", 0)]
    view = View(show(session))
    start, stop = view.window()
    width = int(view.page.evaluate("document.getElementById('picture').width"))
    several = 0
    for x in range(width // 5, width - 1, 16):
        begin, over = (start + (stop - start) * at / width for at in (x, x + 1))
        spent: Counter[str] = Counter()
        for row in rows:
            shared = min(row.end, over) - max(row.start, begin)
            if shared > 0:
                spent[PALETTE[STATES[row.state].colour].light] += shared
        shown = view.column("Guest1/0 state", x)
        striped = sum(n for colour, n in shown.items() if colour not in {*spent})
        high = sum(shown.values())
        shown[PALETTE["unknown"].light] += striped  # stripes are part of what is not known
        if sum(shared > 0 for shared in spent.values()) < 2:
            assert shown[max(spent, key=spent.__getitem__)] == high
            continue
        if len([r for r in rows if r.end > begin and r.start < over]) < 3:
            continue  # where two meet the longer has the column
        several += 1
        for colour, shared in spent.items():
            assert shown[colour] >= 3
            assert abs(shown[colour] - high * shared / (over - begin)) <= 9, (x, spent, shown)
    assert several > 15


def test_vcpus_share_a_cpu(tmp_path: Path, show: Open) -> None:
    """Without switches what a host CPU ran comes vCPU by vCPU."""
    made = scene({"G": [A, B]})
    for time, thread in ((2000, A), (3000, B), (4000, A), (5000, B)):
        made.host.entry(time, 0, thread)
        made.host.exit(time + 500, 0, thread)
    with end(made).open(tmp_path) as session:
        session.plot().save(tmp_path / "out.html")
    view = View(show(tmp_path / "out.html"))
    for time, heading in ((2250, "G/0"), (3250, "G/1"), (4250, "G/0"), (5250, "G/1")):
        told = view.hover("host CPU 0", time)
        assert (told[""], told["from"]) == (heading, f"0.{time - 250:09d}")
    assert view.hover("host CPU 0", 8000)[""] == "not recorded"
    assert view.hover("host CPU 1", 2250)[""] == "not recorded"
