"""Properties of the engine over random histories of manifests; every failing seed is printed and can be replayed."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from reconciler.model import Op, Plan
from tests.world import Shop

SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("TRIALS", "150"))
FOREIGN = {"id": "theirs", "slug": "theirs", "title": "Theirs", "metadata": {}}


def manifest(rng: random.Random) -> dict[str, Any]:
    """A random stack in which every reference exists."""
    found: dict[str, Any] = {"note": {"anchor": {}}}
    projects = [p for p in ("p1", "p2", "p3") if rng.random() < 0.7]
    found["project"] = {p: _some(rng, title=rng.choice(["A", "B", None]), metadata=rng.choice([{}, {"k": "1"}, {"k": "2", "j": "3"}]))
                        for p in projects}
    rooms = [r for r in ("r1", "r2") if rng.random() < 0.7]
    found["room"] = {r: {"size": rng.randint(1, 3)} for r in rooms}
    found["seat"] = {f"s{n}": {"room": {"ref": rng.choice(rooms)}} for n in range(3) if rooms and rng.random() < 0.6}
    offers = [o for o in ("o1", "o2") if rng.random() < 0.8]
    rates = {f"x{n}": {"offer": {"ref": rng.choice(offers)}, "amount": rng.randint(1, 2), **_some(rng, label="l")}
             for n in range(3) if offers and rng.random() < 0.7}
    found["rate"] = rates
    found["offer"] = {}
    for offer in offers:
        own = [r for r, f in rates.items() if f["offer"] == {"ref": offer}]
        default = {"default_rate": {"ref": rng.choice(own)}} if own and rng.random() < 0.6 else {}
        found["offer"][offer] = {"title": rng.choice("AB"), **default}
    found["note"] |= {f"n{n}": _some(rng, text=rng.choice("ab")) | {"project": {"ref": rng.choice(projects)}}
                      for n in range(3) if projects and rng.random() < 0.6}
    found["flag"] = {f"f{n}": {"groups": [{"key": "a", "share": rng.randint(0, 9)}]} for n in range(2) if rng.random() < 0.5}
    found["page"] = {"home": {"html": rng.choice("xy"), "published": rng.random() < 0.5}} if rng.random() < 0.7 else {}
    return {kind: entries for kind, entries in found.items() if entries}


def acting(made: Plan) -> list[Any]:
    return [(a.op.value, str(a.address), a.effect, a.blocked, [n.text for n in a.notes], [(c.path, c.before, c.after) for c in a.changes])
            for a in made.actions if a.acts or a.op is Op.BLOCKED]


def _some(rng: random.Random, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if rng.random() < 0.7}


def alone(shop: Shop, stage: str) -> None:
    """At most one live object per address, and nothing that is not ours was touched."""
    for place, objects in shop.cloud.objects.items():
        owners = [o["metadata"]["reconciler_address"] for o in objects.values()
                  if o.get("active") is not False and (o.get("metadata") or {}).get("reconciler_address")]
        assert len(owners) == len(set(owners)), (stage, place, objects)
        for unique in ("slug", "title", "name", "key", "path"):
            held = [o[unique] for o in objects.values() if unique in o and place in ("notes", "rooms", "seats", "flags", "pages")]
            assert len(held) == len(set(held)), (stage, place, objects)
    assert shop.cloud.objects["projects"]["theirs"] == FOREIGN, stage


@pytest.mark.parametrize("chunk", range(5))
def test_any_history_ends_in_an_empty_plan(chunk: int) -> None:
    """Whatever was applied before, after an apply without faults a second plan is empty and no write was refused."""
    for trial in range(chunk * TRIALS // 5, (chunk + 1) * TRIALS // 5):
        rng = random.Random(SEED * 100_003 + trial)
        shop = Shop()
        shop.cloud.objects["projects"] = {"theirs": dict(FOREIGN)}
        for step in range(rng.randint(2, 5)):
            want = manifest(rng)
            stage = f"SEED={SEED} trial={trial} step={step}"
            report = shop.apply(want)
            failed = [(str(o.address), o.error) for o in report.outcomes if o.result.value != "done"]
            assert not failed, (stage, failed)
            again = shop.plan(want)
            assert again.empty, (stage, acting(again))
            alone(shop, stage)


@pytest.mark.parametrize("chunk", range(5))
def test_faults_never_double_or_lose_anything(chunk: int) -> None:
    """With refused, lost and doubtful calls: one object per address, and at most two clean runs to an empty plan."""
    for trial in range(chunk * TRIALS // 5, (chunk + 1) * TRIALS // 5):
        rng = random.Random(SEED * 200_003 + trial)
        shop = Shop()
        shop.cloud.objects["projects"] = {"theirs": dict(FOREIGN)}
        for step in range(rng.randint(2, 4)):
            want = manifest(rng)
            stage = f"SEED={SEED} trial={trial} step={step}"
            shop.cloud.sent = []
            shop.cloud.faults = {n: rng.choice(["refuse", "reset before", "reset after"]) for n in range(30) if rng.random() < 0.15}
            shop.apply(want)
            shop.cloud.faults = {}
            for _ in range(2):
                if not shop.plan(want).empty:
                    shop.apply(want)
            again = shop.plan(want)
            assert again.empty, (stage, acting(again))
            alone(shop, stage)
