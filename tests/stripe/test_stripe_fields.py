"""What a manifest may say of products and prices, and how it is told otherwise; no request is sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.contract import covers, shape_of
from reconciler.model import Address, Ref
from reconciler.vendors.stripe.price import Price
from reconciler.vendors.stripe.pricing import PriceSpec
from reconciler.vendors.stripe.product import Product, ProductSpec

PRICE: dict[str, Any] = {"product": "prod_1", "currency": "usd"}
TIERED: dict[str, Any] = {**PRICE, "billing_scheme": "tiered", "tiers_mode": "graduated",
                          "tiers": [{"up_to": 100, "unit_amount": 0},
                                    {"up_to": "inf", "unit_amount_decimal": "0.0004"}]}


def price(**fields: Any) -> list[tuple[str, str]]:
    """The findings of a price, whose fields are each fine by themselves."""
    return list(Price().check(PriceSpec.model_validate(fields).given()))


@pytest.mark.parametrize("fields", [
    {**PRICE, "unit_amount": 0},
    {**PRICE, "unit_amount": 2900, "recurring": {"interval": "month"}},
    {**PRICE, "unit_amount_decimal": "0.000000000001"},
    {**PRICE, "currency": "USD", "custom_unit_amount": {"minimum": 100, "preset": 500, "maximum": 1000}},
    TIERED,
    {**PRICE, "unit_amount": 1, "currency_options": {"eur": {"unit_amount": 1, "tax_behavior": "inclusive"}}},
    {**TIERED, "currency_options": {"eur": {"tiers": [{"up_to": "inf", "flat_amount": 100}]}}},
    {**PRICE, "unit_amount": 1, "recurring": {"interval": "week", "interval_count": 156}},
    {**PRICE, "unit_amount": 1, "recurring": {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}},
    {**PRICE, "unit_amount": 1, "transform_quantity": {"divide_by": 1000, "round": "up"}},
])
def test_what_stripe_takes_is_taken(fields: dict[str, Any]) -> None:
    """A price that Stripe takes has no finding."""
    assert price(**fields) == []


@pytest.mark.parametrize(("fields", "path"), [
    (PRICE, "unit_amount"),
    ({**PRICE, "unit_amount": None}, "unit_amount"),
    ({**PRICE, "unit_amount": None, "unit_amount_decimal": "5"}, "unit_amount"),
    ({**PRICE, "unit_amount": 5, "unit_amount_decimal": "5"}, "unit_amount_decimal"),
    ({**PRICE, "unit_amount": 5, "custom_unit_amount": {}}, "custom_unit_amount"),
    ({**PRICE, "unit_amount": 5, "tiers": TIERED["tiers"]}, "tiers"),
    ({**PRICE, "unit_amount": 5, "tiers_mode": "volume"}, "tiers_mode"),
    ({**TIERED, "tiers": None}, "tiers"),
    ({**TIERED, "tiers": []}, "tiers"),
    ({**TIERED, "tiers_mode": None}, "tiers_mode"),
    ({**TIERED, "unit_amount": 0}, "unit_amount"),
    ({**TIERED, "transform_quantity": {"divide_by": 2, "round": "up"}}, "transform_quantity"),
    ({**TIERED, "tiers": [{"up_to": 100, "unit_amount": 1}]}, "tiers[0].up_to"),
    ({**TIERED, "tiers": [{"up_to": "inf", "unit_amount": 1}, {"up_to": "inf", "unit_amount": 1}]}, "tiers[0].up_to"),
    ({**TIERED, "tiers": [{"up_to": 5, "unit_amount": 1}, {"up_to": 5, "unit_amount": 1},
                          {"up_to": "inf", "flat_amount": 1}]},
     "tiers[1].up_to"),
    ({**TIERED, "tiers": [{"up_to": "inf"}]}, "tiers[0]"),
    ({**TIERED, "tiers": [{"up_to": "inf", "unit_amount": 1, "unit_amount_decimal": "1"}]},
     "tiers[0].unit_amount_decimal"),
    ({**PRICE, "unit_amount": 1, "currency_options": {"usd": {"unit_amount": 1}}}, "currency_options.usd"),
    ({**PRICE, "unit_amount": 1, "currency_options": {"eur": {}}}, "currency_options.eur.unit_amount"),
    ({**PRICE, "unit_amount": 1, "recurring": {"interval": "month", "interval_count": 37}}, "recurring.interval_count"),
    ({**PRICE, "unit_amount": 1, "recurring": {"interval": "month", "meter": "mtr_1"}}, "recurring.meter"),
    ({**PRICE, "custom_unit_amount": {"minimum": 500, "preset": 100}}, "custom_unit_amount.preset"),
])
def test_amounts_that_do_not_go_together_are_found(fields: dict[str, Any], path: str) -> None:
    """What Stripe would refuse is a finding, at the field that has to be changed."""
    found = price(**fields)
    assert [where for where, _ in found] == [path], found


@pytest.mark.parametrize(("spec", "fields", "loc"), [
    (PriceSpec, {**PRICE, "unit_amount": -1}, ("unit_amount",)),
    (PriceSpec, {**PRICE, "unit_amount": 2.5}, ("unit_amount",)),
    (PriceSpec, {**PRICE, "unit_amount_decimal": "0.0000000000001"}, ("unit_amount_decimal",)),
    (PriceSpec, {**PRICE, "unit_amount_decimal": "ten"}, ("unit_amount_decimal",)),
    (PriceSpec, {**PRICE, "currency": "dollar"}, ("currency",)),
    (PriceSpec, {**PRICE, "lookup_key": "x" * 201}, ("lookup_key",)),
    (PriceSpec, {**PRICE, "recurring": {"interval": "monthly"}}, ("recurring", "interval")),
    (PriceSpec, {**PRICE, "recurring": {}}, ("recurring", "interval")),
    (PriceSpec, {**PRICE, "type": "recurring"}, ("type",)),
    (PriceSpec, {**PRICE, "currency_options": {"EUR": {"unit_amount": 1}}}, ("currency_options", "EUR", "[key]")),
    (ProductSpec, {}, ("name",)),
    (ProductSpec, {"name": "x", "images": ["u"] * 9}, ("images",)),
    (ProductSpec, {"name": "x", "marketing_features": [{"name": "f"}] * 16}, ("marketing_features",)),
    (ProductSpec, {"name": "x", "marketing_features": [{"name": "f" * 81}]}, ("marketing_features", 0, "name")),
    (ProductSpec, {"name": "x", "package_dimensions": {"height": 1, "length": 1, "weight": 1}},
     ("package_dimensions", "width")),
    (ProductSpec, {"name": "x", "package_dimensions": {"height": 1.234, "length": 1, "weight": 1, "width": 1}},
     ("package_dimensions", "height")),
    (ProductSpec, {"name": "x", "statement_descriptor": "a" * 23}, ("statement_descriptor",)),
    (ProductSpec, {"name": "x", "statement_descriptor": "it's"}, ("statement_descriptor",)),
    (ProductSpec, {"name": "x", "statement_descriptor": "12 34"}, ("statement_descriptor",)),
    (ProductSpec, {"name": "x", "tax_code": "saas"}, ("tax_code",)),
    (ProductSpec, {"name": "x", "type": "thing"}, ("type",)),
    (ProductSpec, {"name": "x", "metadata": {f"k{n}": "v" for n in range(48)}}, ("metadata",)),
    (ProductSpec, {"name": "x", "metadata": {"k" * 41: "v"}}, ("metadata", "k" * 41, "[key]")),
    (ProductSpec, {"name": "x", "metadata": {"a[b]": "v"}}, ("metadata", "a[b]", "[key]")),
    (ProductSpec, {"name": "x", "metadata": {"reconciler_stack": "v"}}, ("metadata", "reconciler_stack", "[key]")),
    (ProductSpec, {"name": "x", "metadata": {"k": ""}}, ("metadata", "k")),
    (ProductSpec, {"name": "x", "metadata": {"k": "v" * 501}}, ("metadata", "k")),
])
def test_every_limit_is_found_offline(spec: Any, fields: dict[str, Any], loc: tuple[Any, ...]) -> None:
    """Each of Stripe's limits fails where it stands in the manifest."""
    with pytest.raises(ValidationError) as caught:
        spec.model_validate(fields)
    assert [error["loc"] for error in caught.value.errors()] == [loc]


