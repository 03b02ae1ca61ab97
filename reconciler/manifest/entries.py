"""Manifest files → entries by address: defaults and overlays laid on, every value still knowing its place."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reconciler import yaml
from reconciler.contract.kind import Kind
from reconciler.contract.vendor import Placed
from reconciler.errors import Invalid
from reconciler.findings import shown as text
from reconciler.model import NAME, Address, Delivery, Fields, Location, Problem, Resource
from reconciler.yaml.words import MAX_BYTES

DEFAULTS = "_defaults"
INDIRECTIONS = (frozenset({"ref"}), frozenset({"ref", "output"}), frozenset({"var"}), frozenset({"secret"}),
                frozenset({"file"}), frozenset({"format", "with"}), frozenset({"literal"}))
"""Maps with exactly these keys stand for something else, everywhere."""


class Catalogue(Protocol):
    """What can be declared in a stack; `vendors` are its connections, `absent` those that the stack leaves out."""

    vendors: Mapping[str, str]
    absent: frozenset[str]

    def kind(self, bound: str) -> Kind[Any] | None:
        """A kind without a client, by its bound name."""

    def names(self) -> Iterable[str]:
        """Every kind that can be declared, by bound name."""

    def takes(self, sink: str) -> bool | None:
        """Whether secrets can be delivered there; None when a path and a key have to say where."""

    def placed(self, delivery: Delivery, resources: Collection[Resource]) -> Placed:
        """Where a delivery ends up among the declared entries."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One file's part of an entry: where it stands, and what `{file: …}` in it is relative to."""

    document: yaml.Document
    path: tuple[Any, ...]
    folder: Path

    def has(self, path: tuple[Any, ...]) -> bool:
        """Whether this file says that path."""
        return (*self.path, *path) in self.document.places


@dataclass(slots=True)
class Entry:
    """One entry as written; `layers` from the strongest to the weakest."""

    address: Address
    raw: Fields
    layers: list[Layer] = field(default_factory=list)
    own: Layer | None = None

    @property
    def at(self) -> Location:
        """Where the entry's name stands."""
        layer = self.own or self.layers[0]
        return layer.document.at(layer.path, key=True)

    def layer(self, path: tuple[Any, ...]) -> Layer:
        """The file that says a path, or the nearest thing above it."""
        while path:
            for layer in self.layers:
                if layer.has(path):
                    return layer
            path = path[:-1]
        return self.own or self.layers[0]

    def problem(self, message: str, path: tuple[Any, ...] = (), *, hint: str = "", help: str = "", key: bool = False,
                severity: str = "error") -> Problem:
        """A mistake at a path of this entry; an empty path is its name."""
        key = key or not path
        layer = self.layer(path)
        while path and not layer.has(path):
            path, key = path[:-1], key or len(path) == 1
        full = (*layer.path, *path)
        return Problem(message, layer.document.at(full, key=key), text(path), hint, help,
                       layer.document.width(full, key=key), severity)


def indirect(value: Any) -> bool:
    """Whether a value is a map that stands for something else."""
    return isinstance(value, dict) and 0 < len(value) < 3 and frozenset(value) in INDIRECTIONS


def merged(base: Any, over: Any) -> Any:
    """Maps are merged key by key, everything else is replaced; an indirection is no map in this sense."""
    if isinstance(base, dict) and isinstance(over, dict) and not indirect(base) and not indirect(over):
        return {**base, **{key: merged(base[key], value) if key in base else value for key, value in over.items()}}
    return over


def files(folder: Path, problems: list[Problem], shown: str) -> Iterator[tuple[str, Path]]:
    """Every manifest below a folder, sorted, with the name it is shown by."""
    found: list[Path] = []

    def failed(error: OSError) -> None:
        problems.append(Problem(f"{shown}/{Path(error.filename).relative_to(folder)} can't be read: {error.strerror}"))

    for here, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        found.extend(Path(here, name) for name in names if not name.startswith("."))
    for path in sorted(found):
        name = f"{shown}/{path.relative_to(folder).as_posix()}"
        if path.suffix == ".yml":
            problems.append(Problem("manifests end in .yaml; this file would be left out", Location(name, 1, 1),
                                    help=f"rename it to {path.stem}.yaml"))
        elif path.suffix == ".yaml" and not path.name.endswith(".test.yaml"):
            yield name, path


