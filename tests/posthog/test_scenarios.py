"""The digest's acceptance scenarios for flags and cohorts, engine included."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model import Impact, Op, Result
from reconciler.sandbox.store import Response
from tests.posthog.desk import Project, cohort_of, everyone, lines, person

SQL2: dict[str, Any] = {
    "cohort": {"enterprise": {"name": "enterprise users", "filters": cohort_of(person("plan", "enterprise"))}},
    "feature_flag": {
        "nl2sql_v2": {
            "name": "New SQL generator", "evaluation_runtime": "server", "tags": ["sql2ai"],
            "filters": {"groups": [
                {"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": {"ref": "enterprise"}}]},
                everyone(10)]}},
        "pricing_page": {"filters": {
            "groups": [everyone()], "payloads": {"annual_first": {"a": 1}},
            "multivariate": {"variants": [{"key": "control", "rollout_percentage": 50},
                                          {"key": "annual_first", "rollout_percentage": 50}]}}}}}


def changed(path: str, value: Any, of: dict[str, Any] = SQL2) -> dict[str, Any]:
    """The manifest with one field set, or taken out with `...`."""
    manifest = copy.deepcopy(of)
    *way, last = path.split("/")
    node: Any = manifest
    for part in way:
        node = node[int(part) if part.isdigit() else part]
    if value is ...:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return manifest


def test_an_empty_project_is_filled_in_order(project: Project) -> None:
    """Scenario 1: the cohort before its flag, whose body has the cohort's number; then nothing more, one list each."""
    writes = project.settle(SQL2)
    assert sorted(lines(writes)) == ["POST /cohorts/", "POST /feature_flags/", "POST /feature_flags/"]
    assert lines(writes).index("POST /cohorts/") < [w.body.get("key") for w in writes].index("nl2sql_v2")
    flag = next(w.body for w in writes if w.body.get("key") == "nl2sql_v2")
    cohort = project.desk.one("cohorts", name="enterprise users")
    assert flag["filters"]["groups"][0]["properties"][0]["value"] == cohort["id"]
    assert flag["tags"] == ["sql2ai", "reconciler:shop/test"]
    assert cohort["description"] == "[reconciler shop/test posthog.cohort/enterprise]"
    before = len(project.desk.sandbox.requests)
    assert project.plan(SQL2).empty
    assert project.reads(before) == ["/cohorts/", "/feature_flags/"]


def test_what_posthog_adds_is_no_difference(project: Project) -> None:
    """Scenario 2: names of cohorts, nulls, the order of tags are none; the order of groups is one."""
    project.settle(SQL2)
    flag = project.desk.one("feature_flags", key="nl2sql_v2")
    flag["tags"] = ["reconciler:shop/test", "sql2ai"]
    for group in flag["filters"]["groups"]:
        group |= {"variant": None, "sort_key": "7f", "description": None}
    assert project.plan(SQL2).empty
    assert project.plan(changed("feature_flag/nl2sql_v2/tags", [" SQL2ai "])).empty
    swapped = changed("feature_flag/nl2sql_v2/filters/groups",
                      list(reversed(SQL2["feature_flag"]["nl2sql_v2"]["filters"]["groups"])))
    assert project.action(project.plan(swapped), "feature_flag/nl2sql_v2").op is Op.UPDATE
    [write] = project.settle(swapped)
    assert [g["rollout_percentage"] for g in write.body["filters"]["groups"]] == [10, 100]