def test_metadata_takes_numbers_and_booleans_as_text() -> None:
    """A seat count or a switch in metadata is written as text; null is kept as the wish to remove a key."""
    given = ProductSpec.model_validate({"name": "x",
                                        "metadata": {"seats": 5, "share": 0.5, "beta": True, "old": None}}).given()
    assert given["metadata"] == {"seats": "5", "share": "0.5", "beta": "true", "old": None}


def test_47_metadata_keys_are_the_users() -> None:
    """Of Stripe's fifty keys our mark takes three."""
    assert ProductSpec.model_validate({"name": "x", "metadata": {f"k{n}": "v" for n in range(47)}})


def test_services_alone_have_descriptors_and_labels() -> None:
    """A good has neither statement descriptor nor unit label, and two tax codes must agree."""
    fields = {"name": "x", "type": "good", "unit_label": "seat", "statement_descriptor": "ACME",
              "tax_code": "txcd_1", "tax_details": {"tax_code": "txcd_2"}}
    found = list(Product().check(ProductSpec.model_validate(fields).given()))
    assert [path for path, _ in found] == ["statement_descriptor", "unit_label", "tax_details.tax_code"]


def test_links_take_references() -> None:
    """A reference passes wherever an entry of ours may be named."""
    token = Ref.to(Address("stripe.product", "pro"))
    assert PriceSpec.model_validate({**PRICE, "product": token, "unit_amount": 1}).product == token


