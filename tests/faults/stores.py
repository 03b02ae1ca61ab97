"""The ledger stores that the trials run over: a line each, and all of F01, F13 and F14 is tried on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.clock import Clock
from reconciler.ledger import Record, Store
from reconciler.ledger.sqlite import SqliteStore

Opener = Callable[[Path, Clock], Store]
"""Opens the ledger of the stack `shop/test` that belongs to a folder; processes that share the folder share it."""

STORES: dict[str, Opener] = {
    "sqlite": lambda folder, clock: SqliteStore(folder / "ledger.db", "shop", "test", clock=clock),
}


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
