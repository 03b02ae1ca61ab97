"""sentry.metric_monitor: a number that is watched, and when it makes an issue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Link, Mark, Permissions, Scene, Spec, overlay
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Unseen, Want
from reconciler.vendors.sentry.objects import SentryKind
from reconciler.vendors.sentry.terms import Actor, Texts, loose, owner, snaked

TYPE = "metric_issue"
SOURCE = ("aggregate", "dataset", "query", "query_type", "event_types", "time_window", "environment", "extrapolation_mode")


def _comparison(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number and not (isinstance(value, dict) and {"sensitivity", "seasonality", "threshold_type"} == value.keys()):
        raise ValueError("is a number, or {sensitivity, seasonality, threshold_type} of anomaly_detection")
    return value


def empty_query(value: Any) -> Any:
    """No query, which Sentry reads back as an empty text."""
    return value or ""


class DataSource(Spec):
    """What is counted; `time_window` in seconds, `query_type` 0 errors, 1 performance, 2 crash rates.

    No answer shows `query_type`: it is sent along and never compared.
    """

    aggregate: str
    dataset: str
    query: Annotated[str | None, Canonical(empty_query)] = ""
    query_type: Annotated[Literal[0, 1, 2] | None, Canonical(lambda value: None)] = None
    event_types: Texts = None
    time_window: Annotated[int, Field(ge=60)]
    environment: str | None = None
    extrapolation_mode: Annotated[str | None, Canonical(lambda value: None if value == "unknown" else value)] = None


class Detection(Spec):
    """How it is judged; `comparison_delta` is how many seconds back a `percent` looks."""

    detection_type: Literal["static", "percent", "dynamic"]
    comparison_delta: Annotated[int | None, Field(ge=60)] = None


class Condition(Spec):
    """When an issue of which priority is made: 75 high, 50 medium, 0 it is resolved."""

    type: Literal["gt", "gte", "lt", "lte", "eq", "ne", "anomaly_detection"]
    comparison: Annotated[Any, AfterValidator(_comparison), Canonical(loose)]
    condition_result: Literal[0, 25, 50, 75]


class ConditionGroup(Spec):
    """Conditions in no order."""

    logic_type: Literal["any", "any-short", "all", "none"] | None = "any"
    conditions: Annotated[list[Condition], Field(min_length=1), Mark.UNORDERED]


class MetricMonitorSpec(Spec):
    """The fields of sentry.metric_monitor; `description` stands in the issues that it makes."""

    name: Annotated[str | None, Field(min_length=1, max_length=200), Mark.NAMED] = None
    project: Annotated[str, Link("sentry.project", "slug"), Mark.IDENTITY, Mark.IMMUTABLE]
    enabled: bool | None = True
    description: Annotated[str | None, Impact.COSMETIC] = None
    owner: Actor | None = None
    data_sources: Annotated[list[DataSource], Field(min_length=1, max_length=1)]
    config: Detection
    condition_group: ConditionGroup


class MetricMonitor(SentryKind[MetricMonitorSpec]):
    """A detector of the type metric_issue. The alerts that hear of it are linked from the alert's side, and only there.

    Sentry takes the whole object, so what is wanted is laid over what is there: numbers of conditions stay.
    """

    name, spec, path, parent = "sentry.metric_monitor", MetricMonitorSpec, "detectors/", "sentry.project"
    permissions = Permissions(("org:read", "project:read"), ("alerts:write",))

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every monitor that is ours to make, of all projects at once."""
        self.sentry.slugs()
        return super().list(ask)

    def counts(self, body: Mapping[str, Any]) -> bool:
        """Sentry's own monitors, those of cron and uptime are none of these."""
        return body.get("type") == TYPE

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The detector, its query out of the wrapping that answers have."""
        found = snaked(body)
        fields = {name: found[name] for name in ("name", "enabled", "description", "condition_group") if name in found}
        config = {name: value for name, value in (found.get("config") or {}).items() if name in Detection.model_fields}
        fields |= {"config": config, "project": self.sentry.slug(str(found.get("project_id"))), "owner": None}
        if found.get("owner"):
            fields["owner"] = owner(found["owner"])
        fields["data_sources"] = [_flat(source) for source in found.get("data_sources") or ()]
        return fields

    # writing

    def create(self, want: Want[MetricMonitorSpec]) -> Call:
        """One POST below the project."""
        body = {name: value for name, value in _plain(self.cleared(want.fields)).items() if name != "project"}
        return Call("POST", self.sentry.below(f"projects/{want['project']}/{self.path}"), {"type": TYPE, **body})

    def update(self, live: Live, want: Want[MetricMonitorSpec], changes: Changes) -> Iterable[Call]:
        """One PUT of the whole."""
        fields = overlay(live.fields, self.cleared(want.fields), self.shape)
        body = {name: value for name, value in _plain(fields).items() if name != "project"}
        group = body.get("condition_group")
        if isinstance(group, dict):
            body["condition_group"] = _numbered(group)
        yield Call("PUT", self.item(live.id), {"type": TYPE, **body}, safe=True)

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What fits together, as Sentry refuses it otherwise."""
        config, group = fields.get("config") or {}, fields.get("condition_group") or {}
        kind = config.get("detection_type")
        if kind == "percent" and not config.get("comparison_delta"):
            yield "config.comparison_delta", "is needed by percent: how many seconds back it compares"
        if kind == "static" and config.get("comparison_delta"):
            yield "config.comparison_delta", "only goes with percent"
        for n, one in enumerate(group.get("conditions") or ()):
            if (one.get("type") == "anomaly_detection") != (kind == "dynamic"):
                yield f"condition_group.conditions[{n}].type", "anomaly_detection goes with dynamic, and with nothing else"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """When it goes silent."""
        if any(change.path == "enabled" and change.after is False for change in action.changes):
            yield Note("makes no issues while it is off", path="enabled")
        if action.op is Op.DELETE:
            yield Note("alerts that are linked to it hear of it no more")


def _flat(source: Mapping[str, Any]) -> Fields:
    query = (source.get("query_obj") or {}).get("snuba_query") or source
    return {name: query[name] for name in SOURCE if name in query}


def _plain(fields: Mapping[str, Any]) -> Fields:
    """Without nulls where Sentry wants the name left out instead."""
    body = dict(fields)
    if body.get("description", "") is None:
        body["description"] = ""
    body["data_sources"] = [{name: value for name, value in source.items() if value is not None or name == "environment"}
                            for source in body.get("data_sources") or ()]
    body["config"] = {name: value for name, value in (body.get("config") or {}).items() if value is not None}
    group = body.get("condition_group")
    if isinstance(group, dict):
        body["condition_group"] = {**group, "logic_type": group.get("logic_type") or "any"}
    return body


def _numbered(group: Mapping[str, Any]) -> Fields:
    """A group with its number as one: answers give it as a text."""
    found = {name: value for name, value in group.items() if name not in ("organization_id", "actions")}
    if str(found.get("id", "")).isdigit():
        found["id"] = int(found["id"])
    return found
