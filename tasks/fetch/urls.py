"""Addresses: which may be fetched at all, which are the same page, which belong to a source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url, safe_url_string

from config.settings import FetchKind, FetchSource

_ANY_HOST = (FetchKind.URLS, FetchKind.FEED)
_PORTS = {"http": 80, "https": 443}


def clean_url(url: str, longest: int) -> str | None:
    """An address as it is sent, without fragment; None if it is not one that may be fetched.

    Only http and https with a host, without user name or password, at most `longest` characters.
    """
    try:
        url = safe_url_string(url.strip()).partition("#")[0]
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or port == 0:
        return None
    return url if len(url) <= longest and url.isascii() and url.isprintable() else None


def page_key(url: str) -> str:
    """Two addresses with one key are one page: order of parameters, escapes and default port do not count."""
    key: str = canonicalize_url(url, keep_blank_values=True)
    parts = urlsplit(key)
    if parts.port == _PORTS.get(parts.scheme):
        key = key.replace(f":{parts.port}", "", 1)
    return key


def host_of(url: str) -> str:
    """Host of an address, in lower case, without port."""
    return urlsplit(url).hostname or ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses belong to a source."""

    domains: tuple[str, ...]
    """Hosts, with their subdomains; empty for any."""
    folders: tuple[str, ...]
    """Beginnings of addresses, of a site section; empty for any."""
    include: tuple[re.Pattern[str], ...]
    exclude: tuple[re.Pattern[str], ...]
    follow: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, source: FetchSource) -> Scope:
        """The scope a source states, or that follows from its addresses."""
        hosts = () if source.kind in _ANY_HOST else tuple(sorted({host_of(url) for url in source.urls}))
        return cls(
            domains=tuple(name.lower().lstrip(".") for name in source.domains) or hosts,
            folders=tuple(_folder(url) for url in source.urls) if source.kind is FetchKind.SITE else (),
            include=tuple(map(re.compile, source.include)),
            exclude=tuple(map(re.compile, source.exclude)),
            follow=tuple(map(re.compile, source.follow)),
        )

    def allows(self, url: str) -> bool:
        """It may be fetched at all: on one of the hosts, and not excluded."""
        host = host_of(url)
        if self.domains and not any(host == name or host.endswith("." + name) for name in self.domains):
            return False
        return not any(pattern.search(url) for pattern in self.exclude)

    def keeps(self, url: str) -> bool:
        """It is a page to keep."""
        return self.allows(url) and (not self.include or any(pattern.search(url) for pattern in self.include))

    def in_section(self, url: str) -> bool:
        """It lies in the section of the site."""
        plain = url.partition("://")[2]
        return self.allows(url) and any(plain.startswith(folder) for folder in self.folders)

    def follows(self, url: str) -> bool:
        """It is a list page to search for links too."""
        return self.allows(url) and any(pattern.search(url) for pattern in self.follow)


def _folder(url: str) -> str:
    """Host and folder of an address, whatever its scheme: a section served by http and https is one."""
    parts = urlsplit(url)
    return parts.netloc.lower() + (parts.path[: parts.path.rfind("/") + 1] or "/")
