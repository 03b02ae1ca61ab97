"""Edits of the ledger itself, under the lock and with a run of their own; no vendor is asked."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from reconciler.engine.journal import Journal
from reconciler.errors import Locked, Usage
from reconciler.ledger import Holder, Ledger, Record, Store
from reconciler.model import Address
from reconciler.suggest import did_you_mean


def matching(ledger: Ledger, patterns: Iterable[str]) -> list[str]:
    """The addresses that patterns name; Usage when one names none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        hits = [name for name in sorted(ledger.entries) if fnmatchcase(name, pattern.replace("[", "[[]"))]
        if not hits:
            raise Usage(f"the ledger has no entry {pattern}", did_you_mean(pattern, ledger.entries))
        found.update(dict.fromkeys(hits))
    return list(found)


def forget(store: Store, holder: Holder, patterns: Iterable[str], timeout: float) -> list[str]:
    """Let entries go: their objects stay at the vendor and are not ours any more."""
    names = matching(store.read(), patterns)
    _write(store, holder, "ledger forget", [{"t": "gone", "address": name} for name in names], timeout)
    return names


def move(store: Store, holder: Holder, old: Address, new: Address, timeout: float) -> None:
    """Give an entry another address; its object stays as it is."""
    ledger = store.read()
    matching(ledger, [str(old)])
    if str(new) in ledger.entries:
        raise Usage(f"the ledger has an entry {new} already", f"reconciler ledger forget {new}, if that one is not ours")
    if old.kind != new.kind:
        raise Usage(f"{old} and {new} are not of one kind")
    _write(store, holder, "ledger move", [{"t": "moved", "from": str(old), "to": str(new)}], timeout)


def unlock(store: Store, run: str) -> None:
    """End a run's hold that nobody is going to end; Usage when it is not that run."""
    holder = store.holder()
    if holder is None:
        raise Usage("nobody holds this stack")
    if holder.run != run:
        raise Locked(f"the stack is held by run {holder.run}, not by {run}", f"reconciler ledger unlock --run {holder.run}")
    store.force_unlock(run)


def _write(store: Store, holder: Holder, command: str, records: list[Record], timeout: float) -> None:
    ledger = store.lock(holder, timeout)
    try:
        begin = {"t": "run", "run": holder.run, "at": holder.since, "command": command, "who": holder.who,
                 "host": holder.host, "pid": holder.pid}
        end = {"t": "end", "run": holder.run, "at": holder.since, "outcome": {"done": len(records)}}
        Journal(store, ledger).write(begin, *records, end)
    finally:
        store.unlock()
