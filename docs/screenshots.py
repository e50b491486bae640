"""Pictures of exported recordings in Perfetto's UI, by a Chromium without a window.

    python -m docs.screenshots UI OUT RECORDING...

UI is a folder with the built UI (index.html); RECORDING a file or the folder of a session. Each
is exported, served beside the UI on this machine alone, opened, its groups of tracks unfolded, and
OUT/NAME.png is what a person sees of it. CHROMIUM names the browser if it is not called chromium.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tracecmd
from tracecmd.export import perfetto

WIDTH, HEIGHT = 1600, 1800
PATIENCE = 60  # seconds for a trace to be loaded
TRACE = "recording.pftrace"

LOADED = "!!(globalThis.app && app.trace && !app.isLoadingTrace)"
WORKSPACE = "(app.trace.currentWorkspace || app.trace.workspaces.currentWorkspace)"
UNFOLD = f"""(() => {{
    const open = nodes => {{ for (const node of nodes) {{ node.expand(); open(node.children); }} }};
    open({WORKSPACE}.children);
    app.raf.scheduleFullRedraw();
}})()"""
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
    """The UI's address while it is served."""
    handler = functools.partial(Handler, ui=ui, trace=trace)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Browser:
    """A Chromium that is told what to do through pipes (--remote-debugging-pipe)."""

    def __init__(self, profile: str) -> None:
        command_read, self._commands = os.pipe()
        self._answers, answer_write = os.pipe()
        browser = os.environ.get("CHROMIUM", "chromium")
        self._process = subprocess.Popen(
            [
                "sh", "-c", f'exec "$@" 3<&{command_read} 4>&{answer_write}', "sh", browser,
                "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}", "about:blank",
            ],
            pass_fds=(command_read, answer_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(command_read)
        os.close(answer_write)
        self._numbers = itertools.count(1)
        self._left = b""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str | None = attached["sessionId"]

    _session = None

    def ask(self, method: str, **parameters: Any) -> Any:
        """Call a method of the DevTools protocol; gives its result."""
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._commands, json.dumps(call).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == number:
                return answer["result"]

    def _next(self) -> bytes:
        while b"\0" not in self._left:
            more = os.read(self._answers, 1 << 20)
            if not more:
                raise EOFError("the browser has ended")
            self._left += more
        message, _, self._left = self._left.partition(b"\0")
        return message

    def value(self, expression: str) -> Any:
        """What a piece of JavaScript gives in the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description"))
        return found["result"].get("value")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)


def wait(browser: Browser, condition: str) -> None:
    """Until a condition holds in the page."""
    end = time.monotonic() + PATIENCE
    while not browser.value(condition):
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} does not come true")
        time.sleep(0.2)


def take(browser: Browser, address: str, picture: Path) -> None:
    """Open the trace in the UI, and draw what there is to see."""
    browser.ask("Page.navigate", url=f"{address}/#!/?url={address}/{TRACE}")
    wait(browser, LOADED)
    time.sleep(3)  # plugins add their tracks
    browser.value(UNFOLD)
    time.sleep(2)
    wait(browser, DRAWN)
    time.sleep(2)
    shot = browser.ask("Page.captureScreenshot", format="png")
    picture.write_bytes(base64.b64decode(shot["data"]))


def main(ui: str, out: str, *recordings: str) -> None:
    """Export each, and take its picture."""
    for name in recordings:
        path = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder, TRACE)
            with tracecmd.open_session(path) as session:
                perfetto.write(session, trace)
            picture = Path(out, f"{path.stem}.png")
            with serving(ui, trace) as address, contextlib.closing(Browser(folder)) as browser:
                take(browser, address, picture)
            print(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
