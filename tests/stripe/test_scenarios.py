"""The digest's acceptance scenarios by their numbers, engine included: plan, exact requests, final objects."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.errors import WrongAccount
from reconciler.model import Call, Impact, Op
from reconciler.sandbox.store import Response
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2, changed, without

LISTS = ["/v1/billing/meters", "/v1/billing_portal/configurations", "/v1/coupons", "/v1/entitlements/features",
         "/v1/prices", "/v1/products", "/v1/products/sql2ai_pro/features", "/v1/promotion_codes", "/v1/tax_rates",
         "/v1/webhook_endpoints"]


def test_1_an_empty_account_is_filled_in_order(shop: StripeShop) -> None:
    """What is referred to comes first, the default price by a second POST; then nothing more, at the list floor."""
    writes = shop.settle(SQL2)
    assert sorted(writes) == sorted([
        *["POST /v1/products"] * 3, *["POST /v1/prices"] * 3, "POST /v1/products/sql2ai_pro", "POST /v1/billing/meters",
        "POST /v1/entitlements/features", "POST /v1/products/sql2ai_pro/features", "POST /v1/coupons",
        "POST /v1/promotion_codes", "POST /v1/tax_rates", "POST /v1/webhook_endpoints",
        "POST /v1/billing_portal/configurations"])
    for first, then in (("products", "prices"), ("prices", "products/sql2ai_pro"), ("coupons", "promotion_codes"),
                        ("entitlements/features", "products/sql2ai_pro/features"),
                        ("products/sql2ai_pro", "billing_portal/configurations")):
        assert writes.index(f"POST /v1/{first}") < writes.index(f"POST /v1/{then}"), (first, then)
    tokens = shop.only("/v1/prices", lookup_key="tokens_tiered")
    assert tokens["recurring"]["meter"] == shop.only("/v1/billing/meters", event_name="ai_tokens_used")["id"]
    assert shop.products["sql2ai_pro"]["default_price"] == shop.only("/v1/prices", lookup_key="pro_monthly")["id"]
    assert shop.sink.held == {"kv/api/stripe#webhook_secret": "whsec_sandbox1"}
    before = len(shop.desk.sandbox.requests)
    assert shop.plan(SQL2).empty
    assert sorted(r.path for r in shop.desk.sandbox.requests[before:]) == LISTS


@pytest.mark.parametrize("amount", [{"unit_amount": 2900}, {"unit_amount_decimal": "2900"},
                                    {"unit_amount_decimal": "2900.0"},
                                    {"unit_amount_decimal": "2900.000"}])
def test_2_an_amount_in_other_words_is_no_change(shop: StripeShop, amount: dict[str, Any]) -> None:
    """Whole or decimal, however written."""
    shop.settle(SQL2)
    manifest = changed("price/pro_monthly/unit_amount", ...)
    manifest["price"]["pro_monthly"].update(amount)
    assert shop.plan(manifest).empty


def on_sale(shop: StripeShop) -> list[bool]:
    """After every write: whether there is an active price with the key, and all that the portal offers is active."""
    seen: list[bool] = []
    inner = shop.desk.sandbox.answer

    def watched(request: Any) -> Any:
        answer = inner(request)
        if request.method != "GET":
            offered = shop.only("/v1/billing_portal/configurations")["features"]["subscription_update"]["products"]
            seen.append(any(p["active"] and p["lookup_key"] == "pro_monthly" for p in shop.prices.values())
                        and all(shop.prices[id]["active"] for one in offered for id in one["prices"]))
        return answer

    shop.desk.sandbox.answer = watched  # type: ignore[method-assign]
    return seen


def test_3_a_new_amount_supersedes_the_price(shop: StripeShop) -> None:
    """Create with the key, repoint default price, then portal, archive, in that order; always an active price."""
    shop.settle(SQL2)
    old, portal = shop.products["sql2ai_pro"]["default_price"], shop.only("/v1/billing_portal/configurations")["id"]
    shop.desk.sandbox.subscribe(old, 101)
    manifest = changed("price/pro_monthly/unit_amount", 3500)
    made = shop.plan(manifest)
    action = shop.action(made, "price/pro_monthly")
    assert (action.op, action.effect, action.id) == (Op.REPLACE, "supersede", old) and Impact.MONEY in action.impact
    assert [(c.path, c.before, c.after, c.replaces) for c in action.changes] == [("unit_amount", 2900, 3500, True)]
    assert {n.text for n in action.notes} >= {"immutable in Stripe", "moves to the new price", "archived"}
    assert [f.text for f in shop.desk.price.look(action)] == ["more than 100 subscriptions stay on it"]
    assert Impact.MONEY in shop.action(made, "portal_configuration/main").impact
    seen = on_sale(shop)
    assert shop.settle(manifest) == ["POST /v1/prices", "POST /v1/products/sql2ai_pro",
                                     f"POST /v1/billing_portal/configurations/{portal}", f"POST /v1/prices/{old}"]
    new = shop.products["sql2ai_pro"]["default_price"]
    assert new != old and not shop.prices[old]["active"] and shop.prices[new]["lookup_key"] == "pro_monthly"
    assert shop.prices[old]["lookup_key"] is None and all(seen)
    create, default, offer, archive = shop.desk.bodies()[-4:]
    assert create["unit_amount"] == "3500" and create["transfer_lookup_key"] == "true"
    assert default == {"default_price": new} and archive == {"active": "false"}
    assert offer["features[subscription_update][products][0][prices][0]"] == new


@pytest.mark.parametrize("died", [1, 2, 3, 4])
def test_4_a_supersede_that_dies_halfway_is_finished(shop: StripeShop, died: int) -> None:
    """The new price is found again; there is no third one."""
    shop.settle(SQL2)
    manifest = changed("price/pro_monthly/unit_amount", 3500)
    left = [died]

    def fault(request: Any, n: int) -> Any:
        if request.method == "GET":
            return None
        left[0] -= 1
        return Response(500, {"error": {"type": "api_error", "message": "down"}}) if left[0] < 0 else None

    shop.desk.sandbox.faults.append(fault)
    shop.apply(manifest)
    shop.desk.sandbox.faults.clear()
    shop.settle(manifest)
    pro = [p for p in shop.prices.values() if p["product"] == "sql2ai_pro" and p["recurring"]["interval"] == "month"]
    assert sorted((p["unit_amount"], p["active"], p["lookup_key"]) for p in pro) == [
        (2900, False, None), (3500, True, "pro_monthly")]
    update = shop.only("/v1/billing_portal/configurations")["features"]["subscription_update"]
    assert update["products"][0]["prices"][0] == shop.products["sql2ai_pro"]["default_price"]


def test_5_a_new_nickname_is_one_request(shop: StripeShop) -> None:
    """One POST to the same price with the nickname alone."""
    shop.settle(SQL2)
    price = shop.products["sql2ai_pro"]["default_price"]
    assert shop.settle(changed("price/pro_monthly/nickname", "Pro a month")) == [f"POST /v1/prices/{price}"]
    assert shop.desk.bodies()[-1] == {"nickname": "Pro a month"}


def test_6_an_inner_tier_supersedes(shop: StripeShop) -> None:
    """Tiers are seen though Stripe hides them, inf is Stripe's null, an inner tier is another price."""
    shop.settle(SQL2)
    manifest = copy.deepcopy(SQL2)
    manifest["price"]["tokens_tiered"]["tiers"][0]["up_to"] = 200000
    action = shop.action(shop.plan(manifest), "price/tokens_tiered")
    assert [(c.path, c.before, c.after) for c in action.changes] == [("tiers[0].up_to", 100000, 200000)]
    assert shop.settle(manifest)[0] == "POST /v1/prices"


