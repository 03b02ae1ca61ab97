"""What one entry needs: create, update, replace, adopt, move, restore, or nothing; calls as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.contract.compare import empty
from reconciler.contract.kind import Kind, Replace
from reconciler.contract.spec import Mark, marked
from reconciler.engine.creating import change_impact, create_calls, creation, creation_impact, sorted_impacts
from reconciler.engine.diff import Applied, Same, diff
from reconciler.engine.dropped import swallowed
from reconciler.engine.leaving import left
from reconciler.engine.match import Found
from reconciler.engine.moved import moved
from reconciler.engine.observe import Kinds
from reconciler.ledger import Entry, Ledger
from reconciler.model import (
    Action,
    Address,
    Call,
    Change,
    Changes,
    Fields,
    Impact,
    Live,
    Note,
    Op,
    Owner,
    Resource,
    Want,
    refs_in,
)


@dataclass(frozen=True, slots=True)
class Deciding:
    """What every decision may know: the ledger, how to sign marks and compare digests, and the time."""

    stack: str
    kinds: Kinds
    ledger: Ledger
    same: Same
    seal: Callable[[Owner], Owner]
    now: float = 0.0

    def want(self, resource: Resource, fields: Fields) -> Want[Any]:
        """What an entry asks for, with its mark where its kind has room for one."""
        kind = self.kinds[resource.address.kind]
        owner = self.seal(Owner(self.stack, str(resource.address))) if kind.room else None
        return Want(resource.address, without(fields, resource.lifecycle.ignore), owner)

    def applied(self, address: Address) -> Applied:
        """What the ledger remembers of an address, its open calls counted as applied."""
        entry = self.ledger.entries.get(str(address))
        pending = [i for i in self.ledger.intents.values() if i.address == str(address)]
        prints = dict(entry.prints) if entry else {}
        return Applied(prints, self.same, frozenset(p for i in pending for p in i.prints), entry is not None)


def without(fields: Fields, paths: Iterable[str]) -> Fields:
    """The fields without some paths; what lies beside them stays."""
    kept = dict(fields)
    for path in paths:
        head, dot, rest = path.partition(".")
        if not dot:
            kept.pop(head, None)
        elif isinstance(kept.get(head), dict):
            kept[head] = without(kept[head], (rest,))
    return kept


def deferred(kind: Kind[Any]) -> tuple[str, ...]:
    """The fields that a second step sets."""
    return tuple(name for name, _ in marked(kind.spec, Mark.DEFERRED))


def let_go(kind: Kind[Any], address: Address, live: Live) -> tuple[Call, ...]:
    """The calls by which an object that goes points at nothing any more."""
    names = [name for name in deferred(kind) if not empty(live.fields.get(name))]
    changes = tuple(Change(name, live.fields[name], None) for name in names)
    return tuple(kind.update(live, Want(address, dict.fromkeys(names), live.owner), changes)) if names else ()


def decide(d: Deciding, resource: Resource, fields: Fields, found: Found) -> Action:
    """The action of one entry, deferred fields left out (see `with_deferred`)."""
    kind = d.kinds[resource.address.kind]
    want = d.want(resource, fields)
    action = _decided(d, kind, resource, want, found)
    notes = (*action.notes, *(Note(text) for text in found.notes), *_remarks(d, kind, resource, action))
    return replace(action, at=resource.at, resource=resource, needs=needs_of(kind, resource), notes=notes)


def _remarks(d: Deciding, kind: Kind[Any], resource: Resource, action: Action) -> Iterable[Note]:
    """What an object that stays has to say: what can't follow the manifest, a secret that nobody here ever saw."""
    if action.live is None or action.want is None or action.op not in (Op.NOOP, Op.UPDATE, Op.ADOPT, Op.MOVE):
        return
    yield from kind.remarks(action.live, action.want)
    entry = d.ledger.entries.get(str(resource.address))
    heard = {*entry.delivered, *entry.undelivered} if entry is not None else set()
    for output, meaning in kind.outputs.items():
        if meaning.once and output not in heard and (output in resource.lifecycle.deliver or action.op is Op.ADOPT):
            yield Note(f"{output} unknown, rotate to obtain")
        elif meaning.secret and output not in heard and output in resource.lifecycle.deliver:
            yield Note(f"{output} not delivered: the object was there before; refer to it, or rotate it where that is possible")


def needs_of(kind: Kind[Any], resource: Resource) -> tuple[Address, ...]:
    """The entries that must be there first; deferred links are not among them."""
    late = deferred(kind)
    fields = {name: value for name, value in resource.fields.items() if name not in late}
    return tuple(dict.fromkeys((*(ref.address for ref in refs_in(fields)), *resource.waits)))


