"""Converting a document paragraph by paragraph, and only what is due."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from config.settings import ConversionProfile, ConvertSettings
from functools import lru_cache
from tasks.convert.engine import OpenCC
from tasks.convert.script import Evidence, Script, judge, total, weigh
from tasks.tables import Edit

_QUOTES = {
    "curly": str.maketrans("「」『』﹁﹂﹃﹄", "“”‘’“”‘’"),
    "corner": str.maketrans("“”‘’", "「」『』"),
    "keep": {},
}


@dataclass(frozen=True, slots=True)
class Converted:
    """A text after conversion."""

    text: str
    edits: tuple[Edit, ...]
    """One edit for each converted paragraph; applying them to the input gives the text."""
    script: Script
    """Script of the text that came in."""
    profile: str | None
    """Profile applied; None if the text was left as it was."""
    changed: int
    """Number of characters that differ."""


class Converter:
    """Converts texts as the settings say. Compiles a profile when it is first used."""

    def __init__(self, settings: ConvertSettings) -> None:
        self._settings = settings
        settings.named(None)

    def detect(self, text: str) -> Script:
        """Script of a whole text; Japanese if most of its Han characters stand in Japanese paragraphs."""
        return self._whole(weigh(text, _starts(text.split("\n"))))

    def convert(self, text: str, *, profile: str | None = None) -> Converted:
        """Convert the paragraphs that are not in the script of the profile yet.

        `profile` names a profile of the settings, None means the general one. Raises
        SettingsError when there is no such profile.
        """
        name = profile or self._settings.profile
        chosen = self._settings.named(name)
        paragraphs = text.split("\n")
        starts = _starts(paragraphs)
        evidence = weigh(text, starts)
        script = self._whole(evidence)
        if chosen is None or script is Script.JA:
            return Converted(text, (), script, None, 0)
        due = [number for number, row in enumerate(evidence) if self._due(row, script, chosen)]
        if not due:
            return Converted(text, (), script, None, 0)
        engine = compiled(chosen.config, self._settings.dictionaries, tuple(chosen.without))
        edits = []
        results = self._run(engine, chosen, [paragraphs[number] for number in due])
        for number, after in zip(due, results, strict=True):
            before = paragraphs[number]
            if before != after:
                paragraphs[number] = after
                reason = f"{script} text, {self._settings.dictionaries} {engine.version} {chosen.config}"
                edits.append(Edit(f"convert.{name}", starts[number], before, after, reason, _changed(before, after)))
        if not edits:
            return Converted(text, (), script, None, 0)
        return Converted("\n".join(paragraphs), tuple(edits), script, name, sum(edit.count for edit in edits))

    def _whole(self, rows: list[Evidence]) -> Script:
        chinese = [row for row in rows if self._judge(row) is not Script.JA]
        if len(chinese) < len(rows) and 2 * sum(row.han for row in chinese) < sum(row.han for row in rows):
            return Script.JA
        return self._judge(total(chinese))

    def _judge(self, evidence: Evidence) -> Script:
        return judge(evidence, mixed_share=self._settings.mixed_share, kana_share=self._settings.kana_share)

    def _due(self, evidence: Evidence, whole: Script, profile: ConversionProfile) -> bool:
        own = self._judge(evidence)
        if own is Script.NONE:
            own = whole if evidence.han else Script.NONE
        return own not in (Script.NONE, Script.JA, profile.target)

    def _run(self, engine: OpenCC, profile: ConversionProfile, paragraphs: list[str]) -> list[str]:
        # No phrase reaches across a line feed, so one call for all gives what single calls would.
        out = engine.convert("\n".join(paragraphs))
        if self._settings.quotes:
            out = out.translate(_QUOTES[profile.quotes])
        return out.split("\n")


def _starts(paragraphs: list[str]) -> list[int]:
    return [0, *accumulate(len(paragraph) + 1 for paragraph in paragraphs[:-1])]


@lru_cache(maxsize=16)
def compiled(config: str, package: str, without: tuple[str, ...]) -> OpenCC:
    """The compiled configuration, shared by all who ask for the same one in this process."""
    return OpenCC(config, package=package, without=without)


def _changed(before: str, after: str) -> int:
    if len(before) == len(after):
        return sum(a != b for a, b in zip(before, after, strict=True))
    return max(len(before), len(after))
