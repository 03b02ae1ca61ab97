"""posthog.property_definition: what a property of events, people, groups or sessions means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Ask, Mark, Named, Scene, Spec
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Unseen, Want, has_token
from reconciler.vendors.posthog.objects import PostHogKind, Tags, names
from reconciler.vendors.posthog.permissions import scopes
from reconciler.vendors.posthog.taxonomy import at_odds, untouched

TYPES = ("event", "person", "session")
GROUP_TYPES = 5
"""How many sorts of groups a project may have."""

BUILTIN = "$builtin_"
"""How the ids of rows begin that PostHog adds to lists and keeps nowhere."""

UNLISTED = frozenset({"distinct_id", "$set", "$set_once", "$initial_referrer", "$initial_referring_domain", "$groups",
                      "$group_type", "$group_key", "$group_set", *(f"$group_{n}" for n in range(GROUP_TYPES))})
"""Properties of events that PostHog leaves out of every list (its `property_definition_api.py`)."""

AT_ONCE = 100
LONGEST = 4000
"""Names, and their characters, that are asked for in one request."""

IDENTITY = ("name", "type", "group_type_index")

Where = tuple[str, int | None]
"""The type of a property and, of a group's, which sort of group."""

Names = list[str]


class PropertyDefinitionSpec(Spec):
    """The fields of posthog.property_definition."""

    name: Annotated[Named, Field(min_length=1, max_length=400)] = None
    type: Annotated[Literal["event", "person", "group", "session"], Mark.IDENTITY] = "event"
    group_type_index: Annotated[int | None, Field(ge=0, lt=GROUP_TYPES)] = None
    property_type: Literal["DateTime", "String", "Numeric", "Boolean", "Duration"] | None = None
    description: Annotated[str | None, Impact.COSMETIC] = ""
    tags: Tags = None
    verified: Annotated[bool | None, Impact.COSMETIC] = False
    hidden: Annotated[bool | None, Impact.COSMETIC] = False


class PropertyDefinition(PostHogKind[PropertyDefinitionSpec]):
    """What a property of events, people, groups or sessions means.

    Nobody can make one: it is there once PostHog saw the property, and until then its entry waits. It carries no mark,
    because letting it go sends nothing. PostHog's answers don't tell its type, only the question does, and a read of a
    single one writes to PostHog's own tables: so each is found by type and name (`event/plan`, `person/plan`,
    `group.0/seats`). Without the taxonomy feature PostHog changes nothing but `property_type`, and refuses the rest (its
    `property_definition_api.py`).
    """

    name, spec, path = "posthog.property_definition", PropertyDefinitionSpec, "/property_definitions"
    permissions = scopes("property_definition")
    creatable, room, verified = False, False, True
    waits = "waiting for the first event"

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The properties that are asked for, by name; in an export all that there are."""
        for where, asked in self._asked(ask).items():
            for body in self._listed(where, asked):
                yield self._shown(where, body)

    def _asked(self, ask: Ask) -> Mapping[Where, Names | None]:
        """The names wanted of each type; None for all of them."""
        if ask.everything:
            return {**{(type, None): None for type in TYPES}, **{("group", n): None for n in range(GROUP_TYPES)}}
        found: dict[Where, set[str]] = {}
        for want in ask.wants:
            where = (want.get("type", "event"), want.get("group_type_index"))
            found.setdefault(where, set()).add(str(want.get("name")))
        for id in ask.ids:
            where, name = _meant(id)
            found.setdefault(where, set()).add(name)
        return {where: sorted(asked) for where, asked in sorted(found.items(), key=str)}

    def _listed(self, where: Where, asked: Names | None) -> Iterator[Mapping[str, Any]]:
        query: Fields = {"type": where[0], **({} if where[1] is None else {"group_type_index": where[1]})}
        whole = asked is None or any("," in name for name in asked)
        for some in [None] if whole else _portions(asked or []):
            more = {} if some is None else {"properties": ",".join(some)}
            for body in self.api.pages(self.collection, {**query, **more}):
                if not str(body["id"]).startswith(BUILTIN):
                    yield body

    def get(self, id: str) -> Live | None:
        """One property, as a list of its name shows it."""
        where, name = _meant(id)
        return next((self._shown(where, body) for body in self._listed(where, [name]) if body["name"] == name), None)

    def _shown(self, where: Where, body: Mapping[str, Any]) -> Live:
        type, index = where
        handle = f"{type}/{body['name']}" if index is None else f"{type}.{index}/{body['name']}"
        found = self.live({**body, "type": type, "group_type_index": index})
        return replace(found, id=handle, outputs={"id": handle}, by_vendor=untouched(body))

    def read(self, answer: Any) -> Live | None:
        """An answer never tells the type."""
        return None

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields; an empty type of values is none."""
        fields = super().from_wire(body)
        return {**fields, "tags": names(fields.get("tags")), "property_type": fields.get("property_type") or None}

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        """Type and name, and which sort of group."""
        name = fields.get("name")
        return None if name is None or has_token(name) else (
            fields.get("type", "event"), fields.get("group_type_index"), name)

    # writing

    def create(self, want: Want[PropertyDefinitionSpec]) -> Call:
        """Never called: PostHog has no such request."""
        raise RuntimeError(f"{self.bound} is made by PostHog alone")

    def update(self, live: Live, want: Want[PropertyDefinitionSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; which property it is can't."""
        body = self.cleared(self.changed(want, tuple(change for change in changes if change.path not in IDENTITY)))
        if body:
            body |= {"tags": body["tags"] or []} if "tags" in body else {}
            yield Call("PATCH", self.item(str(live.raw["id"])), body, safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """It stays as it is."""
        return Fate("release", why="the property and what is written of it stay")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse, or never show."""
        yield from at_odds(fields, "a property")
        type = fields.get("type", "event")
        if (type == "group") != (fields.get("group_type_index") is not None):
            yield "group_type_index", ("a property of groups needs the number of its group type" if type == "group" else
                                       f"goes with type: group, not with {type}")
        if type == "event" and fields.get("name") in UNLISTED:
            yield "name", "PostHog keeps this property to itself and never lists it"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Which property an entry means can't be edited."""
        for change in action.changes:
            if change.path in IDENTITY and action.live is not None:
                yield Note("another property needs an entry of its own: give it another entry name", path=change.path,
                           refuse=True)


def _meant(id: str) -> tuple[Where, str]:
    """The type and name that a handle stands for."""
    where, slash, name = id.partition("/")
    type, _, index = where.partition(".")
    return ((type, int(index) if index.isdigit() else None), name) if slash else (("event", None), id)


def _portions(asked: Names) -> Iterator[Names]:
    """Names in portions that one request can ask for."""
    some: Names = []
    for name in asked:
        if some and (len(some) == AT_ONCE or sum(map(len, some)) + len(name) > LONGEST):
            yield some
            some = []
        some.append(name)
    if some:
        yield some
