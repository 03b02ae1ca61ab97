"""What each kind says and refuses, and how what users of other tools reported ends here."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Impact, Op
from reconciler.sandbox.store import Response
from tests.sentry.desk import ALERT, BASE, LEVEL, MAIL, MONITOR, Org, lines

KEY = {"project": {"ref": "api"}}
OWN = [{"default": "error", "project": {"ref": "api"}}, {"default": "issue_stream", "project": {"ref": "api"}}]


def last(org: Org) -> dict[str, Any]:
    """The body of the last write."""
    body: dict[str, Any] = org.writes()[-1].body
    return body


# keys

@pytest.mark.parametrize("change", [{}, {"Service": {**KEY, "is_active": False}}])
def test_a_key_in_use_is_not_ended(org: Org, change: dict[str, Any]) -> None:
    """Deleting or switching off a key that took events in the last 30 days is refused, with how many it were."""
    org.settle({**BASE, "client_key": {"Service": KEY}})
    org.desk.one("keys", name="Service")["events"] = 42
    made = org.plan({**BASE, "client_key": change})
    assert org.action(made, "client_key/Service").op is Op.BLOCKED
    assert "42 events came in by it" in org.notes(made, "client_key/Service")
    org.settle({**BASE, "client_key": change}, allow=("irreversible:sentry.client_key/Service",))


def test_a_key_that_nobody_used_goes(org: Org) -> None:
    """Without traffic a delete takes no more than its usual consent."""
    org.settle({**BASE, "client_key": {"Service": KEY}})
    assert [line.partition(" ")[0] for line in lines(org.settle(BASE))] == ["DELETE"]


def test_a_key_of_unknown_use_stays(org: Org) -> None:
    """Where Sentry does not tell, it may have been used."""
    org.settle({**BASE, "client_key": {"Service": KEY}})
    org.desk.sandbox.faults.append(lambda request, n: Response(403, {"detail": "no"}) if "/stats/" in request.path else None)
    made = org.plan(BASE)
    assert org.action(made, "client_key/Service").op is Op.BLOCKED
    assert "does not tell whether it is in use" in org.notes(made, "client_key/Service")


def test_the_first_key_is_taken_without_a_question(org: Org) -> None:
    """Reports #78, #84, #115: the Default that Sentry made is changed, and it is the earliest of its name."""
    org.settle(BASE)
    made = org.plan({**BASE, "client_key": {"Default": {**KEY, "rate_limit": {"window": 60, "count": 5}}}})
    action = org.action(made, "client_key/Default")
    assert action.op is Op.UPDATE and Impact.ADOPT not in action.impact
    org.settle({**BASE, "client_key": {"Default": {**KEY, "rate_limit": {"window": 60, "count": 5}}}})
    assert len(org.desk.sandbox.table("keys")) == 1


def test_a_keys_addresses_are_outputs(org: Org) -> None:
    """Both can be read at any time; the one with the secret in it is a secret."""
    org.settle({**BASE, "client_key": {"Service": KEY}})
    live = org.action(org.plan({**BASE, "client_key": {"Service": KEY}}), "client_key/Service").live
    assert live is not None
    held = org.desk.one("keys", name="Service")
    assert live.outputs["dsn"].startswith(f"https://{held['id']}@") and held["secret"] not in str(live.outputs)
    assert held["secret"] in live.outputs["dsn_secret"].reveal()


def test_a_tighter_limit_is_said(org: Org) -> None:
    """Events over it are dropped."""
    def limited(count: int) -> dict[str, Any]:
        return {**BASE, "client_key": {"Service": {**KEY, "rate_limit": {"window": 60, "count": count}}}}
    org.settle(limited(50))
    assert "over the limit" in org.notes(org.plan(limited(5)), "client_key/Service")
    assert "over the limit" not in org.notes(org.plan(limited(500)), "client_key/Service")


# teams and projects

def test_the_last_team_of_a_project_stays(org: Org) -> None:
    """Nobody would see the project; refused until another team is linked in the same plan, or by consent."""
    org.settle(BASE)
    org.desk.sandbox.projects.made("backend", {"name": "lonely", "slug": "lonely"})
    plain = {"project": {"api": {"teams": ["backend"]}}}
    made = org.plan(plain)
    assert org.action(made, "team/backend").op is Op.BLOCKED
    assert "the last team of api, lonely" in org.notes(made, "team/backend")


