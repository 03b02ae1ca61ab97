"""The sandbox's monitors: what watches a number, what Sentry makes with each project, and jobs that report in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.vendors.sentry.cron_monitor import schedule
from reconciler.vendors.sentry.sandbox_shapes import Body
from reconciler.vendors.sentry.sandbox_store import Complaint, Part, slug, slugged, text
from reconciler.vendors.sentry.terms import DEFAULTS, snaked

QUERY = {"aggregate": "aggregate", "dataset": "dataset", "query": "query", "time_window": "timeWindow",
         "environment": "environment", "event_types": "eventTypes", "extrapolation_mode": "extrapolationMode",
         "query_type": "queryType"}


class Monitors(Part):
    """Detectors of all types; a project's own ones appear a moment after it."""

    def own(self, project: Body) -> list[str]:
        """The two that Sentry makes."""
        names = {"error": "Error Monitor", "issue_stream": "Issue Stream"}
        seen = self.box.clock.now() + self.box.detectors_after
        return [self._kept({"name": names[type], "type": type, "project": project["id"], "visible": seen, "config": {},
                            "data_sources": [], "condition_group": None})["id"] for type in DEFAULTS]

    def _kept(self, fields: Body) -> Body:
        id = self.number()
        body = {"id": id, "enabled": True, "description": None, "owner": None, "dateCreated": self.now(), "visible": 0,
                **fields}
        self.table("detectors")[id] = body
        return body

    def shown(self, body: Mapping[str, Any]) -> Body:
        """A detector as answers show it: the query wrapped, the other side of its links beside it."""
        group, config = body["condition_group"], {_camel(name): value for name, value in body["config"].items()}
        linked = [id for id, one in self.table("workflows").items() if body["id"] in one["detectorIds"]]
        return {
            "id": body["id"], "projectId": body["project"], "name": body["name"], "type": body["type"],
            "description": body["description"], "enabled": body["enabled"], "owner": self.team_of(body["owner"]),
            "createdBy": None, "latestGroup": None, "dateCreated": body["dateCreated"], "dateUpdated": body["dateCreated"],
            "workflowIds": linked, "config": config, "dataSources": [self._wrapped(s) for s in body["data_sources"]],
            "conditionGroup": group and {
                "id": group["id"], "organizationId": "1", "logicType": group["logic_type"], "actions": [],
                "conditions": [{"id": c["id"], "type": c["type"], "comparison": c["comparison"],
                                "conditionResult": c["condition_result"]} for c in group["conditions"]]}}

    @staticmethod
    def _wrapped(source: Mapping[str, Any]) -> Body:
        query = {wire: source.get(name) for name, wire in QUERY.items() if name != "query_type"}
        id = source["id"]
        return {"id": id, "organizationId": "1", "type": "snuba_query_subscription", "sourceId": id,
                "queryObj": {"id": id, "status": 1, "subscription": None, "snubaQuery": {"id": id, **query}}}

    def listed(self) -> list[Body]:
        """All that can be seen by now."""
        now = self.box.clock.now()
        return [self.shown(body) for body in self.table("detectors").values() if body["visible"] <= now]

    def made(self, project: str, given: Body) -> Body:
        """A new one of the type metric_issue."""
        held = self.one("projects", project)
        return self.shown(self._kept({"type": "metric_issue", "project": held["id"], **self._fields(snaked(given), {})}))

    def changed(self, id: str, given: Body) -> Body:
        """One after a PUT of the whole."""
        body = self.one("detectors", id)
        body.update(self._fields(snaked(given), body))
        return self.shown(body)

    def deleted(self, id: str) -> None:
        """It goes, and so do its links; Sentry's own can't."""
        body = self.one("detectors", id)
        if body["type"] in DEFAULTS:
            raise Complaint("You do not have permission to perform this action.", status=403)
        self._gone([body["id"]])

    def orphaned(self, project: str) -> None:
        """All of a project that is deleted."""
        self._gone([id for id, body in self.table("detectors").items() if body["project"] == project])

    def _gone(self, ids: list[str]) -> None:
        for id in ids:
            del self.table("detectors")[id]
        for workflow in self.table("workflows").values():
            workflow["detectorIds"] = [id for id in workflow["detectorIds"] if id not in ids]

    def _fields(self, given: Body, before: Body) -> Body:
        if given.get("type", "metric_issue") != "metric_issue" and not before:
            raise Complaint("Unknown detector type", "type")
        name = text(given, "name", 200, needed=True)
        self.team_of(given.get("owner"))
        sources = given.get("data_sources") or before.get("data_sources") or []
        if len(sources) != 1 or not {"aggregate", "dataset", "time_window"} <= sources[0].keys():
            raise Complaint("Only one data source is allowed, with aggregate, dataset and timeWindow.", "dataSources")
        source = {"query": "", "environment": None, "extrapolation_mode": "unknown", "event_types": ["error"],
                  **{name: value for name, value in sources[0].items() if name in QUERY}}
        source["id"] = (before.get("data_sources") or [{}])[0].get("id") or self.number()
        group = given.get("condition_group") or before.get("condition_group")
        if not group or not group.get("conditions"):
            raise Complaint("Condition group is required", "conditionGroup")
        held = {one["id"] for one in (before.get("condition_group") or {}).get("conditions", ())}
        conditions = [self._condition(one, held) for one in group["conditions"]]
        return {"name": name, "enabled": given.get("enabled", before.get("enabled", True)),
                "description": given.get("description", before.get("description")) or None,
                "owner": given.get("owner", before.get("owner")), "config": given.get("config") or before.get("config") or {},
                "data_sources": [source],
                "condition_group": {"id": str(group.get("id") or self.number()), "logic_type": group.get("logic_type", "any"),
                                    "conditions": sorted(conditions, key=lambda one: str(one["type"]))}}

    def _condition(self, given: Body, held: set[str]) -> Body:
        if "condition_result" not in given:
            raise Complaint("This field is required.", "conditionResult")
        id = str(given.get("id")) if str(given.get("id")) in held else self.number()
        return {"id": id, **{name: given[name] for name in ("type", "comparison", "condition_result")}}


