"""What objects point at until now: their targets' drops wait for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.observe import Kinds, Observed
from reconciler.ledger import Ledger
from reconciler.model import Action, Address, Live

Droppers = Mapping[tuple[str, str], Address]
"""The address whose action drops an object, by bound kind and id."""


def with_former(actions: Iterable[Action], ledger: Ledger, kinds: Kinds, observed: Observed) -> list[Action]:
    """The actions with all that they pointed at: by the ledger, and by the objects themselves that they drop.

    The ledger alone would not do: after a crash it knows the needs of the new object, and the old one is still there.
    """
    actions = list(actions)
    droppers = {(action.address.kind, id): action.address for action in actions for id in action.drops}
    return [_with_former(action, ledger, kinds, observed, droppers) for action in actions]


def _with_former(action: Action, ledger: Ledger, kinds: Kinds, observed: Observed, droppers: Droppers) -> Action:
    entry = ledger.entries.get(str(action.moved_from or action.address))
    needs = [Address.parse(name) for name in entry.needs] if entry is not None else []
    kind = kinds.get(action.address.kind)
    live = observed.of(action.address.kind)
    held = [address for id in action.drops if kind is not None and id in live
            for address in _targets(kind, live[id], droppers)]
    former = tuple(dict.fromkeys((*action.former, *needs, *held)))
    return replace(action, former=former) if former != action.former else action


def _targets(kind: Kind[Any], live: Live, droppers: Droppers) -> Iterator[Address]:
    for name, shape in kind.shape.children.items():
        link = shape.link or (shape.item.link if shape.item is not None else None)
        if link is None:
            continue
        value = live.fields.get(name)
        for id in value if isinstance(value, list) else [value]:
            address = droppers.get((kind.kin(link.kind), str(id)))
            if address is not None:
                yield address
