"""Fetching pages: polite, conditional, resumable, archived as WARC.

`run_fetch` crawls one source in a process of its own; `gone_pages` names what has been deleted since.
The way of a page and the files in the store are described in docs/fetch.md.
"""

from tasks.fetch.report import FetchReport
from tasks.fetch.run import FetchError, run_fetch
from tasks.fetch.state import GonePage, gone_pages

__all__ = ["FetchError", "FetchReport", "GonePage", "gone_pages", "run_fetch"]