class Crons(Part):
    """Monitors of check-ins."""

    def shown(self, body: Mapping[str, Any]) -> Body:
        """A monitor as answers show it."""
        project = self.table("projects")[body["project"]]
        held = {name: value for name, value in body.items() if name != "project"}
        return {**held, "owner": self.team_of(body["owner"]), "environments": [], "isUpserting": body.get("isUpserting", False),
                "project": self.box.projects.brief(project)}

    def made(self, given: Body) -> Body:
        """A new one."""
        id = self.number()
        name = text(given, "name", 128, needed=True)
        assert name is not None
        body = {"id": id, "dateCreated": self.now(), **self._fields({"slug": slugged(name)[:50], **snaked(given)}, {})}
        self.table("monitors")[id] = body
        return self.shown(body)

    def changed(self, key: str, given: Body) -> Body:
        """One after a PUT, which wants name, config and project."""
        body = self.one("monitors", key)
        body.update(self._fields({"slug": body["slug"], **snaked(given)}, body))
        return self.shown(body)

    def deleted(self, key: str, query: Mapping[str, str]) -> None:
        """It goes with all its environments; with some named, only they would."""
        body = self.one("monitors", key)
        if "environment" not in query:
            del self.table("monitors")[body["id"]]

    def _fields(self, given: Body, before: Body) -> Body:
        text(given, "name", 128, needed=True)
        wanted = slug(given, 50)
        if any(one["slug"] == wanted and one is not before for one in self.table("monitors").values()):
            raise Complaint(f'The slug "{wanted}" is already in use.', "slug")
        config = given.get("config")
        if not isinstance(config, dict) or not config.get("schedule"):
            raise Complaint("This field is required.", "config")
        if not given.get("project"):
            raise Complaint("This field is required.", "project")
        try:
            project = self.one("projects", str(given["project"]))["id"]
        except Complaint:
            raise Complaint("Invalid project", "project") from None
        self.team_of(given.get("owner"))
        kept = dict.fromkeys(("checkin_margin", "max_runtime", "failure_issue_threshold", "recovery_threshold",
                              "alert_rule_id"))
        return {"name": given["name"], "slug": wanted, "project": project,
                "status": given.get("status", before.get("status", "active")),
                "isMuted": given.get("is_muted", before.get("isMuted", False)),
                "owner": given.get("owner", before.get("owner")),
                "config": {**kept, "schedule_type": "crontab", "timezone": "UTC", **before.get("config", {}), **config,
                           "schedule": schedule(config["schedule"])}}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


