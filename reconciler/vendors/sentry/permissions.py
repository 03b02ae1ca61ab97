"""The scopes of a Sentry token: of each sort, `admin` includes `write`, and `write` includes `read`.

Which request asks for which is in the `security` of Sentry's OpenAPI document; where it takes any of several, the least is
named here. Lists of an organization all ask for `org:read`.
"""

from __future__ import annotations

from collections.abc import Collection

VERBS = ("read", "write", "admin")


def allows(scopes: Collection[str], asked: str) -> bool:
    """Whether a token with these scopes has that one."""
    noun, _, verb = asked.partition(":")
    enough = VERBS[VERBS.index(verb):] if verb in VERBS else (verb,)
    return any(f"{noun}:{one}" in scopes for one in enough)
