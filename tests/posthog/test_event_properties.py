"""Property definitions: nobody makes them, entries wait for the first event, and let go without a request."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.guard import Limits
from reconciler.model import Fate, Op, Result
from reconciler.sandbox.store import Response
from tests.posthog.desk import ROOT, Project, lines


def prop(entry: str = "plan", **fields: Any) -> dict[str, Any]:
    """A stack of one property, beside a group that keeps it from being empty."""
    return {"property_definition": {entry: fields}, "schema_property_group": {"rest": {}}}


def test_a_property_that_nobody_sent_yet_is_waited_for(project: Project) -> None:
    """Scenario 9: said in the plan, which is empty and asks for no endpoint that is not there; taken once it comes in."""
    project.settle({"schema_property_group": {"rest": {}}})
    made = project.plan(prop(description="What they pay for"))
    action = project.action(made, "property_definition/plan")
    assert (action.op, [note.text for note in action.notes]) == (Op.NOOP, ["waiting for the first event"]) and made.empty
    assert project.settle(prop(description="What they pay for")) == []
    project.desk.came_in("signup_completed", plan="pro")
    [write] = project.settle(prop(description="What they pay for"))
    id = project.desk.one("property_definitions", name="plan")["id"]
    assert (write.method, write.path, write.body) == (
        "PATCH", f"{ROOT}/property_definitions/{id}/", {"description": "What they pay for"})


def test_a_property_is_let_go_without_a_request(project: Project) -> None:
    """It stays as it was described, and nobody's mark is on it."""
    project.desk.came_in("signup_completed", plan="pro")
    project.settle(prop(description="What they pay for", tags=["billing"]))
    made = project.plan({"schema_property_group": {"rest": {}}})
    action = project.action(made, "property_definition/plan")
    assert action.op is Op.FORGET and "stay" in action.notes[0].text
    assert project.settle({"schema_property_group": {"rest": {}}}) == []
    held = project.desk.one("property_definitions", name="plan")
    assert (held["description"], held["tags"]) == ("What they pay for", ["billing"])
    assert project.kinds["posthog.property_definition"].fate(project.world({}).observed) == Fate(
        "release", why="the property and what is written of it stay")


def test_what_a_person_wrote_of_a_property_is_not_written_over(project: Project) -> None:
    """Blocked with its difference; equal is equal."""
    project.desk.came_in("signup_completed", plan="pro")
    id = project.desk.one("property_definitions", name="plan")["id"]
    project.desk.edit("property_definitions", id, description="By hand")
    assert project.action(project.plan(prop(description="Ours")), "property_definition/plan").op is Op.BLOCKED
    assert lines(project.settle(prop(description="By hand"))) == ["POST /schema_property_groups/"]


def test_one_name_is_several_properties(project: Project) -> None:
    """Of events, of people, of each sort of group: told apart though no answer says which it is."""
    project.desk.came_in("signup_completed", seats=5, **{"$set": {"seats": 5}})
    project.desk.came_in("$groupidentify", **{"$group_type": "organization", "$group_set": {"seats": 5}})
    manifest = {"property_definition": {
        "of_event": {"name": "seats", "description": "a"}, "of_person": {"name": "seats", "type": "person", "description": "b"},
        "of_group": {"name": "seats", "type": "group", "group_type_index": 0, "description": "c"}}}
    assert len(project.settle(manifest)) == 3
    told = {one["type"]: one["description"] for one in project.desk.held("property_definitions").values()
            if one["name"] == "seats"}
    assert told == {"event": "a", "person": "b", "group": "c"}


def test_rows_that_posthog_only_shows_are_nothing(project: Project) -> None:
    """The virtual properties at the end of a list can't be written: an entry of that name waits."""
    entry = prop("channel", name="$virt_initial_channel_type", type="person")
    action = project.action(project.plan(entry), "property_definition/channel")
    assert action.notes[0].text == "waiting for the first event"


def test_an_entry_can_not_turn_into_another_property(project: Project) -> None:
    """Refused with the way out, and nothing is sent of it."""
    project.desk.came_in("signup_completed", plan="pro", seats=5)
    project.settle(prop(description="x"))
    made = project.plan(prop(name="seats", description="x"))
    action = project.action(made, "property_definition/plan")
    assert action.op is Op.BLOCKED and "an entry of its own" in str(action.blocked)
    consented = project.plan(prop(name="seats", description="x"), allow=["irreversible:posthog.property_definition/plan"])
    assert project.action(consented, "property_definition/plan").calls == ()


def test_without_the_taxonomy_feature_the_type_alone_is_written(project: Project) -> None:
    """The body holds what changed and nothing else; what the plan of the organisation lacks is told as PostHog tells it."""
    def fault(request: Any, n: int) -> Any:
        body = project.desk.sandbox.decode(request) if request.method == "PATCH" else None
        return Response(402, {"type": "server_error", "code": "payment_required", "attr": None,
                              "detail": "Ingestion taxonomy is part of the premium PostHog offering."}) if (
            body and set(body) != {"property_type"}) else None

    project.desk.came_in("signup_completed", plan=1)
    project.desk.sandbox.faults.append(fault)
    project.settle(prop(property_type="String"))
    [failed] = project.apply(prop(property_type="String", description="x")).having(Result.FAILED)
    assert "premium" in failed.error and "does not have this feature" in failed.next


def test_tags_that_are_dropped_without_a_word_are_told(project: Project) -> None:
    """There is no mark by which to know that the plan has no tags, so the apply reads what it wrote."""
    project.desk.sandbox.tagging = False
    project.desk.came_in("signup_completed", plan="pro")
    [failed] = project.apply(prop(tags=["billing"])).having(Result.FAILED)
    assert "does not show it: tags" in failed.error


@pytest.mark.parametrize(("fields", "said"), [
    ({"verified": True, "hidden": True}, "can't be both hidden and verified"),
    ({"type": "group"}, "needs the number of its group type"), ({"group_type_index": 0}, "goes with type: group"),
    ({"group_type_index": 5, "type": "group"}, "group_type_index"), ({"name": "$set"}, "never lists it"),
    ({"property_type": "Text"}, "property_type")])
def test_what_posthog_would_refuse_of_a_property_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("property_definition", **fields)
    assert any(said in one for one in found), found


def test_a_thousand_properties_are_ten_reads() -> None:
    """Asked for by name, a hundred at once, however many others the project has; a name with a comma takes the whole list."""
    project = Project()
    project.desk.came_in("signup_completed", **{f"p_{n}": n for n in range(1500)}, **{"a,b": 1})
    manifest = {"property_definition": {f"p_{n}": {"description": str(n)} for n in range(1000)}}
    for one in project.desk.held("property_definitions").values():
        one["description"] = one["name"].removeprefix("p_")
    project.run(project.plan(manifest, limits=Limits(max_changes=10_000)))
    assert not project.writes()
    before = len(project.desk.sandbox.requests)
    assert project.plan(manifest).empty
    assert len(project.desk.sandbox.requests) - before == 10
    manifest["property_definition"]["comma"] = {"name": "a,b"}
    before = len(project.desk.sandbox.requests)
    assert project.action(project.plan(manifest), "property_definition/comma").op is Op.ADOPT
    assert len(project.desk.sandbox.requests) - before == 16
