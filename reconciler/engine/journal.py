"""The one writer of the ledger during a run: every record is durable before the next thing happens."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.ledger import Entry, Fold, Ledger, Record, Store


class Journal:
    """Commits records in order; only the thread that made it may use it."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self.store = store
        self.at = (ledger.epoch, ledger.serial)
        self.fold = Fold.of(ledger)

    def write(self, *records: Record) -> None:
        """Commit these records together, or raise and stop the run."""
        if records:
            self.at = self.store.commit(records, self.at)
            self.fold.add(records)

    def ledger(self) -> Ledger:
        """The state as it is now."""
        return self.fold.ledger()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries as they are now."""
        return self.fold.entries
