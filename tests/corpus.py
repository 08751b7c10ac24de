"""A generated corpus of Chinese articles and of what the web makes of them, with the truth known by origin.

`generate(count, seed)` writes articles from jieba's dictionary (words drawn by their frequency and part
of speech) in sentence patterns of our own, then copies of them as mirrors make them, and forms of one
template with other numbers. Sample i depends only on (seed, i's article), so a longer corpus begins with
the shorter one.
"""

from __future__ import annotations

import hashlib
import html
import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import jieba
import opencc
from pypinyin import Style, lazy_pinyin

from tests.templates import fill, forms

KINDS = (
    "traditional",
    "taiwan",
    "glossed",
    "cut",
    "farm25",
    "farm100",
    "chrome",
    "spun5",
    "spun10",
    "spun20",
    "half",
)
"""Kinds of copies; further kinds of samples: `original`, `glued` (two articles), `template`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One generated page."""

    text: str
    """What a page shows: paragraphs, each ended by a line feed."""
    origins: tuple[str, ...]
    """The article the text came from; two for `glued`."""
    kind: str
    """`original`, `template`, `glued` or one of KINDS."""
    url: str
    title: str
    captured_at: datetime
    family: str | None = None
    """Template the page was filled from; pages of one family are different articles."""

    @property
    def origin(self) -> str:
        """The (first) article."""
        return self.origins[0]

    @property
    def html(self) -> str:
        """The text as a page of a small site, with navigation and footer."""
        paragraphs = "".join(f"<p>{html.escape(line)}</p>\n" for line in self.text.splitlines() if line)
        return (
            f'<!DOCTYPE html>\n<html lang="zh"><head><meta charset="utf-8">'
            f"<title>{html.escape(self.title)}</title></head><body>\n"
            '<ul class="nav"><li><a href="/">首页</a></li><li><a href="/news/">新闻</a></li></ul>\n'
            f'<div class="article"><h1>{html.escape(self.title)}</h1>\n{paragraphs}</div>\n'
            '<div class="footer">版权所有 联系我们</div></body></html>\n'
        )


Words = tuple[tuple[str, ...], tuple[int, ...]]
Token = tuple[str, str]
"""A word and its part of speech; punctuation and stock phrases have the part `w`."""

PATTERNS = (
    "T，ns的n在vn中v了a的n，n也d v n。",
    "据nr介绍，n的n已经v了Mq，比去年v了P。",
    "为了v n，ns d v了a的n和n，并v了n的vn。",
    "n与n之间的vn，d是因为n v n。",
    "nr在T v，“n要v n，也要v n，d不能v n。”",
    "随着n的vn，n、n和n等n d v，n的n更加a。",
    "i，n v着n，n的n却d a。",
    "ns的nr d v n，把n v成了a的n。",
    "D，nt v了n，其中n Mq，n Mq。",
    "不仅n a，而且n的n也d v；如果没有n，n就不会v。",
    "在f的n里，nr v了Mq，d v n。",
    "这里的n d a，n v得d a，让n v。",
    "记者在ns v，n正在v n，a的n v在n上。",
    "从n到n，从n到n，n的vn d v着n。",
    "对于n来说，v n是d a的vn，需要n与n d v。",
    "有人v，n d v n；也有人v，n d a，不必v。",
    "l，n的n v了n。",
    "nr是ns人，从事n vn多年，d v n，v过Mq。",
)
STOCK = (
    "记者从新闻发布会上获悉，",
    "据新华社报道，",
    "有关负责人表示，",
    "值得注意的是，",
    "与此同时，",
    "近年来，",
    "相关专家认为，",
    "据了解，",
)
QUANTITIES = ("个", "次", "项", "万元", "公里", "公顷", "名", "户", "吨", "家", "件", "岁")
CHROME_HEAD = (
    "当前位置：首页 > 新闻中心 > 综合 > 正文",
    "字体：【大】【中】【小】 打印本页 关闭窗口 分享到微信 微博",
    "登录 | 注册 | 设为首页 | 加入收藏 | 手机版 | 客户端下载",
)
CHROME_TAIL = (
    "上一篇：返回列表 下一篇：没有了",
    "版权声明：凡本网注明来源的作品，版权均属于本网，未经授权不得转载、摘编或以其它方式使用。",
    "关于我们 联系方式 网站地图 隐私条款 法律声明 广告服务 友情链接",
    "主办单位：本网编辑部 技术支持：信息中心 备案号：京ICP备00000000号",
)


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, Words]:
    """Words of two or more characters by part of speech, with cumulated weights (frequency^0.75)."""
    groups: dict[str, list[tuple[str, float]]] = {}
    file = Path(jieba.__file__).parent / "dict.txt"
    wanted = {"n", "v", "a", "d", "ns", "nr", "nt", "vn", "i", "l", "f"}
    for line in file.read_text(encoding="utf-8").splitlines():
        word, frequency, part = line.split(" ")
        han = all("一" <= character <= "鿿" for character in word)
        if part in wanted and han and len(word) >= 2 and int(frequency) >= 3:
            groups.setdefault(part, []).append((word, int(frequency) ** 0.75))
    groups["n"] += [(word, 12.0) for word in _taiwan()]
    return {
        part: (tuple(word for word, _ in rows), tuple(accumulate(int(weight * 100) for _, weight in rows)))
        for part, rows in groups.items()
    }


