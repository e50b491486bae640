"""One Chromium for all tests, driven by Playwright (`pip install --group browser`).

Without either the tests are skipped. Where TRACECMD_CHROMIUM names the browser, what is missing is
a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..recordings import corpus

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    named = os.environ.get("TRACECMD_CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no chromium, and TRACECMD_CHROMIUM names none")
    if named is None:
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Whoever runs the tests may be root, or in a container: there is no sandbox then.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Any) -> Iterator[Open]:
    """Open a page of a file, in a window of some size; nothing may go wrong in it."""
    faults: list[str] = []
    asked: list[str] = []
    with ExitStack() as stack:

        def open_page(path: Path, width: int = 1200, height: int = 700, **options: Any) -> Any:
            size = {"width": width, "height": height}
            context = chromium.new_context(viewport=size, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", lambda message: faults.append(message.text))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("dialog", lambda dialog: faults.append(dialog.message))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-drawn]")
            return page

        yield open_page
    assert faults == []
    assert [url for url in asked if not url.startswith("file:")] == []


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a recording with losses."""
    path = tmp_path_factory.mktemp("pages") / "machine.html"
    with tracecmd.open(corpus.DATA / "i386-lost.dat") as trace:
        trace.plot().save(path)
    return path


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a session."""
    path = tmp_path_factory.mktemp("pages") / "session.html"
    with tracecmd.open_session(corpus.DATA / "sessions" / "kvm-small") as opened:
        opened.plot().save(path)
    return path
