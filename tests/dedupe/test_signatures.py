"""Skeletons and signatures: what does not count, and values that must never change."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.dedupe.signatures import (
    SIGNATURE_VERSION,
    SKETCH,
    SPAN,
    SignatureVersionError,
    check_versions,
    shingles,
    sign,
    sketch,
)
from tasks.dedupe.skeleton import folded, skeleton, skeleton_hash
from tasks.tables import SIGNATURES
from tests.corpus import generate

TEXT = (
    "清晨的码头挤满了等船的人，挑担的、推车的、牵着孩子的，都朝雾里张望。老船工把缆绳绕了三圈，冲岸上喊了一声，跳板便放了下来。"
    "第一个上船的是卖豆腐的姑娘，她每天乘头班船过江，赶在8点前把摊子支好。"
)


def signed(*texts: str) -> list[dict[str, object]]:
    table = pa.table({"capture_id": [str(number) for number in range(len(texts))], "text": list(texts)})
    rows: list[dict[str, object]] = sign(table).to_pylist()
    return rows


def test_golden_values_of_version_2() -> None:
    row = signed(TEXT)[0]
    assert SIGNATURE_VERSION == 2, "a new version needs new golden values"
    assert row["skeleton"] == "bba4f0f1c5249ad38777e7a4622e1ed4"
    assert signed(TEXT + "（Volta牌渡轮）")[0]["skeleton"] == "059121fc1c67c9cb965c497d72a40d2a"
    assert row["shingles"] == 81
    assert row["bands"][:3] == [32849777964990749, 576577277833629079, 1650234586466281512]
    assert len(row["bands"]) == SKETCH
    assert sum(row["bands"]) % (1 << 64) == 9048588493395625398
    assert shingles(skeleton(TEXT))[:3].tolist() == [12419116, 110769009, 114404088]


def test_character_table_is_frozen() -> None:
    every = "".join(map(chr, range(0x110000)))
    table = {code: ord(target) for code, target in enumerate(folded(every)) if ord(target) != code}
    assert len(table) == 5108
    assert sum(code * target for code, target in table.items()) == 22753677918914
    assert folded("爲為著裏臺豈 a，") == "为为着里台岂 a，"


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("张望", "張望").replace("缆绳", "纜繩").replace("着", "著").replace("码头", "碼頭"),
        TEXT.replace("码", "码(mǎ)"),
        TEXT.replace("船工", "船(CHUAN)工ｇōng"),
        TEXT.replace("，", ",").replace("。", ".\n\n"),
        "  " + TEXT.replace("8", "８"),
    ],
)
def test_script_glosses_punctuation_and_layout_do_not_count(other: str) -> None:
    assert other != TEXT
    assert skeleton_hash(other) == skeleton_hash(TEXT)
    assert sketch(skeleton(other)).tolist() == sketch(skeleton(TEXT)).tolist()


def test_names_in_latin_letters_count() -> None:
    brand = TEXT.replace("老船工", "Volta公司的老船工")
    assert skeleton_hash(brand) != skeleton_hash(brand.replace("Volta", "Merano"))
    assert skeleton_hash(brand) == skeleton_hash(brand.replace("Volta", "VOLTA"))


def test_numbers_and_characters_count() -> None:
    assert skeleton_hash(TEXT.replace("8", "9")) != skeleton_hash(TEXT)
    assert skeleton_hash(TEXT.replace("三", "四")) != skeleton_hash(TEXT)


def test_texts_without_han_are_told_apart_by_letters() -> None:
    assert skeleton_hash("An English page, 2024.") == skeleton_hash("an  ENGLISH page 2024")
    assert skeleton_hash("An English page.") != skeleton_hash("Another English page.")
    assert skeleton_hash("") == skeleton_hash(" … —") == ""


def test_short_texts_and_texts_without_han_get_no_sketch() -> None:
    rows = signed("", "一行短文。", "only Latin letters " * 40, "一二三四五" * 200, TEXT)
    assert [bool(row["bands"]) for row in rows] == [False, False, False, False, True]
    assert rows[0]["shingles"] == rows[2]["shingles"] == 0


def test_columns_are_those_of_the_table() -> None:
    table = pa.table({"capture_id": ["a"], "text": [TEXT], "url_key": [None], "document_id": ["d"]})
    result = sign(table)
    assert result.schema == SIGNATURES
    assert result.to_pylist()[0]["document_id"] == "d"
    assert sign(table.slice(0, 0)).num_rows == 0


def test_signature_does_not_depend_on_its_neighbours() -> None:
    texts = [sample.text for sample in generate(40, 5)]
    together = signed(*texts)
    for number, text in enumerate(texts):
        alone = signed(text)[0]
        assert {name: alone[name] for name in ("skeleton", "shingles", "bands")} == {
            name: together[number][name] for name in ("skeleton", "shingles", "bands")
        }
        assert alone["shingles"] == shingles(skeleton(text)).size
        assert alone["bands"] == sketch(skeleton(text)).tolist()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_has_a_signature(text: str) -> None:
    row = signed(text)[0]
    assert len(str(row["skeleton"])) in (0, 32)
    codes = skeleton(text)
    assert "".join(map(chr, codes.tolist())) == folded("".join(map(chr, codes.tolist())))
    assert sketch(codes).size <= max(0, codes.size - SPAN + 1)


def test_another_version_stops_with_advice() -> None:
    check_versions([SIGNATURE_VERSION])
    check_versions([])
    with pytest.raises(SignatureVersionError, match="qingyuan reclean"):
        check_versions([SIGNATURE_VERSION, SIGNATURE_VERSION + 1])
