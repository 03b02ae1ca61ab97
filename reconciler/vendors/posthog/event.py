"""posthog.event_definition: what an event means, and which properties it should carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from reconciler.contract import Ask, Link, Mark, Named, Output, Replace, Scene, Spec
from reconciler.contract.rest import segment
from reconciler.errors import Denied
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.posthog.objects import FRESH, Tagged, Tags, days_since
from reconciler.vendors.posthog.permissions import scopes
from reconciler.vendors.posthog.taxonomy import at_odds, untouched

GROUPS = "property_groups"
SCHEMAS = "event_schemas"
"""The collection of links between events and property groups."""

OPEN = "links_open"
"""Says beside an event's links that this key may see and write them."""


class EventDefinitionSpec(Spec):
    """The fields of posthog.event_definition; `property_groups` is the set of groups that it is linked to."""

    name: Annotated[Named, Field(min_length=1, max_length=400), Mark.IMMUTABLE] = None
    description: Annotated[str | None, Impact.COSMETIC] = ""
    owner: Annotated[int | None, Impact.COSMETIC] = None
    tags: Tags = None
    verified: Annotated[bool | None, Impact.COSMETIC] = False
    hidden: Annotated[bool | None, Impact.COSMETIC] = False
    default_columns: Annotated[list[str] | None, Impact.COSMETIC] = None
    primary_property: Annotated[str | None, Field(min_length=1, max_length=400), Impact.COSMETIC] = None
    enforcement_mode: Literal["allow", "reject"] | None = "allow"
    property_groups: Annotated[list[Annotated[str, Link("posthog.schema_property_group")]] | None, Mark.UNORDERED] = None


