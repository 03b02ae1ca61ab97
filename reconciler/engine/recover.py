"""Settles what an earlier run left open, by reads alone; nothing is ever sent again here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reconciler.clock import Clock
from reconciler.contract.kind import Ask, Kind
from reconciler.engine.observe import Kinds
from reconciler.errors import MISSHAPEN, Failure
from reconciler.ledger import Intent, Ledger, Record
from reconciler.model import Live, Owner, Unseen

Identify = Callable[[Any], str]


def recover(ledger: Ledger, kinds: Kinds, stack: str, valid: Callable[[Owner], bool], identify: Identify,
            clock: Clock) -> list[Record]:
    """The records that close open creates: found and so ours, or proven absent; what can't be read stays open.

    Found means: the foretold id is there, or an object with our mark or natural key that was not among the
    candidates seen before the create. Absent means a complete read after the kind's settle window. Open updates and
    deletes need no settling, because every plan reads what is live.
    """
    records: list[Record] = []
    settled: set[tuple[str, str]] = set()
    for intent in sorted(ledger.intents.values(), key=lambda i: i.at):
        kind = kinds.get(intent.address.partition("/")[0])
        if intent.act != "create" or kind is None:
            continue
        try:
            found = _settled(kind, intent, stack, valid, identify, clock, ledger, settled)
        except (Failure, *MISSHAPEN):
            continue
        if found is None:
            records.append({"t": "absent", "op": intent.op})
        else:
            settled.add((intent.address, found.id))
            records.append({"t": "made", "op": intent.op, "id": found.id})
    return records


def unsettled(ledger: Ledger) -> dict[str, str]:
    """Addresses whose create may have happened and could not be read: they are blocked until it can."""
    return {i.address: f"a create of run {i.run} may have taken effect" for i in ledger.intents.values() if i.act == "create"}


def _settled(kind: Kind[Any], intent: Intent, stack: str, valid: Callable[[Owner], bool], identify: Identify,
             clock: Clock, ledger: Ledger, settled: Iterable[tuple[str, str]]) -> Live | None:
    if intent.id is not None:
        live = kind.get(intent.id)
        return live if live is not None and _ours(live, intent, stack, valid) else None
    known = [*((address, entry.id) for address, entry in ledger.entries.items()), *ledger.made, *settled]
    taken = {*intent.candidates, *(id for address, id in known if address.partition("/")[0] == kind.bound)}
    found = _seen(kind, intent, stack, valid, identify, taken)
    rest = intent.at + kind.settle - clock.now()
    if not found and rest > 0:
        clock.sleep(min(rest, kind.settle))
        found = _seen(kind, intent, stack, valid, identify, taken)
    return found[0] if found else None


def _ours(live: Live, intent: Intent, stack: str, valid: Callable[[Owner], bool]) -> bool:
    """Whether a found object can be what the create made: it carries our mark, if the create wrote one."""
    if live.owner is None:
        return not intent.entry.get("marked")
    return live.owner.stack == stack and valid(live.owner) and live.owner.address == intent.address


def _seen(kind: Kind[Any], intent: Intent, stack: str, valid: Callable[[Owner], bool], identify: Identify,
          taken: Iterable[str]) -> list[Live]:
    """Marked objects first; where there is no room for a mark, the natural key's digest tells."""
    print = intent.entry.get("identity")
    taken = set(taken)
    marked, keyed = [], []
    for live in kind.list(Ask(everything=True)):
        if isinstance(live, Unseen):
            raise Failure(live.reason)
        if live.id in taken or live.archived:
            continue
        if live.owner is not None and (live.owner.address or live.owner.stack != stack):
            if _ours(live, intent, stack, valid):
                marked.append(live)
        elif print is not None and not intent.entry.get("marked"):
            key = kind.identity(live.fields)
            if key is not None and identify(list(key)) == print:
                keyed.append(live)
    return marked or keyed
