"""What the parts of the sandbox's Sentry share: tables, numbers, dates, refusals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.store import Complaint as Refusal
from reconciler.vendors.sentry.sandbox_shapes import Body
from reconciler.vendors.sentry.terms import SLUG

if TYPE_CHECKING:
    from reconciler.vendors.sentry.sandbox import SentrySandbox


class Complaint(Refusal):
    """A refusal in one of Sentry's two shapes: about a field, or about the whole."""

    def __init__(self, text: str, field: str = "", status: int = 400) -> None:
        super().__init__(status, {field: [text]} if field else {"detail": text})


def absent(text: str = "The requested resource does not exist") -> Complaint:
    """A 404."""
    return Complaint(text, status=404)


class Part:
    """One part of the vendor, over the tables that all share."""

    def __init__(self, box: SentrySandbox) -> None:
        self.box = box

    def table(self, name: str) -> dict[str, Body]:
        """Objects by number."""
        return self.box.objects.setdefault(name, {})

    def number(self) -> str:
        """The next number of all."""
        last = self.table("numbers").setdefault("all", {"last": 1000})
        last["last"] += 1
        return str(last["last"])

    def made_up(self, *parts: str) -> str:
        """A key's letters, the same at every run."""
        return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]

    def now(self) -> str:
        """The time as Sentry writes it."""
        return datetime.fromtimestamp(self.box.clock.now(), UTC).isoformat().replace("+00:00", "Z")

    def one(self, name: str, key: str) -> Body:
        """An object by number or slug."""
        table = self.table(name)
        found = table.get(key) or next((body for body in table.values() if body.get("slug") == key), None)
        if found is None:
            raise absent()
        return found

    def team_of(self, owner: Any) -> Body | None:
        """`team:2` as answers of monitors show it."""
        if not owner:
            return None
        kind, _, id = str(owner).partition(":")
        if kind == "team" and id not in self.table("teams"):
            raise Complaint("Team does not exist", "owner")
        name = self.table("teams")[id]["name"] if kind == "team" else "Ada"
        return {"type": kind, "id": id, "name": name}


def text(given: Mapping[str, Any], name: str, most: int, *, needed: bool = False) -> str | None:
    """A text of a request; Complaint when it is missing or too long."""
    value = given.get(name)
    if value in (None, ""):
        if needed:
            raise Complaint("This field is required.", name)
        return None
    if not isinstance(value, str):
        raise Complaint("Not a valid string.", name)
    if len(value) > most:
        raise Complaint(f"Ensure this field has no more than {most} characters.", name)
    return value


def slug(given: Mapping[str, Any], most: int) -> str | None:
    """A slug of a request."""
    value = text(given, "slug", most)
    if value is not None and not re.match(SLUG, value):
        raise Complaint("Enter a valid slug consisting of lowercase letters, numbers, underscores or hyphens. It cannot be "
                        "entirely numeric.", "slug")
    return value


def slugged(name: str) -> str:
    """The slug that Sentry makes of a name."""
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "x"
