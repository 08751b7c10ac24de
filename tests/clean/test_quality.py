"""Quality figures, reject rules, spinning, masking, junk."""

from __future__ import annotations

import dataclasses

import pytest

from config.settings import PrivacySettings, QualitySettings
from tasks.clean.junk import known_kind, unreadable_share
from tasks.clean.privacy import is_identity_number, is_luhn, mask
from tasks.clean.quality import Quality, judge, measure
from tasks.clean.spun import score_spun
from tasks.tables import QUALITY

PROSE = "山脚下的小学只有十九个学生，老师每天划船接送，风雨无阻，已经坚持了整整八年。孩子们最喜欢的是听船桨的声音。"


def test_figures_of_a_small_text() -> None:
    quality = measure("湖边的小学，有3个班。\nABC\n", damage=2, unrepaired=1, link_density=0.1)
    assert (quality.characters, quality.han) == (14, 8)
    assert quality.han_share == pytest.approx(8 / 14)
    assert quality.digit_share == pytest.approx(1 / 14)
    assert quality.latin_share == pytest.approx(3 / 14)
    assert quality.punctuation_share == pytest.approx(2 / 14)
    assert quality.stop_share == pytest.approx(2 / 8)
    assert (quality.damage, quality.unrepaired, quality.link_density) == (2, 1, 0.1)


def test_the_row_has_the_fields_of_the_table() -> None:
    assert list(measure(PROSE).row()) == [field.name for field in QUALITY]
    assert list(measure("").row()) == [field.name for field in QUALITY]


def test_repetition_counts_what_came_before() -> None:
    assert measure(PROSE).line_repetition == 0
    assert measure(PROSE).ngram_repetition == 0
    assert measure(f"{PROSE}\n{PROSE}").line_repetition == pytest.approx(0.5)
    assert measure(f"{PROSE}{PROSE}").ngram_repetition == pytest.approx(0.4, abs=0.1)


def test_scores_of_lists_and_adverts() -> None:
    assert measure("\n".join(f"某某镇召开第{n}次会议" for n in range(20))).list_page == 1
    assert measure("\n".join([PROSE] * 9)).list_page == 0
    assert measure("澳门赌场、真人百家乐、老虎机、足球投注，欢迎。" * 3).advert > 0.9
    assert measure(f"{PROSE}他在文章里批评了网上赌博的现象，说百家乐害人不浅。").advert == 0


def figures(**values: float | None) -> Quality:
    return dataclasses.replace(measure(PROSE * 8), ngram_repetition=0.0, **values)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, None),
        ({"han": 19}, "quality.min_han"),
        ({"han_share": 0.01}, "quality.min_han_share"),
        ({"stop_share": 0.0}, "quality.min_stop_share"),
        ({"stop_share": 0.0, "han": 60}, None),
        ({"line_repetition": 0.9}, "quality.max_line_repetition"),
        ({"ngram_repetition": 0.9}, "quality.max_ngram_repetition"),
        ({"symbol_share": 0.5}, "quality.max_symbol_share"),
        ({"digit_share": 0.5}, "quality.max_digit_share"),
        ({"unrepaired": 400}, "quality.max_unrepaired_share"),
        ({"link_density": 0.95}, "quality.max_link_density"),
        ({"advert": 0.7}, "quality.max_advert"),
        ({"spun": 0.99, "list_page": 0.7}, None),
    ],
    ids=str,
)
def test_reject_rules(changed: dict[str, float], rule: str | None) -> None:
    quality = dataclasses.replace(figures(), **changed)
    verdict = judge(quality, QualitySettings())
    assert (verdict.rule if verdict else None) == rule
    if verdict:
        assert verdict.reason
        assert verdict.figure != verdict.threshold


def test_thresholds_come_from_the_settings() -> None:
    assert judge(figures(spun=0.9), QualitySettings(max_spun=0.8)) is not None
    assert judge(figures(), QualitySettings(min_han=10_000)) is not None


