"""Any history of the billing stack, with runs that die in the middle and minds that change: it always comes to rest."""

from __future__ import annotations

import copy
import os
import random
from typing import Any

import pytest

from reconciler.engine.guard import Limits
from reconciler.model import Plan
from reconciler.sandbox.store import Response
from tests.stripe.desk import judge
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2

SEED = int(os.environ.get("SEED", "1"))
CHOICES: dict[str, list[Any]] = {
    "price/pro_monthly/unit_amount": [2900, 3500],
    "price/pro_yearly/currency_options": [{"eur": {"unit_amount": 27000}}, {"gbp": {"unit_amount": 1}}, None],
    "product/pro/id": ["sql2ai_pro", "sql2ai_pro", "pro2"],
    "product/pro/default_price": [{"ref": "pro_monthly"}, {"ref": "pro_yearly"}, None],
    "coupon/launch30/percent_off": [30.0, 25.0],
    "coupon/launch30/id": ["launch30", "launch"],
    "promotion_code/launch30/code": ["LAUNCH30", "LAUNCH"],
    "feature/query_history/lookup_key": ["query_history", "history"],
    "meter/ai_tokens/event_name": ["ai_tokens_used", "tokens_used"],
    "meter/ai_tokens/default_aggregation": [{"formula": "sum"}, {"formula": "count"}],
    "tax_rate/vat/percentage": [19.0, 20.0],
    "webhook_endpoint/api/url": ["https://a.example/", "https://b.example/"],
    "portal_configuration/main/name": ["main", "plans"],
}
ALLOW = [f"irreversible:stripe.{noun}/{name}" for noun, entries in SQL2.items() for name in entries]


def drawn(chance: random.Random) -> dict[str, Any]:
    """The stack with some fields changed and some entries gone, and with them all that refers to them."""
    found = copy.deepcopy(SQL2)
    for path, values in CHOICES.items():
        noun, name, field = path.split("/")
        found[noun][name][field] = chance.choice(values)
    gone = {(noun, name) for noun, entries in SQL2.items() for name in entries if chance.random() < 0.15}
    while True:
        for noun, name in gone:
            found.get(noun, {}).pop(name, None)
        more = {(noun, name) for noun, entries in found.items() for name, fields in entries.items()
                if _without(fields, gone)}
        if not more:
            return {noun: entries for noun, entries in found.items() if entries}
        gone |= more


def _without(fields: dict[str, Any], gone: set[tuple[str, str]]) -> bool:
    """Take references to what is gone out of fields that can do without; whether there is one that can't."""
    links = {"product": "product", "coupon": "coupon", "entitlement_feature": "feature"}
    lost = {name for name, noun in links.items() if name in fields and (noun, fields[name]["ref"]) in gone}
    default, meter = fields.get("default_price"), fields.get("recurring", {}).get("meter")
    if default is not None and ("price", default["ref"]) in gone:
        fields["default_price"] = None
    if fields.get("applies_to") and ("product", "pro") in gone:
        fields["applies_to"] = None
    offered = fields.get("features", {}).get("subscription_update", {}).get("products", [])
    for one in offered:
        one["prices"] = [price for price in one["prices"] if ("price", price["ref"]) not in gone]
    unsold = bool(offered) and (("product", "pro") in gone or not offered[0]["prices"])
    return bool(lost) or unsold or (meter is not None and ("meter", meter["ref"]) in gone)


def plan(shop: StripeShop, manifest: dict[str, Any]) -> Plan:
    """A plan to which everything is agreed."""
    return shop.plan(manifest, allow=ALLOW, limits=Limits(100, 1000))


def dying(shop: StripeShop, manifest: dict[str, Any], after: int) -> None:
    """An apply that meets a server error after some writes."""
    left = [after]

    def fault(request: Any, number: int) -> Any:
        if request.method == "GET":
            return None
        left[0] -= 1
        return Response(500, {"error": {"type": "api_error", "message": "down"}}) if left[0] < 0 else None

    shop.desk.sandbox.faults.append(fault)
    shop.run(plan(shop, manifest))
    shop.desk.sandbox.faults.clear()


@pytest.mark.parametrize("n", range(6))
def test_every_history_comes_to_rest(n: int) -> None:
    """At most two clean runs after a run that died, whatever is asked for by then, end in an empty plan."""
    chance = random.Random(f"{SEED}/{n}")
    print(f"SEED={SEED}, history {n}")
    shop = StripeShop()
    for _ in range(4):
        manifest = drawn(chance)
        if chance.random() < 0.7:
            dying(shop, manifest, chance.randrange(8))
            manifest = drawn(chance) if chance.random() < 0.5 else manifest
        for _ in range(2):
            made = plan(shop, manifest)
            assert not made.stopped and not [a.blocked for a in made.actions if a.blocked], made
            shop.run(made)
        again = plan(shop, manifest)
        assert again.empty, [(str(a.address), a.op, a.changes) for a in again.actions if a.acts]
    for noun, path in (("coupon", "coupons"), ("webhook_endpoint", "webhook_endpoints"), ("tax_rate", "tax_rates"),
                       ("feature", "entitlements/features"), ("promotion_code", "promotion_codes")):
        used = [one for one in shop.held(f"/v1/{path}").values() if one.get("active", True)]
        assert len(used) == len(manifest.get(noun, {})), (noun, used)
    judge(shop.desk)
