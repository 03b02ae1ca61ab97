"""Who is in a cohort: conditions joined by AND and OR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from reconciler.contract import Link, Spec
from reconciler.model import has_token, refs_in

SHOWN = frozenset({"bytecode", "bytecode_error", "conditionHash", "cohort_name"})
"""What PostHog works out of a condition and shows beside it."""

JOINTS = ("AND", "OR")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "AND": ("values",), "OR": ("values",), "behavioral": ("key", "value", "event_type"), "cohort": ("key", "value"),
    "person": ("key",), "person_metadata": ("key",)}
"""What each type of condition can't do without (PostHog's `cohort.py`)."""

SEQUENCE = ("seq_event", "seq_event_type", "seq_time_value", "seq_time_interval")
BEHAVIOUR = frozenset({"event_type", "time_value", "time_interval", "operator_value", *SEQUENCE, "total_periods",
                       "min_periods", "event_filters", "explicit_datetime", "explicit_datetime_to"})

Scalar = str | int | float | bool


class EventFilter(Spec):
    """A property that the event of a behavioural condition must have."""

    type: Literal["event", "element", "hogql"]
    key: str
    value: list[Scalar] | Scalar | None = None
    operator: str | None = None


class Leaf(Spec):
    """One condition: what somebody is (person), is in (cohort), or did (behavioral)."""

    type: Literal["behavioral", "cohort", "person", "person_metadata"]
    key: Annotated[str | int, Link("posthog.action")]
    value: Annotated[list[Scalar] | Scalar | None, Link("posthog.cohort")] = None
    operator: str | None = None
    negation: bool | None = False
    event_type: Literal["events", "actions"] | None = None
    time_value: int | None = None
    time_interval: Literal["day", "week", "month", "year", "hour", "minute"] | None = None
    operator_value: int | None = None
    seq_event: str | int | None = None
    seq_event_type: Literal["events", "actions"] | None = None
    seq_time_value: int | None = None
    seq_time_interval: Literal["day", "week", "month", "year", "hour", "minute"] | None = None
    total_periods: int | None = None
    min_periods: int | None = None
    event_filters: list[EventFilter] | None = None
    explicit_datetime: str | None = None
    explicit_datetime_to: str | None = None


class Joint(Spec):
    """Conditions joined by AND or OR."""

    type: Literal["AND", "OR"]
    values: list[Leaf]


class Joined(Spec):
    """Joints joined by AND or OR, as PostHog's own editor writes them; every cohort can be said in these two levels."""

    type: Literal["AND", "OR"]
    values: list[Joint]


class CohortFilters(Spec):
    """Who is in a cohort, with or without the people who test."""

    properties: Joined
    filter_test_accounts: bool | None = False


TESTERS = {"filter_test_accounts": "filterTestAccounts"}


def read(filters: Any) -> Any:
    """PostHog's filters in the manifest's terms; a condition that stands alone is a joint of one."""
    found = stripped(filters)
    if not isinstance(found, dict) or not found.get("properties"):
        return None
    properties = found.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("values"), list):
        alone = [one if one.get("type") in JOINTS else {"type": "AND", "values": [one]} for one in properties["values"]]
        found["properties"] = {**properties, "values": alone}
    back = {theirs: ours for ours, theirs in TESTERS.items()}
    return {back.get(name, name): value for name, value in found.items()}


def written(live: Any, want: Mapping[str, Any]) -> dict[str, Any]:
    """The whole filters: what the manifest leaves out of a condition stays, as long as it is the same condition."""
    body = {**(live if isinstance(live, dict) else {}), **want}
    body["properties"] = _laid((live or {}).get("properties"), want["properties"])
    return {TESTERS.get(name, name): bool(value) if name in TESTERS else value for name, value in body.items()}


def declared(filters: dict[str, Any], live: Any) -> dict[str, Any]:
    """Filters as an export writes them: references only where a cohort or an action is meant."""
    joints = zip(filters["properties"]["values"], live["properties"]["values"], strict=True)
    for one, other in ((one, other) for joint, held in joints
                       for one, other in zip(joint.get("values") or (), held.get("values") or (), strict=True)):
        if other.get("type") != "cohort" and "value" in one:
            one["value"] = other["value"]
        if other.get("event_type") != "actions":
            one["key"] = other["key"]
    return filters


def _laid(live: Any, want: Mapping[str, Any]) -> dict[str, Any]:
    same = isinstance(live, dict) and (live.get("type"), live.get("key")) == (want.get("type"), want.get("key"))
    body = {name: value for name, value in {**(live if same else {}), **want}.items() if value is not None}
    if isinstance(want.get("values"), list):
        held = live.get("values") if isinstance(live, dict) else None
        beside = held if isinstance(held, list) and len(held) == len(want["values"]) else [None] * len(want["values"])
        body["values"] = [_laid(other, one) for other, one in zip(beside, want["values"], strict=True)]
    return body


def stripped(value: Any) -> Any:
    """A value without what PostHog works out of it, at every depth."""
    if isinstance(value, dict):
        return {key: stripped(item) for key, item in value.items() if key not in SHOWN}
    return [stripped(item) for item in value] if isinstance(value, list) else value


def leaves(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every condition below a node that joins no others."""
    if not isinstance(node, Mapping):
        return
    if node.get("type") in JOINTS or "values" in node:
        for item in node.get("values") or ():
            yield from leaves(item)
    else:
        yield node


def behavioural(filters: Any) -> bool:
    """Whether somebody is in because of what they did, which no flag can be decided by."""
    properties = filters.get("properties") if isinstance(filters, Mapping) else None
    return any(one.get("type") == "behavioral" for one in leaves(properties))


def findings(filters: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What PostHog would refuse in the conditions of a cohort."""
    for n, joint in enumerate((filters.get("properties") or {}).get("values") or ()):
        for m, leaf in enumerate(joint.get("values") or ()):
            yield from _leaf(f"filters.properties.values[{n}].values[{m}]", leaf)


def _leaf(at: str, one: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    kind, value = one["type"], one.get("value")
    for name in NEEDED[kind]:
        if one.get(name) is None:
            yield at, f"a condition of type {kind} needs {name}"
    if any(True for _ in refs_in(value)) and kind != "cohort":
        yield f"{at}.value", "only the value of a condition of type cohort refers to a cohort"
    if kind == "cohort" and one["key"] != "id":
        yield f"{at}.key", "the key of a condition of type cohort is id"
    if kind == "cohort" and value is not None and not has_token(value) and not _number(value):
        yield f"{at}.value", "is the cohort's number, not its name: write {ref: NAME} of its entry"
    if kind != "behavioral":
        for name in sorted(BEHAVIOUR & one.keys()):
            if one[name] is not None:
                yield f"{at}.{name}", f"goes with a condition of type behavioral, not with {kind}"
    if kind in ("person", "person_metadata") and value is None and one.get("operator") not in ("is_set", "is_not_set"):
        yield f"{at}.value", f"{one.get('operator') or 'exact'} needs a value"
    action = kind == "behavioral" and one.get("event_type") == "actions"
    if action and not has_token(one["key"]) and not _number(one["key"]):
        yield f"{at}.key", "is the action's number, not its name: write {ref: NAME} of its entry"
    if any(True for _ in refs_in(one["key"])) and not action:
        yield f"{at}.key", "only the key of a condition with event_type: actions refers to an action"


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