@dataclass(frozen=True, slots=True)
class Links:
    """The id of each link by event and group; `open` says that this key may write them."""

    ids: Mapping[str, Mapping[str, str]]
    open: bool = True

    def beside(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A definition with its links."""
        return {**body, GROUPS: self.ids.get(str(body["id"]), {}), OPEN: self.open}


class EventDefinition(Tagged[EventDefinitionSpec]):
    """What an event means, and which properties it should carry.

    It may be declared before the first event comes in; one that came in and that nobody has described is taken as it
    is. A read of a single definition writes to PostHog's own tables (its `event_definition.py` makes the row that holds
    the description), so all are listed, and one alone is read only before it is written. Links to groups are objects of
    their own, listed only where an entry manages them; in PostHog's `event_schema.py` no scope of a personal key opens
    them, so where they are refused the groups tell what is linked, and changes are blocked.
    """

    name, spec, path, replace = "posthog.event_definition", EventDefinitionSpec, "/event_definitions", Replace.CREATE_FIRST
    permissions = scopes("event_definition")
    query: ClassVar[Mapping[str, Any]] = {"ordering": "name"}
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "name": Output(foretold="name")}
    later = (GROUPS,)

    # reading

    def bodies(self, ask: Ask) -> Iterable[Mapping[str, Any]]:
        """Every definition, with its links where they matter and can be seen."""
        said = self._links(ask)
        for body in super().bodies(ask):
            yield body if said is None else said.beside(body)

    def _links(self, ask: Ask) -> Links | None:
        """The links where they are asked for; None where nobody asks, or an export may not see them."""
        if any(GROUPS in want.fields for want in ask.wants):
            return self._linked({})
        try:
            return self._linked({}) if ask.everything else None
        except Denied:
            return None

    def _linked(self, of: Mapping[str, str]) -> Links:
        """Links with their ids; where a key may not see them, the groups still tell which there are."""
        found: dict[str, dict[str, str]] = {}
        try:
            for one in self.api.pages(self.beside(SCHEMAS), of):
                found.setdefault(str(one["event_definition"]), {})[str(one["property_group"]["id"])] = str(one["id"])
        except Denied:
            for group in self.api.pages(self.beside("schema_property_groups")):
                for event in group["events"]:
                    found.setdefault(str(event["id"]), {})[str(group["id"])] = ""
            return Links(found, open=False)
        return Links(found)

    def get(self, id: str) -> Live | None:
        """One definition with its links, where a key may see them."""
        body = self.api.find(self.item(id))
        if body is None:
            return None
        try:
            return self.live(self._linked({"event_definition": id}).beside(body))
        except Denied:
            return self.live(body)

    def live(self, body: Mapping[str, Any]) -> Live:
        """A definition; one that came in by itself and says nothing is PostHog's own."""
        return replace(super().live(body), by_vendor=body.get("created_at") is not None and untouched(
            body, "owner", "default_columns", "primary_property", GROUPS) and body.get("enforcement_mode") != "reject")

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields; the owner as the number that is written."""
        fields = super().from_wire(body)
        if isinstance(fields.get("owner"), dict):
            fields["owner"] = fields["owner"].get("id")
        return {**fields, GROUPS: sorted(body[GROUPS])} if GROUPS in body else fields

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """The definition's own fields, lists never null."""
        wire = {name: value for name, value in fields.items() if name != GROUPS}
        return {name: value or [] if name in ("tags", "default_columns") else value for name, value in wire.items()}

    def update(self, live: Live, want: Want[EventDefinitionSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed, then one request for each link that comes or goes."""
        own = tuple(change for change in changes if not change.path.startswith(GROUPS))
        if own:
            yield from super().update(live, want, own)
        if len(own) < len(changes):
            yield from self._relinked(live, want)

    def _relinked(self, live: Live, want: Want[EventDefinitionSpec]) -> Iterator[Call]:
        held: Mapping[str, str] = (live.raw or {}).get(GROUPS, {})
        wanted = list(dict.fromkeys(want.get(GROUPS) or ()))
        for group in wanted:
            if group not in held:
                yield Call("POST", self.beside(SCHEMAS), {"event_definition": live.id, "property_group_id": group})
        for group, link in sorted(held.items()):
            if group not in wanted and link:
                yield Call("DELETE", f"{self.beside(SCHEMAS)}{segment(link)}/", safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """The next event of this name brings it back, undescribed."""
        return Fate("delete", why="comes back with the next event of this name, without what is written here")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse."""
        yield from at_odds(fields, "an event")

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Whether events of this name still come in, and what is kept out from now on."""
        changed = {change.path.partition("[")[0]: change.after for change in action.changes}
        if changed.get("enforcement_mode") == "reject":
            yield Note("PostHog drops events of this name that do not fit their property groups", subject="enforcement",
                       path="enforcement_mode", impact=Impact.BEHAVIOURAL)
        if changed.get("hidden") and action.live is not None and action.live.fields.get("verified"):
            yield Note("no longer verified: a hidden event can't be", path="hidden")
        if GROUPS in changed and action.live is not None and action.live.raw.get(OPEN) is False:
            yield Note("this key may not write links between events and groups: link them in PostHog's own pages", path=GROUPS,
                       refuse=True)
        if action.live is not None and action.op in (Op.DELETE, Op.REPLACE):
            yield from self._leaving(action, action.live)

    def _leaving(self, action: Action, live: Live) -> Iterable[Note]:
        """What goes with a name, and who still uses it."""
        name = live.fields.get("name")
        if action.op is Op.REPLACE:
            yield Note(f"charts, cohorts and actions of {name} stay with that name, and so does what came in under it",
                       subject="renamed", path="name")
        days = days_since(live.raw.get("last_seen_at"), self.api.clock.now())
        if days is None or days >= FRESH:
            return
        seen = "today" if days < 1 else f"{days:.0f} days ago"
        then = "whoever sends it has to send the new name" if action.op is Op.REPLACE else "it will be back, undescribed"
        yield Note(f"{name} last came in {seen}: {then}", subject="traffic", impact=Impact.BEHAVIOURAL)
