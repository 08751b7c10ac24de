"""Exceptions to the dictionaries, read from files in the format of config/lexicon/conversion.tsv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.settings import CONFIG, SettingsError

SHIPPED: Final = CONFIG / "lexicon" / "conversion.tsv"


@dataclass(frozen=True)
class Exceptions:
    """The rows for one target script."""

    words: Mapping[str, str] = field(default_factory=dict)
    """Word -> what it becomes, before anything else."""
    undecided: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Character -> its possible values; a single one: not to be reported."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Punctuation -> what it becomes."""


def read_exceptions(files: Iterable[Path]) -> dict[str, Exceptions]:
    """The exceptions of each target script (`hans`, `hant`), the later file and row winning.

    Raises SettingsError naming file and line for a row that cannot be used.
    """
    words: dict[str, dict[str, str]] = {"hans": {}, "hant": {}}
    undecided: dict[str, dict[str, tuple[str, ...]]] = {"hans": {}, "hant": {}}
    marks: dict[str, dict[str, str]] = {"hans": {}, "hant": {}}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"convert.lexicon: {file} cannot be read: {error}") from error
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            kind, target, key, values, *_ = [*line.split("\t"), "", "", ""]
            options = tuple(values.split())
            if target not in words or not key or not options:
                raise SettingsError(
                    f"{file}:{number}: expected kind, hans or hant, key and value, between tabs"
                )
            single = len(key) == 1 == len(options[0])
            if kind == "word":
                words[target][key] = values
            elif kind == "undecided" and single:
                undecided[target][key] = options
            elif kind == "mark" and single:
                marks[target][key] = options[0]
            else:
                raise SettingsError(
                    f"{file}:{number}: `{kind}` is none of word, undecided, mark (the last two: characters)"
                )
    return {target: Exceptions(words[target], undecided[target], marks[target]) for target in words}
