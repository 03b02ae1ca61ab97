"""Keys, teams and projects: what they say and refuse, and how what users of other tools reported ends here."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Impact, Op
from reconciler.sandbox.store import Response
from tests.sentry.desk import BASE, Org, lines

KEY = {"project": {"ref": "api"}}


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


def test_a_key_is_handed_over_when_it_comes(org: Org) -> None:
    """The key that comes with a new project too; of one that was there before, the plan says that it is not."""
    key = {"Default": {**KEY, "lifecycle": {"deliver": {"dsn_secret": {"to": "box"}}}}}
    org.settle({**BASE, "client_key": key})
    assert org.desk.one("keys")["secret"] in org.sink.held["#"]
    other = Org()
    other.settle(BASE)
    assert "not delivered" in other.notes(other.plan({**BASE, "client_key": key}), "client_key/Default")


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


def test_settings_made_with_their_project_are_ours_at_once(org: Org) -> None:
    """They are known by the project's number, which nobody knew before: the ledger holds it after the same run."""
    org.settle({**BASE, "inbound_filters": {"api": {**KEY, "localhost": True}}})
    entries = org.store.read().entries
    assert entries["sentry.inbound_filters/api"].id == entries["sentry.project/api"].id


@pytest.mark.parametrize("body", [[], "odd", {"id": []}, {"slug": 7}])
def test_an_odd_answer_to_a_write_ends_its_step_and_no_other(org: Org, body: Any) -> None:
    """What was sent is recorded and told, whatever shape the answers and reads after it have; the rest of the run goes on."""
    org.settle(BASE)
    written: list[str] = []

    def odd(request: Any, n: int) -> Response | None:
        if "/projects/" not in request.path or not (written or request.method == "PUT"):
            return None
        written.append(request.path)
        return Response(200, body)

    project = {"api": {**BASE["project"]["api"], "resolve_age": 48}}
    made = org.plan({**BASE, "project": project, "team": {**BASE["team"], "x": {}}})
    org.desk.sandbox.faults.append(odd)
    report = org.run(made)
    outcomes = {str(one.address): one.result.value for one in report.outcomes}
    assert written
    assert outcomes["sentry.team/x"] == "done"
    assert outcomes["sentry.project/api"] in ("failed", "unknown", "stale")
    org.desk.sandbox.requests.clear()  # the referee is right that no vendor promises such answers
