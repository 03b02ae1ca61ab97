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


def tracked(project: Project) -> None:
    """A tracking plan as people make one: two events described, one linked, and what nobody said anything of."""
    desk = project.desk
    account = desk.by_hand("schema_property_groups", name="Account", description="Who", properties=[
        {"name": "plan", "property_type": "String", "is_required": True, "validation_rules": {"not": {"enum": ["internal"]}}},
        {"name": "seats", "property_type": "Numeric", "validation_rules": {"exclusiveMinimum": 0}}])
    desk.came_in("signup_completed", plan="pro", url="/", **{"$set": {"plan": "pro"}})
    desk.came_in("$pageview", url="/")
    event = desk.one("event_definitions", name="signup_completed")["id"]
    desk.edit("event_definitions", event, description="Confirmed", verified=True, primary_property="plan",
              default_columns=["plan"])
    desk.by_hand("event_definitions", name="planned one", enforcement_mode="allow")
    desk.by_hand("event_schemas", event_definition=event, property_group_id=account["id"])
    for one in [one for one in desk.held("property_definitions").values() if one["name"] == "plan"]:
        desk.edit("property_definitions", one["id"], description=f"Of {one['type']}s", tags=["billing"])
    pro = desk.by_hand("cohorts", name="pro", filters=cohort_of(
        {"type": "person", "key": "plan", "value": ["pro"], "operator": "exact"}))
    desk.by_hand("actions", name="signs up", steps=[
        {"event": "signup_completed", "properties": [
            {"key": "id", "type": "cohort", "operator": "in", "value": pro["id"]},
            {"key": "seats", "type": "event", "operator": "gt", "value": pro["id"]}]},
        {"event": "$pageview", "url": "/welcome", "url_matching": "exact"}])


def test_a_tracking_plan_is_exported_and_plans_only_adoptions() -> None:
    """What people described, with references; what only came in is PostHog's own and says nothing."""
    project = Project()
    tracked(project)
    found = exported(project)
    assert found["event_definition"] == {
        "signup_completed": {"description": "Confirmed", "verified": True, "default_columns": ["plan"],
                             "primary_property": "plan", "property_groups": [{"ref": "Account"}]},
        "planned-one": {"name": "planned one"}}
    assert found["property_definition"] == {
        "plan": {"description": "Of events", "property_type": "String", "tags": ["billing"]},
        "plan-2": {"name": "plan", "type": "person", "description": "Of persons", "property_type": "String",
                   "tags": ["billing"]}}
    assert found["schema_property_group"]["Account"]["properties"][0]["validation_rules"] == {"not": {"enum": ["internal"]}}
    step = found["action"]["signs-up"]["steps"][0]
    assert [one["value"] for one in step["properties"]] == [{"ref": "pro"}, 1]
    made = project.plan(found)
    assert {action.op for action in made.actions} == {Op.ADOPT}, [(str(a.address), a.changes, a.blocked) for a in made.actions]
    project.settle(found)


def test_a_fresh_project_gets_the_exported_tracking_plan() -> None:
    """Equal but for numbers, times and marks; properties follow once they come in."""
    first, second = Project(), Project()
    tracked(first)
    found = exported(first)
    second.settle(found)
    second.desk.came_in("signup_completed", plan="pro", **{"$set": {"plan": "pro"}})
    second.settle(found)
    for noun, names in (("event_definitions", ("description", "verified", "primary_property", "default_columns")),
                        ("property_definitions", ("description", "property_type")),
                        ("actions", ("description", "post_to_slack"))):
        for one in second.desk.held(noun).values():
            [twin] = [o for o in first.desk.held(noun).values() if all(o.get(n) == one.get(n) for n in ("name", "type"))]
            assert {name: one[name] for name in names} == {name: twin[name] for name in names}
    link = next(iter(second.desk.held("event_schemas").values()))
    assert second.desk.held("event_definitions")[link["event_definition"]]["name"] == "signup_completed"
