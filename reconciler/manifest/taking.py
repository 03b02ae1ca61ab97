"""What an entry has to say for its object to be as it asks: live values in the place of those that are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.contract.compare import covers, empty
from reconciler.contract.spec import PLAIN, Mark, Shape
from reconciler.findings import shown as text
from reconciler.manifest.entries import Entry, Layer, indirect
from reconciler.manifest.layout import same
from reconciler.model import Address, Fields

ABSENT: Any = object()
"""Stands for a value that is not written, not said, or not there."""

_WHY = {"var": "a variable of reconciler.yaml", "secret": "a secret", "format": "a format", "ref": "a reference"}


@dataclass(frozen=True, slots=True)
class Left:
    """What is not written, why, and what can be done about it."""

    address: Address
    path: tuple[Any, ...]
    message: str
    help: str


@dataclass(slots=True)
class Taking:
    """One entry with live values in it: its fields as they shall be written, texts of its files, and what is left.

    `readers` says who reads a file beside this entry.
    """

    entry: Entry
    readers: Callable[[Path], list[str]] = lambda path: []
    fields: Fields = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def take(self, name: str, want: Any, live: Any, said: Any, shape: Shape) -> None:
        """One field; `said` is the live value as an export would write it, ABSENT where that leaves it out."""
        raw = self.entry.raw.get(name, ABSENT)
        self.fields[name] = self._value(raw, want, live, said, shape, (name,))

    def leave(self, path: tuple[Any, ...], why: str) -> None:
        """One value that stays as it is."""
        self.left.append(Left(self.entry.address, path, f"{text(path)}: {why}", "change it by hand, or apply"))

    def _value(self, raw: Any, want: Any, live: Any, said: Any, shape: Shape, path: tuple[Any, ...]) -> Any:
        if covers(live, want, shape):
            return raw
        whole = live if said is ABSENT else said
        if Mark.SECRET in shape.marks:
            return self._leave(raw, path, "a secret is never written down")
        if indirect(raw) and "literal" in raw:
            return self._literal(raw["literal"], want, live, whole, shape, path)
        if indirect(raw):
            return self._indirect(raw, whole, path)
        if isinstance(raw, dict) and isinstance(want, dict) and isinstance(live, dict) and live:
            return self._map(raw, want, live, whole, shape, path)
        if isinstance(raw, list) and isinstance(want, list) and isinstance(live, list) and len(raw) == len(want):
            return self._list(raw, want, live, whole, shape, path)
        return whole

    def _indirect(self, raw: dict[str, Any], whole: Any, path: tuple[Any, ...]) -> Any:
        if "ref" in raw and isinstance(whole, dict) and "ref" in whole:
            return whole
        if "file" in raw:
            return self._file(raw, whole, path)
        word = next(word for word in _WHY if word in raw)
        return self._leave(raw, path, f"it is {_WHY[word]}, and is left as it is")

    def _literal(self, raw: Any, want: Any, live: Any, said: Any, shape: Shape, path: tuple[Any, ...]) -> Any:
        """A map that would be taken for an indirection; an export writes it so by itself, where it still would be."""
        said = said["literal"] if isinstance(said, dict) and said.keys() == {"literal"} else said
        maps = all(isinstance(value, dict) for value in (raw, want, live))
        return {"literal": self._map(raw, want, live, said, shape, path) if maps and live else said}

    def _file(self, raw: dict[str, Any], whole: Any, path: tuple[Any, ...]) -> Any:
        file = self.entry.layer(path).folder / str(raw["file"])
        readers = [name for name in self.readers(file) if name != str(self.entry.address)]
        if not isinstance(whole, str):
            return self._leave(raw, path, "it is a file, and what is live is no text")
        if readers:
            return self._leave(raw, path, f"{raw['file']} is read by {readers[0]} too, and is left as it is")
        self.texts[file] = whole
        return raw

    def _leave(self, raw: Any, path: tuple[Any, ...], why: str) -> Any:
        self.leave(path, why)
        return raw

    # inside

    def _map(self, raw: dict[str, Any], want: dict[str, Any], live: dict[str, Any], said: Any, shape: Shape,
             path: tuple[Any, ...]) -> dict[str, Any]:
        """What the manifest names; of a map that is owned whole what is new too, and not what is gone."""
        known = said if isinstance(said, dict) else {}
        free = shape.kind == "map"
        made = {}
        for key, value in raw.items():
            if free and empty(live.get(key)) and not empty(want.get(key)):
                continue
            made[key] = self._value(value, want.get(key), live.get(key), known.get(key, ABSENT), shape.child(key), (*path, key))
        if free and Mark.MERGED not in shape.marks:
            made |= {key: known.get(key, value) for key, value in live.items() if key not in raw and not empty(value)}
        return made

    def _list(self, raw: list[Any], want: list[Any], live: list[Any], said: Any, shape: Shape,
              path: tuple[Any, ...]) -> list[Any]:
        """Each live item beside the written one that means it, or as an export would write it."""
        known = said if isinstance(said, list) and len(said) == len(live) else live
        item = shape.item or PLAIN
        found = _matched(want, live, known, raw, shape)
        placed = [(len(raw) if old is None else old, n) for n, old in enumerate(found)]
        if (shape.keyed or Mark.UNORDERED in shape.marks) and not shape.ordered:
            placed.sort()
        return [known[n] if old == len(raw) else self._value(raw[old], want[old], live[n], known[n], item, (*path, old))
                for old, n in placed]


def _matched(want: list[Any], live: list[Any], said: list[Any], raw: list[Any], shape: Shape) -> list[int | None]:
    """For each live item the place of the written one; None where there is none."""
    if shape.keyed:
        keys = {one.get(shape.keyed): n for n, one in enumerate(want) if isinstance(one, dict)}
        return [keys.get(one.get(shape.keyed)) if isinstance(one, dict) else None for one in live]
    item = shape.item or PLAIN
    free = list(range(len(want)))
    found: list[int | None] = [None] * len(live)
    least = 0
    for n, one in enumerate(live):
        hit = next((m for m in free if m >= least and covers(one, want[m], item)), None)
        if hit is not None:
            found[n] = hit
            free.remove(hit)
            least = 0 if Mark.UNORDERED in shape.marks else hit + 1
    for n in range(len(live)):
        above = max((m for m in found[:n] if m is not None), default=-1)
        below = min((m for m in found[n + 1:] if m is not None), default=len(want))
        if found[n] is None and Mark.UNORDERED not in shape.marks:
            hit = next((m for m in free if above < m < below and _alike(raw[m], said[n])), None)
            if hit is not None:
                found[n] = hit
                free.remove(hit)
    return found


def _alike(raw: Any, said: Any) -> bool:
    """Whether an item is another one changed: nothing of it would be lost among the keys written, or a text is shared."""
    if not isinstance(raw, dict) or not isinstance(said, dict) or indirect(raw) or indirect(said):
        return False
    return said.keys() <= raw.keys() or any(isinstance(value, str) and raw.get(key) == value for key, value in said.items())


class Sheets:
    """The values of files, with new ones in them; the files that were read stay as they are."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.touched: set[str] = set()

    def lay(self, entry: Entry, fields: Fields) -> None:
        """Put an entry's fields where its values come from.

        A value that `_defaults` gives is written into the entry itself: other entries have it from there too.
        """
        for name, value in fields.items():
            self._differing(entry, entry.raw.get(name, ABSENT), value, (name,))

    def _differing(self, entry: Entry, old: Any, new: Any, path: tuple[Any, ...]) -> None:
        if old is new or same(old, new):
            return
        if isinstance(old, dict) and isinstance(new, dict) and not indirect(old) and not indirect(new):
            for key in {**old, **new}:
                self._differing(entry, old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
            return
        layers = [layer for layer in entry.layers if layer.has(path)]
        layer = layers[0] if layers else entry.layer(path)
        own = next(one for one in entry.layers if one.document is layer.document and one.path[1] == entry.address.name)
        value = self._file(own)
        for part in (*own.path, *path[:-1]):
            value = value.setdefault(part, {})
        if new is ABSENT and layers == [own]:
            del value[path[-1]]
        else:
            value[path[-1]] = None if new is ABSENT else new

    def _file(self, layer: Layer) -> Any:
        name = layer.document.file
        if name not in self.touched:
            self.touched.add(name)
            self.values[name] = _copied(self.values.get(name, layer.document.value))
        return self.values[name]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
