"""What is ours, remembered without values: journal, entries, runs, and the lock of a stack."""

from reconciler.ledger.model import Entry, Fold, Intent, Ledger, Record, Run
from reconciler.ledger.store import Holder, Store

__all__ = ["Entry", "Fold", "Holder", "Intent", "Ledger", "Record", "Run", "Store"]
