"""The evaluation gate of HTML extraction: figures on the pages beside the checkout, floors, speed, peers.

usage: python -m tests.bench.html [--peers PYTHON]

Prints precision, recall and F1 (multiset of character 4-grams, NFKC, white space removed) by type of
page and by kind of gold, the metadata against html_truth.jsonl, and CPU seconds side by side in one
run. Fails if a figure is below its floor; the floors hold for the corpus whose digest is pinned here,
another corpus is only reported.
The truth was read from each page by eye: its headline, the day it was published, the source it names;
null where it states none. Title and source are kept as `digest` gives them, so that nothing is quoted.
PYTHON is the interpreter of an environment with trafilatura and other extractors.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import subprocess
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from config.settings import ExtractSettings
from tasks.clean.decode import decode
from tasks.clean.html import Extractor, outline

COMPILED = not outline.__file__.endswith(".py")
PAGES = Path(__file__).parents[3] / "shared" / "pages"
TRUTH = Path(__file__).with_name("html_truth.jsonl")
CORPUS = "9dea3b279610f431353e4af692bc033617a84bafb494a274bb6d621572ad8c83"
FLOORS = {
    "all": 0.97,
    "news": 0.985,
    "blog": 0.96,
    "forum": 0.92,
    "gold: hand": 0.98,
    "gold: published": 0.96,
}
MEDIAN_FLOOR = 0.99
NAMELESS_FLOOR = 0.94
"""For the same pages without any class, id, role and itemprop: what structure alone must give."""
RATIO_FLOOR = 7.0 if COMPILED else 5.0
"""Times trafilatura's default; without a C compiler the walk is plain Python."""
ROUNDS = 3
METADATA_FLOORS = {"title": 0.95, "published_at": 0.95, "source": 0.8}

PEERS: dict[str, str] = {
    "trafilatura": "import trafilatura as t\nrun = lambda h: t.extract(h)",
    "trafilatura, with metadata": "import trafilatura as t\n"
    "run = lambda h: t.bare_extraction(h, with_metadata=True).text",
    "readability-lxml": "import readability, lxml.html as l\n"
    "run = lambda h: l.fromstring(readability.Document(h).summary()).text_content()",
    "resiliparse": "from resiliparse.extract.html2text import extract_plain_text as e\n"
    "run = lambda h: e(h, main_content=True)",
    "justext": "import justext\n"
    "run = lambda h: '\\n'.join(p.text for p in justext.justext(h.encode(), frozenset(), length_low=10,"
    " length_high=40, stopwords_low=0, stopwords_high=0, max_link_density=0.4, encoding='utf-8')"
    " if not p.is_boilerplate)",
    "gne": "from gne import GeneralNewsExtractor as G\ng = G()\nrun = lambda h: g.extract(h)['content']",
    "magic-html": "from magic_html import GeneralExtractor as G\nimport lxml.html as l\ng = G()\n"
    "run = lambda h: l.fromstring(g.extract(h, base_url='http://x')['html']).text_content()",
}
_RUNNER = """
import json, sys, time
pages = json.load(sys.stdin)
{peer}
out, used = [], float("inf")
for _ in range(2):
    out, start = [], time.process_time()
    for page in pages:
        try:
            out.append(run(page) or "")
        except Exception:
            out.append("")
    used = min(used, time.process_time() - start)
json.dump([used, out], sys.stdout)
"""


def normalise(text: str) -> str:
    """NFKC without white space."""
    return "".join(unicodedata.normalize("NFKC", text).replace("\u200b", "").replace("\ufeff", "").split())


def score(gold: str, found: str) -> tuple[float, float, float]:
    """Precision, recall and F1 over the multiset of character 4-grams."""
    want, got = (
        Counter(text[at : at + 4] for at in range(max(1, len(text) - 3))) if text else Counter[str]()
        for text in (normalise(gold), normalise(found))
    )
    shared = (want & got).total()
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / got.total(), shared / want.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def digest(value: str) -> str:
    """What the truth table keeps of a title or source: 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(normalise(value).encode()).hexdigest()[:16]


def corpus_digest() -> str:
    """SHA-256 over the pages and their gold, in order of name."""
    whole = hashlib.sha256()
    for file in sorted(PAGES.glob("zh-*.*")):
        whole.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def metadata_scores(
    truth: list[dict[str, str | None]], found: dict[str, dict[str, str | None]]
) -> dict[str, tuple[int, int, int]]:
    """Field -> (right, stated by the page, found although it is not stated).

    Titles and sources have to be the same after NFKC and without white space (`truth` holds their
    digests), times the same day.
    """
    scores: dict[str, tuple[int, int, int]] = {}
    for name in METADATA_FLOORS:
        right = stated = extra = 0
        for row in truth:
            want, got = row.get(name), found[str(row["id"])][name]
            stated += bool(want)
            extra += bool(got and not want)
            if want and got:
                right += want == (got[:10] if name == "published_at" else digest(got))
        scores[name] = right, stated, extra
    return scores


def _nameless(html: str) -> str:
    return re.sub(r"""\s(?:class|id|itemprop|role)\s*=\s*(?:"[^"]*"|'[^']*')""", "", html)


