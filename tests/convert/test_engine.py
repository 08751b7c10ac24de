"""The compiled engine gives what opencc-python-reimplemented gives, for all its configurations."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.convert.dictionaries import configurations, read_chain
from tasks.convert.engine import OpenCC
from tests.convert.cases import rows

PACKAGE = "opencc-python-reimplemented"
CONFIGS = configurations(PACKAGE)


@lru_cache(maxsize=2)
def pair(config: str) -> tuple[Callable[[str], str], OpenCC]:
    return opencc.OpenCC(config).convert, OpenCC(config)


@lru_cache(maxsize=2)
def material(config: str) -> tuple[list[str], str]:
    """The keys of a configuration, and the characters they are made of."""
    keys = sorted(
        {key for group in read_chain(PACKAGE, config).steps for entries in group for key in entries}
    )
    return keys, "".join(sorted(set("".join(keys))))


def tangled(config: str, seed: int) -> str:
    """Text that is hard for the matcher: keys that overlap, cut short, doubled, among all kinds of others."""
    chance = random.Random(seed)
    keys, characters = material(config)
    heads: dict[str, list[str]] = {}
    for key in keys:
        heads.setdefault(key[0], []).append(key)
    odd = [*" \n，-“』—　\u2028", "😀", "𠮷", "𫍝", "\ud800", "\udfff", *"A9ｱの\0"]
    parts = []
    for _ in range(100):
        key = chance.choice(keys)
        kind = chance.random()
        if kind < 0.4:  # chained: the next key begins with the last character of this one
            for _ in range(chance.randint(1, 4)):
                parts.append(key)
                following = heads.get(key[-1])
                if not following:
                    break
                key = chance.choice(following)[1:] or key
        elif kind < 0.6:
            parts.append(key[: chance.randint(1, len(key))])
        elif kind < 0.75:
            parts.append(key[chance.randint(0, len(key) - 1) :])
        elif kind < 0.85:
            parts.append(chance.choice(odd))
        else:
            parts.append("".join(chance.choices(characters, k=chance.randint(1, 6))))
    return "".join(parts)


@pytest.mark.parametrize("config", CONFIGS)
def test_same_as_the_package_on_tangled_text(config: str) -> None:
    expected, ours = pair(config)
    for seed in range(4):
        text = tangled(config, seed)
        assert ours.convert(text) == expected(text)


@pytest.mark.parametrize("config", CONFIGS)
def test_same_as_the_package_on_written_text(config: str) -> None:
    expected, ours = pair(config)
    for _, text, *_ in rows("scripts.tsv") + [["", row[0]] for row in rows("tricky.tsv")]:
        assert ours.convert(text) == expected(text), text


@pytest.mark.parametrize("config", CONFIGS)
def test_same_as_the_package_on_every_key_by_itself(config: str) -> None:
    expected, ours = pair(config)
    keys, characters = material(config)
    # Separated, so that the package converts each alone; a sample of the large dictionary.
    text = "\n".join([*characters, *random.Random(1).sample(keys, min(len(keys), 1500))])
    assert ours.convert(text) == expected(text)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(["t2s", "tw2sp", "hk2s"]))
def test_same_as_the_package_on_any_text(data: st.DataObject, config: str) -> None:
    expected, ours = pair(config)
    keys, characters = material(config)
    piece = st.sampled_from(keys) | st.text(st.sampled_from(characters), max_size=4) | st.text(max_size=3)
    text = "".join(data.draw(st.lists(piece, max_size=12)))
    assert ours.convert(text) == expected(text)


@pytest.mark.parametrize("config", ["t2s", "tw2sp", "s2twp"])
@given(
    text=st.text(
        st.sampled_from("一二三乾隆著作名書裡麼伺服器檔案后发出只里面，\n ab") | st.characters(), max_size=60
    )
)
@settings(max_examples=60, deadline=None)
def test_what_stays_undecided_points_at_characters_that_stayed_single(config: str, text: str) -> None:
    traced = pair(config)[1].trace(text)
    assert traced.text == pair(config)[1].convert(text)
    for start, place, values in traced.undecided:
        assert len(values) > 1
        assert text[start] in "".join(character_keys(config))
        assert traced.text[place] != "\n"
    starts = [item.start for item in traced.undecided]
    assert starts == sorted(set(starts))


@lru_cache(maxsize=4)
def character_keys(config: str) -> frozenset[str]:
    return frozenset(key for group in read_chain(PACKAGE, config).steps for key in group[-1])


def test_places_of_undecided_characters_when_lengths_change() -> None:
    traced = OpenCC("tw2sp").trace("網際網路乾檔案館網際網路乾")
    assert [(item.start, item.place) for item in traced.undecided] == [(4, 3), (12, 10)]
    assert traced.text == "互联网干文件馆互联网干"


def test_a_phrase_decides() -> None:
    engine = OpenCC("t2s")
    assert [item.start for item in engine.trace("乾隆乾").undecided] == [2]
    assert engine.trace("乾隆").undecided == []


def test_keys_can_be_left_out() -> None:
    assert OpenCC("tw2s").convert("什么抬") == "什幺擡"
    assert OpenCC("tw2s", without=["么", "抬"]).convert("什么抬") == "什么抬"


def test_words_come_first_and_the_rest_is_converted_around_them() -> None:
    engine = OpenCC("t2s", words={"乾淨": "乾淨", "張於": "张於", "張於之": "张于之"})
    assert engine.convert("乾淨張於之說張於說乾") == "乾淨张于之说张於说干"
    assert [item.start for item in engine.trace("乾淨乾張於之乾").undecided] == [2, 6]


def test_repetition_costs_no_more_than_other_text() -> None:
    """Overlaps without end: the time must not grow with the square of the length (it takes minutes if it does)."""
    engine = OpenCC("t2s")
    for unit in ("乾", "乾隆", "著乾隆乾坤", "了解了", "於"):
        assert engine.convert(unit * 10_000) == engine.convert(unit * 100) * 100
