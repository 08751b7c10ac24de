"""Edits: applying, composing and summing up, as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.clean.edits import EditError, Rewriter, apply, compose, compose_all, follow, replay, summarise
from tasks.tables import Change, Edit

TEXTS = st.text(alphabet="甲乙丙,。 a\n", max_size=30)


@st.composite
def a_pass(draw: st.DrawFn, text: str) -> Change:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    rewriter = Rewriter(text)
    last = -1
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if start > last:
            rewriter.replace(
                start, end, draw(st.text(alphabet="丁戊b", max_size=4)), draw(st.sampled_from("xyz"))
            )
            last = end
    return rewriter.change()


@st.composite
def trails(draw: st.DrawFn) -> tuple[str, tuple[tuple[str, Change], ...]]:
    text = begin = draw(TEXTS)
    trail = []
    for number in range(draw(st.integers(0, 4))):
        change = draw(a_pass(text))
        trail.append((f"pass{number}", change))
        text = change.text
    return begin, tuple(trail)


@given(trails())
def test_applying_the_edits_pass_by_pass_gives_the_last_text(
    case: tuple[str, tuple[tuple[str, Change], ...]],
) -> None:
    begin, trail = case
    assert replay(begin, trail) == (trail[-1][1].text if trail else begin)


@given(trails())
def test_the_composed_edits_lead_from_the_first_text_to_the_last(
    case: tuple[str, tuple[tuple[str, Change], ...]],
) -> None:
    begin, trail = case
    assert apply(begin, compose_all(trail)) == (trail[-1][1].text if trail else begin)


@given(trails(), st.data())
def test_a_place_is_followed_through_the_passes(
    case: tuple[str, tuple[tuple[str, Change], ...]], data: st.DataObject
) -> None:
    begin, trail = case
    text = begin
    for name, change in trail:
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        followed = follow(places, [(name, change)])
        assert followed == sorted(followed)
        for place, there in zip(places, followed, strict=True):
            before = [edit for edit in change.edits if edit.start + len(edit.before) <= place]
            inside = any(edit.start < place < edit.start + len(edit.before) for edit in change.edits)
            if not inside:
                assert apply(text[:place], before) == change.text[:there]
        text = change.text
    assert follow([0, len(begin)], trail)[1] == len(text)


@given(trails())
def test_the_summary_accounts_for_every_character(case: tuple[str, tuple[tuple[str, Change], ...]]) -> None:
    begin, trail = case
    rows = summarise(trail)
    end = trail[-1][1].text if trail else begin
    assert len(begin) + sum(row["added"] - row["removed"] for row in rows) == len(end)
    assert [row["rule"] for row in rows] == sorted({row["rule"] for row in rows})


@pytest.mark.parametrize(
    "edits",
    [
        [Edit("r", 0, "甲乙", ""), Edit("r", 1, "乙", "丙")],
        [Edit("r", 0, "乙", "")],
        [Edit("r", 9, "", "丙")],
    ],
    ids=["overlap", "not what stands there", "outside"],
)
def test_edits_that_do_not_fit_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(EditError):
        apply("甲乙", edits)


def test_overlapping_edits_of_two_passes_become_one_with_both_reasons() -> None:
    first = [Edit("gloss.strip", 1, "(jiǎ)", "", "a reading of the character")]
    second = [Edit("convert", 0, "甲", "乙")]
    assert compose(first, second) == (Edit("convert", 0, "甲", "乙"), first[0])
    widened = [Edit("narrow", 1, ",", ", "), Edit("narrow", 3, ";", "; ")]
    united = compose(widened, [Edit("space", 2, " ", "", "between Han", 1)])
    assert apply("甲,乙;丙", united) == "甲,乙; 丙"
