"""The official SDK over the rest of the sandbox: discounts, taxes, usage, entitlements, endpoints, the portal."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Call
from tests.stripe.desk import Desk

stripe = pytest.importorskip("stripe")


def refused(act: Any, *given: Any) -> Any:
    """The SDK's error of a call."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        act(*given)
    return caught.value


def test_the_sdk_makes_coupons_and_codes(client: Any) -> None:
    """Hidden fields on demand, codes unique while active, an id free again after its deletion."""
    coupons, codes = client.v1.coupons, client.v1.promotion_codes
    made = coupons.create({"id": "half", "amount_off": 500, "currency": "USD",
                           "currency_options": {"eur": {"amount_off": 450}}})
    assert (made.currency, made.duration, made.valid) == ("usd", "once", True) and "currency_options" not in made
    assert set(coupons.retrieve("half", {"expand": ["currency_options"]}).currency_options.to_dict()) == {"usd", "eur"}
    assert refused(coupons.create, {"id": "half", "percent_off": 5}).code == "resource_already_exists"
    code = codes.create({"code": "Half", "promotion": {"type": "coupon", "coupon": "half"}})
    assert code.promotion.coupon == "half" and code.restrictions.first_time_transaction is False
    assert refused(codes.create, {"code": "HALF", "promotion": {"type": "coupon", "coupon": "half"}}).param == "code"
    assert [one.id for one in codes.list({"code": "half", "active": True})] == [code.id]
    assert coupons.delete("half").deleted and not codes.retrieve(code.id).active
    coupons.create({"id": "half", "percent_off": 12.5})
    assert refused(codes.update, code.id, {"active": True}).param == "active"
    assert codes.create({"code": "HALF", "promotion": {"type": "coupon", "coupon": "half"}}).active


@pytest.mark.parametrize(("params", "param"), [
    ({}, "percent_off"), ({"percent_off": 101}, "percent_off"), ({"amount_off": 5}, "currency"),
    ({"percent_off": 5, "duration": "repeating"}, "duration_in_months"), ({"percent_off": 5, "name": "x" * 41}, "name"),
    ({"percent_off": 5, "applies_to": {"products": ["none"]}}, "applies_to[products]"),
    ({"percent_off": 5, "currency_options": {"eur": {"amount_off": 1}}}, "currency_options")])
def test_the_sandbox_refuses_coupons_that_stripe_refuses(client: Any, params: dict[str, Any], param: str) -> None:
    """With the parameter that is wrong."""
    assert refused(client.v1.coupons.create, params).param == param


def test_the_sdk_meets_meters(client: Any) -> None:
    """An event name is taken once while active; an inactive meter takes no price."""
    meters = client.v1.billing.meters
    body = {"event_name": "tokens", "display_name": "Tokens", "default_aggregation": {"formula": "sum"}}
    made = meters.create(body)
    assert (made.status, made.customer_mapping.event_payload_key, made.value_settings.event_payload_key) == (
        "active", "stripe_customer_id", "value")
    assert refused(meters.create, body).param == "event_name"
    assert meters.update(made.id, {"display_name": "T"}).display_name == "T"
    assert meters.deactivate(made.id).status_transitions.deactivated_at
    client.v1.products.create({"id": "p", "name": "P"})
    price = {"product": "p", "currency": "usd", "unit_amount": 1,
             "recurring": {"interval": "month", "usage_type": "metered", "meter": made.id}}
    assert refused(client.v1.prices.create, price).param == "recurring[meter]"
    assert meters.reactivate(made.id).status == "active" and client.v1.prices.create(price).recurring.meter == made.id
    assert [one.id for one in meters.list({"status": "active"})] == [made.id] and not meters.list({"status": "inactive"}).data


def test_the_sdk_meets_entitlements(client: Any) -> None:
    """Archived features are hidden, keep their key, and can't be attached; attachments show the feature whole."""
    features = client.v1.entitlements.features
    made = features.create({"lookup_key": "history", "name": "History"})
    client.v1.products.create({"id": "p", "name": "P"})
    held = client.v1.products.features.create("p", {"entitlement_feature": made.id})
    assert held.entitlement_feature.lookup_key == "history"
    assert refused(client.v1.products.features.create, "p", {"entitlement_feature": made.id}).param == "entitlement_feature"
    assert client.v1.products.features.delete("p", held.id).deleted and not client.v1.products.features.list("p").data
    assert not features.update(made.id, {"active": False}).active
    assert not features.list().data and [one.id for one in features.list({"archived": True})] == [made.id]
    assert refused(features.create, {"lookup_key": "history", "name": "x"}).param == "lookup_key"
    assert refused(client.v1.products.features.create, "p", {"entitlement_feature": made.id}).param == "entitlement_feature"
    assert refused(client.v1.products.features.list, "none").http_status == 404