def _decided(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], found: Found) -> Action:
    address = resource.address
    if found.blocked:
        return Action(Op.BLOCKED, address, id=found.live.id if found.live is not None else None, live=found.live,
                      blocked=found.blocked, want=want)
    live = found.live
    if not resource.lifecycle.manage:
        if live is None:
            return Action(Op.BLOCKED, address, blocked="not found, and `manage: false` never creates", want=want)
        left = Note("not managed any more: it stays, and the ledger lets it go")
        return Action(Op.NOOP, address, id=live.id, live=live, want=want,
                      notes=(left,) if str(address) in d.ledger.entries else ())
    if live is None:
        return created(d, kind, resource, want, found)
    now = replace(want, fields={k: v for k, v in without(want.fields, resource.lifecycle.seed).items()
                                if k not in deferred(kind)})
    theirs = (*resource.lifecycle.ignore, *resource.lifecycle.seed)
    changes = diff(now.fields, live.fields, kind.shape, d.applied(address), skip=theirs)
    changes = tuple(replace(c, replaces=kind.forces(live, now, c)) for c in changes if not swallowed(live, c))
    restore = live.archived and not kind.rests(want)
    if found.by == "key" and not restore:
        return _adopted(d, kind, resource, now, live, changes)
    action = _changed(d, kind, resource, now, live, changes, restore, found.holder)
    if found.by in ("vendor", "id", "mark"):
        action = _taken(d, kind, resource, now, action, found)
    return _left_behind(d, kind, found, action)


def created(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], found: Found) -> Action:
    """One create, then what it can't carry; an object that the ledger knew has been removed by hand: drift."""
    address = resource.address
    if not kind.creatable:
        return Action(Op.NOOP, address, want=want, notes=(Note(kind.waits),))
    now = replace(want, fields={k: v for k, v in want.fields.items() if k not in deferred(kind)})
    make = create_calls(kind, now)
    lost = str(address) in d.ledger.entries
    changes = tuple(creation(kind, now, drift=lost))
    notes = (Note("removed by hand; made again", subject="drift"),) if lost else ()
    impact = {Impact.DRIFT} if lost else creation_impact(kind, changes)
    return Action(Op.CREATE, address, impact=sorted_impacts(impact), changes=changes, make=make, notes=notes, want=want,
                  candidates=found.candidates)


def _changed(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], live: Live, changes: Changes,
             restore: bool, holder: Live | None = None) -> Action:
    """Noop, update, restore or replace of an object that is ours."""
    address = resource.address
    base = Action(Op.NOOP, address, id=live.id, changes=changes, live=live, want=want)
    if rotates(d, resource) or any(change.replaces for change in changes):
        return replaced(d, kind, resource, want, live, base, holder)
    if restore:
        calls = tuple(kind.revive(live, want, changes))
        known = str(address) in d.ledger.entries
        return replace(base, op=Op.UPDATE, effect="restore", make=calls,
                       impact=sorted_impacts(change_impact(changes) | {Impact.DRIFT if known else Impact.ADOPT}),
                       notes=(Note("archived by hand; brought back", subject="drift") if known
                              else Note("an archived object has its natural key; brought back"),))
    notes = tuple(left(d.ledger.entries.get(str(address)), kind, resource, live, changes))
    if changes:
        return replace(base, op=Op.UPDATE, impact=sorted_impacts(change_impact(changes)), notes=notes,
                       make=tuple(kind.update(live, want, changes)))
    return replace(base, notes=notes, after=tuple(kind.after(live, want)))


def rotates(d: Deciding, resource: Resource) -> bool:
    """Whether a changed word, or a secret that was made and never delivered, asks for a new object."""
    entry = d.ledger.entries.get(str(resource.address))
    return entry is not None and (bool(entry.undelivered) or resource.lifecycle.rotate != entry.rotate)


def replaced(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], live: Live, base: Action,
             holder: Live | None = None) -> Action:
    """A new object, or an archived one that has its key, and the end of the old one, in the order the kind can bear."""
    first = kind.replacing(live, want) is Replace.CREATE_FIRST
    turned = rotates(d, resource)
    whole = replace(want, fields={k: v for k, v in d.want(resource, {**resource.fields, **want.fields}).fields.items()
                                  if k not in deferred(kind)})
    keep = first and turned and resource.lifecycle.keep_old is not None
    impact = change_impact(base.changes)
    if not first:
        impact |= {Impact.DELETE}
    notes = [Note(f"immutable in {kind.vendor}", path=c.path)
             for c in base.changes if c.replaces and not c.unknown]
    if turned:
        impact |= {Impact.ACCESS}
        notes.append(Note("made again: its secret was never delivered" if d.ledger.entries[str(resource.address)].undelivered
                          else f"a new one is made ({resource.lifecycle.rotate})", subject="rotate"))
    make = create_calls(kind, whole)
    if holder is not None:
        make = tuple(kind.revive(holder, whole, diff(whole.fields, holder.fields, kind.shape)))
        notes.append(Note(f"{holder.id} {'is' if holder.archived else 'will be'} archived and has its natural key: "
                          "it is brought back"))
    notes += left(d.ledger.entries.get(str(resource.address)), kind, resource, live, base.changes, anew=True)
    if keep:
        notes.append(Note(f"{live.id} is removed by a later plan, after {resource.lifecycle.keep_old}", subject="old"))
    fate = kind.fate(live)
    action = replace(base, op=Op.REPLACE, effect="rotate" if turned else "supersede" if first else "replace",
                     impact=sorted_impacts(impact), make=make, want=whole,
                     drop=() if keep else tuple(kind.delete(live)), drops=() if keep else (live.id,),
                     notes=tuple(notes))
    if fate.irreversible and not first:
        action = replace(action, notes=(*action.notes, Note(fate.why or "the old object can't be brought back",
                                                            impact=Impact.IRREVERSIBLE, refuse=True)))
    return action


