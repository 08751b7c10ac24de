"""What docs/reading.md shows works, and docs/tables.md is up to date."""

from __future__ import annotations

import contextlib
import io
import re
import urllib.error
import warnings
from pathlib import Path

import pytest

from config.settings import StoreSettings
from tasks.snapshot.describe import tables_markdown
from tasks.snapshot.handover import publish
from tasks.snapshot.store import Store
from tasks.tables import TABLES
from tests.s3 import environment, make_bucket
from tests.snapshot.rows import capture, commit, document, fill

DOCS = Path(__file__).parents[2] / "docs"
SNIPPETS = re.findall(
    r"^```python\n(.*?)^```", (DOCS / "reading.md").read_text(encoding="utf-8"), re.M | re.S
)
EDIT = {"rule": "gloss.strip", "count": 3, "removed": 12, "added": 0, "before": "河(hé)", "after": "河"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a default store of two versions and a published one."""
    home = tmp_path_factory.mktemp("home")
    store = Store.open(home / "data")
    rows = [document("a", edits=[EDIT]), document("b")]
    commit(store, "r1", rows, [*map(capture, "ab"), capture("c", "duplicate", "dedupe.near", doc="a")])
    commit(store, "r2", [document("d")], [capture("d")])
    publish(store, 2, home / "handed-over")
    return home


@pytest.mark.parametrize(
    "snippet", SNIPPETS, ids=[s.split("\n")[0] + f" {i}" for i, s in enumerate(SNIPPETS)]
)
def test_the_snippets_run(
    home: Path, snippet: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "pyspark" in snippet:
        pytest.importorskip("pyspark", reason="Spark is large and needs Java: tests/soak/spark.py runs it")
    if "s3://" in snippet:
        address = request.getfixturevalue("s3_address")
        for name, value in environment(address).items():
            monkeypatch.setenv(name, value)
        with contextlib.suppress(urllib.error.HTTPError):  # there since the snippet before
            make_bucket("corpus")
        store = Store(StoreSettings(path="s3://corpus/prod", local=str(tmp_path)))
        fill(store, "r1", "a")
    if "datasets" in snippet:
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
        pytest.importorskip("datasets", reason="the package datasets is not installed")
    monkeypatch.chdir(home)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        if "datasets" in snippet:
            warnings.simplefilter("ignore")  # of that package itself
        exec(compile(snippet, "docs/reading.md", "exec"), {})
    assert printed.getvalue().strip()


def test_the_page_of_tables_is_up_to_date() -> None:
    page = (DOCS / "tables.md").read_text(encoding="utf-8")
    assert page == tables_markdown(), "run `python -m tasks.snapshot.describe > docs/tables.md`"


def test_every_column_has_a_meaning() -> None:
    for schema in TABLES.values():
        for field in schema:
            assert field.metadata[b"meaning"].strip(), field.name
            assert f"| `{field.name}` |" in tables_markdown()
