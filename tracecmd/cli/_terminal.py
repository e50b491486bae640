"""What terminals get: colour, if it is wanted, and lines that break between words."""

from __future__ import annotations

import argparse
import os
import shutil
import textwrap
from typing import Any, TextIO

__all__ = ["Help", "fit", "style"]

WIDTH = 80  # lines are no longer, however wide the terminal: nobody reads those well
_CODES = {"bold": "1", "red": "1;31", "yellow": "1;33"}


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def style(text: str, name: str, stream: TextIO) -> str:
    """A text in a colour, or bold, if the stream shows that and the user has not said no.

    That is by NO_COLOR (no-color.org), or a terminal that is "dumb".
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return text if plain or not _is_terminal(stream) else f"\x1b[{_CODES[name]}m{text}\x1b[0m"


def _wrap(text: str, width: int, indent: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def fit(text: str, stream: TextIO) -> str:
    """A message in lines that fit a terminal; elsewhere it stays one, for grep and the like."""
    if not _is_terminal(stream):
        return text
    try:
        columns = os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError):
        columns = WIDTH
    return "\n".join(_wrap(text, max(min(columns, WIDTH), 20), "  "))


class Help(argparse.HelpFormatter):
    """Help in 80 columns at most, broken between words; examples stay as they are written."""

    def __init__(self, prog: str, *more: Any, **options: Any) -> None:
        width = min(shutil.get_terminal_size().columns, WIDTH) - 2
        super().__init__(prog, *more, **{"width": width, **options})

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _wrap(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return text
        return "\n".join(_wrap(" ".join(text.split()), width, indent, indent))
