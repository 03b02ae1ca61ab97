"""A project that people filled by hand becomes manifests whose plan is only equal adoptions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.engine.exporting import export
from reconciler.engine.observe import observe
from reconciler.engine.plan import World
from reconciler.model import Op
from tests.posthog.desk import Project, cohort_of, everyone, person


def exported(project: Project) -> dict[str, dict[str, Any]]:
    """Everything that nothing declares, as manifests."""
    made: World = project.world({})
    seen = observe(project.kinds, (), made.ledger, everything=True)
    found: dict[str, dict[str, Any]] = {}
    for address, fields in export(replace(made, observed=seen), lambda kind, live: True).entries.items():
        found.setdefault(address.kind.partition(".")[2], {})[address.name] = fields
    return found


def test_an_export_plans_only_adoptions() -> None:
    """References where a cohort or flag is meant and nowhere else, whatever numbers a property happens to have."""
    project = Project()
    desk = project.desk
    pro = desk.by_hand("cohorts", name="Pro users", description="Who pays", filters=cohort_of(
        {"type": "person", "key": "plan", "value": ["pro"], "operator": "exact"}))
    desk.by_hand("cohorts", name="all", filters=cohort_of({"type": "cohort", "key": "id", "value": pro["id"]},
                                                          {"type": "person", "key": "1", "value": 1, "operator": "exact"}))
    base = desk.by_hand("feature_flags", key="base", tags=["x"], filters={"groups": [everyone(5)]})
    desk.by_hand("feature_flags", key="beta", name="Beta", evaluation_runtime="server", filters={
        "groups": [{"properties": [
            {"key": "id", "type": "cohort", "operator": "in", "value": pro["id"]},
            {"key": str(base["id"]), "type": "flag", "operator": "flag_evaluates_to", "value": True},
            person(str(base["id"]), pro["id"])], "sort_key": "7f"}],
        "payloads": {"true": '{"a": 1}'}, "holdout": {"id": 1, "exclusion_percentage": 5}})
    found = exported(project)
    beta = found["feature_flag"]["beta"]
    conditions = beta["filters"]["groups"][0]["properties"]
    assert conditions[0]["value"] == {"ref": "Pro-users"} and conditions[1]["key"] == {"ref": "base"}
    assert (conditions[2]["key"], conditions[2]["value"]) == (str(base["id"]), pro["id"])
    assert "holdout" not in beta["filters"] and "sort_key" not in beta["filters"]["groups"][0]
    assert found["cohort"]["all"]["filters"]["properties"]["values"][0]["values"][1]["value"] == 1
    made = project.plan(found)
    assert [action.op for action in made.actions] == [Op.ADOPT] * 4, [(a.changes, a.blocked) for a in made.actions]
    project.settle(found)


def test_a_fresh_project_brought_up_from_an_export_is_the_same() -> None:
    """But for numbers, times, and our marks."""
    first = Project()
    pro = first.desk.by_hand("cohorts", name="pro", filters=cohort_of({"type": "person", "key": "a", "value": ["b"],
                                                                       "operator": "exact"}))
    first.desk.by_hand("feature_flags", key="beta", filters={"groups": [{"properties": [
        {"key": "id", "type": "cohort", "operator": "in", "value": pro["id"]}]}, everyone(10)]})
    second = Project()
    second.desk.by_hand("cohorts", name="somebody else's")
    second.settle(exported(first))
    again = second.plan(exported(first))
    assert again.empty
    one, other = (p.desk.one("feature_flags", key="beta") for p in (first, second))
    assert other["filters"]["groups"][0]["properties"][0]["value"] == second.desk.one("cohorts", name="pro")["id"]
    for name in one.keys() - {"id", "tags", "filters", "created_at", "updated_at"}:
        assert one[name] == other[name], name
