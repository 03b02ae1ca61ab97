"""Monitors and alerts: what they say and refuse, and how what users of other tools reported ends here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sentry.desk import ALERT, BASE, LEVEL, MAIL, MONITOR, Org

OWN = [{"default": "error", "project": {"ref": "api"}}, {"default": "issue_stream", "project": {"ref": "api"}}]


def last(org: Org) -> dict[str, Any]:
    """The body of the last write."""
    body: dict[str, Any] = org.writes()[-1].body
    return body


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
