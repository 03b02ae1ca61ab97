"""Payloads of flags: any JSON in a manifest, JSON text at PostHog."""

from __future__ import annotations

import json
from typing import Any

from reconciler.model import has_token


def encoded(value: Any) -> str:
    """A payload as PostHog keeps it; a text that is JSON already stays as it is, any other becomes a JSON string."""
    if isinstance(value, str) and (has_token(value) or _parsed(value) is not _NONE):
        return value
    return json.dumps(value)


def payload(value: Any) -> Any:
    """A payload in normal form: the same text for the same JSON, however it is spaced and ordered; null is none."""
    if value is None or has_token(value):
        return value
    parsed = _parsed(value) if isinstance(value, str) else value
    try:
        return json.dumps(value if parsed is _NONE else parsed, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        return value


_NONE: Any = object()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NONE
