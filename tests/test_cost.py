"""What a plan costs in requests, over two vendors at once: as many as there are full pages, whatever is declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reconciler.engine.guard import Limits
from reconciler.model import Resource
from tests.posthog.desk import ROOT, Project, everyone
from tests.stripe.shop import StripeShop
from tests.world import Shop

MANY = 1000
MARK = "reconciler:shop/test"


class Two(Shop):
    """One stack over an account of Stripe and a project of PostHog; kinds are named with their vendor."""

    def __init__(self) -> None:
        super().__init__()
        self.stripe, self.posthog = StripeShop(), Project()
        self.kinds = {**self.stripe.kinds, **self.posthog.kinds}

    def resources(self, manifest: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as each vendor's own stack has them."""
        parts = {shop: {kind.removeprefix(f"{name}."): entries for kind, entries in manifest.items() if kind.startswith(name)}
                 for name, shop in (("stripe", self.stripe), ("posthog", self.posthog))}
        return tuple(one for shop, part in parts.items() for one in shop.resources(part))

    def asked(self) -> Counter[str]:
        """The requests so far."""
        boxes = (self.stripe.desk.sandbox, self.posthog.desk.sandbox)
        return Counter(f"{one.method} {one.path.removeprefix(ROOT)}" for box in boxes for one in box.requests)


def filled(two: Two) -> dict[str, dict[str, Any]]:
    """Manifests of a thousand entries of four kinds, and their objects with our mark."""
    first = {"product": {"n0": {"name": "P"}},
             "price": {"n0": {"product": {"ref": "n0"}, "currency": "usd", "unit_amount": 100}}}
    two.stripe.settle(first)
    product, price = two.stripe.only("/v1/products"), two.stripe.only("/v1/prices")
    manifest: dict[str, dict[str, Any]] = {f"stripe.{noun}": dict(entries) for noun, entries in first.items()}
    manifest |= {"posthog.feature_flag": {}, "posthog.event_definition": {}}
    for n in range(MANY):
        name = f"n{n}"
        own = {noun: {**product["metadata"], "reconciler_address": f"stripe.{noun}/{name}"} for noun in ("product", "price")}
        two.stripe.products[name] = {**product, "id": name, "metadata": own["product"]}
        two.stripe.prices[f"price_{name}"] = {**price, "id": f"price_{name}", "product": name, "lookup_key": name,
                                              "metadata": own["price"]}
        manifest["stripe.product"][name] = {"name": "P"}
        manifest["stripe.price"][name] = {"product": {"ref": name}, "currency": "usd", "unit_amount": 100}
        manifest["posthog.feature_flag"][name] = {"filters": {"groups": [everyone(n % 100)]}}
        manifest["posthog.event_definition"][name] = {"description": name}
    del two.stripe.prices[price["id"]]
    for noun in ("feature_flag", "event_definition"):
        for name, fields in manifest[f"posthog.{noun}"].items():
            key = "key" if noun == "feature_flag" else "name"
            two.posthog.desk.by_hand(f"{noun}s", **{key: name}, tags=[MARK], **fields)
    return manifest


def test_a_thousand_of_each_take_ten_requests_each() -> None:
    """PostHog's scenario 10, and Stripe's floor: a plan asks for pages and nothing more, with a ledger and without."""
    two = Two()
    manifest = filled(two)
    pages = {f"GET {path}": MANY // 100 for path in ("/v1/products", "/v1/prices", "/feature_flags/", "/event_definitions/")}
    before = two.asked()
    made = two.plan(manifest, limits=Limits(max_changes=10_000))
    assert two.asked() - before == pages
    before = two.asked()
    two.run(made)
    assert not two.asked() - before
    assert two.plan(manifest).empty and two.asked() - before == pages
    events = [one for one in two.posthog.desk.sandbox.requests if one.path.endswith("/event_definitions/")]
    assert len(events) == 20 and all(("ordering", "name") in one.query for one in events)
