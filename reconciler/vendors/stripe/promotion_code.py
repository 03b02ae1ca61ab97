"""stripe.promotion_code: what a customer types to get a coupon's discount. It is never deleted, only switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Link, Mark, Named, Scene, Spec, covers
from reconciler.model import Action, Call, Change, Changes, Fact, Fate, Fields, Impact, Live, Note, Op, Unseen, Want
from reconciler.vendors.stripe.archived import Archived, without_empty
from reconciler.vendors.stripe.coupon import Currency, lost_currency, redeemed
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access
from reconciler.vendors.stripe.pricing import currency_key, lower

NESTED_SINCE = "2025-09-30"
"""The API version that moved `coupon` into `promotion`: docs.stripe.com/changelog/clover/2025-09-30/polymorphic-coupon."""

OPTIONS = "restrictions.currency_options"


class RestrictionOption(Spec):
    """The least amount in another currency."""

    minimum_amount: Annotated[int, Field(ge=0)]


class Restrictions(Spec):
    """When the code may be used."""

    first_time_transaction: Annotated[bool | None, Mark.IMMUTABLE] = False
    minimum_amount: Annotated[int | None, Field(ge=0), Mark.IMMUTABLE] = None
    minimum_amount_currency: Annotated[Currency, Mark.IMMUTABLE] = None
    currency_options: dict[Annotated[str, AfterValidator(currency_key)], RestrictionOption] | None = None


class PromotionCodeSpec(Spec):
    """The fields of stripe.promotion_code."""

    code: Annotated[Named, Field(pattern="^[A-Za-z0-9-]+$", max_length=500), Canonical(lower), Mark.IMMUTABLE] = None
    coupon: Annotated[str, Link("stripe.coupon"), Mark.IMMUTABLE, Impact.MONEY]
    customer: Annotated[str | None, Mark.IMMUTABLE] = None
    customer_account: Annotated[str | None, Mark.IMMUTABLE] = None
    expires_at: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    max_redemptions: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    restrictions: Annotated[Restrictions | None, Impact.MONEY] = None
    active: bool | None = True
    metadata: Metadata = None


class PromotionCode(Archived[PromotionCodeSpec]):
    """What a customer types. Active codes are unique whatever their case, so a new one waits until the old one is off.

    `coupon` stands at the top here, whatever the API version nests.
    """

    name, spec, path = "stripe.promotion_code", PromotionCodeSpec, "/v1/promotion_codes"
    permissions = access("promotion_code")
    create_impact = Impact.MONEY

    @property
    def nests(self) -> bool:
        """Whether the connection's API version takes `promotion: {type, coupon}`."""
        settings: Any = self._api.settings if self._api is not None else None
        return settings is None or cast("str", settings.api_version) >= NESTED_SINCE

    @property
    def expand(self) -> tuple[str, ...]:  # type: ignore[override]
        """The coupon, whose end makes a code useless, and what Stripe hides of the restrictions."""
        return (OPTIONS, "promotion.coupon") if self.nests else (OPTIONS,)

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The active codes; those switched off pile up, so only the newest with a wanted code is asked for."""
        held = set()
        for body in self.api.pages(self.path, {**self.query_list, "active": True}):
            held.add(lower(body.get("code")))
            yield self.live(body)
        if ask.everything:
            for body in self.api.pages(self.path, {**self.query_list, "active": False}):
                yield self.live(body)
            return
        for code in dict.fromkeys(want.get("code") for want in ask.wants):
            if code is not None and lower(code) not in held:
                page = self.api.get(self.path, {**self.query_list, "active": False, "code": code, "limit": 1})
                yield from (self.live(body) for body in page["data"])

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """One flat coupon; none where that coupon is gone, as then the code can't be brought back."""
        fields = super().from_wire(body)
        coupon = body.get("promotion", body).get("coupon")
        fields["coupon"] = _alive(coupon, body) if isinstance(coupon, Mapping) else coupon
        fields["customer"] = _id(body.get("customer"))
        restrictions = fields.get("restrictions") or {}
        kept = {name: value for name, value in without_empty(restrictions).items() if value is not False}
        return {**fields, "restrictions": kept}

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """The coupon where this API version takes it."""
        wire = {name: value for name, value in fields.items() if name != "coupon"}
        if "coupon" in fields:
            flat, nested = {"coupon": fields["coupon"]}, {"promotion": {"type": "coupon", "coupon": fields["coupon"]}}
            wire |= nested if self.nests else flat
        if wire.get("restrictions"):
            currency = wire["restrictions"].get("minimum_amount_currency")
            more = {"minimum_amount_currency": lower(currency)} if currency else {}
            wire["restrictions"] = {**wire["restrictions"], **more}
        return wire

    def update(self, live: Live, want: Want[PromotionCodeSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; of the restrictions only the currencies can."""
        for call in super().update(live, want, changes):
            held = call.body.get("restrictions")
            kept = {"restrictions": {"currency_options": held["currency_options"]}} if held else {}
            yield replace(call, body={**call.body, **kept})

    # judgement

    def forces(self, live: Live, want: Want[PromotionCodeSpec], change: Change) -> bool:
        """Restrictions are said once; of their currencies some can be added or changed, none taken out."""
        return change.replaces or change.path == "restrictions" or lost_currency(change, OPTIONS)

    def revivable(self, live: Live, want: Want[PromotionCodeSpec]) -> bool:
        """A code that is off is switched on again when it means the same; else a new one is made."""
        fixed = {name: value for name, value in want.fields.items() if name not in ("active", "metadata")}
        return covers({name: live.fields.get(name) for name in fixed}, fixed, self.shape)

    def fate(self, live: Live) -> Fate:
        """It is switched off."""
        return Fate("deactivate", why="it can't be redeemed any more; discounts given stay")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A least amount needs its currency."""
        said = fields.get("restrictions") or {}
        amount, currency = said.get("minimum_amount"), said.get("minimum_amount_currency")
        if (amount is None) != (currency is None):
            yield f"restrictions.minimum_amount{'_currency' if currency is None else ''}", (
                "minimum_amount and minimum_amount_currency go together")
        if amount is None and said.get("currency_options"):
            yield OPTIONS, "goes with minimum_amount only"
        if lower(currency) in (said.get("currency_options") or {}):
            yield f"{OPTIONS}.{lower(currency)}", "is minimum_amount_currency, whose amount is minimum_amount"
        if fields.get("customer") and fields.get("customer_account"):
            yield "customer_account", "says the customer a second time, beside customer: give one of them"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What switching off means, and what a replace leaves behind."""
        yield from self.said_of_switch(action.changes, "switched off: it can't be redeemed any more")
        if action.op is Op.REPLACE:
            yield Note("switched off first; the new one counts its redemptions from nothing", subject="old code",
                       impact=Impact.MONEY)

    def look(self, action: Action) -> Iterable[Fact]:
        """How often it was redeemed, as the list showed it; no request of its own."""
        return redeemed(action)


def _alive(coupon: Mapping[str, Any], code: Mapping[str, Any]) -> Any:
    """The coupon's id, or None where it was deleted, or is younger than the code: made again under the same id."""
    gone = coupon.get("deleted") or coupon.get("created", 0) > code.get("created", 0)
    return None if gone and not code.get("active") else coupon.get("id")


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value
