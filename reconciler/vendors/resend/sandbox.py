"""Resend in the sandbox: one team, pages by cursor, its limits, and its own error object.

Each collection is a class of its own (`sandbox_*.py`); `COLLECTIONS` says at which path it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from reconciler.sandbox.store import Request, Response, Sandbox
from reconciler.vendors.resend.sandbox_collection import Body, Collection, Complaint
from reconciler.vendors.resend.sandbox_contacts import ContactProperties, Segments, Topics
from reconciler.vendors.resend.sandbox_domains import Domains
from reconciler.vendors.resend.sandbox_keys import ApiKeys, Webhooks
from reconciler.vendors.resend.sandbox_templates import Templates

COLLECTIONS: Mapping[str, type[Collection]] = {
    "domains": Domains, "templates": Templates, "webhooks": Webhooks, "api-keys": ApiKeys, "segments": Segments,
    "topics": Topics, "contact-properties": ContactProperties}

_PATH = re.compile(r"/(?P<noun>[a-z-]+)(?:/(?P<id>[^/]+)(?:/(?P<act>[a-z]+))?)?")


class ResendSandbox(Sandbox):
    """One team.

    `per_second` is the team's limit, 0 for none; `quota` a word such as `daily` whose quota is used up; `sending` are
    keys that may only send mail.
    """

    per_second: int = 0
    quota: str = ""
    sending: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._window: tuple[int, int] = (0, 0)

    def answer(self, request: Request) -> Response:
        """One request as Resend would answer it."""
        headers = self._limits()
        try:
            self._admit(request)
            found = self._routed(request)
        except Complaint as complaint:
            return Response(complaint.status, complaint.body, {**headers, **complaint.headers})
        return Response(found.status, found.body, headers)

    def collection(self, noun: str) -> Collection:
        """One collection."""
        return COLLECTIONS[noun](self)

    # the door

    def _limits(self) -> dict[str, str]:
        """The headers of the limit, with this request counted."""
        if not self.per_second:
            return {}
        second = int(self.clock.now())
        self._window = (second, self._window[1] + 1 if self._window[0] == second else 1)
        left = max(self.per_second - self._window[1], 0)
        return {"ratelimit-limit": str(self.per_second), "ratelimit-remaining": str(left), "ratelimit-reset": "1"}

    def _admit(self, request: Request) -> None:
        held = re.match(r"Bearer (\S+)", request.headers.get("authorization", ""))
        if held is None:
            raise Complaint("Missing API key in the authorization header", status=401, name="missing_api_key")
        if held[1] in self.sending:
            raise Complaint("This API key is restricted to only send emails", status=401, name="restricted_api_key")
        if self.per_second and self._window[1] > self.per_second:
            raise Complaint("Too many requests. You can only make a few requests per second.", status=429,
                            name="rate_limit_exceeded", headers={"retry-after": "1"})
        if self.quota:
            raise Complaint(f"You have reached your {self.quota} email sending quota", status=429,
                            name=f"{self.quota}_quota_exceeded", headers={"retry-after": "1"})

    # the counter

    def _routed(self, request: Request) -> Response:
        hit = _PATH.fullmatch(request.path)
        if hit is None or hit["noun"] not in COLLECTIONS:
            raise Complaint("The requested endpoint does not exist", status=404, name="not_found")
        here = self.collection(hit["noun"])
        if hit["id"] is None:
            return self._on_all(here, request)
        held = here.find(unquote(hit["id"]))
        if hit["act"] is not None:
            if request.method != "POST" or hit["act"] not in here.acts:
                raise Complaint("Method is not allowed for the requested path", status=405, name="method_not_allowed")
            here.act(held, hit["act"])
            return Response(200, here.named(held))
        if request.method == "GET" and here.readable:
            return Response(200, here.shown(held))
        if request.method == "PATCH" and here.changeable:
            here.changed(held, self._given(request))
            return Response(200, here.named(held))
        if request.method == "DELETE":
            here.deleted(held)
            return Response(200, {**here.named(held), "deleted": True})
        raise Complaint("Method is not allowed for the requested path", status=405, name="method_not_allowed")

    def _given(self, request: Request) -> Body:
        given = self.decode(request)
        if given is not None and not isinstance(given, dict):
            raise Complaint("The request body is not a JSON object")
        return given or {}

    def _on_all(self, here: Collection, request: Request) -> Response:
        if request.method == "GET":
            return Response(200, self._page(here, dict(request.query)))
        if request.method == "POST":
            return Response(201, here.created(here.made(self._given(request))))
        raise Complaint("Method is not allowed for the requested path", status=405, name="method_not_allowed")

    def _page(self, here: Collection, query: Mapping[str, str]) -> Body:
        found = list(reversed(here.held().values()))
        if not query:
            return {"object": "list", "has_more": False, "data": [here.listed(body) for body in found]}
        limit = query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise Complaint("The `limit` must be between 1 and 100")
        for word in ("after", "before"):
            if word in query:
                place = next((n for n, body in enumerate(found) if body["id"] == query[word]), None)
                if place is None:
                    raise Complaint(f"The `{word}` cursor is not an object of this list")
                found = found[place + 1:] if word == "after" else found[:place]
        page = found[-int(limit):] if "before" in query else found[:int(limit)]
        return {"object": "list", "has_more": len(found) > len(page), "data": [here.listed(body) for body in page]}
