"""The forward model: what a mirror makes of a clean text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.clean.repair import damage, mirror_text
from tasks.clean.repair.forward import encode, surface


def never(place: object) -> bool:
    return False


def always(place: object) -> bool:
    return True


@given(st.text(alphabet="石橋建成已經四百多年，。！？、“”abc 12\n", max_size=60))
def test_nothing_chosen_changes_nothing(text: str) -> None:
    assert damage(text, {}, never).text == text


def test_a_gloss_follows_its_character() -> None:
    damaged = damage("石橋和橋", {"橋": "qiáo"}, never)
    assert damaged.text == "石橋(qiáo)和橋(qiáo)"
    assert [(place.kind, place.start, place.what) for place in damaged.places] == [
        ("gloss", 1, "橋"),
        ("gloss", 3, "橋"),
    ]


def test_a_cut_orphans_a_lead_byte_and_shifts_what_follows() -> None:
    # 。 is A1 A3, “ is A1 B0: the trigger ！ (A3 A1) stands across them.
    damaged = damage("好。“石橋", {}, always)
    assert damaged.text.startswith("好?！")
    assert "石橋" not in damaged.text
    assert [(place.kind, place.start) for place in damaged.places] == [("cut", 1)]


def test_a_gloss_inside_two_characters_swallows_its_bracket() -> None:
    # 們 is 82 83 and 愿 is D4 B8: the bytes 83 D4 of 冊 stand across them.
    damaged = damage("們愿意", {"冊": "cè"}, never)
    assert damaged.text.startswith("們?cè)")
    assert damaged.places[0].kind == "shift"


@pytest.mark.parametrize(("raw", "shown"), [
    (b"\xb5\xc41", "的1"), (b"\xb51x", "?x"), (b"\xb5\x20", "?"), (b"\x80a", "€a"), (b"\xff", "?"),
    (b"\xa3", "?"), (b"\xb5\x7fa", "?a"), (b"\xf9\xd3".join([b"", b""]), "\ue2d9"),
])  # fmt: skip
def test_surface(raw: bytes, shown: str) -> None:
    if shown == "\ue2d9":
        assert surface(raw).encode("gb18030") == raw
    else:
        assert surface(raw) == shown


def test_outside_gbk_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="U\\+1F600"):
        encode("好😀")


def test_mirror_text_stays_inside_gbk() -> None:
    table = str.maketrans("桥发后", "橋發後")
    text = mirror_text("石桥发生在后面😀", lambda character: character.translate(table))
    assert text == "石橋發生在后面〇"
    encode(text)
