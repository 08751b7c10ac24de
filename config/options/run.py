"""The store and the machine: where and how a run works."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.options.section import Section


class StoreSettings(Section):
    """Where the corpus lies."""

    path: str = Field("data", description="Folder of the store; relative ones count from the working folder.")
    lock_wait_seconds: float = Field(
        600, ge=0, le=86_400, description="How long a run waits for another run that holds the store."
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
