"""The sandbox's meters, features, and the features of products."""

from __future__ import annotations

from typing import Any

from reconciler.vendors.stripe.sandbox_catalog import METERS
from reconciler.vendors.stripe.sandbox_collection import Account, Body, Collection, equal
from reconciler.vendors.stripe.sandbox_params import BOOL, METADATA, TEXT, Complaint, Param, made_of, one_of

FEATURES, ATTACHED = "/v1/entitlements/features", "/v1/products/{parent}/features"

_METER = made_of(
    ("default_aggregation", "display_name", "event_name"),
    customer_mapping=made_of(("event_payload_key", "type"), event_payload_key=Param(longest=100), type=one_of("by_id")),
    default_aggregation=made_of(("formula",), formula=one_of("count", "last", "sum")), display_name=Param(longest=250),
    event_name=Param(longest=100), event_time_window=one_of("day", "hour"),
    value_settings=made_of(("event_payload_key",), event_payload_key=Param(longest=100)))


def _new_meter(given: Body, account: Account) -> Body:
    _free(given, account)
    return {"customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"}, "event_time_window": None,
            "value_settings": {"event_payload_key": "value"}, **given, "status": "active",
            "status_transitions": {"deactivated_at": None}}


def _free(meter: Body, account: Account) -> None:
    for other in account.held(METERS).values():
        if other["event_name"] == meter["event_name"] and other["status"] == "active":
            raise Complaint(f"An active meter with the event name '{meter['event_name']}' already exists.",
                            param="event_name")


def _deactivated(meter: Body, account: Account) -> Body:
    if meter["status"] != "active":
        raise Complaint("The meter is already inactive.")
    return {**meter, "status": "inactive", "status_transitions": {"deactivated_at": account.now}}


def _reactivated(meter: Body, account: Account) -> Body:
    if meter["status"] == "active":
        raise Complaint("The meter is already active.")
    _free(meter, account)
    return {**meter, "status": "active", "status_transitions": {"deactivated_at": None}}


def _new_feature(given: Body, account: Account) -> Body:
    for other in account.held(FEATURES).values():
        if other["lookup_key"] == given["lookup_key"]:
            raise Complaint(f"A feature (`{other['id']}`) already uses that lookup key.", param="lookup_key")
    return {"active": True, **given}


def _feature_fits(body: Body, name: str, wanted: Any) -> bool:
    return body["active"] is not wanted if name == "archived" else equal(body, name, wanted)


def _attached(given: Body, account: Account) -> Body:
    feature = account.find(FEATURES, "feature", given["entitlement_feature"], "entitlement_feature")
    if not feature["active"]:
        raise Complaint("You cannot attach an archived feature.", param="entitlement_feature")
    for other in account.held(ATTACHED.format(parent=account.parent)).values():
        if other["entitlement_feature"] == feature["id"]:
            raise Complaint("This feature is already attached to the product.", param="entitlement_feature")
    return {"entitlement_feature": feature["id"]}


def _attachment_shown(shown: Body, account: Account) -> Body:
    """The feature is always shown whole."""
    return {**shown, "entitlement_feature": dict(account.held(FEATURES)[shown["entitlement_feature"]])}


USAGE = (
    Collection(METERS, "meter", "mtr", made_of(status=one_of("active", "inactive")), _new_meter, _METER,
               update=made_of(display_name=Param(longest=250)), type="billing.meter",
               acts={"deactivate": _deactivated, "reactivate": _reactivated}, stamps=("created", "updated")),
    Collection(FEATURES, "feature", "feat", made_of(archived=BOOL, lookup_key=TEXT), _new_feature,
               made_of(("lookup_key", "name"), lookup_key=Param(longest=80), metadata=METADATA, name=TEXT),
               update=made_of(active=BOOL, metadata=METADATA, name=TEXT), type="entitlements.feature", stamps=(),
               fits=_feature_fits),
    Collection(ATTACHED, "product feature", "prodft", made_of(), _attached,
               made_of(("entitlement_feature",), entitlement_feature=TEXT), type="product_feature", stamps=(),
               gone=lambda held, account: None, shown=_attachment_shown))
