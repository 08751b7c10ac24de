"""The deployments of the dashboard: every flow with a form, its schedule, and what happens to a second run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from config.settings import Settings
from flows.fetch import fetch
from flows.maintain import maintain
from flows.reclean import reclean
from flows.refresh import refresh
from flows.versions import diff, publish, restore, tag, versions, why


@dataclass(frozen=True)
class Offer:
    """A flow as the dashboard offers it."""

    flow: Flow[Any, Any]
    description: str
    cron: str = ""


def offers(settings: Settings) -> list[Offer]:
    """All flows, in the order of their use."""
    serve = settings.serve
    return [
        Offer(
            refresh,
            "Load new captures, deduplicate, clean and convert them, publish the next version.",
            serve.refresh_cron,
        ),
        Offer(
            fetch, "Fetch new and changed pages of the configured sources into WARC files.", serve.fetch_cron
        ),
        Offer(reclean, "Clean all stored captures again with the present rules, as a new version."),
        Offer(versions, "List all versions, or show one in full."),
        Offer(diff, "Compare two versions: documents added, removed and changed, and why."),
        Offer(publish, "Make a folder of one version ready to hand over."),
        Offer(restore, "Make a new version that equals an old one; nothing is lost."),
        Offer(tag, "Give a version a name that forms and commands understand."),
        Offer(why, "What became of a capture, in which version, and why."),
        Offer(maintain, "Check versions, merge small files, drop old versions.", serve.maintain_cron),
    ]


def deployments(settings: Settings, config: Path | None) -> list[RunnerDeployment]:
    """The deployments as Prefect serves them; their forms know the configured sources and profiles."""
    serve = settings.serve
    strategies = {"wait": ConcurrencyLimitStrategy.ENQUEUE, "refuse": ConcurrencyLimitStrategy.CANCEL_NEW}
    # The store has a lock of its own; the limit keeps waiting runs visible as such in the dashboard.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=strategies[serve.second_run])
    made = []
    for offer in offers(settings):
        deployment = cast(
            RunnerDeployment,
            offer.flow.to_deployment(
                name=offer.flow.name,
                description=offer.description,
                parameters={"parameters": {"config": str(config or "")}},
                schedules=[Cron(offer.cron, timezone=serve.time_zone)] if offer.cron else [],
                concurrency_limit=one_at_a_time,
            ),
        )
        offer_choices(deployment, settings)
        made.append(deployment)
    return made


def offer_choices(deployment: RunnerDeployment, settings: Settings) -> None:
    """Make drop-down lists of the fields whose values the settings name: sources, fetch sources, profiles."""
    sources = [source.name for source in settings.sources] + [
        source.name for source in settings.fetch.sources
    ]
    choices = {
        "sources": list(dict.fromkeys(sources)),
        "source": ["", *(source.name for source in settings.fetch.sources)],
        "profile": ["", *settings.convert.names()],
    }
    for definition in deployment._parameter_openapi_schema.definitions.values():
        shown = definition.get("properties", {})
        if "config" in shown:  # of interest to few: last
            shown["config"] = shown.pop("config") | {"title": "Settings file"}
        for name, shown in definition.get("properties", {}).items():
            if choices.get(name):
                target = shown.get("items", shown)
                target["enum"] = choices[name]
