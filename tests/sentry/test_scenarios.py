"""The acceptance scenarios of what we know of Sentry: the plan, the exact requests, the final objects."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Impact, Op
from reconciler.sandbox.store import Request, Response
from tests.sentry.desk import ALERT, BASE, MAIL, MONITOR, ORG, Org, lines

WHOLE: dict[str, Any] = {
    "team": {"backend": {}},
    "project": {"api": {"teams": [{"ref": "backend"}], "platform": "python-fastapi", "resolve_age": 720}},
    "client_key": {"Default": {"project": {"ref": "api"}, "rate_limit": {"window": 60, "count": 500}}},
    "inbound_filters": {"api": {"project": {"ref": "api"}, "localhost": True, "legacy_browsers": ["ie"]}},
    "ownership": {"api": {"project": {"ref": "api"}, "raw": "path:src/* #backend"}},
    "metric_monitor": {"burst": MONITOR},
    "alert": {"urgent": {**ALERT, "detectors": [{"ref": "burst"}, {"default": "error", "project": {"ref": "api"}}]}},
}


def test_an_empty_organization_is_filled(org: Org) -> None:
    """Scenario 1: created in order, the first key taken and not doubled, the alert linked; a second plan is empty."""
    made = org.plan(WHOLE)
    assert {a.op for a in made.actions} == {Op.CREATE}
    sent = org.settle(WHOLE)
    writes = {line: one.body for line, one in zip(lines(sent), sent, strict=True)}
    api, key = org.desk.one("projects")["id"], org.desk.one("keys")
    assert writes["POST /teams/sql2ai/backend/projects/"] == {
        "name": "api", "slug": "api", "platform": "python-fastapi", "default_rules": False}
    assert writes[f"PUT /projects/sql2ai/{api}/"] == {"resolveAge": 720}
    assert writes[f"PUT /projects/sql2ai/{api}/keys/{key['id']}/"] == {"rateLimit": {"window": 60, "count": 500}}
    assert "POST /projects/sql2ai/api/keys/" not in writes
    assert writes["PUT /projects/sql2ai/api/filters/localhost/"] == {"active": True}
    assert writes["PUT /projects/sql2ai/api/filters/legacy-browsers/"] == {"subfilters": ["ie"]}
    burst, error = org.desk.one("detectors", name="burst")["id"], org.desk.one("detectors", type="error")["id"]
    assert writes["POST /organizations/sql2ai/workflows/"]["detector_ids"] == [int(burst), int(error)]
    assert org.desk.one("workflows")["detectorIds"] == [burst, error]
    assert list(writes).index("POST /organizations/sql2ai/teams/") == 0


def test_the_removed_rules_api_hurts_nobody(org: Org) -> None:
    """Scenario 2: the old paths answer 410 and are never asked."""
    answer = org.desk.sandbox.handle(Request(
        "GET", "/api/0/projects/sql2ai/api/rules/", headers={"authorization": "Bearer x"}))
    assert (answer.status, answer.body["detail"]["message"]) == (410, "This API no longer exists.")
    org.settle({**BASE, "alert": {"urgent": ALERT}})
    paths = [one.path for one in org.desk.sandbox.requests[1:]]
    assert not [path for path in paths if "rules" in path]


def test_what_sentry_adds_and_turns_round_is_no_difference(org: Org) -> None:
    """Scenario 3: numbers as texts, another order and more names are no drift; a new threshold is one PUT of all of it."""
    org.settle({**BASE, "metric_monitor": {"burst": MONITOR}, "alert": {"urgent": ALERT}})
    held = org.desk.one("workflows")
    held["triggers"]["conditions"].reverse()
    condition = held["action_filters"][0]["conditions"][0]
    condition["comparison"] = {"level": "40", "match": "gte", "name": "The level is error", "interval": ""}
    held["action_filters"][0]["actions"][0]["data"] = {"fallthrough_type": "ActiveMembers"}
    group = org.desk.one("detectors", name="burst")["condition_group"]
    for one in group["conditions"]:
        one["comparison"] = str(one["comparison"])
    group["conditions"].reverse()
    assert org.acts({**BASE, "metric_monitor": {"burst": MONITOR}, "alert": {"urgent": ALERT}}) == {}
    higher = {"type": "level", "comparison": {"level": 50, "match": "gte"}}
    filters = [{"logic_type": "all", "conditions": [higher], "actions": [MAIL]}]
    sent = org.settle({**BASE, "metric_monitor": {"burst": MONITOR}, "alert": {"urgent": {**ALERT, "action_filters": filters}}})
    assert lines(sent) == [f"PUT /organizations/sql2ai/workflows/{held['id']}/"]
    body = sent[0].body
    assert {"name", "enabled", "detector_ids", "triggers", "action_filters", "config"} <= body.keys()
    assert {one["id"] for one in body["triggers"]["conditions"]} == {one["id"] for one in held["triggers"]["conditions"]}
    assert body["action_filters"][0]["actions"][0]["data"] == {"fallthrough_type": "ActiveMembers"}
    assert body["action_filters"][0]["conditions"] == [{**higher, "condition_result": True}]


def test_a_link_that_sentry_forgets_fails_loudly(org: Org) -> None:
    """Scenario 4: the alert was made and linked to nothing; the apply says so, and the next plan brings the link again."""
    org.settle(BASE)
    whole = org.desk.sandbox.workflows._fields
    org.desk.sandbox.workflows._fields = (  # type: ignore[method-assign]
        lambda given, before: {**whole(given, before), "detectorIds": []})
    report = org.apply({**BASE, "alert": {"urgent": ALERT}})
    assert [(o.result.value, o.error) for o in report.outcomes if o.result.value != "done"] == [
        ("failed", "the vendor took it without a word and does not show it: detectors")]
    del org.desk.sandbox.workflows._fields  # type: ignore[method-assign]
    assert org.acts({**BASE, "alert": {"urgent": ALERT}}) == {"alert/urgent": "update"}
    org.settle({**BASE, "alert": {"urgent": ALERT}})
    assert org.desk.one("workflows")["detectorIds"] == [org.desk.one("detectors", type="error")["id"]]


def test_an_alert_that_matches_everything_must_say_so(org: Org) -> None:
    """Scenario 5: no conditions and no filters are a finding, or blocked where Sentry's side is empty; match_all lifts it."""
    empty = {**ALERT, "triggers": {"conditions": []}, "action_filters": [{"actions": [MAIL]}]}
    assert org.findings("alert", empty) == [
        "triggers: without conditions here and in action_filters every issue is told: say match_all: true if so"]
    assert org.findings("alert", {**empty, "match_all": True}) == []
    silent = {name: value for name, value in empty.items() if name not in ("triggers", "action_filters")}
    made = org.plan({**BASE, "alert": {"urgent": silent}})
    assert org.action(made, "alert/urgent").op is Op.BLOCKED
    assert "every issue is told" in org.notes(made, "alert/urgent")
    org.settle({**BASE, "alert": {"urgent": {**empty, "match_all": True}}})


