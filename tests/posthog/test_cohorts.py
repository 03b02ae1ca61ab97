"""Cohorts: conditions compared as PostHog keeps them, written whole, and what hangs on them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Op
from tests.posthog.desk import Project, cohort_of, everyone, lines, person

DID = {"type": "behavioral", "key": "query_executed", "event_type": "events", "value": "performed_event", "time_value": 30,
       "time_interval": "day"}


def plain(key: str, value: Any, **more: Any) -> dict[str, Any]:
    """A condition on a person as cohorts have it."""
    return {"type": "person", "key": key, "value": value, "operator": "exact", **more}


def cohort(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A stack of one cohort."""
    return {"cohort": {"pro": {"filters": cohort_of(*conditions), **fields}}}


def flag_on(name: str, operator: str = "in") -> dict[str, Any]:
    """A flag for the people of a cohort."""
    return {"filters": {"groups": [{"properties": [{"key": "id", "type": "cohort", "operator": operator,
                                                    "value": {"ref": name}}]}]}}


def test_what_posthog_works_out_is_no_difference(project: Project) -> None:
    """Byte code, hashes and a default at every depth."""
    project.settle(cohort(plain("plan", ["pro"]), DID))
    kept = project.desk.one("cohorts", name="pro")["filters"]["properties"]["values"][0]["values"]
    assert all({"bytecode", "conditionHash", "negation"} <= leaf.keys() for leaf in kept)
    assert project.plan(cohort(plain("plan", ["pro"]), DID)).empty


def test_a_condition_that_stands_alone_is_a_joint_of_one(project: Project) -> None:
    """PostHog takes both, and people need write only one."""
    project.desk.by_hand("cohorts", name="pro", filters={"properties": {"type": "OR", "values": [plain("plan", ["pro"])]}})
    assert [a.op for a in project.plan(cohort(plain("plan", ["pro"]))).actions] == [Op.ADOPT]


def test_what_nobody_manages_stays_in_its_own_condition(project: Project) -> None:
    """A negation by hand is kept on the same property and goes with another one; testers stay filtered."""
    project.settle(cohort(plain("plan", ["pro"])))
    held = project.desk.one("cohorts", name="pro")["filters"]
    held["properties"]["values"][0]["values"][0]["negation"] = held["filterTestAccounts"] = True
    [write] = project.settle(cohort(plain("plan", ["team"])))
    assert write.body["filters"]["properties"]["values"][0]["values"] == [plain("plan", ["team"], negation=True)]
    assert write.body["filters"]["filterTestAccounts"] is True
    [write] = project.settle(cohort(plain("seats", ["5"])))
    assert write.body["filters"]["properties"]["values"][0]["values"] == [plain("seats", ["5"])]


def test_the_mark_is_the_last_line_of_the_description(project: Project) -> None:
    """Written with it, compared without it, and found by it when the name was changed by hand and the ledger is lost."""
    project.settle(cohort(plain("a", ["b"]), description="Who pays"))
    held = project.desk.one("cohorts", name="pro")
    assert held["description"] == "Who pays\n[reconciler shop/test posthog.cohort/pro]"
    held["name"] = "by hand"
    project.store.records = project.store.records[:1]
    action = project.plan(cohort(plain("a", ["b"]), description="Who pays")).actions[0]
    assert (action.op, action.id) == (Op.UPDATE, str(held["id"]))
    [write] = project.settle(cohort(plain("a", ["b"]), description="Who pays us"))
    assert write.body == {"name": "pro", "description": "Who pays us\n[reconciler shop/test posthog.cohort/pro]"}


def test_a_cohort_deleted_by_hand_is_restored(project: Project) -> None:
    """Under its number, so that flags keep pointing at it."""
    project.settle(cohort(plain("a", ["b"])))
    id = project.desk.one("cohorts", name="pro")["id"]
    project.desk.edit("cohorts", id, deleted=True)
    assert project.plan(cohort(plain("a", ["b"]))).actions[0].effect == "restore"
    [write] = project.settle(cohort(plain("a", ["b"])))
    assert (lines([write]), write.body) == ([f"PATCH /cohorts/{id}/"], {"deleted": False})


def test_a_cohort_of_cohorts_comes_after_them(project: Project) -> None:
    """The leaf first, its number in the other one; removed in the other order."""
    stack = {"cohort": {"a_all": {"filters": cohort_of({"type": "cohort", "key": "id", "value": {"ref": "pro"}})},
                        "pro": {"filters": cohort_of(plain("plan", ["pro"]))}, "other": {}}}
    writes = project.settle(stack)
    order = [w.body["name"] for w in writes]
    assert order.index("pro") < order.index("a_all")
    pro, every = (project.desk.one("cohorts", name=name)["id"] for name in ("pro", "a_all"))
    assert writes[order.index("a_all")].body["filters"]["properties"]["values"][0]["values"][0]["value"] == pro
    del stack["cohort"]["a_all"], stack["cohort"]["pro"]
    assert lines(project.settle(stack)) == [f"PATCH /cohorts/{every}/", f"PATCH /cohorts/{pro}/"]


