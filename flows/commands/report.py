"""`qingyuan snapshots report`: the page of a version."""

from __future__ import annotations

from flows.commands.app import ConfigOption, JsonOption, out, print_json, settings_of
from flows.commands.snapshots import LatestArgument, snapshots
from tasks.snapshot import Store, history
from tasks.snapshot import report as pages


@snapshots.command()
def report(
    version: LatestArgument = "latest", config: ConfigOption = None, as_json: JsonOption = False
) -> int:
    """Where the report of a version lies; it is written where it is missing."""
    settings = settings_of(config)
    store = Store(settings.store)
    number = history.resolve(store, version)
    page = store.home.where(pages.page_of(number))
    if store.home.size(pages.page_of(number)) is None:
        with store.exclusive("report"):
            pages.write(store, number, settings.report)
    if as_json:
        print_json({"version": number, "report": page})
    else:
        out.print(page, markup=False)
    return 0
