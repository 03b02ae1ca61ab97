"""Meters: what becomes of usage when one ends or another takes its place."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import Ask
from reconciler.model import Call, Impact, Op
from reconciler.sandbox.store import Response
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import catalogue, changed, without

USAGE = catalogue()
METERS = "/v1/billing/meters"
LIFT = ["irreversible:stripe.meter/ai_tokens"]
KEEP_SELLING = {"product": {"ref": "tokens"}, "currency": "usd", "unit_amount": 500}


def test_another_event_name_is_refused_and_then_made_first(shop: StripeShop) -> None:
    """Usage stays behind; agreed to by address: new meter, price superseded, old price archived, old meter off last."""
    shop.settle(USAGE)
    meter, price = shop.only(METERS)["id"], shop.only("/v1/prices", lookup_key="tokens_tiered")["id"]
    manifest = changed("meter/ai_tokens/event_name", "tokens_used", USAGE)
    action = shop.action(shop.plan(manifest), "meter/ai_tokens")
    assert action.op is Op.BLOCKED and "usage recorded so far stays with the old meter" in (action.blocked or "")
    assert LIFT[0] in (action.blocked or "")
    assert shop.settle(manifest, allow=LIFT) == [f"POST {METERS}", "POST /v1/prices", f"POST /v1/prices/{price}",
                                                 f"POST {METERS}/{meter}/deactivate"]
    assert shop.held(METERS)[meter]["status"] == "inactive"


def test_another_way_to_count_is_refused_and_then_the_old_meter_ends_first(shop: StripeShop) -> None:
    """Both would have one event name, and Stripe takes that once among active meters."""
    shop.settle(USAGE)
    meter = shop.only(METERS)["id"]
    manifest = changed("meter/ai_tokens/default_aggregation", {"formula": "count"}, USAGE)
    assert shop.action(shop.plan(manifest), "meter/ai_tokens").op is Op.BLOCKED
    writes = shop.settle(manifest, allow=LIFT)
    assert writes[:3] == [f"POST {METERS}/{meter}/deactivate", f"POST {METERS}", "POST /v1/prices"]


def test_a_meter_that_active_prices_use_is_not_deactivated_unasked(shop: StripeShop) -> None:
    """Removed or switched off: refused with the price's id, also where no manifest knows that price."""
    shop.settle(USAGE)
    price = shop.only("/v1/prices", lookup_key="tokens_tiered")["id"]
    off = changed("meter/ai_tokens/status", "inactive", USAGE)
    assert f"{price} is on sale and billed by it" in (shop.action(shop.plan(off), "meter/ai_tokens").blocked or "")
    alone = {"meter": USAGE["meter"]}
    other = StripeShop()
    other.settle(alone)
    other.desk.make(other.desk.product, "p", id="p", name="P")
    sold = other.desk.make(other.desk.price, "p", product="p", currency="usd", unit_amount=1, recurring={
        "interval": "month", "usage_type": "metered", "meter": other.only(METERS)["id"]})
    made = other.plan({"product": {"q": {"name": "Q"}}})
    assert sold.id in (other.action(made, "meter/ai_tokens").blocked or "")


def test_a_meter_ends_after_its_prices(shop: StripeShop) -> None:
    """Price archived, then meter deactivated: nothing to refuse, as the price goes in the same plan."""
    manifest = changed("price/flat", KEEP_SELLING, USAGE)
    shop.settle(manifest)
    meter, price = shop.only(METERS)["id"], shop.only("/v1/prices", lookup_key="tokens_tiered")["id"]
    rest = without("meter/ai_tokens", "price/tokens_tiered", of=manifest)
    action = shop.action(shop.plan(rest), "meter/ai_tokens")
    assert (action.op, action.effect) == (Op.DELETE, "deactivate")
    assert shop.settle(rest) == [f"POST /v1/prices/{price}", f"POST {METERS}/{meter}/deactivate"]


def test_a_meter_that_was_deactivated_by_hand_is_switched_on_again(shop: StripeShop) -> None:
    """And the plan says that usage in between is not filled in, which is money."""
    shop.settle(USAGE)
    meter = shop.only(METERS)["id"]
    shop.desk.send(Call("POST", f"{METERS}/{meter}/deactivate", {}))
    action = shop.action(shop.plan(USAGE), "meter/ai_tokens")
    assert action.effect == "restore" and {Impact.DRIFT, Impact.MONEY} <= set(action.impact)
    assert "usage sent while it was inactive is not filled in" in [note.text for note in action.notes]
    assert shop.settle(USAGE) == [f"POST {METERS}/{meter}/reactivate"]


def test_declared_again_a_meter_is_the_same_one(shop: StripeShop) -> None:
    """Its prices attach to it anew, and nothing is made twice."""
    alone = {"meter": USAGE["meter"], "product": USAGE["product"]}
    alone = without("product/pro/default_price", of=alone)
    shop.settle(alone)
    meter = shop.only(METERS)["id"]
    shop.settle({"product": alone["product"]})
    assert shop.settle(alone) == [f"POST {METERS}/{meter}/reactivate"]


def test_its_users_are_asked_for_only_when_it_leaves(desk: Desk) -> None:
    """A plan that changes nothing takes one list; without leave to see prices it plans all the same."""
    live = desk.make(desk.meter, "m", event_name="m", display_name="M", default_aggregation={"formula": "sum"})
    want = desk.want(desk.meter, "m", {"event_name": "m", "display_name": "M", "default_aggregation": {"formula": "sum"}})
    before = desk.api.reads_made
    list(desk.meter.list(Ask(wants=(want,), ids=frozenset({live.id}))))
    assert desk.api.reads_made == before + 1
    desk.sandbox.faults.append(lambda request, n: Response(403, {"error": {"message": "no"}})
                               if request.path == "/v1/prices" else None)
    assert [one.id for one in desk.meter.list(Ask(ids=frozenset({live.id})))] == [live.id]
    assert desk.api.reads_made == before + 3


@pytest.mark.parametrize(("want", "comes"), [
    ({}, True), ({"display_name": "Other"}, True), ({"value_settings": None}, True),
    ({"default_aggregation": {"formula": "last"}}, False), ({"customer_mapping": {"event_payload_key": "x"}}, False)])
def test_an_inactive_meter_comes_back_when_it_counts_the_same(desk: Desk, want: dict[str, Any], comes: bool) -> None:
    """Else another one is made under its name."""
    fields = {"event_name": "m", "display_name": "M", "default_aggregation": {"formula": "sum"}}
    live = desk.make(desk.meter, "m", **fields)
    for call in desk.meter.delete(live):
        desk.send(call)
    held = desk.meter.get(live.id)
    assert held is not None and held.archived and not list(desk.meter.delete(held))
    assert desk.meter.revivable(held, desk.want(desk.meter, "m", {**fields, **want})) is comes
