"""Who gets a flag: the fields of `filters`, and how PostHog's copy of them is read and written.

An update writes the whole of `filters`: today's server merges its top-level keys into what is stored, servers of a
year ago put it in the place of what was stored, and ignore it without `groups` (PostHog's `feature_flag.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Canonical, Keyed, Link, Spec, covers, overlay, shape_of
from reconciler.model import Fields
from reconciler.vendors.posthog.payloads import encoded, payload

GROUP_TYPE = "aggregation_group_type_index"
SHOWN = frozenset({"cohort_name", "group_key_names", "users_affected"})
"""What PostHog adds to conditions when it shows them."""

SPENT = frozenset({"super_groups", "holdout_groups", "version"})
"""Keys of `filters` that PostHog strips from, or refuses in, whatever is written."""

ALIASES = {"min": "gte", "max": "lte"}
"""Operators that PostHog writes in another word."""

Percent = Annotated[int | float, Field(ge=0, le=100)]
GroupType = Annotated[int | None, Field(ge=0, le=4)]
Scalar = str | int | float | bool


def operator(value: Any) -> Any:
    """An operator in PostHog's own word."""
    return ALIASES.get(value, value) if isinstance(value, str) else value


def text(value: Any) -> Any:
    """A property's key as PostHog keeps it: a text, also where it was written as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Condition(Spec):
    """One condition: a property of the person or group, membership of a cohort, or what another flag gives."""

    key: Annotated[str, Link("posthog.feature_flag", "id_text"), Canonical(text)]
    type: Literal["person", "group", "cohort", "flag"]
    operator: Annotated[Literal[
        "exact", "is_not", "icontains", "not_icontains", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
        "regex", "not_regex", "gt", "gte", "lt", "lte", "min", "max", "is_set", "is_not_set", "is_date_exact",
        "is_date_before", "is_date_after", "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte",
        "semver_tilde", "semver_caret", "semver_wildcard", "icontains_multi", "not_icontains_multi", "in", "not_in",
        "flag_evaluates_to"], Canonical(operator)]
    value: Annotated[list[Annotated[Scalar, Link("posthog.cohort")]] | Scalar | None, Link("posthog.cohort")] = None
    negation: bool | None = False
    group_type_index: GroupType = None


class Group(Spec):
    """One set of conditions: who fits all of them is in, as far as the percentage goes."""

    properties: list[Condition] | None = None
    rollout_percentage: Percent | None = 100
    variant: str | None = None
    aggregation_group_type_index: GroupType = None
    description: str | None = None
    sort_key: str | None = None


class Variant(Spec):
    """One of the values that a flag can have, and its share."""

    key: Annotated[str, Field(min_length=1)]
    name: str | None = None
    rollout_percentage: Percent


class Multivariate(Spec):
    """The values that a flag can have; their order decides who falls into which share."""

    variants: Annotated[list[Variant], Keyed("key", ordered=True)]


class Holdout(Spec):
    """The people who are kept out of experiments, as the experiments product wires it."""

    id: int
    exclusion_percentage: Percent


class Targeting(Spec):
    """Who gets it, and which value with what beside it; the first group that fits decides."""

    groups: list[Group] | None = None
    multivariate: Multivariate | None = None
    payloads: dict[str, Annotated[Any, Canonical(payload)]] | None = Field(default_factory=dict)
    aggregation_group_type_index: GroupType = None
    feature_enrollment: bool | None = None
    early_exit: bool | None = False


class Filters(Targeting):
    """Who gets a flag, and which value with what beside it; the first group that fits decides."""

    holdout: Holdout | None = None


SHAPE = shape_of(Filters)
_GROUP = SHAPE.child("groups").item or SHAPE
_CONDITION = _GROUP.child("properties").item or SHAPE


def stripped(value: Any) -> Any:
    """A value without what PostHog only shows, at every depth."""
    if isinstance(value, dict):
        return {key: stripped(item) for key, item in value.items() if key not in SHOWN}
    return [stripped(item) for item in value] if isinstance(value, list) else value


def read(filters: Any) -> Fields:
    """PostHog's filters in the manifest's terms; wiring of other products stays in, and counts for nobody."""
    found = stripped(filters) if isinstance(filters, dict) else {}
    return {name: value for name, value in found.items() if name not in SPENT}


def written(live: Mapping[str, Any], want: Mapping[str, Any]) -> Fields:
    """The whole filters with what is wanted laid over what is there."""
    body = {name: value for name, value in live.items() if name not in SPENT}
    for name, value in want.items():
        if name == "groups":
            body[name] = [_group(other or {}, one) for one, other in
                          matched(body.get(name) or [], value or [], lambda a, b: covers(a, b, _GROUP), by_place=True)]
        elif value is None:
            body[name] = SHAPE.child(name).default
        else:
            body[name] = overlay(body.get(name), value, SHAPE.child(name))
    if body.get("multivariate"):
        body["multivariate"] = {**body["multivariate"], "variants": [_said(one) for one in body["multivariate"]["variants"]]}
    if "payloads" in want:
        body["payloads"] = {key: encoded(value) for key, value in body["payloads"].items() if value is not None}
    _without_lost_variants(body, want)
    return _aggregated(body, want)


def _without_lost_variants(body: Fields, want: Mapping[str, Any]) -> None:
    """A group that the manifest gives no variant keeps its own only as long as there is one of that key."""
    keys = [one.get("key") for one in variants(body)]
    given = want.get("groups") or []
    for n, group in enumerate(body.get("groups") or ()):
        if group.get("variant") not in (None, *keys) and (n >= len(given) or "variant" not in given[n]):
            group["variant"] = None


def _group(live: Mapping[str, Any], want: Mapping[str, Any]) -> Fields:
    """One group over the one that it stood for; what people can't see in the manifest is kept where it belongs."""
    group = {**live, **want}
    if group.get("rollout_percentage") is None:
        group["rollout_percentage"] = 100
    if "properties" in want:
        pairs = matched(live.get("properties") or [], want["properties"] or [], _alike, by_place=False)
        group["properties"] = [_said(overlay(other, one, _CONDITION) if other is not None else one) for one, other in pairs]
    return group


