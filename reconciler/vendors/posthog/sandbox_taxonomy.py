"""The sandbox's definitions of events and properties: what comes in defines itself, people only describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.sandbox_collection import SOMEBODY, Body, Collection, Complaint, boolean, string, tags, whole

BUILTIN: Mapping[str, str] = {"person": "$virt_initial_channel_type", "group": "$virt_revenue"}
"""A property that PostHog adds to the lists of this type and keeps nowhere."""


class Definitions(Collection):
    """What the definitions of events and of properties have in common."""

    soft = False
    dated = False
    what: ClassVar[str]

    def mint(self) -> str:
        """A UUID."""
        return f"018f0000-0000-7000-8000-{super().mint():012x}"

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request; hidden and verified exclude one another."""
        kept = super().kept(given, before)
        boolean(given, "verified")
        boolean(given, "hidden")
        string(given, "description", 10_000, null=True)
        if given.get("verified") and given.get("hidden"):
            raise Complaint(f"{self.what} cannot be both hidden and verified")
        if given.get("hidden"):
            kept["verified"] = False
        elif given.get("verified"):
            kept["hidden"] = False
        if "tags" in given:
            kept["tags"] = tags(given, self.box)
        return kept


class EventDefinitions(Definitions):
    """Event definitions of one project."""

    noun, what = "event_definitions", "An event"
    required = ("name",)
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "description": "", "owner": None, "tags": [], "verified": False, "hidden": False, "default_columns": [],
        "primary_property": None, "enforcement_mode": "allow", "created_at": None, "last_seen_at": None}

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """By name, or as they came in last."""
        key = "name" if query.get("ordering") == "name" else "last_seen_at"
        return sorted(super().listed(query), key=lambda body: str(body[key] or ""))

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request; a name is never changed, times come with events."""
        given = {name: value for name, value in given.items() if name not in ("created_at", "last_seen_at")}
        if before is not None:
            given.pop("name", None)
        elif any(one["name"] == given.get("name") for one in self.held().values()):
            raise Complaint(f"Event definition with name '{given['name']}' already exists", attr="name")
        kept = super().kept(given, before)
        string(given, "name", 400)
        string(given, "primary_property", 400, null=True)
        if given.get("primary_property") == "":
            raise Complaint("This field may not be blank.", code="blank", attr="primary_property")
        if given.get("enforcement_mode", "allow") not in ("allow", "reject"):
            raise Complaint("Not a valid choice.", code="invalid_choice", attr="enforcement_mode")
        if not isinstance(given.get("default_columns", []), list):
            raise Complaint("Expected a list of items.", code="not_a_list", attr="default_columns")
        return kept

    def deleted(self, held: Body) -> None:
        """Its links go with it."""
        links = self.other("event_schemas").held()
        for id in [id for id, one in links.items() if one["event_definition"] == held["id"]]:
            del links[id]
        super().deleted(held)

    def seen(self, name: str) -> None:
        """An event of this name came in."""
        found = next((one for one in self.held().values() if one["name"] == name), None) or self.made({"name": name})
        found["created_at"] = found["created_at"] or self.now()
        found["last_seen_at"] = self.now()

    def shown(self, body: Body) -> Body:
        """A definition as answers show it: its owner as a person."""
        return {**body, "owner": {**SOMEBODY, "id": body["owner"]} if body["owner"] is not None else None, "is_action": False,
                "action_id": None, "created_by": None, "updated_by": SOMEBODY, "post_to_slack": False}


class PropertyDefinitions(Definitions):
    """Property definitions of one project; `type` is kept and never shown."""

    noun, what = "property_definitions", "A property"
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "description": "", "tags": [], "verified": False, "hidden": False, "property_type": None,
        "type": "event", "group_type_index": None}

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """Those of one type, by name; at the end what PostHog adds."""
        type, index, some = query.get("type", "event"), query.get("group_type_index"), query.get("properties")
        asked = set(some.split(",")) if some else None
        found = [one for one in self.held().values() if one["type"] == type and (asked is None or one["name"] in asked)
                 and (index is None or one["group_type_index"] == whole(query, "group_type_index", 0))]
        added = [BUILTIN[type]] if type in BUILTIN and (asked is None or BUILTIN[type] in asked) else []
        return [*sorted(found, key=lambda one: str(one["name"])), *(
            {"id": f"$builtin_{name}", "name": name, "property_type": "String", "tags": [], "virtual": True} for name in added)]

    def made(self, given: Body) -> Body:
        """Nobody can make one."""
        raise self.not_allowed("POST")

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request: neither the name nor the type."""
        if given.get("property_type") not in (None, "", "DateTime", "String", "Numeric", "Boolean", "Duration"):
            raise Complaint(f'"{given["property_type"]}" is not a valid choice.', code="invalid_choice", attr="property_type")
        return super().kept({k: v for k, v in given.items() if k not in ("name", "type", "group_type_index")}, before)

    def seen(self, name: str, value: Any, type: str = "event", index: int | None = None) -> None:
        """A property came in; the first value tells its type."""
        if any((one["name"], one["type"], one["group_type_index"]) == (name, type, index) for one in self.held().values()):
            return
        kind = ("Boolean" if isinstance(value, bool) else "Numeric" if isinstance(value, (int, float)) else
                "String" if isinstance(value, str) else None)
        fresh = {"id": self.mint(), **self.fields, "tags": [], "name": name, "type": type, "group_type_index": index,
                 "property_type": kind}
        self.held()[fresh["id"]] = fresh

    def shown(self, body: Body) -> Body:
        """A property as answers show it: without its type."""
        rest = {name: value for name, value in body.items() if name not in ("type", "group_type_index")}
        return {**rest, "is_numerical": body["property_type"] == "Numeric", "is_seen_on_filtered_events": None}
