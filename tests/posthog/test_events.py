"""Event definitions and their links to property groups, engine included."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Impact, Op, Result
from reconciler.sandbox.store import Response
from tests.posthog.desk import ROOT, Project, lines

PLAN: dict[str, Any] = {
    "schema_property_group": {"account": {"properties": [{"name": "plan", "property_type": "String"}]}, "query": {}},
    "event_definition": {
        "signup_completed": {"description": "Account confirmed", "property_groups": [{"ref": "account"}]},
        "query_executed": {"property_groups": [{"ref": "account"}, {"ref": "query"}]}}}


def event(name: str = "signup_completed", **fields: Any) -> dict[str, Any]:
    """A stack of one event."""
    return {"event_definition": {name: fields}}


def linked(project: Project, name: str) -> list[str]:
    """The groups of an event at the vendor."""
    id = project.desk.one("event_definitions", name=name)["id"]
    return sorted(project.desk.held("schema_property_groups")[one["property_group_id"]]["name"]
                  for one in project.desk.held("event_schemas").values() if one["event_definition"] == id)


def test_an_event_that_only_came_in_is_taken_and_described(project: Project) -> None:
    """Scenario 9: adopted with what is new, without anybody's consent: one PATCH, no POST."""
    project.desk.came_in("signup_completed", plan="pro")
    id = project.desk.one("event_definitions", name="signup_completed")["id"]
    action = project.action(project.plan(event(description="Account confirmed")), "event_definition/signup_completed")
    assert (action.op, action.id) == (Op.UPDATE, id) and Impact.ADOPT not in action.impact
    writes = project.settle(event(description="Account confirmed"))
    assert {(one.method, one.path) for one in writes} == {("PATCH", f"{ROOT}/event_definitions/{id}/")}
    held = project.desk.one("event_definitions", name="signup_completed")
    assert (held["description"], held["tags"]) == ("Account confirmed", ["reconciler:shop/test"])


def test_what_a_person_wrote_of_an_event_is_not_written_over(project: Project) -> None:
    """Blocked with its difference, until the manifest says that it may be changed."""
    project.desk.came_in("signup_completed")
    project.desk.edit("event_definitions", project.desk.one("event_definitions", name="signup_completed")["id"],
                      description="By hand")
    assert project.plan(event(description="Ours")).actions[0].op is Op.BLOCKED
    assert project.settle(event(description="Ours", lifecycle={"adopt": "changes"}))


def test_an_event_may_be_declared_before_the_first_one_comes_in(project: Project) -> None:
    """One POST with the mark; when the first event comes in nothing changes but its times."""
    [write] = project.settle(event(description="Account confirmed", verified=True))
    assert write.body == {"name": "signup_completed", "description": "Account confirmed", "verified": True,
                          "tags": ["reconciler:shop/test"]}
    assert project.desk.one("event_definitions", name="signup_completed")["created_at"] is None
    project.desk.came_in("signup_completed")
    assert project.plan(event(description="Account confirmed", verified=True)).empty


def test_links_follow_both_ends(project: Project) -> None:
    """Groups and events first, then a link for each; a set: what comes and goes is one request each, the rest stays."""
    writes = lines(project.settle(PLAN))
    assert sorted(writes) == [*["POST /event_definitions/"] * 2, *["POST /event_schemas/"] * 3,
                              *["POST /schema_property_groups/"] * 2]
    assert linked(project, "query_executed") == ["account", "query"]
    kept = {id for id, one in project.desk.held("event_schemas").items()}
    manifest = {**PLAN, "event_definition": {
        **PLAN["event_definition"], "query_executed": {"property_groups": [{"ref": "query"}]}}}
    [write] = project.settle(manifest)
    assert write.method == "DELETE" and write.path.startswith(f"{ROOT}/event_schemas/")
    assert len(kept - project.desk.held("event_schemas").keys()) == 1 and linked(project, "query_executed") == ["query"]


def test_a_link_made_by_hand_is_drift_and_left_alone_where_groups_are_not_managed(project: Project) -> None:
    """Leaving `property_groups` out is not managing them; `[]` is none at all."""
    project.settle({**PLAN, "event_definition": {"a": {}, "b": {"property_groups": []}}})
    group = project.desk.one("schema_property_groups", name="query")["id"]
    for name in ("a", "b"):
        project.desk.by_hand("event_schemas", event_definition=project.desk.one("event_definitions", name=name)["id"],
                             property_group_id=group)
    made = project.plan({**PLAN, "event_definition": {"a": {}, "b": {"property_groups": []}}})
    assert [(str(a.address), a.op) for a in made.actions if a.acts] == [("posthog.event_definition/b", Op.UPDATE)]
    assert Impact.DRIFT in project.action(made, "event_definition/b").impact


def test_a_group_goes_after_its_links(project: Project) -> None:
    """Nothing is unlinked twice, and no request meets something that is gone."""
    project.settle(PLAN)
    manifest = {"schema_property_group": {"account": PLAN["schema_property_group"]["account"]},
                "event_definition": {**PLAN["event_definition"], "query_executed": {"property_groups": [{"ref": "account"}]}}}
    first, second = lines(project.settle(manifest))
    assert first.startswith("DELETE /event_schemas/") and second.startswith("DELETE /schema_property_groups/")


