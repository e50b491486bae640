"""Options of trace-cmd-report(1) that change the text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .. import _arguments, _lowlevel

__all__ = ["ReportOptions"]


class ReportOptions(NamedTuple):
    """Options of trace-cmd-report(1) that change the text.

    Events of ``raw_events`` and ``plain_events`` are named by regular expressions as of regcomp(3),
    which fit all of an event's name or of its system, upper and lower case alike.

    Attributes:
        raw: -R, fields instead of texts.
        nanoseconds: -t, time stamps with nine digits.
        latency_format: -l, flags and CPU as the latency tracers show them.
        no_plugins: -N, as if libtraceevent had loaded no plugin.
        no_system_plugins: -L, nor those of the system; the built-in ones go with them.
        kernel_text: evaluate print formats as C does, and so as the kernel's own ``trace`` file.
        ts_diff: --ts-diff, the time since the event before.
        ticks: time stamps are plain numbers (as with --raw-ts).
        raw_events: -r, events that show their fields instead of a text.
        plain_events: -n, events whose text is that of their print fmt, whatever plugins know of
            them.
        plugin_options: -O, options of libtraceevent's plugins (``trace-cmd list -O``):
            ``[PLUGIN:]OPTION[=VALUE]`` with VALUE 0, 1, ``false`` or ``true``, such as
            ``parent``, ``ftrace:indent=0`` and ``fgraph:tailprint``. Without a value, an option
            is turned to what it usually is not; one that no plugin has does nothing.
        wakeups: -w, how long tasks waited between being woken and being run: behind the text of the
            ``sched_switch`` that ends it, and average, longest and shortest below the last event,
            of tasks with a real-time priority once more. Of a single file only.
        kallsyms: --kallsyms, a file like /proc/kallsyms whose symbols are added to those recorded.
    """

    raw: bool = False
    nanoseconds: bool = False
    latency_format: bool = False
    no_plugins: bool = False
    no_system_plugins: bool = False
    kernel_text: bool = False
    ts_diff: bool = False
    ticks: bool = False
    wakeups: bool = False
    kallsyms: str | os.PathLike[str] | None = None
    raw_events: Sequence[str] = ()
    plain_events: Sequence[str] = ()
    plugin_options: Sequence[str] = ()

    def flags(self) -> int:
        """Those that are on or off, for the core."""
        chosen = [name for name, value in self._asdict().items() if value is True]
        chosen += _plugin_flags(self.plugin_options)
        return sum(_lowlevel.REPORT_FLAGS[name] for name in chosen)


# Options of libtraceevent's plugins: what they usually are, and the flag that says otherwise.
_PLUGIN_OPTIONS = {
    ("ftrace", "parent"): (False, "function_parent"),
    ("ftrace", "indent"): (True, "function_flat"),
    ("ftrace", "offset"): (False, "function_offset"),
    ("fgraph", "tailprint"): (False, "fgraph_tailprint"),
    ("fgraph", "depth"): (False, "fgraph_depth"),
    ("fgraph", "retval-skip"): (False, "fgraph_retval_skip"),
    ("fgraph", "retval-dec"): (False, "fgraph_retval_dec"),
    ("fgraph", "retval-hex"): (False, "fgraph_retval_hex"),
}


def _plugin_flags(options: Sequence[str]) -> list[str]:
    """Flags of the core for -O.

    As in libtraceevent, the last option of a spelling counts, those that name the plugin are heard
    before those that do not, and other values than the four do nothing.
    """
    given: dict[tuple[str | None, str], str | None] = {}
    for option in _arguments.names("plugin_options", options) or ():
        name, equals, value = option.partition("=")
        plugin, colon, variable = name.partition(":")
        given[(plugin, variable) if colon else (None, name)] = value if equals else None
    flags = []
    for (plugin, name), (usual, flag) in _PLUGIN_OPTIONS.items():
        on = usual
        for key in ((plugin, name), (None, name)):
            if key not in given:
                continue
            said = given[key]
            if said is None:
                on = not on
            elif said in ("0", "1", "false", "true"):
                on = said in ("1", "true")
        if on != usual:
            flags.append(flag)
    return flags
