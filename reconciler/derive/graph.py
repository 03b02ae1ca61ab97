"""Which entry needs which, as text, Mermaid or DOT; a deferred link is marked, for it orders nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.contract import Mark
from reconciler.contract.kind import Kind
from reconciler.derive.values import columns, safe
from reconciler.model import Address, Resource, refs_in
from reconciler.paths import leaves

AFTERWARDS = "set afterwards"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One entry refers to another in `fields`; `late` where only a second step sets them all."""

    user: Address
    needed: Address
    fields: tuple[str, ...]
    late: bool


def edges(resources: Iterable[Resource], kinds: Mapping[str, Kind[Any]]) -> list[Edge]:
    """Every reference once, sorted."""
    return sorted(edge for resource in resources for edge in _edges(resource, kinds.get(resource.address.kind)))


def _edges(resource: Resource, kind: Kind[Any] | None) -> Iterator[Edge]:
    found: dict[Address, set[str]] = {}
    for path, value in leaves(resource.fields).items():
        for ref in refs_in(value):
            found.setdefault(ref.address, set()).add(path)
    late = {name for name, shape in kind.shape.children.items() if Mark.DEFERRED in shape.marks} if kind else set()
    for address, paths in found.items():
        yield Edge(resource.address, address, tuple(sorted(paths)), {path.partition(".")[0] for path in paths} <= late)


def graph(resources: Iterable[Resource], kinds: Mapping[str, Kind[Any]], form: str) -> str:
    """The dependencies of these entries; `form` is text, mermaid or dot."""
    resources = list(resources)
    links = edges(resources, kinds)
    names = sorted({r.address for r in resources} | {edge.needed for edge in links})
    return {"text": _text, "mermaid": _mermaid, "dot": _dot}[form](names, links)


def _text(names: list[Address], links: list[Edge]) -> str:
    by_user: dict[Address, list[Edge]] = {}
    for edge in links:
        by_user.setdefault(edge.user, []).append(edge)
    lines = []
    for name in names:
        lines.append(safe(str(name)))
        rows = [(f"needs {edge.needed}", _label(edge)) for edge in by_user.get(name, ())]
        lines.extend(columns(rows, indent="    ") if rows else ())
    return "\n".join(lines or ["There are no entries."]) + "\n"


def _label(edge: Edge) -> str:
    return safe(", ".join(edge.fields)) + (f"  ({AFTERWARDS})" if edge.late else "")


def _mermaid(names: list[Address], links: list[Edge]) -> str:
    ids = {name: f"n{n}" for n, name in enumerate(names)}
    lines = ["graph LR", *(f'    {ids[name]}["{_entity(str(name))}"]' for name in names)]
    for edge in links:
        arrow = "-.->" if edge.late else "-->"
        lines.append(f'    {ids[edge.user]} {arrow}|"{_entity(", ".join(edge.fields))}"| {ids[edge.needed]}')
    return "\n".join(lines) + "\n"


def _entity(text: str) -> str:
    """A label's text with everything that Mermaid or HTML would read in it spelled out."""
    return "".join(one if one.isalnum() or one in " ._/,-@:" else f"#{ord(one)};" for one in safe(text))


def _dot(names: list[Address], links: list[Edge]) -> str:
    lines = ["digraph {", "    rankdir=LR;", "    node [shape=box];", *(f"    {_word(str(name))};" for name in names)]
    for edge in links:
        style = f", style=dashed, tooltip={_word(AFTERWARDS)}" if edge.late else ""
        label = _word(", ".join(edge.fields))
        lines.append(f"    {_word(str(edge.user))} -> {_word(str(edge.needed))} [label={label}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _word(text: str) -> str:
    """A quoted text as DOT reads it."""
    return json.dumps(safe(text), ensure_ascii=False)
