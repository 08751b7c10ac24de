"""The store and the machine: where and how a run works."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from config.options.section import Section


class StoreSettings(Section):
    """Where the corpus lies."""

    path: str = Field(
        "data",
        description="Folder of the store, or `s3://bucket/prefix`; relative folders count from the working folder.",
    )
    local: str = Field(
        "data/local",
        description="Store on objects only: folder of this machine for work in progress, fetched pages and copies"
        " of what was read; each store gets a folder in it.",
    )
    options: dict[str, str] = Field(
        {},
        description="Store on objects only: options of the service by the names of the environment in lower case"
        " (aws_endpoint_url, aws_region, aws_allow_http); keys belong into the environment.",
    )
    lock_wait_seconds: float = Field(
        600, ge=0, le=86_400, description="How long a run waits for another run that holds the store."
    )
    lock_lease_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Store on objects only: a run that has not renewed its lock for so long is taken for dead.",
    )
    file_bytes: int = Field(
        128 << 20,
        ge=1 << 16,
        le=1 << 34,
        description="Size at which a Parquet file is closed and the next begun.",
    )
    row_group_bytes: int = Field(
        16 << 20, ge=1 << 14, le=1 << 30, description="Bytes of rows, before compression, in one row group."
    )
    compression_level: int = Field(3, ge=1, le=22, description="zstd level of the Parquet files.")
    memory_bytes: int = Field(
        256 << 20,
        ge=64 << 20,
        le=1 << 40,
        description="Memory for searches over the tables; beyond it they use disk.",
    )
    licence: str = Field(
        "unknown", description="Licence named on the card of a published corpus (SPDX or `other`)."
    )

    @property
    def folder(self) -> Path:
        """The store's folder on this machine: the store itself, or what a store on objects keeps beside it."""
        if "://" not in self.path:
            return Path(self.path)
        place = self.path.partition("://")[2].strip("/")
        digest = hashlib.sha256(place.encode()).hexdigest()[:8]
        return Path(self.local) / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', place)}-{digest}"

    @model_validator(mode="after")
    def _usable(self) -> StoreSettings:
        if "://" in self.path and not re.fullmatch(
            r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[^\s?#]*)?", self.path
        ):
            raise ValueError(f"path {self.path!r}: a store on objects has the form s3://bucket/prefix")
        for name in self.options:
            if not name.startswith("aws_"):
                raise ValueError(
                    f"options: {name} is none; they are called aws_endpoint_url, aws_region, ..."
                )
            if any(word in name for word in ("key", "secret", "token", "password")):
                raise ValueError(
                    f"options: {name} belongs into the environment ({name.upper()}), not into a file or a manifest"
                )
        return self


class RunSettings(Section):
    """How a run uses the machine."""

    engine: Literal["local", "dask"] = Field(
        "local", description="Where shards are worked on: processes of this machine, or a Dask cluster."
    )
    dask_address: str = Field(
        "",
        description="Scheduler of the Dask cluster (`tcp://host:8786`); empty starts one on this machine.",
    )
    workers: int = Field(
        0, ge=0, le=256, description="Worker processes on this machine; 0 means one per core."
    )
    shard_captures: int = Field(500, ge=1, le=100_000, description="Captures in one shard at most.")
    attempts: int = Field(
        2,
        ge=1,
        le=10,
        description="How often a shard may lose its worker before its captures are tried one by one.",
    )
    shard_bytes: int = Field(
        64 << 20, ge=1 << 16, le=1 << 32, description="Payload bytes in one shard at most."
    )
