"""What a create sends and means, and how the impacts of changes add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.contract.spec import Mark
from reconciler.model import Call, Change, Changes, Impact, Live, Ref, Want, has_token


def create_calls(kind: Kind[Any], want: Want[Any]) -> tuple[Call, ...]:
    """The create and the updates that complete it; its id is a token until it is there."""
    first = replace(want, fields={k: v for k, v in want.fields.items() if k not in kind.later})
    later = tuple(Change(name, None, want.fields[name]) for name in kind.owed(want))
    rest = kind.update(newborn(kind, first), want, later) if later else ()
    return (kind.create(first), *rest)


def newborn(kind: Kind[Any], want: Want[Any]) -> Live:
    """The object that a create will make, as far as it is known."""
    id = kind.foretell(want).get("id") or Ref.to(want.address)
    return Live(id=id, fields=dict(want.fields), outputs=kind.foretell(want), owner=want.owner)


def creation(kind: Kind[Any], want: Want[Any], drift: bool = False) -> Iterable[Change]:
    """A create's fields as changes from nothing."""
    for name, value in want.fields.items():
        shape = kind.shape.child(name)
        yield Change(name, None, value, secret=Mark.SECRET in shape.marks, unknown=has_token(value), drift=drift,
                     impact=shape.impact or Impact.ADDITIVE)


def creation_impact(kind: Kind[Any], changes: Changes) -> set[Impact]:
    """What a create means: its kind's meaning, and its fields' money and access."""
    heavy = {c.impact for c in changes if c.impact in (Impact.MONEY, Impact.ACCESS)}
    return heavy | ({kind.create_impact} if kind.create_impact is not Impact.ADDITIVE or not heavy else set())


def sorted_impacts(impacts: Iterable[Impact]) -> tuple[Impact, ...]:
    """Impacts as a reader should see them: the gravest first."""
    return tuple(sorted(set(impacts), key=lambda i: i.rank))


def change_impact(changes: Changes) -> set[Impact]:
    """What changes mean; when all of them only undo somebody's edit it is drift, and what they touch stays said."""
    found = {change.impact for change in changes}
    if changes and all(change.drift for change in changes):
        found = {i for i in found if i in (Impact.MONEY, Impact.ACCESS)} | {Impact.DRIFT}
    return found