def _quality(
    rows: list[dict[str, str]], golds: list[str], texts: list[str]
) -> dict[str, list[tuple[float, float, float]]]:
    groups: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row, gold, text in zip(rows, golds, texts, strict=True):
        for group in ("all", row["type"], f"gold: {row['gold']}"):
            groups[group].append(score(gold, text))
    return groups


def _speed(run: Callable[[str], object], pages: list[str]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for page in pages:
            run(page)
        best = min(best, time.process_time() - start)
    return best


def main(arguments: list[str] | None = None) -> int:
    """Run the gate; 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="interpreter of an environment with the peers")
    options = parser.parse_args(arguments)
    write = sys.stdout.write
    if not (PAGES / "index.jsonl").is_file():
        write(f"html: no pages at {PAGES}; nothing measured\n")
        return 0
    rows = [json.loads(line) for line in (PAGES / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    golds = [(PAGES / f"{row['id']}.txt").read_text(encoding="utf-8") for row in rows]
    pages = [decode((PAGES / f"{row['id']}.html").read_bytes()).text for row in rows]
    pinned = corpus_digest() == CORPUS
    write(
        f"html: {len(rows)} pages, mean {sum(map(len, pages)) // len(pages):,} characters, pinned corpus: {pinned}, "
        f"compiled: {COMPILED}\n"
    )
    failed: list[str] = []

    def floor(name: str, figure: float, least: float) -> str:
        if pinned and figure < least:
            failed.append(f"{name}: {figure:.3f} < {least}")
        return f"(floor {least})"

    extractor = Extractor(ExtractSettings())
    found = [extractor.extract(page, url=row["url"]) for row, page in zip(rows, pages, strict=True)]
    for group, figures in _quality(rows, golds, [page.text for page in found]).items():
        p, r, f = (sum(column) / len(figures) for column in zip(*figures, strict=True))
        least = floor(group, f, FLOORS[group]) if group in FLOORS else ""
        write(f"  {group:16} n={len(figures):3}  P {p:.3f}  R {r:.3f}  F {f:.3f} {least}\n")
    every = [score(gold, page.text)[2] for gold, page in zip(golds, found, strict=True)]
    median = statistics.median(every)
    write(
        f"  median F {median:.4f} {floor('median', median, MEDIAN_FLOOR)}, empty {sum(not p.text for p in found)}\n"
    )
    bare = [
        extractor.extract(_nameless(page), url=row["url"]).text for row, page in zip(rows, pages, strict=True)
    ]
    nameless = statistics.fmean(score(gold, text)[2] for gold, text in zip(golds, bare, strict=True))
    write(f"  without names    F {nameless:.3f} {floor('without names', nameless, NAMELESS_FLOOR)}\n")

    if pinned:
        table = [json.loads(line) for line in TRUTH.read_text(encoding="utf-8").splitlines()]
        fields = {
            row["id"]: {
                "title": page.title,
                "published_at": page.metadata.published_at,
                "source": page.metadata.source,
            }
            for row, page in zip(rows, found, strict=True)
        }
        for name, (right, stated, extra) in metadata_scores(table, fields).items():
            least = floor(name, right / stated, METADATA_FLOORS[name])
            write(
                f"  {name:16} {right} of {stated} ({right / stated:.3f}) {least}, {extra} where there is none\n"
            )
    own = _speed(extractor.extract, pages)
    write(
        f"  extract + metadata: {len(pages) / own:.0f} pages/s of CPU time ({1000 * own / len(pages):.1f} ms a page)\n"
    )
    if options.peers:
        for name, peer in PEERS.items():
            ratios, fastest, texts = [], float("inf"), []
            for _ in range(ROUNDS if name == "trafilatura" else 1):
                answer = subprocess.run(
                    [str(options.peers), "-c", _RUNNER.format(peer=peer)],
                    input=json.dumps(pages),
                    capture_output=True,
                    check=False,
                    text=True,
                )
                if answer.returncode:
                    break
                used, texts = json.loads(answer.stdout[answer.stdout.index("[") :])
                before, own = own, _speed(extractor.extract, pages)
                ratios.append(2 * used / (before + own))  # measured before and after the peer
                fastest = min(fastest, used)
            if not ratios:
                write(f"  {name:28} not available\n")
                continue
            quality = statistics.fmean(score(gold, text)[2] for gold, text in zip(golds, texts, strict=True))
            ratio = statistics.median(ratios)
            write(
                f"  {name:28} F {quality:.3f}  {len(pages) / fastest:5.0f} pages/s; we are {ratio:.1f} x as fast\n"
            )
            if name == "trafilatura":
                floor("times trafilatura", ratio, RATIO_FLOOR)
    for line in failed:
        write(f"  BELOW FLOOR {line}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
