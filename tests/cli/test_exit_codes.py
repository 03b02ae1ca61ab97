"""What a command's exit code says, and which one goes first where several fit."""

from __future__ import annotations

import pytest

from tests.cli.project import CONFIG, KEY, PRO, Account, Project


def test_fine_is_0_and_changes_are_2_only_when_asked_for(box: Project) -> None:
    """`plan` exits 0 with changes, 2 with --detailed-exitcode, and 0 again after the apply."""
    assert box.run("plan", "--sandbox").code == 0
    assert box.run("plan", "--sandbox", "--detailed-exitcode").code == 2
    box.apply("--sandbox")
    done = box.run("plan", "--sandbox", "--detailed-exitcode")
    assert (done.code, "No changes." in done.out) == (0, True)


def test_an_adoption_counts_as_a_change(shop: Project, stripe: Account) -> None:
    """`=` is a change for --detailed-exitcode."""
    shop.manifest("stripe.product: {pro: {id: pro, name: Pro}}")
    shop.apply()
    shop.run("ledger", "forget", "stripe.product/pro")
    stripe.products()["pro"]["metadata"] = {}
    done = shop.run("plan", "--detailed-exitcode", "--format", "json")
    assert (done.code, done.ops()) == (2, {"product/pro": "adopt"})


def test_a_vendor_that_can_not_be_read_is_1(shop: Project, stripe: Account) -> None:
    """What can't be read is blocked as unreadable, its dependents too; the others are planned; exit 1, before 4."""
    from reconciler.sandbox.store import Response

    shop.manifest(PRO + "  yearly: {product: prod_x, unit_amount: 1, recurring: {interval: year}}\n")
    stripe.sandbox.faults.append(lambda request, n: Response(403, {"error": {"message": "no", "type": "invalid_request_error"}})
                                 if request.path.startswith("/v1/products") else None)
    done = shop.run("plan", "--format", "json", "--detailed-exitcode")
    assert (done.code, done.ops()) == (1, {"product/pro": "blocked", "price/monthly": "blocked", "price/yearly": "create"})
    assert shop.run("apply", "--auto-approve", "--allow", "money").code == 1
    assert stripe.written == []


def test_findings_are_3(shop: Project) -> None:
    """Broken manifests, broken configuration and credentials that are not there are findings in any command."""
    shop.environ = {}
    for command in ("plan", "apply", "destroy", "output"):
        done = shop.run(command)
        assert done.code == 3
        assert "reconciler.yaml:3:21" in done.err
    shop.manifest("stripe.price: {x: {amount: 1}}")
    assert shop.run("validate").code == 3
    shop.write({"reconciler.yaml": "project: Shop\n"})
    assert shop.run("validate").code == 3


@pytest.mark.parametrize("value", ["unset", "empty"])
def test_a_variable_that_the_command_needs_is_told_at_its_place(shop: Project, stripe: Account, value: str) -> None:
    """An unset or empty variable is a finding with file, line, column and what to export, and nothing is sent."""
    shop.environ = {"STRIPE_API_KEY": ""} if value == "empty" else {}
    done = shop.run("plan")
    assert done.code == 3
    assert "reconciler.yaml:3:21" in done.err
    assert f"STRIPE_API_KEY is {'empty' if value == 'empty' else 'not set'}" in done.err
    assert "export STRIPE_API_KEY=" in done.err
    assert stripe.asked == []


def test_all_unset_variables_are_told_in_one_run(shop: Project, stripe: Account) -> None:
    """Two connections, a ledger's key, a named secret and a variable: all that is missing comes at once."""
    shop.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + """  stripe_eu: {use: stripe, api_key: {env: EU_KEY}}
ledger: {key: {env: LEDGER_KEY}}
"""}).manifest(PRO + "stripe_eu.product: {pro: {id: pro, name: Pro}}\n")
    shop.environ = {}
    done = shop.run("plan")
    assert done.code == 3
    for name in ("STRIPE_API_KEY", "EU_KEY", "LEDGER_KEY"):
        assert f"{name} is not set" in done.err
    assert stripe.asked == []


def test_the_wrong_mode_is_4_before_anything_is_asked(shop: Project, stripe: Account) -> None:
    """A pinned mode is read from the key's prefix: exit 4, and no request at all."""
    shop.environ = {"STRIPE_API_KEY": KEY.replace("test", "live")}
    done = shop.run("plan")
    assert (done.code, stripe.asked) == (4, [])
    assert "mode: test is pinned" in done.err


