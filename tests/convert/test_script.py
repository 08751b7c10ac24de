"""Which script a text is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import ConvertSettings
from tasks.convert import Converter, Script
from tasks.convert.script import telling, weigh, weigh_each
from tests.convert.cases import rows

CONVERTER = Converter(ConvertSettings())


@pytest.mark.parametrize(("script", "text", "why"), [row[:3] for row in rows("scripts.tsv")])
def test_written_cases(script: str, text: str, why: str) -> None:
    assert CONVERTER.detect(text) == script, why


def test_characters_that_both_scripts_share_tell_nothing() -> None:
    hans, hant = telling()
    assert not hans & hant
    assert len(hans) > 3500
    assert len(hant) > 4000
    for character in "群峰床秘么温并里着后于干面台只":
        assert character not in hans
    for character in "著乾於徵瞭藉":
        assert character not in hant
    assert set("们这说见门马鸟") <= hans
    assert set("們這說見門馬鳥") <= hant


def test_lone_surrogates_and_characters_beyond_the_bmp() -> None:
    assert CONVERTER.detect("\ud800這個說法\udfff𠮷😀") is Script.HANT


@given(st.lists(st.text(st.sampled_from("这们這們人のアabc，"), max_size=20), min_size=1, max_size=8))
def test_the_evidence_of_the_pieces_adds_up(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    starts = [sum(len(piece) + 1 for piece in pieces[:number]) for number in range(len(pieces))]
    assert weigh_each(text, starts) == [weigh(piece) for piece in pieces]


@pytest.mark.parametrize("settings", [ConvertSettings(mixed_share=0.4), ConvertSettings(mixed_share=0.0)])
def test_the_share_that_makes_a_mixture_is_a_setting(settings: ConvertSettings) -> None:
    text = "这些说话们見門"  # five Simplified, two Traditional
    assert CONVERTER.detect(text) is Script.MIXED
    assert Converter(settings).detect(text) is (Script.HANS if settings.mixed_share else Script.MIXED)
