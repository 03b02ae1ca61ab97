"""The sandbox's products and prices: what is required, what may change, what comes back."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from reconciler.vendors.stripe.sandbox_collection import CREATED, Account, Body, Collection, equal
from reconciler.vendors.stripe.sandbox_params import (
    BOOL,
    DECIMAL,
    FLOAT,
    INT,
    METADATA,
    TEXT,
    Complaint,
    Param,
    by_key,
    made_of,
    many,
    one_of,
)

PRODUCTS, PRICES, METERS = "/v1/products", "/v1/prices", "/v1/billing/meters"

_TAX = one_of("exclusive", "inclusive", "unspecified")
_TIERS = many(made_of(("up_to",), up_to=TEXT, unit_amount=INT, unit_amount_decimal=DECIMAL, flat_amount=INT,
                      flat_amount_decimal=DECIMAL))
_CUSTOM = made_of(("enabled",), enabled=BOOL, minimum=INT, maximum=INT, preset=INT)
_OPTIONS = by_key(made_of(unit_amount=INT, unit_amount_decimal=DECIMAL, custom_unit_amount=_CUSTOM, tiers=_TIERS,
                          tax_behavior=_TAX))
_INTERVAL = one_of("day", "month", "week", "year")
_RECURRING = made_of(("interval",), interval=_INTERVAL, interval_count=INT, meter=TEXT, trial_period_days=INT,
                     usage_type=one_of("licensed", "metered"))
_FEATURES = many(made_of(("name",), name=Param(longest=80)), 15)
_SIZE = made_of(("height", "length", "weight", "width"), height=FLOAT, length=FLOAT, weight=FLOAT, width=FLOAT)
_TAX_DETAILS = made_of(tax_code=TEXT.clearable, performance_location=TEXT)
_DESCRIPTOR = Param(longest=22)

PRODUCT_CREATE = made_of(
    ("name",), id=TEXT, name=TEXT, active=BOOL, description=TEXT, images=many(TEXT, 8), marketing_features=_FEATURES,
    metadata=METADATA, package_dimensions=_SIZE, shippable=BOOL, statement_descriptor=_DESCRIPTOR, tax_code=TEXT,
    tax_details=_TAX_DETAILS, type=one_of("good", "service"), unit_label=TEXT, url=TEXT,
    default_price_data=made_of(("currency",), currency=TEXT, currency_options=_OPTIONS, custom_unit_amount=_CUSTOM,
                               metadata=METADATA, recurring=_RECURRING, tax_behavior=_TAX, unit_amount=INT,
                               unit_amount_decimal=DECIMAL))
PRODUCT_UPDATE = made_of(
    name=TEXT, active=BOOL, default_price=TEXT.clearable, description=TEXT.clearable, images=many(TEXT, 8).clearable,
    marketing_features=_FEATURES.clearable, metadata=METADATA, package_dimensions=_SIZE.clearable, shippable=BOOL,
    statement_descriptor=_DESCRIPTOR.clearable, tax_code=TEXT.clearable, tax_details=_TAX_DETAILS.clearable,
    unit_label=TEXT.clearable, url=TEXT.clearable)
PRODUCT_LIST = made_of(active=BOOL, created=CREATED, ids=many(TEXT), shippable=BOOL, type=one_of("good", "service"),
                       url=TEXT)
PRICE_CREATE = made_of(
    ("currency",), product=TEXT, currency=TEXT, unit_amount=INT, unit_amount_decimal=DECIMAL,
    custom_unit_amount=_CUSTOM,
    billing_scheme=one_of("per_unit", "tiered"), tiers=_TIERS, tiers_mode=one_of("graduated", "volume"),
    transform_quantity=made_of(("divide_by", "round"), divide_by=INT, round=one_of("down", "up")), recurring=_RECURRING,
    currency_options=_OPTIONS, tax_behavior=_TAX, lookup_key=Param(longest=200), transfer_lookup_key=BOOL,
    nickname=TEXT,
    active=BOOL, metadata=METADATA)
PRICE_UPDATE = made_of(
    active=BOOL, currency_options=_OPTIONS.clearable, lookup_key=Param(longest=200, clears=True), metadata=METADATA,
    nickname=TEXT.clearable, tax_behavior=_TAX, transfer_lookup_key=BOOL)
PRICE_LIST = made_of(active=BOOL, created=CREATED, currency=TEXT, lookup_keys=many(TEXT, 10), product=TEXT,
                     recurring=made_of(interval=_INTERVAL, meter=TEXT, usage_type=one_of("licensed", "metered")),
                     type=one_of("one_time", "recurring"))

_EMPTY_PRODUCT: Body = {
    "active": True, "default_price": None, "description": None, "images": [], "marketing_features": [], "metadata": {},
    "package_dimensions": None, "shippable": None, "statement_descriptor": None, "tax_code": None, "tax_details": None,
    "type": "service", "unit_label": None, "url": None}
_EMPTY_PRICE: Body = {
    "active": True, "billing_scheme": "per_unit", "custom_unit_amount": None, "lookup_key": None, "metadata": {},
    "nickname": None, "recurring": None, "tax_behavior": "unspecified", "tiers": None, "tiers_mode": None,
    "transform_quantity": None, "unit_amount": None, "unit_amount_decimal": None, "currency_options": {}}


def new_product(given: Body, account: Account) -> Body:
    """A product as Stripe stores it."""
    if given.get("id") in account.held(PRODUCTS):
        raise Complaint("Product already exists.", code="resource_already_exists", param="id")
    _descriptor(given)
    return {**_EMPTY_PRODUCT, **given}


def changed_product(product: Body, given: Body, account: Account) -> Body:
    """A product after an update; a default price must be one of its own, and active."""
    price = given.get("default_price")
    if price is not None:
        held = account.find(PRICES, "price", price, "default_price")
        if held["product"] != product["id"]:
            raise Complaint(f"The price specified ({price}) does not belong to the product {product['id']}.",
                            param="default_price")
        if not held["active"]:
            raise Complaint("The price specified is inactive. This field only accepts active prices.",
                            param="default_price")
    _descriptor(given)
    empty: Body = {"images": [], "marketing_features": []}
    values: Body = {key: empty.get(key) if value is None else value for key, value in given.items()}
    if isinstance(values.get("tax_details"), dict):
        values["tax_details"] = {**(product["tax_details"] or {}), **values["tax_details"]}
    return {**product, **values}


def _descriptor(given: Body) -> None:
    text = given.get("statement_descriptor")
    if text is not None:
        plain = text.encode("ascii", "ignore").decode()
        if re.search(r"[<>\\\"']", text) or not re.search("[A-Za-z]", plain):
            raise Complaint("The statement descriptor must contain at least one letter and none of < > \\ \" '.",
                            param="statement_descriptor")
        given["statement_descriptor"] = plain


def ended_product(product: Body, account: Account) -> None:
    """A product that has prices, archived ones too, is not deleted."""
    if any(price["product"] == product["id"] for price in account.held(PRICES).values()):
        raise Complaint("This product cannot be deleted because it has one or more user-created prices.")


def new_price(given: Body, account: Account) -> Body:
    """A price as Stripe stores it: both forms of each amount, the defaults of a recurring one."""
    account.find(PRODUCTS, "product", str(given.get("product")), "product")
    given["currency"] = currency(given["currency"], "currency")
    tiered = given.get("billing_scheme") == "tiered"
    amounts = _amounts(given, "", tiered)
    if tiered and not given.get("tiers_mode"):
        raise Complaint("Missing required param: tiers_mode.", code="parameter_missing", param="tiers_mode")
    if tiered and given.get("transform_quantity"):
        raise Complaint("You cannot use `transform_quantity` with tiers.", param="transform_quantity")
    options = {currency(key, "currency_options"): {"tax_behavior": "unspecified",
                                                    **_amounts(value, f"currency_options[{key}]", tiered)}
               for key, value in given.get("currency_options", {}).items()}
    kept = {key: value for key, value in given.items() if key != "transfer_lookup_key"}
    price = {**_EMPTY_PRICE, **kept, **amounts, "currency_options": options,
             "recurring": _recurring(given.get("recurring"), account)}
    _take_key(given, None, account)
    return {**price, "type": "recurring" if price["recurring"] else "one_time"}


def changed_price(price: Body, given: Body, account: Account) -> Body:
    """A price after an update; how it is taxed is said once, and a product's default price stays on sale."""
    default = account.held(PRODUCTS).get(price["product"], {}).get("default_price")
    if given.get("active") is False and default == price["id"]:
        raise Complaint("This price cannot be archived because it is the default price of its product.", param="active")
    for said, now, at in [(price["tax_behavior"], given.get("tax_behavior"), "tax_behavior")]:
        if now is not None and said not in ("unspecified", now):
            raise Complaint("You cannot change `tax_behavior` once it is set.", param=at)
    values = {key: value for key, value in given.items() if key != "transfer_lookup_key"}
    if "currency_options" in values:
        values["currency_options"] = _changed_options(price, values["currency_options"])
    _take_key(given, price["id"], account)
    return {**price, **values}


