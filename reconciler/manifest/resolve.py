"""Puts variables, files and formats in, and tokens in the place of references and secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from reconciler.contract.kind import Kind
from reconciler.contract.spec import PLAIN, Link, Mark, Shape
from reconciler.errors import Failure
from reconciler.findings import shown as text
from reconciler.manifest.entries import Catalogue, Entry, contents, indirect
from reconciler.model import Address, Problem, Ref, SecretRef
from reconciler.suggest import did_you_mean

MAX_FILE = 1_000_000
_HOLE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")

Path_ = tuple[Any, ...]


_UNRESOLVED = Ref.to(Address("unresolved.value", "x"))
"""Stands for what can't be resolved: models have nothing to say of a token."""


class _Wrong(Exception):
    """One value can't be resolved; the problem is noted."""


@dataclass(frozen=True, slots=True)
class Names:
    """What indirections may name: variables, secrets, and the declared and left out entries."""

    catalogue: Catalogue
    variables: Mapping[str, Any]
    secrets: Collection[str]
    declared: Collection[Address]
    absent: Collection[Address]
    variable: Callable[[str], Any]


class Resolve:
    """Resolves one entry; mistakes are added to `problems`."""

    def __init__(self, entry: Entry, kind: Kind[Any], names: Names, problems: list[Problem]) -> None:
        self.entry, self.kind, self.names, self.problems = entry, kind, names, problems

    def fields(self) -> dict[str, Any]:
        """The entry's fields without `lifecycle`; a token stands for what can't be resolved."""
        shapes = self.kind.shape.children
        return {name: self._inner(value, shapes.get(name, PLAIN), (name,), secret=False)
                for name, value in self.entry.raw.items() if name != "lifecycle"}

    def _value(self, value: Any, shape: Shape, path: Path_, *, secret: bool) -> Any:
        if isinstance(value, dict):
            if indirect(value):
                return self._indirect(value, shape, path, secret=secret)
            return {key: self._inner(item, shape.child(key), (*path, key), secret=secret) for key, item in value.items()}
        if isinstance(value, list):
            return [self._inner(item, shape.item or PLAIN, (*path, n), secret=secret) for n, item in enumerate(value)]
        if secret and value is not None and not isinstance(value, bool):
            self._wrong(f"{text(path)}: a secret is never written down", path,
                        help="name it under secrets: in reconciler.yaml, and write {secret: NAME}")
        return value

    def _inner(self, value: Any, shape: Shape, path: Path_, *, secret: bool) -> Any:
        try:
            return self._value(value, shape, path, secret=secret or Mark.SECRET in shape.marks)
        except _Wrong:
            return _UNRESOLVED

    def _indirect(self, value: dict[str, Any], shape: Shape, path: Path_, *, secret: bool) -> Any:
        if "ref" in value:
            return self._ref(value, shape, path, secret=secret)
        if "secret" in value:
            return self._secret(value["secret"], path, secret=secret)
        if "literal" in value:
            if secret:
                self._wrong(f"{text(path)}: a secret is never written down", path)
            return value["literal"]
        if secret:
            word = next(iter(value))
            self._wrong(f"{text(path)}: only a secret or a reference fits here, not {{{word}: …}}", path)
        if "var" in value:
            return self._variable(value["var"], (*path, "var"))
        if "file" in value:
            return self._file(value["file"], path)
        return self._format(value, path)

    # what indirections stand for

    def _ref(self, value: Mapping[str, Any], shape: Shape, path: Path_, *, secret: bool) -> Ref:
        named, output = value["ref"], value.get("output")
        if not isinstance(named, str) or not (output is None or isinstance(output, str)):
            self._wrong("ref and output are texts", path)
        address = self._address(named, shape.link, path)
        kind = self.names.catalogue.kind(address.kind)
        if kind is None:
            self._wrong(f"there is no kind {address.kind}", (*path, "ref"),
                        hint=did_you_mean(address.kind, self.names.catalogue.names()))
        self._declared(address, path)
        linked = shape.link is not None and self.kind.kin(shape.link.kind) == address.kind
        output = output or (shape.link.output if linked and shape.link is not None else "id")
        if output not in kind.outputs:
            self._wrong(f"{address} has no output {output!r}: there is {', '.join(kind.outputs)}", (*path, "output"),
                        hint=did_you_mean(output, kind.outputs))
        if shape.link is not None and not linked and shape.link.kind.partition(".")[2] != address.kind.partition(".")[2]:
            self._wrong(f"{text(path)} refers to a {self.kind.kin(shape.link.kind)}, not to a {address.kind}", (*path, "ref"))
        if kind.outputs[output].secret and not secret:
            self._wrong(f"{text(path)}: {output} of {address} is secret and fits only in fields for secrets", path)
        return Ref.to(address, output)

    def _address(self, named: str, link: Link | None, path: Path_) -> Address:
        if "/" not in named:
            if link is None:
                self._wrong(f"{text(path)}: say which kind {named!r} is", (*path, "ref"), help="{ref: stripe.price/NAME}")
            return Address(self.kind.kin(link.kind), named)
        try:
            return Address.parse(named)
        except ValueError as error:
            self._wrong(str(error), (*path, "ref"))

    def _declared(self, address: Address, path: Path_) -> None:
        if address in self.names.declared:
            return
        if address in self.names.absent:
            self._wrong(f"{address} is left out of this stack", (*path, "ref"),
                        help="leave this entry out too, or clear the field in the stack's overlay")
        near = [a.name for a in self.names.declared if a.kind == address.kind]
        elsewhere = next((a for a in self.names.declared if a.name == address.name and a != address), None)
        hint = did_you_mean(address.name, near) or (f"there is {elsewhere}" if elsewhere else "")
        self._wrong(f"{address} is not declared", (*path, "ref"), hint=hint)

    def _secret(self, name: Any, path: Path_, *, secret: bool) -> SecretRef:
        if not secret:
            self._wrong(f"{text(path)} is not a field for secrets", path,
                        help="a secret may not stand in a name, a url, metadata or a text that others can read")
        if not isinstance(name, str) or name not in self.names.secrets:
            self._wrong(f"there is no secret {name!r} in reconciler.yaml", (*path, "secret"),
                        hint=did_you_mean(str(name), self.names.secrets), help="declare it under secrets:")
        return SecretRef.to(str(name))

    def _variable(self, name: Any, path: Path_) -> Any:
        if not isinstance(name, str) or name not in self.names.variables:
            self._wrong(f"there is no variable {name!r} in reconciler.yaml", path,
                        hint=did_you_mean(str(name), self.names.variables), help="declare it under vars:")
        try:
            return self.names.variable(str(name))
        except Failure as error:
            self._wrong(error.message, path, help=error.next)

    def _file(self, name: Any, path: Path_) -> str:
        folder = self.entry.layer(path).folder
        if not isinstance(name, str) or not name:
            self._wrong("file is the path of a text file below manifests/", (*path, "file"))
        try:
            target = (folder / name).resolve()
        except (OSError, RuntimeError, ValueError):  # links that go round, characters that no path may have
            self._wrong(f"{name!r} is no path", (*path, "file"))
        if Path(name).is_absolute() or not target.is_relative_to(folder.resolve()):
            self._wrong(f"{name} lies outside of {folder.name}/", (*path, "file"), help="copy it into that folder")
        try:
            data = contents(target, MAX_FILE)
            if len(data) > MAX_FILE:
                self._wrong(f"{name} is larger than 1 MB", (*path, "file"))
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except OSError as error:
            self._wrong(f"{name} can't be read: {error.strerror}", (*path, "file"),
                        help=f"paths are relative to {folder.name}/")
        except UnicodeDecodeError:
            self._wrong(f"{name} is not UTF-8 text", (*path, "file"))

    def _format(self, value: Mapping[str, Any], path: Path_) -> str:
        shape, given = value["format"], value["with"]
        if not isinstance(shape, str) or not isinstance(given, dict):
            self._wrong('format is a text and with a map: {format: "…{x}…", with: {x: …}}', path)
        known = {key: self._inner(item, PLAIN, (*path, "with", key), secret=False) for key, item in given.items()}
        for key, item in known.items():
            if isinstance(item, (dict, list)) or item is None:
                self._wrong(f"{key} is not a text or a number", (*path, "with", key))
        used: set[str] = set()

        def put(hole: re.Match[str]) -> str:
            if hole[0] in ("{{", "}}"):
                return hole[0][0]
            if hole[1] is None:
                self._wrong(f"a single {hole[0]} in a format: write it twice for the character itself", (*path, "format"))
            if hole[1] not in known:
                self._wrong(f"{{{hole[1]}}} is not in `with`", (*path, "format"), hint=did_you_mean(hole[1], known))
            used.add(hole[1])
            return _written(known[hole[1]])

        done = _HOLE.sub(put, shape)
        for key in sorted(known.keys() - used):
            self._wrong(f"{key} is not used in the format", (*path, "with", key), key=True)
        return done

    def _wrong(self, message: str, path: Path_, *, hint: str = "", help: str = "", key: bool = False) -> NoReturn:
        self.problems.append(self.entry.problem(message, path, hint=hint, help=help, key=key))
        raise _Wrong


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