def contents(path: Path, most: int) -> bytes:
    """The first bytes of a regular file, up to one more than `most`; a pipe or a device would be waited for without end."""
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is no file" if path.exists() else os.strerror(errno.ENOENT))
    with path.open("rb") as file:
        return file.read(most + 1)


def documents(folder: Path, problems: list[Problem], shown: str) -> Iterator[yaml.Document]:
    """Every manifest below a folder, parsed; what can't be read or parsed is a problem, never absence."""
    for name, path in files(folder, problems, shown):
        try:
            if path.resolve().is_relative_to(folder.resolve()):
                yield yaml.parse(contents(path, MAX_BYTES), name)
            else:
                problems.append(Problem("the file is a link that leads out of its folder", Location(name, 1, 1),
                                        help="put the file itself there"))
        except RuntimeError:
            problems.append(Problem("the file is a link that goes round", Location(name, 1, 1)))
        except OSError as error:
            problems.append(Problem(f"the file can't be read: {error.strerror}", Location(name, 1, 1)))
        except Invalid as error:
            problems.extend(error.problems)


def entries(folder: Path, problems: list[Problem], shown: str, *, overlay: bool = False) -> dict[Address, Entry | None]:
    """The entries of a folder's files; in an overlay, None for one that is left out."""
    found: dict[Address, Entry | None] = {}
    places: dict[Address, Location] = {}
    for document in documents(folder, problems, shown):
        for address, path, raw, defaults in _in(document, problems, overlay=overlay):
            at = document.at(path, key=True)
            if address in places:
                problems.append(Problem(f"{address} is declared twice, first at {places[address]}", at,
                                        help="rename one of them", width=document.width(path, key=True)))
                continue
            places[address] = at
            if raw is None:
                found[address] = None
                continue
            own = Layer(document, path, folder)
            weak = Layer(document, (path[0], DEFAULTS), folder)
            found[address] = Entry(address, merged(defaults, raw) if defaults else raw, [own, weak] if defaults else [own], own)
    return found


def _in(
    document: yaml.Document, problems: list[Problem], *, overlay: bool
) -> Iterator[tuple[Address, tuple[Any, ...], Any, Fields]]:
    """One file's entries as (address, path, fields, defaults)."""
    def told(message: str, path: tuple[Any, ...], help: str = "", *, key: bool = False) -> None:
        problems.append(Problem(message, document.at(path, key=key), text(path), "", help, document.width(path, key=key)))

    if not isinstance(document.value, dict):
        told("a manifest is a map: kind, name, fields", (), "stripe.price: {pro: {unit_amount: 2900, …}}")
        return
    for kind, named in document.value.items():
        if not isinstance(named, dict) or not named:
            told(f"{kind} holds a map of name → fields", (kind,), key=not named)
            continue
        defaults = named.get(DEFAULTS, {})
        if not isinstance(defaults, dict):
            told("_defaults is a map of fields", (kind, DEFAULTS))
            defaults = {}
        for name, raw in named.items():
            path = (kind, name)
            if name == DEFAULTS:
                continue
            if not NAME.match(name):
                told(f"{name!r} is not a name: letters, digits, _ . @ - and no other first character than a letter or digit",
                     path, key=True)
            elif raw is None and not overlay:
                told(f"{name} has no fields", path, "write {} where an entry needs none, or delete it", key=True)
            elif raw is not None and not isinstance(raw, dict):
                told(f"{name} is a map of fields", path)
            else:
                yield Address(kind, name), path, raw, defaults


def overlaid(base: Mapping[Address, Entry | None], over: Mapping[Address, Entry | None]) -> tuple[dict[Address, Entry], int]:
    """A stack's overlay laid on the manifests, and how many entries it leaves out."""
    found = {address: entry for address, entry in base.items() if entry is not None}
    left_out = 0
    for address, entry in over.items():
        below = found.get(address)
        if entry is None:
            left_out += found.pop(address, None) is not None
        elif below is None:
            found[address] = entry
        else:
            found[address] = Entry(address, merged(below.raw, entry.raw), [*entry.layers, *below.layers], below.own)
    return found, left_out
