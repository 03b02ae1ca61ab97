"""From what is wanted and what is live to a frozen plan; no I/O happens here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from reconciler.contract.kind import Scene
from reconciler.engine import digest
from reconciler.engine.decide import Deciding, decide, needs_of, retired
from reconciler.engine.dropped import told
from reconciler.engine.filling import filled
from reconciler.engine.former import with_former
from reconciler.engine.guard import Consent, Limits, blocked, judged, thresholds
from reconciler.engine.leftovers import leftovers
from reconciler.engine.links import with_links
from reconciler.engine.match import Found, Match
from reconciler.engine.observe import Kinds, Observed
from reconciler.engine.selection import Apart, Selection, held_back, selected
from reconciler.engine.steps import exchanges
from reconciler.engine.strays import strays
from reconciler.ledger import Ledger
from reconciler.model import Action, Address, Impact, Op, Owner, Plan, Ref, Resource, SecretRef
from reconciler.secret import Secret


@dataclass(frozen=True, slots=True)
class World:
    """Everything a plan is made of; all of it values, but for three pure questions (`secret`, `seal`, `same`).

    `elsewhere` says that the manifests declare something at connections which this run leaves out, `apart` are those
    entries and what the ledger holds there, `former` are the names that the stack had before.
    """

    project: str
    stack: str
    resources: tuple[Resource, ...]
    observed: Observed
    ledger: Ledger
    kinds: Kinds
    same: Callable[[str, Any], bool]
    seal: Callable[[Owner], Owner]
    valid: Callable[[Owner], bool]
    secret: Callable[[str], Secret]
    veil: Callable[[Secret], str]
    consent: Consent = Consent()
    limits: Limits = Limits()
    selection: Selection = Selection()
    accounts: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unsettled: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0
    destroy: bool = False
    leave_drift: bool = False
    elsewhere: bool = False
    apart: Apart = field(default_factory=dict)
    former: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The stack's full name, as ownership marks carry it."""
        return f"{self.project}/{self.stack}"


def plan(world: World) -> Plan:
    """The frozen plan; equal worlds give equal plans."""
    resources = () if world.destroy else world.resources
    order = in_order(world, resources)
    d = Deciding(world.owner, world.kinds, world.ledger, world.same, world.seal, world.now)
    match = Match(world.observed, world.ledger, world.kinds, world.owner, world.valid, order, world.former)
    known = Known(world)
    actions = []
    for resource in order:
        kind = world.kinds[resource.address.kind]
        fields = filled(resource.fields, known, kind.shape)
        found = match.find(resource, d.want(resource, fields))
        if str(resource.address) in world.unsettled:
            found = Found(blocked=f"can't be read: {world.unsettled[str(resource.address)]}", unreadable=True)
        entry = world.ledger.entries.get(str(resource.address))
        mine = {live.id for live in (found.live, *found.leftovers) if live is not None}
        old = tuple(one for one in retired(entry, world.observed.of(kind.bound), world.now) if one.id not in mine)
        used = {one.id: fate.why for one in old if (fate := kind.fate(one)).irreversible}
        if old:
            found = replace(found, leftovers=(*found.leftovers, *(one for one in old if one.id not in used)),
                            notes=(*found.notes, *(f"old {id} stays: {why}" for id, why in used.items())))
        action = decide(d, resource, fields, found)
        if found.unreadable and entry is not None:
            known.outputs[resource.address] = {"id": entry.id}  # what points at it has not changed for that
        actions.append(known.learn(replace(action, kept=tuple(used)) if used else action))
    actions.extend(leftovers(world.ledger, world.kinds, world.observed, match, {a.address for a in actions}))
    made = _linked(world, d, actions, known)
    return replace(made, warnings=(*made.warnings, *strays(match, made.actions)))


def _linked(world: World, d: Deciding, actions: list[Action], known: Known) -> Plan:
    """The plan with its deferred links; what points at an object moves along only if that object really goes.

    Whether it does is known once all are judged: then those that stay after all are linked to again.
    """
    drops = {action.address for action in actions if action.drops}
    stays: frozenset[Address] = frozenset()
    while True:
        linked = with_former(with_links(d, actions, known, stays), world.ledger, world.kinds, world.observed)
        made = finished(world, [replace(a, seen=digest.fingerprint(a.live, world.veil)) if digest.counted(a) else a
                                for a in linked])
        more = drops - {action.address for action in made.actions if action.acts} - stays
        if not more:
            return made
        stays |= more


