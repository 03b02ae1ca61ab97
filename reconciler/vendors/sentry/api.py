"""Sentry's HTTP habits: a bearer token, pages by the Link header, limits by headers, its two error shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx

from reconciler.contract.http import Api
from reconciler.contract.rest import segment
from reconciler.errors import Denied, Failure, Missing, Refused, Unreadable
from reconciler.model import Call, Ref, has_token
from reconciler.vendors.sentry.crowd import Crowd
from reconciler.vendors.sentry.permissions import allows
from reconciler.vendors.sentry.terms import DEFAULTS, snake

if TYPE_CHECKING:
    from reconciler.vendors.sentry import SentrySettings

AGAIN = 1.0
"""Seconds to wait where Sentry asks to come again and does not say when."""

AT_ONCE = 8
"""Requests under way at the same time before Sentry has said how many it takes."""

PATIENCE, PAUSE = 15.0, 0.5
"""Seconds that a new project's own monitors are waited for, and between two looks."""

_NEXT = re.compile(r'<[^>]*>([^<]*\brel="next"[^<]*)')


class Page(list[Any]):
    """One page of a list; `cursor` leads to the next, is empty at the end, and None where no header said anything."""

    cursor: str | None = None


class SentryApi(Api):
    """One connection to one organization.

    `declared` are the slugs that entries ask for, by address; `plain` the ids of default monitors that somebody wrote
    down as they are.
    """

    default_url = "https://sentry.io"

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.declared: dict[str, str] = {}
        self.plain: set[str] = set()
        self.crowd = Crowd(min(self.settings.connections, AT_ONCE))
        self._slugs: dict[str, str] = {}
        self._own: dict[str, tuple[str, str]] = {}
        self._monitors: set[str] = set()

    @property
    def sentry(self) -> SentrySettings:
        """The settings of this connection."""
        return cast("SentrySettings", self.settings)

    def url(self) -> str:
        """Where the server is, without the `/api/0` that some write behind it."""
        return re.sub(r"(/api(/0)?)?/*\Z", "", self.settings.base_url or self.default_url)

    def headers(self) -> Mapping[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {self.sentry.auth_token.reveal()}"}

    def account(self) -> str:
        """The organization."""
        return self.sentry.organization

    def leads_to(self) -> Mapping[str, str]:
        """The organization, as it is called now."""
        found = self.ask("GET", self.below(""))
        return {"organization": str(found["slug"])} if isinstance(found, dict) and found.get("slug") else {}

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """By the scopes that Sentry's root tells of the token (its `api/endpoints/index.py`)."""
        root = self.ask("GET", "/api/0/")
        auth = root.get("auth") if isinstance(root, dict) else None
        scopes = auth.get("scopes") if isinstance(auth, dict) else None
        return {one: allows(scopes, one) for one in asked} if isinstance(scopes, list) else {}

    def below(self, path: str) -> str:
        """A path below the organization."""
        return f"/api/0/organizations/{segment(self.sentry.organization)}/{path}"

    def project(self, project: str, path: str = "") -> str:
        """A path below a project, which is known by its slug and by its number."""
        return f"/api/0/projects/{segment(self.sentry.organization)}/{segment(project)}/{path}"

    # limits

    def turn(self) -> AbstractContextManager[Any]:
        """One of the requests that Sentry lets us have under way."""
        return self.crowd

    def pace(self, response: httpx.Response) -> None:
        """When this window is used up everybody waits for the next one; fewer at a time where Sentry says so."""
        limit = _number(response, "concurrentlimit")
        if limit is not None:
            self.crowd.shrink(int(limit))
        if _number(response, "remaining") == 0 and (left := self._left(response)) is not None:
            self.pacing.hold(min(left, self.settings.max_wait))

    def retry_after(self, response: httpx.Response) -> float | None:
        """Until the window's end, which is given as a time; else what the usual header says."""
        if response.status_code != 429:
            return None
        left = self._left(response)
        if left is not None:
            return left
        try:
            return max(float(response.headers.get("retry-after", AGAIN)), 0.0)
        except ValueError:
            return AGAIN

    def _left(self, response: httpx.Response) -> float | None:
        reset = _number(response, "reset")
        return None if reset is None else max(reset - self.clock.now(), 0.0)

    # answers

    def message(self, response: httpx.Response) -> str:
        """Sentry's own words in one line, where it has any."""
        said = "; ".join(f"{path}: {text}" if path else text for path, text in _said(_body(response)))
        return f"{self.connection}: {' '.join(said.split())}" if said else super().message(response)

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """`{detail: …}` or `{field: [..]}` as one of our errors, with the field in the manifest's terms."""
        status, text = response.status_code, self.message(response)
        param = next((path for path, _ in _said(_body(response)) if path), "")
        if status in (401, 403):
            return Denied(text, "check the token and its scopes (team, project, alerts: read and write; :admin deletes)",
                          status=status)
        if status == 410:
            return Missing(text, "Sentry has removed this part of its API", status=status)
        if status == 404:
            return Missing(text, status=status)
        if status == 409:
            return Refused(text, "it is taken; a project that is being deleted keeps its slug for a while: apply again later",
                           status=status, param=param)
        if 400 <= status < 500:
            return Refused(text, status=status, param=param)
        return super().complaint(response, reading)

    # lists

    def headed(self, body: Any, response: httpx.Response) -> Any:
        """A list with the cursor of its next page; `results` says whether there is one, the link alone does not."""
        if not isinstance(body, list):
            return body
        page = Page(body)
        hit = _NEXT.search(response.headers.get("link", ""))
        if hit is not None:
            cursor = re.search(r'cursor="([^"]*)"', hit[1])
            page.cursor = cursor[1] if cursor is not None and 'results="true"' in hit[1] else ""
        return page

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a list, a hundred a request. Of the link only the cursor counts: its host is never asked."""
        asked, seen, cursors = dict(params or {}), set[str](), set[str]()
        while True:
            page = self._page(path, asked)
            for item in page:
                if str(item["id"]) not in seen:
                    seen.add(str(item["id"]))
                    yield item
            if not page.cursor:
                return
            if page.cursor in cursors:
                raise Unreadable(f"{path}: Sentry's pages go round in a circle", "try again")
            cursors.add(page.cursor)
            asked = {**(params or {}), "cursor": page.cursor}

    def _page(self, path: str, asked: Mapping[str, Any]) -> Page:
        try:
            page = self.get(path, asked)
        except Missing as error:
            raise Unreadable(
                f"{error.message}: no such organization or project, or a server too old for it (alerts and monitors came "
                f"in 2026)", "check `organization` and `base_url`, or upgrade the server") from error
        if not isinstance(page, Page) or page.cursor is None:
            raise Unreadable(f"{path}: Sentry's answer is not one page of a list", "try again")
        if any(not isinstance(item, dict) or not item.get("id") for item in page):
            raise Unreadable(f"{path}: an object in Sentry's list has no id", "try again")
        return page

    # what is named by slug and known by number

    def slugs(self) -> Mapping[str, str]:
        """Every project's slug by its number; asked once while a plan is made."""
        self._slugs = {str(body["id"]): str(body["slug"]) for body in self.pages(self.below("projects/"))}
        return self._slugs

    def slug(self, number: str) -> str | None:
        """One project's slug."""
        return self._slugs.get(number) or self.slugs().get(number)

    def number(self, slug: str) -> str | None:
        """One project's number, which stays when the slug changes."""
        hit = next((number for number, held in self._slugs.items() if held == slug), None)
        return hit or next((number for number, held in self.slugs().items() if slug in (held, number)), None)

    def meant(self, project: Any) -> str | None:
        """The slug that a field of an entry names, also through a reference; None where it is not known yet."""
        if not isinstance(project, str):
            return None
        return project if not has_token(project) else self.declared.get(str(Ref(project).address))

    # the monitors that Sentry itself makes

    def own_monitors(self) -> Mapping[str, tuple[str, str]]:
        """The monitors of errors and of issues, one each a project: number → (type, number of the project)."""
        found = list(self.pages(self.below("detectors/")))
        self._own = {str(body["id"]): (str(body["type"]), str(body.get("projectId")))
                     for body in found if body.get("type") in DEFAULTS}
        self._monitors = {str(body["id"]) for body in found}
        return self._own

    def meet(self, monitors: Iterable[Any]) -> None:
        """Learn whose these monitors are, where one of them has not been seen yet."""
        if {str(one) for one in monitors} - self._monitors:
            self.own_monitors()

    def owned(self, monitor: str) -> tuple[str, str] | None:
        """What one of Sentry's own monitors watches; None for anybody else's."""
        return self._own.get(monitor)

    def send(self, call: Call, key: str | None = None, check: Callable[[], None] = lambda: None) -> Any:
        """One write; monitors are named by number, Sentry's own ones are looked up now, because they may be new."""
        if isinstance(call.body, dict) and "detector_ids" in call.body:
            ids = [self._detector(one) for one in call.body["detector_ids"]]
            call = replace(call, body={**call.body, "detector_ids": ids})
        return super().send(call, key, check)

    def _detector(self, one: Any) -> int:
        if not isinstance(one, Mapping):
            return int(one)
        end = self.clock.monotonic() + PATIENCE
        while True:
            hit = self._found(str(one["default"]), str(one["project"]))
            if hit is not None:
                return int(hit)
            if self.clock.monotonic() >= end:
                raise Refused(f"{one['project']} has no {one['default']} monitor of Sentry's own after {PATIENCE:g} s",
                              "apply again: Sentry makes it soon after the project", param="detectors")
            self.clock.sleep(PAUSE)

    def _found(self, type: str, project: str) -> str | None:
        number = self.number(project)
        for fresh in (False, True):
            known = self.own_monitors() if fresh or not self._own else self._own
            hit = next((id for id, held in known.items() if held == (type, number)), None)
            if hit is not None or fresh:
                return hit
        return None


def _number(response: httpx.Response, name: str) -> float | None:
    try:
        found = float(response.headers.get(f"x-sentry-rate-limit-{name}", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _said(body: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What an error answer says, as (field, text); `detail` and errors about the whole have no field."""
    if isinstance(body, str):
        yield path, body
    elif isinstance(body, list):
        for n, item in enumerate(body):
            yield from _said(item, path if isinstance(item, str) else f"{path}[{n}]")
    elif isinstance(body, dict):
        if path.endswith("detail") and isinstance(body.get("message"), str):
            yield "", body["message"]
            return
        for name, item in body.items():
            whole = name in ("detail", "nonFieldErrors", "non_field_errors")
            yield from _said(item, "detail" if name == "detail" and isinstance(item, dict) else path if whole else
                             f"{path}.{snake(name)}" if path else str(snake(name)))