LIVE = {
    "id": "price_1", "object": "price", "active": True, "billing_scheme": "per_unit", "created": 1, "currency": "usd",
    "currency_options": {"usd": {"unit_amount": 2900, "unit_amount_decimal": "2900", "tax_behavior": "exclusive"},
                         "eur": {"unit_amount": None, "unit_amount_decimal": "2700.5", "tax_behavior": "unspecified"}},
    "custom_unit_amount": None, "livemode": False, "lookup_key": "pro", "metadata": {}, "nickname": None,
    "product": "prod_1",
    "recurring": {"interval": "month", "interval_count": 1, "meter": None, "trial_period_days": None,
                  "usage_type": "licensed"},
    "tax_behavior": "exclusive", "tiers_mode": None, "transform_quantity": None, "type": "recurring",
    "unit_amount": 2900, "unit_amount_decimal": "2900"}


@pytest.mark.parametrize(("want", "same"), [
    ({"unit_amount": 2900}, True), ({"unit_amount_decimal": "2900.0"}, True),
    ({"unit_amount_decimal": "2900.5"}, False),
    ({"unit_amount": 0}, False), ({"currency": "USD"}, True), ({"recurring": {"interval": "month"}}, True),
    ({"recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed", "trial_period_days": None}},
     True),
    ({"recurring": {"interval": "month", "interval_count": 2}}, False), ({"recurring": None}, False),
    ({"currency_options": {"eur": {"unit_amount_decimal": "2700.50"}}}, True),
    ({"currency_options": {"eur": {"unit_amount": 2700}}}, False),
    ({"currency_options": {}}, False), ({"currency_options": None}, False),
    ({"currency_options": {"eur": {"unit_amount_decimal": "2700.5"}, "gbp": {"unit_amount": 1}}}, False),
    ({"nickname": ""}, True), ({"nickname": None}, True), ({"billing_scheme": None}, True),
    ({"tax_behavior": None}, False),
    ({"custom_unit_amount": {}}, False), ({"custom_unit_amount": None}, True), ({"tiers": None}, True),
    ({"tiers": []}, True), ({"transform_quantity": None}, True), ({"metadata": {}}, True),
])
def test_prices_are_compared_by_meaning(want: dict[str, Any], same: bool) -> None:
    """However an amount or a default is written, only what it means counts."""
    assert covers(Price().live(LIVE).fields, want, shape_of(PriceSpec)) is same


def test_a_fraction_is_not_taken_for_a_free_price() -> None:
    """Stripe's null beside a decimal is no amount of 0, neither in a price nor in a tier."""
    body = {**LIVE, "unit_amount": None, "unit_amount_decimal": "0.5", "tiers_mode": "volume",
            "tiers": [{"up_to": None, "unit_amount": None, "unit_amount_decimal": "0.5", "flat_amount": None,
                       "flat_amount_decimal": None}]}
    live = Price().live(body).fields
    shape = shape_of(PriceSpec)
    assert not covers(live, {"unit_amount": 0}, shape)
    assert not covers(live, {"tiers": [{"up_to": "inf", "unit_amount": 0}]}, shape)
    assert covers(live, {"tiers": [{"up_to": "inf", "unit_amount_decimal": "0.50", "flat_amount": 0}]}, shape)


def test_statement_descriptors_are_compared_as_banks_show_them() -> None:
    """Case and stripped letters are no difference."""
    assert covers({"statement_descriptor": "CAF ACME"}, {"statement_descriptor": "Café Acme"}, shape_of(ProductSpec))
