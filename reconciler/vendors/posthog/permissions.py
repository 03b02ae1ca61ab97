"""The scopes of a personal API key: one to read and one to write each sort of object; who may write may read.

The names are those of PostHog's `posthog/scopes.py`; which object asks for which is the `scope_object` of its views.
Property groups and their links to events go by the events' scope; servers before 2026 let no personal key at them.
"""

from __future__ import annotations

from reconciler.contract import Permissions

ALL = "*"


def scopes(noun: str, *reads: str, writes: tuple[str, ...] = ()) -> Permissions:
    """To read and to write these objects, to read others, and to write others."""
    return Permissions(tuple(f"{one}:read" for one in (noun, *reads)), tuple(f"{one}:write" for one in (noun, *writes)))


def allows(scopes: frozenset[str], asked: str) -> bool:
    """Whether a key with these scopes has that one."""
    noun, _, verb = asked.partition(":")
    return ALL in scopes or asked in scopes or (verb == "read" and f"{noun}:write" in scopes)
