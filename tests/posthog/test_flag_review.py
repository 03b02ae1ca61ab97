"""What a reviewer reads about a changed flag: who gets it, and what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.model import Action, Impact, Op
from tests.posthog.desk import Project, cohort_of, everyone, lines, person

TWO = {"variants": [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]}


def stack(**flags: Any) -> dict[str, Any]:
    """Flags by name."""
    return {"feature_flag": flags}


def told(action: Action) -> dict[str, str]:
    """Notes by their first word."""
    return {note.subject: note.text for note in action.notes}


def planned(project: Project, before: Mapping[str, Any], after: Mapping[str, Any], name: str = "beta", **more: Any) -> Action:
    """The flag's action from one manifest to the next."""
    project.settle(before)
    return project.action(project.plan(after, **more), f"feature_flag/{name}")


@pytest.mark.parametrize(("group", "said"), [
    (everyone(), "everyone"), (everyone(0), "0 % of users"), (everyone(12.5), "12.5 % of users"),
    ({"properties": [person("plan", "pro")]}, "all users where plan exact pro"),
    ({"properties": [person("plan", ["pro", "team"], "is_not"), person("email", None, "is_set")], "rollout_percentage": 20},
     "20 % of users where plan is not pro or team and email is set"),
    ({"properties": [], "variant": "test"}, "everyone, all of them test"),
    ({"properties": [{"key": "size", "type": "group", "operator": "exact", "value": "9", "group_type_index": 0}],
      "aggregation_group_type_index": 0}, "all groups of type 0 where size exact 9"),
])
def test_a_new_flag_says_who_gets_it(group: dict[str, Any], said: str) -> None:
    """In words, group by group."""
    made = Project().plan(stack(beta={"filters": {"groups": [group], **({"multivariate": TWO} if "variant" in group else {})}}))
    assert told(made.actions[0])["who"] == said


def test_conditions_on_entries_are_told_by_their_names() -> None:
    """Numbers that differ in every project are no reading."""
    made = Project().plan({
        "cohort": {"enterprise": {"filters": cohort_of(person("plan", "enterprise"))}},
        "feature_flag": {"base": {"filters": {"groups": [everyone()]}}, "beta": {"filters": {"groups": [{"properties": [
            {"key": "id", "type": "cohort", "operator": "not_in", "value": {"ref": "enterprise"}},
            {"key": {"ref": "base"}, "type": "flag", "operator": "flag_evaluates_to", "value": True}]}]}}}})
    action = next(a for a in made.actions if a.address.name == "beta")
    assert told(action)["who"] == "all users where not in cohort enterprise and flag base is True"


@pytest.mark.parametrize(("fields", "said"), [({"active": False}, "nobody, it is off"), ({}, "everyone: it has no groups")])
def test_a_flag_without_groups_is_for_everyone(fields: dict[str, Any], said: str) -> None:
    """PostHog reads no filters as no conditions."""
    assert told(Project().plan(stack(beta=fields)).actions[0])["who"] == said


def test_a_flag_with_an_empty_list_of_groups_is_refused() -> None:
    """PostHog makes none: said in the plan, not by the vendor halfway."""
    action = Project().plan(stack(beta={"filters": {"groups": []}})).actions[0]
    assert action.op is Op.BLOCKED and "no flag without a group" in str(action.blocked)


def test_a_raised_share_is_told_old_and_new() -> None:
    """Group by group, those that stay left out."""
    project = Project()
    action = planned(project, stack(beta={"filters": {"groups": [{"properties": [person("a", "b")]}, everyone(10)]}}),
                     stack(beta={"filters": {"groups": [{"properties": [person("a", "b")]}, everyone()]}}))
    assert told(action) == {"group 2": "10 % of users -> everyone"} and action.impact == (Impact.BEHAVIOURAL,)


def test_groups_that_come_and_go_are_told() -> None:
    """And that nobody is left."""
    project = Project()
    action = planned(project, stack(beta={"filters": {"groups": [everyone(10)]}}),
                     stack(beta={"filters": {"groups": [everyone(10), everyone(5, description="x")]}}))
    assert told(action) == {"group 2": "(no group) -> 5 % of users"}
    action = planned(project, stack(beta={"filters": {"groups": [everyone(10)]}}), stack(beta={"filters": {"groups": []}}))
    assert told(action) == {"group 1": "10 % of users -> (no group)", "who": "no group is left: nobody gets it"}


def test_other_shares_move_people() -> None:
    """Variants, and what people are sorted into them by."""
    project = Project()
    three = {"variants": [{"key": "test", "rollout_percentage": 90}, {"key": "control", "rollout_percentage": 10}]}
    first = stack(beta={"filters": {"groups": [everyone()], "multivariate": TWO}})
    action = planned(project, first, stack(beta={"filters": {"groups": [everyone()], "multivariate": three},
                                                 "bucketing_identifier": "device_id"}))
    assert told(action) == {"variants": "control 50 %, test 50 % -> test 90 %, control 10 %; people move between them",
                            "shares": "people fall into other shares than before"}