def test_a_project_goes_once_and_only_by_name(org: Org) -> None:
    """Scenario 6: refused without consent; then one DELETE; a second one's 404 is fine; its slug may stay taken for a while."""
    org.settle(BASE)
    api = org.desk.one("projects")["id"]
    gone = {"team": BASE["team"]}
    org.desk.one("keys")["events"] = 12
    made = org.plan(gone)
    assert org.action(made, "project/api").op is Op.BLOCKED
    assert "all its events and issues are lost" in org.notes(made, "project/api")
    org.desk.sandbox.reserves = 60.0
    allowed = org.plan(gone, allow=("irreversible:sentry.project/api",))
    assert "12 events came in in the last 30 days" in org.notes(allowed, "project/api")
    before = len(org.desk.sandbox.requests)
    assert [o.result.value for o in org.run(allowed).outcomes] == ["done"]
    assert lines(org.writes(before)) == [f"DELETE /projects/sql2ai/{api}/"]
    report = org.apply(BASE)
    assert [o.result.value for o in report.outcomes] == ["failed"]
    assert "keeps its slug for a while" in report.outcomes[0].next
    org.clock.sleep(61)
    org.settle(BASE)


def test_a_protected_project_stays(org: Org) -> None:
    """Scenario 6: `protect` holds whatever else is consented to."""
    held = {"team": BASE["team"], "project": {"api": {"teams": [{"ref": "backend"}], "lifecycle": {"protect": True}}}}
    org.settle(held)
    made = org.plan({"team": BASE["team"]}, allow=("irreversible:sentry.project/api",))
    assert org.action(made, "project/api").op is Op.BLOCKED
    assert "protect" in (org.action(made, "project/api").blocked or "")


