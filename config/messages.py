"""Words for people, in Chinese and in English: the one place they are read from (config/messages.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from config.settings import CONFIG


@lru_cache(maxsize=1)
def messages() -> Mapping[str, Mapping[str, str]]:
    """All messages: key, then language, then text with {places}."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load((CONFIG / "messages.yaml").read_text("utf-8"))
    return loaded


class Words:
    """The messages in one language (`zh` or `en`)."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: Any) -> str:
        """The message with its places filled; numbers get thousands separators. KeyError for an unknown key."""
        shown = {name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()}
        return messages()[key][self.language].format(**shown)

    def name(self, group: str, value: str) -> str:
        """The word for a value of a group such as `outcome`; the value itself where there is none."""
        found = messages().get(f"{group}.{value}")
        return found[self.language] if found else value
