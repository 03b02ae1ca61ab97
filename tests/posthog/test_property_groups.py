"""Property groups: rows by name, rules of values, and what a change means for the events that carry them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Op
from tests.posthog.desk import Project


def group(*properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A stack of one group and one event that carries it."""
    return {"schema_property_group": {"account": {"properties": list(properties), **fields}},
            "event_definition": {"signup_completed": {"property_groups": [{"ref": "account"}]}}}


PLAN = {"name": "plan", "property_type": "String", "validation_rules": {"enum": ["free", "pro"]}}
SEATS = {"name": "seats", "property_type": "Numeric", "validation_rules": {"minimum": 1}}


def test_what_a_manifest_leaves_out_of_a_property_is_carried_over(project: Project) -> None:
    """PostHog writes all rows anew, so what people added by hand goes along; their ids mean nothing."""
    project.settle(group(PLAN, SEATS))
    held = project.desk.one("schema_property_groups", name="account")
    held["properties"][1] |= {"description": "By hand", "is_required": True}
    held["properties"].reverse()
    assert project.plan(group(PLAN, SEATS)).empty
    [write] = project.settle(group({**PLAN, "validation_rules": {"enum": ["free", "pro", "team"]}}, SEATS))
    assert write.body["properties"] == [
        {"name": "plan", "property_type": "String", "is_required": False, "is_optional_in_types": False,
         "validation_rules": {"enum": ["free", "pro", "team"]}, "description": ""},
        {"name": "seats", "property_type": "Numeric", "is_required": True, "is_optional_in_types": False,
         "validation_rules": {"minimum": 1}, "description": "By hand"}]


@pytest.mark.parametrize(("wanted", "kept"), [
    ({"exclusive_minimum": 0}, {"exclusiveMinimum": 0, "maximum": 9}), ({"maximum": 5}, {"minimum": 1, "maximum": 5}),
    ({"minimum": None}, {"maximum": 9}), (None, None)])
def test_rules_that_exclude_one_another_are_not_carried_over(project: Project, wanted: Any, kept: Any) -> None:
    """A rule takes the place of the one that PostHog would not take beside it; the others stay."""
    project.settle(group({**SEATS, "validation_rules": {"minimum": 1, "maximum": 9}}))
    [write] = project.settle(group({**SEATS, "validation_rules": wanted}))
    assert write.body["properties"][0]["validation_rules"] == kept


def test_a_property_of_another_type_has_no_old_rules(project: Project) -> None:
    """They would not fit, and PostHog would refuse them."""
    project.settle(group(SEATS))
    [write] = project.settle(group({"name": "seats", "property_type": "String"}))
    assert write.body["properties"][0]["validation_rules"] is None


def test_the_plan_says_what_a_change_means_for_events(project: Project) -> None:
    """Which events carry it, and what they have to look like from now on."""
    project.settle(group(PLAN, SEATS))
    action = project.action(project.plan(group({"name": "plan", "property_type": "Boolean", "is_required": True})),
                            "schema_property_group/account")
    assert [(note.subject, note.text) for note in action.notes] == [
        ("events", "signup_completed"), ("taken out", "seats is no longer in it"),
        ("required", "plan: an event without it no longer fits"), ("type", "plan: String -> Boolean")]
    described = project.action(project.plan(group(PLAN, SEATS, description="x")), "schema_property_group/account")
    assert described.op is Op.UPDATE and not described.notes
    gone = project.plan({"event_definition": {"signup_completed": {}}})
    notes = [note.text for note in project.action(gone, "schema_property_group/account").notes]
    assert notes == ["the events that carry it lose these properties from their schema", "signup_completed"]


@pytest.mark.parametrize(("fields", "said"), [
    ({"name": " plan", "property_type": "String"}, "leave them out"),
    ({"name": "x" * 201, "property_type": "String"}, "200"),
    ({"name": "x", "property_type": "Duration"}, "Numeric"),
    ({"name": "x", "property_type": "String", "validation_rules": {"enum": ["a"], "not": {"enum": ["b"]}}}, "beside enum"),
    ({"name": "x", "property_type": "String", "validation_rules": {"enum": []}}, "enum"),
    ({"name": "x", "property_type": "String", "validation_rules": {"minimum": 1}}, "is no rule for String"),
    ({"name": "x", "property_type": "Boolean", "validation_rules": {"enum": ["a"]}}, "that takes none"),
    ({"name": "x", "property_type": "Numeric", "validation_rules": {"minimum": 1, "exclusive_minimum": 1}}, "beside minimum"),
    ({"name": "x", "property_type": "Numeric", "validation_rules": {"minimum": 5, "maximum": 5}}, "5 is not below 5"),
])
def test_what_posthog_would_refuse_of_a_group_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("schema_property_group", properties=[fields])
    assert any(said in one for one in found), found
    twice = [{"name": "a", "property_type": "String"}] * 2
    assert any("stands there twice" in one for one in Project().findings("schema_property_group", properties=twice))
