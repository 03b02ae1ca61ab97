"""Live values taken into the manifests: all of it tried on a copy first, then every file written or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import yaml
from reconciler.engine.exporting import refer_by, referring
from reconciler.engine.plan import World, plan
from reconciler.errors import Invalid, Stale, Usage
from reconciler.manifest import MANIFESTS, OVERLAYS
from reconciler.manifest.edit import CantEdit, edited
from reconciler.manifest.entries import Entry, indirect
from reconciler.manifest.places import Places
from reconciler.manifest.taking import ABSENT, Left, Sheets, Taking
from reconciler.manifest.writing import put
from reconciler.model import Action, Address, Drift, Drifted, Fell, Problem, Resource

if TYPE_CHECKING:
    from reconciler.workspace.running import Workspace

_HELP = {Fell.REMOVED: "apply makes it again; or remove the entry", Fell.ARCHIVED: "apply brings it back; or remove the entry",
         Fell.TAKEN: "remove the entry, or `reconciler import --take-over`"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written, what was left with its place and reason, and how many entries are not taken whole (`open`)."""

    files: tuple[str, ...] = ()
    left: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    open: int = 0


@dataclass(frozen=True, slots=True)
class _Tried:
    """Files with live values in them, and the entries that these are of; nothing is on the disk yet."""

    data: Mapping[Path, bytes] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[Address, Action] = field(default_factory=dict)


def take(workspace: Workspace, world: World, drift: Drift) -> Taken:
    """Write what is live into the manifests where it can be written; Stale when they changed in the meantime."""
    try:
        return _Take(workspace, world, drift).take()
    except OSError as error:
        raise Usage(f"{error.filename or MANIFESTS} can't be read or copied: {error.strerror or error}",
                    "nothing was written") from error


