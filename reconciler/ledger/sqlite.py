"""The ledger in one SQLite file: a journal of chained records, one transaction a commit, nothing rewritten."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Corrupt, Failure, Lost
from reconciler.ledger import file
from reconciler.ledger.lease import Lease, unwritable
from reconciler.ledger.model import Fold, Ledger, Record
from reconciler.ledger.store import Holder

LEASE, GRACE = 90.0, 30.0
"""Seconds that a lease lasts without being renewed, and that a request under way at its end may still take."""

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class SqliteStore:
    """One stack's ledger in `path`, with three small files beside it: `.lock` and `.holder` (Lease) and `.head` (Head).

    What was folded stays in memory, and a read takes in only what is new. `formerly` are the (project, stack) pairs
    that the file may still be named for.
    """

    def __init__(self, path: Path, project: str, stack: str, *, formerly: Collection[tuple[str, str]] = (),
                 clock: Clock | None = None, lease: float = LEASE, grace: float = GRACE) -> None:
        self.path, self.project, self.stack, self.formerly = path, project, stack, formerly
        self._lease = Lease(path, clock or SystemClock(), lease, grace)
        self._head = file.Head(path)
        self._mutex = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._fold, self._tail = Fold(), file.START

    def read(self) -> Ledger:
        """The state now; Corrupt when records are damaged or missing, empty only where there never was a ledger."""
        with self._mutex:
            self._refresh()
            return self._ledger()

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append records durably under our lock if the journal is still at `expect`; Lost when it is not."""
        with self._mutex:
            run = self._lease.held().run
            if self._db is None or self._file != self._there():
                self._refresh()
            if expect != self._at:
                raise Lost(f"the ledger is at {self._at}, not where run {run} left it, {expect}", "run it again")
            self._append(records)
            return self._at

    def lock(self, holder: Holder, timeout: float = 0.0) -> Ledger:
        """Take the stack and start a new epoch; the first lock ever makes the file."""
        with self._mutex:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(self.path.parent, error) from error
            self._lease.take(holder, timeout)
            try:
                self._refresh()
                if self._fold.serial == 0:
                    self._create()
                self._new_epoch()
                return self._ledger()
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
                if self._fold.serial:
                    self._new_epoch()

        self._lease.take_over(run, moved_on)

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

    @property
    def _at(self) -> tuple[int, int]:
        return int(self._fold.head["epoch"]), self._fold.serial

    def _ledger(self) -> Ledger:
        return self._fold.ledger() if self._fold.serial else Ledger(self.project, self.stack)

    def _there(self) -> tuple[int, int] | None:
        try:
            return file.identity(self.path)
        except OSError as error:
            raise Failure(f"the ledger {self.path} can't be read: {error.strerror}", "give access to it") from error

    def _refresh(self) -> None:
        """Fold what is new since the last look; what was folded before is checked to be still there."""
        head = self._head.read()  # before the records, because a writer moves it after them
        there = self._there()
        if self._file != there:
            self._forget()
        if there is None:
            if head is not None or file.wal_of(self.path).exists():
                raise Corrupt(f"the ledger {self.path} is gone; its last serial was {head[0] if head else 'not noted'}",
                              f"bring it back, or remove every file called {self.path.name}* to start without it")
            return
        try:
            for row in self._rows():
                self._take(*row)
        except file.NotALedger as error:
            raise self._corrupt(str(error)) from error
        except sqlite3.Error as error:
            raise self._failure(error) from error
        except OSError as error:
            raise Failure(f"the ledger {self.path} can't be read: {error.strerror}", "give access to it") from error
        except _UNREADABLE as error:
            raise self._corrupt(f"record {self._fold.serial + 1} can't be understood") from error
        if head is not None and head[0] > self._fold.serial:
            raise self._corrupt(f"records up to serial {head[0]} are missing")
        self._check_owner()

    def _rows(self) -> Iterable[tuple[Any, Any, Any]]:
        if self._db is None:
            self._file = self._there()
            self._db = file.connect(self.path)
        serial, tail = self._fold.serial, self._tail
        rows = self._db.execute("SELECT serial, body, sum FROM journal WHERE serial >= ? ORDER BY serial", (serial,))
        if serial and (rows.fetchone() or ())[::2] != (serial, tail):
            raise self._corrupt(f"record {serial} is not the one that was read before")
        return rows

    def _take(self, serial: Any, body: Any, sum: Any) -> None:
        want = self._fold.serial + 1
        if serial != want or not isinstance(body, bytes) or sum != file.chain(self._tail, want, body):
            raise self._corrupt(f"record {want} is damaged or missing")
        self._fold.add([json.loads(body)])
        self._tail = sum

    def _check_owner(self) -> None:
        whose = self._fold.head["project"], self._fold.head["stack"]
        if not self._fold.head["lineage"]:
            raise self._corrupt("it holds no records")
        if whose != (self.project, self.stack) and whose not in self.formerly:
            self._forget()
            raise Failure(f"{self.path} is the ledger of {'/'.join(whose)}, not of {self.project}/{self.stack}",
                          "check ledger: in reconciler.yaml, or say `formerly:` there after a rename")

    # writing

    def _create(self) -> None:
        try:
            file.create(self.path, self.project, self.stack)
        except OSError as error:
            raise unwritable(self.path, error) from error
        except sqlite3.Error as error:
            raise self._failure(error) from error
        self._refresh()

    def _new_epoch(self) -> None:
        records: list[Record] = []
        if (self._fold.head["project"], self._fold.head["stack"]) != (self.project, self.stack):
            records.append({"t": "formerly", "project": self.project, "stack": self.stack})
        self._append([*records, {"t": "epoch", "epoch": self._at[0] + 1}])

    def _append(self, records: Sequence[Record]) -> None:
        """One transaction; the fold moves on with it, and is thrown away when it fails."""
        if not records or self._db is None:
            return
        known = self._fold.serial, self._tail
        rows: list[tuple[int, bytes, bytes]] = []
        for n, record in enumerate(records, self._fold.serial + 1):
            body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
            rows.append((n, body, file.chain(rows[-1][2] if rows else self._tail, n, body)))
        try:
            self._db.execute("BEGIN IMMEDIATE")
            if self._db.execute("SELECT serial, sum FROM journal ORDER BY serial DESC LIMIT 1").fetchone() != known:
                raise Lost("somebody else wrote to the ledger", "run it again")
            self._db.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
            self._fold.add(json.loads(body) for _, body, _ in rows)  # first: what can't be folded is not kept
            self._db.execute("COMMIT")
        except BaseException as error:
            self._forget()  # closing the connection rolls back
            if isinstance(error, sqlite3.Error):
                raise self._failure(error) from error
            raise
        self._tail = rows[-1][2]
        self._head.write(self._fold.serial, self._tail)

    # when it goes wrong

    def _forget(self) -> None:
        """Drop what is remembered and the connection with it; the next look starts from the file."""
        db, self._db, self._file = self._db, None, None
        self._fold, self._tail = Fold(), file.START
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _corrupt(self, what: str) -> Corrupt:
        last = self._fold.serial
        self._forget()
        return Corrupt(f"the ledger {self.path} is damaged: {what}; the last good serial is {last}",
                       "bring back a copy of it and of the files beside it")

    def _failure(self, error: sqlite3.Error) -> Failure:
        if file.damaged(error):
            return self._corrupt(str(error))
        self._forget()
        return Failure(f"the ledger {self.path} can't be used: {error}",
                       "make room, give access, or end what holds the file; nothing was sent to a vendor after this")
