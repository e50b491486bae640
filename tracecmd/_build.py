"""How CFFI builds ``tracecmd._core``: run by setup.py only.

The declarations that Python sees are cut out of ``csrc/tracecmd.h``, so the header stays the only
description of the interface between the two languages.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "csrc" / "tracecmd.h"

# What the compiler would let pass between C and the generated glue must not pass.
COMPILE_ARGS = [
    "-O3",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-Werror=incompatible-pointer-types",
    "-Werror=int-conversion",
    "-Werror=implicit-function-declaration",
]

PACKAGES = {
    "zlib": "zlib1g-dev (Debian, Ubuntu) or zlib-devel (Fedora)",
    "libzstd": "libzstd-dev (Debian, Ubuntu), libzstd-devel (Fedora) or zstd (Homebrew)",
}


def pkg_config(package: str, option: str) -> list[str]:
    """Ask pkg-config; a missing library is a build error that says what to install."""
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    try:
        answer = subprocess.run(
            [tool, option, package], check=True, capture_output=True, text=True
        ).stdout
    except FileNotFoundError:
        raise SystemExit("tracecmd: pkg-config is needed to build; install pkg-config") from None
    except subprocess.CalledProcessError:
        raise SystemExit(
            f"tracecmd: the headers of {package} are needed to build; install {PACKAGES[package]}"
        ) from None
    return shlex.split(answer)


def declarations() -> str:
    """Cut the part for Python out of the header."""
    text = HEADER.read_text(encoding="utf-8")
    match = re.search(r"/\* \[cdef begin\] \*/(.*)/\* \[cdef end\] \*/", text, re.DOTALL)
    if match is None:
        raise SystemExit(f"{HEADER}: its cdef markers are gone")
    return match.group(1)


def sources() -> list[str]:
    """List the core's C files, relative to the root as setuptools wants them."""
    return [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("csrc/**/*.c"))]


def headers() -> list[str]:
    """List the files a change of which must rebuild."""
    return [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("csrc/**/*.h"))]


# What only Python needs: csrc/capsule.h, and the callbacks of an Arrow stream.
GLUE = """
enum trc_capsule_kind { TRC_CAPSULE_SCHEMA, TRC_CAPSULE_ARRAY, TRC_CAPSULE_STREAM };
uintptr_t trc_capsule_destructor(int kind);
void trc_release_schema(struct ArrowSchema *schema);
void trc_release_array(struct ArrowArray *array);
void *calloc(size_t count, size_t size);
extern "Python" {
    int trc_arrow_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out);
    int trc_arrow_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out);
    const char *trc_arrow_get_last_error(struct ArrowArrayStream *stream);
    void trc_arrow_release(struct ArrowArrayStream *stream);
}
"""

ffibuilder = FFI()
ffibuilder.cdef(declarations() + GLUE)
ffibuilder.set_source(
    "tracecmd._core",
    '#include "tracecmd.h"\n#include "capsule.h"\n',
    sources=sources(),
    depends=headers(),
    include_dirs=["csrc"],
    extra_compile_args=COMPILE_ARGS
    + [flag for name in PACKAGES for flag in pkg_config(name, "--cflags")],
    extra_link_args=[flag for name in PACKAGES for flag in pkg_config(name, "--libs")],
)
