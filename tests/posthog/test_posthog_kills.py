"""An apply of every kind that is killed at any of its writes: the next runs finish it, and nothing is there twice."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model import Op
from tests.kills import each_write, killed
from tests.posthog.desk import Project, cohort_of, everyone, judge, person

SPLIT = [{"key": "control", "rollout_percentage": 50}, {"key": "yearly", "rollout_percentage": 50}]
METRIC = {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "paid"}}
FIRST: dict[str, Any] = {
    "schema_property_group": {"account": {"properties": [{"name": "plan", "property_type": "String"}]}, "query": {}},
    "event_definition": {"signed_up": {"description": "Confirmed", "property_groups": [{"ref": "account"}, {"ref": "query"}]}},
    "property_definition": {"plan": {"description": "What they pay for"}},
    "cohort": {"pro": {"filters": cohort_of({"type": "person", "key": "plan", "value": ["pro"], "operator": "exact"})}},
    "action": {"signs_up": {"steps": [{"event": "signed_up"}]}},
    "feature_flag": {
        "beta": {"filters": {"groups": [{"properties": [{"key": "id", "type": "cohort", "operator": "in",
                                                         "value": {"ref": "pro"}}]}]}},
        "pricing": {"filters": {"groups": [everyone()], "multivariate": {"variants": SPLIT}}}},
    "experiment": {"years": {"name": "Years", "feature_flag_key": {"ref": "pricing"}, "state": "running", "metrics": [METRIC]}},
    "survey": {"exit": {"type": "popover", "questions": [{"type": "open", "question": "Why?"}], "linked_flag": {"ref": "beta"},
                        "conditions": {"actions": {"values": [{"id": {"ref": "signs_up"}}]}},
                        "targeting_flag_filters": {"groups": [{"properties": [person("plan", ["pro"])]}]}}},
    "dashboard": {"activation": {"pinned": True, "filters": {"date_from": "-7d"}}}}
NOUNS = {"schema_property_group": "schema_property_groups", "event_definition": "event_definitions", "cohort": "cohorts",
         "action": "actions", "feature_flag": "feature_flags", "experiment": "experiments", "survey": "surveys",
         "dashboard": "dashboards"}


def second() -> dict[str, Any]:
    """The same with every entry changed, one gone and one new."""
    found = copy.deepcopy(FIRST)
    found["schema_property_group"]["account"]["description"] = "Who"
    found["event_definition"]["signed_up"] = {"description": "Confirmed, by mail", "property_groups": [{"ref": "account"}]}
    found["property_definition"]["plan"]["description"] = "What they have"
    found["cohort"]["pro"]["description"] = found["action"]["signs_up"]["description"] = "Pays"
    found["feature_flag"]["beta"]["name"] = "Beta"
    found["feature_flag"]["fresh"] = {"filters": {"groups": [everyone(5)]}}
    found["experiment"]["years"] |= {"state": "ended", "description": "More years", "conclusion": "won"}
    found["survey"]["exit"]["targeting_flag_filters"]["groups"][0]["rollout_percentage"] = 50
    found["dashboard"] = {"growth": {"pinned": False}}
    return found


def finished(project: Project, manifest: dict[str, Any]) -> None:
    """At most two clean runs, then nothing to do; one object an entry, and none of what is gone."""
    for _ in range(2):
        made = project.plan(manifest)
        assert not made.stopped and not [a.blocked for a in made.actions if a.op is Op.BLOCKED], made.actions
        project.run(made)
    again = project.plan(manifest)
    assert again.empty, [(str(a.address), a.op, a.changes) for a in again.actions if a.acts]
    for noun, path in NOUNS.items():
        held = project.desk.held(path).values()
        used = sorted(str(one.get("key") or one["name"]) for one in held if not one.get("deleted") and not str(
            one.get("key")).startswith("survey-targeting"))
        assert used == sorted(fields.get("name", name) if noun == "experiment" else name
                              for name, fields in manifest[noun].items()), noun
    links = project.desk.held("event_schemas").values()
    assert len(links) == len({(one["event_definition"], one["property_group_id"]) for one in links})
    assert len([one for one in project.desk.held("feature_flags").values() if one["key"].startswith("survey-")]) == 2


@pytest.mark.parametrize("done", [False, True], ids=["before the deed", "after it"])
@pytest.mark.parametrize("changed", [False, True], ids=["made", "changed"])
def test_a_killed_apply_doubles_and_loses_nothing(*, changed: bool, done: bool) -> None:
    """The ledger is as it was at that moment, and no answer came: every write of a first apply, and of a change of all."""
    manifest = second() if changed else FIRST

    def trial(nth: int) -> bool:
        project = Project()
        project.desk.came_in("signed_up", plan="pro")
        if changed:
            project.settle(FIRST)
        went_on = killed(project, project.desk.sandbox, project.plan(manifest), nth, done=done)
        finished(project, manifest)
        seen = project.desk.sandbox.requests
        assert not [one for one in seen if one.status >= 400 and one.status != 404], [one for one in seen if one.status >= 400]
        if not went_on:
            judge(project.desk)
        return went_on

    assert each_write(trial) > 12
