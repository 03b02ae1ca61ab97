"""What a token's policies must allow: capabilities at paths, one permission each, as `read sys/policies/acl/api`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LIST_POLICIES = ("list sys/policies/acl",)
"""Whether a named policy is there: a fact, and no more."""


def at(path: str, *capabilities: str) -> tuple[str, ...]:
    """These capabilities at one path."""
    return tuple(f"{capability} {path}" for capability in capabilities)


def by_path(permissions: Iterable[str]) -> Mapping[str, list[str]]:
    """Path → capabilities, in the order in which they come; as a policy says it."""
    found: dict[str, list[str]] = {}
    for one in permissions:
        capability, _, path = one.partition(" ")
        if capability not in found.setdefault(path, []):
            found[path].append(capability)
    return found
