"""The sandbox's workflows: unknown names are ignored, conditions come back in an order of their own, with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.vendors.sentry.sandbox_shapes import Body
from reconciler.vendors.sentry.sandbox_store import Complaint, Part, text
from reconciler.vendors.sentry.terms import snaked


class Workflows(Part):
    """Alerts of the organization; names are not unique."""

    def standard(self, monitors: list[str]) -> None:
        """The alert that Sentry makes with a project unless `default_rules` is false."""
        self.made({"name": "Send a notification for high priority issues", "config": {"frequency": 30},
                   "detector_ids": [int(id) for id in monitors],
                   "triggers": {"logic_type": "any-short", "conditions": [
                       {"type": "new_high_priority_issue", "comparison": True, "condition_result": True}]},
                   "action_filters": [{"logic_type": "all", "conditions": [], "actions": [
                       {"type": "email", "config": {"target_type": "issue_owners"}, "data": {}}]}]})

    def shown(self, body: Mapping[str, Any]) -> Body:
        """A workflow as answers show it."""
        groups = [{**_group(group), "actions": [_act(one) for one in group["actions"]]} for group in body["action_filters"]]
        return {"id": body["id"], "name": body["name"], "organizationId": "1", "createdBy": None, "enabled": body["enabled"],
                "dateCreated": body["dateCreated"], "dateUpdated": body["dateCreated"], "environment": body["environment"],
                "config": dict(body["config"]), "detectorIds": list(body["detectorIds"]), "owner": body["owner"],
                "lastTriggered": None, "triggers": {**_group(body["triggers"]), "actions": []}, "actionFilters": groups}

    def listed(self) -> list[Body]:
        """All of them."""
        return [self.shown(body) for body in self.table("workflows").values()]

    def made(self, given: Body) -> Body:
        """A new one."""
        id = self.number()
        body = {"id": id, "dateCreated": self.now(), **self._fields(snaked(given), {})}
        self.table("workflows")[id] = body
        return self.shown(body)

    def changed(self, id: str, given: Body) -> Body:
        """One after a PUT of the whole: what is left out is gone, but for its links."""
        body = self.one("workflows", id)
        body.update(self._fields(snaked(given), body))
        return self.shown(body)

    def deleted(self, id: str) -> None:
        """It goes."""
        del self.table("workflows")[self.one("workflows", id)["id"]]

    def _fields(self, given: Body, before: Body) -> Body:
        environment = given.get("environment")
        if environment is not None and environment not in self.box.environments:
            raise Complaint(f"Environment {environment} does not exist", "environment")
        if not isinstance(given.get("enabled", True), bool):
            raise Complaint("Must be a valid boolean.", "enabled")
        links = given.get("detector_ids")
        linked = before.get("detectorIds", []) if links is None else [str(id) for id in links]
        for id in linked:
            if id not in self.table("detectors"):
                raise Complaint(f"Some detectors do not exist: {id}", "detectorIds")
        self.team_of(given.get("owner"))
        numbers = _numbers(before)
        groups = [self._filter(group, numbers) for group in given.get("action_filters") or ()]
        return {"name": text(given, "name", 256, needed=True), "enabled": given.get("enabled", True),
                "environment": environment,
                "config": given.get("config") or before.get("config") or {"frequency": 30}, "detectorIds": linked,
                "owner": given.get("owner"), "triggers": self._kept(given.get("triggers") or {}, numbers),
                "action_filters": groups}

    def _kept(self, group: Body, numbers: set[str]) -> Body:
        logic = group.get("logic_type", "any-short")
        if logic not in ("any", "any-short", "all", "none"):
            raise Complaint(f'"{logic}" is not a valid choice.', "logicType")
        conditions = []
        for one in group.get("conditions") or ():
            if not {"type", "comparison", "condition_result"} <= one.keys():
                raise Complaint("A condition has type, comparison and conditionResult.", "conditions")
            conditions.append({"id": self._number(one, numbers), **{name: one[name] for name in (
                "type", "comparison", "condition_result")}})
        return {"id": self._number(group, numbers), "logic_type": logic,
                "conditions": sorted(conditions, key=lambda one: str(one["type"])[::-1])}

    def _filter(self, group: Body, numbers: set[str]) -> Body:
        return {**self._kept(group, numbers), "actions": [self._action(one, numbers) for one in group.get("actions") or ()]}

    def _action(self, one: Body, numbers: set[str]) -> Body:
        if not isinstance(one.get("type"), str):
            raise Complaint("This field is required.", "type")
        config = {"target_identifier": None, "target_display": None, **(one.get("config") or {})}
        if one["type"] == "slack":
            config["target_display"] = config["target_display"] or "incidents"
        return {"id": self._number(one, numbers), "type": one["type"], "integration_id": one.get("integration_id"),
                "data": dict(one.get("data") or {}), "config": config, "status": one.get("status", "active")}

    def _number(self, one: Mapping[str, Any], numbers: set[str]) -> str:
        """The number that it had, where it says one that is its workflow's own."""
        return str(one["id"]) if str(one.get("id")) in numbers else self.number()


def _numbers(body: Mapping[str, Any]) -> set[str]:
    groups = [body["triggers"], *body["action_filters"]] if body else []
    return {one["id"] for group in groups for one in (group, *group["conditions"], *group.get("actions", ()))}


def _group(group: Mapping[str, Any]) -> Body:
    return {"id": group["id"], "organizationId": "1", "logicType": group["logic_type"], "conditions": [
        {"id": one["id"], "type": one["type"], "comparison": one["comparison"], "conditionResult": one["condition_result"]}
        for one in group["conditions"]]}


def _act(one: Mapping[str, Any]) -> Body:
    config = {{"target_type": "targetType", "target_identifier": "targetIdentifier", "target_display": "targetDisplay"}.get(
        name, name): value for name, value in one["config"].items()}
    return {"id": one["id"], "type": one["type"], "integrationId": one["integration_id"], "data": one["data"], "config": config,
            "status": one["status"]}
