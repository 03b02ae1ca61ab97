"""The sandbox's actions: unique names, steps with what PostHog works out of them, one list without a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, string, tags

STEP: Mapping[str, Any] = {"event": None, "properties": None, "selector": None, "tag_name": None, "text": None,
                           "text_matching": None, "href": None, "href_matching": None, "url": None, "url_matching": "contains"}
"""A step, with its defaults."""


class Actions(Collection):
    """Actions of one project."""

    noun = "actions"
    paged = False
    fields: ClassVar[Mapping[str, Any]] = {
        "name": None, "description": "", "tags": [], "post_to_slack": False, "slack_message_format": "", "steps": [],
        "deleted": False, "pinned_at": None}

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        self._named(given, before)
        string(given, "description", 100_000)
        string(given, "slack_message_format", 1200)
        boolean(given, "post_to_slack")
        boolean(given, "deleted")
        if "tags" in given:
            kept["tags"] = tags(given, self.box)
        if "steps" in given:
            kept["steps"] = [self._step(one) for one in given["steps"]]
        if given.get("pinned_at"):
            kept["pinned_at"] = (before or {}).get("pinned_at") or self.now()
        return kept

    def _named(self, given: Body, before: Body | None) -> None:
        string(given, "name", 400, null=True)
        name, mine = given.get("name"), before["id"] if before is not None else None
        if name is not None and not name.strip():
            raise Complaint("This field may not be blank.", code="blank", attr="name")
        twin = next((one["id"] for one in self.held().values()
                     if "name" in given and one["name"] == name and not one["deleted"] and one["id"] != mine), None)
        if twin is not None:
            raise Complaint(f"This project already has an action with this name, ID {twin}", code="unique", attr="name")

    @staticmethod
    def _step(given: Body) -> Body:
        for name in ("text_matching", "href_matching", "url_matching"):
            if given.get(name) not in (None, "contains", "regex", "exact"):
                raise Complaint(f'"{given[name]}" is not a valid choice.', code="invalid_choice", attr=f"steps__{name}")
        if not isinstance(given.get("properties") or [], list):
            raise Complaint("Expected a list of items.", code="not_a_list", attr="steps__properties")
        kept = {name: given.get(name, default) for name, default in STEP.items()}
        return {**kept, "selector_regex": f"(^|;){kept['selector']}" if kept["selector"] else None}

    def act(self, held: Body, act: str, method: str, given: Body) -> Any:
        """What else counts by it: here, cohorts."""
        if act != "references" or method != "GET":
            return super().act(held, act, method, given)
        cohorts = [one for one in self.other("cohorts").held().values() if not one["deleted"]
                   and f"'event_type': 'actions', 'key': {held['id']}" in str(_sorted(one["filters"]))]
        return [{"type": "cohort", "id": str(one["id"]), "name": one["name"], "url": f"/cohorts/{one['id']}",
                 "created_at": one["created_at"], "created_by": one["created_by"]} for one in cohorts]

    def shown(self, body: Body) -> Body:
        """An action as answers show it."""
        return {**body, "is_calculating": False, "last_calculated_at": body["created_at"], "team_id": 1, "is_action": True,
                "bytecode_error": None, "creation_context": None, "user_access_level": "editor"}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
