"""The vendor's own description judges a whole life of products and prices, refusals left out."""

from __future__ import annotations

from reconciler.contract import Ask
from reconciler.model import Call
from tests.referee import Exchange, Referee
from tests.stripe.desk import HABITS, Desk


def test_a_whole_life_is_as_stripe_describes_it() -> None:
    """Every field of both kinds is written, read, listed, changed, cleared and ended; the referee finds nothing."""
    referee = Referee("stripe.json", HABITS)
    desk = Desk()
    product = desk.make(
        desk.product, "pro", id="pro", name="Pro", description="x", images=["https://a.example/1.png"], shippable=True,
        marketing_features=[{"name": "A"}], metadata={"a": "1"}, statement_descriptor="ACME", tax_code="txcd_10103001",
        tax_details={"performance_location": "taxloc_1"}, unit_label="seat", url="https://a.example",
        package_dimensions={"height": 1, "length": 2, "weight": 3.5, "width": 4})
    given = {"product": "pro", "currency": "usd", "lookup_key": "m", "recurring": {"interval": "month"}}
    whole = desk.make(desk.price, "m", **given, unit_amount=2900, nickname="x", metadata={"a": "1"},
                      transform_quantity={"divide_by": 10, "round": "up"},
                      currency_options={"eur": {"unit_amount": 2700}})
    tiers = [{"up_to": 5, "flat_amount": 100}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    desk.make(desk.price, "t", **given, billing_scheme="tiered", tiers_mode="volume", tiers=tiers,
              currency_options={"eur": {"tiers": tiers, "tax_behavior": "inclusive"}})
    desk.make(desk.price, "c", product="pro", currency="usd", custom_unit_amount={"minimum": 5})
    for name in ("description", "images", "marketing_features", "package_dimensions", "statement_descriptor",
                 "tax_code",
                 "tax_details", "unit_label", "url", "metadata", "shippable"):
        product = desk.change(desk.product, product, **{name: None})
    product = desk.change(desk.product, product, default_price=whole.id)
    desk.change(desk.product, product, default_price=None)
    whole = desk.change(desk.price, whole, nickname=None, metadata=None, currency_options=None)
    wants = (desk.want(desk.price, "new", {**given, "lookup_key": "new", "unit_amount": 1}),)
    assert len(list(desk.price.list(Ask(wants=wants)))) == 3
    assert len(list(desk.price.list(Ask(everything=True)))) == 3
    assert len(list(desk.product.list(Ask(ids=frozenset({"pro"}))))) == 1
    for live, kind in ((whole, desk.price), (product, desk.product)):
        for call in (*kind.delete(live), *kind.release(live)):
            desk.send(call)
    desk.make(desk.product, "gone", id="gone", name="Gone")
    desk.send(Call("DELETE", "/v1/products/gone"))
    exchanges = [Exchange.of(one) for one in desk.sandbox.requests]
    assert not referee.complaints(exchanges)
    assert {one.method for one in exchanges} == {"GET", "POST", "DELETE"}
