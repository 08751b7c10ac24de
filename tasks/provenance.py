"""What a result was made with: code, word lists, dictionaries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from config.settings import CONFIG, Settings, SettingsError


def _digest(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(
            file.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest()
        )
    return digest.hexdigest()


def stale_modules(folder: Path) -> list[Path]:
    """Sources below `folder` that were edited after they were compiled: Python would run what they were."""
    built = ((file, file.with_name(file.name.partition(".")[0] + ".py")) for file in folder.rglob("*.so"))
    return sorted(
        source
        for file, source in built
        if source.is_file() and source.stat().st_mtime_ns > file.stat().st_mtime_ns
    )


@lru_cache(maxsize=1)
def code_version() -> str:
    """Release, and 12 hex digits over the source files that make results (config/, tasks/).

    Raises SettingsError if compiled modules are not those of the sources.
    """
    root = CONFIG.parent
    if stale := stale_modules(root / "tasks"):
        names = ", ".join(file.relative_to(root).as_posix() for file in stale)
        raise SettingsError(f"edited after it was compiled: {names}; run `make compile`")
    files = [*CONFIG.rglob("*.py"), *(root / "tasks").rglob("*.py")]
    return f"{version('qingyuan')}+{_digest(files, root)[:12]}"


def dictionaries(settings: Settings) -> dict[str, str]:
    """Versions or digests of the word lists, recipes and dictionaries in use, by name."""
    data = [file for name in ("lexicon", "sites") for file in (CONFIG / name).rglob("*") if file.is_file()]
    own = [Path(file).resolve() for file in settings.convert.lexicon]
    packages = (settings.convert.dictionaries, "jieba", "pypinyin")
    digests = {"lexicon": _digest(data, CONFIG)}
    if own:
        digests["convert.lexicon"] = _digest(own, Path("/"))
    return digests | {name: version(name) for name in packages}


def results_digest(settings: Settings) -> str:
    """SHA-256 over everything beside the captures that decides results: settings, code, word lists."""
    parts = (settings.digest(), code_version(), repr(sorted(dictionaries(settings).items())))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
