"""The git store: the common suite over a bare repository, and what only remotes, clones and people with git can do to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.ledger import Store
from reconciler.ledger.git import GitStore
from tests.ledger.clones import REF, clone, origin
from tests.ledger.suite import StoreSuite


class TestGit(StoreSuite):
    """Git passes the suite that every store must pass: two clones of one bare repository."""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[..., Store]:
        bare = origin(tmp_path / "origin.git")
        clones = iter(range(100))

        def opened(project: str, stack: str, **more: object) -> Store:
            store = GitStore(clone(bare, tmp_path / f"clone{next(clones)}"), project, stack, **more)  # type: ignore[arg-type]
            if not more.get("formerly") and stack != "prod":
                store.ref = store._published.ref = REF  # one place, whoever asks
            return store

        return opened
