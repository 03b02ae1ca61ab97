"""How filters are written whole: what others hung on a flag stays, and what belongs to another group never moves."""

from __future__ import annotations

from typing import Any

from reconciler.contract import Ask
from tests.posthog.desk import Project, everyone, person

VARIANTS = {"variants": [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]}


def flag(*groups: dict[str, Any], **filters: Any) -> dict[str, Any]:
    """A stack of one flag."""
    return {"feature_flag": {"beta": {"filters": {"groups": list(groups), **filters}}}}


def stored(project: Project) -> dict[str, Any]:
    """What PostHog keeps of it."""
    filters: dict[str, Any] = project.desk.one("feature_flags", key="beta")["filters"]
    return filters


def test_what_other_products_wired_is_carried_over() -> None:
    """A holdout, an enrollment and keys nobody knows are sent back as they were; legacy keys, which are refused, are not."""
    project = Project()
    project.settle(flag(everyone(10)))
    stored(project).update(holdout={"id": 1, "exclusion_percentage": 5}, feature_enrollment=True, novelty=[1],
                           super_groups=[{"properties": []}], holdout_groups=None)
    [write] = project.settle(flag(everyone(20)))
    assert write.body["filters"] == {"groups": [{**everyone(20), "aggregation_group_type_index": None}],
                                     "aggregation_group_type_index": None, "holdout": {"id": 1, "exclusion_percentage": 5},
                                     "feature_enrollment": True, "novelty": [1]}


def test_a_new_group_inherits_nothing() -> None:
    """What a manifest leaves out of a group stays with that group, wherever a new one is put."""
    project = Project()
    old = {"properties": [person("plan", "pro")], "rollout_percentage": 30}
    project.settle(flag(old, multivariate=VARIANTS))
    stored(project)["groups"][0] |= {"variant": "test", "sort_key": "k1", "description": "Pro"}
    new = {"properties": [person("plan", "team")], "rollout_percentage": 5}
    project.settle(flag(new, old, multivariate=VARIANTS))
    first, second = stored(project)["groups"]
    assert (first.get("variant"), first.get("sort_key")) == (None, None)
    assert (second["variant"], second["sort_key"], second["description"]) == ("test", "k1", "Pro")


def test_a_changed_condition_inherits_nothing_of_another_one() -> None:
    """`negation` that nobody manages stays on its own property, and does not turn the next one round."""
    project = Project()
    project.settle(flag({"properties": [person("plan", "pro")]}))
    stored(project)["groups"][0]["properties"][0]["negation"] = True
    project.settle(flag({"properties": [person("plan", "team")]}))
    assert stored(project)["groups"][0]["properties"][0]["negation"] is True
    project.settle(flag({"properties": [person("seats", "5")]}))
    assert "negation" not in stored(project)["groups"][0]["properties"][0]


def test_variants_that_go_take_their_groups_variant_along() -> None:
    """A group that never named one gets none, instead of one that is gone."""
    project = Project()
    project.settle(flag(everyone(), multivariate=VARIANTS))
    stored(project)["groups"][0]["variant"] = "test"
    project.settle(flag(everyone(), multivariate=None, payloads={}))
    assert stored(project)["groups"][0]["variant"] is None and stored(project)["multivariate"] is None


def test_a_group_type_of_the_flag_reaches_every_group() -> None:
    """PostHog reads it from the groups, so each that says none gets it; changed in the groups, the flag's follows."""
    project = Project()
    company = {"properties": [{"key": "size", "type": "group", "operator": "exact", "value": "9", "group_type_index": 0}]}
    project.settle(flag(company, everyone(5), aggregation_group_type_index=0))
    assert [g["aggregation_group_type_index"] for g in stored(project)["groups"]] == [0, 0]
    project.settle(flag(everyone(6), aggregation_group_type_index=None))
    assert stored(project)["aggregation_group_type_index"] is None
    project.settle(flag(everyone(6, aggregation_group_type_index=1)))
    assert stored(project)["aggregation_group_type_index"] == 1


def test_payloads_are_written_as_texts() -> None:
    """JSON of any sort, a text that is none as a JSON string, null as one that goes."""
    project = Project()
    project.settle(flag(everyone(), multivariate=VARIANTS, payloads={"control": "hello", "test": [1, {"a": None}]}))
    assert stored(project)["payloads"] == {"control": '"hello"', "test": '[1, {"a": null}]'}
    project.settle(flag(everyone(), multivariate=VARIANTS, payloads={"control": None, "test": True}))
    assert stored(project)["payloads"] == {"test": "true"}


def test_an_encrypted_payload_is_seen_by_nobody() -> None:
    """Sent once, read back as asterisks, compared by its digest; another change leaves it alone."""
    project = Project()
    fields = {"is_remote_configuration": True, "has_encrypted_payloads": True, "encrypted_payload": {"secret": "pw"},
              "filters": {"groups": [everyone()]}}
    project.secrets["pw"] = '"canary-1"'
    project.settle({"feature_flag": {"beta": fields}})
    assert stored(project)["payloads"] == {"true": '"canary-1"'}
    live = next(iter(project.kinds["posthog.feature_flag"].list(Ask(everything=True))))
    assert "payloads" not in live.fields["filters"]  # type: ignore[union-attr]
    [write] = project.settle({"feature_flag": {"beta": {**fields, "filters": {"groups": [everyone(50)]}}}})
    assert "payloads" not in write.body["filters"] and stored(project)["payloads"] == {"true": '"canary-1"'}
    project.secrets["pw"] = '"canary-2"'
    made = project.plan({"feature_flag": {"beta": {**fields, "filters": {"groups": [everyone(50)]}}}})
    action = project.action(made, "feature_flag/beta")
    assert [(c.path, c.secret) for c in action.changes] == [("encrypted_payload", True)]
    assert "canary" not in repr(action.changes)
    project.run(made)
    assert stored(project)["payloads"] == {"true": '"canary-2"'}


def test_a_flag_without_its_usage_dashboard() -> None:
    """PostHog would make a dashboard that nobody declared; it is told not to."""
    project = Project()
    [write] = project.settle(flag(everyone()))
    assert write.body["_should_create_usage_dashboard"] is False


def test_an_edit_between_plan_and_apply_is_not_overwritten() -> None:
    """What others wire counts too: the whole is written, so the whole must be what was seen."""
    project = Project()
    project.settle(flag(everyone(10)))
    made = project.plan(flag(everyone(20)))
    stored(project)["holdout"] = {"id": 9, "exclusion_percentage": 5}
    report = project.run(made)
    assert [outcome.result.value for outcome in report.outcomes] == ["stale"]