def test_a_new_project_makes_no_alert_beside_ours(org: Org) -> None:
    """Reports #313, #329, #340: default_rules is sent as false, unless the manifest wants it."""
    org.settle(BASE)
    assert org.desk.sandbox.table("workflows") == {}
    org.settle({**BASE, "project": {**BASE["project"], "web": {"teams": [{"ref": "backend"}], "default_rules": True}}})
    assert len(org.desk.sandbox.table("workflows")) == 1


def test_a_half_made_project_is_finished(org: Org) -> None:
    """Made and not yet set up: the next plan brings the rest, and makes none anew."""
    whole = {**BASE, "project": {"api": {"teams": [{"ref": "backend"}], "resolve_age": 24}}}
    left = [Response(400, {"detail": "no"})]
    org.desk.sandbox.faults.append(lambda request, n: left.pop() if left and request.method == "PUT" else None)
    org.apply(whole)
    assert org.acts(whole) == {"project/api": "update"}
    assert [line.partition(" ")[0] for line in lines(org.settle(whole))] == ["PUT"]


def test_a_team_that_is_not_linked_after_all_is_an_error(org: Org) -> None:
    """Report #67: an answer of 201 proves nothing; the project is read back."""
    teams = {"backend": {}, "web": {}}
    org.settle({"team": teams, "project": BASE["project"]})
    org.desk.sandbox.projects.linked = lambda key, team: (  # type: ignore[method-assign]
        org.desk.sandbox.projects.brief(org.desk.sandbox.projects.one("projects", key)))
    report = org.apply({"team": teams, "project": {"api": {"teams": [{"ref": "backend"}, {"ref": "web"}]}}})
    assert [(o.result.value, o.error) for o in report.outcomes] == [
        ("failed", "the vendor took it without a word and does not show it: teams")]


def test_a_slug_that_sentry_changes_is_an_error(org: Org) -> None:
    """The slug is sent and read back; who refers to it is not started."""
    made = org.desk.sandbox.teams.made
    org.desk.sandbox.teams.made = lambda given: made({**given, "slug": f"{given['slug']}-x7"})  # type: ignore[method-assign]
    report = org.apply(BASE)
    assert {str(o.address): (o.result.value, o.error) for o in report.outcomes} == {
        "sentry.team/backend": ("failed", "the vendor took it without a word and does not show it: slug"),
        "sentry.project/api": ("not started", "waited for sentry.team/backend")}


def test_fewer_hours_close_issues(org: Org) -> None:
    """A lower resolve_age is said; 0 is never."""
    def after(hours: int) -> dict[str, Any]:
        return {**BASE, "project": {"api": {"teams": [{"ref": "backend"}], "resolve_age": hours}}}
    org.settle(after(0))
    assert "issues are closed sooner" in org.notes(org.plan(after(24)), "project/api")
    org.settle(after(24))
    assert "issues are closed sooner" not in org.notes(org.plan(after(48)), "project/api")


def test_settings_come_back_in_two_forms(org: Org) -> None:
    """Filters are one text with lines, and some answers show a list."""
    filters = {"error_messages": ["b", "a"], "releases": ["1.*"]}
    declared = {**BASE, "project": {"api": {"teams": [{"ref": "backend"}], "filters": filters}}}
    org.settle(declared)
    held = org.desk.one("projects")["options"]
    assert held["filters:error_messages"] == "b\na"
    held["filters:error_messages"] = ["a ", "b", ""]
    assert org.acts(declared) == {}


# monitors and alerts

def test_a_projects_own_monitors_are_waited_for(org: Org) -> None:
    """They come a moment after the project; fifteen seconds are enough, or the apply says what is missing."""
    org.desk.sandbox.detectors_after = 4.0
    org.settle({**BASE, "alert": {"urgent": {**ALERT, "detectors": OWN}}})
    assert 4 <= sum(org.clock.slept) < 5
    kinds = {id: one["type"] for id, one in org.desk.sandbox.table("detectors").items()}
    assert [kinds[id] for id in org.desk.one("workflows")["detectorIds"]] == ["error", "issue_stream"]


def test_monitors_that_never_come_are_told(org: Org) -> None:
    """Nothing was sent, so the next apply may simply try again."""
    org.desk.sandbox.detectors_after = 1000.0
    report = org.apply({**BASE, "alert": {"urgent": ALERT}})
    failed = next(o for o in report.outcomes if o.result.value == "failed")
    assert failed.error == "api has no error monitor of Sentry's own after 15 s"
    assert org.desk.sandbox.table("workflows") == {}


