"""What runs that did not end well leave behind: which files it is, and how it goes away."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from tasks.files import ObjectFiles
from tasks.snapshot import delta
from tasks.snapshot.manifest import PUBLISHED, Manifest
from tasks.snapshot.reader import SNAPSHOTS, Reader, parse_manifest, table_file
from tasks.tables import TABLES

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
TRASH: Final = "staging/trash"
CARRIED: Final = "staging/carried"
"""Store on objects: what a run carries to workers far away (tasks/carry.py)."""
_DISCARDED: Final = "staging/discarded"
_GRACE: Final = timedelta(days=1)
"""How long the files of a discarded commit stay among objects: its run may have been cut off, not dead, and
its manifest, should it still win, must not name files that are gone."""


class Remains(Reader):
    """The tidying half of a store; all of it is done by a run that holds the lock."""

    @property
    def _staging(self) -> Path:
        return self.path / "staging"

    def _run_folder(self, run_id: str) -> Path:
        return self._staging / "files" / _UNSAFE.sub("_", run_id)

    def _staged(self, run_id: str, table: str) -> Path:
        return self._run_folder(run_id) / table

    def _forget(self, run_id: str) -> None:
        shutil.rmtree(self._run_folder(run_id), ignore_errors=True)

    def _missing(self, draft: Manifest) -> str | None:
        """A file of the draft that is neither stored nor staged here as it was written."""
        for table, pin in draft.tables.items():
            for file in pin.files:
                staged = self._staged(draft.run_id, table) / file.name
                whole = staged.exists() and staged.stat().st_size == file.bytes
                if not whole and self.home.size(table_file(table, file.name)) != file.bytes:
                    return file.name
        return None

    def _roll_back(self, draft: Manifest, latest: Manifest | None) -> None:
        for table, schema in TABLES.items():
            if "_delta_log" in self.home.folders(f"tables/{table}"):
                files = latest.files(table) if latest else []
                version = latest.version if latest else 0
                delta.align(self.home, f"tables/{table}", schema, files, "roll-back", version)
        mine = [table_file(table, file.name) for table, pin in draft.tables.items() for file in pin.files]
        if self.home.folder:
            self.home.remove(self._unneeded(mine))
        else:
            name = f"{_DISCARDED}/{_UNSAFE.sub('_', draft.run_id)}.json"
            self.home.write(name, json.dumps(mine).encode())

    def _unneeded(self, names: Iterable[str]) -> list[str]:
        """Those of these files that no version has."""
        needed = {
            table_file(table, file.name)
            for manifest in self.manifests()
            for table, pin in manifest.tables.items()
            for file in pin.files
        }
        return sorted(set(names) - needed)

    def _empty_trash(self) -> int:
        present = set(self.versions())
        dropped = []
        for folder in self.home.folders(TRASH):
            name = f"{TRASH}/{folder}/manifest.json"
            if self.home.size(name) is not None:
                manifest = parse_manifest(self.home.read(name), Manifest, self.home.where(name))
                if manifest.version not in present:  # else it was broken off before the version went
                    dropped.append(manifest)
        if dropped:
            theirs = [
                table_file(t, f.name) for m in dropped for t, pin in m.tables.items() for f in pin.files
            ]
            self.home.remove(self._unneeded(theirs))
        for manifest in dropped:
            # The manifest goes last: it is the list by which an interrupted removal goes on.
            for place in PUBLISHED.values():
                self.home.remove_tree(f"{TRASH}/v{manifest.version}/{place}")
        self.home.remove_tree(TRASH)
        return len(dropped)

    def _clean(self) -> list[str]:
        left = list((self._staging / "files").rglob("*.parquet"))
        done = []
        if left:
            done.append(f"removed {len(left)} files of a run that ended before its commit")
        dropped = self._empty_trash()
        if dropped:
            done.append(f"finished dropping {dropped} versions")
        if isinstance(self.home, ObjectFiles) and self.home.names(_DISCARDED):
            done += self._drop_discarded(self.home)
        if isinstance(self.home, ObjectFiles) and (carried := self.home.names(CARRIED)):
            self.home.remove_tree(CARRIED)
            done.append(f"removed {len(carried)} objects that a killed run had carried to its workers")
        for folder in self._staging.iterdir():
            if folder.name in ("files", "scratch"):
                shutil.rmtree(folder)
        for draft in self._staging.glob(".*.tmp"):
            draft.unlink()
        for draft in (self.path / SNAPSHOTS).glob(".v*.tmp"):
            shutil.rmtree(draft)
        return done

    def _drop_discarded(self, home: ObjectFiles) -> list[str]:
        done = []
        for name, age in home.ages(_DISCARDED).items():
            if age > _GRACE:
                useless = self._unneeded(json.loads(home.read(name)))
                home.remove([*useless, name])
                done.append(f"removed up to {len(useless)} objects of a commit that was discarded {age} ago")
        return done
