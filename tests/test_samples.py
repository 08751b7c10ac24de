"""Documents before and after, for the report: which are chosen, and what is shown of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from config.settings import load_settings
from tasks.article import Cleaner
from tasks.clean.sides import Row
from tasks.samples import choose, sample_of
from tasks.staging import Staging
from tasks.tables import Capture


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    """Captures c0 to c9 were cleaned, k was known before, c9 was settled by other copies."""
    staging = Staging.open(tmp_path, "test")
    names = [f"c{i}" for i in range(10)]
    marks = {
        "capture_id": [*names, "k"],
        "mark": ["clean"] * 10 + ["known"],
        "shard": ["s"] * 11,
        "shard_row": list(range(11)),
    }
    pq.write_table(pa.table(marks), staging.exact)
    (staging.root / "settled").mkdir(exist_ok=True)
    pq.write_table(pa.table({"capture_id": ["c9"]}), staging.root / "settled" / "000000.parquet")
    return staging


def document(name: str, *damage: str) -> dict[str, Any]:
    return {"document_id": f"d-{name}", "capture_id": name, "damage": list(damage), "converted": None}


def test_every_mixture_of_damage_comes_before_any_comes_twice(staging: Staging) -> None:
    documents = [document(f"c{i}") for i in range(6)]
    documents += [
        document("c6", "gbk_shift"),
        document("c7", "gbk_shift"),
        document("c8", "gbk_shift", "link_farm"),
    ]
    chosen = choose(documents, staging, 5)
    assert list(chosen) == ["c8", "c6", "c0", "c7", "c1"]
    assert chosen["c8"] == ("d-c8", "s", 8)
    assert choose(reversed(documents), staging, 5) == chosen


def test_known_and_settled_captures_are_passed_over(staging: Staging) -> None:
    assert choose([document("k", "gbk_shift"), document("c9", "gbk_shift")], staging, 5) == {}


PARAGRAPH = "河水从村子中间流过，两岸的人家靠着它洗衣、浇菜，也靠着它认识彼此，一代又一代人都是这样过来的。"


def cleaned(text: str, characters: int) -> Any:
    cleaner = Cleaner(load_settings())
    capture = Capture(source="s", locator="a.txt", payload=text.encode(), media_type="text/plain")
    return sample_of(cleaner.clean(capture), "d", characters)


def test_a_sample_marks_changes_and_folds_what_is_the_same() -> None:
    lines = [f"第{i}段。{PARAGRAPH}" for i in "一二三四五六"]
    sample = cleaned("\n".join([*lines, "\u200b" + lines[0].replace("段", "节")]), 5000)
    assert [line for line in sample.lines if isinstance(line, int)] == [4]
    changed = [line for line in sample.lines if isinstance(line, Row) and line.changed]
    assert len(changed) == 1
    assert [piece.text for piece in changed[0].before if piece.kind == "removed"] == ["\u200b"]
    assert sample.places == 1
    assert sample.left_out == 0


def test_a_long_text_is_cut_and_says_how_much_is_left_out() -> None:
    text = "\n".join(f"第{i}段。{PARAGRAPH}" for i in range(20))
    sample = cleaned(text, 200)
    shown = sum(len(piece.text) for line in sample.lines if isinstance(line, Row) for piece in line.after)
    assert shown <= 200
    assert shown + sample.left_out == len(text)
