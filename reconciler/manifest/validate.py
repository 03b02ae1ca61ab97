"""Entries → resources: fields against their specs, and what no single entry can know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from reconciler.contract.kind import Kind
from reconciler.contract.spec import PLAIN, Mark, Shape, Spec, shape_of
from reconciler.findings import findings
from reconciler.findings import shown as text
from reconciler.manifest.entries import Catalogue, Entry
from reconciler.manifest.lifecycle import lifecycle
from reconciler.manifest.places import Places, keys
from reconciler.manifest.resolve import Names, Resolve
from reconciler.model import Address, Fields, Lifecycle, Problem, Resource, refs_in
from reconciler.suggest import did_you_mean


def resource(entry: Entry, kind: Kind[Any], names: Names, problems: list[Problem]) -> Resource | None:
    """One entry checked; None when its fields are wrong, with the reasons in `problems`."""
    before = len(problems)
    life = lifecycle(entry, kind, names.catalogue, problems)
    fields = Resolve(entry, kind, names, problems).fields()
    for name, shape in kind.shape.children.items():
        if Mark.NAMED in shape.marks and name not in fields and life.id is None:
            fields[name] = entry.address.name
    checked = _checked(entry, kind, life, fields, problems)
    if len(problems) > before:
        return None
    return Resource(entry.address, kind.implied(checked), entry.at, life, Places(entry))


def _checked(entry: Entry, kind: Kind[Any], life: Lifecycle, fields: Fields, problems: list[Problem]) -> Fields:
    """The fields as their spec sees them; a bound entry that is only looked up need not give any."""
    nulls: list[tuple[Any, ...]] = []
    stripped = _without_nulls(fields, kind.shape, (), nulls)
    checked: Fields = stripped
    try:
        checked = kind.spec.model_validate(stripped).given()
    except ValidationError as error:
        told = [one for one in error.errors() if not (one["type"] == "missing" and not life.manage and len(one["loc"]) == 1)]
        problems.extend(_complaints(entry, kind, told, stripped))
    for path in nulls:
        _put(checked, path)
    try:
        said = list(kind.check(checked))
    except (AttributeError, LookupError, TypeError, ValueError):
        if checked is not stripped:
            raise
        said = []  # it tripped over what is told already
    told_of_all = [entry.problem(f"{at}: {message}", keys(at), help=_explained(kind, at)) for at, message in said]
    problems.extend(problem for problem in told_of_all if problem not in problems)  # its spec may have said it
    return checked


def _complaints(entry: Entry, kind: Kind[Any], errors: Iterable[Any], value: Fields) -> Iterator[Problem]:
    for found in findings(errors, value, lambda path: _known(kind.spec, path)):
        where = text(found.path)
        message = found.message
        if found.missing:
            message = f"{where}.{message}" if where else message
        elif found.about_key:
            within = text(found.path[:-1])
            message = f"{found.path[-1]} is not a field of {within or kind.bound}"
        else:
            message = f"{where}: {message}"
        help = _explained(kind, where if not found.about_key else text(found.path[:-1]))
        yield entry.problem(message, found.path, hint=found.hint, help=help, key=found.about_key)


def _explained(kind: Kind[Any], path: str) -> str:
    first = path.partition(".")[0].partition("[")[0]
    return f"reconciler explain {kind.bound}.{first}" if first in kind.shape.children else f"reconciler explain {kind.bound}"


def _known(spec: type[Spec], path: tuple[Any, ...]) -> list[str]:
    shape = shape_of(spec)
    for part in path:
        shape = (shape.item or PLAIN) if isinstance(part, int) else shape.child(str(part))
    return [*shape.children, *(["lifecycle"] if not path else [])]


def _without_nulls(value: Any, shape: Shape, path: tuple[Any, ...], nulls: list[tuple[Any, ...]]) -> Any:
    """The value without the nulls of fields that may be left out: there null means the vendor's default."""
    if isinstance(value, dict) and shape.kind == "model":
        kept = {}
        for key, item in value.items():
            child = shape.children.get(key)
            if item is None and child is not None and not child.required:
                nulls.append((*path, key))
            else:
                kept[key] = _without_nulls(item, child or PLAIN, (*path, key), nulls)
        return kept
    if isinstance(value, list) and shape.item is not None and shape.item.kind == "model":
        return [_without_nulls(item, shape.item, (*path, n), nulls) for n, item in enumerate(value)]
    return value


