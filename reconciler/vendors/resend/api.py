"""Resend's HTTP habits: a key of a team, pages by cursor, a limit that the team's mail shares, its error object."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from reconciler.contract.http import Api
from reconciler.errors import Denied, Exhausted, Failure, Missing, Refused, Unreadable

if TYPE_CHECKING:
    from reconciler.vendors.resend import ResendSettings

PAGE = 100
SHARE = 0.5
"""Our part of the team's limit; mail is sent under the same one, and a greedy plan would hold it up."""

LIMIT = 5.0
"""Requests a second of a team, as the documentation has it since 2026; the headers of an answer may say less."""

AGAIN = 1.0
"""Seconds to wait where Resend asks to come again and does not say when."""

QUOTAS = {"daily_quota_exceeded": ("daily", "tomorrow"), "monthly_quota_exceeded": ("monthly", "next month")}
"""A 429 that no wait of a second ends."""

_QUOTED = re.compile(r"`([a-z_]+)`")
_LIMIT = re.compile(r"\s*(\d+)(?:\s*;\s*w=(\d+))?")


class ResendApi(Api):
    """One connection to one Resend team.

    Idempotency keys count for sending mail only (API reference, 2026): a create whose answer is lost is never sent
    again, the next run looks first.
    """

    default_url = "https://api.resend.com"
    _told = False

    @property
    def resend(self) -> ResendSettings:
        """The settings of this connection."""
        return cast("ResendSettings", self.settings)

    def headers(self) -> Mapping[str, str]:
        """The team's key."""
        return {"Authorization": f"Bearer {self.resend.api_key.reveal()}"}

    def leads_to(self) -> Mapping[str, str]:
        """Nobody by name: Resend tells nothing of the team; a read proves the key."""
        self.ask("GET", "/domains", params={"limit": 1})
        return {}

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """A key that reads anything has full access."""
        try:
            self.leads_to()
        except Denied:
            return dict.fromkeys(asked, False)
        return dict.fromkeys(asked, True)

    # pace

    def own_rate(self) -> float | None:
        """Half of what the team may ask; what is no key of Resend's leads to no team."""
        return LIMIT * SHARE if self.resend.api_key.reveal().startswith("re_") else None

    def pace(self, response: httpx.Response) -> None:
        """Half of the limit that the headers say, announced once; nothing until the window ends when it is used up."""
        limit = _limit(response.headers)
        if self.settings.requests_per_second is None:
            if limit is not None:
                self.pacing.slow(limit * SHARE)
            if not self._told and self.pacing.rate is not None:
                self._told = True
                self.progress(f"{self.connection}: {self.pacing.rate:g} requests a second, half of the team's limit: the "
                              "other half is left to its mail (requests_per_second changes that)")
        if response.headers.get("ratelimit-remaining") == "0":
            self.pacing.hold(_seconds(response.headers.get("ratelimit-reset")))

    def retry_after(self, response: httpx.Response) -> float | None:
        """A second's limit asks to come again; a quota does not."""
        if response.status_code != 429 or _body(response).get("name") in QUOTAS:
            return None
        return _seconds(response.headers.get("retry-after"))

    # answers

    def message(self, response: httpx.Response) -> str:
        """Resend's own words in one line, where it has any."""
        said = " ".join(str(_body(response).get("message") or "").split())
        return f"{self.connection}: {said}" if said else super().message(response)

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """Resend's error object as one of ours; the field that it complains about stands in backticks in its text."""
        status, text, name = response.status_code, self.message(response), str(_body(response).get("name") or "")
        quoted = _QUOTED.search(text)
        known: dict[str, Any] = {"status": status, "code": name, "param": quoted[1] if quoted else ""}
        if name in QUOTAS:
            word, when = QUOTAS[name]
            return Exhausted(f"{text} ({word} quota of the team)", f"run it again {when}, or raise the plan: what is done "
                             "is not done again", status=status)
        if name == "restricted_api_key":
            return Denied(text, "this key may only send mail: make one with full access for the reconciler", **known)
        if status in (401, 403) and (reading or name != "validation_error"):
            return Denied(text, "check RESEND_API_KEY: it needs full access to the team", **known)
        if status in (404, 410):
            return Missing(text, **known)
        if 400 <= status < 500:
            return Refused(text, **known)
        return super().complaint(response, reading)

    # lists

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a list, a hundred a request, by cursor; whatever is not a whole list is no answer."""
        asked: dict[str, Any] = {**(params or {}), "limit": PAGE}
        seen: set[str] = set()
        while True:
            items, more = _page(path, self.get(path, asked))
            fresh = {item["id"]: item for item in items if item["id"] not in seen}
            yield from fresh.values()
            if not more:
                return
            if not fresh:
                raise Unreadable(f"{path}: Resend's pages go round in a circle", "try again")
            seen |= fresh.keys()
            asked = {**asked, "after": items[-1]["id"]}


def _page(path: str, page: Any) -> tuple[list[dict[str, Any]], bool]:
    """The objects of one answer, and whether there are more."""
    items = page.get("data") if isinstance(page, dict) else None
    if not isinstance(items, list) or not isinstance(page.get("has_more"), bool):
        raise Unreadable(f"{path}: Resend's answer is not a list", "try again")
    if any(not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"] for item in items):
        raise Unreadable(f"{path}: an object in Resend's list has no id", "try again")
    return items, page["has_more"]


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _limit(headers: httpx.Headers) -> float | None:
    """Requests a second: the limit over the window that `ratelimit-policy` names, else over a second."""
    for name in ("ratelimit-policy", "ratelimit-limit"):
        hit = _LIMIT.match(headers.get(name, ""))
        if hit is not None and int(hit[1]) > 0:
            return int(hit[1]) / max(int(hit[2] or 1), 1)
    return None


def _seconds(text: str | None) -> float:
    try:
        return max(float(text or AGAIN), 0.0)
    except ValueError:
        return AGAIN
