"""What stops a plan: protection, refusals without consent, thresholds, impacts that nobody agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.engine.observe import Observed
from reconciler.ledger import Ledger
from reconciler.model import Action, Address, Impact, Note, Op

FREE = frozenset({Impact.COSMETIC, Impact.ADDITIVE, Impact.BEHAVIOURAL})
"""What `--auto-approve` alone consents to."""


@dataclass(frozen=True, slots=True)
class Consent:
    """`IMPACT` and `IMPACT:ADDRESS` words from `--allow` and reconciler.yaml's `allow:`."""

    words: tuple[str, ...] = ()

    def lifts(self, impact: Impact, address: Address) -> bool:
        """Whether a refusal of this impact is lifted for exactly this address; `irreversible:ADDR` carries all."""
        return f"{impact.value}:{address}" in self.words or f"irreversible:{address}" in self.words

    def agrees(self, impact: Impact, address: Address) -> bool:
        """Whether this impact of this address is agreed to, by address or for all."""
        return impact in FREE or impact.value in self.words or self.lifts(impact, address)

    def used(self, actions: Iterable[Action]) -> tuple[str, ...]:
        """The consents by address that a plan makes use of."""
        named = {str(a.address) for a in actions if a.acts or a.op is Op.BLOCKED}
        return tuple(sorted(w for w in self.words if ":" in w and w.partition(":")[2] in named))

    def spent(self, actions: Iterable[Action]) -> tuple[str, ...]:
        """The consents by address that nothing in a plan needs any more."""
        named = {str(a.address) for a in actions if a.acts or a.op is Op.BLOCKED}
        return tuple(sorted(w for w in self.words if ":" in w and w.partition(":")[2] not in named))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may remove or change; the percentage is of a connection's ledger entries."""

    max_delete_percent: int = 30
    max_changes: int = 500
    from_deletes: int = 10


def blocked(action: Action, reason: str, notes: Iterable[Note] = ()) -> Action:
    """The action, held back: nothing of it is sent."""
    return replace(action, op=Op.BLOCKED, blocked=reason, notes=(*action.notes, *notes), make=(), link=(), unlink=(),
                   drop=(), after=(), effect=action.effect or action.op.value)


def judged(action: Action, consent: Consent, ledger: Ledger) -> Action:
    """The action, held back where it is protected or refused without consent."""
    if not action.acts:
        return action
    if _protected(action, ledger):
        return blocked(action, "protected: set `lifecycle: {protect: false}` and apply that first")
    for note in action.notes:
        if note.refuse and not consent.lifts(note.consent, action.address):
            return blocked(action, f"{note.text}: needs `--allow {note.consent.value}:{action.address}`, or that line "
                                   "in `allow:` of reconciler.yaml")
    refused = [note for note in action.notes if note.refuse]
    if refused:
        impact = {*action.impact, *(note.impact or note.consent for note in refused)}
        return replace(action, impact=tuple(sorted(impact, key=lambda i: i.rank)))
    return action


def _protected(action: Action, ledger: Ledger) -> bool:
    """Protection lives in the ledger too, so that it outlives its entry; a supersede destroys nothing."""
    entry = ledger.entries.get(str(action.address))
    held = entry is not None and entry.protect
    declared = action.resource is not None and action.resource.lifecycle.protect
    destroys = action.op is Op.DELETE or (action.op is Op.REPLACE and action.effect == "replace")
    if action.resource is None:
        return destroys and held
    return destroys and (declared or held)


def unagreed(actions: Iterable[Action], consent: Consent) -> list[tuple[Address, tuple[Impact, ...]]]:
    """What an unattended apply has no consent for."""
    found = []
    for action in actions:
        missing = tuple(i for i in action.impact if not consent.agrees(i, action.address)) if action.acts else ()
        if missing:
            found.append((action.address, missing))
    return found


def thresholds(actions: Iterable[Action], ledger: Ledger, observed: Observed, limits: Limits, *,
               declared: bool, destroy: bool) -> tuple[str, ...]:
    """Why nothing at all may be done: too many deletes or changes, a live read that shrank, an empty desired state."""
    stopped = []
    if not declared and ledger.entries and not destroy:
        stopped.append(f"the manifests declare nothing, and {len(ledger.entries)} entries are ours: `reconciler destroy` "
                       "removes a whole stack")
    return (*stopped, *too_much(actions, ledger, limits, destroy=destroy), *_shrunk(ledger, observed, limits))


def too_much(actions: Iterable[Action], ledger: Ledger, limits: Limits, *, destroy: bool = False) -> tuple[str, ...]:
    """Which limits these actions exceed, whatever else a plan holds."""
    actions, stopped = list(actions), []
    if not destroy:
        for connection, total in _by_connection(ledger).items():
            gone = sum(1 for a in actions if a.address.connection == connection and Impact.DELETE in a.impact and a.acts)
            if gone >= limits.from_deletes and gone * 100 > limits.max_delete_percent * total:
                stopped.append(f"{connection}: {gone} of {total} entries would be deleted, more than "
                               f"{limits.max_delete_percent} %: `--max-delete-percent` raises the limit for one run")
    changes = sum(action.acts for action in actions)
    if changes > limits.max_changes:
        stopped.append(f"{changes} changes are more than {limits.max_changes}: `--max-changes` raises the limit for one run")
    return tuple(stopped)


def _by_connection(ledger: Ledger) -> Mapping[str, int]:
    held: dict[str, int] = {}
    for address in ledger.entries:
        connection = address.partition(".")[0]
        held[connection] = held.get(connection, 0) + 1
    return held


def _shrunk(ledger: Ledger, observed: Observed, limits: Limits) -> Iterable[str]:
    """A vendor that suddenly shows far less than we made is not believed: wrong account, broken filter, outage."""
    held, missing = _by_connection(ledger), dict[str, int]()
    for address, entry in ledger.entries.items():
        kind = address.partition("/")[0]
        if kind in observed.live and not observed.blind(kind, entry.id) and entry.id not in observed.of(kind):
            connection = kind.partition(".")[0]
            missing[connection] = missing.get(connection, 0) + 1
    for connection, gone in missing.items():
        if gone >= limits.from_deletes and gone * 100 > limits.max_delete_percent * held[connection]:
            yield (f"{connection}: {gone} of {held[connection]} objects that are ours are not there: wrong account or a "
                   "broken read? `reconciler ledger forget` lets entries go that are really gone")
