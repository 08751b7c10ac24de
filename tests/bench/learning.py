"""Whether what one page teaches about its host helps the next: the experiment behind docs/decisions.md.

usage: python -m tests.bench.learning

Sites are the layouts of tests/cases/html/pages, each filled with five generated articles, and the hosts
with several pages beside the checkout. For every ordered pair of pages of a site the body of the second
is taken from the blocks that have the path (tags and names, root to block) of the body chosen on the
first. Prints F1 without and with that knowledge, how often the path was found, and what choosing costs.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations

import yaml
from selectolax.lexbor import LexborHTMLParser

from config.settings import ExtractSettings
from tasks.clean.decode import decode
from tasks.clean.html import Extractor
from tasks.clean.html.choose import Choice, choose, signature
from tasks.clean.html.headline import find_headline
from tasks.clean.html.outline import Block, Outline
from tasks.clean.html.trim import trim
from tests.bench.html import PAGES, score
from tests.clean.test_extract import PAGES as CASES
from tests.corpus import generate

Page = tuple[str, str, str | None]
"""HTML, gold, url."""
_FILLINGS = 5


def generated_sites() -> Iterator[tuple[str, list[Page]]]:
    """Each layout of the cases with its lines replaced by those of generated articles."""
    articles = [s.text.split("\n") for s in generate(1200, seed=7) if s.kind == "original"]
    for file in sorted(CASES.glob("*.yaml")):
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
        for number, case in enumerate(value if isinstance(value, list) else [value]):
            if "text" not in case or case.get("kind") == "list":
                continue
            lines = case["text"].strip().split("\n")
            pages: list[Page] = []
            for filling in range(_FILLINGS):
                article = [line for line in articles.pop() if line]
                html, gold = case["html"], []
                for at, line in enumerate(lines):
                    if line == case["title"] or line not in html:
                        gold.append(line)
                        continue
                    new = article[at % len(article)] * (1 + (filling + at) % 3)
                    html = html.replace(line, new)
                    gold.append(new)
                pages.append((html, "\n".join(gold), case.get("url")))
            yield f"{file.stem} {number}", pages


def real_sites() -> Iterator[tuple[str, list[Page]]]:
    """The hosts with several evaluation pages."""
    sites: dict[str, list[Page]] = defaultdict(list)
    if not (PAGES / "index.jsonl").is_file():
        return
    for line in (PAGES / "index.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        html = decode((PAGES / f"{row['id']}.html").read_bytes()).text
        gold = (PAGES / f"{row['id']}.txt").read_text(encoding="utf-8")
        sites[row["site"]].append((html, gold, row["url"]))
    yield from ((site, pages) for site, pages in sites.items() if len(pages) > 1)


class _Read:
    """A page, read as far as the choice of its body."""

    def __init__(self, extractor: Extractor, page: Page) -> None:
        html, self.gold, url = page
        tree = LexborHTMLParser(html)
        node = tree.css_first("title")
        self.title = node.text() if node else ""
        self.extractor = extractor
        self.forum = extractor._is_forum(tree, self.title, url)
        self.outline: Outline = extractor._outline(tree)
        self.headline = find_headline(self.outline, self.title)
        start = time.process_time()
        self.own = choose(self.outline, self.headline, extractor._words, forum=self.forum)
        self.seconds = time.process_time() - start

    def path(self, block: Block) -> tuple[tuple[str, str, bool], ...]:
        """Tags and names from the root to a block."""
        path = []
        while block.parent >= 0:
            path.append(signature(block))
            block = self.outline.blocks[block.parent]
        return tuple(path)

    def score(self, blocks: list[Block]) -> float:
        """F1 of the text of the blocks."""
        choice = Choice(blocks, 100.0)
        lines = self.extractor._article_lines(self.outline, choice, self.forum, []).texts
        start, end = trim(lines, self.title, self.extractor._words)
        return score(self.gold, "\n".join(lines[start:end]))[2]


def main() -> int:
    """Print the figures."""
    extractor = Extractor(ExtractSettings())
    for name, sites in (("generated sites", generated_sites()), ("hosts of real pages", real_sites())):
        own, learned, found, pairs, better, worse = [], [], 0, 0, 0, 0
        seconds, pages = 0.0, 0
        for _, group in sites:
            read = [_Read(extractor, page) for page in group]
            seconds += sum(page.seconds for page in read)
            pages += len(read)
            for first, second in permutations(read, 2):
                paths = {first.path(block) for block in first.own.blocks}
                blocks = [block for block in second.outline.blocks if second.path(block) in paths]
                alone = second.score(second.own.blocks)
                taught = second.score(blocks) if blocks else alone
                pairs += 1
                found += bool(blocks)
                better += taught > alone + 0.005
                worse += taught < alone - 0.005
                own.append(alone)
                learned.append(taught)
        if pairs:
            sys.stdout.write(
                f"learning, {name}: {pairs} pairs of {pages} pages, path found {found / pairs:.0%}; "
                f"F {statistics.fmean(own):.4f} without, {statistics.fmean(learned):.4f} with; better {better}, "
                f"worse {worse}; choosing takes {1000 * seconds / pages:.2f} ms a page\n"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
