"""Make the samples: captures/, expected.yaml and the table in README.md, from articles.yaml and dirt.yaml.

Run from the checkout: python -m samples.make. The same articles give the same captures.
"""

from __future__ import annotations

import gzip
import io
import json
import uuid
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
import zstandard

from config.settings import CollectSettings, Source
from samples.dirt import DIRT, damaged, farm, in_forum, narrowed, questioned, spun
from samples.pages import (
    MIRROR,
    NEWS,
    forum_page,
    list_page,
    mirror_capture,
    mirror_page,
    news_page,
    paragraphs,
    text_capture,
)
from tasks.collect import find_inputs, read_captures

HERE = Path(__file__).parent
CUTS = "！？；，："
_TABLE = "<!-- table: written by make.py -->\n"


class Samples:
    """Files by path, and what each capture in them is: article, dirt, expected outcome."""

    def __init__(self) -> None:
        self.articles: dict[str, dict[str, Any]] = yaml.safe_load(
            (HERE / "articles.yaml").read_text(encoding="utf-8")
        )
        self.files: dict[str, bytes] = {}
        self.meant: dict[str, list[dict[str, Any]]] = {}

    def add(self, path: str, data: bytes | str, *captures: Mapping[str, Any]) -> None:
        """Add a file and what its captures are, in their order."""
        self.files[path] = data.encode() if isinstance(data, str) else data
        self.meant[path] = [dict(capture) for capture in captures]


def copy(article: str, *dirt: str) -> dict[str, Any]:
    """A capture of an article; which copies are kept is settled when all are known."""
    return {"article": article, "dirt": list(dirt)}


def bad(outcome: str, what: str) -> dict[str, Any]:
    """A capture that is rejected or cannot be read."""
    return {"outcome": outcome, "dirt": [what]}


def warc_record(kind: str, url: str, date: str, block: bytes, media: str) -> bytes:
    """One WARC record with an id made from its address and time."""
    head = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url} {date}')}>",
        f"WARC-Date: {date}",
        *([f"WARC-Target-URI: {url}"] if url else []),
        f"Content-Type: {media}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + block + b"\r\n\r\n"


