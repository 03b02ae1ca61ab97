"""Which live object an entry means: by ledger, by our mark, by natural key; every live object has one claimant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.observe import Kinds, Observed
from reconciler.ledger import Entry, Ledger
from reconciler.model import Address, Live, Owner, Resource, Want


@dataclass(frozen=True, slots=True)
class Found:
    """What an entry was matched to.

    `by` is ledger, id, mark, key, vendor (a singleton or something the vendor made) or empty when nothing was
    found; `blocked` says why no decision can be made; `moved_from` is the address under which the ledger knew it;
    `leftovers` are objects of our own that a crash left behind; `candidates` all ids that looked like it; `holder` an
    archived object that nobody claims, or one that this plan archives, with the natural key that the found one shall
    get: some vendors never free one.
    """

    live: Live | None = None
    by: str = ""
    blocked: str | None = None
    unreadable: bool = False
    moved_from: Address | None = None
    leftovers: tuple[Live, ...] = ()
    candidates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    holder: Live | None = None


class Index:
    """The live objects of one kind, found by id, by our mark, and by natural key in one step each."""

    def __init__(self, kind: Kind[Any], live: Iterable[Live], mine: Callable[[Owner | None], bool]) -> None:
        self.by_mark: dict[str, list[Live]] = {}
        self.by_key: dict[tuple[Any, ...], list[Live]] = {}
        for one in live:
            if mine(one.owner) and one.owner is not None:
                self.by_mark.setdefault(one.owner.address, []).append(one)
            key = kind.identity(one.fields)
            if key is not None:
                self.by_key.setdefault(key, []).append(one)


class Match:
    """Matches entries to live objects; `claimed` holds each live object's one claimant.

    `contested` are ledger entries whose object another connection's entry means too.
    `former` are the names that the stack had before: marks that carry one of them are ours.
    """

    def __init__(self, observed: Observed, ledger: Ledger, kinds: Kinds, stack: str,
                 valid: Callable[[Owner], bool], resources: Iterable[Resource], former: Iterable[str] = ()) -> None:
        self.observed, self.ledger, self.kinds, self.stack, self.valid = observed, ledger, kinds, stack, valid
        self.names = frozenset((stack, *former))
        self.keys = {str(r.address): kinds[r.address.kind].identity(r.fields) for r in resources}
        self.declared = self.keys.keys()
        self.indexes: dict[str, Index] = {}
        self.claimed: dict[tuple[str, str], Address] = {}
        self.contested: dict[str, str] = {}
        self.known = {(a.partition("/")[0], e.id): a for a, e in ledger.entries.items()}
        for address, entry in ledger.entries.items():
            if address in self.declared:
                self.claimed[address.partition("/")[0], entry.id] = Address.parse(address)

    def mine(self, owner: Owner | None) -> bool:
        """Whether a mark is this stack's own and its seal holds."""
        return owner is not None and owner.stack in self.names and self.valid(owner)

    def index(self, kind: str) -> Index:
        """The index of one kind, made when it is first needed."""
        if kind not in self.indexes:
            self.indexes[kind] = Index(self.kinds[kind], self.observed.of(kind).values(), self.mine)
        return self.indexes[kind]

    def find(self, resource: Resource, want: Want[Any]) -> Found:
        """The live object that this entry means; resolved references are already in `want`."""
        kind = self.kinds[resource.address.kind]
        entry = self.ledger.entries.get(str(resource.address))
        id = entry.id if entry is not None else resource.lifecycle.id or kind.foretell(want).get("id")
        reason = self.observed.blind(kind.bound, id)
        if reason:
            return Found(blocked=f"can't be read: {reason}", unreadable=True)
        if entry is not None:
            found = self._turned_back(kind, want, entry, self._by_ledger(kind, resource, want, entry))
        elif resource.lifecycle.id is not None:
            found = self._by_id(kind, resource, resource.lifecycle.id)
        else:
            found = self._moved(kind, resource) or self._by_mark(kind, resource, want) or self._by_key(kind, resource, want)
        found = self._claim(kind, resource, self._renamed(kind, resource, found))
        return self._with_holder(kind, want, found, found.live) if found.live is not None else found

    def _turned_back(self, kind: Kind[Any], want: Want[Any], entry: Entry, found: Found) -> Found:
        """A half-done replace that is called off: the object that was about to go has the wanted key, and stays."""
        key = kind.identity(want.fields)
        if found.live is None or found.blocked or key is None or kind.identity(found.live.fields) == key:
            return found
        seen = self.observed.of(kind.bound)
        old = next((seen[id] for id in entry.retired
                    if id in seen and not seen[id].archived and kind.identity(seen[id].fields) == key), None)
        return found if old is None else Found(old, "ledger", leftovers=(*found.leftovers, found.live))

    def _with_holder(self, kind: Kind[Any], want: Want[Any], found: Found, live: Live) -> Found:
        """What was found, with whoever has the natural key that it shall get: one to bring back, or one that is in the way."""
        key = kind.identity(want.fields)
        if key is None or kind.identity(live.fields) == key:
            return found
        for one in self.index(kind.bound).by_key.get(key, []):
            if (kind.bound, one.id) in self.claimed:
                continue
            leaves = self._leaves(kind, one)
            free = (leaves or one.archived) and self._foreign(one) is None
            if free and (kind.fate(one).keeps_key or not leaves) and kind.revivable(one, want):
                return replace(found, holder=one)
            if kind.fate(one).keeps_key or (
                    not free and ((not kind.room and kind.creatable) or kind.foretell(want).get("id") == one.id)):
                return Found(live, found.by, f"{one.id} has its natural key already, and is not of this entry",
                             candidates=(one.id,))
        return found

    def _leaves(self, kind: Kind[Any], live: Live) -> bool:
        """Whether the plan removes an object, because its entry is no longer declared."""
        known = self.known.get((kind.bound, live.id))
        entry = self.ledger.entries.get(str(known))
        if entry is None or str(known) in self.declared or entry.on_remove == "keep":
            return False
        return kind.fate(live).word != "release" and not kind.ended(live)

    def _renamed(self, kind: Kind[Any], resource: Resource, found: Found) -> Found:
        """However an object was found: what the ledger has under an entry that is gone moves, or that one would end it."""
        known = self.known.get((kind.bound, found.live.id)) if found.live is not None and found.moved_from is None else None
        if known is None or known in self.declared:
            return found
        return replace(found, by="ledger", moved_from=Address.parse(known))

    def _claim(self, kind: Kind[Any], resource: Resource, found: Found) -> Found:
        if found.live is None or found.blocked:
            return found
        holder = self.claimed.setdefault((kind.bound, found.live.id), resource.address)
        if holder != resource.address:
            return Found(blocked=f"{found.live.id} is already {holder}: two entries on one object")
        return found

    def _by_ledger(self, kind: Kind[Any], resource: Resource, want: Want[Any], entry: Entry) -> Found:
        """What the ledger says; where that has gone, or is not the newest any more, whatever took its place."""
        id, bound = entry.id, resource.lifecycle.id
        live = self.observed.of(kind.bound).get(id)
        if bound is not None and bound != id:
            return Found(blocked=f"lifecycle.id says {bound}, the ledger says {id}: run "
                                 f"`reconciler ledger forget {resource.address}` first")
        if live is None:
            return self._by_id(kind, resource, id) if bound is not None else self._in_its_place(kind, resource, want, id)
        if live.owner is not None and live.owner.stack not in self.names:
            return Found(blocked=f"{live.id} was taken over by {live.owner.stack} ({live.owner.address}); remove the entry "
                                 "here, or `reconciler import --take-over`")
        marked = [one for one in self.index(kind.bound).by_mark.get(str(resource.address), [])
                  if one.id != id and one.id not in entry.retired and not one.archived]
        key = kind.identity(want.fields)
        newer = [one for one in marked if key is not None and kind.identity(one.fields) == key]
        if live.archived and not kind.rests(want) and len(newer) == 1:
            return Found(newer[0], "mark", notes=(f"the ledger says {id}, which is archived; this one has its mark and key",))
        if live.archived and kind.identity(live.fields) == key and self._in_use(kind, want):
            return replace(self._by_key(kind, resource, want), notes=(f"the ledger says {id}, which is archived",))
        return Found(live, "ledger", leftovers=tuple(one for one in marked
                                                     if (str(resource.address), one.id) in self.ledger.made))

    def _in_its_place(self, kind: Kind[Any], resource: Resource, want: Want[Any], id: str) -> Found:
        """The object of an entry has gone: another one may stand there, made by hand or after this ledger was saved."""
        found = self._by_mark(kind, resource, want) or self._by_key(kind, resource, want)
        if found.live is None and not found.blocked:
            return found
        return replace(found, notes=(f"{id}, which the ledger says, is not there any more",))

    def _by_id(self, kind: Kind[Any], resource: Resource, id: str) -> Found:
        live = self.observed.of(kind.bound).get(id)
        if live is None:
            return Found(blocked=f"lifecycle.id: there is no {id}, and an entry with an id is never created")
        return self._foreign(live) or self._elsewhere(kind, live) or Found(live, "id")

    def _moved(self, kind: Kind[Any], resource: Resource) -> Found | None:
        """A renamed entry: `formerly` names its old address, or the ledger knows its object under one that has gone."""
        for name in resource.lifecycle.formerly:
            old = Address(kind.bound, name)
            entry = self.ledger.entries.get(str(old))
            if entry is not None and str(old) not in self.declared:
                live = self.observed.of(kind.bound).get(entry.id)
                return Found(live, "ledger", moved_from=old) if live is not None else None
        return None

    def _by_mark(self, kind: Kind[Any], resource: Resource, want: Want[Any]) -> Found | None:
        names = [str(resource.address), *(str(Address(kind.bound, name)) for name in resource.lifecycle.formerly)]
        marked = [live for name in names for live in self.index(kind.bound).by_mark.get(name, [])
                  if (kind.bound, live.id) not in self.claimed and live.id not in self._retired(resource)]
        active = [live for live in marked if not live.archived] or ([] if self._in_use(kind, want) else marked)
        if not active:
            return None
        if len(active) > 1:
            key = kind.identity(want.fields)
            same = [live for live in active if key is not None and kind.identity(live.fields) == key]
            if len(same) != 1:
                return Found(blocked="several objects carry our mark for it: " + _names(active)
                             + "; say which with lifecycle.id")
            active = same
        live = active[0]
        left = tuple(o for o in marked if o.id != live.id and (str(resource.address), o.id) in self.ledger.made
                     and not o.archived)
        return Found(live, "mark", leftovers=left)

    def _in_use(self, kind: Kind[Any], want: Want[Any]) -> bool:
        """Whether an object that is not over has the natural key: one of ours that is over takes it from nobody."""
        same = self.index(kind.bound).by_key.get(key, []) if (key := kind.identity(want.fields)) is not None else []
        return not kind.rests(want) and any(not live.archived and (kind.bound, live.id) not in self.claimed for live in same)

    def _retired(self, resource: Resource) -> Iterable[str]:
        """The old objects of an entry, which have its mark and key and wait for their end."""
        entry = self.ledger.entries.get(str(resource.address))
        return entry.retired if entry is not None else ()

    def _by_key(self, kind: Kind[Any], resource: Resource, want: Want[Any]) -> Found:
        key = kind.identity(want.fields)
        if key is None:
            return Found()
        same = self.index(kind.bound).by_key.get(key, [])
        candidates = tuple(live.id for live in same)
        free, renamed = [], None
        for live in same:
            if live.id in self._retired(resource):
                continue
            owner = self.claimed.get((kind.bound, live.id))
            if owner == resource.address:
                continue
            known = self.known.get((kind.bound, live.id))
            if known is not None and known not in self.declared:
                renamed = Found(live, "ledger", moved_from=Address.parse(known), candidates=candidates)
            elif owner is not None and self.keys.get(str(owner)) not in (None, key):
                continue
            elif owner is not None:
                return Found(blocked=f"{live.id} is already {owner}: two entries on one object")
            else:
                free.append(live)
        if renamed is not None:
            return renamed
        return self._choose(kind, want, free, candidates)

    def _choose(self, kind: Kind[Any], want: Want[Any], free: list[Live], candidates: tuple[str, ...]) -> Found:
        active = [live for live in free if not live.archived]
        if len(active) > 1:
            return Found(blocked=f"{len(active)} objects have this natural key: {_names(active)}; say which with "
                                 "lifecycle.id", candidates=candidates)
        chosen = active or [live for live in free if kind.revivable(live, want)][:1]
        if not chosen:
            return Found(candidates=candidates)
        live = chosen[0]
        foreign = self._foreign(live) or self._elsewhere(kind, live)
        if foreign is not None:
            return foreign
        if self.mine(live.owner):
            return Found(live, "mark", candidates=candidates)
        return Found(live, "vendor" if kind.singleton or live.by_vendor else "key", candidates=candidates)

    def _elsewhere(self, kind: Kind[Any], live: Live) -> Found | None:
        """An object that this stack has under another connection: both lead to one account, and one of them would remove it."""
        owner = live.owner
        if owner is None or not self.mine(owner) or owner.address.partition(".")[0] == kind.bound.partition(".")[0]:
            return None
        entry = self.ledger.entries.get(owner.address)
        if owner.address not in self.declared and (entry is None or entry.id != live.id):
            return None
        self.contested[owner.address] = live.id
        return Found(blocked=f"{live.id} is {owner.address} already: both connections lead to one account, declare it once; "
                             f"`reconciler ledger forget {owner.address}` lets it go there")

    def _foreign(self, live: Live) -> Found | None:
        """An object under another stack's mark, or under one whose seal does not hold, is nobody's to take.

        A mark that names this stack and no entry has no room for a seal: it proves nothing, and forbids nothing.
        """
        if live.owner is None or self.mine(live.owner) or (live.owner.stack in self.names and not live.owner.address):
            return None
        whose = f"belongs to {live.owner.stack}" if live.owner.stack not in self.names else "carries a mark with a broken seal"
        return Found(blocked=f"{live.id} {whose} ({live.owner.address}); `reconciler import --take-over` takes it")


def _names(live: Iterable[Live]) -> str:
    return ", ".join(sorted(one.id for one in live))
