"""What the REST APIs of code hosts have in common: a token, pages by the Link header, times, a bounded wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from reconciler.contract.http import Api
from reconciler.contract.vendor import Settings
from reconciler.errors import Denied, Failure, Missing, Unreadable
from reconciler.model import Call
from reconciler.secret import Secret

PAGE = 100
PAGES = 100
"""More pages of comments than that is a loop."""

PATIENCE = 300.0
"""Seconds that a job waits for a rate limit to end; a longer one is told instead."""


class HostSettings(Settings):
    """A code host's address and token."""

    token: Secret
    max_wait: float = PATIENCE


class HostApi(Api):
    """One connection to one code host: reads are repeated, and writes only where twice is the same as once."""

    @property
    def token(self) -> str:
        """The token, for a header."""
        return cast("HostSettings", self.settings).token.reveal()

    def headed(self, body: Any, response: httpx.Response) -> Any:
        """The answer, and where its next page is."""
        return body, response.links.get("next", {}).get("url")

    def message(self, response: httpx.Response) -> str:
        """What the host says, in one line."""
        said = self.said(response)
        return f"{super().message(response)}{f': {said}' if said else ''}"

    def said(self, response: httpx.Response) -> str:
        """The sentence in an answer that is no success."""
        try:
            found = response.json()
        except (ValueError, RecursionError):
            return ""
        message = found.get("message") or found.get("error") if isinstance(found, dict) else None
        return " ".join(str(message).split())[:300] if message else ""

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """A refusal says which permission would help."""
        error = super().complaint(response, reading)
        if isinstance(error, (Denied, Missing)):
            error.next = self.permission(response)
        return error

    def permission(self, response: httpx.Response) -> str:
        """The permission that the token lacks."""
        return ""

    def read(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One object."""
        found = _bare(self.get(path, params))
        if not isinstance(found, dict):
            raise Unreadable(f"{path}: the answer is not an object", "try again")
        return found

    def every(self, path: str, params: Mapping[str, Any] | None = None, under: str | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a list on all its pages; `under` is the key that holds it."""
        seen: set[str] = set()
        link: str | None = path
        more: Mapping[str, Any] | None = {"per_page": PAGE, **(params or {})}
        while link is not None:
            if link in seen or len(seen) >= PAGES:
                raise Unreadable(f"{path}: its pages do not end", "try again")
            seen.add(link)
            body, link = self.get(link, more)
            items = body.get(under) if under and isinstance(body, dict) else body
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise Unreadable(f"{path}: the answer is not a list", "try again")
            yield from items
            more = None

    def write(self, method: str, path: str, body: Any = None, *, safe: bool = False) -> dict[str, Any]:
        """One write; `safe` when doing it twice is the same as doing it once."""
        found = _bare(self.send(Call(method, path, body, safe=safe)))
        return found if isinstance(found, dict) else {}


def _bare(answer: Any) -> Any:
    return answer[0] if isinstance(answer, tuple) else answer


def part(one: Mapping[str, Any], *names: str) -> Any:
    """What stands there in an answer; Unreadable when nothing does."""
    found: Any = one
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise Unreadable(f"the answer lacks {'.'.join(names)}", "try again")
    return found


def whole(one: Mapping[str, Any], *names: str) -> int:
    """A whole number that stands there."""
    found = part(one, *names)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unreadable(f"{'.'.join(names)} is not a number", "try again")
    return found


def text(one: Mapping[str, Any], *names: str) -> str:
    """A text that may stand there: a login is empty once the account is gone."""
    found: Any = one
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return str(found or "")


def seconds(text: Any) -> float | None:
    """A host's time in seconds since the epoch; None when there is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
