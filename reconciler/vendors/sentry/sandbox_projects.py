"""The sandbox's teams, projects, keys, filters and ownership rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.vendors.sentry.sandbox_monitors import Monitors
from reconciler.vendors.sentry.sandbox_shapes import (
    COMMON,
    DETAIL,
    FILTERS,
    OPTIONS,
    ORGANIZATION,
    SETTINGS,
    SUMMARY,
    TEAM,
    Body,
)
from reconciler.vendors.sentry.sandbox_store import Complaint, Part, absent, slug, slugged, text

KEPT = (*SETTINGS, "name", "slug", "securityToken")


class Teams(Part):
    """Teams of the organization."""

    def shown(self, body: Mapping[str, Any], *, whole: bool = False) -> Body:
        """A team as answers show it."""
        more = {"organization": {**ORGANIZATION, "slug": self.box.organization}} if whole else {}
        return {**TEAM, **body, **more}

    def made(self, given: Body) -> Body:
        """A new team."""
        name = text(given, "name", 64)
        key = slug(given, 50) or (slugged(name) if name else None)
        if key is None:
            raise Complaint("Name or slug is required", "nonFieldErrors")
        if any(body["slug"] == key for body in self.table("teams").values()):
            raise Complaint("A team with this slug already exists.", status=409)
        id = self.number()
        body = {"id": id, "slug": key, "name": name or key, "dateCreated": self.now()}
        self.table("teams")[id] = body
        return self.shown(body)

    def changed(self, key: str, given: Body) -> Body:
        """A team after a PUT, which wants a slug."""
        body = self.one("teams", key)
        if not given.get("slug"):
            raise Complaint("This field is required.", "slug")
        wanted = slug(given, 50)
        if any(other["slug"] == wanted and other is not body for other in self.table("teams").values()):
            raise Complaint("A team with this slug already exists.", "slug")
        body["slug"] = wanted
        body["name"] = text(given, "name", 64) or body["name"]
        return self.shown(body, whole=True)

    def deleted(self, key: str) -> None:
        """It goes at once; projects lose it."""
        id = self.one("teams", key)["id"]
        for project in self.table("projects").values():
            project["teams"] = [one for one in project["teams"] if one != id]
        del self.table("teams")[id]


class Projects(Part):
    """Projects of the organization; unknown names in a request are ignored, as Sentry ignores them."""

    def summary(self, body: Mapping[str, Any]) -> Body:
        """A project in a list: few of its settings."""
        teams = [{name: self.table("teams")[id][name] for name in ("id", "slug", "name")} for id in body["teams"]]
        held = {name: body[name] for name in ("id", "slug", "name", "platform", "dateCreated")}
        return {**COMMON, **SUMMARY, **held, "team": teams[0] if teams else None, "teams": teams}

    def brief(self, body: Mapping[str, Any]) -> Body:
        """A project inside another answer."""
        summary = {name: value for name, value in self.summary(body).items() if name != "environments"}
        return summary | {name: DETAIL[name] for name in ("avatar", "color", "isInternal", "isPublic", "status")}

    def shown(self, body: Mapping[str, Any]) -> Body:
        """A project on its own, with all of them."""
        summary = {name: value for name, value in self.summary(body).items() if name not in ("team", "environments")}
        settings = {name: body[name] for name in KEPT}
        organization = {**ORGANIZATION, "slug": self.box.organization}
        return {**summary, **DETAIL, **settings, "options": dict(body["options"]), "organization": organization}

    def made(self, team: str, given: Body) -> Body:
        """A new project with its first key and, soon, its own monitors."""
        first = self.one("teams", team)
        name = text(given, "name", 50, needed=True)
        assert name is not None
        key = slug(given, 100) or slugged(name)
        reserved = self.table("reserved").get(key, {"until": 0})["until"] > self.box.clock.now()
        if reserved or any(body["slug"] == key for body in self.table("projects").values()):
            raise Complaint("A project with this slug already exists.", status=409)
        id = self.number()
        settings = {**SETTINGS, "platform": text(given, "platform", 64)}
        body = {"id": id, "slug": key, "name": name, "teams": [first["id"]], "dateCreated": self.now(), **settings,
                "securityToken": self.made_up("token", id), "options": dict.fromkeys(OPTIONS, ""), "filters": None,
                "ownership": None}
        self.table("projects")[id] = body
        self.box.keys.made(id, {"name": "Default"})
        monitors = Monitors(self.box).own(body)
        if given.get("default_rules", True):
            self.box.workflows.standard(monitors)
        return self.summary(body)

    def changed(self, key: str, given: Body) -> Body:
        """A project after a PUT with what changes."""
        body = self.one("projects", key)
        text(given, "name", 200)
        for name, most in (("subjectPrefix", 200), ("subjectTemplate", 200), ("securityTokenHeader", 20)):
            text(given, name, most)
        wanted = slug(given, 100)
        if wanted and any(other["slug"] == wanted and other is not body for other in self.table("projects").values()):
            raise Complaint(f"Another project ({wanted}) is already using that slug", "slug")
        delays = {**body, **given}
        if delays["digestsMinDelay"] > delays["digestsMaxDelay"]:
            raise Complaint("Digest minimum delay must be less than maximum", "digestsMinDelay")
        kept = {name: value for name, value in given.items() if name in KEPT}
        body.update({name: value for name, value in kept.items() if value is not None or name == "platform"})
        body["options"].update({name: value for name, value in (given.get("options") or {}).items() if name in OPTIONS})
        return self.shown(body)

    def deleted(self, key: str) -> None:
        """It is hidden at once with all that is in it; the slug may stay taken for a while."""
        body = self.one("projects", key)
        del self.table("projects")[body["id"]]
        self.table("reserved")[body["slug"]] = {"until": self.box.clock.now() + self.box.reserves}
        for name in ("keys", "monitors"):
            for id in [id for id, one in self.table(name).items() if one["project"] == body["id"]]:
                del self.table(name)[id]
        Monitors(self.box).orphaned(body["id"])

    def linked(self, key: str, team: str) -> Body:
        """A team gets access."""
        body, id = self.one("projects", key), self.one("teams", team)["id"]
        if id not in body["teams"]:
            body["teams"].append(id)
        return self.brief(body)

    def unlinked(self, key: str, team: str) -> Body:
        """A team loses access."""
        body, id = self.one("projects", key), self.one("teams", team)["id"]
        if id not in body["teams"]:
            raise absent()
        body["teams"].remove(id)
        return self.brief(body)

    # settings that each has once

    def filters(self, key: str) -> list[Body]:
        """Its inbound filters."""
        return [{"id": id, "active": active} for id, active in self._filters(key).items()]

    def _filters(self, key: str) -> Body:
        body = self.one("projects", key)
        body["filters"] = body["filters"] or {**FILTERS}
        found: Body = body["filters"]
        return found

    def filtered(self, key: str, id: str, given: Body) -> None:
        """One filter after a PUT."""
        held = self._filters(key)
        if id not in held:
            raise absent()
        if id == "legacy-browsers":
            held[id] = sorted(given.get("subfilters") or [], key=lambda name: str(name)[::-1])
        elif isinstance(given.get("active"), bool):
            held[id] = given["active"]
        else:
            raise Complaint("This field is required.", "active")

    def ownership(self, key: str, given: Body | None = None) -> Body:
        """Its rules, after a PUT of some of them where one is given."""
        body = self.one("projects", key)
        held = body["ownership"] or {"raw": None, "fallthrough": True, "autoAssignment": "Auto Assign to Issue Owner",
                                     "codeownersAutoSync": True, "dateCreated": None, "lastUpdated": None}
        if given is not None:
            self._rules(body, given.get("raw") or "")
            held = {**held, **{name: given[name] for name in ("raw", "fallthrough", "autoAssignment", "codeownersAutoSync")
                               if name in given}, "dateCreated": held["dateCreated"] or self.now(), "lastUpdated": self.now()}
            held["raw"] = None if held["raw"] is None else held["raw"].replace("\r\n", "\n").rstrip("\n")
            body["ownership"] = held
        return {**held, "isActive": True, "schema": None}

    def _rules(self, body: Body, raw: str) -> None:
        teams = {self.table("teams")[id]["slug"] for id in body["teams"]}
        for line in raw.splitlines():
            named = [] if line.strip().startswith("#") else re.findall(r"\s#(\S+)", line)
            if (strange := sorted(set(named) - teams)):
                raise Complaint(f"Invalid rule owners: {', '.join('#' + name for name in strange)}", "raw")
