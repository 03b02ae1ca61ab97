"""posthog.dashboard: a page of charts, without the charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Ask, Canonical, Named, Spec
from reconciler.errors import Missing
from reconciler.model import Fate, Fields, Impact, Live
from reconciler.vendors.posthog.objects import SoftDeleted, Tagged, Tags
from reconciler.vendors.posthog.permissions import scopes

WORDS = {"breakdown_value": "breakdownValue", "color_token": "colorToken", "breakdown_type": "breakdownType",
         "breakdown_property": "breakdownProperty", "source": "source"}
"""The fields of a colour as PostHog writes them."""

UNLISTED = frozenset({"filters", "breakdown_colors", "data_color_theme_id", "quick_filter_ids", "grid_spacing",
                      "layout_compaction"})
"""Fields that only a read of one dashboard shows."""


NO_FILTERS: Fields = {"date_from": None, "date_to": None, "properties": None}
"""What clears filters: PostHog passes over an empty map (its `dashboard.py`)."""


def _some(value: Any) -> Any:
    return value or None


def _filters(value: Any) -> Any:
    """Filters without what they leave open."""
    return {name: one for name, one in value.items() if one is not None} or None if isinstance(value, dict) else value


class BreakdownColor(Spec):
    """The colour of one value, in all charts that break down by it."""

    breakdown_value: str
    color_token: Annotated[str, Field(pattern=r"^preset-[1-9][0-9]*$")] | None
    breakdown_type: str | None = None
    breakdown_property: str | None = None
    source: Literal["auto", "manual"] | None = None


class DashboardSpec(Spec):
    """The fields of posthog.dashboard; `restriction_level` is 21 (everyone edits) or 37 (only who is invited)."""

    name: Annotated[Named, Field(min_length=1, max_length=400)] = None
    description: Annotated[str | None, Impact.COSMETIC] = ""
    pinned: Annotated[bool | None, Impact.COSMETIC] = False
    tags: Tags = None
    restriction_level: Literal[21, 37] | None = 21
    filters: Annotated[dict[str, Any] | None, Canonical(_filters)] = None
    breakdown_colors: Annotated[list[BreakdownColor] | None, Canonical(_some), Impact.COSMETIC] = None
    data_color_theme_id: Annotated[int | None, Impact.COSMETIC] = None
    quick_filter_ids: Annotated[list[str] | None, Canonical(_some)] = None
    grid_spacing: Annotated[Literal["tight", "condensed", "standard", "relaxed", "wide"] | None, Impact.COSMETIC] = "standard"
    layout_compaction: Annotated[Literal["vertical", "horizontal", "stable"] | None, Impact.COSMETIC] = "vertical"


class Dashboard(SoftDeleted[DashboardSpec], Tagged[DashboardSpec]):
    """A page of charts, without the charts: tiles are made and moved in PostHog's own pages, and left alone.

    Its name is not unique. Lists lack its filters, colours and layout, so a dashboard whose entry gives one of them is
    read once more by itself, which PostHog notes as a visit. One that is deleted answers 404, where a flag still shows.
    An empty map of filters is passed over, so they are cleared one by one (all in PostHog's `dashboard.py`).
    """

    name, spec, path = "posthog.dashboard", DashboardSpec, "/dashboards"
    permissions = scopes("dashboard")

    # reading

    def bodies(self, ask: Ask) -> Iterable[Mapping[str, Any]]:
        """Every dashboard; whole where somebody asks for what lists lack."""
        asked = [want for want in ask.wants if UNLISTED & want.fields.keys()]
        names = {want.get("name") or want.address.name for want in asked}
        for body in super().bodies(ask):
            if not ask.everything and body["name"] not in names and not (asked and str(body["id"]) in ask.ids):
                yield body
                continue
            try:
                yield self.api.get(self.item(str(body["id"])))
            except Missing:
                continue

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, colours in our words."""
        fields = super().from_wire(body)
        if fields.get("breakdown_colors"):
            fields = {**fields, "breakdown_colors": [
                {ours: one.get(theirs) for ours, theirs in WORDS.items()} for one in fields["breakdown_colors"]]}
        return fields

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """Nothing null where PostHog wants a text, a list or a map; colours in its words."""
        empty: Fields = {"description": "", "pinned": False, "tags": [], "restriction_level": 21, "filters": {},
                         "breakdown_colors": [], "quick_filter_ids": [], "grid_spacing": "standard",
                         "layout_compaction": "vertical"}
        wire = {name: empty.get(name) if value is None else value for name, value in fields.items()}
        if "breakdown_colors" in wire:
            wire["breakdown_colors"] = [_written(one) for one in fields["breakdown_colors"] or ()]
        if "filters" in wire and _filters(wire["filters"]) is None:
            wire["filters"] = NO_FILTERS
        return wire

    # judgement

    def fate(self, live: Live) -> Fate:
        """Its tiles go with it, and come back with it."""
        return Fate("delete", why="marked as deleted, with its tiles: PostHog can restore both; its charts stay, and as the "
                    "project's first page it is forgotten")


def _written(one: Mapping[str, Any]) -> Fields:
    """A colour without what it does not say; no colour is said by null."""
    return {theirs: one.get(ours) for ours, theirs in WORDS.items() if one.get(ours) is not None or ours == "color_token"}
