"""Sentry in the sandbox: one organization, pages by the Link header, limits by headers; what it holds is in `sandbox_*.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from reconciler.sandbox.store import Complaint as Refusal
from reconciler.sandbox.store import Request, Response, Sandbox
from reconciler.vendors.sentry.sandbox_keys import Keys
from reconciler.vendors.sentry.sandbox_monitors import Crons, Monitors
from reconciler.vendors.sentry.sandbox_projects import Projects, Teams
from reconciler.vendors.sentry.sandbox_shapes import ACCESS, ORGANIZATION, Body
from reconciler.vendors.sentry.sandbox_store import Complaint, absent
from reconciler.vendors.sentry.sandbox_workflows import Workflows

PAGE = 100
_ORG = r"/api/0/organizations/(?P<org>[^/]+)/"
_PROJECT = r"/api/0/projects/(?P<org>[^/]+)/(?P<project>[^/]+)/"
_REMOVED = re.compile(rf"({_ORG}alert-rules/|{_PROJECT}rules/).*".replace("(?P<org>", "(?:").replace("(?P<project>", "(?:"))

Do = Callable[["SentrySandbox", Mapping[str, str], Body, Mapping[str, str]], Any]
ROUTES: tuple[tuple[str, str, int, Do], ...] = (
    ("GET", "/api/0/", 200, lambda s, p, g, q: {"version": "0", "user": None, "auth": {"scopes": ACCESS}}),
    ("GET", "/api/0/organizations/", 200, lambda s, p, g, q: [s.whole()]),
    ("GET", _ORG, 200, lambda s, p, g, q: s.whole()),
    ("GET", _ORG + "teams/", 200, lambda s, p, g, q: [s.teams.shown(one) for one in s.table("teams").values()]),
    ("POST", _ORG + "teams/", 201, lambda s, p, g, q: s.teams.made(g)),
    ("GET", r"/api/0/teams/(?P<org>[^/]+)/(?P<team>[^/]+)/", 200,
     lambda s, p, g, q: s.teams.shown(s.teams.one("teams", p["team"]), whole=True)),
    ("PUT", r"/api/0/teams/(?P<org>[^/]+)/(?P<team>[^/]+)/", 200, lambda s, p, g, q: s.teams.changed(p["team"], g)),
    ("DELETE", r"/api/0/teams/(?P<org>[^/]+)/(?P<team>[^/]+)/", 204, lambda s, p, g, q: s.teams.deleted(p["team"])),
    ("POST", r"/api/0/teams/(?P<org>[^/]+)/(?P<team>[^/]+)/projects/", 201,
     lambda s, p, g, q: s.projects.made(p["team"], g)),
    ("GET", _ORG + "projects/", 200, lambda s, p, g, q: [s.projects.summary(one) for one in s.table("projects").values()]),
    ("GET", _PROJECT, 200, lambda s, p, g, q: s.projects.shown(s.projects.one("projects", p["project"]))),
    ("PUT", _PROJECT, 200, lambda s, p, g, q: s.projects.changed(p["project"], g)),
    ("DELETE", _PROJECT, 204, lambda s, p, g, q: s.projects.deleted(p["project"])),
    ("GET", _PROJECT + "stats/", 200, lambda s, p, g, q: s.stats(p["project"])),
    ("POST", _PROJECT + r"teams/(?P<team>[^/]+)/", 201, lambda s, p, g, q: s.projects.linked(p["project"], p["team"])),
    ("DELETE", _PROJECT + r"teams/(?P<team>[^/]+)/", 200, lambda s, p, g, q: s.projects.unlinked(p["project"], p["team"])),
    ("GET", _PROJECT + "keys/", 200, lambda s, p, g, q: s.keys.listed(p["project"])),
    ("POST", _PROJECT + "keys/", 201, lambda s, p, g, q: s.keys.made(p["project"], g)),
    ("GET", _PROJECT + r"keys/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.keys.shown(s.keys.find(p["project"], p["id"]))),
    ("PUT", _PROJECT + r"keys/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.keys.changed(p["project"], p["id"], g)),
    ("DELETE", _PROJECT + r"keys/(?P<id>[^/]+)/", 204, lambda s, p, g, q: s.keys.deleted(p["project"], p["id"])),
    ("GET", _PROJECT + r"keys/(?P<id>[^/]+)/stats/", 200, lambda s, p, g, q: s.keys.stats(p["project"], p["id"])),
    ("GET", _PROJECT + "filters/", 200, lambda s, p, g, q: s.projects.filters(p["project"])),
    ("PUT", _PROJECT + r"filters/(?P<id>[^/]+)/", 204, lambda s, p, g, q: s.projects.filtered(p["project"], p["id"], g)),
    ("GET", _PROJECT + "ownership/", 200, lambda s, p, g, q: s.projects.ownership(p["project"])),
    ("PUT", _PROJECT + "ownership/", 202, lambda s, p, g, q: s.projects.ownership(p["project"], g)),
    ("GET", _ORG + "detectors/", 200, lambda s, p, g, q: s.monitors.listed()),
    ("POST", _ORG + r"projects/(?P<project>[^/]+)/detectors/", 201, lambda s, p, g, q: s.monitors.made(p["project"], g)),
    ("GET", _ORG + r"detectors/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.monitors.shown(s.monitors.one("detectors", p["id"]))),
    ("PUT", _ORG + r"detectors/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.monitors.changed(p["id"], g)),
    ("DELETE", _ORG + r"detectors/(?P<id>[^/]+)/", 204, lambda s, p, g, q: s.monitors.deleted(p["id"])),
    ("GET", _ORG + "workflows/", 200, lambda s, p, g, q: s.workflows.listed()),
    ("POST", _ORG + "workflows/", 201, lambda s, p, g, q: s.workflows.made(g)),
    ("GET", _ORG + r"workflows/(?P<id>[^/]+)/", 200,
     lambda s, p, g, q: s.workflows.shown(s.workflows.one("workflows", p["id"]))),
    ("PUT", _ORG + r"workflows/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.workflows.changed(p["id"], g)),
    ("DELETE", _ORG + r"workflows/(?P<id>[^/]+)/", 204, lambda s, p, g, q: s.workflows.deleted(p["id"])),
    ("GET", _ORG + "monitors/", 200, lambda s, p, g, q: [s.crons.shown(one) for one in s.table("monitors").values()]),
    ("POST", _ORG + "monitors/", 201, lambda s, p, g, q: s.crons.made(g)),
    ("GET", _ORG + r"monitors/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.crons.shown(s.crons.one("monitors", p["id"]))),
    ("PUT", _ORG + r"monitors/(?P<id>[^/]+)/", 200, lambda s, p, g, q: s.crons.changed(p["id"], g)),
    ("DELETE", _ORG + r"monitors/(?P<id>[^/]+)/", 202, lambda s, p, g, q: s.crons.deleted(p["id"], q)),
)
"""Method, path, status of success, and what is done."""

UNPAGED = re.compile(r".*/(filters|stats)/")
_COMPILED = tuple((method, re.compile(path), status, do) for method, path, status, do in ROUTES)


class SentrySandbox(Sandbox):
    """One organization, whatever it is called in a path.

    `detectors_after` and `reserves` are seconds: until a project's own monitors appear, and while a deleted project
    still has its slug. `environments` are those that events came from, `limit` the requests of a window of a second.
    """

    organization: str = "sandbox"
    host: str = "sentry.invalid"
    detectors_after: float = 0.5
    reserves: float = 0.0
    limit: int | None = None
    concurrent: int = 25
    environments: ClassVar[tuple[str, ...]] = ("production", "staging", "development")
    teams: Teams
    projects: Projects
    keys: Keys
    monitors: Monitors
    crons: Crons
    workflows: Workflows

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.teams, self.projects, self.keys = Teams(self), Projects(self), Keys(self)
        self.monitors, self.crons, self.workflows = Monitors(self), Crons(self), Workflows(self)
        self._window = (0, 0)

    def table(self, name: str) -> dict[str, Body]:
        """Objects by number."""
        return self.objects.setdefault(name, {})

    def whole(self) -> Body:
        """The organization."""
        return {**ORGANIZATION, "slug": self.organization, "name": self.organization, "access": ACCESS}

    def stats(self, project: str) -> list[list[int]]:
        """What came in for a project, as one day."""
        id = self.projects.one("projects", project)["id"]
        count = sum(key["events"] for key in self.table("keys").values() if key["project"] == id)
        return [[int(self.clock.now()), count]]

    def answer(self, request: Request) -> Response:
        """One request as Sentry would answer it."""
        headers = self._limits()
        if headers.get("x-sentry-rate-limit-remaining") == "-1":
            detail = "You are attempting to use this endpoint too frequently."
            return Response(429, {"detail": detail}, {**headers, "x-sentry-rate-limit-remaining": "0"})
        try:
            if not re.match(r"Bearer \S", request.headers.get("authorization", "")):
                raise Complaint("Authentication credentials were not provided.", status=401)
            found = self._routed(request)
        except Refusal as complaint:
            return Response(complaint.status, complaint.body, headers)
        return Response(found.status, found.body, {**headers, **found.headers})

    def _limits(self) -> Mapping[str, str]:
        """The headers of this window; -1 is left where it is used up."""
        if self.limit is None:
            return {}
        now = int(self.clock.now())
        start, used = self._window
        start, used = (now, 1) if now >= start + 1 else (start, used + 1)
        self._window = (start, used)
        return {"x-sentry-rate-limit-limit": str(self.limit), "x-sentry-rate-limit-reset": str(start + 1),
                "x-sentry-rate-limit-remaining": str(max(self.limit - used, -1)),
                "x-sentry-rate-limit-concurrentlimit": str(self.concurrent),
                "x-sentry-rate-limit-concurrentremaining": str(self.concurrent - 1)}

    def _routed(self, request: Request) -> Response:
        if _REMOVED.fullmatch(request.path):
            return Response(410, {"detail": {"code": "", "message": "This API no longer exists.", "extra": {}}})
        known = False
        for method, pattern, status, do in _COMPILED:
            hit = pattern.fullmatch(request.path)
            known = known or hit is not None
            if hit is not None and method == request.method:
                given = self.decode(request)
                if given is not None and not isinstance(given, dict):
                    raise Complaint("JSON parse error")
                parts = {name: unquote(value) for name, value in hit.groupdict().items()}
                if parts.get("org"):
                    self.organization = parts["org"]
                found = do(self, parts, given or {}, dict(request.query))
                return self._page(request, found) if isinstance(found, list) else Response(status, found)
        raise Complaint(f'Method "{request.method}" not allowed.', status=405) if known else absent()

    def _page(self, request: Request, found: list[Any]) -> Response:
        if UNPAGED.fullmatch(request.path):
            return Response(200, found)
        query = dict(request.query)
        cursor = re.fullmatch(r"\d+:(\d+):[01]", query.get("cursor") or "0:0:0")
        if cursor is None or not query.get("per_page", "1").isdigit():
            raise Complaint("Invalid cursor parameter." if cursor is None else "Invalid per_page parameter.")
        start, size = int(cursor[1]), min(int(query.get("per_page", PAGE)), PAGE)
        links = []
        for rel, at, more in (("previous", max(start - size, 0), start > 0), ("next", start + size, start + size < len(found))):
            place = f"0:{at}:{int(rel == 'previous')}"
            links.append(f'<https://sentry.internal{request.path}?cursor={place}>; rel="{rel}"; '
                         f'results="{str(more).lower()}"; cursor="{place}"')
        return Response(200, found[start:start + size], {"link": ", ".join(links)})
