"""The least permissions per vendor: what a credential must be allowed for each kind, to plan and to apply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.contract import Permissions
from reconciler.contract.kind import Kind

PAGE = "permissions.md"
LABELS = ("To plan", "To apply", "For facts")
HEADS = ("kind", "a plan needs", "an apply needs besides", "facts in a plan need")


def permissions_page(kinds: Sequence[Kind[Any]], generated: str) -> str:
    """All kinds by vendor, a line each, with links to their pages."""
    lines = [generated, "# Least permissions", "",
             ("What a credential must be allowed, under the vendor's own names. A credential that only plans needs the first "
              "column; what feeds facts is left out of a plan with a word where it is missing. `<field>` stands for a field of "
              "the entry. `reconciler doctor` compares this with what the credential holds.")]
    for vendor in dict.fromkeys(kind.vendor for kind in kinds):
        rows = [(f"[{kind.bound}]({kind.bound}.md)", *cells(kind.permissions)) for kind in kinds if kind.vendor == vendor]
        lines += ["", f"## {vendor}", "", f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS),
                  *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def section(kind: Kind[Any]) -> list[str]:
    """The same on a kind's own page."""
    rows = [(head, cell) for head, cell in zip(HEADS[1:], cells(kind.permissions), strict=True) if cell]
    return ["## Permissions", "", "|  |  |", "|---|---|", *(f"| {head[0].upper()}{head[1:]} | {cell} |" for head, cell in rows)]


def rows_of(kind: Kind[Any]) -> list[tuple[str, str]]:
    """The same in a terminal."""
    return [(label, cell.replace("`", "")) for label, cell in zip(LABELS, cells(kind.permissions), strict=True) if cell]


def cells(permissions: Permissions) -> tuple[str, str, str]:
    """To plan, to apply, to know facts."""
    return _names(permissions.read), _names(permissions.write), _names(permissions.look)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{one.replace('{', '<').replace('}', '>')}`" for one in names)
