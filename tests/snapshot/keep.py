"""Keeps a small store as the present code writes it, for the tests of later versions.

Run at a release: python -m tests.snapshot.keep 0.1.0
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path

from tasks.snapshot.store import Store
from tests.snapshot.rows import capture, commit, document, ident

CASES = Path(__file__).parents[1] / "cases" / "snapshot"


def keep(release: str) -> Path:
    """Write tests/cases/snapshot/store-<release>.tar.xz: v1 with a and b; v2 with c and another a."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "store")
        commit(store, "first", [document("a"), document("b")], [capture("a"), capture("b")])
        commit(
            store,
            "second",
            [document("a", "后来的一份。\n", capture="better"), document("c")],
            [
                capture("better", doc="a", version=2, decided=2),
                capture("c", version=2, decided=2),
                capture("a", "superseded", "dedupe.better", doc="a", of_capture=ident("better"), decided=2),
            ],
            {"documents": [ident("a")], "captures": [ident("a")]},
        )
        (store.path / "lock").unlink()
        target = CASES / f"store-{release}.tar.xz"
        with tarfile.open(target, "w:xz") as archive:
            archive.add(store.path, "store")
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{keep(sys.argv[1])}\n")
