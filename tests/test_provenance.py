"""What a result says it was made with has to be what made it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.settings import SettingsError
from tasks import provenance
from tasks.provenance import code_version, stale_modules

SECOND = 1_000_000_000


@pytest.mark.parametrize(("built", "stale"), [(2, []), (1, []), (0, ["walk.py"])])
def test_a_source_newer_than_its_extension_module_is_found(
    tmp_path: Path, built: int, stale: list[str]
) -> None:
    source, module = tmp_path / "walk.py", tmp_path / "walk.cpython-311-x86_64-linux-gnu.so"
    for file, seconds in ((source, 1), (module, built)):
        file.touch()
        os.utime(file, ns=(seconds * SECOND, seconds * SECOND))
    (tmp_path / "other.py").touch()  # newer than all, and not compiled
    assert [file.name for file in stale_modules(tmp_path)] == stale


def test_no_run_is_signed_with_sources_that_did_not_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(provenance.__file__)
    monkeypatch.setattr(provenance, "stale_modules", lambda folder: [source])
    code_version.cache_clear()
    with pytest.raises(SettingsError, match=r"tasks/provenance\.py; run `make compile`"):
        code_version()
