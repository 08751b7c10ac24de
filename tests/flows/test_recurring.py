"""Lines that recur on a site are counted over all versions, and dropped from the next documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.snapshot import Store
from tests.flows.corpus_files import article

NOTICE = "青湖周刊每逢星期三与读者见面"


def test_lines_that_recur_over_versions_are_dropped(refresh: Callable[..., Any], tmp_path: Path) -> None:
    def load(number: int, site: str) -> Any:
        text = article(f"{number}{site}")
        page = {"url": f"http://{site}/{number}.html", "text": f"{text}\n{NOTICE}"}
        file = tmp_path / f"{site}-{number}.jsonl"
        file.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
        return refresh(file.name, clean={"chrome": {"recurring_documents": 3}})

    for number in range(4):
        assert load(number, "qinghu.example.cn").version == number + 1
    load(9, "shan.example.cn")
    texts = {row["url"]: row["text"] for row in Store.open(tmp_path / "store").read("documents").to_pylist()}
    kept = {url for url, text in texts.items() if NOTICE in text}
    assert texts.keys() - kept == {"http://qinghu.example.cn/3.html"}
