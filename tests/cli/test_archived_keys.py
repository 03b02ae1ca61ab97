"""A replace may go to a natural key that an archived object of ours still holds: that one is brought back, or gives it up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.town import Towns, addresses

MOUNT = "vault.mount:\n  kv: {type: kv-v2}\n"
FLAG = "filters: {groups: [{properties: [], rollout_percentage: 1}]}"
METER = "default_aggregation: {formula: sum}"
PAIRS = {
    "vault.kv_secret": ("{mount: {ref: kv}, path: x, data: {p: {secret: password}}}",
                        "{mount: {ref: kv}, path: y, data: {p: {secret: other}}}",
                        "{mount: {ref: kv}, path: x, data: {p: {secret: other}}}"),
    "posthog.feature_flag": (f"{{key: x, active: false, archived: true, {FLAG}}}", f"{{key: y, {FLAG}}}",
                             f"{{key: x, {FLAG}}}"),
    "stripe.feature": ("{lookup_key: x, name: X}", "{lookup_key: y, name: Y}", "{lookup_key: x, name: Y}"),
    "stripe.meter": (f"{{event_name: x, display_name: X, {METER}}}", f"{{event_name: y, display_name: Y, {METER}}}",
                     f"{{event_name: x, display_name: Y, {METER}}}"),
}
"""By kind: an entry that goes, one that stays, and the second with the first one's natural key."""


@pytest.mark.parametrize("kind", PAIRS)
def test_an_archived_holder_of_the_key_is_no_obstacle(quick: Path, kind: str) -> None:
    """One entry leaves, another takes its key in a later release: applied as planned, and the plan after it is empty."""
    gone, stays, moved = PAIRS[kind]
    first = f"{MOUNT}{kind}:\n  a: {gone}\n  b: {stays}\n"
    town = Towns(quick / "town").built(kind.partition(".")[0], first)
    allow = ["money", "access", "delete", "drift", "adopt", *(f"irreversible:{name}" for name in addresses(first))]
    for manifest in (f"{MOUNT}{kind}:\n  b: {stays}\n", f"{MOUNT}{kind}:\n  b: {moved}\n"):
        town.manifest(manifest)
        done = town.run("apply", "--auto-approve", "--allow", ",".join(allow))
        assert done.code == 0, done
        planned = town.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned
