"""Housekeeping of the store: check versions, merge small files, drop versions deliberately."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger
from pydantic import Field

from flows.versions import VERSION, StoreParameters
from tasks.snapshot import StoreError, history
from tasks.snapshot import maintain as housekeeping
from tasks.snapshot.report import complete
from tasks.snapshot.verify import verify as verified


class MaintainParameters(StoreParameters):
    """What a person may choose when starting housekeeping. Without a choice the latest version is checked."""

    compact: bool = Field(False, description="Merge the small files of many small runs, as a new version.")
    prune: list[str] = Field([], description=f"Versions to drop for good: {VERSION}")
    really: bool = Field(False, description="Drop them; without it only report what would go.")
    verify: list[str] = Field(
        ["latest"], description=f"Versions to check at the end: {VERSION} `all` checks every one."
    )


@dataclass(frozen=True)
class Maintained:
    """What housekeeping did and found."""

    compacted: int | None = None
    """The new version of merged files; None when there was nothing to merge or it was not asked for."""
    pruned: dict[str, Any] | None = None
    problems: dict[str, list[str]] = field(default_factory=dict)
    """By checked version; empty lists for sound ones."""

    def to_text(self) -> str:
        """What was done and found, as lines of Markdown."""
        lines = [f"- files merged into v{self.compacted}"] if self.compacted else []
        if self.pruned:
            verb = "dropped" if self.pruned["done"] else "would drop"
            names = ", ".join(f"v{version}" for version in self.pruned["dropped"])
            lines.append(f"- {verb} {names}: {self.pruned['files']:,} files, {self.pruned['bytes']:,} bytes")
        for version, problems in self.problems.items():
            lines.append(f"- {version} is {'DAMAGED' if problems else 'sound'}")
            lines += [f"    - {problem}" for problem in problems]
        return "\n".join(lines) or "nothing to do"


@flow(name="maintain", persist_result=False)
def maintain(parameters: MaintainParameters = MaintainParameters()) -> Maintained:  # noqa: B008 - immutable here
    """Merge small files, drop versions, check versions.

    Raises StoreError when a checked version is damaged, so that the run shows as failed.
    """
    store = parameters.store()
    log = get_run_logger()
    compacted = None
    if parameters.compact and (merged := housekeeping.compact(store)):
        compacted = merged.version
        complete(store, parameters.settings().report)
        log.info("v%d: files merged", compacted)
    report = None
    if parameters.prune:
        drop = [history.resolve(store, name) for name in parameters.prune]
        report = housekeeping.prune(store, drop, dry_run=not parameters.really)
        log.info("%s: %s", "dropped" if report.done else "would drop", drop)
    names = store.versions() if "all" in parameters.verify else parameters.verify
    if names == ["latest"] and not store.versions():
        names = []  # nothing to check yet
    checked = [verified(store, history.resolve(store, str(name))) for name in names]
    done = Maintained(
        compacted, asdict(report) if report else None, {f"v{c.version}": c.problems for c in checked}
    )
    create_markdown_artifact(done.to_text(), key="maintain", description="Housekeeping of the store")
    wrong = [f"v{check.version}: {check.problems[0]}" for check in checked if not check.ok]
    if wrong:
        raise StoreError("; ".join(wrong))
    return done
