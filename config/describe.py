"""docs/configuration.md, made from the settings models: the page cannot say anything else than the code."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.settings import Settings

HEAD = """# Configuration

Generated from `config/options/` by `make docs`; a test keeps it up to date.

Values come from the defaults below, then `config/default.yaml`, then the file given with `--config`, then
environment variables, the later winning. An environment variable is named after the place of the option:
`run.workers` is `QINGYUAN_RUN__WORKERS`. Unknown names and impossible values stop the program before the first
byte is read, with file and field in the message. Lists replace each other, sections are merged.

```yaml
# nightly.yaml, used as: qingyuan run --config nightly.yaml
sources:
  - name: party-news
    paths: [/srv/captures/**/*.warc.gz]
store: {path: /srv/corpus}
run: {workers: 8}
```
"""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside a type: of `list[Source]` the model Source."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _type(annotation: Any) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin is typing.Annotated:
        return _type(parts[0])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type(part) for part in parts if part is not type(None)) + ", may be empty"
    if origin in (list, tuple):
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"{_type(parts[0])}: {_type(parts[1])}"
    names = {str: "text", int: "number", float: "number", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(field: FieldInfo) -> str:
    found = []
    for rule in field.metadata:
        for kind, sign in ((Ge, "≥"), (Gt, ">"), (Le, "≤"), (Lt, "<")):
            if isinstance(rule, kind):
                found.append(f"{sign} {getattr(rule, kind.__name__.lower())}")
    return ", ".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*needed*"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return ""
    return f"`{value}`" if value not in (None, "", [], {}, ()) else "*empty*"


def _section(model: type[BaseModel], place: str) -> Iterator[str]:
    inner: list[tuple[type[BaseModel], str]] = []
    rows = []
    for name, field in model.model_fields.items():
        kinds = list(_models(field.annotation))
        many = typing.get_origin(field.annotation) in (list, dict, tuple)
        if kinds:
            inner.append((kinds[0], f"{place}{name}{'[]' if many else ''}."))
        if kinds and not many and field.description is None:
            continue
        kind = _type(field.annotation) if not kinds else f"see `{place}{name}` below"
        bounds = _bounds(field)
        rows.append(
            f"| `{place}{name}` | {kind}{f' ({bounds})' if bounds else ''} | {_default(field)} | "
            f"{(field.description or '').replace('|', chr(92) + '|')} |"
        )
    title = place.rstrip(".") or "The whole"
    summary = (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    if rows:
        yield f"\n## {title}\n\n{summary}\n\n| option | value | default | meaning |\n|---|---|---|---|"
        yield from rows
    for child, where in inner:
        yield from _section(child, where)


def configuration_markdown() -> str:
    """The page, as Markdown: a section for each group of options, a row for each option."""
    return HEAD + "\n".join(_section(Settings, "")) + "\n"
