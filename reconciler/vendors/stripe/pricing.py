"""The fields of stripe.price, and what Stripe takes together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Named, Spec
from reconciler.model import Fields, Impact, has_token
from reconciler.vendors.stripe.amounts import Fraction, Minor, TierFraction, TierMinor
from reconciler.vendors.stripe.metadata import Metadata

INF = "inf"
FORMS = ("unit_amount", "unit_amount_decimal", "custom_unit_amount")
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""How many intervals make up the three years that a billing period may last at most."""

TaxBehavior = Annotated[Literal["unspecified", "inclusive", "exclusive"] | None, Impact.MONEY]


def lower(value: Any) -> Any:
    """A currency as Stripe writes it."""
    return value.lower() if isinstance(value, str) else value


def currency_key(key: str) -> str:
    """A currency as the key of a map; ValueError when it is not three small letters."""
    if len(key) != 3 or not key.isascii() or not key.isalpha() or not key.islower():
        raise ValueError("must be a currency code of three small letters, such as eur")
    return key


def chosen(custom: Any) -> Any:
    """An amount to be chosen, as Stripe takes it: to give it is to enable it, even without limits."""
    return {**custom, "enabled": True} if isinstance(custom, dict) else custom


class CustomUnitAmount(Spec):
    """An amount that the customer chooses, within limits."""

    enabled: Literal[True] | None = None
    minimum: Minor = None
    maximum: Minor = None
    preset: Minor = None


class Tier(Spec):
    """What is charged up to a quantity; the last tier goes up to `inf`."""

    up_to: Annotated[int, Field(gt=0)] | Literal["inf"]
    unit_amount: TierMinor = None
    unit_amount_decimal: TierFraction = None
    flat_amount: TierMinor = None
    flat_amount_decimal: TierFraction = None