def _adopted(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], live: Live, changes: Changes) -> Action:
    """An unmarked object with our natural key: taken when it is equal, else only with consent in the manifest."""
    mode = resource.lifecycle.adopt
    base = Action(Op.ADOPT, resource.address, id=live.id, impact=(Impact.ADOPT,), changes=changes, live=live, want=want,
                  make=tuple(kind.claim(live, want)))
    if mode == "never":
        return replace(base, op=Op.BLOCKED, make=(), blocked=f"{live.id} exists already, and `adopt: never` stands here")
    if not changes:
        return base
    if mode != "changes":
        return replace(base, op=Op.BLOCKED, make=(), blocked=(
            f"{live.id} exists already and differs; `reconciler import {resource.address}` or "
            "`lifecycle: {adopt: changes}` takes it"))
    action = _changed(d, kind, resource, want, live, changes, False)
    return replace(action, make=action.make if action.op is Op.REPLACE else _with_claim(kind, live, want, action.make),
                   impact=sorted_impacts({*action.impact, Impact.ADOPT}))


def _with_claim(kind: Kind[Any], live: Live, want: Want[Any], make: tuple[Call, ...]) -> tuple[Call, ...]:
    """The update's calls, and the mark where the update itself does not write it."""
    return (*kind.claim(live, want), *make)


def _taken(d: Deciding, kind: Kind[Any], resource: Resource, want: Want[Any], action: Action, found: Found) -> Action:
    """Taking what is ours already by mark, id or nature: a singleton, a vendor's own child, a lost ledger."""
    live = found.live
    assert live is not None
    if found.moved_from is not None or found.by == "ledger":
        return action
    if action.op is Op.NOOP:
        if found.by == "vendor" and kind.singleton:
            return action
        marked = live.owner is not None and (live.owner.stack, live.owner.address) == (d.stack, str(resource.address))
        return replace(action, op=Op.ADOPT, impact=(Impact.ADOPT,), make=() if marked else tuple(kind.claim(live, want)))
    if found.by == "vendor" and not kind.singleton:
        return replace(action, make=_with_claim(kind, live, want, action.make))
    if found.by == "id" and resource.lifecycle.adopt == "equal" and live.owner is None:
        return replace(action, op=Op.BLOCKED, make=(), drop=(), blocked=(
            f"{live.id} differs; `reconciler import {resource.address}` or `lifecycle: {{adopt: changes}}` takes it"))
    return replace(action, impact=sorted_impacts({*action.impact, Impact.ADOPT}))


def _left_behind(d: Deciding, kind: Kind[Any], found: Found, action: Action) -> Action:
    """Moves, and objects that this address has left behind: a crash's leftovers, a kept old key whose time is up."""
    action = moved(d.stack, kind, found, action)
    if not found.leftovers or action.op is Op.BLOCKED:
        return action
    drops = tuple(call for live in found.leftovers for call in kind.delete(live))
    freed = tuple(call for live in found.leftovers for call in let_go(kind, action.address, live))
    names = ", ".join(live.id for live in found.leftovers)
    note = Note(f"{names} ({kind.fate(found.leftovers[0]).word})", subject="left behind", impact=Impact.DELETE)
    return replace(
        action,
        op=Op.UPDATE if action.op is Op.NOOP else action.op,
        unlink=action.unlink + freed,
        drop=action.drop + drops,
        drops=(*action.drops, *(live.id for live in found.leftovers)),
        effect=action.effect or "drop old",
        notes=(*action.notes, note),
        impact=sorted_impacts({*action.impact, Impact.DELETE}),
    )


def retired(entry: Entry | None, live: Mapping[str, Live], now: float) -> tuple[Live, ...]:
    """The old objects of an entry whose time is up and that are still there."""
    if entry is None:
        return ()
    return tuple(live[id] for id, until in entry.retired.items() if until <= now and id in live and not live[id].archived)