def test_teams_come_before_teams_go(org: Org) -> None:
    """Scenario 7: linked first, then unlinked; the project is never without one, and it is read back."""
    teams = {"backend": {}, "web": {}}
    org.settle({"team": teams, "project": {"api": {"teams": [{"ref": "backend"}]}}})
    api = org.desk.one("projects")["id"]
    sent = org.settle({"team": teams, "project": {"api": {"teams": [{"ref": "web"}]}}})
    assert lines(sent) == [f"POST /projects/sql2ai/{api}/teams/web/", f"DELETE /projects/sql2ai/{api}/teams/backend/"]
    assert org.findings("project", {"teams": []}) != []


def test_every_page_is_read_and_no_more(org: Org) -> None:
    """Scenario 8: 230 projects are three pages; `results` ends them although there is a link to a next one."""
    org.settle({"team": BASE["team"]})
    for n in range(230):
        org.desk.sandbox.projects.made("backend", {"name": f"p{n}", "slug": f"p{n}"})
    before = len(org.desk.sandbox.requests)
    assert len(list(org.desk.api.pages(f"{ORG}/projects/"))) == 230
    asked = [dict(one.query).get("cursor") for one in org.desk.sandbox.requests[before:]]
    assert asked == [None, "0:100:0", "0:200:0"]


def test_two_keys_of_one_name_are_nobodys_guess(org: Org) -> None:
    """Scenario 9: blocked, both named, until lifecycle.id says which."""
    org.settle(BASE)
    project = org.desk.one("projects")["id"]
    first = org.desk.one("keys")["id"]
    org.desk.sandbox.keys.made(project, {"name": "Default"})
    key = {"project": {"ref": "api"}, "rate_limit": {"window": 60, "count": 1}}
    made = org.plan({**BASE, "client_key": {"Default": key}})
    assert "2 objects have this natural key" in (org.action(made, "client_key/Default").blocked or "")
    bound = {**key, "lifecycle": {"id": f"{project}/keys/{first}", "adopt": "changes"}}
    sent = org.settle({**BASE, "client_key": {"Default": bound}})
    assert lines(sent) == [f"PUT /projects/sql2ai/{project}/keys/{first}/"]


def test_browsers_are_a_set_and_filters_are_released(org: Org) -> None:
    """Scenario 10: another order is no difference; an entry that leaves sends nothing, and the plan says so."""
    org.settle(BASE)
    org.desk.sandbox.projects.filtered("api", "legacy-browsers", {"subfilters": ["opera", "ie"]})
    with_filters = {**BASE, "inbound_filters": {"api": {"project": {"ref": "api"}, "legacy_browsers": ["ie", "opera"]}}}
    assert org.settle(with_filters) == []
    made = org.plan(BASE)
    assert org.action(made, "inbound_filters/api").op is Op.FORGET
    assert "the project keeps them as they are" in org.notes(made, "inbound_filters/api")
    assert org.settle(BASE) == []


def test_a_nickname_of_a_schedule_is_the_schedule(org: Org) -> None:
    """Scenario 11: @daily comes back written out."""
    daily = {**BASE, "cron_monitor": {"nightly": {"project": {"ref": "api"}, "config": {"schedule": "@daily"}}}}
    made = org.plan(daily)
    assert Impact.MONEY in org.action(made, "cron_monitor/nightly").impact
    org.settle(daily)
    assert org.desk.one("monitors")["config"]["schedule"] == "0 0 * * *"


