"""Paths into fields: `recurring.interval`, `metadata.tier`; a list is one leaf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def leaves(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value that is not a map, and every empty map, by its path."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found.update(leaves(value, f"{path}."))
        else:
            found[path] = value
    return found
