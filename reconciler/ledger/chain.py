"""A journal as far as it was read: every record carries a checksum over itself and all before it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.errors import Corrupt, Failure, Lost
from reconciler.ledger.model import Fold, Ledger, Record

FORMAT = 2
"""What the records mean: 2 knows of ledgers that were moved to another store. Older ones are upgraded by the next lock."""

START = hashlib.sha256(b"reconciler ledger 1").digest()

Row = tuple[int, bytes, bytes]
"""Serial, the record's JSON, and its checksum."""

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Left(Failure):
    """This ledger goes on in another store; what is here is of no use any more."""


def checksum(before: bytes, serial: int, body: bytes) -> bytes:
    """The checksum of a record: over its own bytes and, through the one before it, over all the journal."""
    return hashlib.sha256(before + serial.to_bytes(8, "big") + body).digest()


def readable(format: int, where: str) -> None:
    """Failure for a format that is newer than what this version understands."""
    if format > FORMAT:
        raise Failure(f"{where} has format {format}, and this version of reconciler reads formats up to {FORMAT}",
                      "install the version that wrote it, or a later one")


class Chain:
    """What was folded so far, and the checksum that it ended with.

    `where` is how messages call the ledger and `mend` what to do about a damaged one; `formerly` are the
    (project, stack) pairs that it may still be named for.
    """

    def __init__(self, where: str, mend: str, project: str, stack: str, formerly: Collection[tuple[str, str]] = ()) -> None:
        self.where, self.mend = where, mend
        self.project, self.stack, self.formerly = project, stack, formerly
        self.fold, self.tail = Fold(), START

    def fresh(self) -> Chain:
        """The same ledger with nothing read of it."""
        return Chain(self.where, self.mend, self.project, self.stack, self.formerly)

    @property
    def serial(self) -> int:
        """The last record's."""
        return self.fold.serial

    @property
    def at(self) -> tuple[int, int]:
        """Epoch and serial."""
        return int(self.fold.head["epoch"]), self.fold.serial

    def ledger(self) -> Ledger:
        """The state now; an empty ledger of this stack where there are no records."""
        return self.fold.ledger() if self.fold.serial else Ledger(self.project, self.stack)

    # reading

    def take(self, serial: Any, body: Any, sum: Any) -> Record:
        """Fold the next row; Corrupt when it is not the next, or not as it was written."""
        want = self.serial + 1
        if serial != want or not isinstance(body, bytes) or sum != checksum(self.tail, want, body):
            raise self.corrupt(f"record {want} is damaged or missing")
        try:
            record: Record = json.loads(body)
            self.fold.add([record])
        except _UNREADABLE as error:
            self.fold.serial = want - 1
            raise self.corrupt(f"record {want} can't be understood") from error
        self.tail = sum
        return record

    def again(self, row: Sequence[Any] | None) -> None:
        """The last row that was read, read once more: Corrupt when it is another now."""
        if row is None or (row[0], row[2]) != (self.serial, self.tail):
            raise self.corrupt(f"record {self.serial} is not the one that was read before")

    def reached(self, serial: int) -> None:
        """Corrupt when the journal is known to have gone further."""
        if serial > self.serial:
            raise self.corrupt(f"records up to serial {serial} are missing")

    def corrupt(self, what: str) -> Corrupt:
        """The ledger can't be trusted beyond this."""
        return Corrupt(f"{self.where} is damaged: {what}; the last good serial is {self.serial}", self.mend)

    def check_owner(self) -> None:
        """Failure for another stack's journal, and for one that goes on elsewhere."""
        head = self.fold.head
        if not head["lineage"]:
            raise self.corrupt("it holds no records")
        whose = head["project"], head["stack"]
        if whose != (self.project, self.stack) and whose not in self.formerly:
            raise Failure(f"{self.where} is the ledger of {'/'.join(whose)}, not of {self.project}/{self.stack}",
                          "check ledger: in reconciler.yaml, or say `formerly:` there after a rename")
        if head["left"] and head["left"][0] != f"{self.project}/{self.stack}":  # that is a rename under way
            to, at = head["left"]
            day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
            raise Left(f"{self.where} was moved to {to} on {day}, and nothing goes on here",
                       f"write `ledger: {to}` into reconciler.yaml" if to.startswith("{") else
                       f"the stack is called {to} now")

    # writing

    def lineage(self) -> Record:
        """The first record of a journal."""
        return {"t": "lineage", "project": self.project, "stack": self.stack, "id": uuid.uuid4().hex}

    def unbegun(self) -> None:
        """Failure where there is a ledger already, and another one should begin."""
        if self.serial:
            raise Failure(f"{self.where} holds a ledger already (serial {self.serial})",
                          "look at it first; nothing is written over it")

    def goes_on(self, expect: tuple[int, int], run: str) -> None:
        """Compare before a commit swaps: Lost unless the journal is at the (epoch, serial) that the run knows."""
        if expect != self.at:
            raise Lost(f"the ledger is at {self.at}, not where run {run} left it, {expect}", "run it again")

    def epoch(self) -> list[Record]:
        """The records that begin a new epoch, under the stack's present name."""
        renamed: list[Record] = []
        if (self.fold.head["project"], self.fold.head["stack"]) != (self.project, self.stack):
            renamed.append({"t": "formerly", "project": self.project, "stack": self.stack})
        return [*renamed, {"t": "epoch", "epoch": self.at[0] + 1}]

    def rows(self, records: Iterable[Record]) -> list[Row]:
        """Records as the rows that go on from here; TypeError or ValueError for what is not JSON."""
        rows: list[Row] = []
        for n, record in enumerate(records, self.serial + 1):
            body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
            rows.append((n, body, checksum(rows[-1][2] if rows else self.tail, n, body)))
        return rows

    def grow(self, rows: Sequence[Row]) -> None:
        """Fold what this process itself writes; what can't be folded raises and must not be kept."""
        self.fold.add(json.loads(body) for _, body, _ in rows)
        self.tail = rows[-1][2]
