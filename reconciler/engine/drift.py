"""What changed at the vendors since the last apply, apart from what the manifests ask: last applied, live, wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.contract.compare import EMPTY, covers
from reconciler.contract.kind import Kind
from reconciler.contract.spec import Mark
from reconciler.engine.plan import World
from reconciler.ledger import Entry
from reconciler.model import Action, Change, Drift, Drifted, Fell, Op, Plan, Turned


def drift(world: World, plan: Plan) -> Drift:
    """The drift that a plan over this world shows; entries that the ledger does not know have none."""
    found, unreadable, same = [], [], 0
    for action in plan.actions:
        entry = world.ledger.entries.get(str(action.moved_from or action.address))
        if entry is None or action.resource is None:
            continue
        one = _drifted(world, action, entry)
        if one is not None:
            found.append(one)
        elif action.op is Op.BLOCKED and (action.blocked or "").startswith("can't be read"):
            unreadable.append(action)
        else:
            same += 1
    return Drift(plan, tuple(found), tuple(unreadable), same)


def _drifted(world: World, action: Action, entry: Entry) -> Drifted | None:
    kind = world.kinds[action.address.kind]
    live = world.observed.of(kind.bound).get(entry.id)
    if live is not None and live.owner is not None and live.owner.stack not in (world.owner, *world.former):
        return Drifted(replace(action, live=live), Fell.TAKEN, by=f"{live.owner.stack} ({live.owner.address})")
    if action.op is Op.CREATE or (action.op is Op.BLOCKED and action.live is None and _gone(world, action, entry)):
        return Drifted(action, Fell.REMOVED)
    fields = tuple(_turned(world, kind, action, entry))
    if _ended(kind, action) and not _rested(kind, action, fields):
        return Drifted(action, Fell.ARCHIVED, fields)
    return Drifted(action, Fell.CHANGED, fields) if fields else None


def _gone(world: World, action: Action, entry: Entry) -> bool:
    """Whether a held-back action would make again what is not there any more."""
    return not world.observed.blind(action.address.kind, entry.id) and str(action.address) not in world.unsettled \
        and entry.id not in world.observed.of(action.address.kind) and bool(action.changes)


def _ended(kind: Kind[Any], action: Action) -> bool:
    """Whether the object is archived although the manifest does not ask for that."""
    return action.live is not None and action.live.archived and action.want is not None and not kind.rests(action.want)


def _rested(kind: Kind[Any], action: Action, fields: tuple[Turned, ...]) -> bool:
    """Whether the archived state is what the manifest asked for when it was last applied, and asks no more."""
    outside = {one.path for one in fields}
    want = action.want
    return want is not None and any(kind.rests(replace(want, fields={**want.fields, one.path: one.before}))
                                    for one in action.changes if one.path not in outside)


def _turned(world: World, kind: Kind[Any], action: Action, entry: Entry) -> Iterator[Turned]:
    if action.live is None:
        return
    pending = {path for intent in world.ledger.intents.values() if intent.address == entry.address for path in intent.prints}
    for change in action.changes:
        if change.drift:
            yield Turned(change.path, change.after, change.before, change.secret)
        elif not change.unknown and _outside(world, kind, action, entry, change, pending):
            yield Turned(change.path, None, change.before, change.secret, said=False)


def _outside(world: World, kind: Kind[Any], action: Action, entry: Entry, change: Change, pending: set[str]) -> bool:
    """Whether a field that the manifest asks to be changed was changed at the vendor too, to something else.

    The ledger has a digest of what the manifest said, and no value: only of a plain text, number or word can be told
    whether it is still that. A list may be said in many ways that mean the same; of it nothing is claimed.
    """
    assert action.live is not None
    path, shape = change.path, kind.shape
    print = entry.prints.get(path)
    for part in path.split("."):
        shape = shape.child(part)
    unsure = shape.normal is not None or shape.marks & {Mark.WRITE_ONLY, Mark.CREATE_ONLY}
    faces = [change.before, *([*EMPTY, shape.default] if covers(change.before, None, shape) else [])]
    if not print or unsure or path in pending or any(isinstance(face, (list, dict)) and face for face in faces):
        return False
    return not any(world.same(print, face) for face in faces)