def test_a_link_whose_answer_is_lost_is_made_once(project: Project) -> None:
    """The next run finds it among the links."""
    cut: list[str] = []

    def fault(request: Any, n: int) -> Any:
        if request.method == "POST" and "event_schemas" in request.path and not cut:
            cut.append(request.path)
            project.desk.by_hand("event_schemas", **project.desk.sandbox.decode(request))
            return Response(502, None)
        return None

    project.desk.sandbox.faults.append(fault)
    assert project.apply(PLAN).having(Result.UNKNOWN) and cut
    project.settle(PLAN)
    assert len(project.desk.held("event_schemas")) == 3


def test_links_are_read_only_where_they_are_managed(project: Project) -> None:
    """A plan asks for what it needs: one list of events, and one of links if an entry names groups."""
    project.settle(event(description="x"))
    before = len(project.desk.sandbox.requests)
    assert project.plan(event(description="x")).empty and project.reads(before) == ["/event_definitions/"]
    project.settle(PLAN | {"event_definition": {"signup_completed": PLAN["event_definition"]["signup_completed"]}})
    before = len(project.desk.sandbox.requests)
    project.plan(PLAN)
    assert project.reads(before) == ["/event_definitions/", "/event_schemas/", "/schema_property_groups/"]


def test_a_key_that_may_not_see_links_still_sees_which_there_are(project: Project) -> None:
    """PostHog's own scope for links is open to nobody's key: unchanged is unchanged, a change is blocked, others go on."""
    project.settle(PLAN)
    project.desk.sandbox.faults.append(lambda request, n: Response(403, {
        "type": "authentication_error", "code": "permission_denied", "attr": None,
        "detail": "This action does not support Personal API Key access"}) if "event_schemas" in request.path else None)
    assert project.plan(PLAN).empty
    manifest = {**PLAN, "event_definition": {
        "signup_completed": {"description": "Confirmed", "property_groups": [{"ref": "account"}]},
        "query_executed": {"property_groups": [{"ref": "query"}]}}}
    made = project.plan(manifest)
    blocked = project.action(made, "event_definition/query_executed")
    assert blocked.op is Op.BLOCKED and "in PostHog's own pages" in str(blocked.blocked)
    assert project.action(made, "event_definition/signup_completed").op is Op.UPDATE


def test_a_renamed_event_is_another_event(project: Project) -> None:
    """The new one first, with its groups; the old one goes, and the plan says who still sends it."""
    project.settle(PLAN)
    project.desk.came_in("signup_completed")
    manifest = {**PLAN, "event_definition": {**PLAN["event_definition"], "signup_completed": {
        **PLAN["event_definition"]["signup_completed"], "name": "account_confirmed"}}}
    action = project.action(project.plan(manifest), "event_definition/signup_completed")
    assert (action.op, action.effect) == (Op.REPLACE, "supersede")
    assert {note.subject: note.text for note in action.notes if note.subject} == {
        "renamed": "charts, cohorts and actions of signup_completed stay with that name, and so does what came in under it",
        "traffic": "signup_completed last came in today: whoever sends it has to send the new name"}
    first, link, last = lines(project.settle(manifest))
    assert (first, link) == ("POST /event_definitions/", "POST /event_schemas/") and last.startswith("DELETE /event_def")
    assert linked(project, "account_confirmed") == ["account"]


def test_an_event_that_still_comes_in_comes_back(project: Project) -> None:
    """Its removal says so; nothing that comes back undescribed is mistaken for ours."""
    project.settle({"event_definition": {"a": {"description": "x"}, "b": {}}})
    project.desk.came_in("a")
    action = project.action(project.plan(event("b")), "event_definition/a")
    assert action.op is Op.DELETE and [n.text for n in action.notes] == [
        "comes back with the next event of this name, without what is written here",
        "a last came in today: it will be back, undescribed"]
    project.settle(event("b"))
    project.desk.came_in("a")
    assert project.plan(event("b")).empty
    assert project.desk.one("event_definitions", name="a")["description"] == ""


def test_events_that_are_kept_out_are_said(project: Project) -> None:
    """`enforcement_mode: reject` throws away what does not fit."""
    [write] = project.settle(event(verified=True))
    assert write.body["verified"]
    action = project.plan(event(verified=True, enforcement_mode="reject")).actions[0]
    assert "PostHog drops events" in action.notes[0].text and Impact.BEHAVIOURAL in action.impact
    hidden = project.plan(event(hidden=True)).actions[0]
    assert [note.text for note in hidden.notes if note.path == "hidden"] == ["no longer verified: a hidden event can't be"]
    assert project.desk.api.get(f"{ROOT}/event_definitions/")["results"][0]["verified"] is True


@pytest.mark.parametrize(("fields", "said"), [
    ({"verified": True, "hidden": True}, "can't be both hidden and verified"), ({"primary_property": ""}, "primary_property"),
    ({"enforcement_mode": "drop"}, "allow"), ({"owner": "ada"}, "owner"), ({"name": "x" * 401}, "name"),
    ({"property_groups": ["a", {"ref": "none"}]}, "none")])
def test_what_posthog_would_refuse_of_an_event_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("event_definition", **fields)
    assert any(said in one for one in found), found


def test_a_build_without_the_enterprise_part_says_so(project: Project) -> None:
    """PostHog's refusal is shown with the field that it is about."""
    def fault(request: Any, n: int) -> Any:
        said = "This field is not supported by this deployment."
        return Response(400, {"type": "validation_error", "code": "invalid", "detail": said, "attr": "verified"}) if (
            request.method == "POST") else None

    project.desk.sandbox.faults.append(fault)
    [failed] = project.apply(event(verified=True)).having(Result.FAILED)
    assert "not supported by this deployment" in failed.error and failed.path == "verified"