class _Take:
    def __init__(self, workspace: Workspace, world: World, drift: Drift) -> None:
        self.workspace, self.world, self.drift = workspace, world, drift
        self.root, self.prefix = workspace.settled.root, workspace.settled.prefix
        self.resources = {one.address: one for one in workspace.validate()}
        self.outputs = referring(drift.plan.actions)
        self.read_by = _readers(self.resources.values())
        self.left: list[Left] = []
        self.loaded: Mapping[Address, Resource] = self.resources

    def take(self) -> Taken:
        """All that holds; nothing is written before all of it is known."""
        tried = self._held(_Tried(), self.drift.found)
        put(tried.data)
        places = tuple(self._place(one) for one in self.left)
        return Taken(tuple(self._shown(path) for path in sorted(tried.data)), places, tuple(self._warnings(tried.data)),
                     len({one.address for one in self.left}))

    def _held(self, before: _Tried, found: Sequence[Drifted]) -> _Tried:
        """These entries too; where that does not hold, each half by itself, so that one does not keep the others."""
        known = len(self.left)
        try:
            tried = self._with(before, found)
            why = self._wrong(tried) if tried.data != before.data else ""
        except CantEdit as error:
            why = f"it can't be written: {error}"
        if not why:
            return tried
        del self.left[known:]
        if len(found) == 1:
            self.left.append(Left(found[0].address, (), why, "change it by hand, or apply"))
            return before
        half = len(found) // 2
        return self._held(self._held(before, found[:half]), found[half:])

    # the entries

    def _with(self, before: _Tried, found: Iterable[Drifted]) -> _Tried:
        """The files with these entries' live values in them."""
        sheets, texts, actions, read = Sheets(before.values), dict[Path, str](), dict(before.actions), dict[str, Entry]()
        for one in found:
            if one.what is not Fell.CHANGED:
                what = f"{one.what.value} by {one.by}" if one.by else one.what.value
                self.left.append(Left(one.address, (), f"it was {what} at the vendor; the entry is left", _HELP[one.what]))
                continue
            taking = self._taking(one)
            self.left += taking.left
            sheets.lay(taking.entry, taking.fields)
            read |= {layer.document.file: taking.entry for layer in taking.entry.layers}
            texts |= taking.texts
            actions[one.address] = one.action
        data = dict(before.data)
        for file in sheets.touched:
            path = self._path(file)
            data[path] = edited(before.data.get(path) or self._bytes(read[file], file), sheets.values[file])
        for path, new in texts.items():
            old = path.read_bytes()
            ends = new.replace("\n", "\r\n") if b"\r\n" in old else new
            data[path] = (b"\xef\xbb\xbf" if old.startswith(b"\xef\xbb\xbf") else b"") + ends.encode()
        return _Tried(data, sheets.values, actions)

    def _taking(self, one: Drifted) -> Taking:
        action = one.action
        assert action.resource is not None
        assert action.live is not None
        assert action.want is not None
        kind = self.world.kinds[action.address.kind]
        said = kind.declare(action.live, refer_by(self.outputs, kind))
        taking = Taking(entry_of(action.resource), lambda path: self.read_by.get(path.resolve(), []))
        asked = {_top(change.path) for change in action.changes if not change.drift}
        secret = {_top(turned.path) for turned in one.fields if turned.secret}
        for name in dict.fromkeys(_top(turned.path) for turned in one.fields):
            if name in asked:
                taking.leave((name,), "the manifest asks for another value since the last apply, and is left")
            elif name in secret:
                taking.leave((name,), "a secret is never written down")
            else:
                taking.take(name, action.want.fields.get(name), action.live.fields.get(name), said.get(name, ABSENT),
                            kind.shape.child(name))
        return taking

    def _bytes(self, entry: Entry, file: str) -> bytes:
        """A file as it was when it was loaded; Stale when it is not any more."""
        data = self._path(file).read_bytes()
        then = next(layer.document.value for layer in entry.layers if layer.document.file == file)
        if yaml.parse(data, file).value != then:
            raise Stale(f"{file} was changed while this ran", "run it again; nothing was written")
        return data

    def _path(self, file: str) -> Path:
        return self.root / file.removeprefix(self.prefix)

    def _shown(self, path: Path) -> str:
        return f"{self.prefix}{path.relative_to(self.root).as_posix()}"

    # all of it

    def _wrong(self, tried: _Tried) -> str:
        """Why these files can't be written; empty when they say what is live, and of all other entries what they said."""
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            copy = Path(folder)
            for name in (MANIFESTS, OVERLAYS):
                if (self.root / name).is_dir():
                    shutil.copytree(self.root / name, copy / name, ignore_dangling_symlinks=True)
            for path, data in tried.data.items():
                (copy / path.relative_to(self.root)).write_bytes(data)
            try:
                loaded = self.workspace.settled.manifests(self.workspace.connections, copy).resources
            except Invalid as error:
                return f"what is live is no valid manifest: {error.problems[0].message}"
        now = {one.address: one for one in loaded}
        for address, before in self.resources.items():
            after, taken = now.get(address), address in tried.actions
            if after is None or before.lifecycle != after.lifecycle or (before.fields != after.fields and not taken):
                return f"{address} would change too"
        why = self._still(tried, loaded)
        if not why:
            self.loaded = now
        return why

    def _still(self, tried: _Tried, loaded: Iterable[Resource]) -> str:
        """What would still differ with these entries, beside what is left on purpose."""
        here = {kind.partition(".")[0] for kind in self.world.kinds}
        resources = tuple(one for one in loaded if one.address.connection in here)
        left = {(one.address, _top(one.path[0])) for one in self.left if one.path}
        again = {action.address: action for action in plan(replace(self.world, resources=resources)).actions}
        for address, action in tried.actions.items():
            asked = {_top(change.path) for change in action.changes if not change.drift}
            for change in again[address].changes if address in again else ():
                if _top(change.path) not in asked and (address, _top(change.path)) not in left:
                    return f"{change.path}: it can't be said so that it equals what is live"
        return ""

    def _place(self, left: Left) -> Problem:
        """What is left, where it stands now."""
        entry = entry_of(self.loaded.get(left.address) or self.resources[left.address])
        return entry.problem(f"{left.address}: {left.message}", left.path, help=left.help)

    def _warnings(self, written: Iterable[Path]) -> Iterable[str]:
        others = [name for name in self.workspace.project.stacks if name != self.workspace.stack.name]
        shared = [path for path in sorted(written) if path.is_relative_to(self.root / MANIFESTS)]
        if others and shared:
            yield (f"{', '.join(map(self._shown, shared))}: read by {', '.join(others)} too, "
                   f"which {'is' if len(others) == 1 else 'are'} asked for the same from now on")


def entry_of(resource: Resource) -> Entry:
    """The entry of a resource as it is written."""
    assert isinstance(resource.places, Places)
    return resource.places.entry


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _readers(resources: Iterable[Resource]) -> dict[Path, list[str]]:
    """Which entries read a text file, by the file."""
    found: dict[Path, list[str]] = {}
    for one in resources:
        entry = entry_of(one)
        for path, name in _files(entry.raw, ()):
            readers = found.setdefault((entry.layer(path).folder / name).resolve(), [])
            readers.append(str(one.address))
    return found


def _files(value: Any, path: tuple[Any, ...]) -> Iterable[tuple[tuple[Any, ...], str]]:
    if indirect(value) and "file" in value:
        yield path, str(value["file"])
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _files(item, (*path, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _files(item, (*path, n))
