"""Pages for people: self-contained HTML from the templates beside this file, everything escaped.

A page asks nothing of the network and runs no script; its policy (base.html) forbids both.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """The page made from a template; text in `values` is escaped, whatever it holds."""
    return _environment().get_template(template).render(**values)
