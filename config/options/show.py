"""What is shown of a run: language, report, warnings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.options.section import Section


class ReportSettings(Section):
    """The report of a version and what a run shows in the dashboard."""

    language: Literal["zh", "en"] = Field(
        "en", description="Language of reports and of what a run shows (words: config/messages.yaml)."
    )
    sample_documents: int = Field(
        24, ge=0, le=500, description="New documents shown before and after cleaning in a report."
    )
    sample_characters: int = Field(
        1200, ge=200, le=200_000, description="Characters shown of a sample document; the rest is left out."
    )
    sites: int = Field(40, ge=1, le=10_000, description="Sites listed in a report, the largest first.")
    versions: int = Field(60, ge=2, le=1000, description="Versions in the trend of a report.")


class WatchSettings(Section):
    """When a run warns: figures of its new captures held against those of the versions before."""

    action: Literal["warn", "fail", "off"] = Field(
        "warn",
        description="warn: warnings stand in report and dashboard and are sent out; fail: the run also ends as "
        "failed, its version stays; off: nothing is watched.",
    )
    history: int = Field(14, ge=1, le=365, description="Versions before that figures are held against.")
    min_captures: int = Field(
        50, ge=1, description="New captures of a run, or of a site, below which shares say nothing."
    )
    share_change: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Warn when the share of an outcome among new captures differs by more than this from its history.",
    )
    site_rejected: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Warn when more than this share of a site's new captures is rejected or failed, and less "
        "than half of it was before.",
    )
    damage_change: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Warn when the share of new documents with a kind of damage rose by more than this.",
    )
    silent_days: float = Field(
        7, ge=0, le=3650, description="Warn when a source has brought nothing new for so many days; 0: never."
    )
