"""Recording existing objects as ours: at the vendor the mark is written at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reconciler.contract.kind import Kind
from reconciler.engine import digest
from reconciler.engine.decide import Deciding, decide
from reconciler.engine.filling import filled
from reconciler.engine.match import Match
from reconciler.engine.observe import Observed
from reconciler.engine.plan import Known, World, in_order
from reconciler.errors import Denied, Protected, Usage
from reconciler.model import Action, Address, Impact, Live, Op, Plan, Resource, Want

IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Claim:
    """An object that something else has managed until now: a glob of its handle, the name it had, and where it stood."""

    kind: str
    glob: str
    name: str
    said: str


def plan_import(world: World, pairs: Iterable[tuple[Address, str | None]], take_over: bool,
                claims: Iterable[Claim] = ()) -> Plan:
    """A plan that only claims: one adopt action for each address, found by id or by natural key.

    A claim goes to the entry of its name, else to the one that means its object; what no entry means is a warning.
    Usage when an address is not declared, Protected when the object is another stack's and `take_over` is not given.
    """
    by_address = {r.address: r for r in world.resources}
    d = Deciding(world.owner, world.kinds, world.ledger, world.same, world.seal, world.now)
    match = Match(world.observed, world.ledger, world.kinds, world.owner, world.valid, world.resources,
                  world.former)
    known, means = Known(world), dict[tuple[str, str], Address]()
    for resource in in_order(world, world.resources):
        fields = filled(resource.fields, known, world.kinds[resource.address.kind].shape)
        found = match.find(resource, d.want(resource, fields))
        if found.live is not None:
            means[resource.address.kind, found.live.id] = resource.address
        known.learn(decide(d, resource, fields, found))
    claimed, warnings = _claimed(world, claims, means, by_address)
    actions = []
    for address, id in (*pairs, *claimed):
        if address not in by_address:
            raise Usage(f"{address} is not declared in the manifests", "declare it first, then import it")
        resource = by_address[address]
        want = d.want(resource, filled(resource.fields, known, world.kinds[address.kind].shape))
        live = _found(world.kinds[address.kind], world.observed, match, want, id)
        _allowed(world, address, live, take_over)
        actions.append(_claim(world, resource, live, want))
    digests = {a.address: digest.of_action(a) for a in actions}
    return Plan(world.project, world.stack, tuple(actions), digest.of_plan(
        world.project, world.stack, world.accounts, (), digests.values()), digests, serial=world.ledger.serial,
        accounts=dict(world.accounts), writes=sum(len(a.make) for a in actions), warnings=warnings)


def _claimed(world: World, claims: Iterable[Claim], means: Mapping[tuple[str, str], Address],
             declared: Mapping[Address, Resource]) -> tuple[list[tuple[Address, str]], tuple[str, ...]]:
    """The address and id of each claim that an entry takes and the ledger does not know yet; the others in sentences."""
    pairs: list[tuple[Address, str]] = []
    told = []
    for claim in claims:
        kind = world.kinds[claim.kind]
        ids = [id for id in world.observed.of(claim.kind) if fnmatchcase(id, claim.glob)]
        if not ids and not set(claim.glob) & set("*?[") and (live := kind.get(claim.glob)) is not None:
            ids = [live.id]
        named = Address(claim.kind, claim.name)
        address = named if named in declared else next((means[claim.kind, id] for id in ids if (claim.kind, id) in means), None)
        if len(ids) != 1:
            told.append(f"{claim.said}: " + (f"{', '.join(ids)} could be it" if ids else f"{kind.bound} has no {claim.glob}"))
        elif address is None:
            told.append(f"{claim.said} ({ids[0]}): no entry of {kind.bound} means it")
        elif (entry := world.ledger.entries.get(str(address))) is None or entry.id != ids[0]:
            pairs.append((address, ids[0]))
    return pairs, tuple(told)


def _found(kind: Kind, observed: Observed, match: Match, want: Want, id: str | None) -> Live:  # type: ignore[type-arg]
    if id is not None:
        live = observed.of(kind.bound).get(id) or kind.get(id)
        if live is None:
            raise Usage(f"{want.address}: there is no object with the id {id}",
                        "the address alone takes the one with its natural key")
        return live
    reason = observed.blind(kind.bound)
    if reason:
        raise Denied(f"{want.address}: can't be read: {reason}")
    key = kind.identity(want.fields)
    same = match.index(kind.bound).by_key.get(key, []) if key is not None else []
    active = [live for live in same if not live.archived] or same
    if len(active) != 1:
        names = ", ".join(live.id for live in active)
        raise Usage(f"{want.address}: " + (f"{len(active)} objects have its natural key: {names}" if active else
                                           "no object has its natural key"),
                    f"say which: reconciler import {want.address}=ID")
    return active[0]


def _allowed(world: World, address: Address, live: Live, take_over: bool) -> None:
    for name, entry in world.ledger.entries.items():
        if entry.id == live.id and name != str(address) and name.partition("/")[0] == address.kind:
            raise Protected(f"{live.id} is already {name}", f"rename that entry, or `reconciler ledger move {name} {address}`")
    own = world.ledger.entries.get(str(address))
    held = world.observed.of(address.kind).get(own.id) if own is not None and own.id != live.id else None
    if held is not None and not held.archived and (held.owner is None or held.owner.stack in (world.owner, *world.former)):
        raise Protected(f"{address} is {held.id} already, which would be left without an entry",
                        f"if that is meant: reconciler ledger forget {address}, then import again")
    foreign = live.owner is not None and (live.owner.stack not in (world.owner, *world.former) or not world.valid(live.owner))
    if foreign and not take_over and live.owner is not None:
        raise Protected(f"{live.id} belongs to {live.owner.stack} ({live.owner.address})",
                        "--take-over rewrites its mark; the old owner's next plan shows it blocked")


def _claim(world: World, resource: Resource, live: Live, want: Want) -> Action:  # type: ignore[type-arg]
    kind = world.kinds[resource.address.kind]
    marked = live.owner is not None and want.owner is not None and live.owner == want.owner
    action = Action(Op.ADOPT, resource.address, id=live.id, impact=(Impact.ADOPT,), effect=IMPORT, live=live, want=want,
                    resource=resource, at=resource.at, make=() if marked else tuple(kind.claim(live, want)))
    return replace(action, seen=digest.fingerprint(live, world.veil))
