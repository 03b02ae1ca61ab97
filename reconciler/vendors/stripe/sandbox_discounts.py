"""The sandbox's coupons and promotion codes: what excludes what, and which codes are taken."""

from __future__ import annotations

import re
from typing import Any

from reconciler.vendors.stripe.sandbox_catalog import PRODUCTS, currency
from reconciler.vendors.stripe.sandbox_collection import CREATED, Account, Body, Collection, equal
from reconciler.vendors.stripe.sandbox_params import (
    BOOL,
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

COUPONS, CODES = "/v1/coupons", "/v1/promotion_codes"
NESTED_SINCE = "2025-09-30"
FIVE_YEARS = 5 * 366 * 86400

_OPTIONS = by_key(made_of(("amount_off",), amount_off=INT))
_LEAST = by_key(made_of(("minimum_amount",), minimum_amount=INT))
_COUPON_CREATE = made_of(
    id=TEXT, amount_off=INT, applies_to=made_of(products=many(TEXT)), currency=TEXT, currency_options=_OPTIONS,
    duration=one_of("forever", "once", "repeating"), duration_in_months=INT, max_redemptions=INT, metadata=METADATA,
    name=Param(longest=40), percent_off=FLOAT, redeem_by=INT)
_COUPON_UPDATE = made_of(currency_options=_OPTIONS, metadata=METADATA, name=Param(longest=40))
_CODE_CREATE = made_of(
    active=BOOL, code=Param(longest=500), coupon=TEXT, customer=TEXT, customer_account=TEXT, expires_at=INT,
    max_redemptions=INT, metadata=METADATA, promotion=made_of(("type",), type=one_of("coupon"), coupon=TEXT),
    restrictions=made_of(currency_options=_LEAST, first_time_transaction=BOOL, minimum_amount=INT,
                         minimum_amount_currency=TEXT))
_CODE_UPDATE = made_of(active=BOOL, metadata=METADATA, restrictions=made_of(currency_options=_LEAST))


def _new_coupon(given: Body, account: Account) -> Body:
    if given.get("id") in account.held(COUPONS):
        raise Complaint("Coupon already exists.", code="resource_already_exists", param="id")
    percent, amount = given.get("percent_off"), given.get("amount_off")
    if (percent is None) == (amount is None):
        raise Complaint("You must pass either `percent_off` or `amount_off`.", param="percent_off")
    if percent is not None and not 0 < percent <= 100:
        raise Complaint("Invalid percent_off: must be between 0 and 100.", param="percent_off")
    if amount is not None and "currency" not in given:
        raise Complaint("You must pass `currency` when passing `amount_off`.", code="parameter_missing",
                        param="currency")
    if (given.get("duration") == "repeating") != ("duration_in_months" in given):
        raise Complaint("`duration_in_months` goes with `duration=repeating`.", param="duration_in_months")
    if given.get("redeem_by", 0) > account.now + FIVE_YEARS:
        raise Complaint("Invalid timestamp: can be no more than five years in the future.", param="redeem_by")
    for product in given.get("applies_to", {}).get("products", ()):
        account.find(PRODUCTS, "product", product, "applies_to[products]")
    if percent is not None and given.get("currency_options"):
        raise Complaint("`currency_options` go with `amount_off` only.", param="currency_options")
    empty = dict.fromkeys(("amount_off", "applies_to", "currency", "duration_in_months", "max_redemptions", "name",
                           "percent_off", "redeem_by"))
    code = {"currency": currency(given["currency"], "currency")} if "currency" in given else {}
    return {**empty, "duration": "once", "times_redeemed": 0, "valid": True, "currency_options": {}, **given, **code}


def _changed_coupon(held: Body, given: Body, account: Account) -> Body:
    options = given.get("currency_options", {})
    if options and held["amount_off"] is None:
        raise Complaint("`currency_options` go with `amount_off` only.", param="currency_options")
    return {**held, **given, "currency_options": {**held["currency_options"], **options}}


def _ended_coupon(coupon: Body, account: Account) -> None:
    """Its codes are of no use any more, also when a coupon of the same id is made again."""
    for code in account.held(CODES).values():
        if code["promotion"]["coupon"] == coupon["id"]:
            ended = {**{key: value for key, value in coupon.items() if not key.startswith("_")}, "valid": False}
            code["active"], code["_gone"] = False, {"promotion.coupon": {**ended, "deleted": True}}


def _coupon_shown(shown: Body, account: Account) -> Body:
    """The currencies as Stripe shows them: the coupon's own among them."""
    if "currency_options" in shown and shown["currency"]:
        own = {shown["currency"]: {"amount_off": shown["amount_off"]}}
        return {**shown, "currency_options": {**own, **shown["currency_options"]}}
    return shown


def _new_code(given: Body, account: Account) -> Body:
    nests = not account.version or account.version >= NESTED_SINCE
    if "promotion" not in given if nests else "coupon" not in given:
        name = "promotion" if nests else "coupon"
        raise Complaint(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if "coupon" in given if nests else "promotion" in given:
        name = "coupon" if nests else "promotion"
        raise Complaint(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    id = given["promotion"].get("coupon") if nests else given["coupon"]
    coupon = account.find(COUPONS, "coupon", str(id), "promotion[coupon]" if nests else "coupon")
    _within(given, coupon)
    code = given.get("code") or f"CODE{len(account.held(CODES)) + 1}"
    if not re.fullmatch("[A-Za-z0-9-]+", code):
        raise Complaint("Promotion codes can only contain letters, digits and dashes.", param="code")
    said = given.get("restrictions", {})
    if ("minimum_amount" in said) != ("minimum_amount_currency" in said):
        raise Complaint("`minimum_amount` and `minimum_amount_currency` go together.",
                        param="restrictions[minimum_amount]")
    restrictions = {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None,
                    "currency_options": {}, **said}
    empty = dict.fromkeys(("customer", "customer_account", "expires_at", "max_redemptions"))
    kept = {key: value for key, value in given.items() if key != "coupon"}
    found = {**empty, "active": True, "times_redeemed": 0, **kept, "code": code, "restrictions": restrictions,
             "promotion": {"type": "coupon", "coupon": id}}
    if found["active"]:
        _free(found, account)
    return found


def _within(given: Body, coupon: Body) -> None:
    """A code can't be worth more than its coupon."""
    for name, limit in (("max_redemptions", "max_redemptions"), ("expires_at", "redeem_by")):
        if coupon[limit] is not None and given.get(name, 0) > coupon[limit]:
            raise Complaint(f"`{name}` can't be more than the coupon's `{limit}`.", param=name)


def _free(code: Body, account: Account) -> None:
    """Whatever its case, an active code is taken once for each customer."""
    for other in account.held(CODES).values():
        same = other["code"].lower() == code["code"].lower() and other["customer"] == code["customer"]
        if same and other["active"] and other["id"] != code.get("id"):
            raise Complaint(f"An active promotion code with `code: {code['code']}` already exists.", param="code")


def _changed_code(held: Body, given: Body, account: Account) -> Body:
    if given.get("active") and not held["active"]:
        coupon = account.held(COUPONS).get(held["promotion"]["coupon"])
        if coupon is None or not coupon["valid"] or "_gone" in held:
            raise Complaint("This promotion code cannot be activated because its coupon is no longer valid.",
                            param="active")
        _free(held, account)
    options = given.pop("restrictions", {}).get("currency_options", {})
    said = held["restrictions"]
    return {**held, **given, "restrictions": {**said, "currency_options": {**said["currency_options"], **options}}}


def _code_shown(shown: Body, account: Account) -> Body:
    """Before the version that nests it, the coupon stands at the top, whole."""
    if not account.version or account.version >= NESTED_SINCE:
        return shown
    id = shown["promotion"]["coupon"]
    coupon = id if isinstance(id, dict) else account.held(COUPONS).get(id)
    flat = {key: value for key, value in shown.items() if key != "promotion"}
    return {**flat, "coupon": coupon and {key: value for key, value in coupon.items()
                                          if key not in ("applies_to", "currency_options")}}


def _code_fits(body: Body, name: str, wanted: Any) -> bool:
    if name == "code":
        return bool(body["code"].lower() == wanted.lower())
    return bool(body["promotion"]["coupon"] == wanted) if name == "coupon" else equal(body, name, wanted)


DISCOUNTS = (
    Collection(COUPONS, "coupon", "coupon", made_of(created=CREATED), _new_coupon, _COUPON_CREATE, _changed_coupon,
               _COUPON_UPDATE, key="coupon", gone=_ended_coupon, hidden=("applies_to", "currency_options"),
               shown=_coupon_shown),
    Collection(CODES, "promotion code", "promo",
               made_of(active=BOOL, code=TEXT, coupon=TEXT, created=CREATED, customer=TEXT, customer_account=TEXT),
               _new_code, _CODE_CREATE, _changed_code, _CODE_UPDATE, "promotion_code", "promotion_code",
               hidden=("restrictions.currency_options",), links={"promotion.coupon": COUPONS}, fits=_code_fits,
               shown=_code_shown))
