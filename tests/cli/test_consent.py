"""Consent: who may say yes to what, what is refused until it is named, and the limits that stop everything."""

from __future__ import annotations

import re

import pytest

from reconciler.sandbox.store import Request
from tests.cli.project import PRO, Account, Project

MANY = "stripe.product:\n" + "".join(f"  p{n}: {{id: p{n}, name: P{n}}}\n" for n in range(12))


def edited(stripe: Account, id: str, **fields: str) -> None:
    """Somebody changes a product by hand."""
    stripe.sandbox.objects["/v1/products"][id].update(fields)


def test_a_person_at_the_prompt_consents_to_all_that_is_shown(shop: Project, stripe: Account) -> None:
    """`yes` goes on, anything else does nothing and exits 0."""
    for typed in ("no\n", "y\n", "\n", ""):
        done = shop.run("apply", typed=typed)
        assert (done.code, stripe.written) == (0, [])
        assert "Nothing was done." in done.err
    shop.ok("apply", typed="yes\n")
    assert shop.ops() == {}


@pytest.mark.parametrize("how", ["a pipe", "--no-input", "RECONCILER_NO_INPUT"])
def test_where_nobody_can_be_asked_it_is_4(shop: Project, stripe: Account, how: str) -> None:
    """Without a terminal, or told not to ask, an apply without consent says what would be one."""
    typed = None if how == "a pipe" else "yes\n"
    done = shop.run("apply", *(["--no-input"] if how == "--no-input" else []), typed=typed,
                    environ={"RECONCILER_NO_INPUT": "1"} if how == "RECONCILER_NO_INPUT" else {})
    assert (done.code, stripe.written) == (4, [])
    assert "--auto-approve" in done.err


def test_auto_approve_alone_consents_to_little(shop: Project, stripe: Account) -> None:
    """Additive, cosmetic and behavioural changes need no more; money does, before any write."""
    done = shop.run("apply", "--auto-approve")
    assert (done.code, stripe.written) == (4, [])
    assert "money: stripe.price/monthly" in done.err
    assert "--allow money" in done.err
    assert shop.run("apply", "--auto-approve", "--allow", "money:stripe.price/other").code == 4
    shop.ok("apply", "--auto-approve", "--target", "stripe.product/pro")
    shop.ok("apply", "--auto-approve", "--allow", "money:stripe.price/monthly")


def test_drift_adoption_and_deletion_need_their_word(shop: Project, stripe: Account) -> None:
    """Each of drift, adopt and delete beside --auto-approve is exit 4 until it is allowed."""
    shop.manifest("stripe.product: {a: {id: a, name: A}, b: {id: b, name: B}}").apply()
    edited(stripe, "a", name="By hand")
    assert shop.run("apply", "--auto-approve").code == 4
    shop.ok("apply", "--auto-approve", "--allow", "drift")
    shop.manifest("stripe.product: {a: {id: a, name: A}}")
    assert shop.run("apply", "--auto-approve", "--allow", "money,access,drift").code == 4
    shop.ok("apply", "--auto-approve", "--allow", "delete")
    stripe.sandbox.handle(Request("POST", "/v1/products", headers={"authorization": "Bearer sk_test_x"}, body=b"id=c&name=C"))
    shop.manifest("stripe.product: {a: {id: a, name: A}, c: {id: c, name: C}}")
    assert shop.run("apply", "--auto-approve").code == 4
    shop.ok("apply", "--auto-approve", "--allow", "adopt")


def test_drift_is_left_alone_where_that_is_asked(shop: Project, stripe: Account) -> None:
    """`--leave-drift` lists what was changed by hand and does not act; what the manifests ask is done."""
    shop.apply()
    edited(stripe, "pro", name="By hand")
    shop.manifest(PRO.replace("2900", "3500"))
    done = shop.ok("apply", "--auto-approve", "--allow", "money", "--leave-drift")
    assert "By hand" in done.out
    assert stripe.products()["pro"]["name"] == "By hand"
    assert shop.ops() == {"product/pro": "update"}


def test_a_refusal_is_lifted_by_address_alone(shop: Project, stripe: Account) -> None:
    """What can't be undone is blocked; a bare word is 64; the address in --allow or `allow:` lifts it, with all its impacts."""
    shop.manifest(PRO.replace("name: Pro}", "name: Pro, default_price: {ref: monthly}}")).apply()
    shop.manifest("stripe.product: {pro: {id: pro, name: Pro, default_price: null}}")
    assert shop.ops() == {"price/monthly": "blocked", "product/pro": "blocked"} or shop.ops()["price/monthly"] == "blocked"
    assert shop.run("apply", "--auto-approve", "--allow", "delete").code == 4
    assert shop.run("plan", "--allow", "irreversible").code == 64
    assert "delete" in shop.ops("--allow", "irreversible:stripe.price/monthly").values()
    config = (shop.dir / "reconciler.yaml").read_text()
    shop.write({"reconciler.yaml": config + 'allow: ["irreversible:stripe.price/monthly"]\n'})
    assert shop.ops()["price/monthly"] == "delete"
    assert shop.ok("plan").err.count("spent") == 0
    shop.ok("apply", "--auto-approve")
    done = shop.ok("plan")
    assert "allow: irreversible:stripe.price/monthly is spent" in done.said


