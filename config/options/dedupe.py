"""Recognising copies of one article."""

from __future__ import annotations

from pydantic import Field

from config.options.section import Section


class DedupeSettings(Section):
    """Recognising copies of one article."""

    similarity: float = Field(
        0.5, ge=0.2, le=1, description="Jaccard similarity of shingles from which two texts are near copies."
    )
    containment: float = Field(
        0.8,
        ge=0.5,
        le=1,
        description="Share of the shorter text's shingles found in the longer one from which it is contained.",
    )
    longest_copy: float = Field(
        2.5,
        ge=1,
        description="A text that contains another is a copy of it up to this ratio of lengths; a longer one is linked.",
    )
    revision_similarity: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Least containment between two texts of one address to be revisions of one document.",
    )
    spun: float = Field(0.5, ge=0, le=1, description="Spun score from which an unspun copy is preferred.")
    min_shingles: int = Field(
        50, ge=10, description="Texts with fewer distinct shingles match only by their exact skeleton."
    )
    min_shared: int = Field(2, ge=1, le=16, description="Hashes two sketches share at least to be compared.")
    bucket: int = Field(
        16, ge=2, le=1000, description="Texts compared with the others that share a hash; bounds hot hashes."
    )
    candidates: int = Field(
        48, ge=1, le=10_000, description="Texts one text is compared with at most, most shared hashes first."
    )
    batch_documents: int = Field(
        4000, ge=2, description="Texts that one worker holds while pairs are compared or copies gathered."
    )
    part_texts: int = Field(
        50_000,
        ge=1,
        description="New texts for each part of the hashes that one worker joins; bounds its memory.",
    )
    memory_mb: int = Field(
        384, ge=64, description="Memory limit of the database that joins new with stored signatures, MiB."
    )
    threads: int = Field(2, ge=1, le=64, description="Threads of that database.")
