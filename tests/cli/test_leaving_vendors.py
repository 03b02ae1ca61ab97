"""A vendor leaves: first its entries, then its connection; or it is let go as it is, and nothing is deleted behind its back."""

from __future__ import annotations

import pytest

from tests.cli.project import Project

TWO = "project: shop\nvendors: {stripe: {}, vault: {}}\n"
ONE = "project: shop\nvendors: {stripe: {}}\n"
ABSENT = TWO + "stacks: {live: {formerly: [default], vendors: {vault: null}}}\n"
SHOP = "stripe.product: {pro: {id: pro, name: Pro}}\n"
LOCK = "vault.password_policy: {p: {policy: 'length = 20 rule \"charset\" { charset = \"abc\" }'}}\n"


@pytest.fixture
def both(box: Project) -> Project:
    """Applied at two vendors."""
    box.write({"reconciler.yaml": TWO}).manifest(SHOP + LOCK).apply("--sandbox")
    return box


def test_a_whole_vendor_is_removed_in_two_steps(both: Project) -> None:
    """Without its entries a plan removes what is ours there; after that its connection can go, and the plan is empty."""
    both.manifest(SHOP)
    assert both.ops("--sandbox") == {"password_policy/p": "delete"}
    both.apply("--sandbox")
    both.write({"reconciler.yaml": ONE})
    assert both.ops("--sandbox") == {}
    assert both.ok("ledger", "list", "--sandbox").out.split() == ["stripe.product/pro", "pro"]


@pytest.mark.parametrize("config", [ONE, ABSENT])
@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"], ["drift"], ["destroy", "--auto-approve"]])
def test_what_is_left_in_the_ledger_is_a_finding(both: Project, config: str, command: list[str]) -> None:
    """The connection has gone and the ledger holds entries of it: exit 3, naming the ways out; nothing is lost."""
    both.write({"reconciler.yaml": config}).manifest(SHOP)
    before = both.ok("ledger", "list", "--sandbox").out
    done = both.run(*command, "--sandbox")
    assert done.code == 3, done
    assert "vault" in done.err and "vault.password_policy/p" in done.err
    assert "configure it again under vendors:" in done.err
    assert "reconciler ledger forget 'vault.*'" in done.err
    assert both.ok("ledger", "list", "--sandbox").out == before


def test_each_way_out_leads_out(both: Project) -> None:
    """Forgetting asks no vendor and leaves the objects where they are; configured again, the vendor is as it was."""
    both.write({"reconciler.yaml": ONE}).manifest(SHOP)
    assert both.run("plan", "--sandbox").code == 3
    both.write({"reconciler.yaml": TWO})
    assert both.ops("--sandbox") == {"password_policy/p": "delete"}
    both.write({"reconciler.yaml": ONE}).ok("ledger", "forget", "vault.*", "--sandbox")
    assert both.ops("--sandbox") == {}
    both.write({"reconciler.yaml": TWO}).manifest(SHOP + LOCK)
    assert both.ops("--sandbox") == {"password_policy/p": "adopt"}


def test_the_other_vendors_can_still_be_planned(both: Project) -> None:
    """`--vendor` of one that is configured is not held up by one that has gone, and says what it leaves out."""
    both.write({"reconciler.yaml": ONE}).manifest(SHOP.replace("name: Pro", "name: Pro 2"))
    done = both.ok("plan", "--sandbox", "--vendor", "stripe")
    assert "1 to update" in done.out
    assert "1 entry of vault is left out by the selection, and not read." in done.out


def test_entries_of_a_vendor_that_is_not_configured_are_findings_too(both: Project) -> None:
    """The manifests still declare something there: exit 3 at its place."""
    done = both.write({"reconciler.yaml": ONE}).run("plan", "--sandbox")
    assert done.code == 3
    assert "manifests/shop.yaml:2:1" in done.err
