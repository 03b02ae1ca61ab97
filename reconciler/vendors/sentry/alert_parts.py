"""What an alert is made of: triggers, groups of conditions, actions; known ones are checked, unknown ones let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Canonical, Link, Mark, Spec
from reconciler.model import has_token
from reconciler.vendors.sentry.terms import loose

TRIGGERS = ("first_seen_event", "issue_resolved_trigger", "reappeared_event", "regression_event",
            "new_high_priority_issue", "existing_high_priority_issue", "seer_activity_trigger")
"""What starts an alert."""

COMPARED: Mapping[str, tuple[str, ...]] = {
    "level": ("level", "match"),
    "age_comparison": ("comparison_type", "value", "time"),
    "assigned_to": ("target_type",),
    "issue_category": ("value",),
    "issue_occurrences": ("value",),
    "event_attribute": ("attribute", "match"),
    "tagged_event": ("key", "match"),
    "latest_adopted_release": ("release_age_type", "age_comparison", "environment"),
    "event_frequency_count": ("value", "interval"),
    "event_unique_user_frequency_count": ("value", "interval"),
    "percent_sessions_count": ("value", "interval"),
    "event_frequency_percent": ("value", "interval", "comparison_interval"),
    "event_unique_user_frequency_percent": ("value", "interval", "comparison_interval"),
    "percent_sessions_percent": ("value", "interval", "comparison_interval"),
}
"""What the comparison of a filter has to say, by its type."""

PRIORITIES = (25, 50, 75)
INTEGRATED = frozenset({"slack", "discord", "msteams", "pagerduty", "opsgenie", "github", "jira", "vsts", "jira_server",
                        "github_enterprise"})
"""Actions that go through an integration of the organization."""


class OwnMonitor(Spec):
    """One of the two monitors that Sentry makes with each project."""

    default: Literal["error", "issue_stream"]
    project: Annotated[str, Link("sentry.project", "slug")]


class Condition(Spec):
    """A trigger or filter; `value: 1` of a count means *more than* one."""

    type: Annotated[str, Field(min_length=1)]
    comparison: Annotated[Any, Canonical(loose)] = True
    condition_result: Annotated[Any, Canonical(loose)] = True


Conditions = Annotated[list[Condition] | None, Mark.UNORDERED]


class Triggers(Spec):
    """When the alert looks at an issue; without conditions it does so at every event."""

    logic_type: Literal["any-short", "any", "all", "none"] | None = "any-short"
    conditions: Conditions = None


class ActionConfig(Spec):
    """Whom an action tells: `issue_owners`, `team`, `user`, or `specific` with a channel, a service, a queue."""

    target_type: str | None = None
    target_identifier: Annotated[str | None, Canonical(loose)] = None
    target_display: str | None = None
    sentry_app_identifier: str | None = None


class Act(Spec):
    """One thing that is done; what Sentry adds to it is left alone."""

    type: Annotated[str, Field(min_length=1)]
    integration_id: Annotated[str | None, Canonical(loose)] = None
    config: ActionConfig | None = None
    data: Annotated[dict[str, Any] | None, Mark.MERGED, Canonical(loose)] = None
    status: Literal["active", "disabled"] | None = "active"


class ActionFilter(Spec):
    """Conditions, and what is done where they hold."""

    logic_type: Literal["any-short", "any", "all", "none"] | None = "any-short"
    conditions: Conditions = None
    actions: Annotated[list[Act] | None, Mark.UNORDERED] = None


class AlertConfig(Spec):
    """How often it may fire for one issue, in minutes."""

    frequency: Literal[0, 5, 10, 30, 60, 180, 720, 1440]


def matches_all(fields: Mapping[str, Any]) -> bool:
    """Whether an alert filters nothing: no trigger, and a group without conditions, or no group at all."""
    groups = fields.get("action_filters") or []
    triggers = (fields.get("triggers") or {}).get("conditions")
    return not triggers and (not groups or any(not group.get("conditions") for group in groups))


def nothing(group: Mapping[str, Any] | None) -> bool:
    """Whether triggers say no more than Sentry itself does where nobody says any."""
    return not group or (not group.get("conditions") and group.get("logic_type") in (None, "any-short"))


def wrong(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What Sentry would refuse, or take and never act on."""
    for n, one in enumerate((fields.get("triggers") or {}).get("conditions") or ()):
        if one.get("type") in COMPARED:
            yield f"triggers.conditions[{n}].type", "filters: it belongs into a group of action_filters"
    for g, group in enumerate(fields.get("action_filters") or ()):
        for n, one in enumerate(group.get("conditions") or ()):
            yield from _compared(f"action_filters[{g}].conditions[{n}]", one)
        for n, one in enumerate(group.get("actions") or ()):
            yield from _acted(f"action_filters[{g}].actions[{n}]", one)


def _compared(path: str, one: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    said, kind = one.get("comparison"), one.get("type")
    if kind in TRIGGERS:
        yield f"{path}.type", "starts an alert: it belongs into triggers.conditions"
    missing = [name for name in COMPARED.get(str(kind), ()) if not isinstance(said, dict) or name not in said]
    if missing:
        yield f"{path}.comparison", f"{kind} compares with {', '.join(COMPARED[str(kind)])}: {', '.join(missing)} is missing"
    if kind == "issue_priority_greater_or_equal" and said not in PRIORITIES:
        yield f"{path}.comparison", "is 75 (high), 50 (medium) or 25 (low)"


def _acted(path: str, one: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    kind, config = one.get("type"), one.get("config") or {}
    to = config.get("target_identifier")
    if kind in INTEGRATED and not one.get("integration_id"):
        yield path, f"{kind} goes through an integration: give its integration_id"
    if kind == "slack" and (not to or (not has_token(to) and str(to).startswith("#"))):
        yield f"{path}.config", "slack wants the channel's id as target_identifier: names are looked up slowly"
    if kind == "email" and config.get("target_type") not in ("issue_owners", "team", "user"):
        yield f"{path}.config", "email goes to target_type issue_owners, team or user"
    if kind == "email" and config.get("target_type") in ("team", "user") and not to:
        yield f"{path}.config", f"which {config['target_type']}? give its number as target_identifier"
