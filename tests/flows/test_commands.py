"""The command line: results on standard output, complaints on standard error, exit codes 0, 1, 2."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.commands import main
from tests.conftest import ROOT
from tests.flows.corpus_files import article

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call `qingyuan ARGUMENTS` in a temporary folder; gives (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["qingyuan", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capfd.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


def test_clean_prints_one_object_per_capture_in_the_order_of_the_paths(call: Call, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.txt").write_text(article(name), encoding="utf-8")
    (tmp_path / "c.txt").write_bytes(b"")
    code, out, _ = call("clean", "b.txt", "c.txt", "a.txt", "--jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["capture"] for row in rows] == ["b.txt", "c.txt", "a.txt"]
    assert [row["outcome"] for row in rows][0::2] == ["kept", "kept"]
    assert rows[1]["outcome"] in ("failed", "rejected")
    assert rows[1]["reason"]
    wanted = "capture url title text source author published_at script converted edits damage quality outcome reason"
    assert set(wanted.split()) <= set(rows[0])


def test_explain_shows_the_edits_and_writes_an_escaped_page(call: Call, tmp_path: Path) -> None:
    shutil.copy(ROOT / "samples/captures/hantang/bicycle.txt", tmp_path / "page.txt")
    code, out, _ = call("explain", "page.txt")
    assert code == 0
    assert "gloss.strip" in out
    code, _, _ = call("explain", "page.txt", "--html", "page.html")
    assert code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r'(src|href)="https?:', page)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("frobnicate",), 2, "No such command"),
        (("clean", "nowhere.txt"), 2, "nowhere.txt"),
        (("clean", "--config", "nowhere.yaml", "x"), 2, "nowhere.yaml"),
        (("snapshots", "show"), 1, "latest"),
        (("snapshots", "verify", "v7"), 1, "7"),
        (("why", "http://nobody.example/"), 2, "nobody.example"),
    ],
)
def test_wrong_use_is_a_sentence_and_an_exit_code(
    call: Call, arguments: tuple[str, ...], code: int, says: str
) -> None:
    got, out, complaint = call(*arguments)
    assert got == code
    assert says in complaint
    assert "Traceback" not in complaint
    assert out == ""


def test_life_of_a_corpus_on_the_command_line(call: Call, tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "a.txt").write_text(article("first"), encoding="utf-8")

    def ask(*arguments: str) -> Any:
        code, out, complaint = call(*arguments, "--json")
        assert code == 0, complaint
        return json.loads(out)

    assert ask("run", "a.txt")["version"] == 1
    (tmp_path / "b.txt").write_text(article("second"), encoding="utf-8")
    assert ask("run", "a.txt", "b.txt")["version"] == 2
    assert [line["documents"] for line in ask("snapshots", "list")] == [1, 2]
    assert ask("snapshots", "show", "v1")["counts"]["captures"] == 1
    assert ask("snapshots", "diff", "v1", "v2")["added"] == 1
    assert ask("snapshots", "verify")["ok"] is True
    (capture, document) = ask("why", "b.txt")
    assert capture["events"][0]["what"] == "kept"
    assert document["events"][0]["version"] == 2
    assert call("snapshots", "tag", "v1", "first")[0] == 0
    assert ask("snapshots", "show", "first")["version"] == 1
    assert ask("snapshots", "restore", "first")["version"] == 3
    assert ask("snapshots", "publish", "v3", "handover")["files"] > 0
    assert ask("snapshots", "prune", "v2")["done"] is False
    assert ask("sites", "test")
