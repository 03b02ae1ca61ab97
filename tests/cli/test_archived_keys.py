"""A natural key that an archived object of ours still holds: that one is brought back, or gives it up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.town import Towns, addresses

MOUNT = "vault.mount:\n  kv: {type: kv-v2}\n"
PRODUCT = "stripe.product:\n  p: {name: P}\n"
COUPON = "stripe.coupon:\n  c: {percent_off: 5.0, duration: once}\n"
PRICES = "stripe.price:\n  fa: {product: {ref: a}, currency: usd, unit_amount: 1}\n"
FLAGS = "posthog.feature_flag:\n" + "".join(
    f"  {key}: {{filters: {{groups: [{{properties: []}}], multivariate: {{variants: [{{key: control, rollout_percentage: 50}},"
    " {key: test, rollout_percentage: 50}]}}}\n" for key in "xy")
FLAG = "filters: {groups: [{properties: [], rollout_percentage: 1}]}"
COHORT = "filters: {properties: {type: OR, values: [{type: AND, values: [{type: person, key: plan, value: pro}]}]}}"
METER = "default_aggregation: {formula: sum}"
PORTAL = "business_profile: {headline: H}, features: {invoice_history: {enabled: true}}"
PAIRS = {
    "vault.kv_secret": (MOUNT, "{mount: {ref: kv}, path: x, data: {p: {secret: password}}}",
                        "{mount: {ref: kv}, path: y, data: {p: {secret: other}}}",
                        "{mount: {ref: kv}, path: x, data: {p: {secret: other}}}"),
    "posthog.feature_flag": ("", f"{{key: x, active: false, archived: true, {FLAG}}}", f"{{key: y, {FLAG}}}",
                             f"{{key: x, {FLAG}}}"),
    "posthog.experiment": (FLAGS, "{name: X, feature_flag_key: {ref: x}, state: archived}",
                           "{name: Y, feature_flag_key: {ref: y}}", "{name: Y, feature_flag_key: {ref: x}}"),
    "posthog.cohort": ("", f"{{name: x, {COHORT}}}", f"{{name: y, {COHORT}}}", f"{{name: x, {COHORT}}}"),
    "posthog.action": ("", "{name: x, steps: [{event: s}]}", "{name: y, steps: [{event: s}]}",
                       "{name: x, steps: [{event: s}]}"),
    "posthog.dashboard": ("", "{name: x}", "{name: y}", "{name: x}"),
    "stripe.product": ("", "{id: x, name: X}", "{id: y, name: Y}", "{id: x, name: Y}"),
    "stripe.price": (PRODUCT, "{product: {ref: p}, lookup_key: x, currency: usd, unit_amount: 1}",
                     "{product: {ref: p}, lookup_key: y, currency: usd, unit_amount: 2}",
                     "{product: {ref: p}, lookup_key: x, currency: usd, unit_amount: 3}"),
    "stripe.promotion_code": (COUPON, "{coupon: {ref: c}, code: X}", "{coupon: {ref: c}, code: Y}",
                              "{coupon: {ref: c}, code: X}"),
    "stripe.feature": ("", "{lookup_key: x, name: X}", "{lookup_key: y, name: Y}", "{lookup_key: x, name: Y}"),
    "stripe.meter": ("", f"{{event_name: x, display_name: X, {METER}}}", f"{{event_name: y, display_name: Y, {METER}}}",
                     f"{{event_name: x, display_name: Y, {METER}}}"),
    "stripe.portal_configuration": ("", f"{{name: x, {PORTAL}}}", f"{{name: y, {PORTAL}}}", f"{{name: x, {PORTAL}}}"),
}
"""By kind: what it needs, an entry that goes, one that stays, and the second with the first one's natural key."""


@pytest.mark.parametrize("releases", [1, 2])
@pytest.mark.parametrize("kind", PAIRS)
def test_an_archived_holder_of_the_key_is_no_obstacle(quick: Path, kind: str, releases: int) -> None:
    """One entry leaves, another takes its key, at once or in a later release: done as planned, and the next plan is empty."""
    needs, gone, stays, moved = PAIRS[kind]
    first = f"{needs}{PRICES if kind == 'stripe.product' else ''}{kind}:\n  a: {gone}\n  b: {stays}\n"
    town = Towns(quick / "town").built(kind.partition(".")[0], first)
    allow = ["money", "access", "delete", "drift", "adopt", *(f"irreversible:{name}" for name in addresses(first))]
    for manifest in (f"{needs}{kind}:\n  b: {stays}\n", f"{needs}{kind}:\n  b: {moved}\n")[-releases:]:
        town.manifest(manifest)
        done = town.run("apply", "--auto-approve", "--allow", ",".join(allow))
        assert done.code == 0, done
        planned = town.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned


@pytest.mark.parametrize("kind", ["vault.kv_secret", "stripe.feature", "stripe.product"])
def test_a_key_that_stays_with_its_holder_is_not_taken(quick: Path, kind: str) -> None:
    """Where the holder is protected, left out of the run, or kept, the other entry is blocked, and nothing is written."""
    needs, gone, stays, moved = PAIRS[kind]
    more = PRICES if kind == "stripe.product" else ""
    for life, words, why in (("protect: true", (), "blocked"), ("protect: false", ("--exclude", f"{kind}/a"), "left out"),
                             ("on_remove: keep", (), "is not of this entry")):
        held = gone[:-1] + f", lifecycle: {{{life}}}}}"
        town = Towns(quick / "town").built(kind.partition(".")[0], f"{needs}{more}{kind}:\n  a: {held}\n  b: {stays}\n")
        town.manifest(f"{needs}{kind}:\n  b: {moved}\n")
        done = town.run("plan", "--format", "json", *words)
        assert done.code == 4, done
        [action] = [one for one in done.json()["actions"] if one["address"] == f"{kind}/b"]
        assert action["op"] == "blocked"
        assert why in action["blocked"]
