"""A ledger that is moved from store to store, and a process that is killed at every boundary of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Failure, Locked
from reconciler.ledger import Store
from reconciler.ledger.git import GitStore
from reconciler.ledger.postgres import PostgresStore
from reconciler.ledger.s3 import S3Store
from reconciler.ledger.sqlite import SqliteStore
from reconciler.secret import Secret
from reconciler.workspace.migrating import moved
from tests.ledger.clones import clone, origin
from tests.ledger.suite import ME, YOU, history

Open = Callable[[], Store]


class KilledError(BaseException):
    """SIGKILL, as far as one process can tell itself."""


class Mortal:
    """A store of a process that dies right before its nth call to any store, and does nothing after."""

    def __init__(self, store: Store, life: list[int]) -> None:
        self.store, self.life = store, life

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> Any:
            self.life[0] -= 1
            if self.life[0] < 0:
                raise KilledError
            return getattr(self.store, name)(*given)

        return call

    def died(self) -> None:
        """What the kernel and the network do about it: files are closed and sessions end, objects stay."""
        if isinstance(self.store, SqliteStore):
            self.store._lease.give_back()
        if isinstance(self.store, PostgresStore):
            self.store._session.close()


def moves(source: Open, target: Open) -> bool:
    """One try of a person, who ends dead runs first where that is asked for; whether the ledger has left the source."""
    for store in (source(), target()):
        held = store.holder()
        if held is not None:
            store.force_unlock(held.run)
        store.close()
    one, two = source(), target()
    with suppress(Failure):
        moved(one, two, YOU, 0.0, "{store: there}")
    try:
        one.read()
    except Failure as error:
        return "moved to {store: there}" in error.message
    finally:
        one.close()
        two.close()
    return False


def entries(opener: Open) -> set[str] | None:
    """What a ledger holds; None where it says that it has gone elsewhere."""
    store = opener()
    try:
        return set(store.read().entries)
    except Failure as error:
        if "moved to {store: there}" in error.message:
            return None
        raise
    finally:
        store.close()


@pytest.fixture(params=["sqlite to git", "postgres to s3"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[int], tuple[Open, Open]]:
    """A source and an empty target for each trial."""
    if request.param == "sqlite to git":
        bare = origin(tmp_path / "origin.git")
        root = clone(bare, tmp_path / "clone")
        return lambda n: (lambda: SqliteStore(tmp_path / f"{n}.db", "shop", f"t{n}", clock=TestClock()),
                          lambda: GitStore(root, "shop", f"t{n}", clock=TestClock()))
    url = request.getfixturevalue("database").own("migrating")
    s3 = request.getfixturevalue("buckets")
    bucket = s3.bucket()
    return lambda n: (lambda: PostgresStore(Secret(url), "shop", f"t{n}", clock=TestClock()),
                      lambda: S3Store(bucket, "shop", f"t{n}", endpoint=s3.url, clock=TestClock()))


def test_a_move_that_is_killed_anywhere_loses_nothing(places: Callable[[int], tuple[Open, Open]]) -> None:
    """At every boundary the ledger is whole in one place at least, and doing it again leaves it in the new one alone."""
    for n in range(40):
        source, target = places(n)
        filled = source()
        ledger = filled.lock(ME)
        filled.commit(history(), (ledger.epoch, ledger.serial))
        want = set(filled.read().entries)
        filled.close()
        life = [n]
        mortals = [Mortal(source(), life), Mortal(target(), life)]
        with suppress(KilledError):
            moved(mortals[0], mortals[1], ME, 0.0, "{store: there}")
        for one in mortals:
            one.died()
        done = life[0] >= 0
        before = entries(source), entries(target)
        assert want in before, n
        assert before[0] in (None, want)
        assert done or before[0] is not None or before[1] == want
        assert done or moves(source, target) or entries(source) is None
        assert (entries(source), entries(target)) == (None, want), n
        if done:
            break
    assert n >= 10


def test_both_sides_are_locked(tmp_path: Path) -> None:
    """A run at the source or at the target keeps a ledger where it is."""
    source, target = (SqliteStore(tmp_path / name, "shop", "test", clock=TestClock()) for name in ("a.db", "b.db"))
    source.lock(ME)
    source.unlock()
    for held in (source, target):
        busy = SqliteStore(held.path, "shop", "test")
        busy._lease.take(ME, 0.0)
        with pytest.raises(Locked, match="run-1"):
            moved(source, target, YOU, 0.0, "{store: there}")
        busy.close()
    assert not target.read().serial
    assert moved(source, target, YOU, 0.0, "{store: there}").lineage


def test_what_went_on_at_both_ends_is_not_mixed(tmp_path: Path) -> None:
    """A move that was cut off before its last step is not finished once the source has gone on by itself."""
    source, target = (SqliteStore(tmp_path / name, "shop", "test", clock=TestClock()) for name in ("a.db", "b.db"))
    source.lock(ME)
    target.lock(ME, 0.0, source.history())
    target.unlock()
    source.unlock()
    ledger = source.lock(ME)
    source.commit(history(), (ledger.epoch, ledger.serial))
    source.unlock()
    with pytest.raises(Failure, match="the target holds another ledger already"):
        moved(source, target, YOU, 0.0, "{store: there}")
    assert source.read().entries
