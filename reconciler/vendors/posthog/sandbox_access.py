"""What a personal key of PostHog's is told of itself and of its project, in the sandbox."""

from __future__ import annotations

import re
from collections.abc import Collection

from reconciler.sandbox.store import Request, Response
from reconciler.vendors.posthog.sandbox_collection import Body

_PROJECT = re.compile(r"/api/projects/([^/]+)/")


def access(request: Request, scopes: Collection[str]) -> Response | None:
    """The answer to a question about the key; None to any other."""
    if request.method != "GET":
        return None
    if request.path == "/api/personal_api_keys/@current/":
        return Response(200, {"id": "key", "label": "sandbox", "scopes": sorted(scopes), "scoped_teams": [],
                              "scoped_organizations": []})
    hit = _PROJECT.fullmatch(request.path)
    if hit is None:
        return None
    if not {"*", "project:read", "project:write"} & set(scopes):
        said: Body = {"type": "authentication_error", "code": "permission_denied", "attr": None,
                      "detail": "API key missing required scope 'project:read'"}
        return Response(403, said)
    return Response(200, {"id": 1 if hit[1] == "@current" else int(hit[1]) if hit[1].isdigit() else hit[1], "name": "Sandbox"})
