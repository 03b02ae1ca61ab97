"""The steps of a plan and what each waits for; order comes from references only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from reconciler.contract.spec import Mark
from reconciler.engine.links import targets
from reconciler.engine.observe import Kinds
from reconciler.model import Action, Address, Call, Op, refs_in

PARTS = ("unlink", "make", "link", "drop", "after")


@dataclass(frozen=True, slots=True)
class Step:
    """One part of one action; its calls are sent one after the other."""

    address: Address
    part: str

    def __str__(self) -> str:
        return f"{self.address} {self.part}"


def calls_of(action: Action, part: str) -> tuple[Call, ...]:
    """The calls of one part."""
    found: tuple[Call, ...] = getattr(action, part)
    return found


def steps(actions: Iterable[Action], kinds: Kinds) -> dict[Step, set[Step]]:
    """Every step with the steps it waits for.

    make waits for the makes of what it needs; link for both ends; a delete-first make for its own drop; a drop for
    those that used the object until now to be pointed elsewhere or dropped; every unlink goes before drops.
    """
    acting = {a.address: a for a in actions if a.acts or a.after}
    graph: dict[Step, set[Step]] = {}
    for action in acting.values():
        for part in PARTS:
            if part == "make" or calls_of(action, part):
                graph[Step(action.address, part)] = set()
    users = _users(acting.values(), kinds)
    late: set[tuple[Step, Step]] = set()
    for action in acting.values():
        _lay_own(action, acting, kinds, graph)
        if action.drop:
            late |= _lay_drop(action, users.get(action.address, ()), kinds, graph)
    late |= _lay_followers(acting, kinds, graph)
    _lay_releases(acting, kinds, graph)
    for taker, holder in exchanges(acting.values(), kinds).items():
        gone = acting[holder].op is Op.DELETE or Step(holder, "drop") in graph
        make, frees = Step(taker, "make"), Step(holder, "drop" if gone else "make")
        if frees in graph:
            graph[make].add(frees)
            late.add((make, frees))
    return _unwound(graph, late)


def _unwound(graph: dict[Step, set[Step]], loose: set[tuple[Step, Step]]) -> dict[Step, set[Step]]:
    """The graph without circles: a drop that waits for another drop gives way, and so does who follows, or takes a key.

    Circles come from what the ledger remembers of half-done runs (an address that stands for its old and its new
    object), and from an object that must be made anew under one that must go first.
    """
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            round_ = error.args[1]
            edges = {(later, first) for first, later in pairwise(round_)} & loose
            if not edges:
                raise
            later, first = min(edges, key=str)
            graph[later].discard(first)
        else:
            return graph


def _users(actions: Iterable[Action], kinds: Kinds) -> Mapping[Address, list[Action]]:
    """Who pointed at an address until now, or points at it in this plan."""
    users: dict[Address, list[Action]] = {}
    for action in actions:
        for need in dict.fromkeys((*action.former, *action.needs, *_late(action, kinds))):
            users.setdefault(need, []).append(action)
    return users


def _late(action: Action, kinds: Kinds) -> tuple[Address, ...]:
    """What its deferred fields point at; one that is there already counts too: it may only now come back into use."""
    called = [r.address for call in (*action.link, *action.unlink) for r in refs_in((call.path, call.body))]
    kind = kinds.get(action.address.kind)
    declared = targets(kind, action.resource.fields) if kind is not None and action.link and action.resource else ()
    return (*called, *declared)


def _lay_own(action: Action, acting: Mapping[Address, Action], kinds: Kinds, graph: dict[Step, set[Step]]) -> None:
    make = Step(action.address, "make")
    for need in action.needs:
        if need in acting and need != action.address and action.op not in (Op.DELETE, Op.FORGET):
            graph[make].add(Step(need, "make"))
    link = Step(action.address, "link")
    if link in graph:
        graph[link].add(make)
        graph[link] |= {Step(need, "make") for need in _late(action, kinds) if need in acting}
    drop = Step(action.address, "drop")
    if drop in graph:
        if action.op is Op.REPLACE and action.effect == "replace":
            graph[make].add(drop)
        elif action.op is not Op.DELETE:
            graph[drop].add(make)
            if link in graph:
                graph[drop].add(link)
    unlink, after = Step(action.address, "unlink"), Step(action.address, "after")
    if unlink in graph and drop in graph:
        graph[drop].add(unlink)
    if unlink in graph and action.op is Op.REPLACE and action.effect != "replace":
        graph[unlink] |= {make, link} & graph.keys()
    if after in graph:
        graph[after].add(make)


def _lay_drop(action: Action, users: Iterable[Action], kinds: Kinds,
              graph: dict[Step, set[Step]]) -> set[tuple[Step, Step]]:
    """Nothing is dropped while something we know still points at it; returns the edges from drop to drop.

    Where the object is replaced delete-first, users can only be pointed at the new one afterwards, so only
    their drops and unlinks go before. A use through a deferred field alone ends with its unlink.
    """
    drop, edges = Step(action.address, "drop"), set()
    for user in users:
        if user.address == action.address:
            continue
        before = {"unlink"}
        if not (action.op is Op.REPLACE and action.effect == "replace") and user.op is not Op.DELETE:
            before |= {"make", "link"}
        graph[drop] |= {step for part in before if (step := Step(user.address, part)) in graph}
        goes = Step(user.address, "drop")
        if goes in graph and action.address in user.former and not _only_late(kinds, user, action.address.kind):
            graph[drop].add(goes)
            edges.add((drop, goes))
    return edges


def _lay_followers(acting: Mapping[Address, Action], kinds: Kinds, graph: dict[Step, set[Step]]) -> set[tuple[Step, Step]]:
    """Where two follow one new object and one of them needs the other, that other goes first; returns these edges.

    A product turns to its new price before a page does that offers both.
    """
    edges = set()
    for action in acting.values():
        make = Step(action.address, "make")
        for need in action.needs if action.op not in (Op.DELETE, Op.FORGET) else ():
            link = Step(need, "link")
            if link in graph and need != action.address and set(_late(acting[need], kinds)) & set(action.needs):
                graph[make].add(link)
                edges.add((make, link))
    return edges


def _only_late(kinds: Kinds, user: Action, kind: str) -> bool:
    """Whether a user can point at this kind through deferred fields only."""
    mine = kinds.get(user.address.kind)
    if mine is None:
        return False
    links = [(Mark.DEFERRED in shape.marks, mine.kin(link.kind)) for shape in mine.shape.children.values()
             if (link := shape.link or (shape.item.link if shape.item else None)) is not None]
    return (True, kind) in links and (False, kind) not in links


def _lay_releases(acting: Mapping[Address, Action], kinds: Kinds, graph: dict[Step, set[Step]]) -> None:
    """An update that frees what it needs goes first; its edge is turned round."""
    for action in acting.values():
        kind = kinds.get(action.address.kind)
        if kind is None or action.op is not Op.UPDATE or not kind.releases(action):
            continue
        mine = Step(action.address, "make")
        for need in (*action.needs, *action.former):
            for part in ("make", "drop"):
                other = Step(need, part)
                if other in graph and need != action.address:
                    graph[mine].discard(other)
                    graph[other].add(mine)


def exchanges(actions: Iterable[Action], kinds: Kinds) -> dict[Address, Address]:
    """Actions that take a natural key which another object of this plan still has: taker → holder.

    A replaced one is waited for by no other that is replaced: its key goes over with its successor, or it goes first
    anyway. Where the key is the id itself it never goes over.
    """
    held: dict[tuple[str, tuple[object, ...]], Action] = {}
    actions = [a for a in actions if (a.acts or a.op is Op.BLOCKED) and a.address.kind in kinds]
    for action in actions:
        key = kinds[action.address.kind].identity(action.live.fields) if action.live is not None else None
        if key is not None:
            held[action.address.kind, key] = action
    found = {}
    for action in actions:
        moves = action.op is Op.CREATE or (action.op in (Op.UPDATE, Op.REPLACE) and _moves_key(action, kinds))
        if not moves or action.want is None:
            continue
        key = kinds[action.address.kind].identity({**(action.live.fields if action.live else {}), **action.want.fields})
        holder = held.get((action.address.kind, key)) if key is not None else None
        if holder is None or holder.address == action.address:
            continue
        chosen = kinds[action.address.kind].foretell(action.want).get("id") is not None
        if action.op is not Op.REPLACE or holder.resource is None or chosen:
            found[action.address] = holder.address
    return found


def _moves_key(action: Action, kinds: Kinds) -> bool:
    shape = kinds[action.address.kind].shape
    return any(shape.child(c.path.partition(".")[0]).marks & {Mark.NAMED, Mark.IDENTITY} for c in action.changes)
