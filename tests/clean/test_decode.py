"""Charsets and transfer encodings of captures."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tasks.clean.decode import PayloadTooLargeError, decode, unwrap

PARAGRAPHS = {
    "hans": [
        "清晨的雾还没有散，摆渡的老人已经把船撑到了对岸，船上坐着三个上学的孩子。",
        "县里今年计划改造农村公路一百二十公里，目前已经完成了八成，预计十月底全部通车。",
        "“我们不是没有办法，只是缺一个愿意先走一步的人。”她说这句话的时候，正在修一台旧水泵。",
        "会议指出，要把群众反映强烈的问题放在首位，逐项研究，限期解决，并向社会公布结果。",
    ],
    "hant": [
        "清晨的霧還沒有散，擺渡的老人已經把船撐到了對岸，船上坐著三個上學的孩子。",
        "市府今年計畫整修鄉間道路一百二十公里，目前已經完成八成，預計十月底全部通車。",
        "「我們不是沒有辦法，只是缺一個願意先走一步的人。」她說這句話的時候，正在修一台舊水泵。",
        "會議指出，要把民眾反映強烈的問題放在首位，逐項研究，限期解決，並向社會公布結果。",
    ],
}
LABELS = {"utf-8": "utf-8", "gb18030": "gb2312", "big5hkscs": "big5"}
WRONG = {"utf-8": "gb2312", "gb18030": "utf-8", "big5hkscs": "gb2312"}
SIZES = {"full": None, "64 KB": 65536, "4 KB": 4096}


def _page(script: str, label: str | None, *, markup: int, repeat: int) -> str:
    meta = f'<meta charset="{label}">' if label else ""
    menu = '<div class="menu"><a href="/index.html" target="_blank">x</a></div>\n' * markup
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS[script] * repeat)
    return f"<html><head>{meta}<title>{PARAGRAPHS[script][0]}</title></head><body>{menu}{body}</body></html>"


def _matrix() -> list[tuple[str, str, str, str, int, int]]:
    return [
        (script, charset, meta, size, markup, repeat)
        for charset in LABELS
        for script in (("hant",) if charset == "big5hkscs" else ("hans", "hant"))
        for meta in ("right", "none", "wrong")
        for size in SIZES
        for markup, repeat in ((0, 1), (0, 160), (40, 40), (400, 10), (45, 1))
    ]


def test_the_charset_is_found_whatever_the_page_declares_and_wherever_it_is_cut() -> None:
    matrix = _matrix()
    failures = []
    for case in matrix:
        script, charset, meta, size, markup, repeat = case
        label = {"right": LABELS[charset], "none": None, "wrong": WRONG[charset]}[meta]
        payload = _page(script, label, markup=markup, repeat=repeat).encode(charset)[: SIZES[size]]
        decoded = decode(payload)
        if decoded.text.rstrip("\ufffd") != payload.decode(charset, "ignore"):
            failures.append((case, decoded.charset, decoded.evidence))
    assert len(failures) <= 0.01 * len(matrix), failures


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_marked_and_wide_encodings(charset: str) -> None:
    page = _page("hans", None, markup=5, repeat=1)
    assert decode(page.encode(charset)).text == page


def test_damaged_utf8_stays_utf8_and_counts_what_is_lost() -> None:
    payload = _page("hans", "gb2312", markup=2, repeat=20).encode()
    at = payload.index("雾".encode())
    decoded = decode(payload[:at] + b"\xff\xfe" + payload[at + 3 :])
    assert (decoded.charset, decoded.evidence, decoded.replaced) == ("utf-8", "utf-8", 2)


def test_a_replacement_character_in_the_page_is_no_loss() -> None:
    assert decode("有一个字坏了\ufffd，别处没有。".encode()).replaced == 0


def test_header_and_meta_decide_only_where_bytes_do_not() -> None:
    short = "<p>价目</p>".encode("gb18030")
    assert decode(short, headers=[("Content-Type", "text/html; charset=GBK")]).text == "<p>价目</p>"
    assert (
        decode("<p>中文</p>".encode(), headers=[("content-type", "text/html; charset=gbk")]).charset
        == "utf-8"
    )
    assert decode(b"<p>plain</p>").charset == "utf-8"
    assert decode(b"").text == ""


def test_a_declared_charset_of_the_source_wins_unless_refuted() -> None:
    payload = "日本語のページです。".encode("cp932")
    assert decode(payload, declared="shift_jis").text == "日本語のページです。"
    assert decode("中文的网页，内容在这里。".encode(), declared="ascii").charset == "utf-8"
    assert decode("中文的网页，内容在这里。".encode(), declared="no-such-thing").charset == "utf-8"


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_content_encodings_are_undone_within_bounds(coding: str) -> None:
    payload = _page("hans", "utf-8", markup=10, repeat=50).encode()
    packed, headers = CODINGS[coding](payload), [("Content-Encoding", coding)]
    assert unwrap(packed, headers, 1 << 20) == payload
    assert unwrap(payload, headers, 1 << 20) == payload, "already undone by the archive"
    assert payload.startswith(unwrap(packed[: len(packed) * 2 // 3], headers, 1 << 20)[:20])
    with pytest.raises(PayloadTooLargeError):
        unwrap(CODINGS[coding](bytes(4_000_000)), headers, 1 << 20)


def test_raw_deflate_and_several_members() -> None:
    raw = zlib.compress(b"abc" * 50)[2:-4]
    assert unwrap(raw, [("content-encoding", "deflate")], 1000) == b"abc" * 50
    both = gzip.compress(b"first ") + gzip.compress(b"second")
    assert unwrap(both, [("content-encoding", "gzip")], 1000) == b"first second"


def test_chunks_are_joined() -> None:
    headers = [("Transfer-Encoding", "chunked")]
    assert unwrap(b"4\r\nabcd\r\n3;x=1\r\nefg\r\n0\r\n\r\n", headers, 100) == b"abcdefg"
    assert unwrap(b"4\r\nabcd\r\n9\r\nef", headers, 100) == b"abcdef"
    assert unwrap(b"<html>already joined", headers, 100) == b"<html>already joined"


@given(
    st.binary(max_size=3000), st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "nonsense"])
)
def test_any_bytes_are_decoded_without_error(payload: bytes, coding: str) -> None:
    headers = [("content-encoding", coding), ("transfer-encoding", "chunked")]
    decoded = decode(unwrap(payload, headers, 1 << 20), headers=headers)
    assert "\0" not in decoded.text
    assert decoded.replaced >= 0


@given(st.text(max_size=300).filter(lambda text: "\0" not in text and not text.startswith("\ufeff")))
def test_utf8_text_is_returned_as_it_is(text: str) -> None:
    payload = ("<p>一段平常的文字，用来说明这是中文网页。</p>" + text).encode()
    assert decode(payload).text.encode() == payload
