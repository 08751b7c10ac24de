"""Generated captures in files, as a crawl leaves them: a mix of formats, damage and duplicates.

Of 100 captures about 58 are articles of their own, 4 filled forms of a template, 15 the same bytes at
another address, 23 copies as mirrors make them (KINDS of tests/corpus.py). Of the files 6 of 10 are WARC
(a fifth of the pages in GB18030), 2 JSON Lines with HTML, 2 with text. An article has 1,200 characters.
File n depends only on (seed, n), so a larger corpus begins with the smaller one, and a run that was
stopped goes on where it stood.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.corpus import KINDS, Sample, _article, variant
from tests.templates import fill, forms

FILE = 1_000
"""Captures in a file."""


def samples(number: int, seed: int) -> Iterator[Sample]:
    """The FILE captures of file `number`."""
    draw = random.Random(f"pages {seed} {number}")
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    made = 0
    while made < FILE:
        name = number * FILE + made
        paragraphs = _article(seed, name)
        title = "".join(word for word, part in paragraphs[0] if part != "w")[:16]
        pages = [("original", variant("original", paragraphs, draw))]
        if draw.random() < 0.4:
            pages += [
                (kind, variant(kind, paragraphs, draw))
                for kind in draw.sample(KINDS, draw.choice((1, 1, 1, 1)))
            ]
        if draw.random() < 0.26:
            pages.append(draw.choice(pages))
        if draw.random() < 0.07:
            pages.append(("template", fill(draw.choice(sorted(forms())), draw)[0]))
        for kind, text in pages[: FILE - made]:
            yield Sample(
                text=text,
                origins=(f"{seed}-{name}",),
                kind=kind,
                url=f"http://site{draw.randrange(500)}.example.cn/{seed}/{number}/{made}.html",
                title=title,
                captured_at=start + timedelta(seconds=made),
            )
            made += 1


def write_file(folder: Path, number: int, seed: int) -> Path:
    """Write file `number` unless it is there; its name tells the format."""
    kind = ("warc", "warc", "html", "warc", "text", "warc", "warc", "html", "warc", "text")[number % 10]
    path = folder / f"{number:05d}.{'warc.gz' if kind == 'warc' else f'{kind}.jsonl.gz'}"
    if path.exists():
        return path
    data = _warc(number, seed) if kind == "warc" else _lines(number, seed, html=kind == "html")
    partial = path.with_suffix(".tmp")
    partial.write_bytes(data)
    partial.rename(path)
    return path


def _warc(number: int, seed: int) -> bytes:
    held = io.BytesIO()
    writer = WARCWriter(held, gzip=True)
    draw = random.Random(f"warc {seed} {number}")
    for sample in samples(number, seed):
        gbk = draw.random() < 0.2
        page = sample.html.replace('charset="utf-8"', 'charset="gb18030"') if gbk else sample.html
        headers = [("Content-Type", "text/html"), ("Server", "nginx")]
        record = writer.create_warc_record(
            sample.url,
            "response",
            payload=io.BytesIO(page.encode("gb18030" if gbk else "utf-8")),
            http_headers=StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1"),
            warc_headers_dict={"WARC-Date": sample.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
        writer.write_record(record)
    return held.getvalue()


def _lines(number: int, seed: int, *, html: bool) -> bytes:
    rows = (
        {"url": sample.url, "captured_at": sample.captured_at.isoformat(), "title": sample.title}
        | ({"html": sample.html} if html else {"text": sample.text})
        for sample in samples(number, seed)
    )
    return gzip.compress("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(), 1)


def write_pages(folder: Path, count: int, *, seed: int = 1, first: int = 0, workers: int = 2) -> list[Path]:
    """Files of `count` captures (whole files) from file number `first` on; those there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(first, first + -(-count // FILE))
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(write_file, [folder] * len(numbers), numbers, [seed] * len(numbers)))


__all__ = ["FILE", "samples", "write_pages"]
