"""Payloads that are no text: recognised by their first bytes, or by what cannot be read of them."""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.characters import SUSPECTS, kinds_in

_MAGIC: Final = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a zip archive or office document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a RIFF media file",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b\x08": "gzip data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\x00\x00\x00\x18ftyp": "an MP4 file",
    b"\x00\x00\x00\x20ftyp": "an MP4 file",
    b"ID3": "an MP3 file",
    b"SQLite format 3": "a database",
}
_UNREADABLE: Final = re.compile("[\x01-\x08\x0e-\x1f\x7f\ufffd]+")
_SHARE: Final = 0.1
"""Share of control and undecodable characters from which bytes are no text."""


def known_kind(payload: bytes) -> str | None:
    """What a payload is by its first bytes, where that is no text."""
    return next((kind for magic, kind in _MAGIC.items() if payload.startswith(magic)), None)


def unreadable_share(payload: bytes, text: str, charset: str) -> float:
    """Share of NUL, control and undecodable characters in a decoded payload; 0 if a text may have as many."""
    if not (0 in payload or "\ufffd" in text or kinds_in(text) & SUSPECTS):
        return 0.0
    zeros = 0 if charset.startswith(("utf-16", "utf-32")) else payload.count(0)
    noise = zeros + sum(len(run) for run in _UNREADABLE.findall(text))
    share = min(1.0, noise / max(len(text), 1))
    return share if share > _SHARE else 0.0
