"""Cleaning of single captures."""

from __future__ import annotations

from pydantic import Field

from config.options.section import Section


class RepairSettings(Section):
    """Repair of byte damage and pinyin glosses."""

    distinct_glosses: int = Field(
        3,
        ge=1,
        le=100,
        description="Distinct characters a page must gloss before its glosses and byte damage are touched.",
    )
    margin: float = Field(
        3.0,
        ge=0,
        le=100,
        description="How much likelier (natural logarithm) a repaired stretch must be than what stood there.",
    )
    margin_without_glosses: float = Field(
        20.0,
        ge=0,
        le=200,
        description="The same on a page that shows no habit of glossing: less may be clean text.",
    )
    cuts_without_glosses: int = Field(
        2,
        ge=1,
        le=100,
        description="Cuts a page without glosses must show, each with that certainty, to be taken as damaged.",
    )
    ambiguous: float = Field(
        6.5,
        ge=0,
        le=100,
        description="Readings within this distance (natural logarithm) of the best are recorded as alternatives.",
    )
    undecided: float = Field(
        3.0,
        ge=0,
        le=100,
        description="Where characters were dropped on the way, what readings within this distance of the best "
        "do not share is written as □.",
    )
    longest_shift: int = Field(
        400, ge=10, le=10_000, description="Longest stretch, in characters, that is read as shifted."
    )


class ChromeSettings(Section):
    """Removal of site chrome, link farms and boilerplate from text."""

    site_chrome: bool = Field(
        True, description="Remove navigation, share bars, footers, forum furniture and the like."
    )
    link_farms: bool = Field(
        True, description="Remove lines of place names and of adult, gambling or medical keywords."
    )
    recurring_documents: int = Field(
        10,
        ge=0,
        le=1_000_000,
        description="Documents of a site on which a line at head or tail must stand, over all versions, "
        "to be dropped as chrome; 0 drops none.",
    )
    headline: bool = Field(
        True, description="Take title, source, time and author of a text capture from its head lines."
    )
    farm_names: int = Field(
        10, ge=4, le=1000, description="Place names in a line from which it can be a link farm."
    )
    farm_provinces: int = Field(
        6, ge=2, le=34, description="Provinces those names must lie in: prose and tables name neighbours."
    )


class NormaliseSettings(Section):
    """The one form of characters, punctuation and white space."""

    punctuation: bool = Field(True, description="Widen , ; : ? ! ( ) beside Han text.")
    quotes: bool = Field(True, description="Make straight quotes around Chinese into pairs.")


class PrivacySettings(Section):
    """Masking of personal data; nothing is masked by default."""

    identity_numbers: bool = Field(
        False, description="Mask resident identity numbers with a valid check digit."
    )
    mobile_numbers: bool = Field(False, description="Mask mainland mobile numbers.")
    bank_cards: bool = Field(False, description="Mask bank card numbers with a valid Luhn digit.")
    email_addresses: bool = Field(False, description="Mask e-mail addresses.")


class ExtractSettings(Section):
    """Finding the article in a HTML page."""

    max_characters: int = Field(
        8_000_000,
        ge=10_000,
        le=200_000_000,
        description="Characters of a page that are read; the rest is left out.",
    )
    max_blocks: int = Field(
        50_000,
        ge=1000,
        le=10_000_000,
        description="Block elements and lines of a page that are weighed; the rest is left out.",
    )
    max_depth: int = Field(
        2_000,
        ge=100,
        le=20_000,
        description="A page nested deeper is read without its containers (a parser bomb).",
    )
    max_fragment: int = Field(
        30_000,
        ge=1000,
        le=10_000_000,
        description="Tags and texts of the article above which its lines are taken as they stand, without tables.",
    )
    min_visible: int = Field(
        40,
        ge=0,
        le=10_000,
        description="With fewer visible characters on a page, scripts and form fields are searched for the article.",
    )
    list_score: float = Field(
        0.6, ge=0, le=1, description="A page whose list score is higher is taken for a list of other pages."
    )


class QualitySettings(Section):
    """Thresholds of the reject rules; a document beyond one is rejected, with the figure in the ledger."""

    min_han: int = Field(20, ge=0, description="Fewer Han characters are no article.")
    min_han_share: float = Field(0.03, ge=0, le=1, description="Han characters / characters at least.")
    max_line_repetition: float = Field(
        0.8, ge=0, le=1, description="Share of characters in repeated lines at most."
    )
    max_ngram_repetition: float = Field(
        0.8, ge=0, le=1, description="Share of repeated Han 10-grams at most."
    )
    max_symbol_share: float = Field(0.3, ge=0, le=1, description="Symbols / characters at most.")
    max_digit_share: float = Field(0.4, ge=0, le=1, description="Digits / characters at most.")
    min_stop_share: float = Field(
        0.01, ge=0, le=1, description="Function characters / Han at least, from 200 Han on."
    )
    max_unrepaired_share: float = Field(
        0.05, ge=0, le=1, description="Unrepaired damage and undecodable bytes / characters at most."
    )
    max_link_density: float = Field(
        0.9, ge=0, le=1, description="Text inside links / text of the page at most."
    )
    max_list_page: float = Field(
        0.75, ge=0, le=1, description="Score of being a list or index page at most; 1 only records it."
    )
    max_advert: float = Field(
        0.6, ge=0, le=1, description="Score of adult, gambling or advertising text at most."
    )
    max_spun: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Score of synonym spinning at most; 1 only flags it (an unspun copy wins).",
    )
    spun_flag: float = Field(0.5, gt=0, le=1, description="Score from which a text is flagged as spun.")


class CleanSettings(Section):
    """Cleaning of single captures."""

    repair: RepairSettings = RepairSettings()
    extract: ExtractSettings = ExtractSettings()
    chrome: ChromeSettings = ChromeSettings()
    normalise: NormaliseSettings = NormaliseSettings()
    privacy: PrivacySettings = PrivacySettings()
    quality: QualitySettings = QualitySettings()
