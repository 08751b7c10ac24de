"""Forms of which every filling is an article of its own: forms in cases/dedupe/templates.yaml, filled here."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import yaml

_SLOT = re.compile(r"\{([a-z_]+)(:\d)?\}")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红玲芬燕彬凤洁梅琳素云莲真环雪荣爱妹香月莺媛瑞凡佳"
)
_SYLLABLES = "阿巴卡达埃费格哈伊贾科拉马纳奥帕里萨塔维沃亚泽尔斯特克森顿"
_BRAND = "华兴宏远鑫瑞泰恒盛源通达博创智联汇金德信诚美佳康安顺昌隆丰茂锦旭晟腾翔凯威朗格蓝海天域"
_TOWNS = "清石河溪山湖湾塘桥陵阳泉岭坪沟庄寨岗堡坝"
_WORDS: dict[str, tuple[str, ...]] = {
    "job": ("会计", "司机", "厨师", "保安", "文员", "销售代表", "仓库管理员", "电工", "平面设计师", "钳工"),
    "product": (
        "苹果", "土豆", "大蒜", "生姜", "花生", "玉米", "小麦", "大豆", "红枣", "核桃", "香菇", "木耳", "蜂蜜", "茶叶",
    ),
    "team": ("雄鹰", "猛虎", "海豚", "飞马", "蓝鲸", "雪豹", "黑熊", "火箭", "旋风", "烈焰", "宏运", "天海", "绿城"),
    "currency": ("美元", "欧元", "英镑", "日元", "港元", "澳元", "加元", "卢布", "泰铢"),
    "weekday": ("星期一", "星期二", "星期三", "星期四", "星期五", "周六", "周日"),
    "city": ("上海", "昆明", "哈尔滨", "兰州", "厦门", "拉萨", "南宁", "西宁", "曼谷", "东京", "巴黎"),
    "sign": ("白羊座", "金牛座", "双子座", "巨蟹座", "狮子座", "处女座", "天秤座", "天蝎座", "射手座", "水瓶座"),
    "model": ("手机", "平板电脑", "笔记本电脑", "智能手表", "电视机", "照相机", "耳机", "路由器"),
    "foreign": ("Norvik", "Talmera", "Quenta", "Ostrel", "Bravio", "Lumeno"),
}  # fmt: skip


def _person(draw: random.Random) -> str:
    if draw.random() < 0.15:
        return "".join(draw.choice(_SYLLABLES) for _ in range(draw.randrange(3, 6)))
    return draw.choice(_SURNAMES) + "".join(draw.choice(_GIVEN) for _ in range(draw.randrange(1, 3)))


def _company(draw: random.Random) -> str:
    return "".join(draw.sample(_BRAND, draw.randrange(2, 4)))


def _place(draw: random.Random) -> str:
    return "".join(draw.sample(_TOWNS, 2)) + draw.choice("县镇乡村")


def _han_date(draw: random.Random) -> str:
    digits = "〇一二三四五六七八九"
    year = "".join(digits[int(digit)] for digit in str(draw.randrange(2009, 2025)))
    return f"{year}年{_han(draw.randrange(1, 13))}月{_han(draw.randrange(1, 29))}日"


def _han(number: int) -> str:
    digits = "〇一二三四五六七八九"
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else digits[tens] + "十") + (digits[ones] if ones else "")


FILLERS: dict[str, Callable[[random.Random], str]] = {
    "person": _person,
    "company": _company,
    "place": _place,
    "han_date": _han_date,
    "small": lambda draw: str(draw.randrange(1, 99)),
    "year": lambda draw: str(draw.randrange(2005, 2025)),
    "number": lambda draw: str(draw.randrange(2, 9000)),
    "serial": lambda draw: str(draw.randrange(2_010_001, 2_024_150)),
    "date": lambda draw: f"{draw.randrange(1, 13)}月{draw.randrange(1, 29)}日",
    "price": lambda draw: f"{draw.randrange(1, 90)}.{draw.randrange(100, 9999)}",
}


@lru_cache(maxsize=1)
def forms() -> Mapping[str, str]:
    """The forms by name, slots in braces."""
    file = Path(__file__).parent / "cases" / "dedupe" / "templates.yaml"
    read: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return read


def slots(name: str) -> list[str]:
    """The slots of a form, each once."""
    return list(dict.fromkeys(match[0] for match in _SLOT.finditer(forms()[name])))


def fill(
    name: str, draw: random.Random, given: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    """A form filled at random, but for the slots given; and what every slot holds."""
    values: dict[str, str] = {}
    for slot in slots(name):
        kind = _SLOT.fullmatch(slot)[1]
        value = FILLERS[kind](draw) if kind in FILLERS else draw.choice(_WORDS[kind])
        values[slot] = (given or {}).get(slot, value)
    return _SLOT.sub(lambda match: values[match[0]], forms()[name]), values


__all__ = ["fill", "forms", "slots"]