def test_a_switch_and_a_new_key_are_told() -> None:
    """A renamed flag is gone for everybody who asks for it by its old key."""
    project = Project()
    on = {"key": "beta", "active": True, "filters": {"groups": [everyone()]}}
    action = planned(project, stack(beta=on), stack(beta={**on, "key": "gamma", "active": False}))
    assert told(action) == {"renamed": "every caller of beta gets nothing from now on", "switched": "nobody gets it any more"}
    assert Impact.DELETE in action.impact


def depends(on: str) -> dict[str, Any]:
    """A flag that another one decides."""
    return {"active": True, "filters": {"groups": [{"properties": [
        {"key": {"ref": on}, "type": "flag", "operator": "flag_evaluates_to", "value": True}]}]}}


def test_dependencies_are_made_first_and_sent_as_texts() -> None:
    """The number of the other flag, as a text, as PostHog wants it."""
    project = Project()
    writes = project.settle(stack(a_top=depends("base"), base={"active": True, "filters": {"groups": [everyone()]}}))
    assert [w.body["key"] for w in writes] == ["base", "a_top"]
    base = project.desk.one("feature_flags", key="base")
    assert writes[1].body["filters"]["groups"][0]["properties"][0]["key"] == str(base["id"])


def test_a_flag_that_others_depend_on_stays_on() -> None:
    """Switched off or removed alone it is blocked; together with those that depend on it, these go first."""
    project = Project()
    base = {"active": True, "filters": {"groups": [everyone()]}}
    both = stack(a_top=depends("base"), base=base)
    action = planned(project, both, stack(a_top=depends("base"), base={**base, "active": False}), "base")
    assert action.op is Op.BLOCKED and "a_top depends on it, so it can't be switched off" in str(action.blocked)
    off = stack(a_top={**depends("base"), "active": False}, base={**base, "active": False})
    assert [w.body for w in project.settle(off)] == [{"active": False}] * 2
    assert [w.body for w in project.settle(both)] == [{"active": True}] * 2
    top, low = (project.desk.one("feature_flags", key=key)["id"] for key in ("a_top", "base"))
    writes = lines(project.settle(stack(c={"filters": {"groups": [everyone()]}})))
    assert [one for one in writes if "PATCH" in one] == [f"PATCH /feature_flags/{top}/", f"PATCH /feature_flags/{low}/"]


def test_a_foreign_flag_that_depends_on_it_keeps_it() -> None:
    """Made by hand in PostHog, and known to no manifest."""
    project = Project()
    project.settle(stack(base={"filters": {"groups": [everyone()]}}, other={"filters": {"groups": [everyone()]}}))
    id = project.desk.one("feature_flags", key="base")["id"]
    project.desk.by_hand("feature_flags", key="foreign", filters={"groups": [{"properties": [
        {"key": str(id), "type": "flag", "operator": "flag_evaluates_to", "value": True}]}]})
    action = project.action(project.plan(stack(other={"filters": {"groups": [everyone()]}})), "feature_flag/base")
    assert action.op is Op.BLOCKED and "foreign depends on it" in str(action.blocked)


def running(project: Project) -> None:
    """An experiment that runs on the flag, as PostHog tells of it in the flag."""
    flag = project.desk.one("feature_flags", key="beta")
    flag["experiment_set"] = [4]
    flag["experiment_set_metadata"] = [{"id": 4, "name": "Pricing", "is_running": True}]


def test_a_running_experiment_keeps_its_flag_and_variants() -> None:
    """Scenario 13's half: a dropped variant is refused, any other change is said to change the results."""
    project = Project()
    first = stack(beta={"filters": {"groups": [everyone()], "multivariate": TWO}},
                  other={"filters": {"groups": [everyone()]}})
    project.settle(first)
    running(project)
    action = project.action(project.plan(stack(
        beta={"filters": {"groups": [everyone(50)], "multivariate": TWO}}, other=first["feature_flag"]["other"])),
        "feature_flag/beta")
    assert told(action)["experiment"].startswith("experiment Pricing is running on this flag")
    fewer = {"variants": [{"key": "control", "rollout_percentage": 100}]}
    action = project.action(project.plan(stack(beta={"filters": {"groups": [everyone()], "multivariate": fewer}},
                                               other=first["feature_flag"]["other"])), "feature_flag/beta")
    assert action.op is Op.BLOCKED and "has the variant test" in str(action.blocked)
    action = project.action(project.plan(stack(other=first["feature_flag"]["other"])), "feature_flag/beta")
    assert action.op is Op.BLOCKED and "end it first" in str(action.blocked)


def test_a_flag_of_an_early_access_feature_stays() -> None:
    """PostHog refuses to delete it."""
    project = Project()
    other = {"filters": {"groups": [everyone()]}}
    project.settle(stack(beta={"filters": {"groups": [everyone()]}}, other=other))
    project.desk.one("feature_flags", key="beta")["features"] = [{"id": "1", "name": "Beta"}]
    action = project.action(project.plan(stack(other=other)), "feature_flag/beta")
    assert action.op is Op.BLOCKED and "early access" in str(action.blocked)