def _said(item: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in item.items() if value is not None}


def _alike(live: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    return all(normal(live.get(name)) == normal(want.get(name))
               for name, normal in (("key", text), ("operator", operator), ("type", text)))


def matched(live: Any, want: Any, fits: Callable[[Any, Any], bool], *, by_place: bool) -> list[tuple[Any, Any]]:
    """Each wanted item beside the live one that it means: one that fits, else that of its place, if none came or went."""
    left = dict(enumerate(live))
    found: list[Any] = []
    for one in want:
        hit = next((n for n, other in left.items() if fits(other, one)), None)
        found.append(None if hit is None else left.pop(hit))
    if by_place and len(live) == len(want):
        found = [left.get(n) if other is None else other for n, other in enumerate(found)]
    return list(zip(want, found, strict=True))


def _aggregated(body: Fields, want: Mapping[str, Any]) -> Fields:
    """PostHog spreads the flag's group type over groups that say none, then takes the flag's from the groups.

    A group that was read says its own, so a changed flag's group type has to be written into each.
    """
    groups, given = body.get("groups") or [], want.get("groups") or []
    if GROUP_TYPE in want:
        for n, group in enumerate(groups):
            if n >= len(given) or GROUP_TYPE not in given[n]:
                group[GROUP_TYPE] = want[GROUP_TYPE]
    elif any(GROUP_TYPE in group for group in given):
        body.pop(GROUP_TYPE, None)
    return body


def declared(filters: Fields, live: Mapping[str, Any]) -> Fields:
    """Filters as an export writes them: references only where a cohort or flag is meant, no wiring, no page's own keys."""
    for group, held in zip(filters.get("groups") or (), live.get("groups") or (), strict=False):
        group.pop("sort_key", None)
        for one, other in zip(group.get("properties") or (), held.get("properties") or (), strict=False):
            for name, type in (("key", "flag"), ("value", "cohort")):
                if name in one and other.get("type") != type:
                    one[name] = other[name]
    return {name: value for name, value in filters.items() if name != "holdout"}


def conditions(filters: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Every condition of every group."""
    groups = (filters or {}).get("groups")
    return [one for group in groups or () if isinstance(group, dict) for one in group.get("properties") or ()
            if isinstance(one, dict)]


def variants(filters: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The variants of a flag, in their order."""
    found = ((filters or {}).get("multivariate") or {}).get("variants")
    return list(found or ())


def nobody() -> Filters:
    """What `filters: null` asks for: no group, no variants, no payloads."""
    return Filters(groups=[], multivariate=None, payloads={})
