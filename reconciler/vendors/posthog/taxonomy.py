"""What PostHog's definitions of events and of properties have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def at_odds(fields: Mapping[str, Any], what: str) -> Iterable[tuple[str, str]]:
    """The two words that PostHog takes only one of at a time; either takes the other one off."""
    if fields.get("verified") is True and fields.get("hidden") is True:
        yield "hidden", f"{what} can't be both hidden and verified: PostHog takes one of them"


def untouched(body: Mapping[str, Any], *more: str) -> bool:
    """Whether nobody has said anything about what came in by itself."""
    return not any(body.get(name) for name in ("description", "tags", "verified", "hidden", *more))
