"""The digest's acceptance scenarios for products and prices, engine included."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.model import Impact, Op, Result
from reconciler.sandbox.store import Response
from tests.stripe.desk import judge
from tests.stripe.shop import StripeShop

SQL2: dict[str, Any] = {
    "product": {
        "pro": {"id": "sql2ai_pro", "name": "SQL2.AI Pro", "unit_label": "seat",
                "default_price": {"ref": "pro_monthly"}},
        "enterprise": {"id": "sql2ai_enterprise", "name": "SQL2.AI Enterprise"},
        "tokens": {"id": "sql2ai_tokens", "name": "AI tokens"},
    },
    "price": {
        "pro_monthly": {"product": {"ref": "pro"}, "currency": "usd", "unit_amount": 2900,
                        "recurring": {"interval": "month"},
                        "tax_behavior": "exclusive"},
        "pro_yearly": {"product": {"ref": "pro"}, "currency": "usd", "unit_amount": 29000,
                       "recurring": {"interval": "year"},
                       "currency_options": {"eur": {"unit_amount": 27000}}},
        "tokens_tiered": {"product": {"ref": "tokens"}, "currency": "usd", "billing_scheme": "tiered",
                          "tiers_mode": "graduated",
                          "tiers": [{"up_to": 100000, "unit_amount": 0},
                                    {"up_to": "inf", "unit_amount_decimal": "0.0004"}],
                          "recurring": {"interval": "month"}},
    },
}


@pytest.fixture
def shop() -> Iterator[StripeShop]:
    """A stack whose traffic the referee sees at the end."""
    shop = StripeShop()
    yield shop
    judge(shop.desk)


def changed(path: str, value: Any, of: dict[str, Any] = SQL2) -> dict[str, Any]:
    """The manifest with one field set, or taken out with `...`."""
    manifest = copy.deepcopy(of)
    *way, last = path.split("/")
    node = manifest
    for part in way:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return manifest


def test_an_empty_account_is_filled_in_order(shop: StripeShop) -> None:
    """Scenario 1: products, prices, the default price by a second POST; then nothing more, at the list floor."""
    writes = shop.settle(SQL2)
    assert sorted(writes[:3]) == ["POST /v1/products"] * 3
    assert writes.count("POST /v1/prices") == 3
    assert writes.index("POST /v1/products/sql2ai_pro") > writes.index("POST /v1/prices")
    assert len(writes) == 7
    assert shop.products["sql2ai_pro"]["default_price"] in shop.prices
    before = len(shop.desk.sandbox.requests)
    assert shop.plan(SQL2).empty
    assert [r.path for r in shop.desk.sandbox.requests[before:]] in (
        ["/v1/products", "/v1/prices"], ["/v1/prices", "/v1/products"])


@pytest.mark.parametrize("amount", [{"unit_amount": 2900}, {"unit_amount_decimal": "2900"},
                                    {"unit_amount_decimal": "2900.0"},
                                    {"unit_amount_decimal": "2900.000"}])
def test_an_amount_in_other_words_is_no_change(shop: StripeShop, amount: dict[str, Any]) -> None:
    """Scenario 2: whole or decimal, however written."""
    shop.settle(SQL2)
    manifest = changed("price/pro_monthly/unit_amount", ...)
    manifest["price"]["pro_monthly"].update(amount)
    assert shop.plan(manifest).empty


def on_sale(shop: StripeShop) -> list[bool]:
    """After every write: whether the product still has an active price with the key."""
    seen: list[bool] = []
    inner = shop.desk.sandbox.answer

    def watched(request: Any) -> Any:
        answer = inner(request)
        if request.method != "GET":
            seen.append(any(p["active"] and p["lookup_key"] == "pro_monthly" for p in shop.prices.values()))
        return answer

    shop.desk.sandbox.answer = watched  # type: ignore[method-assign]
    return seen


def test_a_new_amount_supersedes_the_price(shop: StripeShop) -> None:
    """Scenario 3: create with the key, repoint, archive, in that order; never a moment without an active price."""
    shop.settle(SQL2)
    old = shop.products["sql2ai_pro"]["default_price"]
    shop.desk.sandbox.subscribe(old, 101)
    manifest = changed("price/pro_monthly/unit_amount", 3500)
    action = shop.action(shop.plan(manifest), "price/pro_monthly")
    assert (action.op, action.effect, action.id) == (Op.REPLACE, "supersede", old) and Impact.MONEY in action.impact
    assert [(c.path, c.before, c.after, c.replaces) for c in action.changes] == [("unit_amount", 2900, 3500, True)]
    assert {n.text for n in action.notes} >= {"immutable in Stripe", "moves to the new price", "archived"}
    assert [f.text for f in shop.desk.price.look(action)] == ["more than 100 subscriptions stay on it"]
    seen = on_sale(shop)
    assert shop.settle(manifest) == ["POST /v1/prices", "POST /v1/products/sql2ai_pro", f"POST /v1/prices/{old}"]
    new = shop.products["sql2ai_pro"]["default_price"]
    assert new != old and not shop.prices[old]["active"] and shop.prices[new]["lookup_key"] == "pro_monthly"
    assert shop.prices[old]["lookup_key"] is None and all(seen)


@pytest.mark.parametrize("died", [1, 2, 3])
def test_a_supersede_that_dies_halfway_is_finished(shop: StripeShop, died: int) -> None:
    """Scenario 4: the new price is found again; there is no third one."""
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


def test_a_supersede_whose_answer_is_lost_is_found(shop: StripeShop) -> None:
    """The new price is there and nobody said so: the next run finds it by its mark and goes on."""
    shop.settle(SQL2)
    manifest = changed("price/pro_monthly/unit_amount", 3500)
    inner = shop.desk.sandbox.answer

    def lost(request: Any) -> Any:
        answer = inner(request)
        if request.method == "POST":
            raise httpx.ReadError("reset")
        return answer

    shop.desk.sandbox.answer = lost  # type: ignore[method-assign]
    report = shop.apply(manifest)
    assert report.having(Result.UNKNOWN)
    shop.desk.sandbox.answer = inner  # type: ignore[method-assign]
    assert "POST /v1/prices" not in shop.settle(manifest)
    assert [p["active"] for p in shop.prices.values() if p["unit_amount"] in (2900, 3500)] == [False, True]


def test_a_new_nickname_is_one_request(shop: StripeShop) -> None:
    """Scenario 5."""
    shop.settle(SQL2)
    price = shop.products["sql2ai_pro"]["default_price"]
    assert shop.settle(changed("price/pro_monthly/nickname", "Pro a month")) == [f"POST /v1/prices/{price}"]
    assert shop.desk.bodies()[-1] == {"nickname": "Pro a month"}


def test_an_inner_tier_supersedes(shop: StripeShop) -> None:
    """Scenario 6: tiers are seen though Stripe hides them, inf is Stripe's null, an inner tier is another price."""
    shop.settle(SQL2)
    manifest = copy.deepcopy(SQL2)
    manifest["price"]["tokens_tiered"]["tiers"][0]["up_to"] = 200000
    action = shop.action(shop.plan(manifest), "price/tokens_tiered")
    assert [(c.path, c.before, c.after) for c in action.changes] == [("tiers[0].up_to", 100000, 200000)]
    assert shop.settle(manifest)[0] == "POST /v1/prices"


