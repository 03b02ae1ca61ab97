"""Edits of the ledger itself, under the lock and with a run of their own; only `rebuild` asks vendors, and reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.engine.journal import Journal
from reconciler.engine.rebuilding import Rebuilt, rebuilt
from reconciler.errors import Locked, Usage
from reconciler.ledger import Holder, Ledger, Record, Store
from reconciler.model import Address
from reconciler.suggest import did_you_mean

if TYPE_CHECKING:
    from reconciler.workspace import Workspace


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
    names: list[str] = []

    def records() -> list[Record]:
        names.extend(matching(store.read(), patterns))
        return [{"t": "gone", "address": name} for name in names]

    _write(store, holder, "ledger forget", records, timeout)
    return names


def move(store: Store, holder: Holder, old: Address, new: Address, timeout: float) -> None:
    """Give an entry another address; its object stays as it is."""
    if old.kind != new.kind:
        raise Usage(f"{old} and {new} are not of one kind")

    def records() -> list[Record]:
        ledger = store.read()
        matching(ledger, [str(old)])
        if str(new) in ledger.entries:
            raise Usage(f"the ledger has an entry {new} already", f"reconciler ledger forget {new}, if that one is not ours")
        return [{"t": "moved", "from": str(old), "to": str(new)}]

    _write(store, holder, "ledger move", records, timeout)


def unlock(store: Store, run: str) -> None:
    """End a run's hold that nobody is going to end; Usage when it is not that run."""
    holder = store.holder()
    if holder is None:
        raise Usage("nobody holds this stack")
    if holder.run != run:
        raise Locked(f"the stack is held by run {holder.run}, not by {run}", f"reconciler ledger unlock --run {holder.run}")
    store.force_unlock(run)


def rebuild(workspace: Workspace) -> Rebuilt:
    """Take in what carries our mark at the configured vendors and the ledger does not know."""
    found = Rebuilt()

    def records() -> list[Record]:
        nonlocal found
        found = rebuilt(workspace.whole(workspace.every_kind()))
        return [entry.record() for entry in found.entries]

    _write(workspace.store, workspace.holder(), "ledger rebuild", records, workspace.options.lock_timeout)
    return found


def _write(store: Store, holder: Holder, command: str, records: Callable[[], list[Record]], timeout: float) -> None:
    """Under the lock: find out what to write, and write it."""
    ledger = store.lock(holder, timeout)
    try:
        made = records()
        begin = {"t": "run", "run": holder.run, "at": holder.since, "command": command, "who": holder.who,
                 "host": holder.host, "pid": holder.pid}
        end = {"t": "end", "run": holder.run, "at": holder.since, "outcome": {"done": len(made)}}
        Journal(store, ledger).write(begin, *made, end)
    finally:
        store.unlock()
