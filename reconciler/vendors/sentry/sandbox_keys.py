"""The sandbox's client keys: names that are not unique, addresses that are always shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.vendors.sentry.sandbox_shapes import Body, dsn
from reconciler.vendors.sentry.sandbox_store import Complaint, Part, absent, text

LOADER: Body = {"hasReplay": True, "hasPerformance": True, "hasDebug": False, "hasFeedback": False, "hasLogsAndMetrics": False}
CHOICES = [["latest", "latest"], ["7.x", "7.x"]]


class Keys(Part):
    """Keys of one project each."""

    def shown(self, body: Mapping[str, Any]) -> Body:
        """A key as answers show it."""
        project = body["project"]
        found = {name: value for name, value in body.items() if name not in ("project", "events")}
        return {**found, "projectId": int(project), "label": body["name"], "public": body["id"],
                "dsn": dsn(f"o1.ingest.{self.box.host}", project, body["id"], body["secret"]),
                "browserSdk": {"choices": CHOICES}}

    def listed(self, project: str) -> list[Body]:
        """The keys of one project."""
        id = self.one("projects", project)["id"]
        return [self.shown(body) for body in self.table("keys").values() if body["project"] == id]

    def find(self, project: str, key: str) -> Body:
        """One key."""
        found = self.table("keys").get(key)
        if found is None or found["project"] != self.one("projects", project)["id"]:
            raise absent()
        return found

    def made(self, project: str, given: Body) -> Body:
        """A new key; what only a PUT takes is ignored."""
        id = self.one("projects", project)["id"]
        number = self.number()
        key = self.made_up("key", id, number)
        body = {"id": key, "project": id, "name": text(given, "name", 64) or "Fluffy Otter", "isActive": True, "events": 0,
                "secret": self.made_up("secret", id, number), "rateLimit": _limit(given.get("rateLimit")),
                "browserSdkVersion": "latest", "dynamicSdkLoaderOptions": dict(LOADER), "dateCreated": self.now(),
                "useCase": given.get("useCase", "user")}
        self.table("keys")[key] = body
        return self.shown(body)

    def changed(self, project: str, key: str, given: Body) -> Body:
        """A key after a PUT with what changes."""
        body = self.find(project, key)
        body["name"] = text(given, "name", 64) or body["name"]
        if "rateLimit" in given:
            body["rateLimit"] = _limit(given["rateLimit"])
        for name in ("isActive", "browserSdkVersion"):
            body[name] = given.get(name, body[name])
        options = given.get("dynamicSdkLoaderOptions") or {}
        body["dynamicSdkLoaderOptions"].update({name: value for name, value in options.items() if name in LOADER})
        return self.shown(body)

    def deleted(self, project: str, key: str) -> None:
        """It goes at once."""
        del self.table("keys")[self.find(project, key)["id"]]

    def stats(self, project: str, key: str) -> list[Body]:
        """What came in by it, as one day."""
        count = self.find(project, key)["events"]
        return [{"ts": int(self.box.clock.now()), "total": count, "accepted": count, "filtered": 0, "dropped": 0}]


def _limit(given: Any) -> Body | None:
    if not given or not given.get("count") or not given.get("window"):
        return None
    if given["window"] > 86400:
        raise Complaint("Ensure this value is less than or equal to 86400.", "rateLimit")
    return {"window": given["window"], "count": given["count"]}
