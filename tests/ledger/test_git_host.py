"""The git store over HTTP, as code hosts serve it: with the token that a CI's checkout has left in its clone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Failure
from reconciler.ledger.git import GitStore
from tests.ledger.clones import REF, clone, git, origin
from tests.ledger.githost import BACKEND, READ, WRITE, header, served
from tests.ledger.suite import ME, YOU, history

pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason=f"{BACKEND} is not installed")


class Host:
    """A code host with one repository."""

    def __init__(self, folder: Path, url: str, asked: list[str]) -> None:
        self.folder, self.url, self.asked = folder, url, asked
        self.bare = origin(folder / "shop.git")
        git(self.bare, "config", "http.receivepack", "true")

    def opened(self, name: str, token: str = "") -> GitStore:
        """The ledger as a job with this token sees it."""
        folder = clone(Path("unused"), self.folder / name)
        git(folder, "remote", "set-url", "origin", f"{self.url}/shop.git")
        if token:
            git(folder, "config", f"http.{self.url}/.extraheader", header(token))
        return GitStore(folder, "shop", "test", clock=TestClock())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with served(tmp_path) as (url, asked):
        yield Host(tmp_path, url, asked)


def test_the_token_of_the_checkout_is_enough(host: Host) -> None:
    """Nothing else is configured: two jobs lock, commit, read and unlock; a read that finds nothing new is one request."""
    with closing(host.opened("a", WRITE)) as a, closing(host.opened("b", WRITE)) as b:
        ledger = a.lock(ME)
        a.commit(history(), (ledger.epoch, ledger.serial))
        a.unlock()
        want = a.read()
        assert b.read() == want
        host.asked.clear()
        assert b.read() == want
        assert host.asked.count("POST git-upload-pack") <= 1
        assert "GET refs" in host.asked[0]
        assert b.lock(YOU).epoch == 2
        with pytest.raises(Failure, match="run-2"):
            a.lock(ME)


def test_a_token_that_may_only_read_reads(host: Host) -> None:
    """The refused push is told at once with what it needs, and the token is in no message."""
    with closing(host.opened("a", WRITE)) as a:
        ledger = a.lock(ME)
        a.commit(history(), (ledger.epoch, ledger.serial))
    before = git(host.bare, "rev-parse", REF)
    with closing(host.opened("b", READ)) as b:
        assert b.read().entries
        with pytest.raises(Failure, match=r"can't be written at origin: .*403") as told:
            b.lock(YOU)
        assert "contents: write" in told.value.next
        assert b.clock.slept == []  # type: ignore[attr-defined]
    assert git(host.bare, "rev-parse", REF) == before


def test_a_job_without_a_token_is_told(host: Host) -> None:
    """No prompt, no waiting, and never an empty ledger."""
    with closing(host.opened("a")) as a, pytest.raises(Failure, match="can't be read at origin: could not read Username"):
        a.read()
