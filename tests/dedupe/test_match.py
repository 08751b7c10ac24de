"""Pairs of texts: copies, parts, templates, strangers."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random

import pytest
import yaml

from config.settings import DedupeSettings
from tasks.dedupe.align import Gap, align, aligned, gaps, tokens
from tasks.dedupe.match import Prepared, Relation, Verdict, compare
from tests.corpus import cut, generate, gloss, traditional
from tests.templates import fill, forms, slots

SETTINGS = DedupeSettings()
CASES: list[dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent.parent / "cases" / "dedupe" / "pairs.yaml").read_text(encoding="utf-8")
)


def judge(a: str, b: str) -> Verdict:
    return compare(Prepared.of(a), Prepared.of(b), SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_pair(case: dict[str, str]) -> None:
    verdict = judge(case["a"], case["b"])
    assert verdict.relation == case["relation"], verdict
    turned = judge(case["b"], case["a"])
    assert (turned.relation, turned.jaccard, turned.containment) == (
        verdict.relation,
        verdict.jaccard,
        verdict.containment,
    )


@pytest.mark.parametrize("family", sorted(forms()))
def test_no_two_forms_of_a_template_are_copies(family: str) -> None:
    texts = {fill(family, Random(f"form {number}"))[0] for number in range(6)}
    for a, b in combinations(sorted(texts), 2):
        assert judge(a, b).relation is Relation.TEMPLATE, (a, b)


@pytest.mark.parametrize("family", sorted(forms()))
def test_one_slot_filled_differently_is_enough(family: str) -> None:
    """The names are invented: no dictionary has them."""
    tried = merged = 0
    for slot in slots(family):
        for number in range(6):
            draw = Random(f"{family} {slot} {number}")
            one, held = fill(family, draw)
            other, _ = fill(family, draw, {name: value for name, value in held.items() if name != slot})
            if one != other:
                tried += 1
                merged += judge(one, other).relation is not Relation.TEMPLATE
    # A single character of a place name that makes another common word passes for wording.
    assert merged <= tried // 20, f"{merged} of {tried}"


def test_difference_names_what_differs() -> None:
    weather = next(case for case in CASES if case["name"] == "weather reports of two days")
    assert "12 / 9" in judge(weather["a"], weather["b"]).difference


def test_a_long_text_that_contains_a_short_one_is_linked() -> None:
    texts = [sample.text for sample in generate(60, 8) if sample.kind == "original"][:8]
    short = texts[0][:200]
    verdict = judge(short, "".join(texts))
    assert verdict.relation is Relation.LINKED
    assert verdict.a_in_b
    assert 0 < verdict.cover.bit_count() < 16


def test_texts_without_han_are_different() -> None:
    assert judge("", "").relation is Relation.DIFFERENT
    assert judge("plain words", "plain words").relation is Relation.DIFFERENT


def test_alignment_covers_both_texts_and_finds_the_same_in_another_script() -> None:
    draw = Random(1)
    for sample in [sample for sample in generate(12, 9) if sample.kind == "original"]:
        for other in (traditional(sample.text), gloss(sample.text, draw), cut(sample.text, draw), ""):
            spans = aligned(sample.text, other)
            assert "".join(sample.text[span.a_start : span.a_stop] for span in spans) == sample.text
            assert "".join(other[span.b_start : span.b_stop] for span in spans) == other
            same = sum(span.a_stop - span.a_start for span in spans if span.equal)
            assert same >= 0.8 * len(sample.text) or not other


def test_forms_of_one_length_are_laid_side_by_side() -> None:
    row = "收入三元，支出五元，结余二元。"
    # No passage of these rows occurs once: there is nothing else to align them by.
    one, other = tokens(row * 9), tokens(row * 4 + row.replace("支", "付") + row * 4)
    place = 4 * one.codes.size // 9 + 4
    assert gaps(one, other, align(one, other)) == [Gap(place, place + 1, place, place + 1)]


def test_alignment_finds_the_damaged_place() -> None:
    clean = "水库的闸门缓缓打开，清水沿着新修的渠道流向下游的稻田，等水的农民早早守在田埂上。"
    damaged = clean.replace("清水沿着", "?宥刈")
    span = next(span for span in aligned(damaged, clean) if not span.equal)
    assert "清水沿着" in clean[span.b_start : span.b_stop]
