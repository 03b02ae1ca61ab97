"""Two vendors filled by hand are exported, and the export brings up two fresh ones that are the same.

Stripe's own SDK fills the one; PostHog has none for this, so there it is plain requests, as its API document has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.sandbox.serve import Server
from reconciler.sandbox.store import Sandbox
from reconciler.vendors.posthog import VENDOR as POSTHOG
from reconciler.vendors.posthog.sandbox import PostHogSandbox
from reconciler.vendors.stripe import VENDOR as STRIPE
from reconciler.vendors.stripe.sandbox import StripeSandbox
from tests.cli.project import Project
from tests.posthog.desk import HABITS, ROOT, cohort_of, person
from tests.referee import Exchange, Referee

stripe = pytest.importorskip("stripe")

CONFIG = """project: shop
vendors:
  stripe: {{api_key: {{env: STRIPE_API_KEY}}, mode: test, base_url: "{stripe}", requests_per_second: 5000}}
  posthog: {{personal_api_key: {{env: POSTHOG_PERSONAL_API_KEY}}, project: 4711, base_url: "{posthog}"}}
"""
TIMES = frozenset({"created", "updated", "created_at", "updated_at", "last_seen_at", "version"})
LINKS = {"flag": "feature_flags", "linked_flag_id": "feature_flags", "targeting_flag_id": "feature_flags",
         "internal_targeting_flag_id": "feature_flags", "property_group_id": "schema_property_groups",
         "event_definition": "event_definitions", "experiment_set": "experiments", "actions": "actions"}
"""Fields of PostHog that hold the number of an object."""

Boxes = dict[str, Sandbox]


@contextmanager
def project(folder: Path) -> Iterator[tuple[Project, Boxes]]:
    """A project over two empty vendors behind a real socket."""
    boxes: Boxes = {"stripe": StripeSandbox(STRIPE.kinds), "posthog": PostHogSandbox(POSTHOG.kinds)}
    folder.mkdir()
    with Server(boxes) as server:
        config = CONFIG.format(**{name: server.url(name) for name in boxes})
        yield Project(folder, {"POSTHOG_PERSONAL_API_KEY": "local"}).write({"reconciler.yaml": config}), boxes


def address(made: Project, vendor: str) -> str:
    """Where a vendor of a project is."""
    found = re.search(rf'"(http://[^"]+/{vendor})"', (made.dir / "reconciler.yaml").read_text())
    assert found
    return found[1]


def sell(url: str) -> None:
    """An account as somebody sets it up with Stripe's SDK: every kind once at least."""
    before, stripe.enable_telemetry = stripe.enable_telemetry, False
    try:
        v1 = stripe.StripeClient("sk_test_sdk", base_addresses={"api": url}, max_network_retries=0).v1
        meter = v1.billing.meters.create({"event_name": "tokens", "display_name": "Tokens",
                                          "default_aggregation": {"formula": "sum"}})
        v1.products.create({"id": "pro", "name": "Pro", "description": "For teams", "metadata": {"tier": "pro"},
                            "marketing_features": [{"name": "History"}]})
        v1.products.create({"id": "tokens", "name": "AI tokens", "unit_label": "token"})
        month = v1.prices.create({"product": "pro", "currency": "usd", "unit_amount": 2900, "lookup_key": "pro_monthly",
                                  "recurring": {"interval": "month"}, "tax_behavior": "exclusive"})
        year = v1.prices.create({"product": "pro", "currency": "usd", "unit_amount": 29000, "lookup_key": "pro_yearly",
                                 "recurring": {"interval": "year"}, "currency_options": {"eur": {"unit_amount": 27000}}})
        v1.prices.create({"product": "tokens", "currency": "usd", "lookup_key": "tokens", "billing_scheme": "tiered",
                          "tiers_mode": "graduated", "tiers": [{"up_to": 1000, "unit_amount": 0},
                                                               {"up_to": "inf", "unit_amount_decimal": "0.04"}],
                          "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id}})
        v1.products.update("pro", {"default_price": month.id})
        v1.coupons.create({"id": "launch", "percent_off": 30, "duration": "repeating", "duration_in_months": 3,
                           "applies_to": {"products": ["pro"]}})
        v1.promotion_codes.create({"code": "LAUNCH30", "promotion": {"type": "coupon", "coupon": "launch"}})
        v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False, "country": "DE"})
        feature = v1.entitlements.features.create({"lookup_key": "history", "name": "History"})
        v1.products.features.create("pro", {"entitlement_feature": feature.id})
        v1.webhook_endpoints.create({"url": "https://api.sql2.ai/hooks", "enabled_events": ["invoice.paid"]})
        v1.billing_portal.configurations.create({"name": "Main", "features": {
            "invoice_history": {"enabled": True}, "subscription_update": {
                "enabled": True, "default_allowed_updates": ["price"],
                "products": [{"product": "pro", "prices": [month.id, year.id]}]}}})
    finally:
        stripe.enable_telemetry = before