def test_consent_digest_refuses_auto_approve(shop: Project, stripe: Account) -> None:
    """A stack with `consent: digest` takes a saved plan or a digest, and exits 4 for --auto-approve before it asks anything."""
    config = (shop.dir / "reconciler.yaml").read_text()
    shop.write({"reconciler.yaml": config + "stacks: {production: {consent: digest}}\n"})
    for command in ("apply", "destroy"):
        done = shop.run(command, "--auto-approve", "--allow", "money,delete")
        assert (done.code, stripe.asked) == (4, [])
    digest = shop.run("plan", "--format", "json").json()["digest"]
    shop.ok("apply", "--digest", digest)


def test_blocked_actions_stop_an_apply_unless_they_are_skipped(shop: Project, stripe: Account) -> None:
    """Without a saved plan nothing is written; `--skip-blocked` does the rest, skips dependents, and still exits 4."""
    stripe.sandbox.handle(Request("POST", "/v1/products", headers={"authorization": "Bearer sk_test_x"}, body=b"id=pro&name=X"))
    shop.manifest(PRO.replace("stripe.price", "  other: {id: other, name: Other}\nstripe.price"))
    before = len(stripe.written)
    done = shop.run("apply", "--auto-approve", "--allow", "money,adopt")
    assert (done.code, len(stripe.written)) == (4, before)
    assert "--skip-blocked does the rest" in done.err
    done = shop.run("apply", "--auto-approve", "--allow", "money,adopt", "--skip-blocked")
    assert (done.code, set(stripe.products()), stripe.prices()) == (4, {"pro", "other"}, {})
    assert re.search(r"^Apply: 1 done, \d blocked\.   Run ", done.out, re.MULTILINE)


def test_many_deletes_stop_everything(shop: Project, stripe: Account) -> None:
    """From ten deletes and 30 % of a vendor's entries on, plan and apply are stopped with exit 4; a flag raises the limit."""
    shop.manifest(MANY).apply()
    sent = len(stripe.written)
    shop.manifest("stripe.product: {p0: {id: p0, name: P0}}")
    done = shop.run("plan")
    assert done.code == 4
    assert "11 of 12 entries would be deleted, more than 30 %" in done.out
    assert shop.run("apply", "--auto-approve", "--allow", "delete").code == 4
    assert len(stripe.written) == sent
    assert shop.run("plan", "--max-delete-percent", "91").code == 4
    assert shop.run("plan", "--max-delete-percent", "92").code == 0
    config = (shop.dir / "reconciler.yaml").read_text()
    shop.write({"reconciler.yaml": config + "limits: {max_delete_percent: 100}\n"}).ok("plan")


def test_many_changes_stop_everything(shop: Project, stripe: Account) -> None:
    """`max_changes` counts all that acts."""
    shop.manifest(MANY)
    done = shop.run("apply", "--auto-approve", "--max-changes", "11")
    assert (done.code, stripe.written) == (4, [])
    assert "12 changes are more than 11" in done.out
    shop.ok("apply", "--auto-approve", "--max-changes", "12")


def test_an_empty_desired_state_is_for_destroy(shop: Project, stripe: Account) -> None:
    """No entries while the ledger holds some: exit 4, naming `destroy`."""
    shop.apply()
    shop.manifest("{}")
    done = shop.run("apply", "--auto-approve", "--allow", "delete")
    assert done.code == 4
    assert "reconciler destroy" in done.said


def test_a_live_read_that_came_back_empty_stops_everything(shop: Project, stripe: Account) -> None:
    """Twelve objects of ours are suddenly not there: nothing is made again before somebody has looked."""
    shop.manifest(MANY).apply()
    sent = len(stripe.written)
    stripe.sandbox.objects["/v1/products"].clear()
    assert shop.run("apply", "--auto-approve", "--allow", "drift").code == 4
    assert len(stripe.written) == sent


def test_destroy_asks_for_the_stacks_name(shop: Project, stripe: Account) -> None:
    """`yes` is not enough; unattended it needs --allow delete; afterwards nothing is ours."""
    shop.apply()
    assert shop.run("destroy", typed="yes\n").code == 0
    assert shop.run("destroy", "--auto-approve").code == 4
    assert len(shop.ok("ledger", "list").out.splitlines()) == 2
    done = shop.run("destroy", typed="default\n")
    assert done.code == 0, done
    assert shop.ok("ledger", "list").out == ""
    assert not any(one["active"] for one in [*stripe.prices().values(), *stripe.products().values()])
    shop.ok("destroy", "--auto-approve", "--allow", "delete")


def test_destroy_asks_again_for_what_is_protected(shop: Project) -> None:
    """A protected entry is blocked in a destroy too, and everything stays."""
    shop.manifest(PRO.replace("interval: month}}", "interval: month}, lifecycle: {protect: true}}")).apply()
    done = shop.run("destroy", "--auto-approve", "--allow", "delete")
    assert done.code == 4
    assert "protected" in done.out
