"""One form for every address of a page, so that a revisit is recognised by its key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import yaml

from config.settings import CONFIG

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"(?i)https?:/{2}")
_BARE_HOST = re.compile(r"(?:[^\s/?#:@.]+\.)+[^\s/?#:@.]{2,}(?::\d+)?(?:[/?#]|$)")
_TOKENS = re.compile(r"%([0-9A-Fa-f]{2})|([A-Za-z0-9\-._~]+)|(.)", re.DOTALL)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOST = re.compile(r"[a-z0-9._-]*[a-z0-9][a-z0-9._-]*|[0-9a-f:.]*:[0-9a-f:.]*")
_NUMERIC_HOST = re.compile(r"[\d.]+|.*:.*")


@dataclass(frozen=True, slots=True)
class _Rules:
    host_prefixes: frozenset[str]
    index_files: frozenset[str]
    archives: tuple[re.Pattern[str], ...]
    path_sessions: tuple[re.Pattern[str], ...]
    names: frozenset[str]
    prefixes: tuple[str, ...]
    values: dict[str, re.Pattern[str]]


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    file = CONFIG / "lexicon" / "url_rules.yaml"
    read: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    parameters = read["parameters"]
    return _Rules(
        host_prefixes=frozenset(read["host_prefixes"]),
        index_files=frozenset(read["index_files"]),
        archives=tuple(re.compile(pattern) for pattern in read["archives"]),
        path_sessions=tuple(re.compile(pattern) for pattern in read["path_sessions"]),
        names=frozenset(name.lower() for name in parameters["names"]),
        prefixes=tuple(prefix.lower() for prefix in parameters["prefixes"]),
        values={name.lower(): re.compile(pattern) for name, pattern in parameters["values"].items()},
    )


def url_key(url: str | None) -> str | None:
    """Key of a web address: equal for addresses of one page, as far as rules can tell.

    Scheme, user, default port, fragment, `www.` and mobile host labels, tracking and session
    parameters, index file names and archive wrappers are dropped; percent-encoding, dot segments,
    slashes and the order of parameters get one form (RFC 3986, section 6.2.2 and 6.2.3). The key
    is ASCII, `host[:port]/path[?query]`. None for what is not a web address (http, https).
    `url_key("http://" + key) == key`.
    """
    if url is None:
        return None
    address = re.sub(r"[\t\r\n]", "", url).strip()
    if _BARE_HOST.match(address):
        address = "http://" + address
    rules = _rules()
    wrapped = True
    while wrapped:
        wrapped = False
        for pattern in rules.archives:
            found = pattern.fullmatch(address)
            if found:
                inner = found["url"]
                address = inner if _SCHEME.match(inner) else re.sub(r"^(?i:https?:/+)?", "http://", inner)
                wrapped = True
    if not _SCHEME.match(address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = _host(parts.hostname or "", rules)
    if not host:
        return None
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    path = _path(parts.path, rules)
    query = _query(parts.query, rules)
    hashbang = f"#{_encode(parts.fragment)}" if parts.fragment.startswith("!") else ""
    return place + path + (f"?{query}" if query else "") + hashbang


def site_of(url: str | None) -> str | None:
    """Host part of the key of an address (without `www.` and the like), None where there is none."""
    key = url_key(url)
    return key.split("/", 1)[0] if key else None


def _host(name: str, rules: _Rules) -> str:
    name = name.lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    name = name.rstrip(".")
    if not _HOST.fullmatch(name):
        return ""
    if _NUMERIC_HOST.fullmatch(name):
        return name
    labels = name.split(".")
    while len(labels) > 2 and labels[0] in rules.host_prefixes:
        del labels[0]
    return ".".join(labels)


def _path(path: str, rules: _Rules) -> str:
    for pattern in rules.path_sessions:
        path = pattern.sub("", path)
    segments: list[str] = []
    for segment in _encode(path).split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    while segments and segments[-1].lower() in rules.index_files:
        segments.pop()
    return "/" + "/".join(segments)


def _query(query: str, rules: _Rules) -> str:
    kept: list[tuple[str, str]] = []
    for part in query.replace("&amp;", "&").split("&"):
        written_name, equals, written_value = part.replace("+", " ").partition("=")
        name, value = _encode(written_name), _encode(written_value)
        lower = name.lower()
        pattern = rules.values.get(lower)
        if not part or lower in rules.names or (lower.startswith(rules.prefixes) and equals):
            continue
        if pattern is not None and pattern.fullmatch(value):
            continue
        kept.append((name, name + equals + value))
    kept.sort(key=lambda pair: pair[0])
    return "&".join(written for _, written in kept)


def _encode(text: str) -> str:
    """Percent-encoding in its one form: unreserved characters plain, others in capital hex digits."""

    def one(match: re.Match[str]) -> str:
        escape, plain, other = match.groups()
        if escape:
            character = chr(int(escape, 16))
            return character if character in _UNRESERVED else f"%{escape.upper()}"
        return plain or quote_from_bytes(other.encode("utf-8", "surrogatepass"), safe="/:@!$&'()*,;=?+")

    return _TOKENS.sub(one, text)
