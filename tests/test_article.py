"""One capture through every stage: pages as data, bad input, the trail, the seeds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings, load_settings
from tasks.article import Article, Cleaner
from tasks.clean.chrome import line_hash
from tasks.clean.edits import replay
from tasks.shards import cleaned, staged_row
from tasks.staging import to_batch
from tasks.tables import CLEANED, STAGED, Capture, Outcome

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "clean" / "pages.yaml").read_text("utf-8"))
PROSE = "山脚下的小学只有十九个学生，老师每天划船接送，风雨无阻，已经坚持了整整八年。孩子们都说，最喜欢听船桨的声音。"


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner(load_settings())


def capture(text: str | bytes, **values: Any) -> Capture:
    payload = text.encode() if isinstance(text, str) else text
    return Capture(
        **{"source": "test", "locator": "page.txt", "payload": payload, "media_type": "text/plain"} | values
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_article_is_found_in_a_page(cleaner: Cleaner, case: dict[str, Any]) -> None:
    article = cleaner.clean(capture(case["input"]))
    assert article.outcome is Outcome.KEPT, article.reason
    assert article.text == (case["input"] if case.get("keep") else case["text"])
    for name in ("title", "source", "author", "published_at", "editors"):
        assert getattr(article.metadata, name) == case.get(name), name
    assert set(article.damage) == set(case.get("damage", ())), article.edits


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_trail_replays_and_a_clean_text_stays(cleaner: Cleaner, case: dict[str, Any]) -> None:
    article = cleaner.clean(capture(case["input"]))
    assert replay(article.original, article.trail) == article.text
    again = cleaner.clean(capture(article.text))
    assert (again.text, again.trail) == (article.text, ())


@pytest.mark.parametrize(
    ("given", "outcome", "rule", "words"),
    [
        (capture(b""), Outcome.REJECTED, "clean.empty", "empty"),
        (capture(" \n\u3000\n"), Outcome.REJECTED, "clean.empty", "white space"),
        (capture(b"%PDF-1.7\n%\xe2\xe3"), Outcome.REJECTED, "clean.binary", "PDF"),
        (capture(bytes(range(256)) * 40), Outcome.REJECTED, "clean.binary", "no text"),
        (
            capture("Only English words stand in this capture. " * 20),
            Outcome.REJECTED,
            "quality.min_han",
            "0 Han",
        ),
        (
            capture("<html><body></body></html>", media_type="text/html"),
            Outcome.REJECTED,
            "clean.empty",
            "no text",
        ),
        (
            capture(b"x", error="the archive ends in the middle of a member"),
            Outcome.FAILED,
            "collect.error",
            "archive",
        ),
        (
            capture("澳门赌场、真人百家乐、老虎机、足球投注、时时彩平台，欢迎试玩。" * 9),
            Outcome.REJECTED,
            "quality.max_advert",
            "advert",
        ),
        (
            capture("一样的一行字反复出现在这里。\n" * 60),
            Outcome.REJECTED,
            "quality.max_line_repetition",
            "repeated",
        ),
    ],
    ids=["empty", "blank", "pdf", "bytes", "english", "bare html", "unreadable", "gambling", "repeated"],
)
def test_bad_input_ends_with_a_reason(
    cleaner: Cleaner, given: Capture, outcome: Outcome, rule: str, words: str
) -> None:
    article = cleaner.clean(given)
    assert (article.outcome, article.rule) == (outcome, rule), article.reason
    assert words in article.reason


def test_an_error_in_a_stage_becomes_an_outcome(cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> None:
        raise RuntimeError("the table is missing")

    monkeypatch.setattr("tasks.clean.chrome.fold", broken)
    article = cleaner.clean(capture(PROSE))
    assert article.outcome is Outcome.FAILED
    assert article.reason == "chrome failed: RuntimeError: the table is missing"


def test_a_gigantic_line_is_cleaned(cleaner: Cleaner) -> None:
    text = "".join(f"第{number}天，{PROSE}" for number in range(4000))
    article = cleaner.clean(capture(text))
    assert article.rule in ("clean", "quality.max_ngram_repetition")


def test_posts_keep_their_places_through_every_change(cleaner: Cleaner) -> None:
    words = "鄉(xiāng)村學(xué)校開(kāi)課,長(zhǎng)輩們(men)來(lái)當(dāng)老師(shī)。"
    posts = "".join(
        f'<div class="post"><a href="space-uid-{number}.html">會員{number}</a> <span>發表於 2016-3-8 21:1{number}'
        f'</span><div class="content">第{number}樓：{words}</div></div>'
        for number in range(1, 5)
    )
    head = "鄉村學校開課了嗎"
    page = f"<html><head><title>{head} - 論壇</title></head><body><h1>{head}</h1>{posts}</body></html>"
    article = cleaner.clean(capture(page, media_type="text/html"))
    assert [post.author for post in article.posts] == ["会员1", "会员2", "会员3", "会员4"]
    assert [post.published_at for post in article.posts] == [f"2016-03-08T21:1{n}:00" for n in range(1, 5)]
    assert all(article.text.startswith(f"第{n}楼", post.start) for n, post in enumerate(article.posts, 1))


def test_headlines_of_html_pages_are_repaired_and_converted_like_the_text(cleaner: Cleaner) -> None:
    words = "鄉(xiāng)村學(xué)校開(kāi)課,長(zhǎng)輩們(men)來(lái)當(dāng)老師(shī)。"
    head = "鄉(xiāng)村學(xué)校"
    page = (
        f"<html><head><title>{head}</title></head><body><h1>{head}</h1><div>{words * 12}</div></body></html>"
    )
    article = cleaner.clean(capture(page, media_type="text/html"))
    assert article.metadata.title == "乡村学校"
    assert "xué" not in article.text
    assert replay(article.original, article.trail) == article.text


def test_a_title_given_beside_the_text_wins_and_may_hold_anything(cleaner: Cleaner) -> None:
    article = cleaner.clean(capture(PROSE, title="湖邊的\ud800小學,一堂課"))
    assert article.metadata.title is not None
    assert article.metadata.title.startswith("湖边的")
    assert article.metadata.title.endswith("小学，一堂课")


def test_recurring_lines_go_at_the_edges_only(cleaner: Cleaner) -> None:
    line = "青湖网友情提醒大家注意防火防盗"
    text = f"{PROSE}\n{line}\n{PROSE[::-1]}。\n{line}"
    recurring = {"hu.example.cn": {line_hash(line)}}
    article = cleaner.clean(capture(text, url="http://hu.example.cn/1.html"), recurring=recurring)
    assert article.text.count(line) == 1
    other = cleaner.clean(capture(text, url="http://shan.example.cn/1.html"), recurring=recurring)
    assert other.text.count(line) == 2
    assert cleaner.clean(capture(text)).text.count(line) == 2


def test_personal_data_is_masked_on_demand_only() -> None:
    text = f"{PROSE}联系人手机13800138000，邮箱xiaoxue@example.com，请尽快报名参加。"
    settings = load_settings()
    assert "13800138000" in Cleaner(settings).clean(capture(text)).text
    masked = Cleaner(load_settings(clean={"privacy": {"mobile_numbers": True, "email_addresses": True}}))
    article = masked.clean(capture(text))
    assert "13800138000" not in article.text
    assert "13800138000" not in json.dumps(article.row(), ensure_ascii=False, default=str)
    assert "xiaoxue" not in article.text
    assert article.quality == Cleaner(settings).clean(capture(text)).quality  # decides nothing


def test_rows_fit_the_table_and_json_has_the_promised_keys(cleaner: Cleaner) -> None:
    given = [capture(CASES[0]["input"], url="https://Example.com/a?utm_source=x"), capture(b"")]
    articles = [cleaner.clean(item) for item in given]
    table = cleaned(to_batch([staged_row(item) for item in given], STAGED), articles)
    table.validate(full=True)
    assert table.schema == CLEANED
    assert not [column.name for column in CLEANED if not column.nullable and table[column.name].null_count]
    assert table["url_key"].to_pylist() == ["example.com/a", None]
    assert table.column("outcome").to_pylist() == ["kept", "rejected"]
    assert table.column("text").to_pylist()[1] is None
    promised = "capture url title text source author published_at script converted edits damage quality outcome reason"
    for article in articles:
        assert set(promised.split()) <= set(json.loads(json.dumps(article.to_json())))


def test_a_cleaner_is_the_same_in_a_worker_process(cleaner: Cleaner) -> None:
    other = Cleaner(Settings.model_validate_json(load_settings().model_dump_json()))
    assert other.clean(capture(PROSE)).row() == cleaner.clean(capture(PROSE)).row()


def test_a_spun_text_keeps_the_evidence_in_its_row(cleaner: Cleaner) -> None:
    spun = "县委推动下层党组织充实发挥作用，赤色资源丰富，步队建设增强，群众的得到感更强。"
    assert "下层党组织 ← 基层党组织" in cleaner.clean(capture(spun)).row()["quality"]["spun_evidence"]
    assert not cleaner.clean(capture(PROSE)).row()["quality"]["spun_evidence"]


@pytest.mark.shared
def test_the_seeds_are_exact(cleaner: Cleaner, shared: Path) -> None:
    for path in sorted((shared / "seeds").glob("*.txt")):
        gold = json.loads((shared / "seeds" / "gold" / f"{path.stem}.json").read_text("utf-8"))
        article: Article = cleaner.clean(capture(path.read_bytes(), locator=path.name))
        assert re.sub(r"\s", "", article.text) == re.sub(r"\s", "", gold["text"]), path.name
        for name in ("title", "source", "author", "published_at"):
            assert getattr(article.metadata, name) == gold[name], (path.name, name)
        assert set(article.damage) == set(gold["damage"]), path.name
        assert article.script == gold["input_script"]
        assert cleaner.clean(capture(article.text)).text == article.text
