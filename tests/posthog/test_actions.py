"""Actions: steps that are somebody's, soft deletion, one list without a count, and who counts by them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.contract import Ask
from reconciler.engine.look import with_facts
from reconciler.errors import Unreadable
from reconciler.model import Op
from reconciler.secret import Secret
from reconciler.vendors.posthog import PostHogSettings
from reconciler.vendors.posthog.action import Action
from reconciler.vendors.posthog.api import PostHogApi
from tests.posthog.desk import ROOT, Project, cohort_of, lines


def action(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A stack of one action, beside one that stays."""
    return {"action": {"signs_up": {"steps": list(steps), **fields}, "rest": {}}}


def test_a_step_keeps_what_people_added_to_it(project: Project) -> None:
    """As long as it is the same step; another one that takes its place inherits nothing."""
    project.settle(action({"event": "signup_completed"}, {"event": "$pageview", "url": "/welcome"}))
    held = project.desk.one("actions", name="signs_up")
    held["steps"][1]["url_matching"] = "exact"
    assert project.plan(action({"event": "signup_completed"}, {"event": "$pageview", "url": "/welcome"})).empty
    [write] = project.settle(action({"event": "signup_completed"}, {"event": "$pageview", "url": "/hello"}))
    assert write.body["steps"][1]["url_matching"] == "exact"
    [write] = project.settle(action({"event": "$pageview", "url": "/hello"}, {"event": "invite_accepted"}))
    assert write.body["steps"] == [write.body["steps"][0], {"event": "invite_accepted"}]
    assert write.body["steps"][0]["url_matching"] == "exact"


def test_what_posthog_works_out_of_steps_is_no_difference(project: Project) -> None:
    """Nulls, the pattern of a selector, and how a url matches where nobody says."""
    steps = ({"event": "$autocapture", "selector": "form > button"}, {"event": "$pageview", "url": "/welcome"})
    project.settle(action(*steps))
    held = project.desk.one("actions", name="signs_up")["steps"]
    assert held[0]["selector_regex"] and held[1]["url_matching"] == "contains" and held[1]["text"] is None
    assert project.plan(action(*steps)).empty


def test_an_action_is_marked_as_deleted_and_restored(project: Project) -> None:
    """PATCH, never DELETE; deleted by hand it comes back under its number, declared again after its removal too."""
    project.settle(action({"event": "a"}))
    id = project.desk.one("actions", name="signs_up")["id"]
    project.desk.edit("actions", id, deleted=True)
    assert project.action(project.plan(action({"event": "a"})), "action/signs_up").effect == "restore"
    [write] = project.settle(action({"event": "a"}))
    assert (lines([write]), write.body) == ([f"PATCH /actions/{id}/"], {"deleted": False})
    [write] = project.settle({"action": {"rest": {}}})
    assert (lines([write]), write.body) == ([f"PATCH /actions/{id}/"], {"deleted": True})
    assert lines(project.settle(action({"event": "a"}))) == ["POST /actions/"]


def test_a_pin_is_the_present_moment(project: Project) -> None:
    """Whatever time is written, so only whether it is pinned counts."""
    project.settle(action(pinned_at="2020-01-01T00:00:00Z"))
    assert project.desk.one("actions", name="signs_up")["pinned_at"] != "2020-01-01T00:00:00Z"
    assert project.plan(action(pinned_at="2026-01-01T00:00:00Z")).empty
    [write] = project.settle(action(pinned_at=None))
    assert write.body == {"pinned_at": None}


