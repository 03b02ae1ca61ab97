"""What PostHog would refuse in a flag, found before anything is asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model import has_token, refs_in
from reconciler.vendors.posthog.conditions import GROUP_TYPE, variants

Finding = tuple[str, str]

TEXTS = frozenset({"icontains", "not_icontains", "starts_with", "not_starts_with", "ends_with", "not_ends_with", "regex",
                   "not_regex", "gt", "gte", "lt", "lte", "min", "max"})
"""Operators whose value is a text, numbers too (PostHog's `feature_flag.py`)."""

VERSION = re.compile(r"v?\d+(\.\d+){0,2}([-+][0-9A-Za-z.+-]+)?(\.\*)?")


def findings(fields: Mapping[str, Any]) -> Iterable[Finding]:
    """Everything that no single field's type can say."""
    yield from _switches(fields)
    filters = fields.get("filters")
    if isinstance(filters, dict):
        yield from _groups(filters)
        yield from _variants(filters)
        yield from _payloads(filters, encrypted=fields.get("has_encrypted_payloads") is True)


def _switches(fields: Mapping[str, Any]) -> Iterable[Finding]:
    if fields.get("archived") is True and fields.get("active", False) is not False:
        yield "archived", "an archived flag is off: write active: false beside it"
    if fields.get("bucketing_identifier") == "device_id" and fields.get("ensure_experience_continuity"):
        yield "ensure_experience_continuity", "PostHog does not take this with bucketing_identifier: device_id"
    encrypted = fields.get("has_encrypted_payloads") is True
    if encrypted and fields.get("is_remote_configuration") is not True:
        yield "has_encrypted_payloads", "only a flag with is_remote_configuration: true has an encrypted payload"
    if fields.get("encrypted_payload") is not None and not encrypted:
        yield "encrypted_payload", "needs has_encrypted_payloads: true"


def _groups(filters: Mapping[str, Any]) -> Iterable[Finding]:
    known = {one["key"] for one in variants(filters)}
    flag_type = filters.get(GROUP_TYPE)
    types = set()
    for n, group in enumerate(filters.get("groups") or ()):
        at = f"filters.groups[{n}]"
        kind = group.get(GROUP_TYPE, flag_type)
        types.add(kind)
        if group.get("variant") and "multivariate" in filters and group["variant"] not in known:
            yield f"{at}.variant", f"{group['variant']} is not one of filters.multivariate.variants"
        for m, one in enumerate(group.get("properties") or ()):
            yield from _condition(f"{at}.properties[{m}]", one, kind)
    if GROUP_TYPE in filters and types and types != {flag_type}:
        said = "null, because groups of several types are in it" if len(types) > 1 else next(iter(types))
        yield f"filters.{GROUP_TYPE}", f"PostHog takes this from the groups, and makes it {said}"


def _condition(at: str, one: Mapping[str, Any], group_type: int | None) -> Iterable[Finding]:
    kind, operator, value = one["type"], one["operator"], one.get("value")
    if group_type is None and kind == "group":
        yield f"{at}.type", f"a condition on a group needs {GROUP_TYPE} in its group or in filters"
    if group_type is not None and kind != "group":
        yield f"{at}.type", f"with {GROUP_TYPE} only conditions of type group fit"
    if kind == "group" and group_type is not None and one.get("group_type_index", group_type) != group_type:
        yield f"{at}.group_type_index", f"is not the group's own type, which is {group_type}"
    for type, words in (("cohort", ("in", "not_in")), ("flag", ("flag_evaluates_to",))):
        if (kind == type) != (operator in words):
            yield f"{at}.operator", (f"a condition of type {type} takes {' or '.join(words)}" if kind == type else
                                     f"{operator} is for conditions of type {type}")
    if any(True for _ in refs_in(one["key"])) and kind != "flag":
        yield f"{at}.key", "only the key of a condition of type flag refers to a flag"
    if any(True for _ in refs_in(value)) and kind != "cohort":
        yield f"{at}.value", "only the value of a condition of type cohort refers to a cohort"
    if kind == "flag" and not has_token(one["key"]) and not one["key"].isdigit():
        yield f"{at}.key", "is the other flag's number, not its key: write {ref: NAME} of its entry"
    if kind == "cohort" and one["key"] != "id":
        yield f"{at}.key", "the key of a condition of type cohort is id"
    if not has_token(value):
        yield from _value(f"{at}.value", kind, operator, value)


def _value(at: str, kind: str, operator: str, value: Any) -> Iterable[Finding]:
    if operator in ("is_set", "is_not_set"):
        return
    if value is None:
        yield at, f"{operator} needs a value"
    elif kind == "cohort" and not _number(value):
        yield at, "is the cohort's number, not its name: write {ref: NAME} of its entry"
    elif operator in TEXTS and not isinstance(value, str):
        yield at, f"PostHog takes a text for {operator}: write it in quotes"
    elif operator.endswith("_multi") and not isinstance(value, list):
        yield at, f"{operator} takes a list"
    elif operator in ("regex", "not_regex") and not _regex(value):
        yield at, "is not a regular expression"
    elif operator.startswith("semver_") and not (isinstance(value, str) and VERSION.fullmatch(value)):
        yield at, "is not a version such as 1.2.3"
    elif operator.startswith("is_date_") and not isinstance(value, str):
        yield at, "is a date such as 2026-11-30, or a span back from now such as -7d"


def _number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdigit())


def _regex(value: str) -> bool:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _variants(filters: Mapping[str, Any]) -> Iterable[Finding]:
    found = variants(filters)
    keys = [one["key"] for one in found]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield "filters.multivariate.variants", f"{key} stands there twice"
    total = sum(one["rollout_percentage"] for one in found)
    if found and total != 100:
        yield "filters.multivariate.variants", f"the shares add up to {total:g}, not to 100"


def _payloads(filters: Mapping[str, Any], *, encrypted: bool) -> Iterable[Finding]:
    payloads = filters.get("payloads") or {}
    if payloads and encrypted:
        yield "filters.payloads", "an encrypted payload is a secret: write encrypted_payload: {secret: NAME} instead"
    if any(True for _ in refs_in(payloads)):
        yield "filters.payloads", "a payload can't hold the id of another object: it is another one in every project"
    if "multivariate" not in filters and any(key != "true" for key in payloads):
        return
    known = [one["key"] for one in variants(filters)] or ["true"]
    for key in payloads:
        if key not in known:
            yield f"filters.payloads.{key}", f"a payload goes with one of {', '.join(known)}"
