"""zip archives of captures in any format. A member may be compressed once more, but is no archive."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from typing import Final

from tasks.collect.reading import Place
from tasks.collect.streams import DamageError, Plain, Window
from tasks.tables import Capture

_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE: Final = {
    "[Content_Types].xml": "an Office document",
    "META-INF/container.xml": "an EPUB book",
    "META-INF/MANIFEST.MF": "a Java archive",
}
_BROKEN: Final = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError)
_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x1


def recognise(head: bytes, _name: str) -> bool:
    """It begins with the magic bytes."""
    return head.startswith(_MAGICS)


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give the captures of all members, in the order of the archive; hidden ones are counted as skipped."""
    if place.depth:
        yield place.failure("an archive inside an archive is not opened: unpack the outer one")
        return
    try:
        file = stream.as_file()
    except DamageError as error:
        yield place.failure(str(error))
        return
    with file:
        try:
            archive = zipfile.ZipFile(file)
        except (*_BROKEN, struct.error, OverflowError) as error:
            yield place.failure(f"the zip archive cannot be opened, it is cut or damaged: {error}")
            return
        with archive:
            yield from _members(archive, place)


def _members(archive: zipfile.ZipFile, place: Place) -> Iterator[Capture]:
    names = set(archive.namelist())
    office = next((words for name, words in _OFFICE.items() if name in names), None)
    if office:
        yield place.failure(f"looks like {office}; only text, HTML, JSON, Parquet, WARC and zip are read")
        return
    members = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if not members:
        yield place.failure("the zip archive is empty")
    limit = place.settings.max_archive_members
    for info in members[:limit]:
        name = _name(info)
        if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
            place.skipped["hidden"] += 1
        else:
            yield from _member(archive, info, place.member(name))
    if len(members) > limit:
        yield place.failure(
            f"{len(members) - limit} members were not read: the archive has more than {limit} "
            "(collect.max_archive_members)"
        )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Place) -> Iterator[Capture]:
    settings = place.settings
    if info.flag_bits & _ENCRYPTED:
        yield place.failure("this member of the archive is encrypted: unpack it with its password")
        return
    if (
        info.file_size > settings.max_payload_bytes
        and info.file_size > settings.max_expansion * info.compress_size
    ):
        yield place.failure(
            f"expands to more than {settings.max_expansion} times its size: taken for a decompression bomb "
            "(collect.max_expansion)"
        )
        return
    try:
        member = archive.open(info)
    except _BROKEN as error:
        yield place.failure(f"this member of the archive cannot be read: {error}")
        return
    with member:
        yield from place.dispatch(Window(Plain(member)), place)


def _name(info: zipfile.ZipInfo) -> str:
    """Name of a member; without the mark for UTF-8 it may be in the encoding of a Chinese system."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return info.filename


__all__ = ["read", "recognise"]
