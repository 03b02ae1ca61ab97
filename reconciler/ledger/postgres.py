"""The ledger in PostgreSQL: a row per stack that says who holds it and how far the journal goes, and the journal's rows."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Failure, Lost
from reconciler.ledger import tables
from reconciler.ledger.chain import Chain, readable
from reconciler.ledger.hold import GRACE, LEASE, POLL, Hold, locked
from reconciler.ledger.model import Ledger, Record
from reconciler.ledger.session import Session, Unreachable
from reconciler.ledger.store import Holder
from reconciler.secret import Secret

T = TypeVar("T")


class PostgresStore:
    """One stack's ledger among those of a database, under `place`: `project/stack`.

    Reading makes nothing. The stack is held by a token in its row, under a lease by the database's clock; a commit is
    one transaction that goes through only under that token, epoch and serial. Whoever finds a holder whose session is
    gone takes over once its lease and its last request must be over; nobody has to unlock it.
    """

    def __init__(self, url: Secret, project: str, stack: str, *, formerly: Collection[tuple[str, str]] = (),
                 clock: Clock | None = None, lease: float = LEASE, grace: float = GRACE) -> None:
        self.place = f"{project}/{stack}"
        self.clock, self.grace = clock or SystemClock(), grace
        self._former = ["/".join(pair) for pair in formerly]
        self._session = Session(url)
        self._chain = Chain(f"the ledger {self.place} in PostgreSQL", "restore its tables from a backup of the database",
                            project, stack, formerly)
        self._hold = Hold(self.clock, lease)
        self._token = ""
        self._mutex = threading.RLock()

    def read(self) -> Ledger:
        """The state now; empty where there is no ledger of this stack."""
        with self._mutex:
            self._refresh()
            return self._chain.ledger()

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append records durably under our lock if the journal is still at `expect`; Lost when it is not."""
        with self._mutex:
            run = self._hold.held().run
            if not self._chain.serial:
                self._refresh()
            self._chain.goes_on(expect, run)
            if records:
                self._append(records)
            return self._chain.at

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Take the stack and start a new epoch; the first lock ever makes the tables."""
        with self._mutex:
            self._hold.free()
            self._take(holder, timeout)
            try:
                self._refresh()
                if history:
                    self._chain.unbegun()
                if not self._chain.serial:
                    self._append(history or [self._chain.lineage()])
                self._append(self._chain.epoch())
                return self._chain.ledger()
            except BaseException:
                self.unlock()
                raise

    def renew(self) -> None:
        """Prolong the lease; asked of the database only when a third of it is gone."""
        with self._mutex:
            if self._hold.due():
                holder = self._hold.asked(self._hold.held())
                if not self._do(lambda db: tables.renew(db, self.place, self._token, _said(holder), self._hold.lease)):
                    raise self._hold.taken_over()
                self._hold.begin(holder)

    def check(self) -> None:
        """Raise Lost when the lease ran out; asks nobody, because whoever takes over waits for the lease's end."""
        self._hold.check()

    def unlock(self) -> None:
        """Give the stack back; where the database can't be told, it is free once lease and session are gone."""
        with self._mutex:
            if self._hold.holder is not None:
                self._hold.end()
                with suppress(Failure):
                    self._do(lambda db: tables.free(db, self.place, self._token))

    def holder(self) -> Holder | None:
        """Who holds the stack now."""
        with self._mutex:
            found = self._do(lambda db: tables.held(db, self.place))
            return found.holder if found is not None and not self._over(found) else None

    def force_unlock(self, run: str) -> None:
        """End that run's hold: it can't write from now on; returns when its lease and last request must be over."""
        with self._mutex:
            found = self._do(lambda db: tables.held(db, self.place))
            if found is None:
                return
            if found.holder.run != run:
                raise locked(found.holder)
            ours = uuid.uuid4().hex
            if not self._do(lambda db: tables.fence(db, self.place, found.token, ours)):
                raise locked(self.holder())
            self.clock.sleep(max(found.rest + self.grace, 0.0))
            self._do(lambda db: tables.free(db, self.place, ours))

    def history(self) -> Sequence[Record]:
        """Every record from the first, checked; nothing is remembered from earlier reads."""
        with self._mutex:
            self._chain = self._chain.fresh()
            return self._refresh()

    def verify(self) -> Sequence[str]:
        """Everything that is wrong with the records, in sentences."""
        try:
            self.history()
        except Failure as error:
            return (error.message,)
        return ()

    def close(self) -> None:
        """Give everything back."""
        with self._mutex:
            self.unlock()
            self._session.close()
            self._chain = self._chain.fresh()

    # reading

    def _refresh(self) -> list[Record]:
        """Fold what is new since the last look, and give it; what was folded before is checked to be still there."""
        known, places = self._chain.serial, [self.place, *self._former]
        head, rows = self._do(lambda db: tables.read(db, places, known))
        try:
            if head is None:
                if known:
                    raise self._chain.corrupt("its row is gone")
                return []
            readable(head.format, self._chain.where)
            if known:
                self._chain.again(rows[0] if rows else None)
            found = [self._chain.take(*row) for row in rows[bool(known):]]
            self._chain.reached(head.serial)
            if (head.epoch, head.serial, head.sum) != (*self._chain.at, self._chain.tail):
                raise self._chain.corrupt("its row and its journal end differently")
            self._chain.check_owner()
        except Failure:
            self._chain = self._chain.fresh()
            raise
        return found

    # holding

    def _take(self, holder: Holder, timeout: float) -> None:
        """Put our token into the stack's row, or Locked after `timeout` seconds, naming who has it."""
        end = self.clock.now() + timeout
        self._do(tables.make)
        while True:
            self._token, asked = uuid.uuid4().hex, self._hold.asked(holder)
            found = self._do(lambda db: self._claim(db, _said(asked)))  # noqa: B023
            if found is None:
                self._hold.begin(asked)
                return
            left = end - self.clock.now()
            if left <= 0:
                raise self._locked(found)
            self.clock.sleep(min(POLL if found.alive else max(found.rest + self.grace, POLL), left))

    def _claim(self, db: Any, said: str) -> tables.Held | None:
        """Under the row's lock: take the stack if it is free, else say who holds it."""
        with db.transaction():
            tables.row(db, self.place)
            for place in (self.place, *self._former):
                found = tables.held(db, place, lock=True)
                if found is not None and found.token != self._token and not self._over(found):
                    return found
            for former in self._former:
                tables.rename(db, former, self.place)
            tables.claim(db, self.place, self._token, said, self._hold.lease)
        return None

    def _over(self, found: tables.Held) -> bool:
        """Whether a hold has ended without being given back: its session is gone, and so must be its last request."""
        return not found.alive and found.rest + self.grace <= 0

    def _locked(self, found: tables.Held) -> Failure:
        told = locked(found.holder)
        if not found.alive:
            told.next = (f"its session with the database is gone, so the stack is free in "
                         f"{found.rest + self.grace:.0f} s: wait with --lock-timeout")
        return told

    # writing

    def _append(self, records: Sequence[Record]) -> None:
        """One transaction; the fold moves on with it, and is thrown away when it fails."""
        before = (*self._chain.at, self._chain.tail if self._chain.serial else b"")
        rows = self._chain.rows(records)
        try:
            self._chain.grow(rows)  # first: what can't be folded is not kept
            step = tables.Step(self.place, self._token, self._chain.fold.head["lineage"], *before, *self._chain.at,
                               self._chain.tail)
            if self._do(lambda db: tables.write(db, step, rows)):
                return
        except BaseException as error:
            self._chain = self._chain.fresh()
            if isinstance(error, Unreachable):
                raise Lost(f"{error.message}; whether the last records arrived is not known", error.next) from error
            raise
        self._chain = self._chain.fresh()
        found = self._do(lambda db: tables.held(db, self.place))
        if found is None or found.token != self._token:
            raise self._hold.taken_over()
        raise Lost("somebody else wrote to the ledger", "run it again")

    def _do(self, work: Callable[[Any], T]) -> T:
        return self._session.do(work, self._attend)

    def _attend(self, db: Any) -> None:
        """A new session stands for the hold that the lost one stood for."""
        if self._hold.holder is not None:
            tables.attend(db, self._token)


def _said(holder: Holder) -> str:
    return json.dumps(asdict(holder))
