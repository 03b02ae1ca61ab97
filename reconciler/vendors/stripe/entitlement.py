"""stripe.feature and stripe.product_feature: what a customer may use, and which products give it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field

from reconciler.contract import Ask, Link, Mark, Named, Replace, RestKind, Scene, Spec
from reconciler.contract.rest import segment
from reconciler.errors import Denied, Missing
from reconciler.model import Action, Call, Fate, Fields, Impact, Live, Note, Op, Unseen, Want, refs_in
from reconciler.vendors.stripe.archived import Archived
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access

if TYPE_CHECKING:
    from reconciler.vendors.stripe.api import StripeApi

PRODUCTS = "/v1/products"


class FeatureSpec(Spec):
    """The fields of stripe.feature."""

    lookup_key: Annotated[Named, Field(min_length=1, max_length=80), Mark.IMMUTABLE] = None
    name: Annotated[str, Field(min_length=1), Impact.COSMETIC]
    active: bool | None = True
    metadata: Metadata = None


class Feature(Archived[FeatureSpec]):
    """Something that customers may use once a product gives it. An archived one keeps its lookup key."""

    name, spec, path, replace = "stripe.feature", FeatureSpec, "/v1/entitlements/features", Replace.CREATE_FIRST
    terraform = (("stripe_entitlements_feature", "{id}"),)
    permissions = access("entitlement")
    later = ("active",)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The features in use; Stripe hides the archived ones, which are asked for where a wanted key is missing."""
        held = set()
        for body in self.api.pages(self.path):
            held.add(body.get("lookup_key"))
            yield self.live(body)
        if ask.everything or {want.get("lookup_key") for want in ask.wants} - held:
            for body in self.api.pages(self.path, {"archived": True}):
                yield self.live(body)

    def fate(self, live: Live) -> Fate:
        """It is archived, and nobody gets its lookup key."""
        return Fate("archive", keeps_key=True)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What archiving leaves as it is."""
        yield from self.said_of_switch(action.changes, "archived: no other product can give it; those that do go on")
        if action.op is Op.DELETE:
            yield Note("no product can be given it any more, and the lookup key stays taken", subject="archived")


class ProductFeatureSpec(Spec):
    """The fields of stripe.product_feature."""

    product: Annotated[str, Link("stripe.product"), Field(min_length=1), Mark.IDENTITY, Mark.IMMUTABLE]
    entitlement_feature: Annotated[str, Link("stripe.feature"), Field(min_length=1), Mark.IDENTITY, Mark.IMMUTABLE]


class ProductFeature(RestKind[ProductFeatureSpec]):
    """That a product gives a feature to those who buy it. Its handle is product and id, as Stripe's paths need both."""

    name, spec, path, parent = "stripe.product_feature", ProductFeatureSpec, PRODUCTS, "stripe.product"
    terraform = (("stripe_product_feature", "*/{id}"),)
    permissions = access("product", "entitlement")
    replace = Replace.CREATE_FIRST
    create_impact = Impact.BEHAVIOURAL

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """One list for each product that is meant, or that the ledger knows with a feature."""
        there = {parent.id for parent in ask.parents}
        for product in self._products(ask, there):
            if there and product not in there:
                continue
            try:
                for body in self.api.pages(self._features(product)):
                    yield self._of(product, body)
            except Missing:
                continue
            except Denied as error:
                yield Unseen(error.message, parent=f"{product}/")

    def _products(self, ask: Ask, there: set[str]) -> Iterable[str]:
        """The products meant; one whose id no manifest says may be any."""
        if ask.everything:
            return sorted(there) or [body["id"] for body in self.api.pages(PRODUCTS)]
        found = {id.rpartition("/")[0] for id in ask.ids}
        for want in ask.wants:
            ref = next(refs_in(want["product"]), None)
            if ref is None:
                found.add(want["product"])
            elif str(ref.address) in self.declared:
                found.add(self.declared[str(ref.address)])
            else:
                found |= there
        return sorted(found)

    @property
    def declared(self) -> dict[str, str]:
        """The ids of the products that manifests declare, by address."""
        return cast("StripeApi", self.api).declared

    def get(self, id: str) -> Live | None:
        """One attachment; None at 404, also when the product is gone."""
        body = self.api.find(self.item(id))
        return None if body is None else self._of(id.rpartition("/")[0], body)

    def read(self, answer: Any) -> Live | None:
        """No answer says which product it is about."""
        return None

    def item(self, id: str) -> str:
        """The path of one attachment."""
        product, _, own = id.rpartition("/")
        return f"{self._features(product)}/{segment(own)}"

    @staticmethod
    def _features(product: str) -> str:
        return f"{PRODUCTS}/{segment(product)}/features"

    def _of(self, product: str, body: Mapping[str, Any]) -> Live:
        feature = body["entitlement_feature"]
        id = f"{product}/{body['id']}"
        held = feature["id"] if isinstance(feature, Mapping) else feature
        return Live(id, {"product": product, "entitlement_feature": held}, {"id": id}, raw=body)

    # writing

    def create(self, want: Want[ProductFeatureSpec]) -> Call:
        """One POST below the product."""
        return Call("POST", self._features(want["product"]), {"entitlement_feature": want["entitlement_feature"]})

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is detached; product and feature stay."""
        return Fate("detach", why="who has bought the product loses the feature")

    def review(self, action: Action, scene: Scene) -> Iterator[Note]:
        """What it means to those who have bought the product."""
        if action.op is Op.CREATE:
            yield Note("who has bought the product gets the feature", impact=Impact.BEHAVIOURAL)

    def to_wire(self, fields: Fields) -> Fields:
        """The feature alone: the product stands in the path."""
        return {"entitlement_feature": fields["entitlement_feature"]} if "entitlement_feature" in fields else {}
