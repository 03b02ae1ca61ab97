"""Deferred fields: set once both ends exist, moved along when their target is replaced, cleared before a drop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.contract.compare import empty
from reconciler.contract.kind import Kind
from reconciler.engine.creating import change_impact, newborn, sorted_impacts
from reconciler.engine.decide import Deciding, deferred, let_go
from reconciler.engine.diff import diff
from reconciler.model import Action, Address, Change, Changes, Fields, Impact, Note, Op, Ref, Want, fill, has_token, refs_in

Known = Callable[[Any], Any]


def with_links(d: Deciding, actions: Iterable[Action], known: Known, stays: Collection[Address] = ()) -> list[Action]:
    """The second pass: all that is known is known, so every deferred field can be compared.

    `stays` are addresses whose objects stay although they were to go: they are blocked, or left out of this run.
    """
    actions = list(actions)
    moved = _moved_targets(action for action in actions if action.address not in stays)
    return [_linked(d, action, known, moved) for action in actions]


Moved = Mapping[tuple[str, str], tuple[Address, Any]]


def _moved_targets(actions: Iterable[Action]) -> Moved:
    """What stands, from now on, for an id that this plan drops: its successor, or nothing."""
    moved: dict[tuple[str, str], tuple[Address, Any]] = {}
    for action in actions:
        successor = (None if action.op is Op.DELETE else Ref.to(action.address) if action.op is Op.REPLACE
                     else action.live.id if action.live is not None else None)
        for id in action.drops:
            moved[action.address.kind, id] = (action.address, successor)
    return moved


def _linked(d: Deciding, action: Action, known: Known, moved: Moved) -> Action:
    kind = d.kinds.get(action.address.kind)
    if kind is None or not deferred(kind) or action.op in (Op.BLOCKED, Op.FORGET):
        return action
    held = tuple(_held_targets(kind, action, moved)) if moved else ()
    action = replace(action, former=(*action.former, *held)) if held else action
    if action.op is Op.DELETE:
        return _unlinked(kind, action)
    if action.resource is None or action.want is None or not action.resource.lifecycle.manage:
        return action
    fields = _deferred_fields(d, kind, action, known, moved)
    if not fields:
        return _unlinked(kind, action) if action.op is Op.REPLACE and action.drop else action
    want = replace(action.want, fields={**action.want.fields, **fields})
    if action.op in (Op.CREATE, Op.REPLACE):
        changes: Changes = tuple(Change(n, None, v, unknown=has_token(v), impact=_impact(kind, n)) for n, v in fields.items()
                                 if not empty(v))
        base = newborn(kind, replace(action.want, owner=None))
        linked = replace(action, changes=action.changes + changes, want=want,
                         link=tuple(kind.update(base, want, changes)) if changes else ())
        return _unlinked(kind, linked) if linked.drop else linked
    assert action.live is not None
    applied = d.applied(action.address)
    mine = {path: print for path, print in applied.prints.items() if path.partition(".")[0] in fields}
    changes = diff(fields, action.live.fields, kind.shape, replace(applied, prints=mine))
    return _with_changes(kind, action, want, changes) if changes else replace(action, want=want)


def _held_targets(kind: Kind[Any], action: Action, moved: Moved) -> Iterable[Address]:
    """The entries whose old objects this one points at right now: their drops wait for it."""
    for name in deferred(kind):
        link = kind.shape.child(name).link
        if action.live is not None and link is not None:
            hit = moved.get((kind.kin(link.kind), str(action.live.fields.get(name))))
            if hit is not None:
                yield hit[0]


def _deferred_fields(d: Deciding, kind: Kind[Any], action: Action, known: Known,
                     moved: Moved) -> Fields:
    """The deferred fields as the manifest asks for them, or as a moved target asks where the manifest is silent."""
    assert action.resource is not None
    fields: Fields = {}
    for name in deferred(kind):
        if name in action.resource.fields:
            if action.live is None or name not in action.resource.lifecycle.seed:
                fields[name] = fill(action.resource.fields[name], known)
        elif action.live is not None and (link := kind.shape.child(name).link) is not None:
            target = (kind.kin(link.kind), str(action.live.fields.get(name)))
            if target in moved:
                fields[name] = moved[target][1]
    return fields


def _impact(kind: Kind[Any], name: str) -> Impact:
    return kind.shape.child(name).impact or Impact.BEHAVIOURAL


def _with_changes(kind: Kind[Any], action: Action, want: Want[Any], changes: Changes) -> Action:
    assert action.live is not None
    if action.op is Op.ADOPT and not _free_to_change(kind, action):
        return replace(action, op=Op.BLOCKED, make=(), changes=action.changes + changes, blocked=(
            f"{action.live.id} exists already and differs; `reconciler import {action.address}` or "
            "`lifecycle: {adopt: changes}` takes it"))
    silent = {c.path for c in changes if action.resource is not None and c.path not in action.resource.fields}
    notes = tuple(Note("moves along", path=path) for path in silent)
    op = Op.UPDATE if action.op in (Op.NOOP, Op.ADOPT, Op.MOVE) else action.op
    every = action.changes + changes
    kept = set(action.impact) if action.op is not Op.UPDATE else set(action.impact) - {Impact.DRIFT}
    impact = sorted_impacts(kept | change_impact(every) | ({Impact.ADOPT} if action.op is Op.ADOPT else set()))
    return replace(action, op=op, changes=every, impact=impact, notes=action.notes + notes, want=want,
                   link=tuple(kind.update(action.live, want, changes)))


def _free_to_change(kind: Kind[Any], action: Action) -> bool:
    """Whether an object that is being adopted may be changed too: ours by mark or the vendor's own child, or by consent."""
    assert action.live is not None
    assert action.resource is not None
    ours = action.live.owner is not None or action.live.by_vendor or kind.singleton
    return ours or action.resource.lifecycle.adopt == "changes"


def _unlinked(kind: Kind[Any], action: Action) -> Action:
    """Before an object goes, what it points at is let go: nobody drops a target that is still pointed at."""
    assert action.live is not None
    return replace(action, unlink=(*let_go(kind, action.address, action.live), *action.unlink))


def targets(kind: Kind[Any], resource_fields: Fields) -> tuple[Address, ...]:
    """The entries that the deferred fields point at."""
    return tuple(dict.fromkeys(r.address for n in deferred(kind) for r in refs_in(resource_fields.get(n))))