def test_a_rule_waits_for_its_team_or_is_refused(org: Org) -> None:
    """Scenario 12: written after the link; a team that will not be linked blocks it before Sentry does."""
    teams = {"backend": {}, "web": {}}
    rules = {"api": {"project": {"ref": "api"}, "raw": "path:a/* #web"}}
    one = {"team": teams, "project": {"api": {"teams": [{"ref": "backend"}]}}}
    both = {"team": teams, "project": {"api": {"teams": [{"ref": "backend"}, {"ref": "web"}]}}, "ownership": rules}
    org.settle(one)
    made = org.plan({**one, "ownership": rules})
    assert org.action(made, "ownership/api").op is Op.BLOCKED
    assert "#web is no team of the project" in org.notes(made, "ownership/api")
    sent = lines(org.settle(both))
    assert [line.partition(" ")[0] for line in sent] == ["POST", "PUT"] and sent[1].endswith("/ownership/")


def test_limits_are_kept(org: Org) -> None:
    """Scenario 13: nothing left until the window ends, so everybody waits until then; few at a time where Sentry says so."""
    org.desk.sandbox.limit, org.desk.sandbox.concurrent = 1, 2
    org.clock.time += 0.25
    list(org.desk.api.pages(f"{ORG}/teams/"))
    assert org.desk.api.crowd.most == 2 and org.clock.slept == []
    list(org.desk.api.pages(f"{ORG}/teams/"))
    assert [one.status for one in org.desk.sandbox.requests] == [200, 200]
    assert sum(org.clock.slept) == pytest.approx(0.75)


def test_a_429_is_waited_out(org: Org) -> None:
    """Scenario 13: three seconds until the window ends are three seconds of waiting, announced."""
    reset = str(int(org.clock.now()) + 3)
    left = [Response(429, {"detail": "slow down"}, {"x-sentry-rate-limit-reset": reset})]
    org.desk.sandbox.faults.append(lambda request, n: left.pop() if left else None)
    assert list(org.desk.api.pages(f"{ORG}/teams/")) == []
    assert 3 <= sum(org.clock.slept) < 3.2
    assert org.desk.told == ["sentry: waiting 3 s, as it asks"]


def test_a_renamed_project_is_one_put(org: Org) -> None:
    """Scenario 14: with `formerly` the slug changes; without it there is a new project, and the old one is not let go."""
    org.settle({**BASE, "client_key": {"Service": {"project": {"ref": "api"}}}})
    api = org.desk.one("projects")["id"]
    fields = {"teams": [{"ref": "backend"}]}
    apart = org.acts({"team": BASE["team"], "project": {"backend-api": fields}})
    assert apart["project/backend-api"] == "create" and apart["project/api"] == "blocked"
    moved = {**fields, "slug": "backend-api", "lifecycle": {"formerly": ["api"]}}
    renamed = {"team": BASE["team"], "project": {"backend-api": moved},
               "client_key": {"Service": {"project": {"ref": "backend-api"}}}}
    made = org.plan(renamed)
    assert "addresses of its pages" in org.notes(made, "project/backend-api")
    sent = org.settle(renamed)
    assert [(f"{one.method} {one.path}", one.body) for one in sent] == [
        (f"PUT /api/0/projects/sql2ai/{api}/", {"slug": "backend-api"})]


@pytest.mark.parametrize("held", [0.5, "0.5"])
def test_a_fraction_is_a_threshold(org: Org, held: Any) -> None:
    """Scenario 15: 0.5 is 0.5, as a number or as a text."""
    group = {"conditions": [{"type": "gt", "comparison": 0.5, "condition_result": 75}]}
    rate = {**BASE, "metric_monitor": {"rate": {**MONITOR, "condition_group": group}}}
    org.settle(rate)
    org.desk.one("detectors", name="rate")["condition_group"]["conditions"][0]["comparison"] = held
    assert org.acts(rate) == {}
