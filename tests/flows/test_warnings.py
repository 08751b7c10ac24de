"""A run whose captures are rejected as never before warns, or fails, as the settings say; its version stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.flows.corpus_files import article


def folder_of(path: Path, texts: list[str]) -> Path:
    path.mkdir()
    for number, text in enumerate(texts):
        (path / f"{number}.txt").write_text(text, encoding="utf-8")
    return path


def test_what_is_off_is_said_and_may_fail_the_run(refresh: Callable[..., Any], tmp_path: Path) -> None:
    from flows.refresh import UnusualError
    from tasks.snapshot import Store

    good = folder_of(tmp_path / "good", [article("watch", number) for number in range(4)])
    short = folder_of(tmp_path / "short", [f"第{number}页" for number in range(4)])
    more = folder_of(tmp_path / "more", [f"第{number}章" for number in range(4)])
    watch = {"min_captures": 3}
    assert refresh(good, watch=watch).notes == []
    notes = refresh(short, watch=watch).notes
    assert any("rejected" in note and "100 %" in note and "0 %" in note for note in notes)
    with pytest.raises(UnusualError, match="rejected"):
        refresh(more, watch=watch | {"action": "fail", "share_change": 0.1})
    store = Store.open(tmp_path / "store")
    assert store.versions() == [1, 2, 3]
    assert "100 %" in store.home.read("snapshots/v3/report.html").decode()
    assert refresh(folder_of(tmp_path / "last", ["第九页"]), watch={"action": "off"}).notes == []
