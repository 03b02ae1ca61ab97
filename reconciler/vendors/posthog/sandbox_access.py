"""What a personal key of PostHog's is told of itself and of its project, in the sandbox."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

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
    project = unquote(hit[1])
    number = 1 if project == "@current" else int(project) if project.isdigit() else project
    return Response(200, {"id": number, "name": "Sandbox"})
