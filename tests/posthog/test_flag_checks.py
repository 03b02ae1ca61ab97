"""What PostHog would refuse in a flag is found offline, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Invalid
from tests.posthog.desk import Project, everyone, person

COHORT = {"key": "id", "type": "cohort", "operator": "in", "value": 5}
FLAG = {"key": "7", "type": "flag", "operator": "flag_evaluates_to", "value": True}
OF_GROUP = {"key": "size", "type": "group", "operator": "exact", "value": "9"}
TWO = {"multivariate": {"variants": [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]}}


def one(condition: dict[str, Any], **group: Any) -> dict[str, Any]:
    """A flag with one condition."""
    return {"filters": {"groups": [{"properties": [condition], **group}]}}


@pytest.mark.parametrize(("fields", "said"), [
    ({"key": "a b"}, "key: "),
    ({"archived": True, "active": True}, "an archived flag is off"),
    ({"archived": True, "active": None}, "an archived flag is off"),
    ({"bucketing_identifier": "device_id", "ensure_experience_continuity": True}, "does not take this"),
    ({"has_encrypted_payloads": True}, "is_remote_configuration"),
    ({"encrypted_payload": {"secret": "pw"}}, "needs has_encrypted_payloads"),
    ({"encrypted_payload": "hunter2"}, "a secret is never written down"),
    ({"is_remote_configuration": True, "has_encrypted_payloads": True, "filters": {"payloads": {"true": 1}}},
     "an encrypted payload is a secret"),
    ({"tags": ["reconciler:a/b"]}, "reserved for our own mark"), ({"tags": [" "]}, "a tag is not empty"),
    ({"evaluation_contexts": [" "]}, "a context is not empty"), ({"evaluation_contexts": ["x"] * 51}, "evaluation_contexts"),
    ({"filters": {"groups": [everyone(101)]}}, "rollout_percentage"),
    ({"filters": {"groups": [everyone(variant="c")], **TWO}}, "c is not one of filters.multivariate.variants"),
    ({"filters": {"multivariate": {"variants": [{"key": "a", "rollout_percentage": 60}]}}}, "add up to 60, not to 100"),
    ({"filters": {"multivariate": {"variants": [{"key": "a", "rollout_percentage": 50}] * 2}}}, "a stands there twice"),
    ({"filters": {"payloads": {"c": 1}, **TWO}}, "a payload goes with one of a, b"),
    ({"filters": {"payloads": {"on": 1}, "multivariate": None}}, "a payload goes with one of true"),
    ({"filters": {"payloads": {"true": {"id": {"ref": "posthog.cohort/c"}}}}}, "posthog.cohort/c is not declared"),
    (one(person("age", 5, "gt")), "takes a text for gt"), (one(person("age", "(", "regex")), "not a regular expression"),
    (one(person("age", None)), "exact needs a value"), (one(person("v", "one", "semver_gt")), "not a version"),
    (one(person("d", 5, "is_date_before")), "is a date"), (one(person("p", "x", "icontains_multi")), "takes a list"),
    (one(person("p", "x", "in")), "in is for conditions of type cohort"),
    (one({**COHORT, "operator": "exact"}), "takes in or not_in"), (one({**COHORT, "key": "x"}), "is id"),
    (one({**COHORT, "value": "enterprise"}), "the cohort's number"),
    (one({**FLAG, "key": "beta"}), "the other flag's number"), (one({**FLAG, "operator": "exact"}), "takes flag_evaluates_to"),
    (one(OF_GROUP), "needs aggregation_group_type_index"),
    (one(person("a", "b"), aggregation_group_type_index=0), "only conditions of type group"),
    (one({**OF_GROUP, "group_type_index": 1}, aggregation_group_type_index=0), "not the group's own type"),
    ({"filters": {"aggregation_group_type_index": 1, "groups": [everyone(aggregation_group_type_index=0)]}}, "makes it 0"),
    (one({**person("a", "b"), "colour": 1}), "colour is not a field"),
])
def test_what_posthog_would_refuse_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, in one run with every other mistake."""
    found = Project().findings("feature_flag", **fields)
    assert len(found) >= 1 and any(said in one for one in found), found


@pytest.mark.parametrize("fields", [
    {}, one(COHORT), one(FLAG), one({**OF_GROUP, "group_type_index": 0}, aggregation_group_type_index=0),
    one(person("v", "1.2.*", "semver_wildcard")), one(person("d", "-7d", "is_date_after")), one(person("p", None, "is_set")),
    one(person("p", ["a", "b"], "icontains_multi")), {"filters": {"groups": [everyone(variant="a")], **TWO}},
    {"filters": {"payloads": {"a": None, "b": [1]}, **TWO}}, {"archived": True, "active": False}, {"filters": None},
    one(person("p", "5", "min"))])
def test_what_posthog_takes_is_none(fields: dict[str, Any]) -> None:
    """Every sort of condition, and nulls."""
    assert Project().findings("feature_flag", **fields) == []


def test_a_reference_fits_where_its_kind_is_meant() -> None:
    """A cohort in the value of a cohort's condition, a flag in the key of a flag's; anywhere else it is a finding."""
    project = Project()
    cohorts = {"cohort": {"c": {}}}
    group = {"properties": [{**person("plan", {"ref": "c"})}]}
    with pytest.raises(Invalid) as caught:
        project.resources({**cohorts, "feature_flag": {"x": {"filters": {"groups": [group]}}}})
    assert "only the value of a condition of type cohort" in caught.value.problems[0].message