def test_a_monitors_links_are_kept_on_the_alerts_side(org: Org) -> None:
    """A PUT of a monitor says nothing of alerts, and a PUT of an alert that names no monitors keeps those it has."""
    declared = {**BASE, "metric_monitor": {"burst": MONITOR}, "alert": {"urgent": {**ALERT, "detectors": [{"ref": "burst"}]}}}
    org.settle(declared)
    org.settle({**declared, "metric_monitor": {"burst": {**MONITOR, "description": "x"}}})
    assert "workflow_ids" not in last(org) and "workflowIds" not in last(org)
    silent = {name: value for name, value in ALERT.items() if name != "detectors"}
    org.settle({**declared, "metric_monitor": {"burst": {**MONITOR, "description": "x"}},
                "alert": {"urgent": {**silent, "enabled": False}}})
    assert org.desk.one("workflows")["detectorIds"] == [org.desk.one("detectors", name="burst")["id"]]


def test_an_own_monitor_named_by_number_stays_a_number(org: Org) -> None:
    """Whoever writes the number down gets no endless difference."""
    org.settle(BASE)
    number = org.desk.one("detectors", type="error")["id"]
    org.settle({**BASE, "alert": {"urgent": {**ALERT, "detectors": [number]}}})


def test_an_alert_without_monitors_is_said_to_be_silent(org: Org) -> None:
    """Report #870: it never fires."""
    made = org.plan({**BASE, "alert": {"urgent": {**ALERT, "detectors": []}}})
    assert "never fires" in org.notes(made, "alert/urgent")


def test_a_twin_of_an_alert_is_said(org: Org) -> None:
    """Report #870: Sentry's migrated rule with nearly the same name fires too; one of the same name is adopted, not doubled."""
    org.settle(BASE)
    org.desk.sandbox.workflows.made({"name": "URGENT", "triggers": {}, "action_filters": []})
    assert "fires too" in org.notes(org.plan({**BASE, "alert": {"urgent": ALERT}}), "alert/urgent")
    org.desk.sandbox.workflows.made({"name": "urgent", "triggers": {}, "action_filters": []})
    assert org.acts({**BASE, "alert": {"urgent": ALERT}}) == {"alert/urgent": "blocked"}


def test_twins_are_blocked_by_both_names(org: Org) -> None:
    """Names are not unique: two of one name are nobody's to choose from."""
    org.settle(BASE)
    for _ in range(2):
        org.desk.sandbox.workflows.made({"name": "urgent", "triggers": {}, "action_filters": []})
    made = org.plan({**BASE, "alert": {"urgent": ALERT}})
    assert "2 objects have this natural key" in (org.action(made, "alert/urgent").blocked or "")


def test_unknown_kinds_of_actions_stay_as_they_are(org: Org) -> None:
    """Reports #820, #823, #847: what we don't know is neither a difference nor lost when the rest is written."""
    org.settle({**BASE, "alert": {"urgent": ALERT}})
    held = org.desk.one("workflows")
    act = held["action_filters"][0]["actions"][0]
    act["data"] = {"dynamic_form_fields": [{"name": "x"}]}
    act["config"]["new_thing"] = "y"
    assert org.acts({**BASE, "alert": {"urgent": ALERT}}) == {}
    org.settle({**BASE, "alert": {"urgent": {**ALERT, "enabled": False}}})
    kept = org.desk.one("workflows")["action_filters"][0]["actions"][0]
    assert (kept["id"], kept["data"], kept["config"]["new_thing"]) == (
        act["id"], {"dynamic_form_fields": [{"name": "x"}]}, "y")
    declared = {**ALERT, "action_filters": [{"conditions": [{"type": "of_tomorrow", "comparison": {"a": 1}}],
                                             "actions": [{"type": "carrier_pigeon", "data": {"loft": "B"}}]}]}
    org.settle({**BASE, "alert": {"urgent": declared}})


@pytest.mark.parametrize(("condition", "said"), [
    ({"type": "level", "comparison": {"level": 40}}, "level compares with level, match: match is missing"),
    ({"type": "event_frequency_count", "comparison": 5}, ("event_frequency_count compares with value, interval: value, "
                                                         "interval is missing")),
    ({"type": "issue_priority_greater_or_equal", "comparison": 80}, "is 75 (high), 50 (medium) or 25 (low)"),
    ({"type": "first_seen_event"}, "starts an alert: it belongs into triggers.conditions")])
