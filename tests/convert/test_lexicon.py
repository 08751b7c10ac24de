"""Exceptions to the dictionaries, as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ConvertSettings, SettingsError
from tasks.convert import Converter
from tasks.convert.lexicon import SHIPPED, read_exceptions


def test_the_shipped_rows_can_be_used() -> None:
    exceptions = read_exceptions([SHIPPED])
    assert exceptions["hans"].marks["「"] == "“"
    assert exceptions["hant"].marks["“"] == "「"
    assert "著" in exceptions["hans"].undecided


def test_rows_of_one_s_own_win(tmp_path: Path) -> None:
    mine = tmp_path / "mine.tsv"
    mine.write_text(
        "# names\nword\thans\t張於\t张於\ta surname\nword\thans\t衞\t衞\nmark\thans\t「\t«\n"
        "undecided\thans\t著\t着\n\nword\thans\t論著\t论着 一\n",
        encoding="utf-8",
    )
    converter = Converter(ConvertSettings(lexicon=[str(mine)]))
    result = converter.convert("張於說：「守衞論著」沿著")
    assert result.text == "张於说：«守衞论着 一”沿着"
    assert [edit for edit in result.edits if edit.rule == "convert.ambiguous"] == []


@pytest.mark.parametrize(
    "row",
    [
        "word\thans\t張",
        "word\tlatn\t張\t张",
        "wrd\thans\t張\t张",
        "mark\thans\t「「\t“",
        "undecided\thans\t著\t着着",
        "word",
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str) -> None:
    mine = tmp_path / "mine.tsv"
    mine.write_text(f"# first line\n{row}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"mine\.tsv:2: "):
        read_exceptions([mine])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"lexicon: .*none\.tsv cannot be read"):
        Converter(ConvertSettings(lexicon=[str(tmp_path / "none.tsv")]))