def test_cleared_payloads_are_written_as_empty(project: Project) -> None:
    """Scenario 3: `{}` clears, and leaving them out leaves them."""
    project.settle(SQL2)
    assert project.plan(changed("feature_flag/pricing_page/filters/payloads", ...)).empty
    [write] = project.settle(changed("feature_flag/pricing_page/filters/payloads", {}))
    assert write.body["filters"]["payloads"] == {}
    assert project.desk.one("feature_flags", key="pricing_page")["filters"]["payloads"] == {}


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a":1}', '{ "a" : 1 }'])
def test_a_payload_is_what_its_json_says(project: Project, text: str) -> None:
    """Scenario 4: a mapping in YAML and its text at PostHog are the same, however it is spaced."""
    project.settle(SQL2)
    project.desk.one("feature_flags", key="pricing_page")["filters"]["payloads"]["annual_first"] = text
    assert project.plan(SQL2).empty
    assert project.plan(changed("feature_flag/pricing_page/filters/payloads/annual_first", text)).empty


def test_a_flag_deleted_by_hand_is_restored(project: Project) -> None:
    """Scenario 5: one PATCH with what else changed, no POST, the same id."""
    project.settle(SQL2)
    id = project.desk.one("feature_flags", key="nl2sql_v2")["id"]
    project.desk.edit("feature_flags", id, deleted=True)
    manifest = changed("feature_flag/nl2sql_v2/name", "Newer")
    action = project.action(project.plan(manifest), "feature_flag/nl2sql_v2")
    assert (action.op, action.effect, action.id) == (Op.UPDATE, "restore", str(id)) and Impact.DRIFT in action.impact
    [write] = project.settle(manifest)
    assert (write.method, write.path) == ("PATCH", f"/api/projects/4711/feature_flags/{id}/")
    assert write.body == {"deleted": False, "name": "Newer"}


def test_a_flag_archived_by_hand_is_brought_back(project: Project) -> None:
    """Scenario 6: it is not in the list, and no second one is made; with and without a ledger."""
    project.settle(SQL2)
    id = project.desk.one("feature_flags", key="nl2sql_v2")["id"]
    manifest = changed("feature_flag/nl2sql_v2/active", True)
    project.settle(manifest)
    project.desk.edit("feature_flags", id, active=False, archived=True)
    [write] = project.settle(manifest)
    assert write.body == {"active": True, "archived": False} and write.path.endswith(f"/{id}/")
    project.desk.edit("feature_flags", id, active=False, archived=True)
    project.store.records = project.store.records[:1]
    action = project.action(project.plan(manifest), "feature_flag/nl2sql_v2")
    assert (action.op, action.id, action.effect) == (Op.UPDATE, str(id), "restore")


def test_a_flag_that_is_still_asked_for_is_not_deleted(project: Project) -> None:
    """Scenario 7: refused while callers ask for it; with consent it is marked as deleted, never DELETEd."""
    project.settle(SQL2)
    flag = project.desk.one("feature_flags", key="pricing_page")
    flag["last_called_at"] = "2023-11-14T00:00:00Z"
    manifest = changed("feature_flag/pricing_page", ...)
    action = project.action(project.plan(manifest), "feature_flag/pricing_page")
    assert action.op is Op.BLOCKED and "callers get nothing" in str(action.blocked)
    [write] = project.settle(manifest, allow=["irreversible:posthog.feature_flag/pricing_page"])
    assert (write.method, write.body) == ("PATCH", {"deleted": True}) and flag["deleted"]


def test_a_flag_that_nobody_asks_for_is_deleted(project: Project) -> None:
    """Its key is free again, and a new one under it is another flag."""
    project.settle(SQL2)
    id = project.desk.one("feature_flags", key="pricing_page")["id"]
    project.desk.one("feature_flags", key="pricing_page")["last_called_at"] = "2023-10-01T00:00:00Z"
    assert lines(project.settle(changed("feature_flag/pricing_page", ...))) == [f"PATCH /feature_flags/{id}/"]
    assert lines(project.settle(SQL2)) == ["POST /feature_flags/"]


def test_twins_are_named_and_left_alone(project: Project) -> None:
    """Scenario 8: two cohorts of one name, neither of them ours."""
    first, second = (project.desk.by_hand("cohorts", name="enterprise users",
                                          filters=cohort_of(person("plan", "enterprise"))) for _ in range(2))
    action = project.action(project.plan(SQL2), "cohort/enterprise")
    assert action.op is Op.BLOCKED and f"{first['id']}, {second['id']}" in str(action.blocked)