class Recurring(Spec):
    """How often a subscription is billed, and for what."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: Annotated[int | None, Field(ge=1)] = 1
    usage_type: Literal["licensed", "metered"] | None = "licensed"
    meter: Annotated[str | None, Link("stripe.meter")] = None
    trial_period_days: Annotated[int | None, Field(ge=1)] = None


class TransformQuantity(Spec):
    """A division of the quantity before it is charged."""

    divide_by: Annotated[int, Field(gt=0)]
    round: Literal["up", "down"]


class CurrencyOption(Spec):
    """What the price is in another currency."""

    unit_amount: Minor = None
    unit_amount_decimal: Fraction = None
    custom_unit_amount: Annotated[CustomUnitAmount | None, Canonical(chosen)] = None
    tiers: list[Tier] | None = None
    tax_behavior: TaxBehavior = "unspecified"


class PriceSpec(Spec):
    """The fields of stripe.price."""

    lookup_key: Annotated[Named, Field(min_length=1, max_length=200)] = None
    product: Annotated[str, Link("stripe.product"), Mark.IMMUTABLE]
    currency: Annotated[str, Field(pattern="^[A-Za-z]{3}$"), Canonical(lower), Mark.IMMUTABLE, Impact.MONEY]
    unit_amount: Annotated[Minor, Mark.IMMUTABLE, Impact.MONEY] = None
    unit_amount_decimal: Annotated[Fraction, Mark.IMMUTABLE, Impact.MONEY] = None
    custom_unit_amount: Annotated[CustomUnitAmount | None, Canonical(chosen), Mark.IMMUTABLE, Impact.MONEY] = None
    billing_scheme: Annotated[Literal["per_unit", "tiered"] | None, Mark.IMMUTABLE, Impact.MONEY] = "per_unit"
    tiers: Annotated[list[Tier] | None, Mark.IMMUTABLE, Impact.MONEY] = None
    tiers_mode: Annotated[Literal["graduated", "volume"] | None, Mark.IMMUTABLE, Impact.MONEY] = None
    transform_quantity: Annotated[TransformQuantity | None, Mark.IMMUTABLE, Impact.MONEY] = None
    recurring: Annotated[Recurring | None, Mark.IMMUTABLE, Impact.MONEY] = None
    currency_options: Annotated[dict[Annotated[str, AfterValidator(currency_key)], CurrencyOption] | None,
                                Impact.MONEY] = None
    tax_behavior: TaxBehavior = "unspecified"
    nickname: Annotated[str | None, Impact.COSMETIC] = None
    active: bool | None = True
    metadata: Metadata = None


Finding = tuple[str, str]


def findings(fields: Fields) -> Iterator[Finding]:
    """What no single field can say: which amounts go together, the order of tiers, the longest period."""
    tiered = fields.get("billing_scheme") == "tiered"
    yield from _amounts(fields, "", tiered)
    if tiered and not fields.get("tiers_mode"):
        yield "tiers_mode", "tiered prices need tiers_mode: graduated or volume"
    if not tiered and fields.get("tiers_mode"):
        yield "tiers_mode", "goes with billing_scheme: tiered only"
    if fields.get("tiers") and fields.get("transform_quantity"):
        yield "transform_quantity", "can't be combined with tiers"
    yield from _recurring(fields.get("recurring") or {})
    for currency, option in (fields.get("currency_options") or {}).items():
        path = f"currency_options.{currency}"
        if currency == lower(fields.get("currency")):
            yield path, "is the price's own currency, whose amount stands beside currency_options"
        yield from _amounts(option or {}, f"{path}.", tiered)


def _amounts(fields: Mapping[str, Any], below: str, tiered: bool) -> Iterator[Finding]:
    given = [name for name in FORMS if fields.get(name) is not None]
    nulls = [name for name in FORMS if name in fields and fields[name] is None]
    if tiered:
        for name in given:
            yield f"{below}{name}", "a tiered price has its amounts in tiers"
        if not fields.get("tiers"):
            yield f"{below}tiers", "billing_scheme: tiered needs tiers"
    else:
        if fields.get("tiers"):
            yield f"{below}tiers", "tiers need billing_scheme: tiered"
        elif not given and nulls:
            yield f"{below}{nulls[0]}", "a price always has an amount, so this can't be null: 0 is a free price"
        elif not given:
            yield f"{below}unit_amount", f"needs an amount: one of {', '.join(FORMS[:2])} or {FORMS[2]}"
        elif nulls:
            yield f"{below}{nulls[0]}", f"{given[0]} says the amount already: leave this out instead of null"
        for name in given[1:]:
            yield f"{below}{name}", f"says the amount a second time, beside {given[0]}: give exactly one of them"
    yield from _tiers(fields.get("tiers") or [], f"{below}tiers")
    yield from _chosen(fields.get("custom_unit_amount") or {}, f"{below}custom_unit_amount")


def _tiers(tiers: list[Any], path: str) -> Iterator[Finding]:
    last = 0
    for n, tier in enumerate(tiers):
        at, up_to = f"{path}[{n}]", tier.get("up_to")
        if n == len(tiers) - 1 and up_to != INF and not has_token(up_to):
            yield f"{at}.up_to", "the last tier must go up to inf"
        if n < len(tiers) - 1 and up_to == INF:
            yield f"{at}.up_to", "only the last tier goes up to inf"
        if isinstance(up_to, int):
            if up_to <= last:
                yield f"{at}.up_to", f"must be more than the tier before, which goes up to {last}"
            last = up_to
        if not any(tier.get(f"{name}{form}") is not None for name in ("unit_amount",
                                                                      "flat_amount") for form in ("", "_decimal")):
            yield at, "needs a unit_amount or a flat_amount; 0 is a free tier"
        for name in ("unit_amount", "flat_amount"):
            if tier.get(name) is not None and tier.get(f"{name}_decimal") is not None:
                yield f"{at}.{name}_decimal", f"says the amount a second time, beside {name}: give one of them"


def _chosen(custom: Mapping[str, Any], path: str) -> Iterator[Finding]:
    known = [(n, custom[n]) for n in ("minimum", "preset", "maximum") if isinstance(custom.get(n), int)]
    for (less, low), (more, high) in pairwise(known):
        if low > high:
            yield f"{path}.{more}", f"must not be less than {less}, which is {low}"


def _recurring(recurring: Mapping[str, Any]) -> Iterator[Finding]:
    interval, count = recurring.get("interval"), recurring.get("interval_count")
    if isinstance(count, int) and count > LONGEST.get(str(interval), count):
        yield "recurring.interval_count", (f"{count} {interval}s are more than three years: "
                                           f"at most {LONGEST[str(interval)]}")
    if recurring.get("meter") and recurring.get("usage_type") != "metered":
        yield "recurring.meter", "a meter needs usage_type: metered"
