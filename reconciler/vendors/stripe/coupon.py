"""stripe.coupon: a discount. What it takes off never changes: another discount is another coupon under the same id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Named, Output, Scene, Spec
from reconciler.model import Action, Call, Change, Changes, Fact, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.stripe.archived import StripeKind
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access
from reconciler.vendors.stripe.pricing import currency_key, lower

OPTIONS = "currency_options"
ONLY = "can't be taken out by itself"

Currency = Annotated[str | None, Field(pattern="^[A-Za-z]{3}$"), Canonical(lower)]


class CouponOption(Spec):
    """What is taken off in another currency."""

    amount_off: Annotated[int, Field(gt=0)]


class AppliesTo(Spec):
    """What the discount is for."""

    products: Annotated[list[Annotated[str, Link("stripe.product")]], Field(min_length=1), Mark.UNORDERED]


class CouponSpec(Spec):
    """The fields of stripe.coupon."""

    id: Annotated[Named, Field(min_length=1, max_length=5000), Mark.IMMUTABLE] = None
    percent_off: Annotated[float | None, Field(gt=0, le=100), Mark.IMMUTABLE, Impact.MONEY] = None
    amount_off: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    currency: Annotated[Currency, Mark.IMMUTABLE, Impact.MONEY] = None
    duration: Annotated[Literal["once", "repeating", "forever"] | None, Mark.IMMUTABLE, Impact.MONEY] = "once"
    duration_in_months: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    max_redemptions: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    redeem_by: Annotated[int | None, Field(gt=0), Mark.IMMUTABLE, Impact.MONEY] = None
    applies_to: Annotated[AppliesTo | None, Mark.IMMUTABLE, Impact.MONEY] = None
    currency_options: Annotated[dict[Annotated[str, AfterValidator(currency_key)], CouponOption] | None,
                                Impact.MONEY] = None
    name: Annotated[str | None, Field(min_length=1, max_length=40), Impact.COSMETIC] = None
    metadata: Metadata = None


class Coupon(StripeKind[CouponSpec]):
    """A discount. Who has it keeps it when the coupon is deleted; its id may be used again at once.

    `redeem_by` lies at most five years ahead; that is left to Stripe to say, as no manifest knows what day it is.
    A missing name is shown as the id (Stripe's reference says so of invoices), so the id is read as no name, and is
    what clears one: the update takes no empty text (`stripe` 16.1.0, CouponUpdateParams).
    """

    name, spec, path = "stripe.coupon", CouponSpec, "/v1/coupons"
    permissions = access("coupon")
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(foretold="id")}
    expand = ("applies_to", OPTIONS)
    create_impact = Impact.MONEY

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """No name where it is the id, no restriction without a product, the own currency not among the others."""
        fields = super().from_wire(body)
        if fields.get("name") == body.get("id"):
            fields["name"] = None
        if not (fields.get("applies_to") or {}).get("products"):
            fields["applies_to"] = None
        options = fields.get(OPTIONS) or {}
        fields[OPTIONS] = {currency: option for currency, option in options.items() if currency != body.get("currency")}
        return fields

    def to_wire(self, fields: Fields) -> Fields:
        """Currencies in small letters."""
        return {**fields, "currency": lower(fields["currency"])} if "currency" in fields else dict(fields)

    def update(self, live: Live, want: Want[CouponSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; the id in the place of a name that goes."""
        for call in super().update(live, want, changes):
            gone = call.body.get("name", ...) is None
            yield Call(call.method, call.path, {**call.body, "name": live.id}) if gone else call

    def forces(self, live: Live, want: Want[CouponSpec], change: Change) -> bool:
        """A currency, once offered, can't be taken out by an update."""
        return change.replaces or lost_currency(change, OPTIONS)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Either a percentage or an amount, and what belongs to each."""
        percent, amount = fields.get("percent_off"), fields.get("amount_off")
        if percent is None and amount is None:
            yield "percent_off", "needs a discount: percent_off, or amount_off with a currency"
        if percent is not None and amount is not None:
            yield "amount_off", "says the discount a second time, beside percent_off: give one of them"
        if amount is not None and not fields.get("currency"):
            yield "currency", "amount_off needs a currency"
        for name in ("currency", OPTIONS):
            if amount is None and fields.get(name):
                yield name, "goes with amount_off only"
        if lower(fields.get("currency")) in (fields.get(OPTIONS) or {}):
            yield f"{OPTIONS}.{lower(fields['currency'])}", "is the coupon's own currency, whose amount is amount_off"
        if (fields.get("duration") == "repeating") != (fields.get("duration_in_months") is not None):
            yield "duration_in_months", "goes with duration: repeating, and that needs it"
        if fields.get("name") is not None and fields.get("name") == fields.get("id"):
            yield "name", "is what Stripe shows when no name is given: leave it out"

    def fate(self, live: Live) -> Fate:
        """It is deleted; discounts given stay."""
        return Fate("delete", why="who has the discount keeps it; nobody else gets it any more")

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What a replace means to those who have the old discount."""
        if action.op is Op.REPLACE:
            yield Note("deleted first; who has its discount keeps it", subject="old coupon", impact=Impact.MONEY)
            yield Note("counts its redemptions from nothing", subject="new coupon")
        for change in action.changes if action.live is not None else ():
            if lost_currency(change, OPTIONS):
                yield Note(ONLY, path=change.path)

    def look(self, action: Action) -> Iterable[Fact]:
        """How often it was redeemed, as the list showed it; no request of its own."""
        return redeemed(action)


def lost_currency(change: Change, path: str) -> bool:
    """Whether a change takes a currency out of a map that can only grow."""
    head, _, rest = change.path.removeprefix(path).partition(".")
    if not change.path.startswith(path) or head:
        return False
    if rest:
        return "." not in rest and change.after is None
    return bool(change.before) and not set(change.before) <= set(change.after or {})


def redeemed(action: Action) -> Iterable[Fact]:
    """How often a discount that ends was redeemed."""
    raw = action.live.raw if action.live is not None else None
    count = raw.get("times_redeemed") if isinstance(raw, dict) else 0
    if count and action.op in (Op.DELETE, Op.REPLACE):
        yield Fact(f"redeemed {count} time{'s' if count > 1 else ''}", subject="until now")