def in_order(world: World, resources: Iterable[Resource]) -> list[Resource]:
    """Every entry after what it refers to; deferred links don't count, so that nothing is a cycle."""
    by_address = {r.address: r for r in resources}
    graph = {a: {n for n in needs_of(world.kinds[a.kind], r) if n in by_address} for a, r in sorted(by_address.items())}
    try:
        return [by_address[address] for address in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ValueError(f"references go round in a circle: {' -> '.join(map(str, error.args[1]))}") from error


class Known:
    """The outputs that are known so far: read from live objects, or foretold for those to be made."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outputs: dict[Address, Mapping[str, Any]] = {}

    def __call__(self, token: Ref | SecretRef) -> Any:
        """What stands for a token; the token itself while it is not known."""
        if isinstance(token, SecretRef):
            return self.world.secret(token.name)
        return self.outputs.get(token.address, {}).get(token.output, token)

    def learn(self, action: Action) -> Action:
        """Take in what an action's object gives to others; a replaced one gives nothing until it is there."""
        if action.op is Op.CREATE and action.want is not None:
            self.outputs[action.address] = self.world.kinds[action.address.kind].foretell(action.want)
        elif action.live is not None and action.op is not Op.REPLACE:
            self.outputs[action.address] = {"id": action.live.id, **action.live.outputs}
        return action


def finished(world: World, actions: list[Action]) -> Plan:
    """Review, consent, dependents of what is blocked, selection, thresholds, digests."""
    actions = [replace(a, op=Op.NOOP, make=(), link=(), drop=(), unlink=()) if _left_drift(world, a) else a for a in actions]
    actions, chosen, left_out = _settled(world, _circles(world, actions))
    digests = {a.address: digest.of_action(a) for a in chosen if digest.counted(a)}
    consents = world.consent.used(chosen)
    stopped = thresholds(chosen, world.ledger, world.observed, world.limits, destroy=world.destroy,
                         declared=bool(world.resources) or world.elsewhere)
    return Plan(
        world.project, world.stack, tuple(sorted(chosen, key=_reading_order)),
        digest.of_plan(world.project, world.stack, world.accounts, consents, digests.values()), digests,
        serial=world.ledger.serial, consents=consents, accounts=dict(world.accounts),
        writes=sum(len(a.calls) for a in chosen if a.acts or a.after), left_out=left_out,
        warnings=(*(f"allow: {word} is spent: nothing in this plan needs it" for word in
                    (world.consent.spent(actions) if world.selection.whole and not world.destroy else ())),
                  *told(chosen)),
        stopped=stopped, unreadable=any(a.op is Op.BLOCKED and (a.blocked or "").startswith("can't be read") for a in chosen))


def _settled(world: World, actions: list[Action]) -> tuple[list[Action], list[Action], tuple[str, ...]]:
    """The judged actions, those of this run, and what is left out.

    What is blocked or left out excuses nothing: the others are judged again as if it stayed as it is, until that holds.
    What was refused once stays so, or two that are refused for each other's sake would both pass.
    """
    scene, refused = {action.address: action for action in actions}, dict[Address, Action]()
    while True:
        fresh = reviewed(world, [action for action in actions if action.address not in refused], scene)
        seen = {a.address: judged(a, world.consent, world.ledger) for a in fresh} | refused
        every = [seen[action.address] for action in actions]
        chosen, left_out = selected(world.selection, every, world.apart)
        chosen = held_back(world.kinds, chosen, every, world.apart)
        doing = {action.address for action in chosen if action.acts}
        idle = {address: blocked(action, "not done") for address, action in scene.items()
                if action.acts and address not in doing}
        if not idle:
            return every, chosen, left_out
        scene |= idle
        refused = {action.address: action for action in every if action.op is Op.BLOCKED}


def _circles(world: World, actions: list[Action]) -> list[Action]:
    """Exchanges of a unique value that go round can't be done in any order."""
    takes = exchanges(actions, world.kinds)
    actions = _declared_elsewhere(world, actions, takes)
    round_ = set()
    for start in takes:
        path, here = [start], takes.get(start)
        while here is not None and here not in path:
            path.append(here)
            here = takes.get(here)
        if here == start:
            round_.add(start)
    return [blocked(a, f"exchanges its natural key with {takes[a.address]}: change one of them to a third value first")
            if a.address in round_ and a.op is not Op.BLOCKED else a for a in actions]


def _declared_elsewhere(world: World, actions: list[Action], takes: Mapping[Address, Address]) -> list[Action]:
    """An object keeps its id: it is not ended for its own entry's sake while another entry declares it."""
    by_address = {action.address: action for action in actions}
    kept = {holder: taker for taker, holder in takes.items() if by_address[holder].op is Op.REPLACE
            and (want := by_address[taker].want) is not None
            and world.kinds[taker.kind].foretell(want).get("id") == by_address[holder].id}
    waits = {taker: holder for holder, taker in kept.items() if taker not in kept}
    reasons = {holder: f"{by_address[holder].id} would end, and {taker} declares it: an object keeps its id, so give the "
                       "entries their old names again, or move their objects with `reconciler ledger move`"
               for holder, taker in kept.items()}
    reasons |= {holder: f"{taker} declares {by_address[holder].id}, and is blocked" for taker, holder in takes.items()
                if taker in reasons and by_address[holder].op is Op.DELETE}
    reasons |= {taker: f"{by_address[holder].id} is still {holder}" for taker, holder in waits.items()}
    return [blocked(a, reasons[a.address]) if a.address in reasons else a for a in actions]


def _left_drift(world: World, action: Action) -> bool:
    """With `leave_drift`, what is drift alone is listed (its changes stay) and not acted on."""
    return world.leave_drift and Impact.DRIFT in action.impact and action.acts


def _reading_order(action: Action) -> tuple[int, int, str]:
    quiet = action.op is Op.NOOP
    rank = min((impact.rank for impact in action.impact), default=99)
    return (2 if quiet else 0 if action.op is Op.BLOCKED else 1, rank, str(action.address))


def reviewed(world: World, actions: list[Action], others: Mapping[Address, Action]) -> list[Action]:
    """What each kind says of each action beside these others; a note's impact joins the action's."""
    live = {kind: tuple(found.values()) for kind, found in world.observed.live.items()}
    done = []
    for action in actions:
        kind = world.kinds.get(action.address.kind)
        if kind is None or not (action.acts or action.op is Op.BLOCKED):
            done.append(action)
            continue
        scene = Scene(live, others, world.about.get(action.address.connection, {}))
        notes = tuple(kind.review(action, scene))
        impact = {*action.impact, *(note.impact for note in notes if note.impact is not None)}
        done.append(replace(action, notes=action.notes + notes, impact=tuple(sorted(impact, key=lambda i: i.rank))))
    return done
