"""What is loaded, and the limits on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.options.section import Section


class FieldMapping(Section):
    """Which fields of a structured source (JSON Lines, Parquet) hold what."""

    text: list[str] = Field(
        ["text", "content", "raw_content", "html", "body"],
        description="Fields that may hold the text or HTML; the first one present wins. A dot leads into a"
        " nested record (doc.text), here and below.",
    )
    url: list[str] = Field(["url", "link", "source_url"], description="Fields that may hold the address.")
    title: list[str] = Field(["title"], description="Fields that may hold the headline.")
    captured_at: list[str] = Field(
        ["captured_at", "crawl_date", "date_download", "timestamp", "date"],
        description="Fields that may hold the time of capture (ISO 8601, YYYYMMDDhhmmss, Unix time).",
    )
    media_type: list[str] = Field(
        ["media_type", "mime", "content_type"],
        description="Fields that may hold the media type; without one it is detected.",
    )


class Source(Section):
    """Captures to load: files, folders and archives."""

    name: Annotated[
        str, Field(min_length=1, pattern=r"^[^\s/\\]+$", description="Name shown in ledger and reports.")
    ]
    paths: list[str] = Field(
        description="Files, folders or glob patterns; relative ones count from the working folder.",
        min_length=1,
    )
    fields: FieldMapping = Field(FieldMapping(), description="Field mapping for JSON Lines and Parquet.")
    profile: str | None = Field(
        None, description="Conversion profile for this source; empty means the general one."
    )
    inbox: bool = Field(
        False,
        description="Files only pass through: they may go once a version has taken them in, and there may be none.",
    )
    archive: bool | None = Field(
        None,
        description="Keep the bytes of what is loaded in the store, so that a reclean needs no input file;"
        " empty means: for an inbox.",
    )

    @property
    def archived(self) -> bool:
        """Whether loaded bytes are kept in the store."""
        return self.inbox if self.archive is None else self.archive


class CollectSettings(Section):
    """Limits on what is read."""

    max_payload_bytes: int = Field(
        16 << 20,
        ge=1024,
        le=1 << 31,
        description="A larger capture is recorded as failed, not read into memory.",
    )
    max_archive_members: int = Field(1_000_000, ge=1, description="Members read from one archive at most.")
    max_expansion: int = Field(
        200, ge=2, description="Decompressed size / compressed size above which a file is taken for a bomb."
    )
