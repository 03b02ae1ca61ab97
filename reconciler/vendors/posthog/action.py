"""posthog.action: events that count as one, by name, by properties, or by what was clicked where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Named, Scene, Spec, covers, overlay, shape_of
from reconciler.contract.declare import Refer
from reconciler.errors import Missing
from reconciler.model import Action as Planned
from reconciler.model import Call, Changes, Fact, Fields, Impact, Live, Note, Op, Want, has_token, refs_in
from reconciler.vendors.posthog import cohort_filters
from reconciler.vendors.posthog.conditions import matched
from reconciler.vendors.posthog.objects import SoftDeleted, Tagged, Tags
from reconciler.vendors.posthog.permissions import scopes

Scalar = str | int | float | bool
Matching = Literal["contains", "regex", "exact"]
BARE = ("is_set", "is_not_set")
"""Operators that take no value."""


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("is not blank")
    return value


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def pinned(value: Any) -> Any:
    """Whether it is pinned at all: PostHog makes every moment the present one."""
    return "pinned" if value else None


class StepProperty(Spec):
    """A property that the event, or whoever sent it, must have."""

    key: Annotated[str, Field(min_length=1)]
    type: Literal[
        "event", "event_metadata", "feature", "person", "person_metadata", "cohort", "element", "static-cohort",
        "dynamic-cohort", "precalculated-cohort", "group", "recording", "log_entry", "behavioral", "session", "hogql",
        "data_warehouse", "data_warehouse_person_property", "error_tracking_issue", "log", "log_attribute",
        "log_resource_attribute", "metric_attribute", "span", "span_attribute", "span_resource_attribute",
        "revenue_analytics", "account_custom_property", "flag", "workflow_variable"] | None = "event"
    value: Annotated[list[Annotated[Scalar, Link("posthog.cohort")]] | Scalar | None, Link("posthog.cohort")] = None
    operator: Literal[
        "exact", "is_not", "icontains", "not_icontains", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
        "regex", "not_regex", "gt", "lt", "gte", "lte", "in", "not_in", "is_date_exact", "is_date_before", "is_date_after",
        "is_set", "is_not_set"] | None = "exact"


class Step(Spec):
    """One way to do it: all that is said must hold of the event."""

    event: str | None = None
    properties: list[StepProperty] | None = None
    selector: str | None = None
    tag_name: str | None = None
    text: str | None = None
    text_matching: Matching | None = "exact"
    href: str | None = None
    href_matching: Matching | None = "exact"
    url: str | None = None
    url_matching: Matching | None = "contains"


STEP = shape_of(Step)


class ActionSpec(Spec):
    """The fields of posthog.action; an event is one where any of its `steps` fits."""

    name: Annotated[Named, Field(max_length=400), AfterValidator(lambda name: name if name is None else _said(name))] = None
    description: Annotated[str | None, Impact.COSMETIC] = ""
    tags: Tags = None
    post_to_slack: bool | None = False
    slack_message_format: Annotated[str | None, Field(max_length=1200)] = ""
    steps: list[Step] | None = None
    pinned_at: Annotated[Annotated[str, AfterValidator(_moment)] | None, Canonical(pinned), Impact.COSMETIC] = None


class Action(SoftDeleted[ActionSpec], Tagged[ActionSpec]):
    """Events that count as one, by name, by properties, or by what was clicked where.

    PostHog answers its list whole and without a count, whatever page is asked for (its `action.py`); its API document
    says otherwise. Any `pinned_at` becomes the present moment, so only whether there is one is compared.
    """

    name, spec, path, counted = "posthog.action", ActionSpec, "/actions", False
    permissions = scopes("action")

    # reading

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, steps without what PostHog works out of them."""
        fields = super().from_wire(body)
        steps = [{name: one[name] for name in STEP.children if name in one} for one in body.get("steps") or ()]
        return {**fields, "steps": steps}

    def declare(self, live: Live, refer: Refer) -> Fields:
        """The fields as an export gives them: a reference only where a cohort is meant."""
        fields = super().declare(live, refer)
        for step, held in zip(fields.get("steps") or (), live.fields["steps"], strict=False):
            for one, other in zip(step.get("properties") or (), held.get("properties") or (), strict=False):
                if other.get("type") != "cohort" and "value" in one:
                    one["value"] = other["value"]
        return fields

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """Nothing null where PostHog wants a text or a list."""
        empty: Fields = {"tags": [], "steps": [], "description": "", "slack_message_format": ""}
        wire = {name: empty.get(name) if value is None else value for name, value in fields.items()}
        return {**wire, "steps": [_written(one) for one in fields["steps"] or ()]} if "steps" in wire else wire

    def update(self, live: Live, want: Want[ActionSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; steps are written whole, each over the one that it was."""
        held, steps = live.fields.get("steps") or [], want.get("steps") or []
        fields = {**want.fields, "steps": _laid(held, steps)} if "steps" in want.fields else want.fields
        yield from super().update(live, Want(want.address, fields, want.owner), changes)

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse, or could never match."""
        for n, step in enumerate(fields.get("steps") or ()):
            for m, one in enumerate(step.get("properties") or ()):
                yield from _unfit(f"steps[{n}].properties[{m}]", one)

    def review(self, action: Planned, scene: Scene) -> Iterable[Note]:
        """Who is counted by it."""
        changed = action.op is Op.DELETE or any(change.path.startswith("steps") for change in action.changes)
        if action.live is None or not changed:
            return
        cohorts = sorted(str(one.fields.get("name")) for one in scene.live.get(self.kin("posthog.cohort"), ())
                         if not one.archived and _uses(one, action.live.id))
        if cohorts:
            yield Note(f"who is in {', '.join(cohorts)} changes with it", subject="cohorts", impact=Impact.BEHAVIOURAL)

    def look(self, action: Planned) -> Iterable[Fact]:
        """What else in PostHog counts by an action that goes; older servers can't tell."""
        if action.op is not Op.DELETE or action.live is None:
            return
        try:
            users = self.api.get(f"{self.item(action.live.id)}references/")
        except Missing:
            return
        for one in users if isinstance(users, list) else ():
            yield Fact(f"{one.get('type')} {one.get('name')}", subject="used by")


def _written(step: Mapping[str, Any]) -> Fields:
    """A step without what it does not say."""
    said = {name: value for name, value in step.items() if value is not None}
    return {**said, **({"properties": [{name: value for name, value in one.items() if value is not None}
                                       for one in said["properties"]]} if "properties" in said else {})}


def _laid(live: list[Fields], want: list[Fields]) -> list[Fields]:
    """Each step over the live one that it stood for: one that fits, else that of its place, if it is of the same event."""
    pairs = matched(live, want, lambda held, one: covers(held, one, STEP), by_place=True)
    return [overlay(held, one, STEP) if held is not None and one.get("event") == held.get("event") else one
            for one, held in pairs]


def _unfit(at: str, one: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    value, operator = one.get("value"), one.get("operator") or "exact"
    if value is None and operator not in BARE:
        yield f"{at}.value", f"{operator} needs a value"
    if any(True for _ in refs_in(value)) and one.get("type") != "cohort":
        yield f"{at}.value", "only the value of a property of type cohort refers to a cohort"
    if one.get("type") == "cohort" and isinstance(value, str) and not has_token(value) and not value.isdigit():
        yield f"{at}.value", "is the cohort's number, not its name: write {ref: NAME} of its entry"
    if operator in ("in", "not_in") and not isinstance(value, list) and one.get("type") != "cohort":
        yield f"{at}.value", f"{operator} takes a list"


def _uses(cohort: Live, id: str) -> bool:
    found = cohort_filters.leaves((cohort.fields.get("filters") or {}).get("properties"))
    return any((one.get("event_type") == "actions" and str(one.get("key")) == id)
               or (one.get("seq_event_type") == "actions" and str(one.get("seq_event")) == id) for one in found)
