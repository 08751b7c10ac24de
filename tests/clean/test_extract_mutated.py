"""Pages that were fine once: cut, doubled, shuffled and salted. Bounded time, a recorded outcome, no crash."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from config.settings import ExtractSettings, Settings
from tasks.article import Cleaner
from tasks.clean.decode import decode
from tasks.clean.html import Extractor
from tasks.clean.html.markup import body_markup
from tasks.clean.html.outline import read_outline
from tasks.clean.html.words import load_words
from tasks.tables import Capture, Outcome

PAGES = Path(__file__).parents[1] / "cases/html/pages"
EXTRACTOR = Extractor(ExtractSettings())
SECONDS = 10.0
JUNK = (
    *(
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "<!",
        "<?",
        "]]>",
        "&",
        "&#x;",
        "&#1114112;",
        "&amp",
        '"',
        "'",
        "=",
        "\0",
        "\x1f",
    ),
    *(
        "</div>",
        "</p>",
        "</body>",
        "</html>",
        "<body>",
        "<head>",
        "<title>",
        "</title>",
        "<table>",
        "<td>",
        "</table>",
    ),
    *(
        "<script>",
        "</script>",
        "<style>",
        "<textarea>",
        "<xmp>",
        "<plaintext>",
        "<noscript>",
        "<template>",
        "<svg>",
    ),
    *(
        "</svg>",
        "<math>",
        "<select>",
        "<option>",
        "<frameset>",
        "<iframe>",
        "<ruby><rt>",
        "<pre>",
        "<form>",
        "<a href=",
    ),
    *(
        "\ufeff",
        "\ufffd",
        "\u2028",
        "\udc80",
        "\U0001f600",
        "\x80\xff",
        "﷐",
        '<script type="application/ld+json">{',
    ),
    *(
        '<div class="content">',
        '<div id="comments">',
        '<h1 class="title">',
        "<time datetime=x>",
        "2023-05-11 09:00",
    ),
)


@lru_cache(maxsize=1)
def pages() -> list[tuple[str, str | None]]:
    """The pages of the cases, with their addresses."""
    found = []
    for file in sorted(PAGES.glob("*.yaml")):
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
        found += [(case["html"], case.get("url")) for case in (value if isinstance(value, list) else [value])]
    return found


def mutate(html: str, draw: random.Random, times: int) -> str:
    """The page with stretches cut out, doubled, moved or salted with junk, and perhaps cut short."""
    for _ in range(times):
        start = draw.randrange(len(html) + 1)
        end = min(len(html), start + draw.choice((1, 5, 50, 500, 5000)))
        piece = html[start:end]
        action = draw.randrange(6)
        if action == 0:
            html = html[:start] + html[end:]
        elif action == 1:
            html = html[:end] + piece * draw.choice((1, 2, 20)) + html[end:]
        elif action == 2:
            place = draw.randrange(len(html) + 1)
            html = html[:place] + piece + html[place:]
        elif action == 3:
            html = html[:start] + draw.choice(JUNK) * draw.choice((1, 3, 200)) + html[start:]
        elif action == 4:
            html = html[:start] + piece[::-1] + html[end:]
        else:
            html = html[: max(start, len(html) // 3)]
    return html


def check(html: str, url: str | None) -> None:
    """Read the page twice and hold what came out against what must hold of any page."""
    started = time.process_time()
    page = EXTRACTOR.extract(html, url=url)
    assert time.process_time() - started < SECONDS
    assert page == EXTRACTOR.extract(html, url=url)
    assert page.kind in ("article", "forum", "list", "empty")
    assert (page.kind == "empty") == (not page.text)
    assert "\x1f" not in page.text
    assert "\0" not in page.text
    assert 0 <= page.link_density <= 1
    assert 0 <= page.list_score <= 1
    starts = [post.start for post in page.posts]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(page.text) for start in starts)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_any_mutation_of_a_page_gives_a_result(seed: int, times: int) -> None:
    draw = random.Random(seed)
    html, url = draw.choice(pages())
    check(mutate(html, draw, times), url)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["utf-8", "gb18030", "big5hkscs", "utf-16"]))
def test_any_mutation_of_the_bytes_gives_a_result(seed: int, charset: str) -> None:
    draw = random.Random(seed)
    html, url = draw.choice(pages())
    payload = bytearray(html.encode(charset, "replace"))
    for _ in range(draw.randrange(1, 40)):
        payload[draw.randrange(len(payload))] = draw.randrange(256)
    check(decode(bytes(payload[: draw.randrange(1, len(payload))])).text, url)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_scripts_leave_the_string_as_they_would_leave_the_tree(seed: int, times: int) -> None:
    draw = random.Random(seed)
    html = mutate(draw.choice(pages())[0], draw, times)
    tree = LexborHTMLParser(html)
    quick = body_markup(tree)
    if read_outline(quick, load_words(), 50_000).unreadable:
        return
    pruned = body_markup(tree, prune=True)
    if not re.search("<[^!>][^>]*<", tree.html or ""):  # a < in the name of a broken tag or attribute
        assert quick == pruned


def test_unchanged_pages_pass_the_same_check() -> None:
    for html, url in pages():
        check(html, url)


def test_real_pages_mutated_have_a_recorded_outcome(shared: Path) -> None:
    cleaner = Cleaner(Settings())
    for number, file in enumerate(sorted((shared / "pages").glob("*.html"))):
        draw = random.Random(number)
        html = mutate(decode(file.read_bytes()).text, draw, draw.randrange(1, 9))
        check(html, None)
        payload = html.encode("utf-8", "surrogatepass")
        article = cleaner.clean(Capture("test", file.name, payload, "text/html"))
        assert article.outcome in (Outcome.KEPT, Outcome.REJECTED)
        assert article.reason


MEMORY = """
import resource, sys
from config.settings import ExtractSettings
from tasks.clean.html import Extractor
from tests.clean.test_extract_hostile import HOSTILE
extractor = Extractor(ExtractSettings())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
extractor.extract(HOSTILE[sys.argv[1]])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


@pytest.mark.parametrize("name", ["50 MB", "200,000 unclosed elements"])
def test_memory_is_bounded(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, name],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(run.stdout) < 1000  # MB
