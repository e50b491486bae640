"""Pictures of what recordings become in a browser, for README and docs/.

    python -m docs.screenshots        # docs/pictures/: plots of recordings in tests/data
    python -m docs.screenshots UI     # of Perfetto's UI as well, which is built in this folder

Takes Playwright (``pip install --group browser``) and a Chromium, which TRACECMD_CHROMIUM names
if it is not called chromium.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

import tracecmd
from tracecmd.export import perfetto

DOCS = Path(__file__).parent
PICTURES = DOCS / "pictures"
DATA = DOCS.parent / "tests" / "data"
SESSION = DATA / "sessions" / "kvm-small"
TASKS = DATA / "i386-v6.dat"
TRACE = "recording.pftrace"

LOADED = "!!(globalThis.app && app.trace && !app.isLoadingTrace)"
UNFOLD = """() => {
    const open = nodes => { for (const node of nodes) { node.expand(); open(node.children); } };
    open((app.trace.currentWorkspace || app.trace.workspaces.currentWorkspace).children);
    app.raf.scheduleFullRedraw();
}"""
DRAWN = "!document.body.innerText.includes('Loading...')"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the UI, and the trace from another folder."""

    def __init__(self, *arguments: Any, ui: str, trace: Path) -> None:
        self.trace = trace
        super().__init__(*arguments, directory=ui)

    def translate_path(self, path: str) -> str:
        """Where a file is that is asked for."""
        if path.partition("?")[0] == f"/{TRACE}":
            return str(self.trace)
        return super().translate_path(path)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(ui: str, trace: Path) -> Iterator[str]:
    """The UI's address while it is served, on this machine alone."""
    handler = functools.partial(Handler, ui=ui, trace=trace)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def take_plots(page: Page) -> None:
    """A session's plot, and one machine's."""
    with tempfile.TemporaryDirectory() as folder:
        with tracecmd.open_session(SESSION) as session:
            session.plot().save(Path(folder, "session.html"))
        with tracecmd.open(TASKS) as trace:
            trace.plot().save(Path(folder, "tasks.html"))
        for name in ("session", "tasks"):
            page.goto(Path(folder, f"{name}.html").as_uri())
            page.wait_for_selector("html[data-drawn]")
            page.screenshot(path=PICTURES / f"plot-{name}.png")


def take_perfetto(page: Page, ui: str) -> None:
    """The session as Perfetto's UI shows it, with all groups of tracks unfolded."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, TRACE)
        with tracecmd.open_session(SESSION) as session:
            perfetto.write(session, trace)
        with serving(ui, trace) as address:
            page.goto(f"{address}/#!/?url={address}/{TRACE}")
            page.wait_for_function(LOADED)
            page.wait_for_timeout(3000)  # plugins add their tracks
            page.evaluate(UNFOLD)
            page.wait_for_timeout(2000)
            page.wait_for_function(DRAWN)
            page.wait_for_timeout(2000)
            page.screenshot(path=PICTURES / "perfetto.png")


def main(ui: str | None = None) -> None:
    """Take them."""
    browser = os.environ.get("TRACECMD_CHROMIUM") or shutil.which("chromium")
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        # Whoever runs it may be root, or in a container: there is no sandbox then.
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        take_plots(chromium.new_page(viewport={"width": 1200, "height": 640}))
        if ui is not None:
            take_perfetto(chromium.new_page(viewport={"width": 1600, "height": 1200}), ui)
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
