"""Masking of personal data, off by default: numbers with a valid check digit, mobile numbers, addresses."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from config.settings import PrivacySettings
from tasks.clean.edits import Rewriter
from tasks.tables import Change

_IDENTITY: Final = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}[ -]?\d{8}[ -]?\d{3}[0-9Xx](?![0-9A-Za-z])")
_MOBILE: Final = re.compile(
    r"(?<![\d.-])((?:(?:\+|00)?86[- ]?)?1[3-9]\d)(?:[- ]?\d{4}){2}(?!\d|\.\d| ?[元万亿萬億])"
)
_CARD: Final = re.compile(
    r"(?<![\d.])(?:[3-6]\d{3}(?:[ -]?\d{4}){2,3}[ -]?\d{1,7}|[3-6]\d{15,18})(?!\d|\.\d)"
)
_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w-])", re.ASCII
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def mask(text: str, settings: PrivacySettings) -> Change:
    """Text with the kinds of personal data masked that the settings name; the first digits of numbers stay.

    The original is not kept in the edit: its `before` would undo the masking, so the edits of this
    pass are not replayable and it runs last. Returns the text unchanged by default.
    """
    rewriter = Rewriter(text)
    taken: list[tuple[int, int]] = []

    def replace(match: re.Match[str], keep: int, rule: str, reason: str) -> None:
        if all(match.end() <= start or match.start() >= end for start, end in taken):
            taken.append(match.span())
            found = match.group()
            after = found[:keep] + re.sub(r"\w", "*", found[keep:])
            rewriter.replace(match.start(), match.end(), after, rule, reason)

    if settings.email_addresses and "@" in text:
        for match in _EMAIL.finditer(text):
            replace(match, 1, "privacy.email", "an e-mail address")
    if settings.identity_numbers:
        for match in _IDENTITY.finditer(text):
            if is_identity_number(re.sub("[ -]", "", match.group())):
                replace(match, 6, "privacy.identity", "a resident identity number with a valid check digit")
    if settings.bank_cards:
        for match in _CARD.finditer(text):
            digits = re.sub(r"\D", "", match.group())
            if 15 <= len(digits) <= 19 and is_luhn(digits):
                replace(match, 4, "privacy.card", "a card number with a valid Luhn digit")
    if settings.mobile_numbers:
        for match in _MOBILE.finditer(text):
            replace(match, len(match[1]), "privacy.mobile", "a mobile number")
    return rewriter.change()


def is_identity_number(text: str) -> bool:
    """Whether 18 characters are a resident identity number: date of birth and check digit (GB 11643-1999)."""
    if not re.fullmatch(r"\d{17}[\dXx]", text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text, strict=False))
    return "10X98765432"[total % 11] == text[-1].upper()


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
