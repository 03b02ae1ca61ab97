"""What is ours and no longer declared: deleted as its vendor really does it, kept, or forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.decide import let_go, retired
from reconciler.engine.match import Match
from reconciler.engine.observe import Kinds, Observed
from reconciler.ledger import Entry, Ledger
from reconciler.model import Action, Address, Impact, Live, Note, Op, Want


def leftovers(ledger: Ledger, kinds: Kinds, observed: Observed, match: Match, declared: set[Address]) -> Iterable[Action]:
    """One action for each ledger entry that the manifests no longer have; never one for a claimed object."""
    for name, entry in sorted(ledger.entries.items()):
        address = Address.parse(name)
        kind = kinds.get(address.kind)
        if address in declared or kind is None:
            continue
        holder = match.claimed.get((address.kind, entry.id))
        if holder is not None and holder != address:
            continue
        yield _leftover(ledger, kind, observed, match, address, entry)


def _leftover(ledger: Ledger, kind: Kind[Any], observed: Observed, match: Match, address: Address, entry: Entry) -> Action:
    reason = observed.blind(kind.bound, entry.id)
    if reason:
        return Action(Op.BLOCKED, address, id=entry.id, blocked=f"can't be read: {reason}", effect="delete")
    live = observed.of(kind.bound).get(entry.id)
    old = retired(entry, observed.of(kind.bound), float("inf"))
    base = Action(Op.FORGET, address, id=entry.id, live=live, want=Want(address, {}))
    if live is None or (kind.ended(live) and not old):
        word = "already gone" if live is None else f"already {_past(kind.fate(live).word)}"
        return replace(base, notes=(Note(word),), live=None)
    if live.owner is not None and live.owner.stack not in match.names:  # whatever its seal: a taker may have a key of its own
        return replace(base, notes=(Note(f"belongs to {live.owner.stack} now"),))
    if str(address) in match.contested:
        return replace(base, op=Op.BLOCKED, effect="delete", live=live, blocked=(
            f"another connection's entry means {live.id} too: `reconciler ledger forget {address}` leaves it to that one"))
    if live.owner is not None and live.owner.address in match.declared and not live.owner.address.startswith(
            f"{address.connection}."):
        return replace(base, notes=(Note(f"is {live.owner.address} now"),))
    fate = kind.fate(live)
    if entry.on_remove == "keep" or fate.word == "release":
        note = Note("stays at the vendor" if entry.on_remove == "keep" else f"released: {fate.why or 'its settings stay'}")
        others = tuple(Note(f"{one.id} stays too: nothing ends it any more", subject="left behind") for one in old)
        return replace(base, make=tuple(call for one in (live, *old) for call in kind.release(one)), notes=(note, *others))
    return _deleted(kind, base, live, old)


def _deleted(kind: Kind[Any], base: Action, live: Live, old: tuple[Live, ...]) -> Action:
    fate = next((found for one in (live, *old) if (found := kind.fate(one)).irreversible), kind.fate(live))
    drop = tuple(kind.delete(live)) + tuple(call for one in old for call in kind.delete(one))
    notes = [Note(fate.why)] if fate.why and not fate.irreversible else []
    if fate.irreversible:
        notes.append(Note(fate.why or f"{fate.word} can't be undone", impact=Impact.IRREVERSIBLE, refuse=True))
    if old:
        notes.append(Note(f"{', '.join(one.id for one in old)} ({kind.fate(old[0]).word})", subject="left behind"))
    unlink = tuple(call for one in old for call in let_go(kind, base.address, one))
    return replace(base, op=Op.DELETE, effect=fate.word, impact=(Impact.DELETE,), unlink=unlink, drop=drop, notes=tuple(notes),
                   drops=(live.id, *(one.id for one in old)))


def _past(word: str) -> str:
    return word + ("d" if word.endswith("e") else "ed")
