"""One file's value, and where everything in it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import Location

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key and its value stand: lines and columns from 1, `width` of the value's first line."""

    line: int
    column: int
    width: int = 1
    key_line: int = 0
    key_column: int = 0
    key_width: int = 1


@dataclass(slots=True)
class Document:
    """One file's value; `places` are found when somebody asks, except those of kinds and names (`heads`)."""

    file: str
    value: Any
    heads: Mapping[Path, Place] = field(default_factory=dict)
    find: Callable[[], Mapping[Path, Place]] = dict
    _places: Mapping[Path, Place] | None = None

    @property
    def places(self) -> Mapping[Path, Place]:
        """The place of every value by its path of keys and indexes."""
        if self._places is None:
            self._places = self.find()
        return self._places

    def at(self, path: Path, *, key: bool = False) -> Location:
        """The place of a path's value (or its key), or of the nearest thing above it."""
        exact = self.heads.get(path) or self.places.get(path)
        place = exact or self.place(path)
        if place is None:
            return Location(self.file, 1, 1)
        if key and place.key_line and exact is not None:
            return Location(self.file, place.key_line, place.key_column)
        return Location(self.file, place.line, place.column)

    def place(self, path: Path) -> Place | None:
        """The place of a path, or of the nearest thing above it."""
        while path not in self.places:
            if not path:
                return None
            path = path[:-1]
        return self.places[path]

    def width(self, path: Path, *, key: bool = False) -> int:
        """How wide the value (or the key) of a path is on its first line."""
        place = self.places.get(path)
        return 1 if place is None else place.key_width if key else place.width
