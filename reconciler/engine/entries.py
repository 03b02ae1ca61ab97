"""The ledger records that an action leaves: ids, digests and needs, never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.durations import seconds
from reconciler.ledger import Entry, Record
from reconciler.model import Action, Op, Resource

Entries = Mapping[str, Entry]


def made(action: Action, entries: Entries, prints: Mapping[str, str], now: float) -> dict[str, Any]:
    """What the ledger shall say the moment a create has succeeded, complete or not."""
    assert action.resource is not None
    old = entries.get(str(action.address))
    retired = dict(old.retired) if old is not None else {}
    if action.op is Op.REPLACE and action.live is not None and action.effect != "replace":
        keep = action.resource.lifecycle.keep_old
        retired[action.live.id] = now + seconds(keep) if keep is not None and not action.drop else 0.0
    life = action.resource.lifecycle
    return {"prints": {}, "needs": used(action.resource, old, retired), "protect": life.protect, "on_remove": life.on_remove,
            "rotate": life.rotate, "retired": retired, "undelivered": list(life.deliver)}


def needs(resource: Resource) -> list[str]:
    """Every entry that it points at or delivers into, deferred links too."""
    return [str(address) for address in resource.needs]


def used(resource: Resource, old: Entry | None, retired: Mapping[str, float]) -> list[str]:
    """What it needs, and what the old objects that it has left behind still point at."""
    before = old.needs if old is not None and retired else ()
    return list(dict.fromkeys((*needs(resource), *before)))


def finished(action: Action, entries: Entries, prints: Mapping[str, str], id: str | None, now: float) -> tuple[Record, ...]:
    """The records of an action all of whose steps are done."""
    address = str(action.address)
    if action.op in (Op.DELETE, Op.FORGET):
        return ({"t": "gone", "address": address},)
    if action.resource is None or id is None:
        return ()
    moved: tuple[Record, ...] = ()
    old = entries.get(address)
    if action.moved_from is not None:
        old = entries.get(str(action.moved_from), old)
        moved = ({"t": "moved", "from": str(action.moved_from), "to": address},)
    life = action.resource.lifecycle
    own = entries.get(address) if action.moved_from is not None else None
    retired = {**(own.retired if own is not None else {}), **(old.retired if old is not None else {})}
    if action.drop:
        retired = {one: until for one, until in retired.items() if until > now or one in action.kept}
    retired.pop(id, None)
    applied = {} if action.effect == "import" else dict(prints)
    entry = Entry(address, id, applied, tuple(used(action.resource, old, retired)), life.protect, life.on_remove, life.rotate,
                  dict(old.delivered) if old is not None else {}, old.undelivered if old is not None else (), retired)
    return (*moved, entry.record())


def undone(action: Action, entries: Entries) -> tuple[Record, ...]:
    """The records after a new object was removed again: the old one is still ours."""
    old = entries.get(str(action.address))
    return (old.record(),) if old is not None else ({"t": "gone", "address": str(action.address)},)


def quiet(action: Action, entries: Entries, open_calls: bool,
          prints: Callable[[str, Mapping[str, Any]], dict[str, str]]) -> Iterable[Record]:
    """What an unchanged entry has to tell: new digests, protection, needs; or that it is not managed any more."""
    old = entries.get(str(action.address))
    if action.resource is None or action.live is None or action.want is None or action.changes:
        return
    if not action.resource.lifecycle.manage:
        if old is not None:
            yield {"t": "gone", "address": str(action.address)}
        return
    life = action.resource.lifecycle
    base = old or Entry(str(action.address), action.live.id)
    fresh = prints(action.address.kind, action.want.fields)
    entry = replace(base, id=action.live.id, prints=fresh, needs=tuple(used(action.resource, old, base.retired)),
                    protect=life.protect, on_remove=life.on_remove, rotate=life.rotate)
    if entry != old or open_calls:
        yield entry.record()
