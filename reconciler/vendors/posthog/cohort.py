"""posthog.cohort: a named set of people, by conditions or as a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from reconciler.contract import Mark, Named, Output, Replace, Scene, Spec
from reconciler.contract.declare import Refer
from reconciler.model import Action, Call, Change, Changes, Fields, Impact, Live, Note, Op, Want, refs_in
from reconciler.vendors.posthog import cohort_filters
from reconciler.vendors.posthog.cohort_filters import CohortFilters, behavioural, declared, read, written
from reconciler.vendors.posthog.conditions import conditions
from reconciler.vendors.posthog.objects import ROOM, Described, SoftDeleted
from reconciler.vendors.posthog.permissions import scopes

LONGEST = 1000


class CohortSpec(Spec):
    """The fields of posthog.cohort; a static one has a list of people, or a query that fills it once."""

    name: Annotated[Named, Field(min_length=1, max_length=400)] = None
    description: Annotated[str | None, Field(max_length=LONGEST - ROOM), Impact.COSMETIC] = ""
    filters: CohortFilters | None = None
    is_static: Annotated[bool | None, Mark.IMMUTABLE] = False
    query: dict[str, Any] | None = None


class Cohort(SoftDeleted[CohortSpec], Described[CohortSpec]):
    """A named set of people, by conditions or as a list.

    Its name is not unique. Every update of one with conditions, even of its name, makes PostHog count it anew. What
    once filled a static one can't be edited, so a change of that makes another cohort, which is filled from nothing.
    """

    name, spec, path, replace = "posthog.cohort", CohortSpec, "/cohorts", Replace.CREATE_FIRST
    permissions = scopes("cohort")
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output()}

    # reading

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, conditions without what PostHog works out of them."""
        fields = super().from_wire(body)
        return {**fields, "filters": read(fields["filters"])} if "filters" in fields else fields

    def declare(self, live: Live, refer: Refer) -> Fields:
        """The fields as an export gives them."""
        fields = super().declare(live, refer)
        return {**fields, "filters": declared(fields["filters"], live.fields["filters"])} if fields.get("filters") else fields

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """A cleared description is an empty text."""
        wire = dict(fields)
        if wire.get("filters") is not None:
            wire["filters"] = written(None, wire["filters"])
        if "description" in wire:
            wire["description"] = wire["description"] or ""
        return wire

    def update(self, live: Live, want: Want[CohortSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; conditions are written whole, over what is there."""
        for call in super().update(live, want, changes):
            body = dict(call.body)
            if body.get("filters") is not None:
                body["filters"] = written(live.fields.get("filters"), want["filters"])
            yield Call(call.method, call.path, body, safe=True)

    # judgement

    def forces(self, live: Live, want: Want[CohortSpec], change: Change) -> bool:
        """What filled a static cohort can't be edited."""
        filled = change.path.partition(".")[0] in ("filters", "query")
        return change.replaces or (filled and live.fields.get("is_static") is True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse."""
        if isinstance(fields.get("filters"), dict):
            yield from cohort_filters.findings(fields["filters"])
        query = fields.get("query")
        if query is not None and fields.get("is_static") is not True:
            yield "query", "fills a static cohort: write is_static: true beside it"
        if query is not None and query.get("kind") not in ("ActorsQuery", "HogQLQuery"):
            yield "query.kind", "is ActorsQuery or HogQLQuery"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """When it is counted anew, who uses it, and what can't be undone."""
        live = action.live
        if action.op is Op.UPDATE and live is not None and live.fields.get("is_static") is not True:
            yield Note("PostHog counts it anew; its flags keep pointing at it", subject="recalculated")
        if action.op is Op.REPLACE and live is not None and live.fields.get("is_static") is True:
            yield Note("its list of people goes with the old cohort, and the new one is filled from nothing", refuse=True)
        flags = self._flags(action, scene)
        if flags and action.op in (Op.UPDATE, Op.REPLACE) and any(c.path.startswith("filters") for c in action.changes):
            yield Note(f"who gets {', '.join(flags)} changes with it", subject="flags", impact=Impact.BEHAVIOURAL)
        wanted = action.want.get("filters") if action.want is not None else None
        if flags and wanted is not None and behavioural(wanted):
            yield Note(f"{', '.join(flags)} can't be decided by what people did: PostHog takes no such cohort in a flag",
                       path="filters", refuse=True)
        if action.op is Op.DELETE:
            staying = self._staying(action, scene)
            if staying:
                yield Note(f"{', '.join(staying)} still {'uses' if len(staying) == 1 else 'use'} it", refuse=True)

    def _flags(self, action: Action, scene: Scene) -> tuple[str, ...]:
        """The keys of flags that point at this cohort, or will."""
        kind = self.kin("posthog.feature_flag")
        found = {str(one.fields.get("key")) for one in scene.live.get(kind, ())
                 if action.live is not None and not one.archived and self._points(one.fields, action.live)}
        for other in scene.actions.values():
            if other.address.kind == kind and other.resource is not None and any(
                    ref.address == action.address for ref in refs_in(other.resource.fields)):
                found.add(str(other.resource.fields.get("key")))
        return tuple(sorted(found))

    def _staying(self, action: Action, scene: Scene) -> tuple[str, ...]:
        """Active flags and other cohorts that point at it, and that this plan leaves as they are."""
        assert action.live is not None
        moving = {(other.address.kind, other.live.id) for other in scene.actions.values()
                  if other.live is not None and other.acts}
        flag = self.kin("posthog.feature_flag")
        flags = [f"flag {one.fields.get('key')}" for one in scene.live.get(flag, ())
                 if not one.archived and one.fields.get("active") is not False and (flag, one.id) not in moving
                 and self._points(one.fields, action.live)]
        cohorts = [f"cohort {one.fields.get('name')}" for one in scene.live.get(self.bound, ())
                   if not one.archived and (self.bound, one.id) not in moving and one.id != action.live.id
                   and any(leaf.get("type") == "cohort" and str(leaf.get("value")) == action.live.id
                           for leaf in cohort_filters.leaves((one.fields.get("filters") or {}).get("properties")))]
        return tuple(sorted([*flags, *cohorts]))

    @staticmethod
    def _points(flag: Fields, live: Live) -> bool:
        held = (one.get("value") for one in conditions(flag.get("filters")) if one.get("type") == "cohort")
        return any(live.id in map(str, value if isinstance(value, list) else [value]) for value in held)