def send(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    """One request as PostHog's document has it."""
    answer = client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def happen(url: str) -> None:
    """What an application sends."""
    event = {"event": "signup_completed", "properties": {"plan": "pro", "distinct_id": "u1", "$set": {"plan": "pro"}}}
    assert httpx.post(f"{url}/batch/", json={"api_key": "phc_4711", "batch": [event]}).is_success


def track(url: str) -> None:
    """A project as somebody sets it up with PostHog's API: every kind once at least."""
    happen(url)
    with httpx.Client(base_url=url + ROOT, headers={"Authorization": "Bearer phx_hand"}) as client:
        def post(noun: str, **body: Any) -> Any:
            return send(client, "POST", f"/{noun}/", **body)

        group = post("schema_property_groups", name="account", description="Who it is about", properties=[
            {"name": "plan", "property_type": "String", "is_required": True, "validation_rules": {"enum": ["free", "pro"]}}])
        [event] = send(client, "GET", "/event_definitions/")["results"]
        send(client, "PATCH", f"/event_definitions/{event['id']}/", description="The account is confirmed", verified=True)
        post("event_schemas", event_definition=event["id"], property_group_id=group["id"])
        [plan] = client.get("/property_definitions/", params={"properties": "plan"}).json()["results"]
        send(client, "PATCH", f"/property_definitions/{plan['id']}/", description="What they pay for", tags=["billing"])
        cohort = post("cohorts", name="Enterprise", description="Who has a contract", filters=cohort_of(
            {"type": "person", "key": "plan", "value": ["enterprise"], "operator": "exact"}))
        base = post("feature_flags", key="base", name="The new generator", evaluation_runtime="server", filters={"groups": [
            {"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": cohort["id"]}],
             "rollout_percentage": 25}]})
        flag = post("feature_flags", key="pricing", tags=["growth"], filters={
            "groups": [{"properties": [{"key": str(base["id"]), "type": "flag", "operator": "flag_evaluates_to",
                                        "value": True}], "rollout_percentage": 100}],
            "multivariate": {"variants": [{"key": "control", "rollout_percentage": 50},
                                          {"key": "yearly", "rollout_percentage": 50}]}, "payloads": {"yearly": '{"off": 10}'}})
        action = post("actions", name="signs up", tags=["growth"], steps=[
            {"event": "signup_completed", "url": "/welcome", "url_matching": "contains"}])
        post("experiments", name="Years first", feature_flag_key="pricing", allow_unknown_events=True, metrics=[
            {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "signup_completed"}}])
        post("surveys", name="How was it?", type="popover", description="After the first query", linked_flag_id=flag["id"],
             questions=[{"type": "rating", "question": "How was it?", "scale": 5}, {"type": "open", "question": "Why?"}],
             conditions={"url": "/app", "linkedFlagVariant": "any", "actions": {"values": [{"id": action["id"]}]}},
             targeting_flag_filters={"groups": [{"properties": [person("plan", ["pro"])], "rollout_percentage": 50}]})
        post("dashboards", name="Activation", pinned=True, filters={"date_from": "-7d"})


def test_an_export_brings_up_the_same_elsewhere(tmp_path: Path) -> None:
    """Filled by hand, exported, adopted as it is; fresh vendors brought up from it differ in ids and times alone."""
    with project(tmp_path / "first") as (first, old), project(tmp_path / "second") as (second, new):
        sell(address(first, "stripe"))
        track(address(first, "posthog"))
        hand = [Exchange.of(one) for one in old["posthog"].requests]
        first.ok("export", "--vendor", "stripe", "--vendor", "posthog", "--write")
        ops = first.ops()
        assert len(ops) == 23 and set(ops.values()) == {"adopt"}, ops
        first.apply()
        assert first.ops() == {}
        happen(address(second, "posthog"))
        for path in (first.dir / "manifests").rglob("*.yaml"):
            text = re.sub(r"\n    lifecycle: \{id: \S+\}", "", path.read_text())  # another account has other ids
            second.write({str(path.relative_to(first.dir)): text})
        second.apply()
        assert second.ops() == {}
        for vendor in old:
            one, other = (plain(vendor, boxes[vendor].objects) for boxes in (old, new))
            assert len(one) == 10, sorted(one)
            for path in one.keys() | other.keys():
                assert one.get(path) == other.get(path), path
    assert not Referee("posthog.json", HABITS).complaints(hand)


# what two accounts can't share


def plain(vendor: str, objects: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Objects by collection, in an order of their own, without ids and times; an id stands for what it leads to."""
    held = {path.rpartition("/")[2] if vendor == "posthog" else path: found for path, found in objects.items()
            if found and not path.startswith(("/numbers", "/idempotency"))}
    names = {noun: {id: called(one) for id, one in found.items()} for noun, found in held.items()}
    each = {id: name for noun in names.values() for id, name in noun.items()} if vendor == "stripe" else {}
    bare = _posthog if vendor == "posthog" else _stripe
    return {noun: sorted((bare(one, names if vendor == "posthog" else each) for one in found.values()), key=str)
            for noun, found in held.items()}


def called(one: Mapping[str, Any]) -> str:
    """What people call an object."""
    return next((str(one[name]) for name in ("key", "lookup_key", "event_name", "code", "url", "display_name", "name")
                 if one.get(name)), "nameless")


def _stripe(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _stripe(item, names) for key, item in value.items() if key not in TIMES | {"id", "secret"}}
    if isinstance(value, list):
        return [_stripe(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _posthog(value: Any, names: Mapping[str, Mapping[str, str]]) -> Any:
    if isinstance(value, list):
        return [_posthog(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _posthog(item, names) for key, item in value.items() if key not in TIMES | {"id"}}
    for key, noun in LINKS.items():
        if isinstance(found.get(key), (str, int)):
            found[key] = names[noun][str(found[key])]
        elif isinstance(found.get(key), list):
            found[key] = [names[noun][str(one)] for one in found[key]]
    if value.get("type") == "cohort":
        found["value"] = names["cohorts"][str(value["value"])]
    if value.get("type") == "flag":
        found["key"] = names["feature_flags"][str(value["key"])]
    return found
