"""PostHog in the sandbox: personal keys, projects, pages by offset, its error object, and flags for its SDKs.

Each collection is a class of its own (`sandbox_*.py`); `COLLECTIONS` says at which path it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import unquote, urlencode

from reconciler.sandbox.store import Request, Response, Sandbox
from reconciler.vendors.posthog.sandbox_access import access
from reconciler.vendors.posthog.sandbox_actions import Actions
from reconciler.vendors.posthog.sandbox_cohorts import Cohorts
from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, whole
from reconciler.vendors.posthog.sandbox_dashboards import Dashboards
from reconciler.vendors.posthog.sandbox_experiments import Experiments
from reconciler.vendors.posthog.sandbox_flags import Flags
from reconciler.vendors.posthog.sandbox_ingest import PATHS, take_in
from reconciler.vendors.posthog.sandbox_schemas import EventSchemas, PropertyGroups
from reconciler.vendors.posthog.sandbox_surveys import Surveys
from reconciler.vendors.posthog.sandbox_taxonomy import EventDefinitions, PropertyDefinitions

COLLECTIONS: Mapping[str, type[Collection]] = {
    "feature_flags": Flags, "cohorts": Cohorts, "experiments": Experiments,
    "event_definitions": EventDefinitions, "property_definitions": PropertyDefinitions, "actions": Actions,
    "schema_property_groups": PropertyGroups, "event_schemas": EventSchemas,
    "dashboards": Dashboards, "surveys": Surveys,
}

_PATH = re.compile(r"/api/(?:projects|environments)/(?P<project>[^/]+)/(?P<noun>[a-z_]+)/(?:(?P<id>[^/]+)/(?P<act>[a-z_]+/)?)?")


class PostHogSandbox(Sandbox):
    """Projects of one organisation.

    `tagging` and `contexts` are features of its plan, `group_types` what its projects count besides people, `scopes` what
    a key may do as far as it is told.
    """

    tagging: bool = True
    contexts: bool = True
    group_types: ClassVar[Mapping[str, str]] = {"0": "organization"}
    scopes: frozenset[str] = frozenset({"*"})

    def answer(self, request: Request) -> Response:
        """One request as PostHog would answer it."""
        try:
            if request.path.rstrip("/") in PATHS:
                take_in(self, self._given(request))
                return Response(200, {"status": 1})
            if not re.match(r"Bearer \S", request.headers.get("authorization", "")):
                raise Complaint("Authentication credentials were not provided.", status=401, code="not_authenticated",
                                type="authentication_error")
            if request.path.rstrip("/") in ("/flags/definitions", "/api/feature_flag/local_evaluation"):
                return self._definitions(request)
            return access(request, self.scopes) or self._routed(request)
        except Complaint as complaint:
            return Response(complaint.status, complaint.body)

    def collection(self, noun: str, project: str = "1") -> Collection:
        """One collection of one project."""
        return COLLECTIONS[noun](self, project)

    # the counter

    def _routed(self, request: Request) -> Response:
        hit = _PATH.fullmatch(request.path)
        if hit is None and _PATH.fullmatch(f"{request.path}/"):
            return Response(301, None, {"location": f"{request.path}/"})
        if hit is None or hit["noun"] not in COLLECTIONS:
            raise Complaint("Endpoint not found.", status=404, code="not_found", type="invalid_request")
        here = self.collection(hit["noun"], hit["project"])
        given = self._given(request)
        if hit["id"] is None:
            return self._on_all(here, request, given)
        told = here.asked(hit["id"], dict(request.query)) if request.method == "GET" else None
        if told is not None:
            return Response(200, told)
        held = here.find(unquote(hit["id"]))
        if hit["act"] is not None:
            return Response(200, here.act(held, hit["act"].rstrip("/"), request.method, given))
        if request.method == "GET":
            return Response(200, here.shown(held))
        if request.method in ("PATCH", "PUT"):
            here.changed(held, given, whole=request.method == "PUT")
            return Response(200, here.shown(held))
        if request.method == "DELETE":
            here.deleted(held)
            return Response(204)
        raise here.not_allowed(request.method)

    def _given(self, request: Request) -> Body:
        given = self.decode(request)
        if given is not None and not isinstance(given, dict):
            raise Complaint("JSON parse error", code="parse_error")
        return given or {}

    def _on_all(self, here: Collection, request: Request, given: Body) -> Response:
        if request.method == "GET":
            return Response(200, self._page(here, request))
        if request.method == "POST":
            return Response(201, here.shown(here.made(given)))
        raise here.not_allowed(request.method)

    def _page(self, here: Collection, request: Request) -> Body:
        query = dict(request.query)
        limit, offset = whole(query, "limit", 100), whole(query, "offset", 0)
        found = here.listed(query)
        if not here.paged:
            return {"results": [here.shown(body) for body in found]}
        base = f"http://posthog.internal{request.path}"
        rest = {name: value for name, value in query.items() if name not in ("limit", "offset")}

        def link(start: int) -> str:
            return f"{base}?{urlencode({**rest, 'limit': limit, 'offset': start})}"

        return {"count": len(found), "next": link(offset + limit) if offset + limit < len(found) else None,
                "previous": link(max(offset - limit, 0)) if offset else None,
                "results": [here.brief(body) for body in found[offset:offset + limit]]}

    # what SDKs ask for

    def _definitions(self, request: Request) -> Response:
        """The flags of the one project that a token stands for, with the cohorts that decide them."""
        token = dict(request.query).get("token", "")
        project = token.removeprefix("phc_") or "1"
        flags = Flags(self, project)
        cohorts = {id: body for id, body in self.collection("cohorts", project).held().items()
                   if not body["deleted"] and not body["is_static"]}
        shown = [{"id": body["id"], "team_id": 1, "filters": flags.evaluated(body["filters"]), **{name: body[name] for name in (
            "name", "key", "deleted", "active", "ensure_experience_continuity", "version", "evaluation_runtime",
            "bucketing_identifier")}} for body in flags.listed({})]
        return Response(200, {"flags": shown, "group_type_mapping": dict(self.group_types),
                              "cohorts": {id: body["filters"]["properties"] for id, body in cohorts.items()}})