def test_the_sdk_meets_tax_rates(client: Any) -> None:
    """What is charged is no parameter of an update."""
    made = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False, "country": "DE"})
    assert (made.percentage, made.rate_type, made.active) == (19, "percentage", True)
    assert client.v1.tax_rates.update(made.id, {"active": False, "state": "BY"}).state == "BY"
    assert refused(client.v1.tax_rates.update, made.id, {"percentage": 20}).code == "parameter_unknown"
    assert [one.id for one in client.v1.tax_rates.list({"active": False})] == [made.id]


def test_the_sdk_meets_endpoints(client: Any) -> None:
    """The secret comes with the create and never again."""
    made = client.v1.webhook_endpoints.create({"url": "https://a.example/", "enabled_events": ["*"], "connect": True})
    assert made.secret.startswith("whsec_") and made.application and made.status == "enabled"
    held = client.v1.webhook_endpoints.update(made.id, {"disabled": True, "description": "x"})
    assert "secret" not in held and held.status == "disabled"
    assert refused(client.v1.webhook_endpoints.update, made.id, {"connect": False}).code == "parameter_unknown"
    assert refused(client.v1.webhook_endpoints.create, {"url": "ftp://a", "enabled_events": ["*"]}).param == "url"
    assert client.v1.webhook_endpoints.delete(made.id).deleted


def test_the_sdk_meets_the_portal(client: Any) -> None:
    """Blocks are filled, products are hidden, a price on offer is on sale, the default one stays on."""
    portals = client.v1.billing_portal.configurations
    client.v1.products.create({"id": "p", "name": "P"})
    price = client.v1.prices.create({"product": "p", "currency": "usd", "unit_amount": 1, "recurring": {"interval": "month"}})
    update = {"enabled": True, "default_allowed_updates": ["price"], "products": [{"product": "p", "prices": [price.id]}]}
    made = portals.create({"features": {"subscription_update": update}})
    assert made.features.customer_update.enabled is False and made.features.subscription_update.enabled
    assert "products" not in made.features.subscription_update
    shown = portals.retrieve(made.id, {"expand": ["features.subscription_update.products"]})
    assert shown.features.subscription_update.products[0].prices == [price.id]
    changed = portals.update(made.id, {"features": {"subscription_cancel": {"enabled": True}}, "name": "Main"})
    assert changed.features.subscription_cancel.mode == "at_period_end" and changed.features.subscription_update.enabled
    client.v1.prices.update(price.id, {"active": False})
    error = refused(portals.update, made.id, {"features": {"subscription_update": {"products": update["products"]}}})
    assert error.param == "features[subscription_update][products][0][prices][0]"
    assert refused(portals.create, {"features": {"customer_update": {"allowed_updates": ["email"]}}}).param == (
        "features[customer_update][enabled]")


def test_the_default_portal_stays_on(desk: Desk, client: Any) -> None:
    """Stripe refuses to switch it off."""
    made = client.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    desk.sandbox.objects["/v1/billing_portal/configurations"][made.id]["is_default"] = True
    assert refused(client.v1.billing_portal.configurations.update, made.id, {"active": False}).param == "active"


@pytest.mark.parametrize(("path", "body", "act"), [
    ("/v1/coupons", {"id": "a", "percent_off": 12.5, "applies_to": {"products": ["p"]}}, "coupons"),
    ("/v1/tax_rates", {"display_name": "VAT", "percentage": 19.5, "inclusive": False}, "tax_rates"),
    ("/v1/webhook_endpoints", {"url": "https://a.example/?x=1", "enabled_events": ["*"]}, "webhook_endpoints"),
    ("/v1/billing_portal/configurations", {"features": {"customer_update": {
        "enabled": True, "allowed_updates": ["email", "tax_id"]}}}, "billing_portal.configurations")])
def test_our_client_sends_what_the_sdk_sends(desk: Desk, client: Any, path: str, body: dict[str, Any], act: str) -> None:
    """The same create through the SDK and through our own client is the same request, pair by pair."""
    client.v1.products.create({"id": "p", "name": "P"})
    target = client.v1
    for part in act.split("."):
        target = getattr(target, part)
    target.create(body)
    desk.sandbox.objects["/v1/coupons"] = {}
    desk.api.send(Call("POST", path, body), "k")
    sdk, ours = desk.sandbox.requests[-2:]
    assert sdk.body == ours.body and sdk.path == ours.path