def test_a_key_that_left_the_metadata_is_removed(shop: StripeShop) -> None:
    """Scenario 7: ours goes, a foreign one and our mark stay."""
    shop.settle(changed("product/tokens/metadata", {"tier": "pro", "seats": 5}))
    shop.products["sql2ai_tokens"]["metadata"]["team"] = "x"
    assert shop.settle(changed("product/tokens/metadata", {"seats": 5})) == ["POST /v1/products/sql2ai_tokens"]
    assert shop.desk.bodies()[-1] == {"metadata[tier]": ""}
    held = shop.products["sql2ai_tokens"]["metadata"]
    assert held["team"] == "x" and held["seats"] == "5" and held["reconciler_stack"] == "shop/test"


def test_tax_behaviour_is_said_once(shop: StripeShop) -> None:
    """Scenario 8: from unspecified an update, from there a new price."""
    shop.settle(SQL2)
    said = changed("price/pro_yearly/tax_behavior", "exclusive")
    action = shop.action(shop.plan(said), "price/pro_yearly")
    assert action.op is Op.UPDATE and Impact.MONEY in action.impact
    shop.settle(said)
    action = shop.action(shop.plan(changed("price/pro_yearly/tax_behavior", "inclusive", said)), "price/pro_yearly")
    assert (action.op, action.effect) == (Op.REPLACE, "supersede")
    shop.settle(changed("price/pro_yearly/tax_behavior", "inclusive", said))


