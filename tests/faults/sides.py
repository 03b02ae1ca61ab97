"""The vendors of the crash trials: what serves each, how a process reaches it, what is asked of it, what must hold there."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from reconciler.clock import TestClock
from reconciler.contract.http import Api
from reconciler.contract.kind import Kind
from reconciler.contract.owner import ADDRESS, STACK
from reconciler.sandbox import Sandbox
from reconciler.secret import Secret
from reconciler.vendors.stripe import VENDOR, StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from reconciler.vendors.stripe.price import Price
from reconciler.vendors.stripe.product import Product
from reconciler.vendors.stripe.sandbox import StripeSandbox
from tests import cloud
from tests.canary import MARK
from tests.engine import random_stacks
from tests.faults.wire import CloudApi, CloudSandbox, KeyedCloudApi
from tests.stripe.shop import StripeShop
from tests.world import Shop

Objects = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Held:
    """One object that is in use at a vendor: which collection, which id, and the address that it stands for."""

    place: str
    id: str
    address: str


class StripeSide:
    """Stripe's products and prices: marks, idempotency keys, archived objects, one deferred link."""

    name = "stripe"
    places = ("/v1/products", "/v1/prices")

    def served(self, clock: TestClock) -> Sandbox:
        box = StripeSandbox(VENDOR.kinds, clock=clock)
        box.objects = copy.deepcopy(self._strangers(clock))
        return box

    def _strangers(self, clock: TestClock) -> Any:
        shop = StripeShop()
        shop.stack = "prod"
        price = {"product": {"ref": "x"}, "currency": "usd", "unit_amount": 1, "lookup_key": "theirs"}
        shop.apply({"product": {"x": {"id": "foreign", "name": "X"}}, "price": {"p0": price}})
        return shop.desk.sandbox.objects

    def shop(self) -> Shop:
        return StripeShop()

    def reach(self, url: str, clock: TestClock, transport: httpx.BaseTransport) -> tuple[Api, dict[str, Kind[Any]]]:
        settings = StripeSettings(api_key=Secret(f"sk_test_{MARK}"), base_url=url)
        api = StripeApi(settings, connection="stripe", clock=clock, transport=transport)
        return api, {"stripe.product": Product(api), "stripe.price": Price(api)}

    def manifest(self, rng: random.Random) -> dict[str, Any]:
        """A random shop of two products and up to three prices."""
        products = [p for p in ("pro", "team") if rng.random() < 0.85] or ["pro"]
        prices = {f"p{n}": {"product": {"ref": rng.choice(products)}, "currency": "usd",
                            "unit_amount": rng.choice([900, 1900]), "recurring": {"interval": "month"},
                            **({"nickname": rng.choice("ab")} if rng.random() < 0.5 else {})}
                  for n in range(3) if rng.random() < 0.75}
        found: dict[str, Any] = {"product": {}, "price": prices}
        for product in products:
            own = [name for name, price in prices.items() if price["product"] == {"ref": product}]
            default = {"default_price": {"ref": rng.choice(own)}} if own and rng.random() < 0.6 else {"default_price": None}
            found["product"][product] = {"id": f"id_{product}", "name": rng.choice(["A", "B"]), **default,
                                         "metadata": rng.choice([{}, {"tier": "1"}])}
        return found

    def allow(self) -> list[str]:
        """Consent to everything: what is refused is another test's business."""
        return [f"irreversible:stripe.{kind}/{name}" for kind, names in (("product", ("pro", "team")),
                                                                         ("price", ("p0", "p1", "p2"))) for name in names]

    def held(self, objects: Objects) -> Iterator[Held]:
        for place in self.places:
            for id, one in objects.get(place, {}).items():
                if one["active"] and one["metadata"].get(STACK) != "shop/prod":
                    yield Held(place, id, one["metadata"].get(ADDRESS, "unmarked"))

    def strangers(self, objects: Objects) -> list[Any]:
        """What is not ours, as it is now."""
        return [one for place in self.places for one in objects.get(place, {}).values()
                if one["metadata"].get(STACK) == "shop/prod"]

    def dangling(self, objects: Objects) -> Iterator[str]:
        """A default price that is not there, or can't be bought."""
        prices = objects.get("/v1/prices", {})
        for one in objects.get("/v1/products", {}).values():
            default = one.get("default_price")
            if default is not None and one["active"] and not (default in prices and prices[default]["active"]):
                yield f"{one['id']} has the default price {default}, which nobody can buy"


class CloudSide:
    """The invented vendor: cascades, whole-object writes, several calls, no mark on most kinds; keys or none."""

    named = {"projects": "slug", "keys": "label", "rooms": "name", "seats": "name", "offers": "id", "rates": "code",
             "notes": "title", "flags": "key", "pages": "path"}

    def __init__(self, *, keyed: bool) -> None:
        self.keyed = keyed
        self.name = "keyed" if keyed else "keyless"

    def served(self, clock: TestClock) -> Sandbox:
        box = CloudSandbox(keyed=self.keyed, clock=clock)
        box.objects.update(copy.deepcopy(random_stacks.STRANGERS))
        return box

    def shop(self) -> Shop:
        shop = Shop()
        shop.secrets = {"pw": f"pw-{MARK}"}
        return shop

    def reach(self, url: str, clock: TestClock, transport: httpx.BaseTransport) -> tuple[Api, dict[str, Kind[Any]]]:
        api = (KeyedCloudApi if self.keyed else CloudApi)(url, clock=clock, transport=transport)
        return api, {kind.name: kind(api, "cloud") for kind in cloud.KINDS}

    def manifest(self, rng: random.Random) -> dict[str, Any]:
        """A random stack in which every reference exists; its keys are handed to a sink."""
        found = random_stacks.manifest(rng)
        if "project" in found and rng.random() < 0.6:
            deliver = {"token": {"to": "box", "path": "kv", "key": "t"}}
            found["key"] = {"k1": {"project": {"ref": rng.choice([*found["project"]])}, "scope": rng.choice(["read", "all"]),
                                   "lifecycle": {"deliver": deliver, "rotate": rng.choice(["1", "2"])}}}
        return found

    def allow(self) -> list[str]:
        return []

    def held(self, objects: Objects) -> Iterator[Held]:
        for place, field in self.named.items():
            for id, one in objects.get(place, {}).items():
                if id not in random_stacks.STRANGERS.get(place, {}) and one.get("active") is not False:
                    yield Held(place, id, f"cloud.{place.removesuffix('s')}/{one[field]}")

    def strangers(self, objects: Objects) -> list[Any]:
        return [objects.get(place, {}).get(id) for place, ones in random_stacks.STRANGERS.items() for id in ones]

    def dangling(self, objects: Objects) -> Iterator[str]:
        yield from random_stacks.dangling(objects)


SIDES: tuple[StripeSide | CloudSide, ...] = (StripeSide(), CloudSide(keyed=True), CloudSide(keyed=False))
