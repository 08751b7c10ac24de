"""The normal form: each rule with its cases, and the properties of the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import NormaliseSettings
from tasks.clean.characters import newlines
from tasks.clean.edits import replay
from tasks.clean.normalise import Normaliser

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "clean" / "normalise.yaml").read_text("utf-8"))
ROWS = [
    (group, case["given"], case.get("wanted", case["given"]))
    for group, cases in CASES.items()
    for case in cases
]
NORMALISER = Normaliser(NormaliseSettings())
# Characters that the rules look at, and some they must not.
ALPHABET = (
    "湖边小学的了是,;:?!()\"'“”‘’（）。，、：；！？…—"
    "·.％１Ａａ12ab \t\u3000\u00a0\n\u200b\ue001\ufe0f\u0301ｶﾞ⼀-<>/="
)
TEXTS = st.text(alphabet=ALPHABET, max_size=60)


def normal(text: str) -> str:
    trail = NORMALISER.normalise(text)
    return trail[-1][1].text if trail else text


@pytest.mark.parametrize(("group", "text", "wanted"), ROWS, ids=[f"{row[0]}-{row[1][:12]!r}" for row in ROWS])
def test_each_rule(group: str, text: str, wanted: str) -> None:
    assert normal(text) == wanted.strip()


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normal(text)
    assert normal(once) == once


@given(TEXTS)
def test_the_edits_lead_to_the_normal_form(text: str) -> None:
    assert replay(text, NORMALISER.normalise(text)) == normal(text)


@given(TEXTS)
def test_no_han_character_is_lost(text: str) -> None:
    def han(value: str) -> list[str]:
        return [char for char in value if "\u4e00" <= char <= "\u9fff"]

    kept = han(normal(text.replace("⼀", "").replace("\u0301", "")))
    assert kept == han(text)


def test_punctuation_can_be_left_alone() -> None:
    plain = Normaliser(NormaliseSettings(punctuation=False, quotes=False))
    assert plain.normalise('他说"好",走了') == ()


def test_a_headline_keeps_the_space_between_its_parts() -> None:
    assert NORMALISER.headline(" 春天来了!  一起\n看花 ") == "春天来了！ 一起 看花"


def test_every_line_end_is_a_line_feed() -> None:
    assert newlines("a\r\nb\rc\u2028d\x0be") == "a\nb\nc\nd\ne"
