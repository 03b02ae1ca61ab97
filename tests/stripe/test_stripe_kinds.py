"""Products and prices over the sandbox: every field set, changed, cleared and left out."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.diff import Applied
from reconciler.model import Address, Call, Live, Want
from tests.stripe.desk import Desk

TIERS = [{"up_to": 100000, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.0004"}]
MONTHLY: dict[str, Any] = {"product": "pro", "currency": "usd", "unit_amount": 2900, "recurring": {"interval": "month"}}
SIZE = {"height": 1, "length": 2.5, "weight": 3.25, "width": 4}


def pro(desk: Desk, **fields: Any) -> Live:
    """The product that the tests' prices belong to."""
    return desk.make(desk.product, "pro", id="pro", name="Pro", **fields)


@pytest.mark.parametrize(("field", "first", "second", "cleared"), [
    ("name", "Pro", "Pro plan", ...),
    ("active", False, True, True),
    ("description", "Good", "Better", None),
    ("images", ["https://a.example/1.png", "https://a.example/2.png"], ["https://a.example/2.png"], []),
    ("marketing_features", [{"name": "A"}, {"name": "B"}], [{"name": "B"}, {"name": "A"}], []),
    ("package_dimensions", SIZE, {**SIZE, "width": 5}, None),
    ("shippable", True, False, False),
    ("statement_descriptor", "ACME PRO", "ACME PLUS", None),
    ("tax_code", "txcd_10103001", "txcd_10103000", None),
    ("tax_details", {"tax_code": "txcd_10103001"}, {"tax_code": "txcd_10103000"}, None),
    ("unit_label", "seat", "user", None),
    ("url", "https://a.example", "https://b.example", None),
])
def test_a_products_fields(desk: Desk, field: str, first: Any, second: Any, cleared: Any) -> None:
    """A field is set at creation, changed in place, cleared by null, and let alone when it is left out."""
    live = pro(desk, **({} if field == "name" else {field: first}))
    assert not desk.changes(desk.product, live, {"name": "Pro"})
    live = desk.change(desk.product, live, **{field: second})
    assert live.fields[field] == second
    assert next(iter(desk.bodies()[-1])).startswith(field), desk.bodies()[-1]
    if cleared is not ... and live.fields[field] != cleared:
        live = desk.change(desk.product, live, **{field: None})
        assert live.fields[field] == cleared
    bare = desk.make(desk.product, "bare", id="bare", name="Bare", **({} if cleared is ... else {field: None}))
    desk.change(desk.product, bare, **{field: first})


@pytest.mark.parametrize(("field", "first", "second", "cleared"), [
    ("nickname", "Pro a month", "Pro", None),
    ("lookup_key", "pro_monthly", "pro_m", None),
    ("active", False, True, True),
    ("tax_behavior", "unspecified", "exclusive", ...),
    ("currency_options", {"eur": {"unit_amount": 2700}},
     {"eur": {"unit_amount": 2800}, "gbp": {"unit_amount_decimal": "2500.5"}}, {}),
    ("currency_options", {"eur": {"unit_amount": 2700}, "gbp": {"unit_amount": 2500}}, {"gbp": {"unit_amount": 2500}},
     {}),
])
def test_a_prices_fields_that_may_change(desk: Desk, field: str, first: Any, second: Any, cleared: Any) -> None:
    """The few things that Stripe lets change on a price change in place."""
    pro(desk)
    live = desk.make(desk.price, "p", **MONTHLY, **{field: first})
    assert not desk.changes(desk.price, live, MONTHLY)
    changes = desk.changes(desk.price, live, {field: second})
    assert not any(desk.price.forces(live, Want(Address("stripe.price", "p"), {}), change) for change in changes)
    live = desk.change(desk.price, live, **{field: second})
    if cleared is not ... and live.fields[field] != cleared:
        live = desk.change(desk.price, live, **{field: None})
        assert live.fields[field] == cleared
    desk.change(desk.price, desk.make(desk.price, "bare", **MONTHLY),
                **{field: second if field == "tax_behavior" else first})


