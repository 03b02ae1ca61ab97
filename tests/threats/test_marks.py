"""T12: a mark that anybody could have written proves nothing: no seal of ours, no claim."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.engine.observe import observe
from reconciler.ledger import Ledger
from reconciler.model import Live
from tests.faults.stacks import STACKS
from tests.faults.tally import Row
from tests.faults.town import Town, Towns

MARKED = ("stripe", "vault", "posthog")
"""Vendors where a mark has room for its entry's address and a seal."""


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


def sealed(town: Town) -> dict[tuple[str, str], Live]:
    """Every object that carries a mark with an address, as somebody else reads it."""
    seen = observe(town.kinds(), (), Ledger(), everything=True)
    return {(kind, id): live for kind, found in seen.live.items() for id, live in found.items()
            if live.owner is not None and live.owner.address}


@pytest.mark.parametrize("vendor", MARKED)
def test_t12_marks_of_another_key_are_nobodys(row: Row, towns: Towns, vendor: str) -> None:
    """The same stack name under another key, and no ledger: nothing that is marked is adopted, changed or removed."""
    stack = STACKS[vendor]
    for manifest in row.each([stack.before, stack.after]):
        town = towns.built(vendor, stack.before)
        before = sealed(town)
        assert before
        shutil.rmtree(town.dir / ".reconciler")
        town.environ["LEDGER_KEY"] = town.canary.secret("another", "another key of more than thirty-two letters ")
        town.manifest(manifest)
        planned = town.run("plan")
        assert planned.code == 4, planned
        assert "broken seal" in planned.out
        town.apply("--skip-blocked")
        after = sealed(town)
        changed = [key for key, live in before.items() if after.get(key) != live]
        assert not changed, changed
        assert not town.told()


def test_t12_a_copy_of_our_mark_is_left_alone(row: Row, towns: Towns) -> None:
    """Objects that carry our stack and address and no seal, or a made up one: not ours when declared, nor when not."""
    for seal in row.each(["", "x", "0" * 64]):
        town = towns.built("stripe", STACKS["stripe"].before)
        products = town.boxes["stripe"].objects["/v1/products"]
        for name in ("pro", "team", "nobody"):
            marks = {**products["pro"]["metadata"], "reconciler_address": f"stripe.product/{name}", "reconciler_seal": seal}
            products[f"evil_{name}"] = {**products["pro"], "id": f"evil_{name}", "default_price": None, "metadata": marks}
        evil = {id: dict(one) for id, one in products.items() if id.startswith("evil")}
        assert town.run("plan", "--detailed-exitcode").code == 0
        town.manifest(STACKS["stripe"].before.replace("  team: {id: team, name: Team}\n", ""))
        town.apply()
        assert {id: one for id, one in products.items() if id.startswith("evil")} == evil
