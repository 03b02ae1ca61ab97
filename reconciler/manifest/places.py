"""Where each field of an entry stands, found when somebody asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.manifest.entries import Entry, Layer
from reconciler.model import Location

_PART = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def keys(path: str) -> tuple[Any, ...]:
    """A path as keys and indexes: `tiers[0].up_to` → ("tiers", 0, "up_to")."""
    return tuple(_index(hit[1]) if hit[2] is None else hit[2] for hit in _PART.finditer(path))


def _index(text: str) -> Any:
    return int(text) if text.isdigit() else (text,)


class Places(Mapping[str, Location]):
    """The places of one entry's fields by path; an item of a keyed list is found by its key."""

    __slots__ = ("_entry",)

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    @property
    def entry(self) -> Entry:
        """The entry as it is written."""
        return self._entry

    def __getitem__(self, path: str) -> Location:
        parts = keys(path)
        for layer in self._entry.layers:
            found = self._found(layer, parts)
            if found is not None and layer.has(found):
                return layer.document.at((*layer.path, *found))
        raise KeyError(path)

    def _found(self, layer: Layer, parts: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The path with keyed items by their index; metadata keys with dots in them as they are."""
        value: Any = layer.document.value
        for part in layer.path:
            value = value.get(part, {}) if isinstance(value, dict) else {}
        found: list[Any] = []
        for n, part in enumerate(parts):
            here = _item(value, part)
            rest = ".".join(map(str, parts[n:]))
            if here is None and isinstance(value, dict) and rest in value:
                return (*found, rest)
            if here is None:
                return None
            found.append(here)
            value = value[here]
        return tuple(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entry.raw)

    def __len__(self) -> int:
        return len(self._entry.raw)


def _item(value: Any, part: Any) -> Any:
    if isinstance(value, dict):
        return part if part in value else None
    if isinstance(value, list) and isinstance(part, int):
        return part if part < len(value) else None
    if isinstance(value, list) and isinstance(part, tuple):
        return next((n for n, one in enumerate(value) if isinstance(one, dict) and part[0] in map(str, one.values())), None)
    return None