@pytest.mark.parametrize(("fields", "change"), [
    (MONTHLY, {"unit_amount": 3500}),
    (MONTHLY, {"unit_amount_decimal": "2900.5"}),
    (MONTHLY, {"product": "other"}),
    (MONTHLY, {"currency": "eur"}),
    (MONTHLY, {"recurring": {"interval": "year"}}),
    (MONTHLY, {"recurring": {"interval": "month", "interval_count": 3}}),
    (MONTHLY, {"recurring": {"interval": "month", "usage_type": "metered"}}),
    (MONTHLY, {"recurring": {"interval": "month", "trial_period_days": 14}}),
    (MONTHLY, {"recurring": None}),
    (MONTHLY, {"transform_quantity": {"divide_by": 10, "round": "up"}}),
    ({**MONTHLY, "transform_quantity": {"divide_by": 10, "round": "up"}},
     {"transform_quantity": {"divide_by": 10, "round": "down"}}),
    ({**MONTHLY, "transform_quantity": {"divide_by": 10, "round": "up"}}, {"transform_quantity": None}),
    ({"product": "pro", "currency": "usd", "custom_unit_amount": {"minimum": 100}},
     {"custom_unit_amount": {"minimum": 200}}),
    ({"product": "pro", "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS},
     {"tiers": [{"up_to": 100001, "unit_amount": 0}, TIERS[1]]}),
    ({"product": "pro", "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS},
     {"tiers": [TIERS[0], {"up_to": "inf", "unit_amount_decimal": "0.0005"}]}),
    ({"product": "pro", "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS},
     {"tiers_mode": "volume"}),
    ({**MONTHLY, "tax_behavior": "exclusive"}, {"tax_behavior": "inclusive"}),
    ({**MONTHLY, "tax_behavior": "exclusive"}, {"tax_behavior": None}),
    ({**MONTHLY, "currency_options": {"eur": {"unit_amount": 1, "tax_behavior": "inclusive"}}},
     {"currency_options": {"eur": {"unit_amount": 1, "tax_behavior": "exclusive"}}}),
])
def test_what_a_price_costs_never_changes(desk: Desk, fields: dict[str, Any], change: dict[str, Any]) -> None:
    """Whatever says what is charged, and a tax behaviour once said, asks for a new price."""
    pro(desk)
    live = desk.make(desk.price, "p", **fields)
    assert not desk.changes(desk.price, live, fields)
    changes = desk.changes(desk.price, live, {**fields, **change})
    want: Want[Any] = Want(Address("stripe.price", "p"), {**fields, **change})
    assert changes and all(desk.price.forces(live, want, one) for one in changes), changes


@pytest.mark.parametrize("fields", [
    {"unit_amount": 0}, {"unit_amount_decimal": "0.5"}, {"unit_amount_decimal": "10.0"},
    {"custom_unit_amount": {}}, {"custom_unit_amount": {"minimum": 100, "preset": 200, "maximum": 300}},
    {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS,
     "currency_options": {"eur": {"tiers": [{"up_to": 5, "flat_amount": 100},
                                            {"up_to": "inf", "flat_amount_decimal": "99.5"}]}}},
    {"unit_amount": 100, "currency_options": {"eur": {"custom_unit_amount": {"minimum": 5}},
                                              "jpy": {"unit_amount": 150}}},
])
def test_every_form_of_amount_is_made_and_read_back(desk: Desk, fields: dict[str, Any]) -> None:
    """Each way to say what a price costs is stable after its creation."""
    pro(desk)
    live = desk.make(desk.price, "p", product="pro", currency="usd", **fields)
    assert not desk.changes(desk.price, live, fields)


def test_a_free_price_says_so(desk: Desk) -> None:
    """An amount of 0 is sent, not mistaken for none (scenario 15)."""
    pro(desk)
    desk.make(desk.price, "free", product="pro", currency="usd", unit_amount=0)
    assert desk.bodies()[-1]["unit_amount"] == "0"


def test_only_a_new_nickname_is_sent(desk: Desk) -> None:
    """One POST with the one field (scenario 5)."""
    pro(desk)
    live = desk.make(desk.price, "p", **MONTHLY, nickname="a")
    desk.change(desk.price, live, **MONTHLY, nickname="b")
    assert desk.sandbox.sent()[-1] == f"POST /v1/prices/{live.id}"
    assert desk.bodies()[-1] == {"nickname": "b"}


def test_metadata_is_merged(desk: Desk) -> None:
    """A key that was ours and left is removed by an empty text; a foreign key and our mark stay (scenario 7)."""
    live = pro(desk, metadata={"tier": "pro"})
    live = desk.seen(desk.product, desk.send(Call("POST", "/v1/products/pro", {"metadata": {"team": "x"}})))
    ours = Applied({"metadata.tier": "1"}, lambda print, value: True, known=True)
    live = desk.change(desk.product, live, ours, metadata={"seats": "5"})
    assert desk.bodies()[-1] == {"metadata[seats]": "5", "metadata[tier]": ""}
    assert live.fields["metadata"] == {"team": "x", "seats": "5"} and live.owner is not None
    live = desk.change(desk.product, live, metadata={"seats": None})
    assert live.fields["metadata"] == {"team": "x"}
    live = desk.change(desk.product, live, metadata=None)
    assert live.fields["metadata"] == {} and live.owner is not None