def test_a_product_with_prices_is_archived_last(shop: StripeShop) -> None:
    """Scenario 9: default price cleared, prices archived, then the product; nothing is deleted."""
    shop.settle(SQL2)
    manifest = changed("product/pro", ...)
    del manifest["price"]["pro_monthly"], manifest["price"]["pro_yearly"]
    action = shop.action(shop.plan(manifest), "product/pro")
    assert (action.op, action.effect) == (Op.DELETE, "archive")
    writes = shop.settle(manifest)
    assert writes[0] == writes[-1] == "POST /v1/products/sql2ai_pro" and len(writes) == 4
    assert shop.desk.bodies()[-1] == {"active": "false"} and shop.desk.bodies()[-4] == {"default_price": ""}
    assert not any(p["active"] for p in shop.prices.values() if p["product"] == "sql2ai_pro")


def test_a_product_without_prices_is_deleted(shop: StripeShop) -> None:
    """It never had one, so Stripe takes the DELETE, and the plan says so."""
    shop.settle(SQL2)
    manifest = changed("product/enterprise", ...)
    assert shop.action(shop.plan(manifest), "product/enterprise").effect == "delete"
    assert shop.settle(manifest) == ["DELETE /v1/products/sql2ai_enterprise"]


def test_an_archived_price_that_holds_the_key_is_no_obstacle(shop: StripeShop) -> None:
    """Scenario 11: the new one takes the key with it."""
    shop.settle(SQL2)
    manifest = changed("price/pro_yearly", ...)
    shop.settle(manifest)
    held = next(p for p in shop.prices.values() if p["lookup_key"] == "pro_yearly")
    assert not held["active"]
    writes = shop.settle(changed("price/pro_yearly/unit_amount", 30000))
    assert writes == ["POST /v1/prices"] and held["lookup_key"] is None


def test_an_archived_price_that_costs_the_same_comes_back(shop: StripeShop) -> None:
    """Removed and declared again: the same object."""
    shop.settle(SQL2)
    shop.settle(changed("price/pro_yearly", ...))
    held = next(p["id"] for p in shop.prices.values() if p["lookup_key"] == "pro_yearly")
    assert shop.settle(SQL2) == [f"POST /v1/prices/{held}"]


def test_a_rate_limit_makes_no_double(shop: StripeShop) -> None:
    """Scenario 12: 429 on the 3rd of 40 creates, exactly 40 objects, the same key again."""
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


def test_a_free_plan_is_free(shop: StripeShop) -> None:
    """Scenario 15: an amount of 0 is sent and stable."""
    shop.settle(changed("price/free", {"product": {"ref": "enterprise"}, "currency": "usd", "unit_amount": 0}))
    assert any(body.get("unit_amount") == "0" for body in shop.desk.bodies())


