"""Sentry's ways to write one thing: names in two cases, numbers as texts, owners, slugs, texts in lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Mark
from reconciler.model import has_token

DEFAULTS = ("error", "issue_stream")
"""The monitors that Sentry makes with each project."""

OPAQUE = frozenset({"additional_fields", "additionalFields"})
"""Maps whose keys are another system's; Sentry's own converter leaves them alone too (`rest_framework/base.py`)."""

SLUG = r"^[a-z0-9_-]*[a-z_-][a-z0-9_-]*$"
_CAMEL = re.compile(r"((?<=[a-z])[A-Z]|[A-Z](?![A-Z]|$))")


def snake(name: Any) -> Any:
    """`conditionGroup` as `condition_group`, as Sentry turns it round for requests."""
    return _CAMEL.sub(r"_\1", name).strip("_").lower() if isinstance(name, str) else name


def snaked(value: Any) -> Any:
    """A value with the names of its fields in snake case, at every depth."""
    if isinstance(value, Mapping):
        return {snake(key): item if key in OPAQUE else snaked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snaked(item) for item in value]
    return value


def loose(value: Any) -> Any:
    """A value as Sentry may read it back: numbers as texts, empty texts and nulls left out of maps."""
    if isinstance(value, Mapping):
        return {key: loose(item) for key, item in value.items() if item not in (None, "")}
    if isinstance(value, list):
        return [loose(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    return value


def names(value: Any) -> Any:
    """Texts as the set that they are."""
    return sorted({str(item) for item in value}) if isinstance(value, (list, tuple)) else value


def lines(value: Any) -> Any:
    """A text without what editors add: line ends of Windows, spaces at the ends of lines, empty lines around."""
    return "\n".join(line.rstrip() for line in value.splitlines()).strip() if isinstance(value, str) else value


def owner(value: Any) -> Any:
    """`team:2`, which some answers give as an object."""
    if isinstance(value, Mapping):
        return f"{value.get('type')}:{value.get('id')}"
    return value


def _actor(value: str) -> str:
    if not has_token(value) and not re.fullmatch(r"(team|user):\d+", value):
        raise ValueError('is team:NUMBER or user:NUMBER; for a team of ours {format: "team:{id}", with: {id: {ref: …}}}')
    return value


Actor = Annotated[str, AfterValidator(_actor), Canonical(owner)]
"""Who owns something."""

Slug = Annotated[str, Field(pattern=SLUG)]
"""A slug: small letters, digits, - and _, not digits alone."""

Texts = Annotated[list[str] | None, Canonical(names), Mark.UNORDERED]
"""Texts in no order."""
