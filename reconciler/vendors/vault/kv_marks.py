"""What of ours stands in a kv secret's custom metadata: the mark, and the names of the keys that we write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from reconciler.contract import metadata_of, without_marks
from reconciler.contract.owner import RESERVED
from reconciler.model import Owner

KEYS = "reconciler_keys"
MOST, LONGEST_NAME, LONGEST = 64, 128, 512
"""Entries, and bytes of a name and of a value, that the server takes (OpenBao 2.7.2)."""


def theirs(custom: Mapping[str, Any] | None) -> dict[str, Any]:
    """What people wrote."""
    return {name: value for name, value in without_marks(custom).items() if not _is_keys(name)}


def marked(custom: Mapping[str, Any], owner: Owner | None, keys: Iterable[str]) -> dict[str, Any]:
    """What people wrote, with our mark and the names of our keys; a list too long for one value goes on in the next."""
    if owner is None:
        return theirs(custom)
    text = json.dumps(sorted(keys), separators=(",", ":"))
    parts = [text[n:n + LONGEST] for n in range(0, len(text), LONGEST)]
    return {**theirs(custom), **metadata_of(owner), **dict(zip(_names(), parts, strict=False))}


def held(custom: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The keys that are recorded as ours; None where nothing (or nothing sensible) is recorded."""
    text = ""
    for name in _names():
        if name not in (custom or {}):
            break
        text += str((custom or {})[name])
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return frozenset(map(str, found)) if isinstance(found, list) else None


def wrong(custom: Mapping[str, Any] | None, keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    """What the server would refuse of the metadata that an entry gives."""
    given = custom or {}
    for name, value in given.items():
        path = f"custom_metadata.{name}"
        if name in RESERVED or _is_keys(name):
            yield path, "is where our own mark stands"
        elif not name or len(name.encode()) > LONGEST_NAME:
            yield path, f"a name has 1 to {LONGEST_NAME} bytes"
        elif value is not None and not 0 < len(str(value).encode()) <= LONGEST:
            yield path, f"a value has 1 to {LONGEST} bytes: null removes the name"
    room = MOST - len(marked({}, Owner("-", "-", "-"), keys))
    if len(given) > room:
        yield "custom_metadata", f"has at most {room} names beside our own"


def _names() -> Iterable[str]:
    yield KEYS
    yield from (f"{KEYS}_{n}" for n in count(2))


def _is_keys(name: str) -> bool:
    return name == KEYS or name.startswith(f"{KEYS}_")
