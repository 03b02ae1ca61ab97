"""An apply of every Stripe kind that is killed at any of its writes: the next runs finish it, and nothing is there twice."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.guard import Limits
from reconciler.model import Op, Plan
from tests.kills import each_write, killed
from tests.stripe.desk import judge
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2, changed

ALLOW = [f"irreversible:stripe.{noun}/{name}" for noun, entries in SQL2.items() for name in entries]
PATHS = {"meter": "billing/meters", "feature": "entitlements/features", "product": "products", "price": "prices",
         "coupon": "coupons", "promotion_code": "promotion_codes", "tax_rate": "tax_rates",
         "webhook_endpoint": "webhook_endpoints", "portal_configuration": "billing_portal/configurations"}
EDITS: dict[str, Any] = {
    "price/pro_monthly/unit_amount": 3500, "product/pro/name": "Pro 2", "coupon/launch30/percent_off": 20.0,
    "promotion_code/launch30/code": "LAUNCH20", "tax_rate/vat/percentage": 20.0, "meter/ai_tokens/display_name": "Tokens",
    "feature/query_history/name": "History", "webhook_endpoint/api/enabled_events": ["invoice.paid"],
    "portal_configuration/main/name": "plans", "product/enterprise": ...}


def second() -> dict[str, Any]:
    """The stack with every sort of entry changed, and one gone."""
    found = SQL2
    for path, value in EDITS.items():
        found = changed(path, value, found)
    return found


def planned(shop: StripeShop, manifest: dict[str, Any]) -> Plan:
    """A plan to which everything is agreed."""
    return shop.plan(manifest, allow=ALLOW, limits=Limits(100, 1000))


def finished(shop: StripeShop, manifest: dict[str, Any]) -> None:
    """At most two clean runs, then nothing to do; one object in use an entry, its secret delivered."""
    for _ in range(2):
        made = planned(shop, manifest)
        assert not made.stopped and not [a.blocked for a in made.actions if a.op is Op.BLOCKED], made.actions
        shop.run(made)
    again = planned(shop, manifest)
    assert again.empty, [(str(a.address), a.op, a.changes) for a in again.actions if a.acts]
    for noun, path in PATHS.items():
        used = [one for one in shop.held(f"/v1/{path}").values() if one.get("active", True)]
        assert len(used) == len(manifest[noun]), (noun, used)
    assert len(shop.held("/v1/products/sql2ai_pro/features")) == 1 and len(shop.sink.held) == 1


@pytest.mark.parametrize("done", [False, True], ids=["before the deed", "after it"])
@pytest.mark.parametrize("edited", [False, True], ids=["made", "changed"])
def test_a_killed_apply_doubles_and_loses_nothing(*, edited: bool, done: bool) -> None:
    """The ledger is as it was at that moment, and no answer came: every write of a first apply, and of a change of all."""
    manifest = second() if edited else SQL2

    def trial(nth: int) -> bool:
        shop = StripeShop()
        if edited:
            shop.settle(SQL2)
        went_on = killed(shop, shop.desk.sandbox, planned(shop, manifest), nth, done=done)
        finished(shop, manifest)
        if not went_on:
            judge(shop.desk)
        return went_on

    assert each_write(trial) > 12