def response(
    url: str, date: str, body: bytes, *lines: str, status: str = "200 OK", media: str = "text/html"
) -> bytes:
    """A WARC response record."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {media}", *lines, "", ""]).encode()
    return warc_record("response", url, date, head + body, "application/http; msgtype=response")


def packed(parts: Sequence[bytes]) -> bytes:
    """Each record a gzip member of its own."""
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def news(samples: Samples) -> None:
    """The newspaper: clean pages in Simplified, as files, in a WARC and as WET text."""
    articles = samples.articles
    urls = {name: f"https://{NEWS}/life/{number}.html" for number, name in enumerate(articles, 301)}
    related = [(urls[name], articles[name]["title"]) for name in ("bees", "stars", "market", "bicycle")]
    pages = {name: news_page(articles[name], urls[name], related) for name in articles}
    entries = [
        (urls[name], entry["title"], str(entry["published_at"])[:10]) for name, entry in articles.items()
    ]
    samples.add("qingxi/library.html", pages["library"], copy("library"))
    river = news_page(articles["river"], urls["river"], related, "gb2312")
    samples.add("qingxi/river.html", river.encode("gbk"), copy("river", "encoded in GBK"))
    samples.add("qingxi/list.html", list_page(entries * 3), bad("rejected", "a list of links"))

    def date(day: int) -> str:
        return f"2024-07-{day:02}T03:00:00Z"

    body = gzip.compress(pages["train"].encode(), mtime=0)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    coded = ("Content-Encoding: gzip", "Transfer-Encoding: chunked")
    fair = news_page(articles["fair"], urls["fair"], related, "gbk").encode("gbk")
    moved = f"https://{NEWS}/old/7.html"
    records = [
        warc_record("warcinfo", "", date(1), b"software: qingyuan samples\r\n", "application/warc-fields"),
        warc_record(
            "request", urls["train"], date(1), b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"
        ),
        response(urls["train"], date(1), chunked, *coded, media="text/html; charset=utf-8"),
        response(urls["fair"], date(1), fair, media="text/html; charset=gbk"),
        response(urls["weather"], date(2), pages["weather"].encode()),
        response(urls["stars"], date(2), pages["stars"].encode()),
        response(
            f"https://{NEWS}/gone.html", date(2), b"<html><body>404</body></html>", status="404 Not Found"
        ),
        response(moved, date(2), b"", f"Location: {urls['stars']}", status="301 Moved Permanently"),
        warc_record(
            "revisit",
            urls["train"],
            date(9),
            b"HTTP/1.1 200 OK\r\n\r\n",
            "application/http; msgtype=response",
        ),
        response(urls["stars"] + "?from=timeline", date(9), pages["stars"].encode()),
    ]
    samples.add(
        "qingxi/2024-07.warc.gz",
        packed(records),
        copy("train", "body gzipped and in chunks"),
        copy("fair", "encoded in GBK"),
        copy("weather"),
        copy("stars"),
        bad("failed", "answered with 404"),
        bad("failed", "answered with a redirect"),
        copy("stars", "the same bytes at another address"),
    )
    names = ("train", "weather", "noodles")
    wet = [
        warc_record("conversion", urls[name], date(3), text_capture(articles[name]).encode(), "text/plain")
        for name in names
    ]
    samples.add("qingxi/2024-07.wet.gz", packed(wet), *(copy(name) for name in names))


def exports(samples: Samples) -> None:
    """Exports of clean texts: JSON Lines and Parquet; the last line of the former is cut."""
    articles = samples.articles
    rows = [
        {
            "url": f"https://{NEWS}/export/{name}",
            "title": articles[name]["title"],
            "text": "\n".join(paragraphs(articles[name])),
            "captured_at": f"2024-08-0{number}T00:00:00Z",
        }
        for number, name in enumerate(("recipe", "bees", "bridge", "library"), 1)
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows[:3]]
    lines.append(lines[0][: len(lines[0]) // 2])
    samples.add(
        "exports/articles.jsonl",
        "\n".join(lines) + "\n",
        *(copy(name) for name in ("recipe", "bees", "bridge")),
        bad("failed", "a line cut in the middle"),
    )
    rows[3]["text"] = rows[3]["text"].rpartition("\n")[0]
    for row in rows:
        row["url"] = row["url"].replace("/export/", "/archive/")
    table = pa.table(
        {
            "url": [row["url"] for row in rows],
            "title": [row["title"] for row in rows],
            "content": [row["text"] for row in rows],
            "crawl_date": [datetime.fromisoformat(row["captured_at"]) for row in rows],
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=2)
    kinds = [copy("recipe"), copy("bees"), copy("bridge"), copy("library", "without its last paragraph")]
    samples.add("exports/articles.parquet", buffer.getvalue(), *kinds)


def mirror(samples: Samples) -> None:
    """The mirror: Traditional made from Simplified, damaged in its bytes, with chrome and link farms."""
    articles = samples.articles
    captures = {name: mirror_capture(article) for name, article in articles.items()}
    shift, gloss, narrow, links = "GBK byte shift", "pinyin glosses", "narrow punctuation", "link farm"
    add = samples.add
    add(
        "hantang/library.txt",
        damaged(captures["library"], "usual", CUTS) + "\n" + farm(3, 40),
        copy("library", gloss, shift, links),
    )
    add("hantang/river.txt", narrowed(damaged(captures["river"], "", CUTS)), copy("river", shift, narrow))
    add(
        "hantang/market.txt",
        narrowed(damaged(captures["market"], "few")) + "\n" + farm(11, 30, services=True),
        copy("market", gloss, narrow, links),
    )
    add(
        "hantang/bicycle.txt",
        damaged(captures["bicycle"], "wide", "！？") + "\n" + farm(20, 35),
        copy("bicycle", gloss, shift, links),
    )
    add(
        "hantang/fair.txt",
        questioned(damaged(captures["fair"], "usual")),
        copy("fair", gloss, "no-break spaces as ?"),
    )
    rows = []
    for number, (name, table, cut) in enumerate(
        [("train", "wide", CUTS), ("weather", "few", ""), ("recipe", "usual", CUTS), ("stars", "usual", "")],
        41,
    ):
        text = damaged(text_capture(articles[name]), table, cut)
        if name == "weather":
            text = text.replace("會(huì)", "會(huì )")
        title, _, content = text.partition("\n")
        url, day = f"http://{MIRROR}/a/{number}.html", f"2024-09-{number - 40:02}"
        rows.append({"url": url, "title": title, "content": content.strip(), "date": day})
    add(
        "hantang/mirror.jsonl.gz",
        gzip.compress("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(), mtime=0),
        copy("train", gloss, shift),
        copy("weather", gloss),
        copy("recipe", gloss, shift),
        copy("stars", gloss),
    )
    records, kinds = [], []
    for number, (name, table, cut, charset) in enumerate(
        [
            ("bridge", "usual", CUTS, "gbk"),
            ("bees", "wide", "", "utf-8"),
            ("market", "", CUTS, "gb18030"),
            ("ferry", "", "", "big5"),
        ],
        61,
    ):
        if name == "ferry":
            title, body = articles[name]["title"], paragraphs(articles[name])
        else:
            shown = damaged(text_capture(articles[name]), table, cut)
            title, *body = [line for line in shown.split("\n") if line]
        page = mirror_page(title, body, charset).encode(charset)
        records.append(
            response(
                f"http://{MIRROR}/a/{number}.html",
                f"2024-09-{number - 50}T12:00:00Z",
                page,
                media="text/html",
            )
        )
        dirt = [
            *([gloss] if table else []),
            *([shift] if cut else []),
            *([f"encoded in {charset}"] if charset != "utf-8" else []),
        ]
        kinds.append(copy(name, *dirt))
    add("hantang/mirror.warc.zst", b"".join(zstandard.compress(part) for part in records), *kinds)


def forum(samples: Samples) -> None:
    """The forum: spun and plain copies inside thread chrome, as files and in a zip archive."""
    articles = samples.articles

    def thread(name: str, *, spin: bool, views: int) -> str:
        body = "\n".join(paragraphs(articles[name])) + "\n"
        time = f"2024-6-{views % 20 + 1} 20:1{views % 10}:05"
        return in_forum(articles[name]["title"], spun(body) if spin else body, time, user="春山", views=views)

    samples.add(
        "liuyun/thread-11.txt", thread("fair", spin=True, views=35), copy("fair", "forum chrome", "spun")
    )
    post = spun("\n".join(paragraphs(articles["weather"]))).split("\n")
    entries = {
        "thread-12.html": forum_page(articles["weather"]["title"], post, "2024-6-20 08:30:11").encode("gbk"),
        "thread-13.txt.gz": gzip.compress(thread("library", spin=False, views=78).encode(), mtime=0),
        "文本/bees.txt": text_capture(articles["bees"]).encode(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    kinds = [
        copy("weather", "forum chrome", "spun", "encoded in GBK"),
        copy("library", "forum chrome"),
        copy("bees"),
    ]
    samples.add("liuyun/threads.zip", buffer.getvalue(), *kinds)


def others(samples: Samples) -> None:
    """Plain texts in several encodings, and what is rejected or cannot be read."""
    articles = samples.articles
    samples.add(
        "texts/noodles.txt.zst",
        zstandard.compress(text_capture(articles["noodles"]).encode()),
        copy("noodles"),
    )
    recipe = text_capture(articles["recipe"]).encode("gb18030")
    samples.add("texts/recipe.txt", recipe, copy("recipe", "encoded in GB18030"))
    samples.add("texts/ferry.txt", text_capture(articles["ferry"]), copy("ferry", "Traditional by birth"))
    samples.add("bad/english.txt", DIRT["english"], bad("rejected", "not Chinese"))
    samples.add(
        "bad/places.txt",
        farm(0, 40, services=True) + "\n" + farm(5, 40) + "\n",
        bad("rejected", "a link farm alone"),
    )
    samples.add("bad/empty.txt", b"", bad("failed", "an empty file"))
    whole = gzip.compress(text_capture(articles["train"]).encode(), mtime=0)
    samples.add("bad/cut.txt.gz", whole[: len(whole) // 2], bad("failed", "a gzip file cut in the middle"))


def build() -> Samples:
    """All samples, in memory."""
    samples = Samples()
    for part in (news, exports, mirror, forum, others):
        part(samples)
    return samples


_HARMLESS = ("encoded in", "body gzipped", "the same bytes", "Traditional by birth", "forum chrome")


def _clean(capture: Mapping[str, Any]) -> bool:
    return all(dirt.startswith(_HARMLESS) for dirt in capture["dirt"])


def expected(samples: Samples, root: Path) -> dict[str, dict[str, Any]]:
    """For every capture under `root`/samples/captures, by locator: outcome, article and title.

    The only clean copy of an article is `kept`; of several clean ones one is kept: `copy`; a damaged
    or spun one of which a clean one exists is a `duplicate`.
    """
    source, settings = Source(name="samples", paths=["samples/captures"]), CollectSettings()
    clean = Counter(
        c["article"] for kinds in samples.meant.values() for c in kinds if "article" in c and _clean(c)
    )
    copies = Counter(c["article"] for kinds in samples.meant.values() for c in kinds if "article" in c)
    result: dict[str, dict[str, Any]] = {}
    for file in find_inputs(source, root):
        kinds = samples.meant[file.path.removeprefix("samples/captures/")]
        captures = list(read_captures(file, source, settings))
        if len(captures) != len(kinds):
            raise ValueError(f"{file.path}: {len(captures)} captures read, {len(kinds)} meant")
        for capture, kind in zip(captures, kinds, strict=True):
            entry = {"outcome": kind.get("outcome", ""), "dirt": kind["dirt"]}
            article = kind.get("article")
            if article:
                rivals = clean[article] if clean[article] else copies[article]
                best = _clean(kind) or not clean[article]
                entry["outcome"] = "duplicate" if not best else "kept" if rivals == 1 else "copy"
                known = samples.articles[article]
                entry |= {"article": article, "title": known.get("simplified_title", known["title"])}
            if capture.error and entry["outcome"] != "failed":
                raise ValueError(f"{capture.locator}: {capture.error}")
            result[capture.locator] = entry
    return dict(sorted(result.items()))


def table(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of the README."""
    rows = ["| capture | article | dirt | expected |", "| --- | --- | --- | --- |"]
    for locator, entry in entries.items():
        place = locator.removeprefix("samples/captures/").replace("|", "\\|")
        rows.append(
            f"| `{place}` | {entry.get('article', '')} | {', '.join(entry['dirt'])} | {entry['outcome']} |"
        )
    return "\n".join(rows) + "\n"


def write(root: Path) -> None:
    """Write captures, expected.yaml and the table of the README below `root`/samples."""
    samples = build()
    folder = root / "samples"
    for path, data in samples.files.items():
        (folder / "captures" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "captures" / path).write_bytes(data)
    entries = expected(samples, root)
    head = "# Written by make.py: what becomes of each capture; README.md says what the words mean.\n"
    text = head + yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=1000)
    (folder / "expected.yaml").write_text(text, encoding="utf-8")
    readme = (HERE / "README.md").read_text(encoding="utf-8").partition(_TABLE)[0]
    (folder / "README.md").write_text(readme + _TABLE + table(entries), encoding="utf-8")


if __name__ == "__main__":
    write(HERE.parent)
