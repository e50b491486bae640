"""How CFFI builds ``tracecmd._core``: run by setup.py only.

The declarations that Python sees are cut out of the headers that ``csrc/tracecmd.h`` includes, so
these stay the only description of the interface between the two languages.
"""

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "csrc"

# What the compiler would let pass between C and the generated glue must not pass. CFLAGS come
# again after these, because setuptools puts them before: the user's choice wins.
COMPILE_ARGS = [
    "-O3",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-Werror=incompatible-pointer-types",
    "-Werror=int-conversion",
    "-Werror=implicit-function-declaration",
]


class Library(NamedTuple):
    """A library that is linked: what it is without pkg-config, and which packages have it."""

    pkg_config: str
    header: str
    link: str
    packages: str


LIBRARIES = [
    Library("zlib", "zlib.h", "-lz", "zlib1g-dev (Debian, Ubuntu) or zlib-devel (Fedora)"),
    Library(
        "libzstd",
        "zstd.h",
        "-lzstd",
        "libzstd-dev (Debian, Ubuntu), libzstd-devel (Fedora) or zstd (Homebrew)",
    ),
]


def ask_pkg_config(library: Library) -> tuple[list[str], list[str]] | None:
    """Compiler and linker flags as pkg-config tells them; None if it does not know."""
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    try:
        compile_args, link_args = (
            subprocess.run(
                [tool, option, library.pkg_config], check=True, capture_output=True, text=True
            ).stdout
            for option in ("--cflags", "--libs")
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return shlex.split(compile_args), shlex.split(link_args)


def has_header(library: Library) -> bool:
    """Whether the compiler finds the header by itself."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    flags = shlex.split(os.environ.get("CFLAGS", "") + " " + os.environ.get("CPPFLAGS", ""))
    try:
        run = subprocess.run(
            [*compiler, *flags, "-E", "-x", "c", "-"],
            input=f"#include <{library.header}>\n",
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        return True  # no compiler: the build itself says so
    return run.returncode == 0


def flags_of(library: Library) -> tuple[list[str], list[str]]:
    """Compiler and linker flags; a missing library is an error that says what to install."""
    asked = ask_pkg_config(library)
    if asked is None and not has_header(library):
        raise SystemExit(
            f"tracecmd: {library.header} is needed to build; install {library.packages}"
        )
    return asked or ([], [library.link])


def declarations() -> str:
    """Cut the parts for Python out of each floor's header, in the order of the floors."""
    parts = []
    for name in re.findall(r'#include "(.+)"', (CORE / "tracecmd.h").read_text(encoding="utf-8")):
        text = (CORE / name).read_text(encoding="utf-8")
        match = re.search(r"/\* \[cdef begin\] \*/(.*)/\* \[cdef end\] \*/", text, re.DOTALL)
        if match is None:
            raise SystemExit(f"{CORE / name}: its cdef markers are gone")
        parts.append(match.group(1))
    return "".join(parts)


def sources() -> list[str]:
    """List the core's C files, relative to the root as setuptools wants them."""
    return [
        str(path.relative_to(ROOT))
        for path in sorted(CORE.glob("**/*.c"))
        if "python" not in path.relative_to(CORE).parts  # tracecmd._lifetime: setup.py
    ]


def headers() -> list[str]:
    """List the files a change of which must rebuild."""
    return [str(path.relative_to(ROOT)) for path in sorted(CORE.glob("**/*.h"))]


library_flags = [flags_of(library) for library in LIBRARIES]

ffibuilder = FFI()
ffibuilder.cdef(declarations())
ffibuilder.set_source(
    "tracecmd._core",
    '#include "tracecmd.h"\n',
    sources=sources(),
    depends=headers(),
    include_dirs=["csrc"],
    extra_compile_args=[
        *COMPILE_ARGS,
        *(flag for compile_args, _ in library_flags for flag in compile_args),
        *shlex.split(os.environ.get("CFLAGS", "")),
    ],
    extra_link_args=[flag for _, link_args in library_flags for flag in link_args],
)