def test_a_cohort_goes_after_the_flag_that_uses_it(project: Project) -> None:
    """Both removed: the flag first; the cohort alone: the loader finds the reference; a foreign flag keeps it."""
    stack = {"cohort": {"pro": {"filters": cohort_of(plain("plan", ["pro"]))}, "other": {}},
             "feature_flag": {"beta": flag_on("pro"), "rest": {"filters": {"groups": [everyone()]}}}}
    project.settle(stack)
    rest = {"cohort": {"other": {}}, "feature_flag": {"rest": stack["feature_flag"]["rest"]}}
    cohort_id, flag_id = project.desk.one("cohorts", name="pro")["id"], project.desk.one("feature_flags", key="beta")["id"]
    assert lines(project.settle(rest)) == [f"PATCH /feature_flags/{flag_id}/", f"PATCH /cohorts/{cohort_id}/"]


def test_a_foreign_flag_keeps_a_cohort(project: Project) -> None:
    """Made by hand, and known to no manifest: named in the plan, where flags are read at all, before PostHog refuses."""
    rest = {"feature_flag": {"rest": {"filters": {"groups": [everyone()]}}}}
    project.settle({"cohort": {"pro": {"filters": cohort_of(plain("plan", ["pro"]))}, "other": {}}, **rest})
    id = project.desk.one("cohorts", name="pro")["id"]
    project.desk.by_hand("feature_flags", key="foreign", filters={"groups": [{"properties": [
        {"key": "id", "type": "cohort", "operator": "in", "value": id}]}]})
    action = project.action(project.plan({"cohort": {"other": {}}, **rest}), "cohort/pro")
    assert action.op is Op.BLOCKED and "flag foreign still uses it" in str(action.blocked)


def test_what_people_did_decides_no_flag(project: Project) -> None:
    """PostHog takes no behavioural cohort in a flag: blocked in the plan, made new or edited into one."""
    stack = {**cohort(DID), "feature_flag": {"beta": flag_on("pro")}}
    action = project.action(project.plan(stack), "cohort/pro")
    assert action.op is Op.BLOCKED and "beta can't be decided by what people did" in str(action.blocked)
    project.settle({**cohort(plain("plan", ["pro"])), "feature_flag": {"beta": flag_on("pro")}})
    action = project.action(project.plan(stack), "cohort/pro")
    assert action.op is Op.BLOCKED and "beta" in str(action.blocked)
    changed = project.action(project.plan({**cohort(plain("plan", ["team"])), "feature_flag": {"beta": flag_on("pro")}}),
                             "cohort/pro")
    assert {n.subject: n.text for n in changed.notes} == {
        "recalculated": "PostHog counts it anew; its flags keep pointing at it", "flags": "who gets beta changes with it"}


def test_what_filled_a_static_cohort_is_not_edited(project: Project) -> None:
    """Another query is another cohort: refused, because its people go; with consent flags move over before the old one goes."""
    static = {"is_static": True, "query": {"kind": "HogQLQuery", "query": "select 1"}}
    stack: dict[str, Any] = {"cohort": {"pro": static}, "feature_flag": {"beta": flag_on("pro")}}
    project.settle(stack)
    old = project.desk.one("cohorts", name="pro")["id"]
    other = {**stack, "cohort": {"pro": {**static, "query": {"kind": "HogQLQuery", "query": "select 2"}}}}
    action = project.action(project.plan(other), "cohort/pro")
    assert action.op is Op.BLOCKED and "filled from nothing" in str(action.blocked)
    flag = project.desk.one("feature_flags", key="beta")
    assert lines(project.settle(other, allow=["irreversible:posthog.cohort/pro"])) == [
        "POST /cohorts/", f"PATCH /feature_flags/{flag['id']}/", f"PATCH /cohorts/{old}/"]
    assert flag["filters"]["groups"][0]["properties"][0]["value"] != old
    renamed = {**other, "cohort": {"pro": {**other["cohort"]["pro"], "name": "Pilots"}}}
    assert [w.body for w in project.settle(renamed)] == [{"name": "Pilots"}]


@pytest.mark.parametrize(("fields", "said"), [
    ({"description": "x" * 801}, "description: "), ({"query": {"kind": "HogQLQuery"}}, "is_static: true"),
    ({"is_static": True, "query": {"kind": "Trends"}}, "ActorsQuery or HogQLQuery"),
    ({"filters": cohort_of({**DID, "event_type": None})}, "needs event_type"),
    ({"filters": cohort_of({**DID, "value": None})}, "needs value"),
    ({"filters": cohort_of({**DID, "event_type": "actions"})}, "the action's number"),
    ({"filters": cohort_of(plain("plan", None))}, "exact needs a value"),
    ({"filters": cohort_of(plain("plan", "a", time_value=5))}, "goes with a condition of type behavioral"),
    ({"filters": cohort_of({"type": "cohort", "key": "id", "value": "pro"})}, "the cohort's number"),
    ({"filters": cohort_of({"type": "cohort", "key": "name", "value": 5})}, "the key of a condition of type cohort is id"),
    ({"filters": cohort_of(plain("plan", {"ref": "x"}))}, "refers to a cohort"),
    ({"filters": {"properties": {"type": "OR", "values": [plain("a", "b")]}}}, "AND"),
])
def test_what_posthog_would_refuse_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("cohort", **fields)
    assert any(said in one for one in found), found


def test_twins_of_which_one_is_ours_are_told_apart(project: Project) -> None:
    """A person's copy under the same name stays, and is nobody's business."""
    project.settle({"cohort": {"pro": {"filters": cohort_of(person("a", "b"))}}})
    project.desk.by_hand("cohorts", name="pro", filters=cohort_of(person("a", "b")))
    assert project.plan({"cohort": {"pro": {"filters": cohort_of(person("a", "b"))}}}).empty
