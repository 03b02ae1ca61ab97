"""stripe.product: what is sold. Its id may be chosen; once it had a price it can only be archived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Link, Mark, Named, Output, Replace, Scene, Spec
from reconciler.errors import Denied
from reconciler.model import Action, Call, Change, Changes, Fate, Fields, Impact, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.stripe.archived import Archived, without_empty
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access

if TYPE_CHECKING:
    from reconciler.vendors.stripe.api import StripeApi

PRICED = "reconciler:priced"
"""Our own key in the raw body: whether the product has or had a price, where that was asked."""


def _two_decimals(value: float) -> float:
    if round(value, 2) != value:
        raise ValueError("has at most 2 decimals")
    return value


def _descriptor(value: str | None) -> str | None:
    if value is not None and value != "":
        if re.search(r"[<>\\\"']", value):
            raise ValueError("can't hold < > \\ \" '")
        if not re.search(r"[A-Za-z]", value):
            raise ValueError("needs at least one Latin letter: Stripe strips what is not ASCII")
    return value


def descriptor(value: Any) -> Any:
    """A statement descriptor as banks show it: ASCII, in capitals."""
    return value.encode("ascii", "ignore").decode().upper() if isinstance(value, str) else value


def _shipped(value: Any) -> Any:
    return value or False


Size = Annotated[float, Field(gt=0), AfterValidator(_two_decimals)]
TaxCode = Annotated[str | None, Field(pattern=r"^txcd_[A-Za-z0-9]+$")]


class MarketingFeature(Spec):
    """One line of a pricing table."""

    name: Annotated[str, Field(min_length=1, max_length=80)]


class PackageDimensions(Spec):
    """The size of a parcel, in inches and ounces."""

    height: Size
    length: Size
    weight: Size
    width: Size


class TaxDetails(Spec):
    """How a product is taxed."""

    tax_code: TaxCode = None
    performance_location: str | None = None


class ProductSpec(Spec):
    """The fields of stripe.product."""

    id: Annotated[Named, Field(min_length=1, max_length=5000), Mark.IMMUTABLE] = None
    name: Annotated[str, Field(min_length=1, max_length=5000), Impact.COSMETIC]
    active: bool | None = True
    description: Annotated[str | None, Impact.COSMETIC] = None
    default_price: Annotated[str | None, Link("stripe.price"), Mark.DEFERRED] = None
    images: Annotated[list[Annotated[str, Field(min_length=1)]] | None, Field(max_length=8), Impact.COSMETIC] = None
    marketing_features: Annotated[list[MarketingFeature] | None, Field(max_length=15), Impact.COSMETIC] = None
    metadata: Metadata = None
    package_dimensions: PackageDimensions | None = None
    shippable: Annotated[bool | None, Canonical(_shipped)] = None
    statement_descriptor: Annotated[str | None, Field(max_length=22), AfterValidator(_descriptor),
                                    Canonical(descriptor), Impact.COSMETIC] = None
    tax_code: Annotated[TaxCode, Impact.MONEY] = None
    tax_details: Annotated[TaxDetails | None, Impact.MONEY] = None
    type: Annotated[Literal["good", "service"] | None, Mark.IMMUTABLE] = "service"
    unit_label: Annotated[str | None, Impact.COSMETIC] = None
    url: Annotated[str | None, Impact.COSMETIC] = None


class Product(Archived[ProductSpec]):
    """What is sold. A product that never had a price is deleted, any other is archived."""

    name, spec, path = "stripe.product", ProductSpec, "/v1/products"
    permissions = access("product", look="plan")
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(foretold="id"), "default_price": Output()}
    replace = Replace.CREATE_FIRST

    def to_wire(self, fields: Fields) -> Fields:
        """`shippable` can't be cleared at Stripe: not shipped is what null means."""
        if "shippable" in fields:
            return {**fields, "shippable": bool(fields["shippable"])}
        return dict(fields)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """All products; of those that the ledger holds and the manifests no longer name, whether they have prices."""
        wanted = {want.get("id") for want in ask.wants}
        cast("StripeApi", self.api).declared |= {str(want.address): want["id"] for want in ask.wants if want.get("id")}
        for body in self.api.pages(self.path, self.query_list):
            live = self.live(body)
            leaving = live.id in ask.ids and live.id not in wanted and not live.archived
            yield replace(live, raw={**body, PRICED: self._priced(body)}) if leaving else live

    def _priced(self, body: Mapping[str, Any]) -> bool:
        """Whether the product has any price, archived ones too: Stripe deletes none that has."""
        if body.get("default_price"):
            return True
        try:
            return any(self.api.get("/v1/prices", {"product": body["id"], "active": active, "limit": 1})["data"]
                       for active in (True, False))
        except Denied:
            return True

    def update(self, live: Live, want: Want[ProductSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; of the tax details none can be emptied alone, so all are before the rest is written."""
        if any(change.path.startswith("tax_details.") and change.after is None for change in changes):
            yield Call("POST", self.item(live.id), {"tax_details": None})
            details = without_empty({**live.fields["tax_details"], **want["tax_details"]})
            changes = tuple(change for change in changes if not change.path.startswith("tax_details"))
            if details:
                changes = (*changes, Change("tax_details", None, details))
            live, want = replace(live, fields={**live.fields, "tax_details": None}), replace(
                want, fields={**want.fields, "tax_details": details})
        yield from super().update(live, want, changes)

    def title(self, live: Live) -> str:
        """Its id where somebody chose it, else its name: an id that Stripe made says nothing."""
        return str(live.fields.get("name") or live.id) if live.id.startswith("prod_") else live.id

    def fate(self, live: Live) -> Fate:
        """Deleted when it is known never to have had a price, else archived."""
        if isinstance(live.raw, Mapping) and live.raw.get(PRICED) is False:
            return Fate("delete")
        return Fate("archive", why="it has or had prices, and Stripe deletes no such product", keeps_key=True)

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE, or the POST that archives it."""
        if self.fate(live).word == "delete":
            return (Call("DELETE", self.item(live.id)),)
        return super().delete(live)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What Stripe takes for services only, and two tax codes that contradict."""
        if fields.get("type") == "good":
            for name in ("statement_descriptor", "unit_label"):
                if fields.get(name):
                    yield name, "Stripe takes this only for a product of type service"
        first, second = fields.get("tax_code"), (fields.get("tax_details") or {}).get("tax_code")
        if first and second and first != second and not has_token([first, second]):
            yield "tax_details.tax_code", f"contradicts tax_code, which says {first}"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What archiving means, and a replace that Stripe can't do under the same id."""
        yield from self.said_of_switch(action.changes, "archived: it can't be bought any more")
        kept = action.live is not None and action.want is not None and action.want.get("id") == action.live.id
        if action.op is Op.REPLACE and kept:
            yield Note("Stripe never gives an id twice: the new product needs another id", path="id", refuse=True)