@pytest.mark.parametrize(("noun", "name", "path"), [
    ("product", "tokens", "/v1/products"), ("coupon", "launch30", "/v1/coupons"), ("tax_rate", "vat", "/v1/tax_rates"),
    ("promotion_code", "launch30", "/v1/promotion_codes"), ("feature", "query_history", "/v1/entitlements/features"),
    ("webhook_endpoint", "api", "/v1/webhook_endpoints"),
    ("portal_configuration", "main", "/v1/billing_portal/configurations")])
def test_7_a_key_that_left_the_metadata_is_removed(shop: StripeShop, noun: str, name: str, path: str) -> None:
    """Ours goes, a foreign one and our mark stay."""
    shop.settle(changed(f"{noun}/{name}/metadata", {"tier": "pro", "seats": "5"}))
    held = next(one for one in shop.held(path).values() if one["metadata"].get("tier"))
    held["metadata"]["team"] = "x"
    assert shop.settle(changed(f"{noun}/{name}/metadata", {"seats": "5"})) == [f"POST {path}/{held['id']}"]
    assert shop.desk.bodies()[-1] == {"metadata[tier]": ""}
    kept = shop.held(path)[held["id"]]["metadata"]
    assert kept["team"] == "x" and kept["seats"] == "5" and kept["reconciler_stack"] == "shop/test"


def test_8_tax_behaviour_is_said_once(shop: StripeShop) -> None:
    """From unspecified an update, from there a new price."""
    shop.settle(SQL2)
    said = changed("price/pro_yearly/tax_behavior", "exclusive")
    action = shop.action(shop.plan(said), "price/pro_yearly")
    assert action.op is Op.UPDATE and Impact.MONEY in action.impact
    shop.settle(said)
    action = shop.action(shop.plan(changed("price/pro_yearly/tax_behavior", "inclusive", said)), "price/pro_yearly")
    assert (action.op, action.effect) == (Op.REPLACE, "supersede")
    shop.settle(changed("price/pro_yearly/tax_behavior", "inclusive", said))


