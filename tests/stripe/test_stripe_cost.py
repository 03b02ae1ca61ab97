"""What a plan costs in requests: as many as there are full pages, whatever is declared."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reconciler.model import Op
from tests.stripe.shop import StripeShop

MANY = 1000


def test_a_thousand_products_and_prices_take_twenty_requests() -> None:
    """Ten pages of each; a plan that finds them all equal asks for nothing more."""
    shop = StripeShop()
    manifest: dict[str, dict[str, Any]] = {
        "product": {"p": {"name": "P"}}, "price": {"p": {"product": {"ref": "p"}, "currency": "usd", "unit_amount": 100}}}
    shop.settle(manifest)
    product, price = shop.only("/v1/products"), shop.only("/v1/prices")
    for n in range(1, MANY):
        name = f"p{n}"
        shop.products[name] = {**product, "id": name, "metadata": {}}
        shop.prices[f"price_{name}"] = {**price, "id": f"price_{name}", "product": name, "lookup_key": name, "metadata": {}}
        manifest["product"][name] = {"name": "P"}
        manifest["price"][name] = {"product": {"ref": name}, "currency": "usd", "unit_amount": 100}
    before = len(shop.desk.sandbox.requests)
    made = shop.plan(manifest)
    asked = Counter((r.method, r.path) for r in shop.desk.sandbox.requests[before:])
    assert asked == {("GET", "/v1/products"): MANY // 100, ("GET", "/v1/prices"): MANY // 100}
    assert made.count(Op.ADOPT) == 2 * (MANY - 1) and made.count(Op.NOOP) == 2
