"""posthog.survey: what people are asked in the product, who is asked, and how it looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Named, Permissions, Scene, Shape, Spec, overlay, shape_of
from reconciler.contract.declare import Refer
from reconciler.errors import Missing
from reconciler.model import Action, Call, Changes, Fact, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.posthog import survey_checks, survey_review
from reconciler.vendors.posthog.conditions import Targeting, declared, read, written
from reconciler.vendors.posthog.objects import Described
from reconciler.vendors.posthog.permissions import scopes
from reconciler.vendors.posthog.survey_fields import (
    Appearance,
    Conditions,
    Moment,
    Question,
    Translation,
    asked,
    instant,
    language,
    ours,
    spelled,
    theirs,
)

Count = Annotated[int | None, Field(ge=1)]


class SurveySpec(Spec):
    """The fields of posthog.survey; `start_date` launches it and `end_date` stops it."""

    name: Annotated[Named, Field(min_length=1, max_length=400)] = None
    type: Literal["popover", "widget", "external_survey", "api"]
    description: Annotated[str | None, Impact.COSMETIC] = ""
    questions: list[Question] | None = None
    conditions: Conditions | None = None
    appearance: Annotated[Appearance | None, Impact.COSMETIC] = None
    linked_flag: Annotated[int | None, Link("posthog.feature_flag")] = None
    targeting_flag_filters: Targeting | None = None
    linked_insight_id: int | None = None
    start_date: Annotated[Moment | None, Canonical(instant)] = None
    end_date: Annotated[Moment | None, Canonical(instant)] = None
    archived: bool | None = False
    schedule: Literal["once", "recurring", "always"] | None = "once"
    iteration_count: Annotated[int | None, Field(ge=1, le=500)] = None
    iteration_frequency_days: Annotated[int | None, Field(ge=1, le=365)] = None
    responses_limit: Count = None
    response_sampling_start_date: Annotated[Moment | None, Canonical(instant)] = None
    response_sampling_interval_type: Literal["day", "week", "month"] | None = "week"
    response_sampling_interval: Count = None
    response_sampling_limit: Count = None
    enable_partial_responses: bool | None = False
    enable_iframe_embedding: bool | None = False
    base_language: Annotated[Annotated[str, Field(max_length=20)] | None, Canonical(language)] = "en"
    translations: Annotated[dict[str, Translation] | None, AfterValidator(spelled)] = None


INSIDE: Mapping[str, Shape] = {name: shape for name, shape in shape_of(SurveySpec).children.items()
                               if name in ("questions", "conditions", "appearance", "translations")}
"""Fields that PostHog keeps as JSON and takes whole."""


class Survey(Described[SurveySpec]):
    """What people are asked in the product, who is asked, and how it looks.

    Its name is unique, its description is shown to nobody outside. Whom it is for is a hidden flag that PostHog makes,
    switches and deletes with it. PostHog's `survey.py` does some things that its API document does not tell, so an
    update sends more than what changed: one without `conditions` takes the actions off, one of `iteration_count` alone
    clears the days between, `linked_flag_variant` is refused without the flag, and a limit without its interval.
    """

    name, spec, path, verified = "posthog.survey", SurveySpec, "/surveys", True
    permissions = scopes("survey")

    # reading

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields in our words; flags by number, actions without what PostHog shows of them."""
        fields = super().from_wire(body)
        for name in INSIDE.keys() & fields.keys():
            fields[name] = ours(fields[name], INSIDE[name])
        for each in (fields, *(fields.get("questions") or ())):
            if isinstance(each.get("translations"), dict):
                each["translations"] = {language(key): value for key, value in each["translations"].items()}
        values = ((fields.get("conditions") or {}).get("actions") or {}).get("values")
        if values:
            bare = [{"id": one["id"]} for one in values]
            fields["conditions"] = {**fields["conditions"], "actions": {**fields["conditions"]["actions"], "values": bare}}
        targeting = body.get("targeting_flag") or {}
        return {**fields, "linked_flag": (body.get("linked_flag") or {}).get("id"),
                "targeting_flag_filters": read(targeting.get("filters")) or None}

    def declare(self, live: Live, refer: Refer) -> Fields:
        """The fields as an export gives them: whom it is for by conditions, and no numbers that PostHog gave."""
        fields = super().declare(live, refer)
        for question in fields.get("questions") or ():
            question.pop("id", None)
        filters = fields.get("targeting_flag_filters")
        return fields if not filters else {
            **fields, "targeting_flag_filters": declared(filters, live.fields["targeting_flag_filters"])}

    def needed(self, want: Want[SurveySpec]) -> Permissions:
        """Whoever says whom it is for writes a flag."""
        return scopes("survey", writes=("feature_flag",)) if want.get("targeting_flag_filters") else super().needed(want)

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """Fields as PostHog takes them."""
        wire = {**fields, **{name: theirs(fields[name], INSIDE[name]) for name in INSIDE.keys() & fields.keys()}}
        if "linked_flag" in wire:
            wire["linked_flag_id"] = wire.pop("linked_flag")
        filters = wire.pop("targeting_flag_filters", None)
        return wire if filters is None else {**wire, "targeting_flag_filters": written({}, filters)}

    def update(self, live: Live, want: Want[SurveySpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed and what PostHog needs beside it; JSON is written whole, over what is there."""
        fields = dict(want.fields)
        for name in INSIDE.keys() & fields.keys():
            held = live.fields.get(name)
            if fields[name] is not None and held:
                fields[name] = (asked(held, fields[name]) if name == "questions" else
                                overlay(held, fields[name], INSIDE[name]))
        for call in super().update(live, Want(want.address, fields, want.owner), changes):
            yield replace(call, body=self._needed(live, {**live.fields, **fields}, self._aimed(live, want, call.body, changes)))

    @staticmethod
    def _aimed(live: Live, want: Want[SurveySpec], body: Fields, changes: Changes) -> Fields:
        """Whom it is for, over what its hidden flag has; the flag goes where nothing is wanted of it."""
        if "targeting_flag_filters" in body:
            held = live.fields.get("targeting_flag_filters") or {}
            return {**body, "targeting_flag_filters": written(held, want["targeting_flag_filters"])}
        gone = any(change.path == "targeting_flag_filters" and change.after is None for change in changes)
        return {**body, "remove_targeting_flag": True} if gone else body

    def _needed(self, live: Live, whole: Fields, body: Fields) -> Fields:
        """A body with what PostHog forgets, or refuses to go on without, when an update leaves it out."""
        more: list[str] = []
        conditions = whole.get("conditions") or {}
        if "conditions" not in body and (conditions.get("actions") or {}).get("values"):
            more.append("conditions")
        if ("conditions" in body or more) and conditions.get("linked_flag_variant"):
            more.append("linked_flag")
        if "iteration_count" in body:
            more.append("iteration_frequency_days")
        if body.get("response_sampling_limit"):
            more += ["response_sampling_interval", "response_sampling_start_date"]
        return {**self.to_wire({name: whole.get(name) for name in more}), **body}

    def claim(self, live: Live, want: Want[SurveySpec]) -> Iterable[Call]:
        """One PATCH with the description and our mark."""
        return (replace(call, body=self._needed(live, live.fields, call.body)) for call in super().claim(live, want))

    def release(self, live: Live) -> Iterable[Call]:
        """One PATCH with the description alone."""
        return (replace(call, body=self._needed(live, live.fields, call.body)) for call in super().release(live))

    # judgement

    def fate(self, live: Live) -> Fate:
        """It goes for good, with the flags below it."""
        return Fate("delete", why="it is gone for good, with the hidden flags that say whom it is for; answers stay as events")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse, or take out without a word."""
        return survey_checks.findings(fields)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Who sees it from when on, and what becomes of answers."""
        return survey_review.meaning(action, self, scene)

    def look(self, action: Action) -> Iterable[Fact]:
        """How often one that goes was answered; older servers can't tell."""
        if action.op is not Op.DELETE or action.live is None or not action.live.fields.get("start_date"):
            return
        try:
            counts = self.api.get(f"{self.collection}responses_count/", {"survey_ids": action.live.id})
        except Missing:
            return
        if isinstance(counts, dict):
            count = counts.get(action.live.id, 0)
            yield Fact("nobody" if not count else "once" if count == 1 else f"{count} times", subject="answered")