def test_a_condition_that_sentry_would_refuse_is_a_finding(org: Org, condition: dict[str, Any], said: str) -> None:
    """Report #529: conditions are checked in validate, with their place."""
    found = org.findings("alert", {**ALERT, "action_filters": [{"conditions": [condition], "actions": [MAIL]}]})
    assert [one.partition(": ")[2] for one in found] == [said]


@pytest.mark.parametrize(("act", "said"), [
    ({"type": "slack", "integration_id": "1", "config": {"target_identifier": "#ops"}}, "slack wants the channel's id"),
    ({"type": "pagerduty"}, "goes through an integration"),
    ({"type": "email"}, "email goes to target_type"),
    ({"type": "email", "config": {"target_type": "team"}}, "which team?")])
def test_an_action_that_reaches_nobody_is_a_finding(org: Org, act: dict[str, Any], said: str) -> None:
    """Reports #267, #281: a channel by its id, an integration by its number, a person by theirs."""
    found = org.findings("alert", {**ALERT, "action_filters": [{"conditions": [LEVEL], "actions": [act]}]})
    assert len(found) == 1 and said in found[0]


@pytest.mark.parametrize(("change", "said"), [
    ({"config": {"detection_type": "percent"}},
     "config.comparison_delta: is needed by percent: how many seconds back it compares"),
    ({"config": {"detection_type": "static", "comparison_delta": 60}}, "config.comparison_delta: only goes with percent"),
    ({"config": {"detection_type": "dynamic"}}, ("condition_group.conditions[0].type: anomaly_detection goes with dynamic, "
                                                "and with nothing else"))])
def test_a_monitor_whose_parts_do_not_fit_is_a_finding(org: Org, change: dict[str, Any], said: str) -> None:
    """Before Sentry refuses the combination."""
    assert said in org.findings("metric_monitor", {**MONITOR, **change})


@pytest.mark.parametrize(("config", "said"), [
    ({"schedule": "0 3 * *"}, "crontab of five parts"), ({"schedule": [1, "fortnight"]}, "a unit of year"),
    ({"schedule": [1, "day"]}, "is no crontab"), ({"schedule_type": "interval", "schedule": "@daily"}, "is no interval"),
    ({"schedule": "0 3 * * *", "timezone": "Mars/Olympus"}, "is no time zone")])
def test_a_schedule_that_can_not_be_is_a_finding(org: Org, config: dict[str, Any], said: str) -> None:
    """With its place, before anything is sent."""
    found = org.findings("cron_monitor", {"project": {"ref": "api"}, "config": config})
    assert any(said in one for one in found), found


def test_nulls_and_nothings_are_no_difference(org: Org) -> None:
    """Reports #443, #886, #896: a query that is null, a type that no answer shows, an environment that is not said."""
    source = {"aggregate": "count()", "dataset": "events", "time_window": 300, "query": "", "query_type": 0}
    declared = {**BASE, "metric_monitor": {"burst": {**MONITOR, "data_sources": [source]}}}
    org.settle(declared)
    org.desk.one("detectors", name="burst")["data_sources"][0].update(query=None, environment=None)
    assert org.acts(declared) == {}


def test_code_that_writes_a_monitor_too_is_said(org: Org) -> None:
    """Two writers undo each other."""
    def nightly(**more: Any) -> dict[str, Any]:
        return {**BASE, "cron_monitor": {"n": {"project": {"ref": "api"}, "config": {"schedule": "@daily"}, **more}}}
    org.settle(nightly())
    org.desk.one("monitors")["isUpserting"] = True
    assert "two writers" in org.notes(org.plan(nightly(is_muted=True)), "cron_monitor/n")


def test_a_filter_that_drops_is_said(org: Org) -> None:
    """Dropped events can't be had back."""
    declared = {**BASE, "inbound_filters": {"api": {"project": {"ref": "api"}, "localhost": True}}}
    org.settle(BASE)
    assert "can't be had back" in org.notes(org.plan(declared), "inbound_filters/api")
    assert any("Input should be" in one or "must be one of" in one for one in org.findings(
        "inbound_filters", {"project": {"ref": "api"}, "legacy_browsers": ["netscape"]}))