def test_the_wrong_account_is_4_before_anything_else(shop: Project, stripe: Account) -> None:
    """A pinned account is asked for first and alone."""
    config = CONFIG.format(url=stripe.url).replace("mode: test", "mode: test, account: acct_other")
    done = shop.write({"reconciler.yaml": config}).run("plan")
    assert done.code == 4
    assert set(stripe.asked) == {"GET /v1/account"}


def test_the_account_is_asked_for_only_where_it_is_pinned(shop: Project, stripe: Account) -> None:
    """Without `account:` nobody asks for it."""
    shop.ok("plan")
    assert "GET /v1/account" not in stripe.asked


@pytest.mark.parametrize(("words", "said"), [
    (["plna"], 'did you mean "plan"?'),
    (["plan", "--sandboxx"], "--sandbox"),
    (["plan", "--sand"], "no such option"),
    (["--sandbox", "plan"], "flags follow the command"),
    (["plan", "--sandbox", "--stack", "defualt"], 'did you mean "default"?'),
    (["plan", "--sandbox", "--vendor", "strip"], 'did you mean "stripe"?'),
    (["plan", "--sandbox", "--target", "stripe.price/montly"], 'did you mean "stripe.price/monthly"?'),
    (["plan", "--sandbox", "--exclude", "stripe.coupon/*"], "matches no entry"),
    (["plan", "--sandbox", "--parallelism", "0"], "0 is not in the range"),
    (["plan", "--sandbox", "--parallelism", "-1"], "-1 is not in the range"),
    (["plan", "--sandbox", "--timeout", "soon"], "not a duration"),
    (["plan", "--sandbox", "--timeout", "0"], "no time at all"),
    (["apply", "--sandbox", "--allow", "irreversible"], "irreversible:"),
    (["apply", "--sandbox", "--allow", "mony"], 'did you mean "money"?'),
    (["apply", "--sandbox", "--digest", "abc"], "whole digest"),
    (["apply", "none.json", "--sandbox"], "none.json can't be read"),
    (["plan", "--dir", "nowhere"], "there is no folder nowhere"),
    (["plan", "--format", "yaml"], "there is no format 'yaml'"),
    (["ledger", "lst"], 'did you mean "list"?'),
    (["import", "--sandbox", "pro"], "not an address"),
    (["import", "--sandbox", "stripe.product/pro="], "no id after ="),
    (["completion", "tcsh"], "'tcsh' is not one of"),
    (["explain", "--sandbox", "stripe.prise"], 'did you mean "stripe.price"?'),
    (["export", "--sandbox", "--vendor", "strip"], 'did you mean "stripe"?'),
])
def test_what_does_not_exist_is_64_with_a_suggestion(box: Project, words: list[str], said: str) -> None:
    """Unknown flags, commands, stacks, vendors, targets; abbreviated flags are off."""
    done = box.run(*words)
    assert done.code == 64, done
    assert said in done.err
    assert done.out == ""


def test_several_stacks_and_none_chosen_is_64_naming_them(box: Project) -> None:
    """With one stack it is implied; with several one has to be said, by flag or RECONCILER_STACK."""
    box.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {only: {}}\n"}).ok("plan", "--sandbox")
    box.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {staging: {}, production: {}}\n"})
    done = box.run("plan", "--sandbox")
    assert done.code == 64
    assert "staging, production" in done.err
    assert box.run("plan", "--sandbox", "-s", "staging").code == 0
    assert box.run("plan", "--sandbox", environ={"RECONCILER_STACK": "production"}).code == 0
    assert box.run("plan", "--sandbox", environ={"RECONCILER_STACK": "prod"}).code == 64


def test_a_sqlite_ledger_in_ci_and_a_real_vendor_is_a_finding(shop: Project, stripe: Account) -> None:
    """With CI set the ledger would be gone after the run, unless it says `ephemeral`; loopback and sandbox are fine."""
    shop.ok("plan", environ={"CI": "true"})
    far = CONFIG.format(url="https://stripe.invalid")
    done = shop.write({"reconciler.yaml": far}).run("plan", environ={"CI": "true"})
    assert done.code == 3
    assert "ephemeral: true" in done.err
    shop.ok("plan", "--sandbox", environ={"CI": "true"})


def test_entries_whose_vendor_is_no_longer_configured_are_3_with_the_ways_out(shop: Project) -> None:
    """The ledger still holds objects at a vendor that nobody can ask any more: configure it again, or forget them."""
    shop.apply()
    shop.write({"reconciler.yaml": "project: shop\n"}).manifest("{}")
    done = shop.run("plan")
    assert done.code == 3
    assert "configure it again" in done.err
    assert "reconciler ledger forget 'stripe.*'" in done.err
    shop.ok("ledger", "forget", "stripe.*")
    shop.ok("plan")
