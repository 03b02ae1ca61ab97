"""A ledger made anew from the marks on live objects: what is ours is known again, what was last applied is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.engine.entries import needs
from reconciler.engine.match import Match
from reconciler.engine.plan import World
from reconciler.ledger import Entry
from reconciler.model import Address, Live, Resource


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The entries that are missing in a ledger, and in sentences what is left out of it; `unread` kinds have no say."""

    entries: tuple[Entry, ...] = ()
    left: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def rebuilt(world: World) -> Rebuilt:
    """One entry for each address that live objects carry in this stack's own mark and that the ledger does not have.

    An entry holds no digests: the next plan compares with the manifests alone, and the next apply records them. What
    the manifests still declare gives back needs, protection and words; an archived object is nobody's.
    """
    declared = {str(r.address): r for r in world.resources}
    match = Match(world.observed, world.ledger, world.kinds, world.owner, world.valid, (), world.former)
    entries, left = [], []
    for kind in sorted(world.kinds):
        for address, found in sorted(match.index(kind).by_mark.items()):
            active = [live for live in found if not live.archived]
            if address in world.ledger.entries or not active or not _of(kind, address):
                continue
            if len(active) > 1:
                names = ", ".join(sorted(live.id for live in active))
                left.append(f"{address}: several objects carry its mark: {names}; `reconciler import {address}=ID` takes one")
                continue
            entries.append(_entry(address, active[0], declared.get(address)))
    return Rebuilt(tuple(entries), tuple(left), tuple(_unread(world)))


def _of(kind: str, address: str) -> bool:
    """Whether a mark names an entry of the kind that carries it; people copy metadata too."""
    try:
        return Address.parse(address).kind == kind
    except ValueError:
        return False


def _entry(address: str, live: Live, resource: Resource | None) -> Entry:
    if resource is None:
        return Entry(address, live.id)
    life = resource.lifecycle
    return Entry(address, live.id, needs=tuple(needs(resource)), protect=life.protect, on_remove=life.on_remove,
                 rotate=life.rotate)


def _unread(world: World) -> Iterator[str]:
    for kind in sorted(world.kinds):
        reason = world.observed.blind(kind)
        if reason:
            yield f"{kind} can't be read: {reason}"
