"""Encoding accidents: undone where the inverse is exact, counted where it is not."""

from __future__ import annotations

import json

import pytest

from config.settings import RepairSettings
from tasks.clean.repair import Repairer
from tests.clean.repair.pages import CASES

DATA = json.loads((CASES / "accidents.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def repairer() -> Repairer:
    return Repairer(RepairSettings())


@pytest.mark.parametrize("case", DATA["misread"], ids=lambda case: f"{case['right']} as {case['wrong']}")
def test_misread_text_comes_back(repairer: Repairer, case: dict[str, str]) -> None:
    observed = case["clean"].encode(case["right"]).decode(case["wrong"])
    for text, expected in ((observed, case["clean"]), (f"abc {observed} xyz", f"abc {case['clean']} xyz")):
        restored = repairer.restore(text)
        assert restored.text == expected
        assert restored.damage["mojibake"] >= 1
        assert restored.unrepaired == 0


@pytest.mark.parametrize("case", DATA["flagged"], ids=lambda case: case["text"][:8])
def test_destroyed_text_is_counted_not_touched(repairer: Repairer, case: dict[str, str]) -> None:
    restored = repairer.restore(case["text"])
    assert restored.text == case["text"]
    assert restored.damage[case["damage"]] >= 1
    assert restored.unrepaired >= 1


@pytest.mark.parametrize("case", DATA["exact"], ids=lambda case: case["damage"])
def test_exact_inverses(repairer: Repairer, case: dict[str, str]) -> None:
    restored = repairer.restore(case["text"])
    assert restored.text == case["clean"]
    assert restored.damage[case["damage"]] >= 1
    assert repairer.restore(restored.text).changes == ()


@pytest.mark.parametrize("case", DATA["torn"], ids=lambda case: case["clean"][:6])
def test_characters_around_lost_bytes_come_back(repairer: Repairer, case: dict[str, str]) -> None:
    clean = case["clean"]
    observed = clean.encode().decode("gbk", "replace")
    restored = repairer.restore(observed)
    kept = restored.text.replace("□", "")
    rest = iter(clean)
    assert all(character in rest for character in kept), restored.text  # nothing but characters of the text
    assert len(kept) >= case["least"] * len(clean)
    assert restored.unrepaired == restored.text.count("□") > 0


@pytest.mark.parametrize("text", DATA["clean"])
def test_what_only_looks_like_an_accident_stays(repairer: Repairer, text: str) -> None:
    assert repairer.restore(text).changes == ()


def test_what_was_lost_between_repaired_stretches_is_counted(repairer: Repairer) -> None:
    observed = "孩子们在堤上放风筝，老人坐在门口晒太阳。".encode().decode("cp1252", "ignore")
    restored = repairer.restore(observed)
    assert "放风" in restored.text
    assert restored.unrepaired >= 3
