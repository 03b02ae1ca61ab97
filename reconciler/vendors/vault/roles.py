"""What the roles of all login methods share: their names, and what the tokens are like that they give."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Canonical, Link, Permissions, Spec
from reconciler.contract.kind import S
from reconciler.model import Action, Fact, Fate, Fields, Impact, Live, has_token
from reconciler.vendors.vault.inside import METHODS, Inside
from reconciler.vendors.vault.permissions import LIST_POLICIES, at
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.reading import keys
from reconciler.vendors.vault.terms import Duration, Networks, duration, names

_NAME = re.compile(r"\w(?:[\w.-]*\w)?")


def role_name(value: str | None) -> str | None:
    """A role's name as the server keeps it; ValueError where it would be another one or is refused."""
    if value is None or has_token(value):
        return value
    if value != lower(value) or not value:
        raise ValueError(f"the server keeps names in lower case, without blanks around them: write {lower(value)!r}")
    return plain_name(value)


def plain_name(value: str | None) -> str | None:
    """A name as the server's paths take it, in whatever case; ValueError where it is refused."""
    if value is not None and not has_token(value) and not _NAME.fullmatch(value):
        raise ValueError("has letters, digits, _ . - only, and begins and ends with a letter, digit or _")
    return value


class TokenFields(Spec):
    """What the tokens of a role are like; 0 leaves it to the mount."""

    token_policies: Annotated[list[Annotated[str, Link("vault.policy", "name")]] | None, Canonical(names),
                              Impact.ACCESS] = None
    token_ttl: Duration = 0
    token_max_ttl: Duration = 0
    token_explicit_max_ttl: Duration = 0
    token_period: Duration = 0
    token_num_uses: Annotated[int | None, Field(ge=0)] = 0
    token_bound_cidrs: Annotated[Networks, Impact.ACCESS] = None
    token_no_default_policy: Annotated[bool | None, Impact.ACCESS] = False
    token_type: Literal["default", "service", "batch"] | None = "default"  # noqa: S105 - a type, not a token


class LoginRole(Inside[S]):
    """A role of a login method."""

    folder, folded, parent, create_impact = "role", True, METHODS, Impact.ACCESS
    permissions = Permissions(at("auth/{mount}/role/{name}", "read"),
                              at("auth/{mount}/role/{name}", "create", "update", "delete"), LIST_POLICIES)

    def fate(self, live: Live) -> Fate:
        """It is deleted: nobody logs in with it any more."""
        return Fate("delete", why="nobody can log in with it any more; tokens that are out stay until they end")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse of any role."""
        try:
            role_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)
        if fields.get("token_type") == "batch":
            for name in ("token_num_uses", "token_period"):
                if duration(fields.get(name) or 0) != 0:
                    yield name, "batch tokens have no limited uses and no period"
        least, most = duration(fields.get("token_ttl")), duration(fields.get("token_max_ttl"))
        if isinstance(least, int) and isinstance(most, int) and least > most > 0:
            yield "token_ttl", "is longer than token_max_ttl"

    def look(self, action: Action) -> Iterable[Fact]:
        """Policies that are named and are not there: legal, and worth nothing."""
        return absent(self, action, "token_policies")


def absent(kind: Any, action: Action, field: str) -> list[Fact]:
    """A fact for every policy that a field names and that is not there."""
    named = action.resource.fields.get(field) if action.resource is not None else None
    given = {str(lower(name)) for name in named or () if not has_token(name)} - {"default"}
    missing = sorted(given - {*map(str.lower, keys(kind.api, "/v1/sys/policies/acl"))}) if given else ()
    return [Fact(f"there is no policy {name} yet: it gives nothing", subject=field) for name in missing]
