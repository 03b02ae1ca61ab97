"""PostHog's HTTP habits: a personal key, pages by offset, budgets by minute and hour, its error object."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from reconciler.contract.http import Api, on_this_host
from reconciler.contract.pacing import Budget
from reconciler.contract.rest import segment
from reconciler.errors import Denied, Failure, Missing, Refused, Unreadable
from reconciler.vendors.posthog.permissions import allows

if TYPE_CHECKING:
    from reconciler.vendors.posthog import PostHogSettings

PAGE = 100
ME = "/api/personal_api_keys/@current/"
"""The key that asks; every key may see itself (PostHog's `api/personal_api_key.py`)."""

AGAIN = 1.0
"""Seconds to wait where PostHog asks to come again and does not say when."""

_LATER = re.compile(r"available in (\d+) second")


class PostHogApi(Api):
    """One connection to one project of PostHog.

    PostHog counts requests by personal key: 480 a minute and 4,800 an hour (its `rate_limit.py`).
    """

    default_url = "https://us.posthog.com"
    budgets = ((480, 60.0), (4800, 3600.0))

    @property
    def posthog(self) -> PostHogSettings:
        """The settings of this connection."""
        return cast("PostHogSettings", self.settings)

    def url(self) -> str:
        """Where the server is, without the `/api` that some write behind it."""
        return (self.posthog.base_url or self.posthog.host or self.default_url).rstrip("/").removesuffix("/api")

    def own_budgets(self) -> tuple[Budget, ...]:
        """PostHog's, where the key is one of PostHog's."""
        return self.budgets if self.posthog.personal_api_key.reveal().startswith("ph") else ()

    def headers(self) -> Mapping[str, str]:
        """The personal key."""
        return {"Authorization": f"Bearer {self.posthog.personal_api_key.reveal()}"}

    def account(self) -> str:
        """The project."""
        return self.posthog.project

    def leads_to(self) -> Mapping[str, str]:
        """The project's number; a key that may not read its project proves itself by its own name."""
        try:
            found = self.ask("GET", f"/api/projects/{segment(self.posthog.project)}/")
        except Denied as error:
            if error.status != 403:
                raise
            self.ask("GET", ME)
            return {}
        return {"project": str(found["id"])} if isinstance(found, dict) and found.get("id") else {}

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """By the scopes of the key."""
        try:
            me = self.ask("GET", ME)
        except (Denied, Missing):
            return {}
        scopes = me.get("scopes") if isinstance(me, dict) else None
        return {one: allows(frozenset(map(str, scopes)), one) for one in asked} if isinstance(scopes, list) else {}

    # answers

    def message(self, response: httpx.Response) -> str:
        """PostHog's own words in one line, where it has any."""
        said = " ".join(str(_body(response).get("detail") or "").split())
        return f"{self.connection}: {said}" if said else super().message(response)

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """PostHog's error object as one of ours; `attr` names the field, nested ones with two underscores."""
        status, text, body = response.status_code, self.message(response), _body(response)
        known = {"status": status, "code": str(body.get("code") or ""), "request_id": response.headers.get("x-request-id", ""),
                 "param": str(body.get("attr") or "").replace("__", ".")}
        if status in (401, 403):
            return Denied(text, "check the personal API key, its scopes and the projects it may reach", **known)
        if status in (404, 410):
            return Missing(text, **known)
        if status == 402:
            return Refused(text, "the organisation's plan does not have this feature: leave the field out", **known)
        if status == 409:
            return Refused(text, _next(body), **known)
        if 400 <= status < 500:
            return Refused(text, **known)
        return super().complaint(response, reading)

    def retry_after(self, response: httpx.Response) -> float | None:
        """The header, else what the text says of a throttled request."""
        if response.status_code != 429:
            return None
        said = _LATER.search(str(_body(response).get("detail") or ""))
        try:
            return max(float(response.headers.get("retry-after") or (said[1] if said else AGAIN)), 0.0)
        except ValueError:
            return AGAIN

    # lists

    def pages(self, path: str, params: Mapping[str, Any] | None = None, *, counted: bool = True) -> Iterator[dict[str, Any]]:
        """Every object of a list, a hundred a request; whatever is not a whole list is no answer.

        A list that is not `counted` may also come whole, with neither a count nor a link to more.
        Of `next` only path and query count, asked at the configured host: behind a proxy its host is another one.
        """
        asked: Mapping[str, Any] | None = {**(params or {}), "limit": PAGE}
        seen: set[str] = set()
        where = path
        while True:
            page = self.get(where, asked)
            if not counted and isinstance(page, dict) and not {"count", "next"} & page.keys():
                page = {**page, "count": 0, "next": None}
            items, more = _page(path, page)
            fresh = {str(item["id"]): item for item in items if str(item["id"]) not in seen}
            yield from fresh.values()
            seen |= fresh.keys()
            if more is None:
                if len(seen) < page["count"]:
                    raise Unreadable(f"{path}: {page['count']} objects were promised and {len(seen)} came", "try again")
                return
            if not fresh:
                raise Unreadable(f"{path}: PostHog's pages go round in a circle", "try again")
            where, asked = on_this_host(more, self.base_url + path), None


def _page(path: str, page: Any) -> tuple[list[dict[str, Any]], str | None]:
    """The objects of one answer and the link to the next."""
    items = page.get("results") if isinstance(page, dict) else None
    whole = isinstance(items, list) and isinstance(page.get("count"), int) and "next" in page
    if not whole or not (page["next"] is None or isinstance(page["next"], str)):
        raise Unreadable(f"{path}: PostHog's answer is not a list", "try again")
    if any(not isinstance(item, dict) or not item.get("id") for item in items or ()):
        raise Unreadable(f"{path}: an object in PostHog's list has no id", "try again")
    return list(items or ()), page["next"] or None


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _next(body: Mapping[str, Any]) -> str:
    """What to do about a conflict: an approval that is waited for, or somebody else's edit."""
    if "approval" in f"{body.get('code')} {body.get('detail')}".lower() or body.get("change_request_id"):
        return "it is done once somebody approves it in PostHog; then plan again"
    return "somebody changed it meanwhile: plan again"