def test_cohorts_that_count_by_an_action_are_named(project: Project) -> None:
    """The action first, its number in the cohort; a change or removal says who is counted by it."""
    did = {"type": "behavioral", "key": {"ref": "signs_up"}, "event_type": "actions", "value": "performed_event",
           "time_value": 30, "time_interval": "day"}
    stack = {**action({"event": "a"}), "cohort": {"new": {"filters": cohort_of(did)}, "rest": {}}}
    writes = lines(project.settle(stack))
    assert writes.index("POST /actions/") < len(writes) - 1
    id = project.desk.one("actions", name="signs_up")["id"]
    assert project.desk.one("cohorts", name="new")["filters"]["properties"]["values"][0]["values"][0]["key"] == id
    changed = project.action(project.plan({**action({"event": "b"}), "cohort": stack["cohort"]}), "action/signs_up")
    assert [note.text for note in changed.notes] == ["who is in new changes with it"]
    made = with_facts(project.plan({"action": {"rest": {}}, "cohort": {"rest": {}}}), project.kinds)
    assert [(f.subject, f.text) for f in project.action(made, "action/signs_up").facts] == [("used by", "cohort new")]
    assert lines(project.settle({"action": {"rest": {}}, "cohort": {"rest": {}}}))[-1] == f"PATCH /actions/{id}/"


def test_a_cohort_in_a_step_is_a_reference(project: Project) -> None:
    """Put in as its number."""
    pro = cohort_of({"type": "person", "key": "plan", "value": "pro", "operator": "exact"})
    wanted = {"key": "id", "type": "cohort", "operator": "in", "value": {"ref": "pro"}}
    project.settle({"cohort": {"pro": {"filters": pro}}, **action({"event": "a", "properties": [wanted]})})
    held = project.desk.one("actions", name="signs_up")["steps"][0]["properties"]
    assert held == [{"key": "id", "type": "cohort", "operator": "in", "value": project.desk.one("cohorts", name="pro")["id"]}]


def test_the_list_is_whole_with_and_without_a_count(project: Project) -> None:
    """PostHog answers it whole; pages, as its document has them, are read too, and a cut one is no answer."""
    project.settle({"action": {f"a_{n}": {} for n in range(120)}})
    before = len(project.desk.sandbox.requests)
    assert project.plan({"action": {f"a_{n}": {} for n in range(120)}}).empty and project.reads(before) == ["/actions/"]

    def served(body: Any) -> Action:
        api = PostHogApi(PostHogSettings(personal_api_key=Secret("phx_1"), project="1"), connection="posthog",
                         transport=httpx.MockTransport(lambda request: httpx.Response(200, json=body)), clock=TestClock())
        return Action(api)

    one = {"id": 1, "name": "a"}
    assert len(list(served({"count": 1, "next": None, "previous": None, "results": [one]}).list(Ask()))) == 1
    for broken in ({"count": 2, "next": None, "results": [one]}, {"results": None}, {"results": [{"name": "a"}]}, [one]):
        with pytest.raises(Unreadable):
            list(served(broken).list(Ask()))


def test_an_older_server_tells_of_no_references(project: Project) -> None:
    """A plan is made without them."""
    project.settle(action({"event": "a"}))
    made = project.plan({"action": {"rest": {}}})
    project.desk.sandbox.objects[f"{ROOT}/actions"].clear()
    gone = with_facts(made, project.kinds)
    assert project.action(gone, "action/signs_up").op is Op.DELETE and not project.action(gone, "action/signs_up").facts


@pytest.mark.parametrize(("fields", "said"), [
    ({"name": " "}, "is not blank"), ({"slack_message_format": "x" * 1201}, "slack_message_format"),
    ({"pinned_at": "yes"}, "pinned_at"), ({"steps": [{"url_matching": "like"}]}, "contains"),
    ({"steps": [{"properties": [{"key": "a"}]}]}, "exact needs a value"),
    ({"steps": [{"properties": [{"key": "a", "operator": "in", "value": "b"}]}]}, "in takes a list"),
    ({"steps": [{"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": "pro"}]}]}, "the cohort's number"),
    ({"steps": [{"properties": [{"key": "plan", "value": {"ref": "pro"}}]}]}, "pro"),
    ({"steps": [{"event_name": "a"}]}, "event_name")])
def test_what_posthog_would_refuse_of_an_action_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("action", **fields)
    assert any(said in one for one in found), found
