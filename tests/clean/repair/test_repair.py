"""The way back: damaged pages restored, with edits that explain and reproduce the repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import RepairSettings
from tasks.clean.repair import Repairer, Restored, damage
from tasks.clean.repair.codepage import scripts
from tasks.clean.repair.shift import PRIVATE_USE, fold
from tests.clean.repair.pages import CASES, damaged_page, prose

CLEAN = json.loads((CASES / "clean.json").read_text(encoding="utf-8"))["cases"]
HABIT = "石橋(qiáo)建成已經(jīng)四百多年，橋(qiáo)上不再走車(chē)，記者(zhě)說(shuō)。"
HABIT = HABIT.replace("者(zhě)", "者")


@pytest.fixture(scope="module")
def repairer() -> Repairer:
    return Repairer(RepairSettings())


def replayed(text: str, restored: Restored) -> str:
    """The text rebuilt from the edits alone."""
    for _name, change in restored.changes:
        parts, last = [], 0
        for edit in change.edits:
            assert edit.start >= last
            assert text.startswith(edit.before, edit.start)
            parts += [text[last : edit.start], edit.after]
            last = edit.start + len(edit.before)
        text = "".join(parts) + text[last:]
        assert text == change.text
    return text


@pytest.mark.parametrize("seed", range(6))
def test_damaged_pages_come_back(repairer: Repairer, seed: int) -> None:
    damaged, clean = damaged_page(seed)
    page = "\n".join(item.text for item in damaged)
    restored = repairer.restore(page)
    assert replayed(page, restored) == restored.text
    lines = restored.text.split("\n")
    assert len(lines) == len(clean)
    marked = [
        edit for name, change in restored.changes if name == "repair" for edit in change.edits if edit.alternatives
    ]  # fmt: skip
    wrong = sum(line != text for line, text in zip(lines, clean, strict=True))
    assert wrong <= len(marked) + restored.text.count("□") + restored.unrepaired
    assert wrong <= 2
    assert restored.damage["pinyin_gloss"] > 20


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_page_stays(repairer: Repairer, seed: int) -> None:
    damaged, _ = damaged_page(seed)
    once = repairer.restore("\n".join(item.text for item in damaged)).text
    again = repairer.restore(once)
    assert again.text == once
    assert again.changes == ()


@pytest.mark.parametrize("case", CLEAN, ids=[case["name"] for case in CLEAN])
def test_clean_text_is_left_alone(repairer: Repairer, case: dict[str, str]) -> None:
    restored = repairer.restore(case["text"])
    assert restored.text == case["text"]
    assert restored.changes == ()
    assert restored.unrepaired == 0


def test_clean_prose_is_left_alone(repairer: Repairer) -> None:
    for text in ("\n".join(prose()), "\n".join(prose()).translate(scripts().simplified)):
        assert repairer.restore(text).changes == ()


@pytest.mark.parametrize(("clean", "gloss"), [
    ("們愿意上臺講話。", {"冊": "cè"}),
    ("橋上說：“真美啊。”孩子們笑了。", {}),
    ("他走了。“等等我。”她說。", {}),
    ("這一段路很長。。。走不完", {}),
    ("歡迎光臨！！！請進", {}),
    ("水落石出。海邊的人都來了", {}),
])  # fmt: skip
@pytest.mark.parametrize("narrow", [False, True])
def test_single_places(repairer: Repairer, clean: str, gloss: dict[str, str], narrow: bool) -> None:
    cut = damage(clean, gloss, lambda place: place.kind == "cut" and place.start < 6).text
    page = f"{HABIT}\n{cut}\n{HABIT}"
    restored = repairer.restore(fold(page) if narrow else page)
    assert fold(restored.text.split("\n")[1]) == fold(clean)


def test_a_lost_digit_is_marked_never_guessed(repairer: Repairer) -> None:
    shifted = damage("這里人口的31%會釣魚", {"侀": "x"}, lambda place: False).text
    assert "31%" in shifted
    # 總 BF 82, 人 C8: 82 C8 glossed; the digit 3 after the shifted 的 is swallowed.
    character = b"\x82\xc8".decode("gb18030")
    broken = damage("總人口的31%會釣魚", {character: "cè"}, lambda place: False).text
    assert "3" not in broken
    restored = repairer.restore(f"{HABIT}\n{broken}\n{HABIT}")
    assert "總人口的□1%" in restored.text
    assert restored.unrepaired >= 1
    rules = [edit.rule for name, change in restored.changes if name == "repair" for edit in change.edits]
    assert rules == ["repair.lost"]


def test_another_copy_fills_a_lost_digit(repairer: Repairer) -> None:
    character = b"\x82\xc8".decode("gb18030")
    broken = damage("據統計，總人口的31%會釣魚。", {character: "cè"}, lambda place: False).text
    restored = repairer.restore(f"{HABIT}\n{broken}", siblings={"ab12": "据统计，总人口的31%会钓鱼。"})
    assert "總人口的31%會釣魚" in restored.text
    assert restored.unrepaired == 0
    edit = next(edit for name, change in restored.changes if name == "repair" for edit in change.edits)
    assert "another copy of the article (ab12) has '3'" in edit.reason


def test_another_copy_settles_a_name(repairer: Repairer) -> None:
    # 常 and 海 share the trail byte A3 with 福: without another copy the name is a guess.
    broken = damage("記者張賀福、李明報道", {}, lambda place: place.kind == "cut").text
    assert "?" in broken
    restored = repairer.restore(f"{HABIT}\n{broken}", siblings={"ab12": "记者张贺福、李明报道"})
    assert "張賀福、李明" in restored.text


def test_dropped_private_use_characters_are_bridged(repairer: Repairer) -> None:
    from tasks.clean.repair.shift import PRIVATE_USE

    shifted = damage("燈塔的光對兒童來說很亮", {}, lambda place: False).text
    assert shifted == "燈塔的光對兒童來說很亮"
    kept = damage("戲對兒童來說很好看", {b"\xf2\x8c".decode("gb18030"): "qū"}, lambda place: False).text
    assert PRIVATE_USE.search(kept)
    restored = repairer.restore(f"{HABIT}\n{kept}")
    assert "戲對兒童來說很好看" in restored.text


def test_a_page_that_is_cut_but_not_glossed_comes_back(repairer: Repairer) -> None:
    text = "\n".join(prose())
    cut = "\n".join(damage(part, {}, lambda place: place.kind == "cut").text for part in prose())
    assert "?" in cut
    restored = repairer.restore(cut)
    pairs = zip(fold(restored.text).split("\n"), fold(text).split("\n"), strict=True)
    wrong = sum(line != clean for line, clean in pairs)
    edits = [edit for _name, change in restored.changes for edit in change.edits]
    assert len(edits) == restored.damage["gbk_shift"] >= 5
    assert wrong <= 1
    assert wrong <= sum(bool(edit.alternatives) for edit in edits)


def test_damage_that_cannot_be_decided_is_counted(repairer: Repairer) -> None:
    cut = damage("走了。海邊", {}, lambda place: place.kind == "cut").text
    restored = repairer.restore(cut)
    assert restored.changes == ()
    assert restored.damage["gbk_shift"] == restored.unrepaired == 1


@pytest.mark.parametrize("text", ["你怎麼來了?！真的嗎??!好吧?，走", "這個字讀什麼?!饕餮，還是魑魅?！魍魎"])
def test_marks_in_a_row_are_no_damage(repairer: Repairer, text: str) -> None:
    restored = repairer.restore(text)
    assert restored.changes == ()
    assert restored.unrepaired == 0


def test_a_gloss_between_a_character_and_a_letter_goes(repairer: Repairer) -> None:
    # 改 ends with C4, and C4 58 (X) is 腦: a page that glosses 腦 glosses this too.
    glossed = damage("電腦壞了，已改XP系統", {"腦": "nǎo"}, lambda place: False).text
    assert "X(nǎo)P" in glossed
    assert repairer.restore(f"{HABIT}\n{glossed}").text.endswith("電腦壞了，已改XP系統")


def test_a_gloss_may_follow_the_letter_that_ends_a_shift(repairer: Repairer) -> None:
    # 代 ends with FA, 條 is 97 6C: a page that glosses FA97 (鷹) and 條 leaves `代?yīng)l(tiáo)件`.
    shifted = damage("在新的時代條件下合作", {"條": "tiáo", "鷹": "yīng"}, lambda place: False).text
    assert "?yīng)l(tiáo)" in shifted
    assert repairer.restore(f"{HABIT}\n{shifted}").text.endswith("在新的時代條件下合作")


def test_what_the_page_has_elsewhere_settles_a_name(repairer: Repairer) -> None:
    broken = damage("記者張常、李明報道", {}, lambda place: place.kind == "cut").text
    assert "?" in broken
    told = repairer.restore(f"{HABIT}\n與會的有張常、李明等人。\n{broken}").text
    assert told.endswith("記者張常、李明報道")


def test_what_dropped_characters_held_is_not_guessed(repairer: Repairer) -> None:
    # 他 and 她 are as likely; the byte that told them apart was dropped with a private-use character.
    clean = "她們說：“這樣很好。”他在陽臺上種花，從前的車間里沒有花。"
    cut = damage(clean, {}, lambda place: place.kind == "cut").text
    dropped = PRIVATE_USE.sub("", cut)
    assert dropped != cut
    assert repairer.restore(f"{HABIT}\n{cut}").text.endswith(clean)
    restored = repairer.restore(f"{HABIT}\n{dropped}")
    assert restored.text.endswith("“這樣很好。”□在陽臺上種花，從前的車間里沒有花。")
    edit = next(edit for _, change in restored.changes for edit in change.edits if "□" in edit.after)
    assert edit.rule == "repair.lost"
    assert {"他", "她"} <= {other[2:3] for other in edit.alternatives}
    assert restored.unrepaired == 1
    told = repairer.restore(f"{HABIT}\n{dropped}", siblings={"copy": clean})
    assert told.text.endswith(clean)
    assert told.unrepaired == 0


def test_two_cuts_close_together_come_back(repairer: Repairer) -> None:
    clean = "她看了覺得這樣很好。可是同事看了覺得非常好，感動的流淚。"
    cut = damage(clean, {}, lambda place: place.kind == "cut").text
    assert cut.count("?") >= 2
    assert repairer.restore(f"{HABIT}\n{cut}").text.endswith(clean)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="石橋(qiáo)?！。，?!們冊è)\n“”x1&;nbsp", max_size=80))
def test_any_text_replays_and_settles(text: str) -> None:
    repairer = Repairer(RepairSettings())
    page = f"{HABIT}\n{text}"
    restored = repairer.restore(page)
    assert replayed(page, restored) == restored.text


@pytest.mark.shared
def test_seeds_are_exact(repairer: Repairer, shared: Path) -> None:
    simplified = scripts().simplified
    for gold in sorted((shared / "seeds" / "gold").glob("*.json")):
        expected = json.loads(gold.read_text(encoding="utf-8"))
        text = (shared / "seeds" / expected["capture"]).read_text(encoding="utf-8")
        found = fold(repairer.restore(text).text.translate(simplified)).replace("著", "着")
        for line in fold(expected["text"]).replace("著", "着").split("\n"):
            assert line.replace(" ", "") in found.replace(" ", "").replace("幺", "么"), line[:40]


DROPPED = {
    "皇钦": "\ue0ed皇钦",  # bytes AC D2, the trail of the comma and the lead of the next character
    "酥贫然ⅰ": "酥贫然\ue1d6\ue5d1ⅰ",  # as seed 004 has it
}
"""What two of the spans hold in their pages: the list has lost its characters of the private-use area."""


@pytest.mark.shared
@pytest.mark.parametrize(("dropped", "floor"), [(True, 28), (False, 30)])
def test_spans_are_exact_or_marked(dropped: bool, floor: int, repairer: Repairer, shared: Path) -> None:
    """A lost digit is marked, and so is what lost bytes may have held; with these bytes it is exact."""
    simplified = scripts().simplified
    exact = 0
    for line in (shared / "damage" / "spans.jsonl").read_text(encoding="utf-8").splitlines():
        span = json.loads(line)
        observed = span["observed"]
        for lost, whole in DROPPED.items() if not dropped else ():
            observed = observed.replace(lost, whole)
        text = repairer.restore(f"{HABIT}\n{observed}\n{HABIT}").text.split("\n")[1]
        right = fold(text.translate(simplified)) == fold(span["clean"].translate(simplified))
        assert right or "□" in text, span
        exact += right
    assert exact >= floor
