"""A drawing, and what it can become."""

from __future__ import annotations

import html
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from ..export import replacing
from .scene import Scene

__all__ = ["FORMATS", "Plot"]

FORMATS = (".html", ".png", ".svg")
_NOTEBOOK_HEIGHT = 640  # pixels


class Plot:
    """A drawing of a recording: what :meth:`Trace.plot` and :meth:`Session.plot` give.

    In a notebook it shows itself. The records are read each time that it becomes something, so
    the recording has to be open; what was made does not need it any more.

    ``to_html()`` makes one page, complete in itself, to zoom into as far as single nanoseconds;
    it needs no other package. ``to_png()`` and ``to_svg()`` make a picture of limited size: what is
    shorter than one of its columns is drawn as its share of that. They need matplotlib
    (``pip install 'tracecmd[plot]'``).
    """

    def __init__(self, make: Callable[[], Scene]) -> None:
        self._scene = make()

    def to_html(self) -> str:
        """A page for browsers.

        Raises:
            ValueError: there are too many intervals for a page, or a time too long.
            ClosedError: the recording is closed.
            TraceError: the data cannot be read.
        """
        from .page import page  # noqa: PLC0415 - each way out is loaded by those who take it

        return page(self._scene)

    def to_png(self) -> bytes:
        """A picture in points.

        Raises:
            MissingPackageError: (an ImportError) matplotlib is not installed.
            ClosedError: the recording is closed.
            TraceError: the data cannot be read.
        """
        from .picture import picture  # noqa: PLC0415

        return picture(self._scene, "png")

    def to_svg(self) -> bytes:
        """A picture in lines and areas; raises as :meth:`to_png` does."""
        from .picture import picture  # noqa: PLC0415

        return picture(self._scene, "svg")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it into a file, which appears when it is whole.

        Args:
            path: what its name ends with says what it becomes: ``.html``, ``.png`` or ``.svg``.

        Raises:
            ValueError: the name ends otherwise, or as :meth:`to_html` says.
            MissingPackageError: (an ImportError) matplotlib is not installed.
            OSError: it cannot be written.
            TraceError: the data cannot be read.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".html":
            data = self.to_html().encode()
        elif suffix == ".png":
            data = self.to_png()
        elif suffix == ".svg":
            data = self.to_svg()
        else:
            raise ValueError(f"a plot's name ends with {', '.join(FORMATS)}, not {suffix!r}")
        with replacing(path) as file:
            file.write(data)

    def _repr_html_(self) -> str:
        """The page in a frame of its own: it cannot reach the notebook, nor that it."""
        return (
            f'<iframe srcdoc="{html.escape(self.to_html())}" sandbox="allow-scripts" '
            f'style="width: 100%; height: {_NOTEBOOK_HEIGHT}px; border: 0" '
            f'title="{html.escape(self._scene.title)}"></iframe>'
        )

    def _repr_png_(self) -> bytes | None:
        """A picture for what shows no pages; None without matplotlib."""
        return self.to_png() if importlib.util.find_spec("matplotlib") else None

    def __repr__(self) -> str:
        return f"<Plot {self._scene.title}>"
