"""Addresses of one page get one key; addresses of different pages do not."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tasks.dedupe.urls import site_of, url_key

CASES: dict[str, list[Any]] = yaml.safe_load(
    (Path(__file__).parent.parent / "cases" / "dedupe" / "urls.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("url", "key"), [(url, group["key"]) for group in CASES["same"] for url in group["urls"]]
)
def test_addresses_of_one_page_share_a_key(url: str, key: str) -> None:
    assert url_key(url) == key


@pytest.mark.parametrize("urls", CASES["different"])
def test_addresses_of_different_pages_differ(urls: list[str]) -> None:
    assert all(url_key(one) != url_key(other) for one, other in combinations(urls, 2))


@pytest.mark.parametrize("url", CASES["none"])
def test_no_key_for_what_is_no_web_address(url: str | None) -> None:
    assert url_key(url) is None


def test_site_is_the_host_without_its_mobile_label() -> None:
    assert site_of("https://m.example.com/a") == "example.com"
    assert site_of("file:///a") is None


@given(
    st.from_regex(r"\A[a-z]{1,3}(\.[a-z]{1,4}){1,3}\Z"),
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=8),
)
def test_key_of_a_key_is_the_key(host: str, path: str, query: str, fragment: str) -> None:
    key = url_key(f"http://{host}/{path}?{query}#{fragment}")
    if key is not None:
        assert key.isascii()
        assert url_key("http://" + key) == key


@given(st.text(max_size=60))
def test_any_text_gives_a_key_or_none(text: str) -> None:
    key = url_key(text)
    assert key is None or url_key("http://" + key) == key