def test_spun_text_is_scored_with_its_evidence() -> None:
    spun = score_spun("县委推动下层党组织充实发挥作用，赤色资源丰富，步队建设增强，群众的得到感更强。", 40)
    assert spun.score > 0.5
    assert {phrase for phrase, _original, _count in spun.evidence} >= {"下层党组织", "充实发挥", "得到感"}
    assert ("下层党组织", "基层党组织", 1) in spun.evidence


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "运动会结束了，大家团结一致，结果非常好，漂亮极了。他办理了手续，成长了许多，题目也做完了。",
        "骨干队伍建设要抓紧，大门生锈了也要修，标新立异不是目的。",
        "县委推动基层党组织充分发挥作用，红色资源丰富，队伍建设加强，群众的获得感更强。",
    ],
)
def test_ordinary_words_are_not_spun(text: str) -> None:
    assert score_spun(text, len(text)).score == 0


def test_one_odd_phrase_is_no_spun_text() -> None:
    assert score_spun(f"{PROSE * 6}有人说到得到感。", 300).score < 0.5


def test_traditional_text_is_folded() -> None:
    assert score_spun("推動下層黨組織充實發揮作用", 12).score > 0


IDENTITY = "110101199003070003"
CARD = "6222020000000000008"


def test_check_digits() -> None:
    digits = IDENTITY[:17]
    valid = [digits + end for end in "0123456789X" if is_identity_number(digits + end)]
    assert len(valid) == 1
    assert not is_identity_number(digits[:10] + "1399" + valid[0][14:])
    assert sum(is_luhn("622202000000000000" + end) for end in "0123456789") == 1
    assert is_luhn("79927398713")


def test_nothing_is_masked_by_default() -> None:
    text = f"手机13800138000，邮箱a.b@example.com，证件{IDENTITY}。"
    assert mask(text, PrivacySettings()).edits == ()


def test_each_kind_is_masked_and_look_alikes_are_not() -> None:
    every = PrivacySettings(identity_numbers=True, mobile_numbers=True, bank_cards=True, email_addresses=True)
    number = next(IDENTITY[:17] + end for end in "0123456789X" if is_identity_number(IDENTITY[:17] + end))
    card = next("622202000000000000" + end for end in "0123456789" if is_luhn("622202000000000000" + end))
    text = f"手机13800138000或+86 139-0013-9000，邮箱a.b@example.com，证件{number}，卡号{card}。"
    masked = mask(text, every).text
    assert masked == (
        "手机138********或+86 139-****-****，邮箱a.*@*******.***，证件110101************，卡号6222***************。"
    )
    assert mask(masked, every).edits == ()
    for other in (
        "编号12345678901234567890",
        "长度1380013800米",
        "版本1.3800138000",
        "订单110101199013071233",
        "总价13800138000元，约合13800138000万",
    ):
        assert mask(other, every).edits == ()


def test_numbers_are_masked_as_people_write_them() -> None:
    every = PrivacySettings(identity_numbers=True, mobile_numbers=True)
    number = next(IDENTITY[:17] + end for end in "0123456789X" if is_identity_number(IDENTITY[:17] + end))
    spaced = f"{number[:6]} {number[6:14]} {number[14:]}"
    assert mask(f"证件{spaced}", every).text == "证件110101 ******** ****"
    assert mask("0086-13800138000. Call 13800138000.", every).text == "0086-138********. Call 138********."


@pytest.mark.parametrize(
    ("payload", "kind"),
    [(b"%PDF-1.4", "a PDF document"), (b"\x89PNG\r\n", "a PNG image"), ("正文".encode(), None)],
)
def test_payloads_that_are_no_text(payload: bytes, kind: str | None) -> None:
    assert known_kind(payload) == kind


def test_unreadable_bytes_are_weighed() -> None:
    assert unreadable_share("正文".encode(), "正文" * 50 + "\ufffd", "utf-8") == 0
    assert unreadable_share(b"\x00" * 50, "正文" * 10, "utf-8") == 1
    assert unreadable_share(b"\x00" * 50, "正文" * 10, "utf-16-le") == 0
