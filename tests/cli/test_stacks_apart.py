"""Two stacks with accounts and ledgers of their own: what is done to one never reaches the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import KEY, PRO, Account, Project, account

CONFIG = """project: shop
vendors:
  stripe: {{api_key: {{env: LIVE_KEY}}, base_url: "{live}", requests_per_second: 5000}}
vars: {{name: Pro}}
stacks:
  staging:
    vendors: {{stripe: {{api_key: {{env: TEST_KEY}}, base_url: "{test}"}}}}
    ledger: {{store: git}}
    vars: {{name: Pro (staging)}}
  production: {{}}
"""
OVERLAY = "stripe.price:\n  monthly: {unit_amount: 9900, metadata: {level: gold}}\n"


@pytest.fixture
def accounts() -> Iterator[list[Account]]:
    """The account of staging, and that of production."""
    with account("test", "live") as both:
        yield both


@pytest.fixture
def shop(tmp_path: Path, accounts: list[Account]) -> Project:
    """Both stacks applied, each with the credential of its own account only."""
    test, live = accounts
    project = Project(tmp_path).write({"reconciler.yaml": CONFIG.format(test=test.url, live=live.url),
                                       "overlays/production/p.yaml": OVERLAY})
    project.manifest(PRO.replace("name: Pro", "name: {var: name}"))
    project.git("init", "-q")
    for stack, environ in (("staging", {"TEST_KEY": KEY}), ("production", {"LIVE_KEY": f"{KEY}live"})):
        project.environ = environ
        project.apply("-s", stack)
    project.environ = {"TEST_KEY": KEY, "LIVE_KEY": f"{KEY}live"}
    return project


def files(project: Project, stack: str) -> dict[str, bytes]:
    """The stack's ledger, byte for byte: production's file, staging's ref."""
    if stack == "staging":
        return {"ref": project.git("rev-parse", "refs/reconciler/shop/staging").encode()}
    folder = project.dir / ".reconciler" / stack
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_overlay_changes_a_field_and_leaves_the_others(shop: Project, accounts: list[Account]) -> None:
    """By address and field: production's price has its own amount, and is a price of the same product, key and currency."""
    [test], [live] = (one.prices().values() for one in accounts)
    assert (test["unit_amount"], live["unit_amount"], live["metadata"]["level"]) == (2900, 9900, "gold")
    same = ("currency", "product", "lookup_key", "recurring")
    assert {name: test[name] for name in same} == {name: live[name] for name in same}
    assert [one.products()["pro"]["name"] for one in accounts] == ["Pro (staging)", "Pro"]


@pytest.mark.parametrize(("stack", "other"), [("staging", "production"), ("production", "staging")])
def test_one_stack_never_touches_another(shop: Project, accounts: list[Account], stack: str, other: str) -> None:
    """Plan, drift and apply of one: the other's vendor is asked nothing, its ledger stays as it is to the byte."""
    theirs = accounts[("staging", "production").index(other)]
    asked, before = list(theirs.asked), files(shop, other)
    shop.manifest(PRO.replace("name: Pro", "description: New, name: {var: name}"))
    assert shop.ops("-s", stack) == {"product/pro": "update"}
    shop.ok("drift", "-s", stack)
    shop.apply("-s", stack)
    shop.ok("ledger", "list", "-s", stack)
    assert (theirs.asked, files(shop, other)) == (asked, before)
    assert shop.ops("-s", stack) == {}
    assert shop.ops("-s", other) == {"product/pro": "update"}


def test_a_plan_of_all_stacks_reads_each_and_writes_to_none(shop: Project, accounts: list[Account]) -> None:
    """Each stack is planned from its own account and ledger, and both stay as they are."""
    before = [files(shop, name) for name in ("staging", "production")]
    written = [list(one.written) for one in accounts]
    shop.manifest(PRO.replace("name: Pro", "description: New, name: {var: name}"))
    plans = shop.ok("plan", "--all-stacks", "--format", "json").json()
    assert [(plan["stack"], [action["op"] for action in plan["actions"]]) for plan in plans] == [
        ("staging", ["update"]), ("production", ["update"])]
    assert [files(shop, name) for name in ("staging", "production")] == before
    assert [list(one.written) for one in accounts] == written


def test_a_stack_asks_for_its_own_credential_only(shop: Project) -> None:
    """The other's variable need not be set; planned together, each stack tells what it lacks, and the others are planned."""
    shop.environ = {"TEST_KEY": KEY}
    assert shop.ops("-s", "staging") == {}
    done = shop.run("plan", "--all-stacks")
    assert done.code == 3
    assert "LIVE_KEY" in done.err
    assert "TEST_KEY" not in done.err
    assert "No changes." in done.out
