"""docs/tables.md, made from the schemas in tasks/tables.py.

`python -m tasks.snapshot.describe > docs/tables.md` brings the page up to date.
"""

from __future__ import annotations

import sys
from typing import Final

import pyarrow as pa

from tasks.snapshot.manifest import KEYS
from tasks.tables import TABLES

_ABOUT: Final = {
    "documents": "The corpus: one row an article, the text of its canonical copy.",
    "captures": "The ledger: one row a capture, with its one outcome.",
    "signatures": "What matching needs to know of every kept capture.",
    "inputs": "Input files already taken in; unchanged ones are not read again.",
    "payloads": "The bytes of what was loaded, of sources that keep them (`archive`, `inbox`).",
    "lines": "On how many documents of its site a line stands at head or tail; recurring ones are chrome.",
}


def type_name(kind: pa.DataType) -> str:
    """A type in short words: `string`, `list of string`, `time (UTC)`, `struct`."""
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "struct"
    if pa.types.is_timestamp(kind):
        return "time (UTC)"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def tables_markdown() -> str:
    """The page docs/tables.md: every table and column with type and meaning."""
    lines = [
        "# Tables",
        "",
        "Made from `tasks/tables.py` by `python -m tasks.snapshot.describe > docs/tables.md`; a test",
        "compares them. The Parquet files carry the same meanings as field metadata (`meaning`).",
        "How to read them: [reading.md](reading.md).",
    ]
    for name, schema in TABLES.items():
        lines += ["", f"## {name}", "", f"{_ABOUT[name]} Key: `{KEYS[name]}`.", ""]
        lines += ["| column | type | may be null | meaning |", "|---|---|---|---|"]
        for field in schema:
            lines += _rows(field, "")
    return "\n".join(lines) + "\n"


def _rows(field: pa.Field, prefix: str) -> list[str]:
    meaning = (field.metadata or {}).get(b"meaning", b"").decode().replace("|", "\\|")
    name = prefix + field.name
    kind = field.type
    rows = [f"| `{name}` | {type_name(kind)} | {'yes' if field.nullable else ''} | {meaning} |"]
    inner = kind.value_type if pa.types.is_list(kind) else kind
    if pa.types.is_struct(inner):
        rows += [row for part in inner for row in _rows(part, f"{name}.")]
    return rows


if __name__ == "__main__":
    sys.stdout.write(tables_markdown())