def _take_key(given: Body, id: str | None, account: Account) -> None:
    """A lookup key has one holder, archived or not; it is moved when that is asked for."""
    key = given.get("lookup_key")
    for other in account.held(PRICES).values() if key else ():
        if other["lookup_key"] == key and other["id"] != id:
            if not given.get("transfer_lookup_key"):
                raise Complaint(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
            other["lookup_key"] = None


def _changed_options(price: Body, given: Body | None) -> Body:
    """Currencies that an update names; those it does not name stay, and an empty text clears all."""
    if given is None:
        return {}
    tiered, options = price["billing_scheme"] == "tiered", dict(price["currency_options"])
    for key, value in given.items():
        code, held = currency(key, "currency_options"), options.get(key.lower(), {})
        if code == price["currency"]:
            raise Complaint("The price's own currency can't be changed.", param=f"currency_options[{key}]")
        says_amount = value.keys() - {"tax_behavior"}
        amounts = _amounts(value, f"currency_options[{key}]", tiered) if says_amount or not held else held
        tax = value.get("tax_behavior", held.get("tax_behavior", "unspecified"))
        if held.get("tax_behavior", "unspecified") not in ("unspecified", tax):
            raise Complaint("You cannot change `tax_behavior` once it is set.",
                            param=f"currency_options[{key}][tax_behavior]")
        options[code] = {**amounts, "tax_behavior": tax}
    return options


def _options_shown(price: Body, account: Account) -> Body:
    """The currencies as an expanded price shows them: its own among them."""
    if "currency_options" not in price:
        return price
    own = {name: price[name] for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")}
    tiers = {"tiers": price["tiers"]} if price.get("tiers") else {}
    return {**price, "currency_options": {price["currency"]: {**own, **tiers}, **price["currency_options"]}}


def _fits(body: Body, name: str, wanted: Any) -> bool:
    if name in ("ids", "lookup_keys"):
        return body["id" if name == "ids" else "lookup_key"] in wanted
    if name == "recurring":
        return all((body["recurring"] or {}).get(key) == value for key, value in wanted.items())
    return equal(body, name, wanted)


def currency(code: str, param: str) -> str:
    """A currency as Stripe keeps it."""
    if not re.fullmatch("[A-Za-z]{3}", code):
        raise Complaint(f"Invalid currency: {code}. Stripe supports only three-letter codes.", param=param)
    return code.lower()


def _amounts(given: Body, at: str, tiered: bool) -> Body:
    """The amounts of a price or of one currency of it."""
    path = (lambda name: f"{at}[{name}]") if at else (lambda name: name)
    forms = [name for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount") if name in given]
    tax = {"tax_behavior": given["tax_behavior"]} if "tax_behavior" in given else {}
    if tiered:
        if forms:
            raise Complaint(f"You may not specify `{forms[0]}` with `billing_scheme=tiered`.", param=path(forms[0]))
        return {"custom_unit_amount": None, "unit_amount": None, "unit_amount_decimal": None,
                "tiers": _tiers(given, path("tiers")), **tax}
    if "tiers" in given:
        raise Complaint("`tiers` require `billing_scheme=tiered`.", param=path("tiers"))
    if len(forms) != 1:
        raise Complaint("You must provide exactly one of `unit_amount`, `unit_amount_decimal` or `custom_unit_amount`.",
                        code="parameter_missing", param=path("unit_amount"))
    custom = given.get("custom_unit_amount")
    chosen = {name: custom.get(name) for name in ("maximum", "minimum",
                                                  "preset")} if custom and custom["enabled"] else None
    return {"custom_unit_amount": chosen, **_both(given, "unit_amount", path("unit_amount")), **tax}


def _tiers(given: Body, at: str) -> list[Body]:
    tiers = given.get("tiers")
    if not tiers:
        raise Complaint("Missing required param: tiers.", code="parameter_missing", param=at)
    shown, last = [], 0
    for n, tier in enumerate(tiers):
        up_to = None if tier["up_to"] == "inf" else int(tier["up_to"]) if tier["up_to"].isdigit() else 0
        if (up_to is None) != (n == len(tiers) - 1) or (up_to is not None and up_to <= last):
            raise Complaint("Tiers must go up, and the last one must have `up_to=inf`.", param=f"{at}[{n}][up_to]")
        last = up_to or 0
        shown.append({**_both(tier, "flat_amount", f"{at}[{n}]"), **_both(tier, "unit_amount", f"{at}[{n}]"),
                      "up_to": up_to})
    return shown


def _both(given: Body, name: str, at: str) -> Body:
    """An amount in both its forms, as Stripe always shows it; the whole form is null where there are decimals."""
    whole, fraction = given.get(name), given.get(f"{name}_decimal")
    if whole is not None and fraction is not None:
        raise Complaint(f"You may only specify one of these parameters: {name}, {name}_decimal.", param=at)
    if whole is not None:
        if whole < 0:
            raise Complaint("Invalid non-negative integer", code="parameter_invalid_integer", param=at)
        return {name: whole, f"{name}_decimal": str(whole)}
    if fraction is None:
        return {name: None, f"{name}_decimal": None}
    plain = format(Decimal(fraction).normalize(), "f")
    return {name: int(plain) if "." not in plain else None, f"{name}_decimal": plain}


_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


def _recurring(given: Body | None, account: Account) -> Body | None:
    if given is None:
        return None
    shown = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed", **given}
    if not 1 <= shown["interval_count"] <= _LONGEST[shown["interval"]]:
        raise Complaint("The maximum billing period is three years.", param="recurring[interval_count]")
    if shown["meter"] and shown["usage_type"] != "metered":
        raise Complaint("A meter needs `usage_type=metered`.", param="recurring[meter]")
    if shown["meter"] and account.find(METERS, "meter", shown["meter"], "recurring[meter]")["status"] != "active":
        raise Complaint("You cannot attach an inactive meter to a price.", param="recurring[meter]")
    return shown


CATALOG = (
    Collection(PRODUCTS, "product", "prod", PRODUCT_LIST, new_product, PRODUCT_CREATE, changed_product, PRODUCT_UPDATE,
               gone=ended_product, links={"default_price": PRICES}, stamps=("created", "updated"), fits=_fits),
    Collection(PRICES, "price", "price", PRICE_LIST, new_price, PRICE_CREATE, changed_price, PRICE_UPDATE, key="price",
               hidden=("tiers", "currency_options"), links={"product": PRODUCTS}, fits=_fits, shown=_options_shown))
