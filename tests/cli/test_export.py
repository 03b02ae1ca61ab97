"""`export`: what people made at a vendor, as manifests that plan nothing but adoptions; each filter leaves out what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.observe import observe
from reconciler.ledger import Ledger
from reconciler.yaml import parse
from tests.cli.project import Project
from tests.faults.stacks import STACKS
from tests.faults.town import Town, Towns

Grown = Callable[[str], Town]
LINKS = {"stripe": "product: {ref: pro}", "vault": "token_policies: [{ref: api}]", "posthog": "value: {ref: people}",
         "resend": "", "sentry": "project: {ref: api}"}
"""A reference that an export puts back: what a person sees at the vendor is an id."""


def by_hand(town: Town) -> None:
    """All of the stack as if people had made it: no mark, no ledger, no manifest."""
    kinds = town.kinds()
    seen = observe(kinds, (), town.ledger(), everything=True)
    for name, kind in kinds.items():
        for live in seen.of(name).values():
            for call in kind.release(live) if live.owner is not None else ():
                kind.api.send(call)
    for path in (town.dir / ".reconciler").rglob("ledger.db*"):
        path.unlink()
    for path in (town.dir / "manifests").iterdir():
        path.unlink()


@pytest.fixture
def grown(quick: Path) -> Grown:
    """A vendor's account that people have filled."""
    def made(vendor: str) -> Town:
        town = Towns(quick / "town").built(vendor, STACKS[vendor].before)
        by_hand(town)
        return town

    return made


def entries(text: str) -> dict[str, set[str]]:
    """The names by kind of what was printed."""
    found: dict[str, Any] = parse(text.encode(), "export.yaml").value if text else {}
    return {kind: set(named) for kind, named in found.items()}


@pytest.mark.parametrize("vendor", STACKS)
def test_what_is_exported_plans_only_adoptions(grown: Grown, vendor: str) -> None:
    """Tidy files with references put back and no secret in them; applied, the plan is empty, and nothing is doubled."""
    town = grown(vendor)
    there = town.kinds()
    before = {name: set(found) for name, found in observe(there, (), Ledger(), everything=True).live.items()}
    town.run("export", "--vendor", vendor, "--write")
    files = sorted((town.dir / "manifests").rglob("*.yaml"))
    assert LINKS[vendor] in "".join(path.read_text() for path in files)
    assert town.run("fmt", "--check").code == 0
    ops = town.ops()
    assert ops
    assert set(ops.values()) == {"adopt"}
    assert town.run("apply", "--auto-approve", "--allow", "adopt").code == 0
    assert town.run("plan", "--detailed-exitcode").code == 0
    assert {name: set(found) for name, found in observe(there, (), Ledger(), everything=True).live.items()} == before
    assert town.run("export", "--vendor", vendor).out == ""
    assert not town.told()


def test_each_filter_leaves_out_what_it_says(grown: Grown) -> None:
    """By kind, under its long name or its short one; by a glob of the id or the natural key; archived ones only when asked."""
    town = grown("stripe")
    whole = entries(town.run("export", "--vendor", "stripe").out)
    nouns = ("product", "price", "coupon", "promotion_code", "webhook_endpoint")
    assert whole.keys() == {f"stripe.{noun}" for noun in nouns}
    for word in ("stripe.price", "price"):
        assert entries(town.run("export", "--vendor", "stripe", "--kind", word).out) == {"stripe.price": {"monthly", "yearly"}}
    two = entries(town.run("export", "--vendor", "stripe", "--kind", "price", "--kind", "coupon").out)
    assert two == {"stripe.price": {"monthly", "yearly"}, "stripe.coupon": {"launch"}}
    assert entries(town.run("export", "--vendor", "stripe", "--match", "month*").out) == {"stripe.price": {"monthly"}}
    assert entries(town.run("export", "--vendor", "stripe", "--match", "prod*").out) == {}
    assert entries(town.run("export", "--vendor", "stripe", "--kind", "price", "--match", "launch").out) == {}
    next(one for one in town.boxes["stripe"].objects["/v1/prices"].values() if one["lookup_key"] == "monthly")["active"] = False
    assert entries(town.run("export", "--vendor", "stripe", "--kind", "price").out) == {"stripe.price": {"yearly"}}
    assert entries(town.run("export", "--vendor", "stripe", "--kind", "price", "--archived").out) == {
        "stripe.price": {"monthly", "yearly"}}


def test_two_vendors_are_exported_together(grown: Grown) -> None:
    """`--vendor` may be given twice, and each finds its own."""
    found = entries(grown("stripe").run("export", "--vendor", "stripe", "--vendor", "vault").out)
    assert {kind.partition(".")[0] for kind in found} == {"stripe", "vault"}


def test_an_object_that_no_name_tells_apart_is_bound_by_its_id(grown: Grown) -> None:
    """Twins of one natural key, and one without any, get `lifecycle.id`; what has a key of its own does not."""
    town = grown("stripe")
    prices = town.boxes["stripe"].objects["/v1/prices"]
    prices["price_1"]["lookup_key"] = None
    hooks = town.boxes["stripe"].objects["/v1/webhook_endpoints"]
    [id] = hooks
    hooks["we_copy"] = {**hooks[id], "id": "we_copy"}
    text = town.run("export", "--vendor", "stripe").out
    found = parse(text.encode(), "export.yaml").value
    bound = {fields["lifecycle"]["id"] for named in found.values() for fields in named.values() if "lifecycle" in fields}
    assert bound == {"price_1", id, "we_copy"}
    town.write({"manifests/all.yaml": text})
    assert set(town.ops().values()) == {"adopt"}


def test_what_is_declared_known_or_marked_is_not_exported(quick: Path) -> None:
    """Our own objects, another stack's, and those of entries that nobody applied yet."""
    town = Towns(quick / "town").built("sentry", STACKS["sentry"].before)
    assert town.run("export", "--vendor", "sentry").out == ""
    assert town.run("ledger", "forget", "sentry.team/web").code == 0
    assert town.run("export", "--vendor", "sentry").out == ""
    stripe = Towns(quick / "town").built("stripe", STACKS["stripe"].before)
    assert stripe.run("ledger", "forget", "*").code == 0
    stripe.manifest("{}\n")
    assert stripe.run("export", "--vendor", "stripe").out == ""


def test_a_folder_that_is_there_is_not_overwritten(grown: Grown) -> None:
    """`--write` makes new files only: what a person has in manifests/ stays as it is."""
    town: Project = grown("sentry")
    town.write({"manifests/sentry/team.yaml": "# mine\n{}\n"})
    town.ok("export", "--vendor", "sentry", "--write")
    assert (town.dir / "manifests/sentry/team.yaml").read_text() == "# mine\n{}\n"
    assert (town.dir / "manifests/sentry/team-2.yaml").exists()
    assert set(town.ops().values()) == {"adopt"}
