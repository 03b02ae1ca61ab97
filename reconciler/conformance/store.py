"""What a trial keeps in memory: a ledger, and a sink for secrets that are shown once."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.ledger import Fold, Holder, Ledger, Record
from reconciler.model import Delivery
from reconciler.secret import Secret


class MemoryStore:
    """A ledger store without a file; one process, so nobody else can hold it."""

    def __init__(self, project: str, stack: str) -> None:
        self.records: list[Record] = [{"t": "lineage", "project": project, "stack": stack, "id": "in-memory"}]
        self._folded: tuple[list[Record], int, Ledger] | None = None

    def read(self) -> Ledger:
        """The state now."""
        known = self._folded
        if known is None or known[0] is not self.records or known[1] != len(self.records):
            known = self._folded = (self.records, len(self.records), Fold().add(self.records).ledger())
        return known[2]

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        """Append, as JSON would keep them."""
        if expect[1] != len(self.records):
            raise RuntimeError(f"two writers: the ledger is at {len(self.records)}, not at {expect[1]}")
        self.records.extend(json.loads(json.dumps(list(records))))
        return expect[0], len(self.records)

    def lock(self, holder: Holder, timeout: float = 0.0, history: Sequence[Record] = ()) -> Ledger:
        """Nobody else is there."""
        self.records = list(history) or self.records
        return self.read()

    def renew(self) -> None:
        """The lease never ends."""

    def check(self) -> None:
        """The lease always runs."""

    def unlock(self) -> None:
        """Nothing to give back."""

    def holder(self) -> Holder | None:
        """Nobody."""
        return None

    def force_unlock(self, run: str) -> None:
        """Nothing to end."""

    def history(self) -> Sequence[Record]:
        """Every record from the first."""
        return tuple(self.records)

    def verify(self) -> Sequence[str]:
        """Nothing can be wrong with it."""
        return ()

    def close(self) -> None:
        """Nothing to close."""


class MemorySink:
    """Takes what is delivered, and keeps it."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Secret] = {}

    def check(self, delivery: Delivery) -> None:
        """It takes everything."""

    def put(self, delivery: Delivery, value: Secret) -> str:
        """Keep one value; the receipt is its number."""
        self.held[delivery.path, delivery.key] = value
        return str(len(self.held))
