"""posthog.experiment: which variant of a flag does better, from draft to archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Ask, Canonical, Link, Mark, Scene, Spec, overlay, shape_of
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.posthog.conditions import variants
from reconciler.vendors.posthog.objects import ROOM, Described, Tags, names
from reconciler.vendors.posthog.permissions import scopes

State = Literal["draft", "running", "paused", "ended", "archived"]
STEPS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("draft", "running"): ("launch",), ("draft", "paused"): ("launch", "pause"), ("draft", "ended"): ("launch", "end"),
    ("draft", "archived"): ("launch", "end", "archive"),
    ("running", "paused"): ("pause",), ("running", "ended"): ("end",), ("running", "archived"): ("end", "archive"),
    ("paused", "running"): ("resume",), ("paused", "ended"): ("end",), ("paused", "archived"): ("end", "archive"),
    ("ended", "archived"): ("archive",), ("archived", "ended"): ("unarchive",),
}
"""The calls from one state to another; what is not here goes back to the draft first, by `reset`."""
OVER = ("ended", "archived")
ADDED = ("uuid", "fingerprint")
"""What PostHog adds to a metric."""


def steps(old: str, new: str) -> tuple[str, ...]:
    """The calls that lead from one state to another."""
    if old == new:
        return ()
    return STEPS.get((old, new)) or ("reset", *(STEPS[("draft", new)] if new != "draft" else ()))


def bare(metrics: Any) -> Any:
    """Metrics without what PostHog adds to them; null is none."""
    if metrics is None:
        return []
    return [{name: value for name, value in one.items() if name not in ADDED} if isinstance(one, dict) else one
            for one in metrics] if isinstance(metrics, list) else metrics


Metrics = Annotated[list[dict[str, Any]] | None, Canonical(bare)]


class Parameters(Spec):
    """What its author noted for planning and reading it."""

    minimum_detectable_effect: float | None = None
    variant_notes: dict[str, str] | None = None


class Exposure(Spec):
    """Who counts as having seen it."""

    filterTestAccounts: bool | None = True  # noqa: N815 - PostHog's spelling
    exposure_config: dict[str, Any] | None = None
    activation_config: dict[str, Any] | None = None
    multiple_variant_handling: Literal["exclude", "first_seen"] | None = None


class Stats(Spec):
    """How it is reckoned."""

    method: Literal["bayesian", "frequentist"] | None = "bayesian"
    baseline_variant_key: str | None = None


class SavedMetric(Spec):
    """A shared metric by its number, as a primary or a secondary one."""

    id: int
    metadata: Annotated[dict[str, Any] | None, Canonical(lambda value: value or None)] = None


class ExperimentSpec(Spec):
    """The fields of posthog.experiment; `state` stands for the calls that lead to it."""

    name: Annotated[str, Field(min_length=1, max_length=400)]
    feature_flag_key: Annotated[str, Link("posthog.feature_flag", "key"), Mark.IDENTITY, Mark.IMMUTABLE]
    description: Annotated[str | None, Field(max_length=3000 - ROOM), Impact.COSMETIC] = ""
    state: State | None = "draft"
    type: Literal["web", "product"] | None = None
    holdout_id: int | None = None
    parameters: Parameters | None = None
    metrics: Metrics = None
    metrics_secondary: Metrics = None
    saved_metrics_ids: list[SavedMetric] | None = None
    exposure_criteria: Exposure = Field(default_factory=Exposure)
    stats_config: Stats = Field(default_factory=Stats)
    running_time_calculation: dict[str, Any] | None = None
    scheduling_config: dict[str, Any] | None = None
    repository: Annotated[str | None, Field(max_length=255), Impact.COSMETIC] = None
    excluded_variants: Annotated[list[str] | None, Canonical(names)] = None
    conclusion: Literal["won", "lost", "inconclusive", "stopped_early", "invalid"] | None = None
    conclusion_comment: Annotated[str | None, Field(max_length=4000)] = None
    only_count_matured_users: bool | None = False
    tags: Tags = None


WHOLE = {"parameters": shape_of(Parameters), "exposure_criteria": shape_of(Exposure), "stats_config": shape_of(Stats)}
"""Maps that PostHog takes whole."""


class Experiment(Described[ExperimentSpec]):
    """Which variant of a flag does better, from draft to archive.

    Its state is no field at PostHog: it follows from dates and from whether the flag is on, and calls change it
    (`experiment_service.py`; its API document has none of them). Only what has ended can be archived, so a draft that
    leaves is marked as deleted. A metric may name an event that never came in: a tracking plan comes before traffic.
    """

    name, spec, path, later = "posthog.experiment", ExperimentSpec, "/experiments", ("state",)
    permissions = scopes("experiment", writes=("feature_flag",))

    # reading

    def bodies(self, ask: Ask) -> Iterable[Mapping[str, Any]]:
        """The experiments that are not archived, then those; by number, because a server may answer all to either."""
        found = {str(body["id"]): body for body in super().bodies(ask)}
        found |= {str(body["id"]): body for body in self.api.pages(self.collection, {"archived": True})}
        return found.values()

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether it is archived, or marked as deleted."""
        return bool(body.get("archived") or body.get("deleted"))

    def rests(self, want: Want[ExperimentSpec]) -> bool:
        """Whether the manifest itself archives it."""
        return bool(want.get("state") == "archived")

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, with the state that dates and flag amount to."""
        fields = super().from_wire(body)
        for name in ("metrics", "metrics_secondary"):
            fields[name] = bare(fields.get(name))
        for name, shape in WHOLE.items():
            fields[name] = {key: value for key, value in (body.get(name) or {}).items() if key in shape.children}
        fields["saved_metrics_ids"] = [{"id": one["saved_metric"], "metadata": one.get("metadata")}
                                       for one in body.get("saved_metrics") or ()]
        fields["holdout_id"] = (body.get("holdout") or {}).get("id", body.get("holdout_id"))
        return {**fields, "state": self._state(body)}

    @staticmethod
    def _state(body: Mapping[str, Any]) -> str:
        if body.get("archived"):
            return "archived"
        if not body.get("start_date"):
            return "draft"
        if body.get("end_date"):
            return "ended"
        return "paused" if (body.get("feature_flag") or {}).get("active") is False else "running"

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """All but the state; nothing null where PostHog wants a list, and metrics of events that are still to come."""
        empty: Fields = {"description": "", "metrics": [], "metrics_secondary": [], "saved_metrics_ids": [],
                         "excluded_variants": [], "tags": [], "parameters": {}}
        wire = {name: empty.get(name) if value is None else value for name, value in fields.items() if name != "state"}
        for name in WHOLE.keys() & wire.keys():
            wire[name] = {key: value for key, value in (wire[name] or {}).items() if value is not None}
        return {**wire, "allow_unknown_events": True} if wire.keys() & {"metrics", "metrics_secondary"} else wire

    def owed(self, want: Want[ExperimentSpec]) -> Iterable[str]:
        """The state, unless it is what it is born with."""
        return (name for name in super().owed(want) if want.get(name) not in (None, "draft"))

    def update(self, live: Live, want: Want[ExperimentSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed, then the calls that lead to the state; an end takes its conclusion along."""
        changed = {change.path.partition(".")[0].partition("[")[0] for change in changes}
        path = steps(str(live.fields.get("state") or "draft"), want.get("state") or "draft") if "state" in changed else ()
        told = {name: want.get(name, live.fields.get(name)) for name in ("conclusion", "conclusion_comment")}
        rest = [c for c in changes if not c.path.startswith("state") and not ("end" in path and c.path in told)]
        if {c.path for c in rest}:
            for call in super().update(live, want, tuple(rest)):
                yield Call(call.method, call.path, self._whole(live, want, call.body), safe=True)
        for step in path:
            yield Call("POST", f"{self.item(live.id)}{step}/", told if step == "end" else {})

    @staticmethod
    def _whole(live: Live, want: Want[ExperimentSpec], body: Fields) -> Fields:
        """Maps laid over what is there; a metric keeps the number that its results hang on."""
        body = dict(body)
        for name in WHOLE.keys() & body.keys():
            body[name] = overlay(live.raw.get(name) or {}, want[name], WHOLE[name]) if want.get(name) else {}
            body[name] = {key: value for key, value in body[name].items() if value is not None}
        for name in {"metrics", "metrics_secondary"} & body.keys():
            held = [*(live.raw.get(name) or ())]
            body[name] = [{**({"uuid": held[n]["uuid"]} if n < len(held) and "uuid" in held[n] else {}), **one}
                          for n, one in enumerate(body[name])]
        return body

    def delete(self, live: Live) -> Iterable[Call]:
        """It is archived, ended first where it runs; a draft is marked as deleted."""
        state = str(live.fields.get("state"))
        if state == "draft":
            yield Call("PATCH", self.item(live.id), {"deleted": True}, safe=True)
        for step in steps(state, "archived") if state != "draft" else ():
            yield Call("POST", f"{self.item(live.id)}{step}/", {})

    def revive(self, live: Live, want: Want[ExperimentSpec], changes: Changes) -> Iterable[Call]:
        """The deletion or the archiving taken back, with what else changed."""
        if live.raw.get("deleted"):
            yield Call("PATCH", self.item(live.id), {"deleted": False}, safe=True)
        if live.owner != want.owner:
            yield from self.claim(live, want)
        moved = any(change.path == "state" for change in changes)
        if live.fields.get("state") == "archived" and not moved and not self.rests(want):
            yield Call("POST", f"{self.item(live.id)}unarchive/", {})
        yield from self.update(live, want, changes)

    # judgement

    def fate(self, live: Live) -> Fate:
        """What has run is archived, with its results; a draft is marked as deleted."""
        if live.fields.get("state") == "draft":
            return Fate("delete", why="marked as deleted: it never ran")
        return Fate("archive", why="ended and archived: its results stay")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse, or forget."""
        state = fields.get("state")
        for name in ("conclusion", "conclusion_comment"):
            if fields.get(name) is not None and "state" in fields and state not in OVER:
                yield name, f"is for an experiment that has ended, and this one is {state or 'draft'}"
        for name in ("metrics", "metrics_secondary"):
            for n, one in enumerate(fields.get(name) or ()):
                if one.get("kind") != "ExperimentMetric":
                    yield f"{name}[{n}].kind", "is ExperimentMetric"
                if one.get("metric_type") not in ("mean", "funnel", "ratio", "retention"):
                    yield f"{name}[{n}].metric_type", "is mean, funnel, ratio or retention"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What its calls mean for people and results, and what the flag must have."""
        live, want = action.live, action.want
        if want is not None and action.op in (Op.CREATE, Op.UPDATE):
            yield from self._flag(want, scene)
        if action.op is Op.DELETE and live is not None and live.fields.get("state") in ("running", "paused"):
            yield Note("it has not ended: its results stop here", refuse=True)
        if want is None or not any(change.path == "state" for change in action.changes):
            return
        old = str(live.fields.get("state")) if live is not None else "draft"
        path = steps(old, want.get("state") or "draft")
        if not path:
            return
        yield Note(", then ".join(path), subject="calls", path="state")
        if {"launch", "resume"} & {*path}:
            yield Note("its flag is switched on: people get their variants", subject="flag", impact=Impact.BEHAVIOURAL)
        if "pause" in path:
            yield Note("its flag is switched off: nobody gets a variant", subject="flag", impact=Impact.BEHAVIOURAL)
        if "reset" in path:
            yield Note("its start, end and conclusion are forgotten, and results begin anew", path="state", refuse=True)

    def _flag(self, want: Want[ExperimentSpec], scene: Scene) -> Iterable[Note]:
        """An existing flag needs two variants, one of them `control`, and is switched by the experiment alone."""
        off = {"running": False, "paused": True}.get(str(want.get("state")))
        for other in scene.actions.values():
            mine = other.want is not None and other.want.get("key") == want.get("feature_flag_key")
            if mine and other.address.kind == self.kin("posthog.feature_flag") and other.want is not None and (
                    off is not None and other.want.get("active") is off):
                yield Note(f"it is {want.get('state')}, and {other.address} says active: {str(off).lower()}: leave that out, "
                           "the state says it", path="state", refuse=True)
        for one in scene.live.get(self.kin("posthog.feature_flag"), ()):
            if one.fields.get("key") == want.get("feature_flag_key") and not one.archived:
                keys = [str(v.get("key")) for v in variants(one.fields.get("filters"))]
                if len(keys) < 2 or "control" not in keys:
                    yield Note("its flag needs two variants, one of them called control", path="feature_flag_key", refuse=True)