def _put(fields: Any, path: tuple[Any, ...]) -> None:
    for part in path[:-1]:
        if not isinstance(fields, (dict, list)):
            return  # the spec made one text of it, in which what is left out and what is null are the same
        fields = fields[part]
    if isinstance(fields, dict):
        fields[path[-1]] = None


# what no single entry can know


def unknown(entry: Entry, catalogue: Catalogue) -> Problem:
    """Why there is no such kind."""
    connection, _, noun = entry.address.kind.partition(".")
    layer = entry.own or entry.layers[0]
    at, width = layer.document.at(layer.path[:1], key=True), layer.document.width(layer.path[:1], key=True)
    if not noun:
        return Problem(
            f"{connection} is not a kind: a kind is vendor.noun",
            at,
            hint=did_you_mean(connection, catalogue.names()),
            width=width,
        )
    if connection not in catalogue.vendors:
        near = did_you_mean(connection, catalogue.vendors)
        return Problem(f"{connection} is not configured", at, hint=near, width=width,
                       help=f"add it under vendors: in reconciler.yaml ({connection}: {{…}})")
    kinds = [name for name in catalogue.names() if name.partition(".")[0] == connection]
    return Problem(f"there is no kind {entry.address.kind}", at, hint=did_you_mean(entry.address.kind, kinds), width=width,
                   help=f"there are: {', '.join(kinds)}" if kinds else "")


def doubles(
    resources: Iterable[Resource], kinds: Mapping[str, Kind[Any]], entries: Mapping[Address, Entry]
) -> Iterator[Problem]:
    """Two entries on one object: the same natural key, unless ids tell them apart, or the same `lifecycle.id`."""
    first: dict[tuple[Any, ...], Resource] = {}
    for one in resources:
        key = kinds[one.address.kind].identity(one.fields)
        for what, value, path in (("natural key", key, ()), ("lifecycle.id", one.lifecycle.id, ("lifecycle", "id"))):
            if value is None:
                continue
            other = first.setdefault((one.address.kind, what, value), one)
            told_apart = what == "natural key" and one.lifecycle.id is not None and other.lifecycle.id is not None
            if other is not one and not told_apart:
                shown = value if isinstance(value, str) else ", ".join(map(str, value))
                yield entries[one.address].problem(
                    f"{one.address} and {other.address} ({other.at}) have the same {what}: {shown}", path,
                    help="one object can't follow two entries: change one of them")


def circles(resources: Iterable[Resource], kinds: Mapping[str, Kind[Any]]) -> Iterator[Problem]:
    """References that go round; deferred fields are set after both ends exist and don't count."""
    by_address = {one.address: one for one in resources}
    left = {address: _needs(kinds[address.kind], one) & by_address.keys() for address, one in by_address.items()}
    while True:
        try:
            tuple(TopologicalSorter(left).static_order())
        except CycleError as error:
            ring: list[Address] = error.args[1]
            first = min(ring)
            yield Problem(f"references go round in a circle: {' -> '.join(map(str, reversed(ring)))}", by_address[first].at,
                          help="take one of these references out")
            left = {a: needs - set(ring) for a, needs in left.items() if a not in ring}
        else:
            return


def _needs(kind: Kind[Any], one: Resource) -> set[Address]:
    shapes = kind.shape.children
    return {ref.address for name, value in one.fields.items() if Mark.DEFERRED not in shapes.get(name, PLAIN).marks
            for ref in refs_in(value)} | {*one.waits}
