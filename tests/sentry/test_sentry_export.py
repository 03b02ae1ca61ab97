"""An organization that people filled by hand becomes manifests whose plan is only equal adoptions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.engine.exporting import export
from reconciler.engine.observe import observe
from reconciler.model import Op
from tests.sentry.desk import ALERT, BASE, MONITOR, Org

WHOLE: dict[str, Any] = {
    **BASE, "metric_monitor": {"burst": MONITOR},
    "client_key": {"Service": {"project": {"ref": "api"}, "rate_limit": {"window": 60, "count": 5}}},
    "cron_monitor": {"nightly": {"project": {"ref": "api"}, "config": {"schedule": "@daily"}}},
    "inbound_filters": {"api": {"project": {"ref": "api"}, "localhost": True}},
    "ownership": {"api": {"project": {"ref": "api"}, "raw": "path:src/* #backend"}},
    "alert": {"urgent": {**ALERT, "detectors": [{"ref": "burst"}, {"default": "error", "project": {"ref": "api"}}]}}}


def test_an_export_plans_only_adoptions() -> None:
    """With references put back, Sentry's own monitors by their project, and without its own key."""
    org = Org()
    org.settle(WHOLE)
    fresh = Org()
    fresh.desk.sandbox.objects, fresh.clock.time = org.desk.sandbox.objects, org.clock.time
    seen = observe(fresh.kinds, (), fresh.store.read(), everything=True)
    found: dict[str, dict[str, Any]] = {}
    made = export(replace(fresh.world({}), observed=seen), lambda kind, live: True).entries
    for address, fields in made.items():
        found.setdefault(address.kind.partition(".")[2], {})[address.name] = fields
    assert found["alert"]["urgent"]["detectors"] == [{"ref": "burst"}, {"default": "error", "project": {"ref": "api"}}]
    assert list(found["ownership"]) == ["api"]
    assert list(found["client_key"]) == ["Service"] and found["project"]["api"]["teams"] == [{"ref": "backend"}]
    planned = fresh.plan(found)
    assert {a.op for a in planned.actions} == {Op.ADOPT, Op.NOOP}, [(a.address, a.changes, a.blocked) for a in planned.actions]
    assert fresh.settle(found) == []
