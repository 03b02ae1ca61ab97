"""Two connections of one stack that lead to the same account: nothing is removed under one that the other declares."""

from __future__ import annotations

import json

import pytest

from tests.cli.project import KEY, Account, Project

COUPON = "{name}.coupon:\n  spring: {{percent_off: 10, duration: once}}\n"


@pytest.fixture
def twice(shop: Project, stripe: Account) -> Project:
    """The shop with its one account under two names."""
    each = f'{{use: stripe, api_key: {{env: STRIPE_API_KEY}}, base_url: "{stripe.url}", requests_per_second: 5000}}'
    shop.environ = {"STRIPE_API_KEY": KEY}
    return shop.write({"reconciler.yaml": f"project: shop\nvendors:\n  stripe: {each[:1] + each[14:]}\n  other: {each}\n"})


@pytest.mark.parametrize("words", [(), ("--skip-blocked",)])
def test_what_goes_over_to_another_connection_is_not_removed(twice: Project, stripe: Account, words: tuple[str, ...]) -> None:
    """Adopted under one name and removed under the other, the object would be gone: both are blocked until one lets go."""
    twice.manifest(COUPON.format(name="other")).apply()
    twice.manifest(COUPON.format(name="stripe"))
    assert {a["address"]: a["op"] for a in json.loads(twice.run("plan", "--format", "json").out)["actions"]} == {
        "other.coupon/spring": "blocked", "stripe.coupon/spring": "blocked"}
    assert twice.run("apply", "--auto-approve", "--allow", "adopt,delete", *words).code == 4
    assert "spring" in stripe.sandbox.objects["/v1/coupons"]
    twice.ok("ledger", "forget", "other.coupon/spring")
    twice.apply()
    assert twice.ops() == {} and "spring" in stripe.sandbox.objects["/v1/coupons"]


def test_one_object_under_two_connections_is_blocked(twice: Project, stripe: Account) -> None:
    """The second entry of an object is told the first; taking the first away removes nothing of the second."""
    twice.manifest(COUPON.format(name="other")).apply()
    twice.manifest(COUPON.format(name="other") + COUPON.format(name="stripe"))
    done = twice.run("plan")
    assert done.code == 4 and "is other.coupon/spring already" in done.out
    twice.ok("import", "stripe.coupon/spring")
    twice.manifest(COUPON.format(name="stripe"))
    assert twice.ops() == {"coupon/spring": "forget"}
    twice.apply()
    assert "spring" in stripe.sandbox.objects["/v1/coupons"] and twice.ops() == {}
