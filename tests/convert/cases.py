"""The cases of tests/cases/convert, and what the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tasks.tables import Edit

FOLDER = Path(__file__).parent.parent / "cases" / "convert"


def rows(name: str) -> list[list[str]]:
    """The rows of a file of tab-separated cases."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def documents(name: str) -> list[dict[str, Any]]:
    """The cases of a YAML file."""
    cases: list[dict[str, Any]] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return cases


def replay(text: str, edits: Iterable[Edit]) -> str:
    """The text that the edits lead to; fails on an edit that does not fit or overlaps another."""
    parts = []
    position = 0
    for edit in edits:
        assert edit.start >= position
        assert text[edit.start : edit.start + len(edit.before)] == edit.before
        parts += text[position : edit.start], edit.after
        position = edit.start + len(edit.before)
    return "".join([*parts, text[position:]])
