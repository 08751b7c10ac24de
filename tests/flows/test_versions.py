"""The flows over versions do what their forms promise, and say it in the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from tasks.snapshot import Store, StoreError
from tests.snapshot.rows import capture, commit, document, fill, ident

FORMS = ["List", "Diff", "Publish", "Restore", "Tag", "Why"]


@pytest.fixture
def config(prefect_server: str, tmp_path: Path) -> str:
    """A settings file of a store with three versions: two documents, one changed, one added."""
    store = Store.open(tmp_path / "store")
    fill(store, "r1", "ab")
    commit(store, "r2", [document("a", "变了<b>。\n")], deletes={"documents": [ident("a")]})
    commit(store, "r3", [document("c")], [capture("c"), capture("d", "rejected", "quality.min_han")])
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({"store": {"path": str(store.path)}}), encoding="utf-8")
    return str(path)


def artifact(key: str) -> Any:
    """What a flow put into the dashboard last."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return found[0].data


def test_versions_are_listed_compared_tagged_handed_over_and_explained(config: str, tmp_path: Path) -> None:
    from flows import versions as flows

    rows = flows.versions(flows.ListParameters(config=config))
    assert [(row["version"], row["new"], row["changed"]) for row in rows] == [(1, 2, 0), (2, 0, 1), (3, 1, 0)]
    (shown,) = flows.versions(flows.ListParameters(config=config, version="v2"))
    assert shown["run_id"] == "r2"
    page = tmp_path / "diff.html"
    found = flows.diff(flows.DiffParameters(config=config, a="v1", html=str(page)))
    assert (found["added"], found["removed"], found["changed"]) == (1, 0, 1)
    assert "<b>" not in artifact("diff")
    assert "| 1 | - | rejected quality.min_han |" in artifact("diff")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert flows.tag(flows.TagParameters(config=config, version="1", name="first"))["tag"] == "first"
    target = tmp_path / "handed-over"
    done = flows.publish(flows.PublishParameters(config=config, version="first", target=str(target)))
    assert done["version"] == 1
    assert (target / "README.md").exists()
    lives = flows.why(flows.WhyParameters(config=config, query="https://news.example/a"))
    assert [event["what"] for event in lives[1]["events"]] == ["new", "changed"]
    with pytest.raises(StoreError, match="no capture or document"):
        flows.why(flows.WhyParameters(config=config, query="https://nobody.example/"))


def test_going_back_and_housekeeping(config: str, tmp_path: Path) -> None:
    from flows.maintain import MaintainParameters, maintain
    from flows.versions import RestoreParameters, restore

    store = Store.open(tmp_path / "store")
    done = maintain(MaintainParameters(config=config, compact=True, prune=["v2"], verify=["all"]))
    assert done.compacted == 4
    assert restore(RestoreParameters(config=config, version="v1"))["version"] == 5
    assert done.pruned is not None
    assert (done.pruned["dropped"], done.pruned["done"]) == ([2], False)
    assert done.problems == {f"v{number}": [] for number in range(1, 5)}
    done = maintain(MaintainParameters(config=config, prune=["v2"], really=True))
    assert store.versions() == [1, 3, 4, 5]
    assert done.problems == {"v5": []}
    lost = Path(store.files("documents", 3)[0])
    lost.unlink()
    with pytest.raises(StoreError, match=r"v3: .* is missing"):
        maintain(MaintainParameters(config=config, verify=["v3"]))
    assert "v3 is DAMAGED" in artifact("maintain")


def test_forms_refuse_what_they_do_not_know() -> None:
    from flows import versions as flows
    from flows.maintain import MaintainParameters

    for form in (MaintainParameters, *(getattr(flows, f"{name}Parameters") for name in FORMS)):
        assert all(field.description for field in form.model_fields.values()), form
        with pytest.raises(ValidationError, match="colour"):
            form(colour="red")