@lru_cache(maxsize=1)
def _to_traditional() -> dict[int, str]:
    file = Path(opencc.__file__).parent / "dictionary" / "STCharacters.txt"
    pairs = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return {ord(one): many.split(" ")[0] for one, many in pairs}


@lru_cache(maxsize=1)
def _taiwan() -> dict[str, str]:
    """Mainland terms (Simplified) and what Taiwan says (Traditional), where the two differ in characters."""
    folder = Path(opencc.__file__).parent / "dictionary"
    rows = (
        line.split("\t") for line in (folder / "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    )
    simplified = {ord(one): many.split(" ")[0] for one, many in rows}
    terms = (line.split("\t") for line in (folder / "TWPhrases.txt").read_text(encoding="utf-8").splitlines())
    return {
        mainland.translate(simplified): taiwan.split(" ")[0]
        for mainland, taiwan in terms
        if not any(character.isascii() for character in mainland) and len(mainland) in (2, 3, 4)
    }


@lru_cache(maxsize=4096)
def _neighbours(word: str, part: str) -> tuple[str, ...]:
    """What a spinner puts for a word: always the same few words of its part of speech and length."""
    pool = _lexicon()[part][0]
    draw = random.Random(f"spin {word}")
    found = [other for other in draw.sample(pool, 60) if len(other) == len(word) and other != word]
    return tuple(found[:2]) or (pool[0],)


class _Writer:
    """Writes one article: its words, with parts of speech, in paragraphs."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.topic = {
            part: [self.pick(part) for _ in range(size)]
            for part, size in {"n": 40, "v": 25, "a": 10, "vn": 12, "ns": 3, "nr": 3, "nt": 2}.items()
        }
        self.year = draw.randrange(2005, 2025)

    def pick(self, part: str) -> str:
        words, weights = _lexicon()[part]
        return words[bisect(weights, self.draw.randrange(weights[-1]))]

    def word(self, part: str) -> str:
        own = self.topic.get(part)
        return self.draw.choice(own) if own and self.draw.random() < 0.5 else self.pick(part)

    def day(self) -> str:
        return f"{self.draw.randrange(1, 13)}月{self.draw.randrange(1, 29)}日"

    def sentence(self) -> list[Token]:
        tokens: list[Token] = []
        if self.draw.random() < 0.15:
            tokens.append((self.draw.choice(STOCK), "w"))
        for slot in _slots(self.draw.choice(PATTERNS)):
            match slot:
                case "T":
                    tokens.append((self.day(), "t"))
                case "D":
                    tokens.append((f"{self.year}年{self.day()}", "t"))
                case "M":
                    tokens.append((f"{self.draw.randrange(2, 5000)}{self.draw.choice(QUANTITIES)}", "m"))
                case "P":
                    tokens.append((f"{self.draw.randrange(1, 99)}.{self.draw.randrange(10)}%", "m"))
                case _ if slot.isascii():
                    tokens.append((self.word(slot), slot))
                case _:
                    tokens.append((slot, "w"))
        return tokens

    def article(self, characters: int) -> list[list[Token]]:
        paragraphs: list[list[Token]] = []
        written = 0
        while written < characters:
            paragraph = [token for _ in range(self.draw.randrange(2, 6)) for token in self.sentence()]
            written += sum(len(word) for word, _ in paragraph)
            paragraphs.append(paragraph)
        return paragraphs


@lru_cache(maxsize=64)
def _slots(pattern: str) -> tuple[str, ...]:
    """A pattern as its slots (parts of speech, T D M P) and its literal pieces."""
    slots: list[str] = []
    parts = ("ns", "nr", "nt", "vn", "n", "v", "a", "d", "i", "l", "f")
    rest = pattern
    while rest:
        if rest[0] == " ":
            rest = rest[1:]
        elif rest.startswith("Mq"):
            slots.append("M")
            rest = rest[2:]
        elif rest[0].isascii() and rest[0].isalpha():
            slot = next((part for part in parts if rest.startswith(part)), rest[0])
            slots.append(slot)
            rest = rest[len(slot) :]
        else:
            slots.append(rest[0])
            rest = rest[1:]
    return tuple(slots)


def _text(paragraphs: Sequence[Sequence[Token]]) -> str:
    return "".join("".join(word for word, _ in paragraph) + "\n" for paragraph in paragraphs)


def spin(paragraphs: Sequence[Sequence[Token]], share: float, draw: random.Random) -> str:
    """Replace `share` of the characters, word by word, with words of the same kind."""
    open_parts = {"n", "v", "a", "vn", "d"}
    total = sum(len(word) for paragraph in paragraphs for word, _ in paragraph)
    places = [
        (row, column)
        for row, paragraph in enumerate(paragraphs)
        for column, (_, part) in enumerate(paragraph)
        if part in open_parts
    ]
    draw.shuffle(places)
    spun = [list(paragraph) for paragraph in paragraphs]
    budget = round(share * total)
    for row, column in places:
        word, part = spun[row][column]
        if budget < len(word):
            break
        budget -= len(word)
        spun[row][column] = (draw.choice(_neighbours(word, part)), part)
    return _text(spun)


def traditional(text: str) -> str:
    """Character by character, as mirrors convert."""
    return text.translate(_to_traditional())


def taiwan(paragraphs: Sequence[Sequence[Token]]) -> str:
    """Traditional characters and Taiwan's terms."""
    terms = _taiwan()
    return "".join(
        "".join(terms.get(word) or traditional(word) for word, _ in paragraph) + "\n"
        for paragraph in paragraphs
    )


def gloss(text: str, draw: random.Random) -> str:
    """Pinyin in brackets behind every occurrence of some characters of a Traditional page."""
    page = traditional(text)
    han = sorted({character for character in page if "一" <= character <= "鿿"})
    table = {
        ord(character): f"{character}({lazy_pinyin(character, style=Style.TONE)[0]})"
        for character in draw.sample(han, min(len(han), draw.randrange(10, 60)))
    }
    return page.translate(table)


def cut(text: str, draw: random.Random) -> str:
    """Clauses read one byte out of step, as after a byte was lost from GBK."""
    clauses = text.split("，")
    for index in draw.sample(range(len(clauses)), max(1, len(clauses) // 25)):
        clause = clauses[index]
        for stop in range(len(clause)):
            if clause[stop].isascii() or stop >= 14:
                break
        else:
            stop = len(clause)
        shifted = clause[:stop].encode("gb18030")[1:].decode("gb18030", "replace").replace("\ufffd", "?")
        clauses[index] = "?" + shifted + clause[stop:]
    return "，".join(clauses)


def farm(text: str, share: float, draw: random.Random) -> str:
    """Lines of place names and keywords below the text, `share` of its length."""
    names, _ = _lexicon()["ns"]
    nouns, _ = _lexicon()["n"]
    tail: list[str] = []
    written = 0
    while written < share * len(text):
        pool = names if draw.random() < 0.5 else nouns
        line = "| ".join(draw.choice(pool) for _ in range(draw.randrange(20, 50)))
        written += sum("一" <= character <= "鿿" for character in line)
        tail.append(line)
    return text + "\n".join(tail) + "\n"


def chrome(text: str, draw: random.Random) -> str:
    """Navigation above, footer and headlines of other articles below."""
    nouns, _ = _lexicon()["n"]
    related = [
        "".join(draw.choice(nouns) for _ in range(draw.randrange(4, 8))) for _ in range(draw.randrange(3, 8))
    ]
    head = draw.sample(CHROME_HEAD, 2)
    return "\n".join([*head, text.rstrip("\n"), "相关新闻", *related, *CHROME_TAIL]) + "\n"


def variant(kind: str, paragraphs: Sequence[Sequence[Token]], draw: random.Random) -> str:
    """The text of an article as a copy of the given kind shows it."""
    text = _text(paragraphs)
    match kind:
        case "original":
            return text
        case "traditional":
            return traditional(text)
        case "taiwan":
            return taiwan(paragraphs)
        case "glossed":
            return gloss(text, draw)
        case "cut":
            return cut(text, draw)
        case "farm25":
            return farm(text, 0.25, draw)
        case "farm100":
            return farm(text, 1.0, draw)
        case "chrome":
            return chrome(text, draw)
        case "spun5":
            return spin(paragraphs, 0.05, draw)
        case "spun10":
            return spin(paragraphs, 0.10, draw)
        case "spun20":
            return spin(paragraphs, 0.20, draw)
        case "half":
            return text[: len(text) // 2]
    raise ValueError(f"unknown kind {kind!r}; known: original, {', '.join(KINDS)}")


def _article(seed: int, number: int) -> list[list[Token]]:
    draw = random.Random(f"article {seed} {number}")
    length = min(4000, max(400, int(draw.lognormvariate(7.0, 0.5))))
    return _Writer(draw).article(length)


def generate(count: int, seed: int = 1) -> Iterator[Sample]:
    """Yield `count` samples in a fixed order: of every article the original and two to five copies,
    every 20th article also glued to the next one, and every third time a page of a template.
    """
    start = datetime(2024, 1, 1, tzinfo=UTC)
    made = 0
    number = 0
    while made < count:
        draw = random.Random(f"copies {seed} {number}")
        paragraphs = _article(seed, number)
        title = "".join(word for word, part in paragraphs[0] if part != "w")[:16]
        origin = f"{seed}-{number}"
        pages: list[tuple[str, tuple[str, ...], str, str | None]] = [
            ("original", (origin,), variant("original", paragraphs, draw), None)
        ]
        for kind in draw.sample(KINDS, draw.randrange(2, 6)):
            pages.append((kind, (origin,), variant(kind, paragraphs, draw), None))
        if number % 20 == 7:
            text = _text(paragraphs) + _text(_article(seed, number + 1))
            pages.append(("glued", (origin, f"{seed}-{number + 1}"), text, None))
        if number % 3 == 0:
            name = draw.choice(sorted(forms()))
            form, _ = fill(name, draw)
            # Two fillings may come out the same; then they are one article.
            pages.append(("template", (hashlib.sha256(form.encode()).hexdigest(),), form, name))
        for place, (kind, origins, text, family) in enumerate(pages):
            if made == count:
                return
            yield Sample(
                text=text,
                origins=origins,
                kind=kind,
                url=f"http://site{draw.randrange(50)}.example.cn/{seed}/{number}/{place}.html",
                title=text.split("\n", 1)[0][:24] if family else title,
                captured_at=start + timedelta(minutes=made),
                family=family,
            )
            made += 1
        number += 1


__all__ = ["KINDS", "Sample", "generate", "variant"]
