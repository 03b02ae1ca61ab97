"""What every ledger store does: read the fold, commit records by compare-and-swap, hold the one lock of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.ledger.model import Ledger, Record


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a stack: run id, host, process id, and since when (seconds since the epoch); `until` ends the lease."""

    run: str
    host: str = ""
    pid: int = 0
    since: float = 0.0
    until: float = 0.0
    who: str = ""


class Store(Protocol):
    """One stack's ledger.

    `read` folds the journal. `commit` appends records durably (when it returns they survive a power cut) if the
    ledger is still at `(epoch, serial)` and this store holds the lock under that epoch; else Lost. `lock` takes
    the stack (Locked after `timeout` seconds, naming the holder) and starts a new epoch; `renew` prolongs the
    lease and raises Lost when somebody took over; `check` says the same without writing, right before a call is sent.
    A store whose commits are trips over a network may send later what a killed run's successor finds again by reading.
    A ledger that is made from another's `history` is there whole or not at all, and goes on with its lineage and serial;
    one that was moved elsewhere is neither read nor locked.
    """

    def read(self) -> Ledger:
        """The state now; Corrupt rather than less than what was committed."""

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append records; the new (epoch, serial)."""

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Take the stack and start an epoch; the first lock makes the ledger, from another's `history` where one is given."""

    def renew(self) -> None:
        """Prolong the lease."""

    def check(self) -> None:
        """Raise Lost unless the lease still runs; any thread may ask."""

    def unlock(self) -> None:
        """Give the stack back."""

    def holder(self) -> Holder | None:
        """Who holds the stack now."""

    def force_unlock(self, run: str) -> None:
        """End that run's hold, and wait until nothing of it can be under way."""

    def history(self) -> Sequence[Record]:
        """Every record from the first, checked."""

    def verify(self) -> Sequence[str]:
        """Everything that is wrong, in sentences."""

    def close(self) -> None:
        """Give everything back."""
