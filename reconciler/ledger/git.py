"""The ledger in a ref of the project's own git repository: state and lock in one commit, moved by compare-and-swap."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Failure, Lost
from reconciler.ledger import lines
from reconciler.ledger.chain import Chain, Row
from reconciler.ledger.hold import GRACE, LEASE, Hold, locked
from reconciler.ledger.lines import Snapshot
from reconciler.ledger.model import Fold, Ledger, Record
from reconciler.ledger.published import Found, Published
from reconciler.ledger.repository import Repository
from reconciler.ledger.store import Holder

REFS = "refs/reconciler/"
POLL = 2.0
"""Seconds between two looks at a stack that somebody holds; each is a trip to the remote."""

LATER = frozenset({"run", "end", "sent", "done", "made", "rejected", "unknown", "absent", "finished", "entry", "gone", "moved"})
"""Records that may ride with the next push: what a killed run loses of them is found again by reading."""


class GitStore:
    """One stack's ledger at `refs/reconciler/<project>/<stack>` of `remote` (`origin`), or here where there is no remote.

    Every commit of the ref holds all that is remembered (lines.py), the lock, and the journal since its parent. While
    a run lasts its commit is replaced by the next, so that the history has one commit a run. Whoever moves the ref
    names the commit that it replaces: a run that was taken over can't write, whatever its clock says.

    A push may take a second. Intents are pushed before `commit` returns; results wait for the next intent, renewal or
    unlock, and what a killed run had not pushed is found again by reading.
    """

    def __init__(self, root: Path, project: str, stack: str, *, remote: str | None = None,
                 formerly: Collection[tuple[str, str]] = (), clock: Clock | None = None, lease: float = LEASE,
                 grace: float = GRACE, poll: float = POLL) -> None:
        self.clock, self.grace, self.poll = clock or SystemClock(), grace, poll
        self.ref = f"{REFS}{project}/{stack}"
        self._repository = Repository(root, remote, self.clock)
        self._chain = Chain(f"the ledger {self.ref} {self._repository.place}", "git log names the earlier commits of it",
                            project, stack, formerly)
        self._published = Published(self._repository, self.ref, [f"{REFS}{p}/{s}" for p, s in formerly], self._chain)
        self._hold = Hold(self.clock, lease)
        self._mutex = threading.Lock()
        self._mine = False
        self._unsure = ""
        self._take(Found(self.ref))

    def read(self) -> Ledger:
        """The state now; Corrupt when it is damaged, gone or older than what was seen before."""
        with self._mutex:
            self._look()
            return self._chain.ledger()

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Take records in, if the ledger is at `expect` under our lock; what can't wait is pushed before this returns."""
        with self._mutex:
            run = self._hold.held().run
            self._chain.goes_on(expect, run)
            pressing = any(self._pressing(record) for record in records)
            self._grow(records)
            if pressing:
                self._write()
            return self._chain.at

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Take the stack and start a new epoch; the first lock ever makes the ref."""
        with self._mutex:
            self._hold.free()
            end = self.clock.now() + timeout
            while True:
                self._look()
                if history:
                    self._chain.unbegun()
                if self._now.lock is None:
                    if self._acquire(holder, history):
                        return self._chain.ledger()
                elif self.clock.now() >= end:
                    raise locked(self._now.lock)
                else:
                    self.clock.sleep(min(self.poll, end - self.clock.now()))

    def renew(self) -> None:
        """Prolong the lease, and push what was waiting; Lost when somebody took over."""
        with self._mutex:
            if self._hold.due():
                self._write()

    def check(self) -> None:
        """Raise Lost when the lease ran out: who takes over waits for that, so the remote need not be asked."""
        self._hold.check()

    def unlock(self) -> None:
        """Give the stack back, and push what was waiting; nothing happens when it is not ours any more."""
        with self._mutex:
            self._give_back()

    def holder(self) -> Holder | None:
        """Who holds the stack now."""
        with self._mutex:
            self._look(owned=False)
            return self._now.lock

    def force_unlock(self, run: str) -> None:
        """End that run's hold: it can't write from now on; returns when its lease and last request must be over."""
        with self._mutex:
            self._look()
            if self._mine:
                self._lost()
                self._look()
            while (said := self._now.lock) is not None:
                if said.run != run:
                    raise locked(said)
                if self._now.taken:
                    break
                self._begin()
                self._grow(self._chain.epoch())
                if not self._push(said, f"run {run} is unlocked", taken=True):
                    self._look(afresh=True)
            if said is None:
                return
            while (rest := said.until + self.grace - self.clock.now()) > 0:
                self.clock.sleep(rest)
            if not self._push(None, f"run {run} was unlocked"):
                self._look(afresh=True)  # somebody else has ended it meanwhile
            self._published.note(self._tip)

    def history(self) -> Sequence[Record]:
        """Every record from the first, checked; of a run of ours also what was not pushed yet."""
        with self._mutex:
            self._look()
            records, chain = self._published.journal(self._parent if self._mine else self._tip)
            return [*records, *(chain.take(*row) for row in self._rows if self._mine)]

    def verify(self) -> Sequence[str]:
        """Everything that is wrong with what is published; nothing is remembered from earlier reads."""
        with self._mutex:
            wrong = self._published.verify()
            return (wrong,) if wrong else ()

    def close(self) -> None:
        """Give everything back."""
        with self._mutex:
            self._give_back()

    # reading

    def _look(self, *, owned: bool = True, afresh: bool = False) -> None:
        """Take in what is there now; while we hold the stack nobody else can have changed it."""
        if not self._mine:
            known = Found(self.ref, "?") if afresh else Found(self._at, self._tip)
            found = self._published.look(known)
            if found is not known:
                self._take(found)
        if owned and self._chain.serial:
            self._chain.check_owner()

    def _take(self, found: Found) -> None:
        self._at, self._tip = found.ref, found.commit
        self._now = found.snapshot or Snapshot(Ledger(), b"")
        self._chain = self._chain.fresh()
        if found.snapshot is not None:
            self._chain.fold, self._chain.tail = Fold.of(found.snapshot.ledger), found.snapshot.tail
        self._begin()

    # writing

    def _begin(self) -> None:
        """The next commit follows what is there, instead of replacing it."""
        self._parent, self._rows, self._pushed = self._tip, list[Row](), 0

    def _acquire(self, holder: Holder, history: Sequence[Record]) -> bool:
        """Take a stack that is free; False when somebody was quicker."""
        asked = self._hold.asked(holder)
        self._begin()
        try:
            if not self._chain.serial:
                self._grow(history or [self._chain.lineage()])
            self._grow(self._chain.epoch())
            self._mine = self._push(asked, f"run {holder.run} begins")
        finally:
            if not self._mine:
                self._take(Found(self.ref))
        if self._mine:
            self._hold.begin(asked)
            self._published.note(self._tip)
        return self._mine

    def _pressing(self, record: Record) -> bool:
        """Whether a record has to be there before anything else happens: a read could not find it out again."""
        if record.get("t") != "made":
            return record.get("t") not in LATER
        intent = self._chain.fold.intents.get(record["op"])
        return intent is not None and intent.id is None and not (intent.entry.get("marked") or intent.entry.get("identity"))

    def _grow(self, records: Sequence[Record]) -> None:
        """Fold records, to be pushed with the next commit; what can't be folded leaves nothing behind."""
        rows = self._chain.rows(records)
        if not rows:
            return
        tail = self._chain.tail
        try:
            self._chain.grow(rows)
        except BaseException:
            self._chain.fold, self._chain.tail = Fold.of(self._now.ledger), tail
            waiting = self._rows[self._pushed:]
            if waiting:
                self._chain.grow(waiting)
            raise
        self._rows += rows

    def _write(self) -> None:
        """Push what was recorded, and with it a longer lease."""
        asked = self._hold.asked(self._hold.held())
        if not self._push(asked, self._message(asked.run)):
            raise self._lost()
        self._hold.begin(asked)

    def _push(self, lock: Holder | None, message: str, *, taken: bool = False) -> bool:
        """Put what is known now in the place of what was there; False when that was not there any more."""
        if self._unsure and self._repository.where([self.ref]).get(self.ref) == self._unsure:
            self._tip, self._at = self._unsure, self.ref
        self._unsure = ""
        whose = None if taken or self._now.taken else lock or self._now.lock
        now = Snapshot(self._chain.ledger(), self._chain.tail, tuple(self._rows), lock, taken)
        commit = self._repository.commit(lines.written(now), self._parent, message, whose.who if whose else "")
        away = self._at if self._tip and self._at != self.ref else ""
        try:
            moved = self._repository.move(self.ref, commit, self._tip, away=away)
        except Failure:
            self._unsure = commit
            raise
        if moved:
            self._tip, self._at, self._now, self._pushed = commit, self.ref, now, len(self._rows)
        return moved

    def _give_back(self) -> None:
        if not self._mine:
            self._hold.end()
            return
        run, waiting = self._hold.held().run, len(self._rows) > self._pushed
        self._mine = False
        try:
            given = self._push(None, self._message(run))
        except Failure as error:
            raise Failure(f"{error.message}; run {run} still holds the stack",
                          f"reconciler ledger unlock --run {run}, when it can be reached again") from error
        finally:
            self._hold.end()
        if given:
            self._published.note(self._tip)
            return
        self._take(Found(self.ref))
        if waiting:
            raise Lost(f"run {run} no longer holds the stack, and what it recorded last is not in the ledger",
                       "plan again; what is open is settled by reads first")

    def _lost(self) -> Lost:
        """Somebody else has moved the ref: nothing of ours can be written any more."""
        self._mine = False
        self._take(Found(self.ref))
        return self._hold.taken_over()

    def _message(self, run: str) -> str:
        """What `git log` shows of a run: how it went, who it was, and for which commit and plan."""
        told = self._chain.fold.runs.get(run)
        if told is None:
            return f"run {run}\n"
        counts = ", ".join(f"{n} {word}" for word, n in told.outcome.items() if n)
        done = len(self._chain.fold.done.get(run, ()))
        state = counts or ("nothing to do" if told.ended is not None else f"under way, {done} done")
        about = {"who": told.who, "host": told.host, "commit": told.commit,
                 "pull request": f"#{told.pull_request}" if told.pull_request else "", "plan": told.digest}
        body = "".join(f"{name}: {' '.join(value.split())}\n" for name, value in about.items() if value)
        return f"{told.command} {run}: {state}\n\n{body}"