def test_the_last_price_is_not_taken_from_a_product_on_sale(shop: StripeShop) -> None:
    """Blocked until it is agreed to by address; so is another currency."""
    shop.settle(SQL2)
    manifest = changed("price/tokens_tiered", ...)
    assert "last active price" in (shop.action(shop.plan(manifest), "price/tokens_tiered").blocked or "")
    shop.settle(manifest, allow=["irreversible:stripe.price/tokens_tiered"])
    euro = changed("price/pro_monthly/currency", "eur")
    assert "currency" in (shop.action(shop.plan(euro), "price/pro_monthly").blocked or "")
    shop.settle({**euro, "price": {k: v for k, v in euro["price"].items() if k != "tokens_tiered"}},
                allow=["irreversible:stripe.price/pro_monthly"])


def test_a_currency_taken_out_is_cleared_and_the_rest_written_again(shop: StripeShop) -> None:
    """Stripe has no way to remove a single one."""
    two = changed("price/pro_yearly/currency_options", {"eur": {"unit_amount": 27000}, "gbp": {"unit_amount": 25000}})
    shop.settle(two)
    price = next(p["id"] for p in shop.prices.values() if p["lookup_key"] == "pro_yearly")
    assert shop.settle(changed("price/pro_yearly/currency_options/eur", ..., two)) == [f"POST /v1/prices/{price}"] * 2
    assert list(shop.prices[price]["currency_options"]) == ["gbp"]


def test_what_was_archived_by_hand_comes_back(shop: StripeShop) -> None:
    """Drift of a price and of a product is undone in place."""
    shop.settle(SQL2)
    price = next(p for p in shop.prices.values() if p["lookup_key"] == "pro_yearly")
    price["active"] = shop.products["sql2ai_tokens"]["active"] = False
    made = shop.plan(SQL2)
    assert shop.action(made, "price/pro_yearly").effect == shop.action(made, "product/tokens").effect == "restore"
    assert sorted(shop.settle(SQL2)) == [f"POST /v1/prices/{price['id']}", "POST /v1/products/sql2ai_tokens"]


def test_a_default_price_set_in_the_dashboard_is_no_obstacle(shop: StripeShop) -> None:
    """Trap (a): Stripe's own default price is let go before that price is archived, though no manifest names it."""
    manifest = changed("product/pro/default_price", ...)
    shop.settle(manifest)
    price = next(p for p in shop.prices.values() if p["lookup_key"] == "pro_yearly")
    shop.products["sql2ai_pro"]["default_price"] = price["id"]
    writes = shop.settle(changed("price/pro_yearly", ..., manifest))
    assert writes == ["POST /v1/products/sql2ai_pro", f"POST /v1/prices/{price['id']}"]


def test_another_product_id_takes_the_prices_along(shop: StripeShop) -> None:
    """A new product is made, its prices with it, and the old ones end."""
    shop.settle(SQL2)
    manifest = changed("product/pro/id", "sql2ai_pro2")
    shop.settle(manifest)
    assert not shop.products["sql2ai_pro"]["active"] and shop.products["sql2ai_pro2"]["default_price"] in shop.prices
    assert {p["active"] for p in shop.prices.values() if p["product"] == "sql2ai_pro"} == {False}


def test_a_refused_step_leaves_the_rest_alone(shop: StripeShop) -> None:
    """Stripe's no to one price fails that price; the next run does only the rest."""
    refused = {"error": {"type": "invalid_request_error", "message": "no", "param": "recurring[interval]"}}
    shop.desk.sandbox.faults.append(lambda request,
                                    n: Response(400, refused) if b"pro_yearly" in request.body else None)
    report = shop.apply(SQL2)
    failed = report.having(Result.FAILED)
    assert [str(o.address) for o in failed] == ["stripe.price/pro_yearly"] and failed[0].path == "recurring.interval"
    shop.desk.sandbox.faults.clear()
    assert shop.settle(SQL2) == ["POST /v1/prices"]
