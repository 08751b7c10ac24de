"""What bytes look like: HTML, text, or a known kind of file that holds no text."""

from __future__ import annotations

import codecs
import re
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KNOWN: Final = (
    (b"%PDF-", "application/pdf", "a PDF document"),
    (b"\x89PNG\r\n", "image/png", "a PNG image"),
    (b"\xff\xd8\xff", "image/jpeg", "a JPEG image"),
    (b"GIF8", "image/gif", "a GIF image"),
    (b"RIFF", "application/octet-stream", "a RIFF media file"),
    (b"\x00\x00\x01\x00", "image/x-icon", "an icon"),
    (b"BZh", "application/x-bzip2", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "application/x-xz", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "a 7z archive"),
    (b"Rar!\x1a\x07", "application/vnd.rar", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage", "an old Office document"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3", "a SQLite database"),
    (b"\x7fELF", "application/x-executable", "a program"),
    (b"wOF", "font/woff", "a font"),
    (b"ARROW1", "application/vnd.apache.arrow.file", "an Arrow file"),
    (b"PARE", "application/vnd.apache.parquet", "an encrypted Parquet file"),
)
_HTML_START: Final = re.compile(
    r"<(?:!doctype\s+html|html|head|body|meta|title|link|script|style|div|table|article|section|main|p|h[1-6]|ul|br)\b",
    re.IGNORECASE,
)
_TAG: Final = re.compile(
    r"</?(?:html|head|body|meta|title|div|span|p|br|a|h[1-6]|table|t[rdh]|ul|ol|li|strong|em|b|i|img|font|section|article)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_XML: Final = re.compile(r"<\?xml\b[^>]*\?>\s*", re.IGNORECASE)
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)\s*", re.DOTALL)
MANY_TAGS: Final = 3
"""Tags that make HTML out of text that does not begin like HTML."""
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\r\f\x1b\x1a\x0b")
_CONTROL_SHARE: Final = 0.02


def head_text(head: bytes) -> str:
    """The first bytes as text, good enough to look at; bytes that are no UTF-8 stay one character each."""
    for bom, charset in _BOMS:
        if head.startswith(bom):
            return head[len(bom) :].decode(charset, "replace")
    if head[1:2] == b"\0" and head[3:4] == b"\0":
        return head.decode("utf-16-le", "replace")
    if head[:1] == b"\0" and head[2:3] == b"\0":
        return head.decode("utf-16-be", "replace")
    return head.decode("latin-1")


def markup(head: bytes, *, tags: int | None = MANY_TAGS) -> str | None:
    """Tell markup by its beginning: `text/html`, `application/xml`, or None.

    `tags`: how many tags make HTML of something that does not begin like it; None: nothing does.
    """
    text = head_text(head).lstrip()
    start = _XML.match(text)
    body = text[start.end() :] if start else text
    while comment := _COMMENT.match(body):
        body = body[comment.end() :]
    if _HTML_START.match(body):
        return "text/html"
    if start:
        return "text/html" if "<html" in body.lower() else "application/xml"
    return "text/html" if tags is not None and len(_TAG.findall(body)) >= tags else None


def binary(head: bytes) -> tuple[str, str] | None:
    """Tell bytes that are no text: (media type, what it is in words), or None for text."""
    for magic, media_type, words in _KNOWN:
        if head.startswith(magic):
            return media_type, words
    if head[4:12] in (b"ftypisom", b"ftypmp42", b"ftypM4A "):
        return "video/mp4", "a video"
    if head[257:262] == b"ustar":
        return "application/x-tar", "a tar archive"
    if any(head.startswith(bom) for bom, _ in _BOMS):
        return None
    text = head_text(head)
    written = text.encode()
    controls = len(written) - len(written.translate(None, _CONTROLS))
    if controls > max(_CONTROL_SHARE * len(text), 0 if "\0" in text else 2):
        return "application/octet-stream", "binary data"
    return None


def media_type(payload: bytes) -> str:
    """The media type of a payload that came without one: HTML, a known binary kind, or plain text."""
    head = payload[: 1 << 12]
    known = binary(head)
    return known[0] if known else markup(head) or "text/plain"


__all__ = ["MANY_TAGS", "binary", "head_text", "markup", "media_type"]
