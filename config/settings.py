"""Typed settings: every option is declared, explained and bounded here, once.

Values come, the later winning, from the defaults below, `config/default.yaml`, a file given with
`--config`, and environment variables (`QINGYUAN_RUN__WORKERS=4`). An unknown or impossible value
stops the program before the first byte is read, with the file and the field in the message.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.options.clean import (
    ChromeSettings,
    CleanSettings,
    ExtractSettings,
    NormaliseSettings,
    PrivacySettings,
    QualitySettings,
    RepairSettings,
)
from config.options.collect import CollectSettings, FieldMapping, Source
from config.options.convert import ConversionProfile, ConvertSettings
from config.options.dedupe import DedupeSettings
from config.options.fetch import (
    CommonCrawlSettings,
    FetchKind,
    FetchLimits,
    FetchSafety,
    FetchSettings,
    FetchSource,
    PolitenessSettings,
    RevisitSettings,
)
from config.options.run import RunSettings, StoreSettings
from config.options.section import Section, SettingsError
from config.options.serve import NotifySettings, ServeSettings
from config.options.show import ReportSettings, WatchSettings

CONFIG = Path(__file__).parent
"""The folder of the shipped configuration: default.yaml, sites/, lexicon/."""


_NO_RESULT = {"store", "run", "sources", "report", "watch", "notify", "serve", "fetch"}
"""Groups of options that cannot change a document."""


class Settings(BaseSettings):
    """All settings of Qingyuan."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="QINGYUAN_", env_nested_delimiter="__"
    )

    store: StoreSettings = StoreSettings()
    sources: list[Source] = Field([], description="What a scheduled run loads.")
    run: RunSettings = RunSettings()
    collect: CollectSettings = CollectSettings()
    clean: CleanSettings = CleanSettings()
    convert: ConvertSettings = ConvertSettings()
    dedupe: DedupeSettings = DedupeSettings()
    report: ReportSettings = ReportSettings()
    watch: WatchSettings = WatchSettings()
    serve: ServeSettings = ServeSettings()
    notify: NotifySettings = NotifySettings()
    fetch: FetchSettings = FetchSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is given by pydantic
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which values win: given in code, environment (files are merged by load_settings)."""
        return env_settings, init_settings

    def digest(self) -> str:
        """SHA-256 over the options that can change a result (not where it lies or how many workers)."""
        values = self.model_dump(mode="json", exclude=_NO_RESULT)
        values["sources"] = {
            source.name: source.model_dump(mode="json", exclude={"paths", "inbox", "archive"})
            for source in self.sources
        }
        return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); give an existing YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(
            f"{path}: must hold sections such as `run:` or `sources:`, found {type(values).__name__}"
        )
    return values


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings: default.yaml, then `path` if given, then `overrides`, then the environment.

    Raises SettingsError with one line for each wrong field, naming the file it stands in.
    """
    files = [CONFIG / "default.yaml"] + ([path] if path else [])
    values: dict[str, Any] = {}
    origin: dict[str, Path] = {}
    for file in files:
        read = _read(file)
        values = _merge(values, read)
        origin.update(dict.fromkeys(read, file))
    try:
        return Settings(**_merge(values, overrides))
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            stands = origin.get(str(problem["loc"][0])) if problem["loc"] else None
            where = f"{stands}: {place}" if stands else f"{place} (environment or command line)"
            advice = (
                " - unknown option; see docs/configuration.md" if problem["type"] == "extra_forbidden" else ""
            )
            lines.append(f"{where}: {problem['msg']}{advice}")
        raise SettingsError("\n".join(lines)) from error


def workers(settings: Settings) -> int:
    """Number of worker processes to use: the setting, or one per core this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return settings.run.workers or (len(affinity(0)) if affinity else os.cpu_count() or 1)


__all__ = [
    "CONFIG",
    "ChromeSettings",
    "CleanSettings",
    "CollectSettings",
    "CommonCrawlSettings",
    "ConversionProfile",
    "ConvertSettings",
    "DedupeSettings",
    "ExtractSettings",
    "FetchKind",
    "FetchLimits",
    "FetchSafety",
    "FetchSettings",
    "FetchSource",
    "FieldMapping",
    "NormaliseSettings",
    "NotifySettings",
    "PolitenessSettings",
    "PrivacySettings",
    "QualitySettings",
    "RepairSettings",
    "ReportSettings",
    "RevisitSettings",
    "RunSettings",
    "Section",
    "ServeSettings",
    "Settings",
    "SettingsError",
    "Source",
    "StoreSettings",
    "WatchSettings",
    "load_settings",
    "workers",
]
