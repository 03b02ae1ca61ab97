"""The portal: what is written of a block, what becomes of the default one, which prices it may offer."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Call, Impact, Op
from reconciler.vendors.stripe.portal import PortalConfiguration
from reconciler.vendors.stripe.portal_fields import PortalConfigurationSpec
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import catalogue, changed, without

OFFER = catalogue("portal_configuration")
PATH = "/v1/billing_portal/configurations"
MAIN = "portal_configuration/main"
UPDATE = f"{MAIN}/features/subscription_update"


def last(shop: StripeShop) -> dict[str, str]:
    """The last write without the prefix that all of it shares."""
    return {key.replace("features[subscription_update]", "~"): value for key, value in shop.desk.bodies()[-1].items()}


def test_products_are_seen_though_stripe_hides_them(shop: StripeShop) -> None:
    """Expanded in every read; another order of prices is no difference (stripe/terraform-provider-stripe#53, #54)."""
    shop.settle(OFFER)
    prices = OFFER["portal_configuration"]["main"]["features"]["subscription_update"]["products"][0]["prices"]
    turned = [{"product": {"ref": "pro"}, "prices": prices[::-1]}]
    assert shop.plan(changed(f"{UPDATE}/products", turned, OFFER)).empty
    reads = [r for r in shop.desk.sandbox.requests if r.path == PATH and r.method == "GET"]
    assert all(("expand[0]", "data.features.subscription_update.products") in r.query for r in reads) and reads


def test_of_a_block_goes_what_changed(shop: StripeShop) -> None:
    """And whether it is on, which Stripe wants with it; nothing else of the block, and no other block."""
    shop.settle(OFFER)
    shop.settle(changed(f"{UPDATE}/proration_behavior", "always_invoice", OFFER))
    assert last(shop) == {"~[enabled]": "true", "~[proration_behavior]": "always_invoice"}


def test_what_people_set_beside_a_wanted_product_stays(shop: StripeShop) -> None:
    """A list of products goes whole, so what is live of each goes with it."""
    shop.settle(OFFER)
    held = shop.only(PATH)["features"]["subscription_update"]["products"][0]
    held["adjustable_quantity"] = {"enabled": True, "minimum": 2, "maximum": 9}
    one = [{"product": {"ref": "pro"}, "prices": [{"ref": "pro_monthly"}]}]
    shop.settle(changed(f"{UPDATE}/products", one, OFFER))
    body = last(shop)
    assert body["~[products][0][adjustable_quantity][maximum]"] == "9"
    assert "~[products][0][prices][1]" not in body


def test_a_block_that_is_null_is_off_and_one_that_is_left_out_is_not_managed(shop: StripeShop) -> None:
    """Nothing, null and false are three things."""
    shop.settle(OFFER)
    silent = changed(f"{MAIN}/features/invoice_history", ..., OFFER)
    assert not any(a.acts for a in shop.plan(silent).actions)
    off = changed(f"{MAIN}/features/invoice_history", None, OFFER)
    shop.settle(off)
    assert shop.desk.bodies()[-1] == {"features[invoice_history][enabled]": "false"}
    shop.settle(changed(f"{MAIN}/features/subscription_update", None, off))
    assert last(shop) == {"~[enabled]": "false"}


def test_twins_are_named_and_left_alone(shop: StripeShop) -> None:
    """Two unmarked ones of one name: blocked, both named; the one that is said is taken."""
    body = {"name": "main", "features": {"invoice_history": {"enabled": True}}}
    ids = [shop.desk.send(Call("POST", PATH, body))["id"] for _ in range(2)]
    manifest = {"portal_configuration": {"main": {"features": {"invoice_history": {"enabled": True}}}}}
    blocked = shop.action(shop.plan(manifest), MAIN).blocked or ""
    assert all(id in blocked for id in ids) and "lifecycle.id" in blocked
    assert shop.settle(changed(f"{MAIN}/lifecycle", {"id": ids[0]}, manifest)) == [f"POST {PATH}/{ids[0]}"]


def test_the_default_one_is_let_go(shop: StripeShop) -> None:
    """Stripe can't switch it off: its entry's end takes the mark off, and `active: false` is refused."""
    shop.settle(OFFER)
    shop.only(PATH)["is_default"] = True
    rest = without(MAIN, of=OFFER)
    action = shop.action(shop.plan(rest), MAIN)
    assert action.op is Op.FORGET and "default" in action.notes[0].text
    off = shop.action(shop.plan(changed(f"{MAIN}/active", False, OFFER)), MAIN)
    assert off.op is Op.BLOCKED and "default" in (off.blocked or "")
    assert shop.settle(rest) == [f"POST {PATH}/bpc_1"]
    held = shop.only(PATH)
    assert held["active"] and "reconciler_stack" not in held["metadata"]


def test_any_other_is_switched_off_and_comes_back(shop: StripeShop) -> None:
    """There is no delete; declared again it is the same one."""
    shop.settle(OFFER)
    rest = without(MAIN, of=OFFER)
    assert shop.action(shop.plan(rest), MAIN).effect == "deactivate"
    assert shop.settle(rest) == [f"POST {PATH}/bpc_1"] and shop.desk.bodies()[-1] == {"active": "false"}
    assert shop.settle(OFFER) == [f"POST {PATH}/bpc_1"]


def test_a_portal_turns_away_before_its_price_is_archived(shop: StripeShop) -> None:
    """Price removed and no longer offered: portal first, then the price."""
    shop.settle(OFFER)
    price = shop.only("/v1/prices", lookup_key="pro_yearly")["id"]
    one = [{"product": {"ref": "pro"}, "prices": [{"ref": "pro_monthly"}]}]
    manifest = without("price/pro_yearly", of=changed(f"{UPDATE}/products", one, OFFER))
    assert shop.settle(manifest) == [f"POST {PATH}/bpc_1", f"POST /v1/prices/{price}"]


def test_an_archived_price_is_not_offered(shop: StripeShop) -> None:
    """Stripe refuses such a portal; the plan says so first."""
    shop.settle(OFFER)
    gone = shop.desk.make(shop.desk.price, "gone", product="sql2ai_pro", currency="usd", unit_amount=1)
    shop.desk.send(Call("POST", f"/v1/prices/{gone.id}", {"active": False}))
    offered = [{"product": {"ref": "pro"}, "prices": [gone.id]}]
    manifest = changed(f"{UPDATE}/products", offered, OFFER)
    manifest["price"]["gone"] = {"product": {"ref": "pro"}, "currency": "usd", "unit_amount": 1, "active": False,
                                 "lookup_key": None, "lifecycle": {"id": gone.id, "adopt": "changes"}}
    action = shop.action(shop.plan(manifest), MAIN)
    assert action.op is Op.BLOCKED and f"{gone.id} is archived" in (action.blocked or "")


def test_a_price_that_portals_go_on_to_offer_is_pointed_out(shop: StripeShop) -> None:
    """A supersede moves our own portal; one that no manifest knows, or whose products none manages, is named."""
    shop.settle(OFFER)
    old = shop.only("/v1/prices", lookup_key="pro_monthly")["id"]
    other = shop.desk.send(Call("POST", PATH, {"name": "Old", "features": {"subscription_update": {
        "enabled": True, "default_allowed_updates": ["price"], "products": [{"product": "sql2ai_pro",
                                                                             "prices": [old]}]}}}))
    action = shop.action(shop.plan(changed("price/pro_monthly/unit_amount", 3500, OFFER)), "price/pro_monthly")
    said = "still offers it, and nothing in this plan turns it away"
    assert [note.text for note in action.notes if note.subject == "portal"] == [f"{other['id']} {said}"]
    bare = changed("price/pro_monthly/unit_amount", 3500, changed(f"{UPDATE}/products", ..., OFFER))
    found = [note.text for note in shop.action(shop.plan(bare), "price/pro_monthly").notes if note.subject == "portal"]
    assert sorted(found) == [f"bpc_1 {said}", f"bpc_2 {said}"]


def test_impacts_say_what_a_portal_means(shop: StripeShop) -> None:
    """Prices on offer are money, the login page is access, words are cosmetic."""
    shop.settle(OFFER)
    for path, value, impact in ((f"{UPDATE}/proration_behavior", "always_invoice", Impact.MONEY),
                                (f"{MAIN}/login_page", {"enabled": True}, Impact.ACCESS),
                                (f"{MAIN}/business_profile", {"headline": "Plans"}, Impact.COSMETIC),
                                (f"{MAIN}/features/invoice_history", None, Impact.BEHAVIOURAL)):
        assert shop.action(shop.plan(changed(path, value, OFFER)), MAIN).impact == (impact,), path


@pytest.mark.parametrize(("features", "path"), [
    ({"customer_update": {"enabled": True, "allowed_updates": []}}, "features.customer_update.allowed_updates"),
    ({"subscription_update": {"enabled": True, "products": []}}, "features.subscription_update.products"),
    ({"subscription_update": {"enabled": True, "default_allowed_updates": None}},
     "features.subscription_update.default_allowed_updates"),
    ({"subscription_update": {"enabled": True, "products": [{"product": "a", "prices": ["b"]},
                                                            {"product": "a", "prices": ["c"]}]}},
     "features.subscription_update.products[1].product"),
    ({"subscription_pause": {"duration": {"type": "interval_options"}}},
     "features.subscription_pause.duration.interval_options"),
    ({"subscription_pause": {"duration": {"type": "indefinite", "interval_options": [{"interval": "day"}]}}},
     "features.subscription_pause.duration.interval_options"),
    ({"subscription_pause": {"duration": {"type": "interval_options", "interval_options": [
        {"interval": "month", "interval_count": 37}]}}},
     "features.subscription_pause.duration.interval_options[0].interval_count")])
def test_what_stripe_wants_beside_what_is_on_is_found(features: dict[str, Any], path: str) -> None:
    """At the field that has to be changed."""
    given = PortalConfigurationSpec.model_validate({"features": features}).given()
    assert [where for where, _ in PortalConfiguration().check(given)] == [path]


def test_a_bare_portal_is_everything_off(desk: Desk) -> None:
    """Stripe wants features at creation; what nobody gives is off, and equal to null."""
    live = desk.make(desk.portal_configuration, "bare", name="Bare")
    assert desk.bodies()[-1]["features[invoice_history][enabled]"] == "false"
    assert not desk.changes(desk.portal_configuration, live, {"features": None, "business_profile": None,
                                                              "login_page": None, "default_return_url": ""})
    desk.make(desk.portal_configuration, "reason", name="Reason", features={"subscription_cancel": {
        "enabled": True, "cancellation_reason": {"enabled": False}}})
    assert desk.bodies()[-1]["features[subscription_cancel][cancellation_reason][options]"] == ""
