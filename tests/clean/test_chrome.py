"""Chrome and link farms: line by line as data, zones, credits, and what must stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import ChromeSettings
from tasks.clean.chrome import ChromeStripper, line_hash, line_hashes
from tasks.clean.edits import apply
from tasks.clean.lexicon import fold

LINES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "clean" / "lines.yaml").read_text("utf-8"))
FIRST = "山脚下的小学只有十九个学生，老师每天划船接送，风雨无阻，已经坚持了整整八年。"
LAST = "船桨一声一声地响，孩子们的读书声也一天一天地传到对岸，村里的人都说这是最好听的声音。"
STRIPPER = ChromeStripper(ChromeSettings())


def strip(text: str, stripper: ChromeStripper = STRIPPER) -> list[str]:
    return [line for line in stripper.strip(text).change.text.split("\n") if line]


@pytest.mark.parametrize("line", LINES["anywhere"])
def test_unmistakable_lines_go_wherever_they_stand(line: str) -> None:
    assert strip(f"{FIRST}\n{line}\n{LAST}") == [FIRST, LAST]
    assert strip(f"{FIRST}\n{LAST}\n{line}") == [FIRST, LAST]


@pytest.mark.parametrize("line", LINES["edge"])
def test_ambiguous_lines_go_at_the_tail_only(line: str) -> None:
    assert strip(f"{FIRST}\n{LAST}\n{line}") == [FIRST, LAST]
    assert strip(f"{FIRST}\n{line}\n{LAST}") == [FIRST, line, LAST]


@pytest.mark.parametrize("line", LINES["never"])
def test_other_lines_stay(line: str) -> None:
    assert strip(f"{FIRST}\n{LAST}\n{line}") == [FIRST, LAST, line]
    assert strip(f"{FIRST}\n{line}\n{LAST}") == [FIRST, line, LAST]
    assert strip(f"{line}\n{FIRST}\n{LAST}") == [line, FIRST, LAST]


@given(
    st.lists(
        st.sampled_from([FIRST, LAST, "", *LINES["anywhere"], *LINES["edge"], *LINES["never"]]), max_size=12
    )
)
def test_paragraphs_always_stay_and_the_edits_replay(rows: list[str]) -> None:
    text = "\n".join(rows)
    change = STRIPPER.strip(text).change
    assert apply(text, change.edits) == change.text
    kept = change.text.split("\n")
    assert [kept.count(paragraph) for paragraph in (FIRST, LAST)] == [rows.count(FIRST), rows.count(LAST)]


def test_weak_lines_go_beside_other_chrome_and_stay_alone() -> None:
    organiser = "主办单位：槐树乡文化站"
    assert strip(f"{FIRST}\n{organiser}") == [FIRST, organiser]
    assert strip(f"{FIRST}\n{organiser}\n湘ICP备00000000号") == [FIRST]


def test_a_caption_above_the_foot_stays() -> None:
    caption = "志愿者在湖边巡查"
    foot = "1\n主辦單位:某某縣委組織部\n技術支持:某某網絡\n湘ICP備00000000號\n返回首页入口\n您是第 位來訪者"
    assert strip(f"{FIRST}\n圖片4.png\n{caption}\n{foot}") == [FIRST, caption]


def test_below_the_heading_of_related_articles_everything_goes() -> None:
    assert strip(f"{FIRST}\n相关阅读：\n某某镇召开会议\n某某村喜获丰收") == [FIRST]


@pytest.mark.parametrize(
    ("tail", "field", "value"),
    [
        ("（责任编辑：何雨）", "editors", "责任编辑：何雨"),
        ("（来源：北岸晚报）", "source", "北岸晚报"),
        ("（文章來源:北岸晚報）", "source", "北岸晚報"),
    ],
)
def test_credits_in_brackets_behind_the_last_paragraph(tail: str, field: str, value: str) -> None:
    for text in (f"{FIRST}{tail}", f"{FIRST}\n{tail}"):
        stripped = STRIPPER.strip(text)
        assert stripped.change.text.strip() == FIRST
        assert getattr(stripped.found, field) == value


@pytest.mark.parametrize(
    ("line", "source", "author", "time"),
    [
        ("来源：桃溪日报 2021-04-08 08:15 作者：林晓棠", "桃溪日报", "林晓棠", "2021-04-08T08:15"),
        ("發布時間:2021/4/8 來源:桃溪日報 點擊:55", "桃溪日報", None, "2021-04-08"),
        ("2021年4月8日 来源： 桃溪日报 责编：黄青", "桃溪日报", None, "2021-04-08"),
        ("桃溪日报 2021-04-08", "桃溪日报", None, "2021-04-08"),
        ("作者：林晓棠、江远", None, "林晓棠 江远", None),
        ("时间：2021-04-08 来源：本站", None, None, "2021-04-08"),
        ("桃溪日报\n2021-04-08 08:15\n关注", "桃溪日报", None, "2021-04-08T08:15"),
        (
            "2021年04月08日08:15 | 来源：桃溪网－桃溪日报\n小字号",
            "桃溪网－桃溪日报",
            None,
            "2021-04-08T08:15",
        ),
        # As WeChat writes it.
        ("原创 撑船人 渡口天地 2021-04-08 08:15 发表于湖南", "渡口天地", "撑船人", "2021-04-08T08:15"),
    ],
)
def test_the_line_below_the_headline(
    line: str, source: str | None, author: str | None, time: str | None
) -> None:
    stripped = STRIPPER.strip(f"山村里的读书声\n{line}\n{FIRST}")
    found = stripped.found
    assert (found.title, found.source, found.author, found.published_at) == (
        "山村里的读书声",
        source,
        author,
        time,
    )
    assert stripped.change.text == FIRST


def test_time_and_source_on_lines_of_their_own_without_a_headline() -> None:
    stripped = STRIPPER.strip(f"2021-04-08 08:15\n来源：桃溪日报\n{FIRST}")
    assert (stripped.found.source, stripped.found.published_at) == ("桃溪日报", "2021-04-08T08:15")
    assert stripped.change.text == FIRST
    # As in a diary.
    assert strip(f"2021年4月8日\n今天下雨。\n{FIRST}") == ["2021年4月8日", "今天下雨。", FIRST]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "(本文来源：桃溪网 作者：林晓棠) 本文责编：黄青_NE0011",
            ("桃溪网", "林晓棠", "本文责编：黄青_NE0011"),
        ),
        # A headline with its date is another article's.
        ("渡口老船与撑船人 2021-04-08", (None, None, None)),
        ("文 | 林晓棠\n图 | 江远\n编辑 | 黄青", (None, "林晓棠", "图：江远 编辑：黄青")),
    ],
)
def test_credits_behind_the_last_paragraph(line: str, found: tuple[str | None, ...]) -> None:
    result = STRIPPER.strip(f"{FIRST}\n{line}").found
    assert (result.source, result.author, result.editors) == found


@pytest.mark.parametrize(
    ("head", "title", "kept"),
    [
        ("春天的故事\n来源：桃溪日报 2021-04-08", "春天的故事", []),
        ("渡口老船\n2021-04-08 10:11", "渡口老船", []),
        ("渡口老船与撑船人\n政务公开\n来源：桃溪日报 2021-04-08", "渡口老船与撑船人", ["政务公开"]),
        ("政务公开\n来源：桃溪日报 2021-04-08", None, ["政务公开"]),
        ("新闻 > 教育 > 读书声\n山里的读书声\n来源：桃溪日报 2021-04-08", "山里的读书声", []),
    ],
)  # fmt: skip
def test_headlines_as_short_as_buttons(head: str, title: str | None, kept: list[str]) -> None:
    stripped = STRIPPER.strip(f"{head}\n{FIRST}")
    assert stripped.found.title == title
    assert [line for line in stripped.change.text.split("\n") if line] == [*kept, FIRST]


@pytest.mark.parametrize(
    "line",
    [
        "时间就像流水。",
        "作者在书里写道，来源早已不可考。",
        "来源于生活的艺术最动人",
        "2021年的春天来得特别早，山里的花都开了。",
        "（2021年4月8日）",
        "2021年第一期",
        "补充点评 2021年12月24日 ： 房间实在太小了",
    ],
)
def test_a_sentence_is_no_source_line(line: str) -> None:
    assert strip(f"山村里的读书声\n{line}\n{FIRST}") == ["山村里的读书声", line, FIRST]


def test_entries_of_a_dictionary_stay_above_a_date() -> None:
    entries = [
        "“河灯(hé dēng)”的意思是：a lantern set afloat on a river",
        "河工 [hé gōng] river conservancy worker",
        "河工起义(hégōngqǐyì) the rising of the river workers on 28th January 1352, against the Yuan dynasty",
    ]
    assert strip("\n".join([*entries, FIRST])) == [*entries, FIRST]
    steps = ["清除屏幕上的所有文字,", "更新日期", "2001/08/08"]
    assert strip("\n".join([*steps, FIRST])) == [*steps, FIRST]


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("红网时刻新闻记者 姚远航 长沙报道", "姚远航"),
        ("本报记者 林晓棠 通讯员 江远", "林晓棠"),
        ("〔記者林小明／南投報導〕山裡的小學只有十九個學生，老師每天划船接送。", "林小明"),
        (
            "新华社长沙5月11日电（记者王小明、李大海）山里的小学只有十九个学生，老师每天划船接送，风雨无阻。",
            "王小明 李大海",
        ),
        (
            "总理发表新年讲话。（新华社记者兰远山摄）人们聚集在广场上，等待新年的钟声敲响，一直等到深夜。",
            None,
        ),
        ("他问记者 为什么要来这里，记者笑着没有回答，只是把相机收了起来。", None),
    ],
)
def test_bylines_name_the_author_and_stay(line: str, author: str | None) -> None:
    stripped = STRIPPER.strip(f"{line}\n{FIRST}")
    assert stripped.found.author == author
    assert stripped.change.text == f"{line}\n{FIRST}"


def test_both_parts_can_be_switched_off() -> None:
    farm = LINES["anywhere"][-1]
    text = f"{FIRST}\n下一篇：没有了\n{farm}"
    assert strip(text, ChromeStripper(ChromeSettings(site_chrome=False))) == [FIRST, "下一篇：没有了"]
    assert strip(text, ChromeStripper(ChromeSettings(link_farms=False, site_chrome=False))) == text.split(
        "\n"
    )
    headline = f"山村里的读书声\n来源：桃溪日报\n{FIRST}"
    assert strip(headline, ChromeStripper(ChromeSettings(headline=False))) == headline.split("\n")


def test_places_one_to_a_line_are_a_farm_at_the_edge_only() -> None:
    names = LINES["edge"][-1].split()
    rows = "\n".join(names)
    assert strip(f"{FIRST}\n{rows}") == [FIRST]
    assert strip(f"{FIRST}\n{rows}\n{LAST}") == [FIRST, *names, LAST]


def test_a_neighbour_may_stand_below_its_label() -> None:
    assert strip(f"{FIRST}\n上一篇\n山里来了新老师\n下一篇\n渡口的船") == [FIRST]
    assert strip(f"{FIRST}\n山里来了新老师\n{LAST}") == [FIRST, "山里来了新老师", LAST]


def test_what_stands_above_a_row_of_places_at_the_tail_is_an_edge_too() -> None:
    farm = "主站蜘蛛池模板： 吴川市| 昌吉市| 库伦旗| 贵定县| 綦江县| 孟州市| 张家口市| 隆德县| 大丰市| 龙里县| 太原市|"
    keywords = "网站地图 亚洲va中文字幕无码久久 国产免费AV片在线观看 蜜臀av"
    assert strip(f"{FIRST}\n{LAST}\n{keywords}\n{farm}") == [FIRST, LAST]


def test_neighbours_of_one_province_are_no_farm() -> None:
    line = "长沙县 望城区 浏阳市 宁乡市 岳麓区 天心区 开福区 雨花区 芙蓉区 湘潭县 韶山市 株洲县"
    assert strip(f"{FIRST}\n{line}") == [FIRST, line]


def test_recurring_lines_are_hashed_alike_in_both_scripts_and_for_all_numbers() -> None:
    assert line_hash("第 12 期 歡迎訂閱") == line_hash("第3期欢迎订阅")
    assert line_hash("第 12 期") != line_hash("第 12 回")
    assert line_hashes("甲\n\n乙\n甲\n" + "长" * 500) == [line_hash("甲"), line_hash("乙")]


@given(st.text(max_size=40))
def test_folding_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
