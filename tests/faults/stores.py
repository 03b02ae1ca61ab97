"""The ledger stores that the trials run over: a line each, and all of F01, F13 and F14 is tried on it."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.clock import Clock, SystemClock, TestClock
from reconciler.ledger import Record, Store
from reconciler.ledger.git import GitStore
from reconciler.ledger.postgres import PostgresStore
from reconciler.ledger.s3 import S3Store
from reconciler.ledger.sqlite import SqliteStore
from reconciler.secret import Secret
from tests.ledger.clones import clone, origin

Opener = Callable[[Path, Clock], Store]
"""Opens the ledger of the stack `shop/test` that belongs to a folder; processes that share the folder share it."""

LONG_AFTER = 2e9
NUMBERS = itertools.count()
"""One server serves all tests of a worker, and no two trials may meet in a schema."""


class Tried(NamedTuple):
    """How a store is opened, and how many trials of F01, F13 and F14 it gets every day, and in depth."""

    opener: Callable[[pytest.FixtureRequest], Opener]
    crashes: tuple[int, int]
    crowds: tuple[int, int]
    frozen: tuple[int, int]


def sqlite(request: pytest.FixtureRequest) -> Opener:
    """A file."""
    return lambda folder, clock: SqliteStore(folder / "ledger.db", "shop", "test", clock=clock)


def git(request: pytest.FixtureRequest) -> Opener:
    """A bare repository that all push to; each process has a clone of its own."""
    def opened(folder: Path, clock: Clock) -> Store:
        bare, own = folder / "origin.git", folder / f"clone-{os.getpid()}"
        if not bare.exists():
            origin(bare)
        return GitStore(own if own.exists() else clone(bare, own), "shop", "test", clock=clock)

    return opened


def postgres(request: pytest.FixtureRequest) -> Opener:
    """A schema in a real server; its lease is by the server's clock, so it is short, and our own clock goes as fast."""
    database, urls = request.getfixturevalue("database"), dict[Path, Secret]()

    def opened(folder: Path, clock: Clock) -> Store:
        if folder not in urls:
            urls[folder] = Secret(database.own(f"faults_{os.getpid()}_{next(NUMBERS)}"))
        return PostgresStore(urls[folder], "shop", "test", clock=SystemClock(), lease=1.0, grace=0.0)

    return opened


def s3(request: pytest.FixtureRequest) -> Opener:
    """A bucket."""
    server, buckets = request.getfixturevalue("buckets"), dict[Path, str]()

    def opened(folder: Path, clock: Clock) -> Store:
        if folder not in buckets:
            buckets[folder] = server.bucket()
        return S3Store(buckets[folder], "shop", "test", endpoint=server.url, clock=clock)

    return opened


STORES: dict[str, Tried] = {
    "sqlite": Tried(sqlite, (50, 20_000), (8, 1_500), (3, 500)),
    "git": Tried(git, (4, 400), (2, 100), (1, 40)),
    "s3": Tried(s3, (4, 200), (2, 100), (1, 40)),
    "postgres": Tried(postgres, (4, 400), (3, 200), (1, 40)),
}


def freed(opener: Opener, folder: Path) -> None:
    """A stack whose holder was killed is unlocked, as a person would: not every store has a kernel that does it."""
    with closing(opener(folder, TestClock(LONG_AFTER))) as store:
        holder = store.holder()
        if holder is not None:
            with suppress(ProcessLookupError):
                store.force_unlock(holder.run)


@dataclass(frozen=True, slots=True)
class Die:
    """When a process dies by its own hand: at the nth commit, before it, in it, between its files, or after it."""

    at: str = ""
    n: int = 0


class Mortal:
    """A store whose process dies at a chosen commit; what is durable is told to `tell`."""

    def __init__(self, store: Store, die: Die, tell: Callable[[Sequence[Record]], None]) -> None:
        self.store, self.die, self.tell, self.count = store, die, tell, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """The store's own commit, survived or not."""
        self.count += 1
        at = self.die.at if self.count == self.die.n else ""
        if at == "commit before":
            _die()
        if isinstance(self.store, SqliteStore):
            self._inside(self.store, at)
        done = self.store.commit(records, expect)
        if at == "commit after":
            _die()
        self.tell(records)
        return done

    @staticmethod
    def _inside(store: SqliteStore, at: str) -> None:
        """The moments that only this store has."""
        if at == "commit in it" and store._db is not None:
            store._db.set_trace_callback(lambda sql: _die() if sql == "COMMIT" else None)
        if at == "commit and head":
            store._head.write = lambda serial, tail: _die()  # type: ignore[method-assign]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
