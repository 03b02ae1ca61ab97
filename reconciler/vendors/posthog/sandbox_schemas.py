"""The sandbox's property groups, and their links to events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.property_group import EITHER, FITTING, WORDS
from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, string

ROW: Mapping[str, Any] = {"name": "", "property_type": "", "is_required": False, "is_optional_in_types": False,
                          "validation_rules": None, "description": ""}
"""A property of a group, with its defaults."""


class PropertyGroups(Collection):
    """Property groups of one project."""

    noun = "schema_property_groups"
    soft = False
    required = ("name",)
    fields: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "properties": []}

    def mint(self) -> str:
        """A UUID."""
        return f"018f0000-0000-7000-9000-{super().mint():012x}"

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """By name."""
        return sorted(super().listed(query), key=lambda body: str(body["name"]))

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request; all rows are new ones."""
        kept = super().kept(given, before)
        string(given, "name", 400)
        string(given, "description", 100_000)
        mine = before["id"] if before is not None else None
        if any(one["name"] == given.get("name") and one["id"] != mine for one in self.held().values()):
            raise Complaint("A property group with this name already exists for this team", attr="name")
        if "properties" in given:
            if not isinstance(given["properties"], list):
                raise Complaint("Expected a list of items.", code="not_a_list", attr="properties")
            kept["properties"] = [self._row(one) for one in given["properties"]]
            names = [one["name"] for one in kept["properties"]]
            for name in names:
                if names.count(name) > 1:
                    raise Complaint(f"A property named '{name}' already exists in this group", attr="properties")
        return kept

    def _row(self, given: Body) -> Body:
        name = str(given.get("name") or "").strip()
        if not name or len(name) > 200:
            raise Complaint("Property name is required" if not name else "Property name must be 200 characters or less",
                            attr="properties")
        for field in ("is_required", "is_optional_in_types"):
            boolean(given, field)
        string(given, "description", 100_000)
        type, rules = given.get("property_type"), given.get("validation_rules") or {}
        if type not in ("String", "Numeric", "Boolean", "DateTime", "Object"):
            raise Complaint(f'"{type}" is not a valid choice.', code="invalid_choice", attr="properties")
        fitting = {WORDS.get(name, name) for name in FITTING.get(str(type), ())}
        if rules.keys() - fitting or any({WORDS.get(one, one) for one in pair} <= rules.keys() for pair in EITHER):
            raise Complaint(f"Validation rules are not supported for {type} properties", attr="validation_rules")
        rows = super().mint()
        return {"id": f"018f0000-0000-7000-a000-{rows:012x}", **{k: given.get(k, v) for k, v in ROW.items()}, "name": name,
                "created_at": self.now(), "updated_at": self.now()}

    def deleted(self, held: Body) -> None:
        """Its links go with it."""
        links = self.other("event_schemas").held()
        for id in [id for id, one in links.items() if one["property_group_id"] == held["id"]]:
            del links[id]
        super().deleted(held)

    def shown(self, body: Body) -> Body:
        """A group as answers show it: with the events that carry it."""
        events = self.other("event_definitions").held()
        used = [events[one["event_definition"]] for one in self.other("event_schemas").held().values()
                if one["property_group_id"] == body["id"]]
        used.sort(key=lambda one: str(one["name"]).lower())
        return {**body, "events": [{"id": one["id"], "name": one["name"]} for one in used]}


class EventSchemas(Collection):
    """Links between events and property groups of one project."""

    noun = "event_schemas"
    soft = False
    required = ("event_definition", "property_group_id")
    fields: ClassVar[Mapping[str, Any]] = {"event_definition": "", "property_group_id": ""}

    def mint(self) -> str:
        """A UUID."""
        return f"018f0000-0000-7000-b000-{super().mint():012x}"

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """All links, or those of one event."""
        event = query.get("event_definition")
        return [one for one in super().listed({}) if event in (None, one["event_definition"])]

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request: both ends are there, and were not linked yet."""
        for name, noun in (("event_definition", "event_definitions"), ("property_group_id", "schema_property_groups")):
            if given.get(name) not in self.other(noun).held():
                raise Complaint(f'Invalid pk "{given.get(name)}" - object does not exist.', code="does_not_exist", attr=name)
        kept = super().kept(given, before)
        if any(all(one[name] == kept[name] for name in self.fields) for one in self.held().values()):
            raise Complaint("Property group is already added to this event schema")
        return kept

    def shown(self, body: Body) -> Body:
        """A link as answers show it: with the whole group."""
        groups = self.other("schema_property_groups")
        rest = {name: value for name, value in body.items() if name not in ("property_group_id", "created_by")}
        group = groups.shown(groups.find(str(body["property_group_id"])))
        return {**rest, "property_group": group, "updated_at": rest["created_at"]}
