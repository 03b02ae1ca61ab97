"""The official `stripe` SDK as the sandbox's client, in this process and over a loopback port."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Call
from reconciler.sandbox.store import Request
from tests.stripe.desk import Desk

stripe = pytest.importorskip("stripe")


def test_the_sdk_makes_changes_and_deletes_a_product(client: Any) -> None:
    """Its objects come back as it knows them."""
    made = client.v1.products.create({"id": "pro", "name": "Pro", "images": ["https://a.example/1.png"],
                                      "metadata": {"a": "1"}})
    assert (made.id, made.type, made.images, made.livemode) == ("pro", "service", ["https://a.example/1.png"], False)
    changed = client.v1.products.update("pro", {"images": "", "metadata": {"a": "", "b": "2"}, "description": "x"})
    assert changed.images == [] and changed.metadata.to_dict() == {"b": "2"} and changed.description == "x"
    assert client.v1.products.retrieve("pro").description == "x"
    assert client.v1.products.delete("pro").deleted
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.products.retrieve("pro")
    assert caught.value.http_status == 404 and caught.value.code == "resource_missing"


def test_the_sdk_makes_prices_and_moves_a_lookup_key(client: Any) -> None:
    """Both forms of the amount come back, and the key has one holder."""
    client.v1.products.create({"id": "pro", "name": "Pro"})
    first = client.v1.prices.create({"product": "pro", "currency": "USD", "unit_amount": 2900, "lookup_key": "m",
                                     "recurring": {"interval": "month"}})
    assert (first.currency, first.unit_amount, str(first.unit_amount_decimal), first.type) == ("usd", 2900, "2900",
                                                                                               "recurring")
    assert "tiers" not in first and "currency_options" not in first
    more = {"product": "pro", "currency": "usd", "unit_amount": 3500, "lookup_key": "m"}
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        client.v1.prices.create(more)
    second = client.v1.prices.create({**more, "transfer_lookup_key": True, "expand": ["currency_options", "product"]})
    assert list(second.currency_options.to_dict()) == ["usd"] and second.product.name == "Pro"
    assert [p.id for p in client.v1.prices.list({"lookup_keys": ["m"]})] == [second.id]


@pytest.mark.parametrize(("params", "param"), [
    ({"unit_amount": 5}, "unit_amount"), ({"recurring": {"interval": "year"}}, "recurring"),
    ({"currency": "eur"}, "currency"),
    ({"tiers": [{"up_to": "inf", "unit_amount": 1}]}, "tiers"), ({"product": "other"}, "product")])
def test_what_is_immutable_is_an_unknown_parameter(client: Any, params: dict[str, Any], param: str) -> None:
    """An update of a price takes none of what it costs."""
    client.v1.products.create({"id": "pro", "name": "Pro"})
    price = client.v1.prices.create({"product": "pro", "currency": "usd", "unit_amount": 1})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.update(price.id, params)
    assert caught.value.code == "parameter_unknown" and caught.value.param == param


@pytest.mark.parametrize(("params", "param"), [
    ({"unit_amount": -1}, "unit_amount"), ({}, "unit_amount"),
    ({"unit_amount": 1, "unit_amount_decimal": "1"}, "unit_amount"),
    ({"unit_amount_decimal": "1.1234567890123"}, "unit_amount_decimal"),
    ({"unit_amount": 1, "product": "none"}, "product"),
    ({"unit_amount": 1, "recurring": {"interval": "year", "interval_count": 4}}, "recurring[interval_count]"),
    ({"unit_amount": 1, "recurring": {"interval": "month", "meter": "m"}}, "recurring[meter]"),
    ({"billing_scheme": "tiered", "tiers_mode": "volume"}, "tiers"),
    ({"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": [{"up_to": 5, "unit_amount": 1}]},
     "tiers[0][up_to]"),
    ({"unit_amount": 1, "metadata": {"k" * 41: "v"}}, "metadata"), ({"unit_amount": 1, "nope": 1}, "nope"),
    ({"unit_amount": 1, "lookup_key": ""}, "lookup_key")])
def test_the_sandbox_refuses_what_stripe_refuses(client: Any, params: dict[str, Any], param: str) -> None:
    """With the parameter that is wrong."""
    client.v1.products.create({"id": "pro", "name": "Pro"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.create({"product": "pro", "currency": "usd", **params})
    assert caught.value.http_status == 400 and caught.value.param == param


def test_the_sdk_pages_through_everything(client: Any) -> None:
    """auto_paging_iter sees each of 25 products once, newest first, and backwards as well."""
    for n in range(25):
        client.v1.products.create({"id": f"p{n}", "name": "x", "active": n % 2 == 0})
    found = [p.id for p in client.v1.products.list({"limit": 10}).auto_paging_iter()]
    assert found == [f"p{n}" for n in reversed(range(25))]
    assert [p.id for p in client.v1.products.list({"limit": 4, "active": False}).auto_paging_iter()] == [
        f"p{n}" for n in reversed(range(25)) if n % 2]
    assert [p.id for p in client.v1.products.list({"limit": 2, "ending_before": "p10"})] == ["p12", "p11"]
    for wrong in ({"limit": 101}, {"starting_after": "gone"}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.products.list(wrong)


def test_the_sdk_meets_idempotency(client: Any) -> None:
    """The same key and parameters replay, refusals too; other parameters are refused."""
    first = client.v1.products.create({"name": "A"}, {"idempotency_key": "k1"})
    assert client.v1.products.create({"name": "A"}, {"idempotency_key": "k1"}).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.products.create({"name": "B"}, {"idempotency_key": "k1"})
    assert len(client.v1.products.list().data) == 1


def test_the_sdk_meets_the_default_price_rules(client: Any) -> None:
    """A default price belongs to its product, is made with it if wanted, and can't be archived."""
    made = client.v1.products.create({"id": "pro", "name": "Pro",
                                      "default_price_data": {"currency": "usd", "unit_amount": 1}})
    price = made.default_price
    with pytest.raises(stripe.InvalidRequestError, match="default price"):
        client.v1.prices.update(price, {"active": False})
    client.v1.products.create({"id": "other", "name": "Other"})
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        client.v1.products.update("other", {"default_price": price})
    client.v1.products.update("pro", {"default_price": ""})
    client.v1.prices.update(price, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        client.v1.products.update("pro", {"default_price": price})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        client.v1.products.delete("pro")


def test_tax_behaviour_is_said_once(client: Any) -> None:
    """From unspecified to something, and no further."""
    client.v1.products.create({"id": "pro", "name": "Pro"})
    price = client.v1.prices.create({"product": "pro", "currency": "usd", "unit_amount": 1})
    assert client.v1.prices.update(price.id, {"tax_behavior": "exclusive"}).tax_behavior == "exclusive"
    with pytest.raises(stripe.InvalidRequestError, match="once it is set"):
        client.v1.prices.update(price.id, {"tax_behavior": "inclusive"})


def test_without_a_key_nothing_is_told(desk: Desk) -> None:
    """401, as from Stripe."""
    answer = desk.sandbox.handle(Request("GET", "/v1/products"))
    assert answer.status == 401


def test_our_client_sends_what_the_sdk_sends(desk: Desk, client: Any) -> None:
    """The same create through the SDK and through our own client is the same request, pair by pair."""
    body = {"name": "Pro", "active": True, "metadata": {"a b": "ü&["}, "marketing_features": [{"name": "A"}],
            "shippable": False,
            "package_dimensions": {"height": 1.5, "length": 2, "weight": 3, "width": 4},
            "images": ["https://a.example/?q=1&r=[2]"]}
    client.v1.products.create(body)
    desk.api.send(Call("POST", "/v1/products", body), "k")
    sdk, ours = desk.sandbox.requests[-2:]
    assert sdk.body == ours.body and sdk.path == ours.path
    for name in ("content-type", "authorization"):
        assert dict(sdk.headers)[name].split("_")[0] == dict(ours.headers)[name].split("_")[0]
    assert dict(sdk.headers)["stripe-version"] == dict(ours.headers)["stripe-version"]
