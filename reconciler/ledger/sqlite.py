"""The ledger in one SQLite file: a journal of chained records, one transaction a commit, nothing rewritten."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Corrupt, Failure, Lost
from reconciler.ledger import file
from reconciler.ledger.chain import Chain
from reconciler.ledger.hold import GRACE, LEASE
from reconciler.ledger.lease import Lease, unwritable
from reconciler.ledger.model import Ledger, Record
from reconciler.ledger.store import Holder


class SqliteStore:
    """One stack's ledger in `path`, with three small files beside it: `.lock` and `.holder` (Lease) and `.head` (Head).

    What was folded stays in memory, and a read takes in only what is new. `formerly` are the (project, stack) pairs
    that the file may still be named for.
    """

    def __init__(self, path: Path, project: str, stack: str, *, formerly: Collection[tuple[str, str]] = (),
                 clock: Clock | None = None, lease: float = LEASE, grace: float = GRACE) -> None:
        self.path = path
        self._chain = Chain(f"the ledger {path}", "bring back a copy of it and of the files beside it", project, stack,
                            formerly)
        self._lease = Lease(path, clock or SystemClock(), lease, grace)
        self._head = file.Head(path)
        self._mutex = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def read(self) -> Ledger:
        """The state now; Corrupt when records are damaged or missing, empty only where there never was a ledger."""
        with self._mutex:
            self._refresh()
            return self._chain.ledger()

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append records durably under our lock if the journal is still at `expect`; Lost when it is not."""
        with self._mutex:
            run = self._lease.held().run
            if self._db is None or self._file != self._there():
                self._refresh()
            self._chain.goes_on(expect, run)
            self._append(records)
            return self._chain.at

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Take the stack and start a new epoch; the first lock ever makes the file."""
        with self._mutex:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(self.path.parent, error) from error
            self._lease.take(holder, timeout)
            try:
                self._refresh()
                if history:
                    self._chain.unbegun()
                if self._db is None:
                    self._create(history)
                self._append(self._chain.epoch())
                return self._chain.ledger()
            except BaseException:
                self._lease.give_back()
                raise

    def renew(self) -> None:
        """Prolong the lease; Lost when somebody took over."""
        self._lease.renew()

    def check(self) -> None:
        """Raise Lost when the lease ran out or somebody took over; asked by workers right before they send."""
        self._lease.check()

    def unlock(self) -> None:
        """Give the stack back."""
        self._lease.give_back()

    def holder(self) -> Holder | None:
        """Who holds the stack now."""
        return self._lease.holder()

    def force_unlock(self, run: str) -> None:
        """End that run's hold: it can't write from now on; returns when its lease and last request must be over."""
        def moved_on() -> None:
            with self._mutex:
                self._refresh()
                if self._chain.serial:
                    self._append(self._chain.epoch())

        self._lease.take_over(run, moved_on)

    def history(self) -> Sequence[Record]:
        """Every record from the first, checked; nothing is remembered from earlier reads."""
        with self._mutex:
            self._forget()
            return self._refresh()

    def verify(self) -> Sequence[str]:
        """Everything that is wrong with the file, in sentences; nothing is remembered from earlier reads."""
        with self._mutex:
            self._forget()
            try:
                self._refresh()
                if self._db is None:
                    return ()
                return [str(line) for (line,) in self._db.execute("PRAGMA integrity_check(20)") if line != "ok"]
            except Failure as error:
                return (error.message,)
            except sqlite3.Error as error:
                return (self._failure(error).message,)

    def close(self) -> None:
        """Give everything back."""
        with self._mutex:
            self._lease.give_back()
            self._forget()

    # reading

    def _there(self) -> tuple[int, int] | None:
        try:
            return file.identity(self.path)
        except OSError as error:
            raise Failure(f"the ledger {self.path} can't be read: {error.strerror}", "give access to it") from error

    def _refresh(self) -> list[Record]:
        """Fold what is new since the last look, and give it; what was folded before is checked to be still there."""
        head = self._head.read()  # before the records, because a writer moves it after them
        there = self._there()
        if self._file != there:
            self._forget()
        if there is None:
            if head is not None or file.wal_of(self.path).exists():
                raise Corrupt(f"the ledger {self.path} is gone; its last serial was {head[0] if head else 'not noted'}",
                              f"bring it back, or remove every file called {self.path.name}* to start without it")
            return []
        try:
            found = [self._chain.take(*row) for row in self._rows()]
            self._chain.reached(head[0] if head is not None else 0)
            self._chain.check_owner()
        except file.NotALedger as error:
            raise self._chain.corrupt(str(error)) from error
        except sqlite3.Error as error:
            raise self._failure(error) from error
        except OSError as error:
            raise Failure(f"the ledger {self.path} can't be read: {error.strerror}", "give access to it") from error
        except Failure:
            self._forget()
            raise
        return found

    def _rows(self) -> Iterable[tuple[Any, Any, Any]]:
        if self._db is None:
            self._file = self._there()
            self._db = file.connect(self.path)
        serial = self._chain.serial
        rows = self._db.execute("SELECT serial, body, sum FROM journal WHERE serial >= ? ORDER BY serial", (serial,))
        if serial:
            self._chain.again(rows.fetchone())
        return rows

    # writing

    def _create(self, history: Sequence[Record]) -> None:
        try:
            file.create(self.path, self._chain.rows(history or [self._chain.lineage()]))
        except OSError as error:
            raise unwritable(self.path, error) from error
        except sqlite3.Error as error:
            raise self._failure(error) from error
        self._refresh()

    def _append(self, records: Sequence[Record]) -> None:
        """One transaction; the fold moves on with it, and is thrown away when it fails."""
        if not records or self._db is None:
            return
        known = self._chain.serial, self._chain.tail
        rows = self._chain.rows(records)
        try:
            file.upgrade(self._db)
            self._db.execute("BEGIN IMMEDIATE")
            if self._db.execute("SELECT serial, sum FROM journal ORDER BY serial DESC LIMIT 1").fetchone() != known:
                raise Lost("somebody else wrote to the ledger", "run it again")
            self._db.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
            self._chain.grow(rows)  # first: what can't be folded is not kept
            self._db.execute("COMMIT")
        except BaseException as error:
            self._forget()  # closing the connection rolls back
            if isinstance(error, sqlite3.Error):
                raise self._failure(error) from error
            raise
        self._head.write(self._chain.serial, self._chain.tail)

    # when it goes wrong

    def _forget(self) -> None:
        """Drop what is remembered and the connection with it; the next look starts from the file."""
        db, self._db, self._file = self._db, None, None
        self._chain = self._chain.fresh()
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _failure(self, error: sqlite3.Error) -> Failure:
        failure = self._chain.corrupt(str(error))
        self._forget()
        if file.damaged(error):
            return failure
        return Failure(f"the ledger {self.path} can't be used: {error}",
                       "make room, give access, or end what holds the file; nothing was sent to a vendor after this")
