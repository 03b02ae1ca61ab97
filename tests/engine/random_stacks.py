"""Random stacks of the invented vendor, and what must hold of it after every single write."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model import Op, Plan
from tests.cloud import Cloud
from tests.world import Shop

SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("TRIALS", "40"))

LINKS = {"project": "projects", "offer": "offers", "room": "rooms", "default_rate": "rates"}
"""The fields that hold another object's id, and where that object is."""

STRANGERS: dict[str, dict[str, dict[str, Any]]] = {
    "projects": {
        "theirs": {"id": "theirs", "slug": "theirs", "title": "Theirs", "metadata": {}},
        "other": {"id": "other", "slug": "other", "title": "Another stack's", "metadata": {
            "reconciler_stack": "shop/prod", "reconciler_address": "cloud.project/p1"}},
        "copy": {"id": "copy", "slug": "copy", "title": "A person's copy of ours", "metadata": {
            "reconciler_stack": "shop/test", "reconciler_address": "cloud.project/p9"}},
    },
    "rates": {"old": {"id": "old", "code": "old", "offer": "gone", "amount": 1, "active": False}},
    "notes": {"theirs": {"id": "theirs", "title": "theirs", "text": "a", "project": "theirs"}},
    "rooms": {"theirs": {"id": "theirs", "name": "theirs", "size": 1}},
}
"""Objects that are in no manifest and in no ledger."""


def manifest(rng: random.Random) -> dict[str, Any]:
    """A random stack in which every reference exists."""
    found: dict[str, Any] = {"note": {"anchor": {}}}
    projects = [p for p in ("p1", "p2", "p3") if rng.random() < 0.7]
    found["project"] = {p: _some(rng, title=rng.choice(["A", "B", None]),
                                 metadata=rng.choice([{}, {"k": "1"}, {"k": "2", "j": "3"}])) for p in projects}
    rooms = [r for r in ("r1", "r2") if rng.random() < 0.7]
    found["room"] = {r: {"size": rng.randint(1, 3)} for r in rooms}
    found["seat"] = {f"s{n}": {"room": {"ref": rng.choice(rooms)}} for n in range(3) if rooms and rng.random() < 0.6}
    found["rate"], found["offer"] = _offers(rng)
    found["note"] |= {f"n{n}": _some(rng, text=rng.choice("ab")) | {"project": {"ref": rng.choice(projects)}}
                      for n in range(3) if projects and rng.random() < 0.6}
    found["flag"] = {f"f{n}": {"groups": [{"key": "a", "share": rng.randint(0, 9)}]}
                     for n in range(2) if rng.random() < 0.5}
    found["page"] = {"home": {"html": rng.choice("xy"), "published": rng.random() < 0.5}} if rng.random() < 0.7 else {}
    return {kind: entries for kind, entries in found.items() if entries}


def _offers(rng: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rates and the offers that may have one of their own as default."""
    names = [o for o in ("o1", "o2") if rng.random() < 0.8]
    rates = {f"x{n}": {"offer": {"ref": rng.choice(names)}, "amount": rng.randint(1, 2), **_some(rng, label="l")}
             for n in range(3) if names and rng.random() < 0.7}
    offers = {}
    for name in names:
        own = [r for r, f in rates.items() if f["offer"] == {"ref": name}]
        default = {"default_rate": {"ref": rng.choice(own)}} if own and rng.random() < 0.6 else {}
        offers[name] = {"title": rng.choice("AB"), **default}
    return rates, offers


def _some(rng: random.Random, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if rng.random() < 0.7}


def acting(made: Plan) -> list[Any]:
    """What a plan that should be empty still wants."""
    return [(a.op.value, str(a.address), a.effect, a.blocked, [n.text for n in a.notes],
             [(c.path, c.before, c.after) for c in a.changes])
            for a in made.actions if a.acts or a.op is Op.BLOCKED]


class Watched(Shop):
    """A stack among strangers whose vendor is looked at after every write; `stage` says where a failure was."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self.stage = stage
        self.cloud.objects = copy.deepcopy(STRANGERS)
        self.used = in_use(self.cloud)
        self.accounted: set[str] = set()
        self.read = 0
        self.broken: list[str] = []
        self.cloud.watch += [self.references_hold, self.only_ours_goes]

    def references_hold(self, cloud: Cloud) -> None:
        """No write leaves an object in use that points at nothing."""
        self.broken += [f"{cloud.sent[-1]}: {text}" for text in dangling(cloud.objects)]

    def only_ours_goes(self, cloud: Cloud) -> None:
        """What is deleted or archived stands in the ledger or its journal at that moment."""
        for record in self.store.records[self.read:]:
            self.accounted |= {record.get("id", ""), *record.get("retired", ())}
        before, self.used, self.read = self.used, in_use(cloud), len(self.store.records)
        self.broken += [f"{cloud.sent[-1]}: {place} {id} was not ours to remove"
                        for place, id in before - self.used if id not in self.accounted]

    def settled(self, want: dict[str, Any], runs: int) -> None:
        """At most so many clean runs to an empty plan, one object per address, strangers as they were, all accounted."""
        for _ in range(runs):
            if not self.plan(want).empty:
                self.apply(want)
        assert not self.broken, (self.stage, self.broken)
        again = self.plan(want)
        assert again.empty, (self.stage, acting(again))
        for place, objects in self.cloud.objects.items():
            strangers = STRANGERS.get(place, {})
            assert {id: one for id, one in objects.items() if id in strangers} == strangers, (self.stage, place)
            ours = {id for id, one in objects.items() if id not in strangers and one.get("active") is not False}
            held = [entry.id for address, entry in self.store.read().entries.items()
                    if address.startswith(f"cloud.{place.removesuffix('s')}/")]
            assert ours == set(held) and len(ours) == len(held), (self.stage, place, objects, held)
        self.cloud.sent = []
        self.apply(want)
        assert not self.cloud.sent, (self.stage, self.cloud.sent)
        assert not self.store.read().intents, (self.stage, self.store.read().intents)


def dangling(objects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Each object in use that points at one that is not there, or not in use."""
    for place, ones in objects.items():
        for one in ones.values():
            for field, target in LINKS.items():
                id = one.get(field)
                if id is None or one.get("active") is False:
                    continue
                held = objects.get(target, {}).get(id)
                if held is None or held.get("active") is False:
                    yield f"{place} {one} points at nothing in use"


def in_use(cloud: Cloud) -> set[tuple[str, str]]:
    """Place and id of all that is neither deleted nor archived."""
    return {(place, id) for place, objects in cloud.objects.items() for id, one in objects.items()
            if one.get("active") is not False}
