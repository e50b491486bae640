"""Builds the C core; everything else is in pyproject.toml."""

import sysconfig

from setuptools import setup

# One abi3 wheel serves every CPython from 3.10 on; free-threaded builds have no limited API.
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

setup(
    cffi_modules=["tracecmd/_build.py:ffibuilder"],
    options={} if free_threaded else {"bdist_wheel": {"py_limited_api": "cp310"}},
)
