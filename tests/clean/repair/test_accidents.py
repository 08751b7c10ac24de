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
