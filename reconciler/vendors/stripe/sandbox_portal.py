"""The sandbox's portal configurations: every block is filled, and a price on offer must be on sale."""

from __future__ import annotations

from typing import Any

from reconciler.vendors.stripe.sandbox_catalog import PRICES, PRODUCTS
from reconciler.vendors.stripe.sandbox_collection import Account, Body, Collection
from reconciler.vendors.stripe.sandbox_params import BOOL, INT, METADATA, TEXT, Complaint, Param, made_of, many, one_of

CONFIGURATIONS = "/v1/billing_portal/configurations"

_PRORATION = one_of("always_invoice", "create_prorations", "none")
_UPDATES = many(one_of("address", "email", "name", "phone", "shipping", "tax_id")).clearable
_REASONS = many(one_of("customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex",
                       "too_expensive", "unused")).clearable
_PROFILE = made_of(headline=TEXT.clearable, privacy_policy_url=TEXT.clearable, terms_of_service_url=TEXT.clearable)
_PRODUCT = made_of(("prices", "product"), prices=many(TEXT), product=TEXT,
                   adjustable_quantity=made_of(("enabled",), enabled=BOOL, maximum=INT, minimum=INT))
_OPTION = made_of(("interval",), interval=one_of("day", "month", "week", "year"), interval_count=INT)


def _features(new: bool) -> Param:
    """What is said of features; at creation every block says whether it is on."""
    on = ("enabled",) if new else ()
    reason = made_of(("enabled", "options") if new else on or ("enabled",), enabled=BOOL, options=_REASONS,
                     feedback_options=many(TEXT).clearable)
    return made_of(
        customer_update=made_of(on, enabled=BOOL, allowed_updates=_UPDATES),
        invoice_history=made_of(("enabled",), enabled=BOOL),
        payment_method_update=made_of(("enabled",), enabled=BOOL, payment_method_configuration=TEXT.clearable),
        subscription_cancel=made_of(on, enabled=BOOL, mode=one_of("at_period_end", "immediately"),
                                    proration_behavior=_PRORATION, cancellation_reason=reason),
        subscription_pause=made_of(enabled=BOOL, duration=made_of(
            ("type",), type=one_of("indefinite", "interval_options"), interval_options=many(_OPTION).clearable)),
        subscription_update=made_of(
            on, enabled=BOOL, billing_cycle_anchor=one_of("now", "unchanged"),
            default_allowed_updates=many(one_of("price", "promotion_code", "quantity")).clearable,
            products=many(_PRODUCT, 10).clearable, proration_behavior=_PRORATION,
            schedule_at_period_end=made_of(conditions=many(made_of(
                ("type",), type=one_of("decreasing_item_amount", "shortening_interval"))).clearable),
            trial_update_behavior=one_of("continue_trial", "end_trial")))


_LOGIN = made_of(("enabled",), enabled=BOOL)
_CREATE = made_of(("features",), business_profile=_PROFILE, default_return_url=TEXT.clearable, features=_features(True),
                  login_page=_LOGIN, metadata=METADATA, name=TEXT.clearable)
_UPDATE = made_of(active=BOOL, business_profile=_PROFILE, default_return_url=TEXT.clearable, features=_features(False),
                  login_page=_LOGIN, metadata=METADATA, name=TEXT.clearable)

_OFF: Body = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {"cancellation_reason": {"enabled": False, "options": []}, "enabled": False,
                            "mode": "at_period_end", "proration_behavior": "none"},
    "subscription_pause": {"duration": {"interval_options": [{"interval": "month", "interval_count": 1}],
                                        "type": "interval_options"}, "enabled": False},
    "subscription_update": {"billing_cycle_anchor": None, "default_allowed_updates": [], "enabled": False, "products": [],
                            "proration_behavior": "none", "schedule_at_period_end": {"conditions": []},
                            "trial_update_behavior": "end_trial"}}


def _new(given: Body, account: Account) -> Body:
    shown: Body = {"active": True, "application": None, "default_return_url": None, "is_default": False, "name": None,
                   "business_profile": dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")),
                   "features": _OFF, "login_page": {"enabled": False, "url": None}}
    return _changed(shown, given, account)


def _changed(held: Body, given: Body, account: Account) -> Body:
    if given.get("active") is False and held["is_default"]:
        raise Complaint("You cannot deactivate the default configuration.", param="active")
    body = _below(held, given)
    features = body["features"]
    update = features["subscription_update"]
    update["products"] = [_offered(one, n, account) for n, one in enumerate(update["products"] or [])]
    if update["enabled"] and not (update["products"] and update["default_allowed_updates"]):
        raise Complaint("Subscription updates need products and allowed updates.",
                        param="features[subscription_update][products]")
    if features["customer_update"]["enabled"] and not features["customer_update"]["allowed_updates"]:
        raise Complaint("Customer updates need something to update.",
                        param="features[customer_update][allowed_updates]")
    for option in features["subscription_pause"]["duration"].setdefault("interval_options", []):
        option.setdefault("interval_count", 1)
    url = "https://billing.stripe.com/p/login/sandbox" if body["login_page"]["enabled"] else None
    return {**body, "login_page": {**body["login_page"], "url": url}}


def _below(held: Any, given: Any) -> Any:
    """An update merges maps at every depth, replaces lists, and empties them where an empty text is sent."""
    if isinstance(held, dict):
        merged = {key: _below(held.get(key), given[key]) if isinstance(given, dict) and key in given else
                  _below(value, {}) for key, value in held.items()}
        return {**merged, **{key: value for key, value in (given or {}).items() if key not in held}}
    if isinstance(held, list):
        return [dict(one) if isinstance(one, dict) else one for one in (held if given == {} else given or [])]
    return held if given == {} else given


def _offered(product: Body, n: int, account: Account) -> Body:
    at = f"features[subscription_update][products][{n}]"
    account.find(PRODUCTS, "product", product["product"], f"{at}[product]")
    for m, id in enumerate(product["prices"]):
        price = account.find(PRICES, "price", id, f"{at}[prices][{m}]")
        if price["product"] != product["product"] or not price["active"]:
            raise Complaint(f"The price {id} must be active, and belong to the product.", param=f"{at}[prices][{m}]")
    quantity = {"enabled": False, "maximum": None, "minimum": 0, **product.get("adjustable_quantity", {})}
    return {**product, "adjustable_quantity": quantity}


PORTAL = (Collection(
    CONFIGURATIONS, "configuration", "bpc", made_of(active=BOOL, is_default=BOOL), _new, _CREATE, _changed, _UPDATE,
    "billing_portal.configuration", "configuration", hidden=("features.subscription_update.products",),
    stamps=("created", "updated")),)
