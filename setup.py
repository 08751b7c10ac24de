"""Compiles the modules that the cleaning of a page spends its time in (pyproject.toml, [tool.qingyuan]).

    python setup.py build_ext --inplace

They are ordinary typed Python and run as such without a C compiler, only slower: mypyc, which comes with
mypy, makes an extension module of each, beside its source.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from setuptools import setup


def extensions() -> list[object]:
    """The extension modules; none unless they are built."""
    if "build_ext" not in sys.argv:
        return []
    from mypyc.build import mypycify

    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    return list(
        mypycify(project["tool"]["qingyuan"]["compiled"], opt_level="3", group_name="tasks.clean.compiled")
    )


setup(ext_modules=extensions())
