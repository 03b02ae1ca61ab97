"""The ledger is lost: what carries a mark or has a natural key is found again, and nothing is made or removed for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.project import PRO, ROOT, Account, Project
from tests.faults.stacks import STACKS
from tests.faults.town import Towns


def lose(project: Project) -> None:
    """The ledger's files are gone; the vendors know nothing of it."""
    files = [path for path in (project.dir / ".reconciler").rglob("ledger.db*") if path.is_file()]
    assert files
    for path in files:
        path.unlink()


def test_the_whole_example_stack_is_found_again(quick: Path) -> None:
    """All five vendors, every kind of manifests/: the plan adopts each entry as it is, and writes nothing; then it is empty."""
    shutil.copytree(ROOT / "manifests", quick / "manifests")
    shutil.copy(ROOT / "reconciler.yaml", quick)
    stack = Project(quick)
    stack.environ = {}
    stack.ok("apply", "--sandbox", "--auto-approve", "--allow", "money,access")
    known = stack.ok("ledger", "list", "--sandbox").out
    lose(stack)
    plan = stack.ok("plan", "--sandbox", "--format", "json", "--show-unchanged").json()
    summary = plan["summary"]
    entries = known.count("\n")
    assert (summary["adopt"] + summary["noop"], plan["requests"]["write"], len(plan["actions"])) == (entries, 0, entries)
    settings = {action["address"].partition("/")[0] for action in plan["actions"] if action["op"] == "noop"}
    assert settings <= {"vault.kv_config", "sentry.inbound_filters", "sentry.ownership"}
    stack.ok("apply", "--sandbox", "--auto-approve", "--allow", "adopt")
    assert stack.ok("ledger", "list", "--sandbox").out == known
    assert "No changes." in stack.ok("plan", "--sandbox").out


@pytest.mark.parametrize("vendor", STACKS)
def test_each_vendors_objects_stay_the_same_ones(quick: Path, vendor: str) -> None:
    """Every entry is adopted, those that deliver a secret among them; after the apply there are no more objects than before."""
    town = Towns(quick / "town").built(vendor, STACKS[vendor].before)
    there = town.census()
    lose(town)
    assert set(town.run("plan", "--format", "json").ops().values()) == {"adopt"}
    assert town.apply().code == 0
    assert town.census() == there
    assert town.run("plan", "--detailed-exitcode").code == 0


def test_twins_are_blocked_with_the_reason(shop: Project, stripe: Account) -> None:
    """Without a ledger nobody can tell which of two objects with our mark it was: blocked, both named, neither touched."""
    shop.apply()
    stripe.products()["copy"] = {**stripe.products()["pro"], "id": "copy"}
    lose(shop)
    shop.manifest(PRO.replace("{id: pro, name: Pro}", "{id: third, name: Pro}"))
    done = shop.run("plan", "--format", "json")
    [action] = [one for one in done.json()["actions"] if one["address"] == "stripe.product/pro"]
    assert (done.code, action["op"]) == (4, "blocked")
    assert "copy, pro" in action["blocked"]


def test_what_only_the_ledger_knew_is_listed_and_left(shop: Project, stripe: Account) -> None:
    """An object with our mark that no entry holds is named in the plan, and never removed; a rebuild takes it in."""
    shop.manifest(PRO + "  yearly: {product: {ref: pro}, unit_amount: 29000}\n").apply()
    yearly = next(id for id, price in stripe.prices().items() if price["lookup_key"] == "yearly")
    lose(shop)
    shop.manifest(PRO)
    for _ in range(2):
        done = shop.ok("plan")
        assert "delete" not in done.out.partition("\n\n")[0]
        assert f"stripe.price: {yearly} carries our mark and is in neither manifests nor ledger: left as it is" in " ".join(
            done.out.split())
        shop.apply()
    assert stripe.prices()[yearly]["active"]
    shop.ok("ledger", "rebuild")
    assert shop.ops() == {"price/yearly": "delete"}
    assert "carries our mark" not in shop.run("plan").out


def test_a_copy_that_a_person_made_is_listed_and_left(shop: Project, stripe: Account) -> None:
    """A copy carries our metadata too: it is told, and that is all."""
    shop.apply()
    stripe.products()["copy"] = {**stripe.products()["pro"], "id": "copy"}
    done = shop.ok("plan", "--detailed-exitcode")
    assert "stripe.product: copy carries our mark" in done.out
    assert "rebuild" not in done.out