@pytest.mark.parametrize("after", [30, 90])
def test_a_rate_limit_makes_no_double(project: Project, after: int) -> None:
    """Scenario 11: a wait is told and waited for, one over max_wait stops the run, and nothing is made twice."""
    left = [Response(429, {"type": "throttled_error", "code": "throttled", "attr": None, "detail":
                           f"Request was throttled. Expected available in {after} seconds."}, {"retry-after": str(after)})]

    def fault(request: Any, n: int) -> Any:
        return left.pop() if left and request.method == "POST" and "feature_flags" in request.path else None

    project.desk.sandbox.faults.append(fault)
    report = project.apply(SQL2)
    if after > 60:
        assert report.having(Result.FAILED) and "come again in 90 s" in " ".join(o.error for o in report.outcomes)
    else:
        assert f"posthog: waiting {after} s, as it asks" in project.desk.told and not report.having(Result.FAILED)
    project.settle(SQL2)
    assert len(project.desk.held("feature_flags")) == 2 and len(project.desk.held("cohorts")) == 1


def test_tags_that_the_plan_does_not_have_are_told_once(project: Project) -> None:
    """Scenario 12: always read as [], one warning, nothing to do."""
    project.desk.sandbox.tagging = False
    project.settle(SQL2)
    made = project.plan(SQL2)
    assert made.empty
    [warning] = made.warnings
    assert warning.startswith("posthog.feature_flag: tags of 1 entry was written, and no object there has any")


def test_a_cohort_with_another_name_is_counted_anew(project: Project) -> None:
    """Scenario 14: said, one PATCH with the name, flags untouched because the number stays."""
    project.settle(SQL2)
    manifest = changed("cohort/enterprise/name", "Enterprise")
    action = project.action(project.plan(manifest), "cohort/enterprise")
    assert "PostHog counts it anew" in action.notes[-1].text
    [write] = project.settle(manifest)
    assert write.body == {"name": "Enterprise"}


def test_an_edit_by_hand_is_undone_in_its_group_alone(project: Project) -> None:
    """Scenario 15: drift with both values; the other group, and what others hung on the flag, stay."""
    project.settle(SQL2)
    flag = project.desk.one("feature_flags", key="nl2sql_v2")
    flag["filters"]["groups"][1]["rollout_percentage"] = 50
    flag["filters"]["holdout"] = {"id": 3, "exclusion_percentage": 10}
    action = project.action(project.plan(SQL2), "feature_flag/nl2sql_v2")
    assert [(c.path, c.before, c.after, c.drift) for c in action.changes] == [
        ("filters.groups[1].rollout_percentage", 50, 10, True)]
    assert action.impact == (Impact.DRIFT,)
    assert [note.text for note in action.notes] == ["50 % of users -> 10 % of users"]
    [write] = project.settle(SQL2)
    assert [g["rollout_percentage"] for g in write.body["filters"]["groups"]] == [100, 10]
    assert flag["filters"]["holdout"] == {"id": 3, "exclusion_percentage": 10}


def test_a_plan_calls_the_vendor_as_people_do(project: Project) -> None:
    """PostHog, not Posthog: a vendor's title goes with its kinds, so that the engine need not know it."""
    split = [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]
    flag = {"filters": {"groups": [everyone()], "multivariate": {"variants": split}}}
    manifest: dict[str, Any] = {"feature_flag": {"a": flag, "b": flag},
                                "experiment": {"x": {"name": "X", "feature_flag_key": {"ref": "a"}}}}
    project.settle(manifest)
    action = project.action(project.plan(changed("experiment/x/feature_flag_key", {"ref": "b"}, manifest)), "experiment/x")
    assert "immutable in PostHog" in [note.text for note in action.notes]
