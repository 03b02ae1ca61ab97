"""The sandbox's dashboards: names that are not unique, lists that show less, soft deletion that hides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, string, tags

BASIC = ("id", "name", "description", "pinned", "created_at", "created_by", "deleted", "tags", "restriction_level")
"""What a list shows of what is kept."""

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "restriction_level": (21, 37), "grid_spacing": ("tight", "condensed", "standard", "relaxed", "wide"),
    "layout_compaction": ("vertical", "horizontal", "stable")}


class Dashboards(Collection):
    """Dashboards of one project."""

    noun = "dashboards"
    fields: ClassVar[Mapping[str, Any]] = {
        "name": None, "description": "", "pinned": False, "tags": [], "restriction_level": 21, "filters": {}, "deleted": False,
        "breakdown_colors": [], "data_color_theme_id": None, "quick_filter_ids": [], "grid_spacing": "standard",
        "layout_compaction": "vertical"}

    def visible(self, body: Body) -> bool:
        """Deleted ones answer 404."""
        return not body["deleted"]

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        string(given, "name", 400, null=True)
        string(given, "description", 100_000)
        boolean(given, "pinned")
        boolean(given, "deleted")
        for name, choices in CHOICES.items():
            if given.get(name, choices[0]) not in choices:
                raise Complaint(f'"{given[name]}" is not a valid choice.', code="invalid_choice", attr=name)
        if not isinstance(given.get("filters", {}), dict):
            raise Complaint("Filters must be a dictionary", attr="filters")
        if not given.get("filters"):
            kept.pop("filters", None)
        for one in given.get("breakdown_colors") or ():
            token = one.get("colorToken", "")
            if not one.get("breakdownValue") or (token is not None and not re.fullmatch(r"preset-[1-9][0-9]*", token)):
                raise Complaint("Not a color of the palette.", attr="breakdown_colors")
        if "tags" in given:
            kept["tags"] = tags(given, self.box)
        return kept

    def brief(self, body: Body) -> Body:
        """A dashboard as lists show it."""
        version = "v1" if body["restriction_level"] > CHOICES["restriction_level"][0] else "v2"
        return {**{name: body[name] for name in BASIC}, "last_accessed_at": None, "last_viewed_at": None, "is_shared": False,
                "creation_mode": "default", "effective_restriction_level": 21, "effective_privilege_level": 37,
                "user_access_level": "editor", "access_control_version": version, "last_refresh": None, "team_id": 1}

    def shown(self, body: Body) -> Body:
        """A dashboard as a direct answer shows it."""
        return {**self.brief(body), **body, "variables": {}, "persisted_filters": body["filters"] or None,
                "persisted_variables": None, "tiles": []}
