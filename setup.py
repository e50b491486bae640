"""Builds the C core and what owns its objects in Python; everything else is in pyproject.toml."""

import sysconfig
from glob import glob

from setuptools import Extension, setup

# One abi3 wheel serves every CPython from 3.10 on; free-threaded builds have no limited API.
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

setup(
    cffi_modules=["tracecmd/_build.py:ffibuilder"],
    ext_modules=[
        Extension(
            "tracecmd._lifetime",
            sorted(glob("csrc/python/*.c")),
            depends=[
                *sorted(glob("csrc/python/*.h")),
                *sorted(glob("csrc/**/api.h", recursive=True)),
            ],
            include_dirs=["csrc"],
            define_macros=[] if free_threaded else [("Py_LIMITED_API", "0x030A0000")],
            extra_compile_args=["-fvisibility=hidden"],
            py_limited_api=not free_threaded,
        )
    ],
    options={} if free_threaded else {"bdist_wheel": {"py_limited_api": "cp310"}},
)
