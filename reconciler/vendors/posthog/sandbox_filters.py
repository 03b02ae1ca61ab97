"""How the sandbox reads a flag's filters: normalised as PostHog does it, refused in its words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.vendors.posthog.cohort_filters import behavioural
from reconciler.vendors.posthog.sandbox_collection import Body, Complaint

if TYPE_CHECKING:
    from reconciler.vendors.posthog.sandbox_collection import Collection

GROUP_TYPE = "aggregation_group_type_index"
ALIASES = {"min": "gte", "max": "lte"}
TEXTS = ("regex", "icontains", "not_regex", "not_icontains", "gte", "lte", "lt", "gt")
OPERATORS = frozenset({
    "exact", "is_not", "icontains", "not_icontains", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
    "regex", "not_regex", "gt", "gte", "lt", "lte", "is_set", "is_not_set", "is_date_exact", "is_date_before",
    "is_date_after", "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte", "semver_tilde",
    "semver_caret", "semver_wildcard", "icontains_multi", "not_icontains_multi", "in", "not_in", "flag_evaluates_to"})


def normalised(filters: Body) -> Body:
    """The filters as they are stored: every group says its type, operators by their own names, payloads as texts."""
    found = json.loads(json.dumps(filters))
    groups = found.setdefault("groups", [])
    if not isinstance(groups, list) or any(not isinstance(group, dict) for group in groups):
        raise _refused("groups must be a list")
    for group in groups:
        group.setdefault(GROUP_TYPE, found.get(GROUP_TYPE))
        for one in group.get("properties") or ():
            one["operator"] = ALIASES.get(one.get("operator"), one.get("operator"))
            one["key"] = str(one.get("key"))
    types = [group[GROUP_TYPE] for group in groups]
    if types:
        found[GROUP_TYPE] = types[0] if all(type == types[0] for type in types) else None
    payloads = found.get("payloads")
    if isinstance(payloads, dict):
        found["payloads"] = {key: _payload(value) for key, value in payloads.items()}
    return dict(found)


def _payload(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        raise _refused("Payload value is not valid JSON") from None
    return value


def _refused(detail: str, code: str = "invalid_input") -> Complaint:
    return Complaint(detail, code=code, attr="filters")


def checked(filters: Body, flags: Collection, before: Body | None) -> None:
    """Refuse what PostHog refuses."""
    keys = _variants(filters)
    for n, group in enumerate(filters["groups"]):
        _percent(group.get("rollout_percentage"), f"groups[{n}].rollout_percentage", null=True)
        if group.get("variant") and group["variant"] not in keys:
            raise _refused("Filters are not valid (variant override does not exist)")
        for one in group.get("properties") or ():
            _fits(one, group[GROUP_TYPE])
            _condition(one, flags, before)
    payloads = filters.get("payloads", {})
    if not isinstance(payloads, dict):
        raise _refused("Payloads must be passed as a dictionary")
    if keys and any(key not in keys for key in payloads):
        raise _refused("Payload keys must match a variant key for multivariate flags")
    if not keys and any(key != "true" for key in payloads):
        raise _refused("Payload keys must be 'true' for boolean flags")


def _percent(value: Any, where: str, *, null: bool) -> None:
    if value is None and null:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refused(f"{where} must be a number{' or null' if null else ''}, got {type(value).__name__}")
    if not 0 <= value <= 100:
        raise _refused(f"{where} must be between 0 and 100, got {value}")


def _variants(filters: Body) -> list[str]:
    multivariate = filters.get("multivariate")
    if multivariate is None:
        return []
    found = multivariate.get("variants") if isinstance(multivariate, dict) else None
    if not isinstance(found, list):
        raise _refused("multivariate.variants must be a list")
    for n, one in enumerate(found):
        _percent(one.get("rollout_percentage"), f"multivariate.variants[{n}].rollout_percentage", null=False)
    if found and sum(one["rollout_percentage"] for one in found) != 100:
        raise _refused("Invalid variant definitions: Variant rollout percentages must sum to 100.")
    return [one["key"] for one in found]


def _fits(one: Body, type: int | None) -> None:
    if type is None and one.get("type") not in ("person", "cohort", "flag"):
        raise _refused("Filters are not valid (person-aggregated conditions can only use person, cohort, and flag "
                       "properties)")
    if type is not None and (one.get("type") != "group" or one.get("group_type_index") != type):
        raise _refused("Filters are not valid (group-aggregated conditions can only use group properties of their type)")


def _condition(one: Body, flags: Collection, before: Body | None) -> None:
    operator, value, type = one["operator"], one.get("value"), one.get("type")
    if operator not in OPERATORS:
        raise _refused(f"Unsupported operator for feature flags: {operator}", "unsupported_operator")
    if operator in TEXTS and not isinstance(value, str):
        raise _refused(f"Invalid value for operator {operator}: {value}", "invalid_value")
    if (operator in ("in", "not_in")) != (type == "cohort") or (operator == "flag_evaluates_to") != (type == "flag"):
        raise _refused(f"The '{operator}' operator is not valid for '{type}' properties.", "invalid_operator")
    if type == "cohort":
        cohort = flags.other("cohorts").held().get(str(value))
        if cohort is None or cohort["deleted"]:
            raise _refused(f"Cohort with id {value} does not exist", "cohort_does_not_exist")
        if not cohort["is_static"] and behavioural(cohort["filters"]):
            raise _refused(f"Cohort '{cohort['name']}' has an event-based condition and cannot be used in feature flags.",
                           "behavioral_cohort_found")
    if type == "flag":
        _dependency(one["key"], flags, before)


def _dependency(reference: str, flags: Collection, before: Body | None) -> None:
    if not reference.isdigit():
        raise _refused("Flag dependencies must reference flag IDs (integers), not flag keys. Invalid reference: "
                       f"'{reference}'")
    found = flags.held().get(reference)
    if found is None or found["deleted"]:
        raise _refused(f"Flag dependency references non-existent flag with ID {reference}")
    if not found["active"]:
        raise _refused(f"Cannot create dependency on disabled flag '{found['key']}' (ID: {reference}). Flag dependencies "
                       "must reference active flags only.")
    if before is not None and str(before["id"]) in _below(reference, flags, set()):
        raise _refused(f"Circular dependency detected: {before['key']}")


def _below(reference: str, flags: Collection, seen: set[str]) -> Iterable[str]:
    if reference in seen:
        return seen
    seen.add(reference)
    for group in flags.held().get(reference, {"filters": {}})["filters"].get("groups") or ():
        for one in group.get("properties") or ():
            if one.get("type") == "flag":
                _below(one["key"], flags, seen)
    return seen
