"""Ownership marks: how they are written where a vendor has room and no customer reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.model import Owner

STACK, ADDRESS, SEAL = "reconciler_stack", "reconciler_address", "reconciler_seal"
RESERVED = frozenset({STACK, ADDRESS, SEAL})
"""Metadata keys that no manifest may use; of a vendor's limit of keys they take three."""

_LINE = re.compile(r"\n?\[reconciler ([^\s\]]+) ([^\s\]]+)(?: ([^\s\]]+))?\]\s*\Z")


def metadata_of(owner: Owner | None) -> dict[str, str]:
    """The metadata keys that carry a mark; nothing without one."""
    if owner is None:
        return {}
    seal = {SEAL: owner.seal} if owner.seal else {}
    return {STACK: owner.stack, ADDRESS: owner.address, **seal}


def from_metadata(metadata: Mapping[str, Any] | None) -> Owner | None:
    """The mark in a metadata map, if there is one."""
    if not metadata or not metadata.get(STACK):
        return None
    return Owner(str(metadata[STACK]), str(metadata.get(ADDRESS, "")), str(metadata.get(SEAL, "")))


def without_marks(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata that people wrote."""
    return {key: value for key, value in (metadata or {}).items() if key not in RESERVED}


def described(text: str | None, owner: Owner | None) -> str:
    """A description with the mark as its last line."""
    if owner is None:
        return text or ""
    parts = [owner.stack, owner.address] + ([owner.seal] if owner.seal else [])
    mark = f"[reconciler {' '.join(parts)}]"
    return f"{text}\n{mark}" if text else mark


def from_description(text: str | None) -> tuple[str, Owner | None]:
    """A description without its mark, and the mark."""
    hit = _LINE.search(text or "")
    if not hit:
        return text or "", None
    return (text or "")[: hit.start()], Owner(hit[1], hit[2], hit[3] or "")
