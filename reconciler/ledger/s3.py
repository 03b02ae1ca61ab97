"""The ledger in S3: a head that says how far the journal goes, segments with its records, and an object that locks it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Failure
from reconciler.ledger import segments
from reconciler.ledger.bucket import Bucket, Object
from reconciler.ledger.chain import Chain, Row, readable
from reconciler.ledger.hold import GRACE, LEASE, Hold, locked
from reconciler.ledger.model import Ledger, Record
from reconciler.ledger.padlock import Padlock
from reconciler.ledger.segments import Head
from reconciler.ledger.store import Holder

LOOKS = 3
"""Looks at a journal whose segments are merged while they are read."""


class S3Store:
    """One stack's ledger below `place` in a bucket: `<prefix>/<project>/<stack>`.

    A commit is one conditional write of the head; what a commit needs beside it is written before. `formerly` are the
    (project, stack) pairs whose place the first lock takes the ledger from.
    """

    def __init__(self, bucket: str, project: str, stack: str, *, prefix: str | None = None, region: str | None = None,
                 endpoint: str | None = None, formerly: Collection[tuple[str, str]] = (), clock: Clock | None = None,
                 lease: float = LEASE, grace: float = GRACE) -> None:
        clock = clock or SystemClock()
        self.bucket, self.prefix = Bucket(bucket, region, endpoint, clock), (prefix or "").strip("/")
        self.place = self._place(project, stack)
        self._former = [place for place in (self._place(*pair) for pair in formerly) if place != self.place]
        self._chain = Chain(f"the ledger s3://{bucket}/{self.place}",
                            "bring its objects back (a bucket with versions keeps them)", project, stack, formerly)
        self._hold = Hold(clock, lease)
        self._padlock = Padlock(self.bucket, f"{self.place}/lock.json", self._hold, grace)
        self._mutex = threading.RLock()
        self._from, self._head = self.place, Head()
        self._object: Object | None = None

    def read(self) -> Ledger:
        """The state now; empty only where there never was a ledger."""
        with self._mutex:
            self._refresh()
            return self._chain.ledger()

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append records durably if the journal is still at `expect` and nobody took over; Lost when it is not."""
        with self._mutex:
            run = self._hold.held().run
            if not self._chain.serial:
                self._refresh()
            self._chain.goes_on(expect, run)
            if records:
                self._append(records)
            return self._chain.at

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Take the stack and start a new epoch; the first lock ever makes the head."""
        with self._mutex:
            self._hold.free()
            self._padlock.take(holder, timeout)
            try:
                self._refresh()
                if history:
                    self._chain.unbegun()
                if self._from != self.place:
                    self._begin(self._renamed())
                elif not self._chain.serial:
                    self._begin(history or [self._chain.lineage()])
                self._append(self._chain.epoch())
                return self._chain.ledger()
            except BaseException:
                with suppress(Failure):
                    self.unlock()
                raise

    def renew(self) -> None:
        """Prolong the lease; Lost when somebody took over."""
        with self._mutex:
            self._padlock.renew()

    def check(self) -> None:
        """Raise Lost when the lease ran out; asks nobody, because whoever takes over waits for the lease's end."""
        self._hold.check()

    def unlock(self) -> None:
        """Give the stack back."""
        with self._mutex:
            self._padlock.give_back(self._chain.serial)

    def holder(self) -> Holder | None:
        """Who holds the stack now."""
        with self._mutex:
            return self._padlock.holder()

    def force_unlock(self, run: str) -> None:
        """End that run's hold: it can't write from now on; returns when its lease and last request must be over."""
        def moved_on() -> int:
            self._refresh()
            if self._chain.serial:
                self._append(self._chain.epoch())
            return self._chain.serial

        with self._mutex:
            self._padlock.take_over(run, moved_on)

    def history(self) -> Sequence[Record]:
        """Every record from the first, checked; nothing is remembered from earlier reads."""
        with self._mutex:
            self._forget()
            return self._refresh()

    def verify(self) -> Sequence[str]:
        """Everything that is wrong with the objects, in sentences."""
        try:
            self.history()
        except Failure as error:
            return (error.message,)
        return ()

    def close(self) -> None:
        """Give everything back."""
        with self._mutex:
            self.unlock()
            self._forget()

    # reading

    def _place(self, project: str, stack: str) -> str:
        return "/".join(part for part in (self.prefix, project, stack) if part)

    def _refresh(self) -> list[Record]:
        """Fold what is new since the last look, and give it; what was folded before is checked to be still there."""
        try:
            for _ in range(LOOKS):
                found = self._look()
                if found is None:
                    return self._absent()
                if found is self._object:
                    self._chain.check_owner()
                    return []
                rows = self._new(found)
                if rows is not None:
                    return self._taken(rows, found)
            raise self._chain.corrupt("a segment that its head names is missing")
        except segments.UNREADABLE as error:
            failure = self._chain.corrupt(f"what follows can't be understood ({type(error).__name__})")
            self._forget()
            raise failure from error
        except Failure:
            self._forget()
            raise

    def _look(self) -> Object | None:
        """The head; before there is one, that under a former name."""
        for place in [self._from] if self._object is not None else [self.place, *self._former]:
            found = self.bucket.get(f"{place}/head.json", self._object)
            if found is not None:
                self._from = place
                return found
        return None

    def _taken(self, rows: Sequence[Row], found: Object) -> list[Record]:
        taken = [self._chain.take(*row) for row in rows]
        self._chain.reached(self._head.serial)
        if (self._head.epoch, self._head.serial, self._head.sum) != (*self._chain.at, self._chain.tail):
            raise self._chain.corrupt("its head and its journal end differently")
        self._chain.check_owner()
        self._object = found
        return taken

    def _new(self, found: Object) -> list[Row] | None:
        """The rows that a head tells of and that were not folded yet; None when a segment went while we looked."""
        self._head = Head.load(found.data)
        readable(self._head.format, self._chain.where)
        known, rows = self._chain.serial, list[Row]()
        for segment in self._head.segments:
            if segment.last >= max(known, 1):
                there = self.bucket.get(segment.key)
                if there is None:
                    return None
                rows.extend(segments.rows(segment.first, there.data))
        rows.extend(segments.rows(self._head.first, self._head.tail))
        if known:
            self._chain.again(next((row for row in rows if row[0] == known), None))
        return [row for row in rows if row[0] > known]

    def _absent(self) -> list[Record]:
        """No head: Corrupt where there was one, as the lock remembers."""
        last = max(self._chain.serial, self._padlock.read().serial)
        if last:
            raise self._chain.corrupt(f"its head is gone; its last serial was {last}")
        return []

    # writing

    def _begin(self, records: Sequence[Record]) -> None:
        if not self.bucket.obeys(self._padlock.key):
            raise Failure(f"the bucket {self.bucket.name} ignores conditions of writes (If-Match, If-None-Match)",
                          "two runs could write over each other there: use one that honours them, or another store")
        self._append(records)

    def _renamed(self) -> Sequence[Record]:
        """The ledger under a former name, to go on with; it says first that it went here, so that nobody goes on there."""
        holder = Padlock(self.bucket, f"{self._from}/lock.json", self._hold, 0.0).read().holder
        if holder is not None:
            raise locked(holder)
        if not self._chain.fold.head["left"]:
            here = f"{self._chain.project}/{self._chain.stack}"
            self._append([{"t": "left", "to": here, "at": self._hold.clock.now()}])
        self._forget()
        records = [record for record in self._refresh() if record["t"] != "left"]
        self._forget()
        return records

    def _append(self, records: Sequence[Record]) -> None:
        """One conditional write; the fold moves on with it, and is thrown away when it fails."""
        rows = self._chain.rows(records)
        try:
            self._chain.grow(rows)  # first: what can't be folded is not kept
            head = self._head.grown(rows, self._chain.at[0], self._padlock.token)
            merged = head.spilling()
            if len(head.tail) >= segments.SPILL:
                head = self._spill(head)
            data = head.dump()
            etag = self.bucket.put(f"{self._from}/head.json", data, self._object.etag if self._object is not None else "")
            if etag is None:
                raise self._hold.taken_over()
        except BaseException:
            self._forget()
            raise
        self._head, self._object = head, Object(data, etag)
        for segment in merged:
            with suppress(Failure):
                self.bucket.delete(segment.key)

    def _spill(self, head: Head) -> Head:
        data = b"".join(self._segments(head.spilling())) + head.tail
        spilled = head.spilled(self._from, head.spilling(), data)
        if self.bucket.put(spilled.segments[-1].key, data, "") is None:
            raise self._chain.corrupt(f"{spilled.segments[-1].key} is there already, and says something else")
        return spilled

    def _segments(self, wanted: Sequence[segments.Segment]) -> Iterator[bytes]:
        for segment in wanted:
            found = self.bucket.get(segment.key)
            if found is None or len(found.data) != segment.bytes:
                raise self._chain.corrupt(f"the segment {segment.key} is missing or cut off")
            yield found.data

    def _forget(self) -> None:
        """Drop what is remembered; the next look starts from the bucket."""
        self._chain, self._head, self._object, self._from = self._chain.fresh(), Head(), None, self.place