def test_9_a_product_with_prices_is_archived_last(shop: StripeShop) -> None:
    """Default price cleared, features detached, prices archived, then the product; no product is deleted."""
    shop.settle(SQL2)
    rest = without("product/pro", "price/pro_monthly", "price/pro_yearly", "product_feature/pro_history",
                   "coupon/launch30/applies_to", "portal_configuration/main")
    action = shop.action(shop.plan(rest), "product/pro")
    assert (action.op, action.effect) == (Op.DELETE, "archive")
    writes = shop.settle(rest)
    assert "DELETE /v1/products/sql2ai_pro" not in writes and writes[-1] == "POST /v1/products/sql2ai_pro"
    assert shop.desk.bodies()[-1] == {"active": "false"}
    assert {"default_price": ""} in shop.desk.bodies()
    assert not any(p["active"] for p in shop.prices.values() if p["product"] == "sql2ai_pro")
    assert not shop.held("/v1/products/sql2ai_pro/features")


def test_10_an_endpoint_with_the_url_is_adopted(shop: StripeShop) -> None:
    """It needs consent, writes the mark alone and no secret; events in another order are no difference."""
    there = shop.desk.send(Call("POST", "/v1/webhook_endpoints", {
        "url": "https://api.sql2.ai/hooks/stripe", "enabled_events": ["invoice.paid", "customer.subscription.updated"],
        "metadata": {"team": "x"}}))
    action = shop.action(shop.plan(SQL2), "webhook_endpoint/api")
    assert (action.op, action.impact, action.changes) == (Op.ADOPT, (Impact.ADOPT,), ())
    assert "secret unknown, rotate to obtain" in [note.text for note in action.notes]
    path = f"/v1/webhook_endpoints/{there['id']}"
    assert shop.settle(SQL2).count(f"POST {path}") == 1
    claim = next(r for r in shop.desk.sandbox.requests if r.path == path and r.method == "POST")
    assert claim.body == {"metadata": {"reconciler_stack": "shop/test",
                                       "reconciler_address": "stripe.webhook_endpoint/api"}}
    held = shop.only("/v1/webhook_endpoints")
    assert held["metadata"]["team"] == "x" and held["metadata"]["reconciler_address"] == "stripe.webhook_endpoint/api"
    assert shop.sink.held == {}
    after = shop.action(shop.plan(SQL2), "webhook_endpoint/api")
    assert "secret unknown, rotate to obtain" in [note.text for note in after.notes]


def test_11_an_archived_price_that_holds_the_key_is_no_obstacle(shop: StripeShop) -> None:
    """The new one takes the key with it."""
    shop.settle(without("portal_configuration/main"))
    shop.settle(without("portal_configuration/main", "price/pro_yearly"))
    held = shop.only("/v1/prices", lookup_key="pro_yearly")
    assert not held["active"]
    writes = shop.settle(changed("price/pro_yearly/unit_amount", 30000, without("portal_configuration/main")))
    assert writes == ["POST /v1/prices"] and held["lookup_key"] is None


def test_12_a_rate_limit_makes_no_double(shop: StripeShop) -> None:
    """429 on the 3rd of 40 creates: exactly 40 objects, the same key again."""
    manifest = {"product": {f"p{n}": {"name": f"Product {n}"} for n in range(40)}}
    seen = 0
    keys: list[str] = []

    def fault(request: Any, n: int) -> Any:
        nonlocal seen
        if request.method == "GET":
            return None
        seen += 1
        if seen in (3, 4):
            keys.append(request.headers["idempotency-key"])
        limited = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}}
        return Response(429, limited) if seen == 3 else None

    shop.desk.sandbox.faults.append(fault)
    shop.apply(manifest)
    assert len(shop.products) == 40 and len(set(keys)) == 1
    assert shop.plan(manifest).empty


def test_13_a_feature_archived_by_hand_comes_back(shop: StripeShop) -> None:
    """It is found among the archived ones and switched on, not made again: its key is taken."""
    shop.settle(SQL2)
    feature = shop.only("/v1/entitlements/features")
    feature["active"] = False
    action = shop.action(shop.plan(SQL2), "feature/query_history")
    assert (action.op, action.effect, action.id) == (Op.UPDATE, "restore", feature["id"])
    assert shop.settle(SQL2) == [f"POST /v1/entitlements/features/{feature['id']}"]
    assert shop.desk.bodies()[-1] == {"active": "true"}
    assert ("archived", "true") in [pair for r in shop.desk.sandbox.requests for pair in r.query]


def test_14_a_live_key_stops_where_test_is_pinned() -> None:
    """Before any request at all: the key's prefix tells the mode."""
    desk = Desk()
    api = desk.connect(key="sk_live_1", mode="test")
    with pytest.raises(WrongAccount, match="mode: test is pinned") as caught:
        api.pin()
    assert caught.value.exit_code == 4 and desk.sandbox.requests == []


def test_15_a_free_plan_is_free(shop: StripeShop) -> None:
    """An amount of 0 is sent and stable."""
    shop.settle(changed("price/free", {"product": {"ref": "enterprise"}, "currency": "usd", "unit_amount": 0}))
    assert any(body.get("unit_amount") == "0" for body in shop.desk.bodies())
