"""Which live objects a manifest could declare and none does: unmarked, unknown to the ledger, not the vendor's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.contract.declare import Refer
from reconciler.contract.kind import Kind
from reconciler.contract.spec import Link, Mark
from reconciler.engine.plan import World, plan
from reconciler.model import Action, Address, Fields, Live

Wanted = Callable[[str, Live], bool]
Outputs = dict[tuple[str, str, str], Address]
"""Which entry has an output: by bound kind, output and value."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was found: fields by address in the order of kinds, and in sentences what could not be written."""

    entries: Mapping[Address, Fields] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def export(world: World, wanted: Wanted, *, archived: bool = False,
           called: Callable[[str, Live], str | None] = lambda kind, live: None) -> Export:
    """The manifests' form of every object that nothing declares; `world` was observed whole.

    References lead to declared entries and to others of the export. An object whose natural key is missing, or is
    also another's, is bound by `lifecycle.id`. A plan after it holds only equal adoptions. `called` may name an entry.
    """
    actions = plan(world).actions
    taken = {(a.address.kind, a.live.id) for a in actions if a.live is not None}
    taken |= {(name.partition("/")[0], id) for name, entry in world.ledger.entries.items()
              for id in (entry.id, *entry.retired)}
    names = _Names({str(a.address) for a in actions})
    found: dict[Address, tuple[Kind[Any], Live]] = {}
    outputs = referring(actions)
    for bound, kind in world.kinds.items():
        for live in sorted(world.observed.of(bound).values(), key=lambda one: one.id):
            if _open(live, archived) and (bound, live.id) not in taken and wanted(bound, live):
                address = Address(bound, names.of(bound, called(bound, live) or kind.title(live)))
                found[address] = (kind, live)
                _learn(outputs, address, live)
    return _written(world, found, outputs)


def _open(live: Live, archived: bool) -> bool:
    return live.owner is None and not live.by_vendor and (archived or not live.archived)


def referring(actions: Iterable[Action]) -> Outputs:
    """The outputs of every declared entry whose object is there."""
    outputs: Outputs = {}
    for action in actions:
        if action.live is not None and action.resource is not None:
            _learn(outputs, action.address, action.live)
    return outputs


def refer_by(outputs: Mapping[tuple[str, str, str], Address], kind: Kind[Any]) -> Refer:
    """How the entries of a kind refer to what has these outputs."""
    def refer(link: Link, value: Any) -> Any | None:
        target = outputs.get((kind.kin(link.kind), link.output, str(value)))
        return {"ref": target.name} if target is not None else None

    return refer


def _learn(outputs: Outputs, address: Address, live: Live) -> None:
    for output, value in {**live.outputs, "id": live.id}.items():
        if isinstance(value, str):
            outputs.setdefault((address.kind, output, value), address)


def _written(world: World, found: Mapping[Address, tuple[Kind[Any], Live]],
             outputs: Mapping[tuple[str, str, str], Address]) -> Export:
    entries: dict[Address, Fields] = {}
    left_out: list[str] = []
    holders = _holders(world)
    for address, (kind, live) in found.items():
        fields = kind.declare(live, refer_by(outputs, kind))
        missing = [name for name, shape in kind.shape.children.items() if shape.required and name not in fields]
        if missing:
            left_out.append(f"{kind.bound} {live.id}: {', '.join(missing)} can't be read back, so it is not written")
            continue
        if kind.singleton and all(kind.shape.child(name).marks & {Mark.NAMED, Mark.IDENTITY} for name in fields):
            continue
        entries[address] = _named(kind, address, live, fields, holders)
    return Export(entries, tuple(left_out))


def _holders(world: World) -> Mapping[tuple[str, tuple[Any, ...]], int]:
    """How many objects in use have a natural key."""
    held: dict[tuple[str, tuple[Any, ...]], int] = {}
    for bound, kind in world.kinds.items():
        for live in world.observed.of(bound).values():
            key = kind.identity(live.fields)
            if key is not None and not live.archived:
                held[bound, key] = held.get((bound, key), 0) + 1
    return held


def _named(kind: Kind[Any], address: Address, live: Live, fields: Fields,
           holders: Mapping[tuple[str, tuple[Any, ...]], int]) -> Fields:
    """The fields without a natural key that the name says already.

    Or bound by id: where no key leads to the object, and where a new one would have a secret that nothing takes.
    """
    key = kind.identity(live.fields)
    awaited = any(output.awaited for output in kind.outputs.values())
    if awaited or key is None or holders.get((kind.bound, key), 0) > 1 or (live.archived and holders.get((kind.bound, key))):
        return {**fields, "lifecycle": {"id": live.id}}
    return {name: value for name, value in fields.items() if not (value == address.name and kind.named(name))}


class _Names:
    """Names for entries, each once in its kind."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def of(self, bound: str, title: str) -> str:
        """A name made of a title; a number behind it where another has it."""
        base = re.sub(r"[^A-Za-z0-9_.@-]+", "-", title).strip("-") or "entry"
        base = base if base[0].isalnum() else f"x{base}"
        return next(name for name in _numbered(base[:100]) if self._free(f"{bound}/{name}"))

    def _free(self, address: str) -> bool:
        if address in self.taken:
            return False
        self.taken.add(address)
        return True


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
