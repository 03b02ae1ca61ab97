"""Reads what the vendors have, in waves by parent, one list a kind where the vendor has lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from reconciler.contract.kind import Ask, Kind
from reconciler.errors import MISSHAPEN, Exhausted, Failure, shaped
from reconciler.ledger import Ledger
from reconciler.model import Live, Resource, Unseen, Want, refs_in

LONGEST_RUN = 3600.0
"""Seconds after its begin for which a run that never ended may have made something a moment ago."""

Kinds = Mapping[str, Kind[Any]]
"""The kinds of a stack by bound name (`stripe_eu.price`)."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The live objects by kind and id, and what could not be seen."""

    live: Mapping[str, Mapping[str, Live]] = field(default_factory=dict)
    unseen: Mapping[str, tuple[Unseen, ...]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, Live]:
        """The live objects of one kind by id."""
        return self.live.get(kind, {})

    def blind(self, kind: str, id: str | None = None) -> str:
        """Why an object (or, without an id, the whole kind) can't be seen; empty when it can."""
        for unseen in self.unseen.get(kind, ()):
            if (unseen.id is None and unseen.parent is None) or (id is not None and _hides(unseen, id)):
                return unseen.reason
        return ""


def _hides(unseen: Unseen, id: str) -> bool:
    return unseen.id == id or (unseen.parent is not None and id.startswith(unseen.parent))


def observe(kinds: Kinds, resources: Iterable[Resource], ledger: Ledger, *, everything: bool = False) -> Observed:
    """Read every kind that the manifests or the ledger name.

    A ledger id that is missing from its list gets one read of its own: lists lag, and hide what is deleted softly. One
    that a run has just made gets another when its vendor must have settled: some objects can be read in lists alone.
    A kind that can't be read is Unseen, never absent; a spent quota stops the run (Exhausted).
    """
    asks, fresh = _asks(kinds, tuple(resources), ledger, everything), _fresh(kinds, ledger)
    live: dict[str, dict[str, Live]] = {}
    unseen: dict[str, list[Unseen]] = {}
    with ExitStack() as stack:
        for api in {id(kinds[name].api): kinds[name].api for name in asks}.values():
            stack.enter_context(api.remember())
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=max(len(asks), 1), thread_name_prefix="observe"))
        for wave in _waves(kinds, list(asks)):
            own, *others = wave
            jobs = {name: pool.submit(_read, kinds[name], _with_parents(kinds[name], asks[name], live),
                                      fresh.get(name, {})) for name in others}
            live[own], unseen[own] = _read(kinds[own], _with_parents(kinds[own], asks[own], live), fresh.get(own, {}))
            for name, job in jobs.items():
                live[name], unseen[name] = job.result()
    return Observed(live, {name: tuple(found) for name, found in unseen.items() if found})


def _asks(kinds: Kinds, resources: Sequence[Resource], ledger: Ledger, everything: bool) -> dict[str, Ask]:
    wants: dict[str, list[Want[Any]]] = {}
    ids: dict[str, set[str]] = {}
    outputs: dict[str, set[str]] = {}
    for resource in resources:
        wants.setdefault(resource.address.kind, []).append(Want(resource.address, resource.fields))
        if resource.lifecycle.id is not None:
            ids.setdefault(resource.address.kind, set()).add(resource.lifecycle.id)
        for ref in refs_in(resource.fields):
            outputs.setdefault(ref.address.kind, set()).add(ref.output)
    for address, entry in ledger.entries.items():
        ids.setdefault(address.partition("/")[0], set()).update({entry.id, *entry.retired})
    for kind, declared in list(wants.items()):
        parent = kinds[kind].parent if kind in kinds else None
        if parent is not None and declared:
            wants.setdefault(kinds[kind].kin(parent), [])
    return {
        name: Ask(tuple(wants.get(name, ())), frozenset(ids.get(name, ())), (), frozenset(outputs.get(name, ())), everything)
        for name in kinds if everything or name in wants or name in ids
    }


def _waves(kinds: Kinds, names: list[str]) -> list[list[str]]:
    """Parents before their children, otherwise all at once."""
    left, done, waves = list(names), set[str](), []
    while left:
        wave = [n for n in left if (p := kinds[n].parent) is None or (k := kinds[n].kin(p)) in done or k not in left]
        wave = wave or left
        waves.append(wave)
        done.update(wave)
        left = [name for name in left if name not in done]
    return waves


def _with_parents(kind: Kind[Any], ask: Ask, live: Mapping[str, Mapping[str, Live]]) -> Ask:
    if kind.parent is None:
        return ask
    parents = tuple(live.get(kind.kin(kind.parent), {}).values())
    return Ask(ask.wants, ask.ids, parents, ask.outputs, ask.everything)


def _fresh(kinds: Kinds, ledger: Ledger) -> dict[str, dict[str, float]]:
    """By kind and id, the moment from which the vendor must show what a run has made; of a run that died, from now on."""
    found: dict[str, dict[str, float]] = {}
    late = {name: kind for name, kind in kinds.items() if kind.settle}
    if not late:
        return found
    now, longest = next(iter(late.values())).api.clock.now(), max(kind.settle for kind in late.values())
    for run in ledger.runs:
        last = run.ended if run.ended is not None else now if now - run.at < LONGEST_RUN else run.at
        for address in {*run.begun, *run.done} if last + longest > now else ():
            kind, entry = late.get(address.partition("/")[0]), ledger.entries.get(address)
            if kind is not None and entry is not None and last + kind.settle > now:
                found.setdefault(kind.bound, {})[entry.id] = last + kind.settle
    return found


def _read(kind: Kind[Any], ask: Ask, fresh: Mapping[str, float]) -> tuple[dict[str, Live], list[Unseen]]:
    found: dict[str, Live] = {}
    unseen: list[Unseen] = []
    try:
        for one in kind.list(ask):
            if isinstance(one, Unseen):
                unseen.append(one)
            else:
                found[one.id] = one
    except Exhausted:
        raise
    except (Failure, *MISSHAPEN) as error:
        return {}, [Unseen(shaped(error).message)]
    for missing in sorted(ask.ids - found.keys() - {one.id for one in unseen}):
        if any(_hides(one, missing) for one in unseen):
            continue
        try:
            live = kind.get(missing)
            if live is None and (until := fresh.get(missing)) and (rest := until - kind.api.clock.now()) > 0:
                kind.api.clock.sleep(rest)
                kind.api.forget()
                live = kind.get(missing)
        except Exhausted:
            raise
        except (Failure, *MISSHAPEN) as error:
            unseen.append(Unseen(shaped(error).message, id=missing))
        else:
            if live is not None:
                found[live.id] = live
    return found, unseen
